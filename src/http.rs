//! The outside: routes, headers, and the one place where errors become HTTP.

mod accounts;
mod annotations;
mod api;
mod bodies;
mod books;
mod client;
mod connections;
mod cookies;
pub mod description;
mod door;
mod engines;
mod error;
mod events;
mod headers;
mod imports;
mod limits;
mod listen;
mod needs;
mod notice;
mod origin;
mod packs;
mod params;
mod passages;
mod preferences;
mod pronunciations;
mod slots;
mod storage;
mod visit;
mod voice;

use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use app::backend::Backend;
use app::model::{EndpointCard, Person};
use axum::Router;
use axum::extract::{FromRef, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, delete, get, post};
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{AxumRouteListing, ErrorHandler, LeptosRoutes, generate_route_list};
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{Any, CorsLayer};
use tower_http::services::ServeDir;

use crate::backend::Server;
use crate::library::Library;
use crate::narration::Narrator;
use crate::redis::RedisConnection;
use crate::speech::Voices;
use crate::speech::engines::Engines;
use crate::speech::packs::Packs;

pub use connections::serve;
pub use door::Door;
pub use error::ApiError;
pub use limits::Limits;
pub use origin::Names;
use visit::Visit;

/// How long a browser need not ask again whether pages of other sites may ask for something.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3600);

/// Smaller answers are not worth compressing, in bytes.
const COMPRESS_FROM_BYTES: u16 = 512;

/// How hard answers are compressed: a tenth smaller than at the default, for 2 ms a page. Files are
/// compressed when the app is built, as hard as can be.
const PAGE_COMPRESSION: CompressionLevel = CompressionLevel::Precise(6);

/// The routes of the pages, found once in a process: while leptos looks for them, a page that is being
/// rendered elsewhere in the process hangs for good (leptos-rs/leptos#4773).
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(app::App));

/// What handlers need. One handle, because it is cloned several times a request: cloning its parts took a
/// quarter of the time of a cached clip.
#[derive(Clone)]
pub struct AppState(Arc<AppParts>);

