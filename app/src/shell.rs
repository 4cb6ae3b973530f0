//! The document around every page, and the routes.

use leptos::attr::any_attribute::{AnyAttribute, IntoAnyAttribute};
use leptos::attr::custom::custom_attribute;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, Stylesheet, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::base::Base;
use crate::components::{ErrorPage, Scripts};
use crate::error::AppError;
use crate::pages::{
    AccountPage, BookPage, ConfirmPage, DashboardPage, DevelopersPage, DictionaryPage, EnginesPage,
    InvitePage, KeysPage, LibraryPage, LoginPage, NarrationPage, NarrationsPage, NotesPage,
    OfflinePage, PacksPage, PassagePage, PeoplePage, PronunciationPage, ReaderPage, SearchPage,
    SettingsPage, SetupPage, SharedPage, StatisticsPage, StoragePage, TakePage, VoicesPage,
};
use crate::preferences::{Preferences, Theme};
use crate::typefaces;
use crate::words::words;

/// The document of a page that there is.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    document(options, || view! { <App/> }.into_any())
}

/// The document for an address where there is nothing. It never looks for a page: the router knows addresses, such
/// as those with a slash at their end, for which the server has asked nobody who they are.
pub fn not_found(options: LeptosOptions) -> impl IntoView {
    document(options, || {
        provide_meta_context();
        let error = AppError::NotFound(words().errors.no_page.to_owned());
        view! {
            <Stylesheet id="style" href="/pkg/earmark.css"/>
            <ErrorPage error/>
        }
        .into_any()
    })
}

/// The HTML document. Preferences stand on its root, so that the first paint has them.
fn document(options: LeptosOptions, body: impl Fn() -> AnyView) -> impl IntoView {
    let chosen = use_context::<Preferences>().unwrap_or_default();
    let base = use_context::<Base>().map(|base| base.0).filter(|base| !base.is_empty());
    view! {
        <!DOCTYPE html>
        <html data-base=base lang=words().tag {..attributes(&chosen)}>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="description" content="A self-hosted reader that reads to you."/>
                {theme_colours(chosen.theme)}
                {own_face(&chosen)}
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/icons/180.png"/>
                <link rel="manifest" href="/manifest.webmanifest"/>
                <link rel="preload" href=typefaces::first(chosen.face) r#as="font" type="font/woff2" crossorigin=""/>
                <AutoReload options=options.clone()/>
                <Scripts options/>
                <MetaTags/>
            </head>
            <body>
                {body()}
            </body>
        </html>
    }
}

/// What a reader has chosen, each an attribute of the root by its name. (More than 26 attributes of one element in a
/// view end in a panic: tachys 0.2 has tuples of so many.)
fn attributes(chosen: &Preferences) -> Vec<AnyAttribute> {
    let is_seen = |(name, _): &(&str, String)| {
        !matches!(*name, "tongue" | "fallback" | "shelf_sort" | "shelf_show")
    };
    let attribute = |(name, value): (&str, String)| {
        custom_attribute(format!("data-{name}"), value).into_any_attr()
    };
    let entries = chosen.entries().into_iter().filter(is_seen);
    // In a book that has rules of its own, those are what is changed.
    let own = chosen.book.as_ref().and_then(|book| {
        let own = chosen.books.get(book.as_str())?.keys().map(String::as_str);
        Some(("own", [vec![book.as_str()], own.collect()].concat().join(" ")))
    });
    entries.chain(own).map(attribute).collect()
}

/// Names the typeface that the reader's own device has.
fn own_face(chosen: &Preferences) -> Option<impl IntoView + use<>> {
    // Its signs were looked at when it was chosen: none of them ends the name.
    let rule = format!(":root {{ --own-face: \"{}\" }}", chosen.own_face);
    (!chosen.own_face.is_empty())
        .then(|| view! { <style nonce=use_nonce() inner_html=rule></style> })
}

/// The colour of the browser's own bars: the paper's.
fn theme_colours(theme: Theme) -> AnyView {
    let tag = |colour: &'static str, media: &'static str| {
        let tag = leptos::html::meta().attr("name", "theme-color").attr("content", colour);
        tag.attr("media", media)
    };
    match theme {
        Theme::Light => tag("#faf7f2", "all").into_any(),
        Theme::Sepia => tag("#f4e8d0", "all").into_any(),
        Theme::Dark => tag("#16151a", "all").into_any(),
        Theme::Contrast => tag("#000000", "all").into_any(),
        Theme::System => {
            let light = tag("#faf7f2", "(prefers-color-scheme: light)");
            (light, tag("#16151a", "(prefers-color-scheme: dark)")).into_any()
        }
    }
}

/// The routes. Pages are complete when they are sent, so they can be read before any script has
/// run, and without any.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let not_found =
        || view! { <ErrorPage error=AppError::NotFound(words().errors.no_page.to_owned())/> };
    view! {
        <Stylesheet id="style" href="/pkg/earmark.css"/>
        <Router>
            <Routes fallback=not_found>
                <Route path=path!("/") view=LibraryPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book") view=BookPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book/search") view=SearchPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book/dictionary") view=DictionaryPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book/notes") view=NotesPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book/pronunciation") view=PronunciationPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book/narration") view=NarrationPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book/take") view=TakePage ssr=SsrMode::Async/>
                <Route path=path!("/narrations") view=NarrationsPage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book/passage") view=PassagePage ssr=SsrMode::Async/>
                <Route path=path!("/book/:book/voices") view=VoicesPage ssr=SsrMode::Async/>
                <Route path=path!("/read/:book/:chapter") view=ReaderPage ssr=SsrMode::Async/>
                <Route path=path!("/settings") view=SettingsPage ssr=SsrMode::Async/>
                <Route path=path!("/voices") view=PacksPage ssr=SsrMode::Async/>
                <Route path=path!("/engines") view=EnginesPage ssr=SsrMode::Async/>
                <Route path=path!("/dashboard") view=DashboardPage ssr=SsrMode::Async/>
                <Route path=path!("/statistics") view=StatisticsPage ssr=SsrMode::Async/>
                <Route path=path!("/storage") view=StoragePage ssr=SsrMode::Async/>
                <Route path=path!("/developers") view=DevelopersPage ssr=SsrMode::Async/>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async/>
                <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async/>
                <Route path=path!("/invite") view=InvitePage ssr=SsrMode::Async/>
                <Route path=path!("/s/:link") view=SharedPage ssr=SsrMode::Async/>
                <Route path=path!("/confirm") view=ConfirmPage ssr=SsrMode::Async/>
                <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async/>
                <Route path=path!("/people") view=PeoplePage ssr=SsrMode::Async/>
                <Route path=path!("/keys") view=KeysPage ssr=SsrMode::Async/>
                <Route path=path!("/offline") view=OfflinePage ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}
