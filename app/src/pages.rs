//! The pages, rendered on the server. Those that the reader opens over the text are pages too: they
//! have an address, and work without script.

mod account;
mod book;
mod dashboard;
mod developers;
mod dictionary;
mod engines;
mod keys;
mod library;
mod login;
mod narrations;
mod notes;
mod offline;
mod packs;
mod passage;
mod people;
mod pronunciation;
mod reader;
mod search;
mod settings;
mod shared;
mod statistics;
mod storage;
mod take;
mod voices;

pub use account::AccountPage;
pub use book::BookPage;
pub use dashboard::DashboardPage;
pub use developers::DevelopersPage;
pub use dictionary::DictionaryPage;
pub use engines::EnginesPage;
pub use keys::KeysPage;
pub use library::LibraryPage;
pub use login::{ConfirmPage, InvitePage, LoginPage, SetupPage};
pub use narrations::{NarrationPage, NarrationsPage};
pub use notes::NotesPage;
pub use offline::OfflinePage;
pub use packs::PacksPage;
pub use passage::PassagePage;
pub use people::PeoplePage;
pub use pronunciation::PronunciationPage;
pub use reader::ReaderPage;
pub use search::SearchPage;
pub use settings::SettingsPage;
pub use shared::SharedPage;
pub use statistics::StatisticsPage;
pub use storage::StoragePage;
pub use take::TakePage;
pub use voices::VoicesPage;

use std::time::{SystemTime, UNIX_EPOCH};

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::Backend;
use crate::components::ErrorPage;
use crate::error::AppError;
use crate::model::{BookCard, BookId, NarrationOutput, OVERLAY_VOICE, Voice};
use crate::words::words;

/// The book a route names; an id that cannot be one is a book that is not there.
fn book_param() -> Result<BookId, AppError> {
    let text = use_params_map().with_untracked(|params| params.get("book").unwrap_or_default());
    text.parse().map_err(|_| AppError::NotFound(words().errors.no_book.to_owned()))
}

/// The forms in which a book can be taken from here.
fn taken(backend: &dyn Backend) -> Vec<NarrationOutput> {
    NarrationOutput::TAKEN.into_iter().filter(|output| backend.makes(*output)).collect()
}

/// What is shown of a voice of which only the id is at hand.
fn voice_name(id: &str) -> String {
    if id == OVERLAY_VOICE { (words().player.own_sound)("") } else { id.to_owned() }
}

/// The voices to choose from for a book: before those given, the sound that it brings.
fn with_own_sound(book: &BookCard, voices: Vec<Voice>) -> Vec<Voice> {
    let own = book.read_by.as_ref().map(|who| Voice {
        id: OVERLAY_VOICE.to_owned(),
        name: (words().player.own_sound)(who),
        language: book.language.clone(),
        engine: String::new(),
    });
    own.into_iter().chain(voices).collect()
}

/// A parameter of the query; empty when it is not there.
fn query(name: &str) -> String {
    use_query_map().with_untracked(|query| query.get(name).unwrap_or_default())
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Whole hours since a time.
fn hours_since(time_ms: u64) -> u64 {
    now_ms().saturating_sub(time_ms) / 3_600_000
}

/// Whole hours until a time.
fn hours_until(time_ms: u64) -> u64 {
    time_ms.saturating_sub(now_ms()) / 3_600_000
}

/// A page made of what the server is asked for before anything is sent.
fn loaded<T, L>(
    load: impl Fn() -> L + Send + Sync + 'static,
    page: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    L: Future<Output = Result<T, AppError>> + Send + 'static,
{
    let data = Resource::new_blocking(|| (), move |()| load());
    view! {
        <Suspense>
            {move || {
                let page = page.clone();
                Suspend::new(async move {
                    match data.await {
                        Ok(data) => page(data),
                        Err(error) => view! { <ErrorPage error/> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}
