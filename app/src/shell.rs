//! The document around every page, and the routes.

use leptos::prelude::*;
use leptos_meta::{MetaTags, Stylesheet, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::components::ErrorPage;
use crate::error::AppError;
use crate::pages::{BookPage, LibraryPage, ReaderPage};

/// The HTML document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#faf7f2" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#16151a" media="(prefers-color-scheme: dark)"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options islands=true/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The routes. Pages are complete when they are sent, so they can be read before any script has
/// run, and without any.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let not_found = || {
        view! { <ErrorPage error=AppError::NotFound("There is no such page.".to_owned())/> }
    };
    view! {
        <Stylesheet id="style" href="/pkg/earmark.css"/>
        <Router>
            <Routes fallback=not_found>
                <Route path=path!("/") view=LibraryPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book") view=BookPage ssr=SsrMode::Async/>
                <Route path=path!("/read/:book/:chapter") view=ReaderPage ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}