impl From<AppParts> for AppState {
    fn from(parts: AppParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}

/// What handlers need.
pub struct AppParts {
    /// Books.
    pub library: Library,
    /// Who can speak.
    pub voices: Arc<Voices>,
    /// Voices that can be installed.
    pub packs: Packs,
    /// Engines that are configured.
    pub engines: Engines,
    /// Who sees to it that they do.
    pub narrator: Narrator,
    /// Redis, where there is one.
    pub redis: Option<RedisConnection>,
    /// How often the API may be used.
    pub limits: Arc<Limits>,
    /// Who comes in.
    pub door: Door,
    /// The names under which the server is called.
    pub names: Names,
    /// Where the pages' files are, and how they are named.
    pub leptos: LeptosOptions,
    /// Open streams end when it is cancelled, or the server would never stop.
    pub shutdown: CancellationToken,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

/// All routes.
pub fn router(state: AppState) -> Router {
    let (endpoints, of_page) = (description::cards().into(), state.clone());
    let page_context = move || {
        provide_visit(&of_page, &endpoints);
        preferences::provide();
        headers::page_policy();
    };
    let shell = {
        let options = state.leptos.clone();
        move || app::shell(options.clone())
    };
    // `file_and_error_handler` would drop Range and If-None-Match; this passes them on.
    let files = ServeDir::new(&*state.leptos.site_root)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    let not_found =
        ErrorHandler::new_with_context(page_context.clone(), app::not_found, state.leptos.clone());
    let compressed = CompressionLayer::new().quality(PAGE_COMPRESSION).compress_when(
        SizeAbove::new(COMPRESS_FROM_BYTES)
            .and(NotForContentType::GRPC)
            .and(NotForContentType::IMAGES)
            .and(NotForContentType::SSE)
            .and(NotForContentType::const_new("audio/")),
    );
    let files_in = Router::new().route("/api/books", get(api::books).post(imports::import));
    let texts_in = Router::new()
        .route("/api/books/{book}/annotations", get(annotations::list).post(annotations::add))
        .route(
            "/api/books/{book}/annotations/{annotation}",
            post(annotations::set_note).delete(annotations::remove),
        )
        .route("/api/books/{book}/pronunciations/import", post(pronunciations::import))
        .route("/api/voice", get(voice::audio).post(voice::speak));
    let pages = Router::new()
        .leptos_routes_with_context(&state, PAGES.clone(), page_context, shell)
        .merge(site_files(&files))
        .fallback_service(not_found)
        .layer(middleware::from_fn(without_slash))
        .layer(middleware::from_fn(events::in_our_words))
        .layer(middleware::from_fn(origin::reject_cross_site_but_links));
    let calls = Router::new()
        .merge(bodies::streamed(files_in, bodies::FILE_BYTES))
        .merge(bodies::limited(texts_in, bodies::TEXT_BYTES))
        .merge(bodies::limited(small_requests(), bodies::SMALL_BYTES))
        .layer(middleware::from_fn(origin::reject_cross_site));
    let as_openai = bodies::limited(as_openai(), bodies::TEXT_BYTES)
        .layer(middleware::from_fn(origin::reject_cross_site_but_tokens))
        .layer(foreign_pages());
    Router::new()
        .merge(calls)
        .merge(as_openai)
        .merge(bodies::limited(pages, bodies::SMALL_BYTES))
        .layer(middleware::from_fn_with_state(state.clone(), preferences::load))
        .layer(compressed)
        // Sound is no page and cannot be compressed.
        .merge(sound(&state))
        .layer(middleware::from_fn_with_state(state.clone(), door::let_in))
        .layer(middleware::map_response(headers::secure))
        .with_state(state)
}

/// Leads on from an address with a slash at its end to the one without, which may be a page.
async fn without_slash(matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let page = path.trim_end_matches('/');
    let is_page = matched.is_none() && page.len() < path.len() && page.starts_with('/');
    if is_page && !page.starts_with("//") && *request.method() == Method::GET {
        return Redirect::to(page).into_response();
    }
    next.run(request).await
}

/// The files of the pages: those at the top by their names, so that nothing else is served by accident.
fn site_files(files: &ServeDir) -> Router<AppState> {
    const PATHS: [&str; 9] = [
        "/pkg/{*file}",
        "/fonts/{*file}",
        "/icons/{*file}",
        "/samples/{*file}",
        "/favicon.svg",
        "/manifest.webmanifest",
        "/operator.css",
        "/settings.css",
        "/sw.js",
    ];
    PATHS.iter().fold(Router::new(), |routes, path| routes.route_service(path, files.clone()))
}

/// Puts whoever asks, and the server as they see it, into the context of the page being rendered.
fn provide_visit(state: &AppState, endpoints: &Arc<[EndpointCard]>) {
    let parts = use_context::<Parts>();
    let person = parts.and_then(|parts| parts.extensions.get::<Arc<Person>>().cloned());
    let Visit { library, narrator, .. } = Visit::of(state, person.as_deref());
    let server: Arc<dyn Backend> = Arc::new(Server {
        library,
        narrator,
        voices: Arc::clone(&state.voices),
        packs: state.packs.clone(),
        engines: state.engines.clone(),
        accounts: state.door.accounts().clone(),
        endpoints: Arc::clone(endpoints),
    });
    provide_context(server);
    if let Some(person) = person {
        provide_context(person);
    }
}

/// Routes that take a form or a few values, or nothing.
fn small_requests() -> Router<AppState> {
    Router::new()
        .route("/health", get(api::health))
        .route("/api/books/{book}", get(api::book).post(books::rename).delete(books::delete))
        .route("/api/books/{book}/delete", post(books::delete))
        .route("/api/books/{book}/restore", post(books::restore))
        .route("/api/books/{book}/file", get(books::original))
        .route("/api/books/{book}/reimport", post(books::reimport))
        .route("/api/books/{book}/progress", get(books::progress).put(books::set_progress))
        .route("/api/books/{book}/search", get(api::search))
        .route("/api/books/{book}/passages", post(passages::direct))
        .route("/api/books/{book}/matter", post(passages::set_matter))
        .route("/api/books/{book}/annotations.md", get(annotations::markdown))
        .route("/api/books/{book}/annotations/{annotation}/delete", post(annotations::remove))
        .route(
            "/api/books/{book}/pronunciations",
            get(pronunciations::list).post(pronunciations::keep),
        )
        .route("/api/books/{book}/pronunciations.pls", get(pronunciations::pls))
        .route("/api/books/{book}/pronunciations.txt", get(pronunciations::lines))
        .route("/api/books/{book}/pronunciations/sample", get(pronunciations::sample))
        .route("/api/books/{book}/pronunciations/{entry}", delete(pronunciations::remove))
        .route("/api/books/{book}/pronunciations/{entry}/delete", post(pronunciations::remove))
        .route("/api/books/{book}/chapters/{chapter}", get(api::chapter))
        .route("/api/books/{book}/chapters/{chapter}/timeline", get(api::timeline))
        .route("/api/books/{book}/chapters/{chapter}/outline", get(api::outline))
        .route("/api/books/{book}/audios", get(api::audios))
        .route("/api/requests/{request}", get(api::request))
        .route("/api/voices", get(api::voices))
        .route("/api/packs", get(packs::list))
        .route("/api/packs/{name}", post(packs::install).delete(packs::remove))
        .route("/api/packs/{name}/sample", get(packs::sample))
        .route("/api/packs/{name}/delete", post(packs::remove))
        .route("/api/engines", get(engines::list).post(engines::add))
        .route("/api/engines/{name}", delete(engines::remove))
        .route("/api/engines/{name}/delete", post(engines::remove))
        .route("/api/engines/{name}/test", get(engines::tested).post(engines::test))
        .route("/api/storage", get(storage::figures).post(storage::set_limits))
        .route("/login", post(accounts::log_in))
        .route("/logout", post(accounts::log_out))
        .route("/setup", post(accounts::set_up))
        .route("/api/account/password", post(accounts::set_password))
        .route("/api/sessions", get(accounts::sessions))
        .route("/api/sessions/{session}", delete(accounts::end_session))
        .route("/api/sessions/{session}/delete", post(accounts::end_session))
        .route("/api/tokens", get(accounts::tokens).post(accounts::make_token))
        .route("/api/tokens/{token}", delete(accounts::end_token))
        .route("/api/tokens/{token}/delete", post(accounts::end_token))
        .route("/api/people", get(accounts::people).post(accounts::add_person))
        .route("/api/people/{person}", post(accounts::set_role).delete(accounts::remove_person))
        .route("/api/people/{person}/delete", post(accounts::remove_person))
        .route("/api/openapi.json", get(description::openapi))
        .route("/api/preferences", get(preferences::get))
        .route("/settings", post(preferences::set))
        .route("/go/{book}", get(books::go))
        .route("/api/{*unknown}", any(api::unknown))
        .route("/books/{book}/cover", get(books::cover))
        .route("/books/{book}/fonts.css", get(books::fonts))
        .route("/books/{book}/files/{*path}", get(books::file))
}

/// Routes that are another service's too.
fn as_openai() -> Router<AppState> {
    Router::new()
        .route("/v1/audio/speech", post(voice::openai_speech))
        .route("/v1/audio/voices", get(voice::openai_voices))
        .route("/v1/models", get(voice::openai_models))
}

/// Has a browser ask for pages of other sites, which send a token with what they ask.
fn foreign_pages() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .max_age(PREFLIGHT_AGE)
}

/// Routes of streams and clips.
fn sound(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/listen/{book}/{chapter}", get(listen::stream))
        .route("/listen/{book}/{chapter}/timeline", get(listen::timeline))
        .route_layer(middleware::from_fn_with_state(state.clone(), limits::refuse_more_streams))
        .route("/audio/{book}/{chapter}/{sentence}", get(listen::clip))
        .layer(middleware::from_fn(origin::reject_cross_site))
}
