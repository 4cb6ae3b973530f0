//! The pages, which leptos renders, and the files that they ask for.

use std::sync::{Arc, LazyLock};

use app::backend::Backend;
use app::base::Base;
use app::model::Person;
use app::ways::{LoginWays, SiteAddress};
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{AxumRouteListing, ErrorHandler, LeptosRoutes, generate_route_list};
use tower_http::services::ServeDir;

use super::bodies::{self, SMALL_BYTES};
use super::routes::{Needs, Routes};
use super::{ApiError, AppState, Visit, base, events, headers, openapi, origin, preferences};
use crate::backend::Server;

/// The routes of the pages, found once in a process: while leptos looks for them, a page that is being
/// rendered elsewhere in the process hangs for good (leptos-rs/leptos#4773).
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(app::App));

/// Files that pages ask for before anybody has logged in.
const FILES: [&str; 8] = [
    "/pkg/{*file}",
    "/fonts/{*file}",
    "/icons/{*file}",
    "/favicon.svg",
    "/manifest.webmanifest",
    "/operator.css",
    "/settings.css",
    "/sw.js",
];
/// What the voices sound like.
const SAMPLES: &str = "/samples/{*file}";

/// What the pages ask of whoever opens them. One that is not named is an admin's.
pub fn router() -> Routes {
    let of_listeners = [
        "/",
        "/book/{book}",
        "/book/{book}/search",
        "/book/{book}/passage",
        "/book/{book}/dictionary",
        "/book/{book}/voices",
        "/read/{book}/{chapter}",
        "/settings",
        "/keys",
        "/developers",
        SAMPLES,
    ];
    let calls = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let nowhere = calls.iter().fold(Routes::default(), |routes, method| {
        routes.asking(Needs::READ, method, &["/api/{*unknown}"])
    });
    nowhere
        .asking(
            Needs::Nobody,
            &Method::GET,
            &["/login", "/setup", "/invite", "/offline", "/s/{link}"],
        )
        .asking(Needs::Nobody, &Method::GET, &FILES)
        .asking(Needs::READ, &Method::GET, &of_listeners)
        .asking(
            Needs::PROGRESS,
            &Method::GET,
            &["/book/{book}/notes", "/book/{book}/pronunciation", "/statistics"],
        )
        .asking(
            Needs::NARRATE,
            &Method::GET,
            &["/narrations", "/book/{book}/narration", "/book/{book}/take"],
        )
        .asking(Needs::ONESELF, &Method::GET, &["/account", "/confirm"])
}

/// The pages and their files.
pub fn pages(state: &AppState) -> Router<AppState> {
    let of_page = state.clone();
    let page_context = move || {
        provide_visit(&of_page);
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
    Router::new()
        .leptos_routes_with_context(state, PAGES.clone(), page_context, shell)
        .merge(site_files(&files))
        .fallback_service(not_found)
        .layer(from_fn(without_slash))
        .layer(from_fn(base::in_pages))
        .layer(from_fn(events::in_our_words))
        .layer(from_fn(origin::reject_cross_site_but_links))
        .layer(DefaultBodyLimit::max(SMALL_BYTES))
        .layer(from_fn(|request, next| bodies::read_whole(SMALL_BYTES, request, next)))
}

/// Leads on from an address with a slash at its end to the one without, which may be a page.
async fn without_slash(matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let page = path.trim_end_matches('/');
    let is_page = matched.is_none() && page.len() < path.len() && page.starts_with('/');
    if is_page && !page[1..].starts_with(['/', '\\']) && *request.method() == Method::GET {
        return Redirect::to(page).into_response();
    }
    next.run(request).await
}

/// The files of the pages: those at the top by their names, so that nothing else is served by accident.
fn site_files(files: &ServeDir) -> Router<AppState> {
    FILES
        .iter()
        .chain(&[SAMPLES])
        .fold(Router::new(), |routes, path| routes.route_service(path, files.clone()))
        .layer(map_response(no_such_file))
}

/// Says in words that a file is not there.
async fn no_such_file(response: Response) -> Response {
    match response.status() {
        StatusCode::NOT_FOUND => {
            ApiError::NotFound("There is no such file.".to_owned()).into_response()
        }
        _ => response,
    }
}

/// Puts whoever asks, and the server as they see it, into the context of the page being rendered.
fn provide_visit(state: &AppState) {
    let parts = use_context::<Parts>();
    let person = parts.as_ref().and_then(|parts| parts.extensions.get::<Arc<Person>>().cloned());
    let Visit { library, narrator, .. } = Visit::of(state, person.as_deref());
    let server: Arc<dyn Backend> = Arc::new(Server {
        library,
        narrator,
        voices: Arc::clone(&state.voices),
        packs: state.packs.clone(),
        engines: state.engines.clone(),
        accounts: state.door.accounts().clone(),
        jobs: state.jobs.clone(),
        dictionaries: Arc::clone(&state.dictionaries),
        endpoints: openapi::own_cards,
    });
    provide_context(server);
    if let Some(person) = person {
        provide_context(person);
    }
    if let Some(parts) = &parts {
        provide_context(SiteAddress(state.found_at(parts)));
    }
    provide_context(LoginWays(state.providers.ways()));
    if let Some(base) = parts.as_ref().and_then(|parts| parts.extensions.get::<Base>()) {
        provide_context(base.clone());
    }
}
