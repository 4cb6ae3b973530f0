//! The outside: routes, headers, and the one place where errors become HTTP.

mod account;
mod annotations;
mod base;
mod bodies;
mod book_files;
mod books;
mod chapters;
mod client;
mod connections;
mod cookies;
mod dashboard;
mod door;
mod engines;
mod error;
mod events;
mod extract;
mod feeds;
mod files;
mod forms;
mod headers;
mod health;
mod imports;
mod kosync;
mod limits;
mod listen;
mod login;
pub mod metrics;
mod narrations;
mod notice;
mod oidc;
mod opds;
mod openai;
mod openapi;
mod origin;
mod packs;
mod pages;
mod passages;
mod passkeys;
mod people;
mod preferences;
mod pronunciations;
mod routes;
mod shares;
mod site;
mod slots;
mod statistics;
mod storage;
mod visit;
mod voice;
mod xml;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use app::base::Base;
use axum::Router;
use axum::extract::{ConnectInfo, FromRef};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware;
use axum::routing::any;
use leptos::prelude::LeptosOptions;
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{Any, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::routes;

use crate::dictionaries::Dictionaries;
use crate::jobs::Jobs;
use crate::library::Library;
use crate::narration::Narrator;
use crate::redis::RedisConnection;
use crate::speech::Voices;
use crate::speech::engines::Engines;
use crate::speech::packs::Packs;

pub use connections::serve;
pub use door::{Door, ProxyLogin};
pub use error::ApiError;
pub use limits::Limits;
pub use oidc::Providers;
pub use origin::Names;
use routes::{Needs, Routes};
pub use site::{Site, reached_at};
use visit::Visit;

/// How long a browser need not ask again whether pages of other sites may ask for something.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3600);

/// Smaller answers are not worth compressing, in bytes.
const COMPRESS_FROM_BYTES: u16 = 512;

/// How hard answers are compressed: a tenth smaller than at the default, for 2 ms a page. Files are
/// compressed when the app is built, as hard as can be.
const PAGE_COMPRESSION: CompressionLevel = CompressionLevel::Precise(6);

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

impl AppParts {
    /// The address of the site as a request has found it, or as it is set, without a slash at its end.
    fn found_at(&self, parts: &Parts) -> String {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let base = parts.extensions.get::<Base>().cloned().unwrap_or_default();
        self.site.page(&parts.headers, self.is_https(&parts.headers, peer), &base, "")
    }

    /// Whether a request came over HTTPS, as a trusted proxy says or the site's address has it.
    fn is_https(&self, headers: &HeaderMap, peer: IpAddr) -> bool {
        self.limits.is_https(headers, peer) || self.site.is_https(headers)
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
    /// Books that are narrated ahead.
    pub jobs: Jobs,
    /// Where words are looked up.
    pub dictionaries: Arc<Dictionaries>,
    /// Redis, where there is one.
    pub redis: Option<RedisConnection>,
    /// How often the API may be used.
    pub limits: Arc<Limits>,
    /// Who comes in.
    pub door: Door,
    /// The names under which the server is called.
    pub names: Names,
    /// Where people find it, if that was said.
    pub site: Site,
    /// Others who say who somebody is.
    pub providers: Providers,
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

/// The server.
pub fn router(state: AppState) -> Router {
    let compressed = CompressionLayer::new().quality(PAGE_COMPRESSION).compress_when(
        SizeAbove::new(COMPRESS_FROM_BYTES)
            .and(NotForContentType::GRPC)
            .and(NotForContentType::IMAGES)
            .and(NotForContentType::SSE)
            .and(NotForContentType::const_new("audio/")),
    );
    let of_pages = state.clone();
    let with_pages = move |routes: Router<AppState>| {
        routes
            .merge(pages::pages(&of_pages))
            .layer(middleware::from_fn_with_state(of_pages, preferences::load))
            .layer(compressed)
    };
    // Sound is no page and cannot be compressed.
    let (routes, mut asked, _) = api().map(with_pages).merge(sound()).split();
    let (of_programs, asked_of_programs, _) = for_programs().split();
    asked.merge(asked_of_programs);
    let door = door::Guarded { state: state.clone(), asked: Arc::new(asked) };
    let door = middleware::from_fn_with_state(door, door::let_in);
    let routes = routes
        .method_not_allowed_fallback(other_method)
        .layer(door.clone())
        // Also what the door refuses is for a page of another site to read.
        .merge(
            of_programs
                .method_not_allowed_fallback(other_method)
                .layer(door)
                .layer(foreign_pages()),
        )
        .layer(middleware::map_response(headers::secure))
        .with_state(state.clone());
    base::below(routes, state.site.base(), state.limits.proxies().clone())
}

/// What can be asked of the server, as it says of itself.
pub fn description() -> OpenApi {
    api().merge(for_programs()).merge(listen::streams()).merge(listen::clips()).split().2
}

/// The description as `docs/api.md` has it.
pub fn api_in_markdown() -> String {
    openapi::markdown(&description())
}

/// All routes but those of sound and of programs that speak OpenAI's API, and what pages ask for.
fn api() -> Routes {
    let calls = Routes::default()
        .merge(books::router())
        .merge(shares::router())
        .merge(narrations::router())
        .merge(feeds::router())
        .merge(kosync::router())
        .merge(opds::router())
        .merge(book_files::router())
        .merge(chapters::router())
        .merge(annotations::router())
        .merge(passages::router())
        .merge(pronunciations::router())
        .merge(preferences::router())
        .merge(voice::router())
        .merge(packs::router())
        .merge(engines::router())
        .merge(storage::router())
        .merge(dashboard::router())
        .merge(statistics::router())
        .merge(health::router())
        .merge(login::router())
        .merge(passkeys::router())
        .merge(account::router())
        .merge(people::router())
        .add(Needs::READ, routes!(openapi::openapi))
        .map(|routes| {
            routes
                .route("/api/{*unknown}", any(unknown))
                .layer(middleware::from_fn(origin::reject_cross_site))
        });
    calls
        .merge(feeds::for_apps())
        .merge(oidc::router())
        .merge(events::router())
        .merge(pages::router())
}

/// Routes that pages of other sites may ask for with a token.
fn for_programs() -> Routes {
    openai::router()
        .map(|routes| routes.layer(middleware::from_fn(origin::reject_cross_site_but_tokens)))
}

/// Where there is something, but not for this method.
async fn other_method(method: Method) -> ApiError {
    ApiError::OtherMethod(method.to_string())
}

/// Where the API has nothing.
async fn unknown() -> ApiError {
    ApiError::NotFound("There is no such address in the API.".to_owned())
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
fn sound() -> Routes {
    listen::streams()
        .merge(listen::clips())
        .map(|routes| routes.layer(middleware::from_fn(origin::reject_cross_site)))
}
