//! The port through which pages reach the server. `src` implements it and puts it into context;
//! tests can put in another.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use leptos::prelude::use_context;

use crate::error::AppError;
use crate::model::{
    Activity, Annotation, BookCard, BookDetails, BookId, ChapterPage, DictionaryEntry,
    EndpointCard, EngineCard, FeedCard, HappeningCard, Hit, IdentityCard, InvitationCard,
    ListenerPosition, NarrationCard, NarrationEstimate, NarrationOutput, NarrationStats,
    NewPronunciation, PackCard, Passage, PasskeyCard, Person, PersonCard, ReadingStatistics, Role,
    SessionCard, ShareCard, SharedBook, StorageFigures, TokenCard, Vocabulary, Voice,
};

/// What pages and server functions need of the server.
#[async_trait]
pub trait Backend: Send + Sync {
    /// All books, the last read first.
    async fn books(&self) -> Result<Vec<BookCard>, AppError>;

    /// A book with its contents.
    async fn book(&self, id: &BookId) -> Result<BookDetails, AppError>;

    /// A chapter to read; `number` is from 1.
    async fn chapter(&self, id: &BookId, number: u32) -> Result<ChapterPage, AppError>;

    /// Voices for a book in `language`, the default first; all when none speaks it.
    async fn voices(&self, language: &str) -> Result<Vec<Voice>, AppError>;

    /// Whether the reader is to be told that books in a language are now read by another voice than before: once
    /// for each. `last` read the book that is opened.
    async fn is_news(
        &self,
        language: &str,
        now: &Voice,
        last: Option<&str>,
    ) -> Result<bool, AppError>;

    /// Every voice there is.
    async fn all_voices(&self) -> Result<Vec<Voice>, AppError>;

    /// The kinds of engines that a form can add: the name of each, and what a person knows it by.
    fn engine_kinds(&self) -> Vec<(&'static str, &'static str)>;

    /// The voices that can be installed, and what has become of them here.
    fn packs(&self) -> Vec<PackCard>;

    /// The engines that are configured.
    async fn engines(&self) -> Result<Vec<EngineCard>, AppError>;

    /// What goes on, and went on in the last day and this month.
    async fn activity(&self) -> Result<Activity, AppError>;

    /// The quiet hours, in which books can be made ready; nothing where there are none.
    fn quiet_hours(&self) -> Option<String>;

    /// How it goes with the books that are made ready, everybody's.
    async fn narration_stats(&self) -> Result<NarrationStats, AppError>;

    /// Whether a voice that is there can be told in words how to speak.
    async fn take_instructions(&self) -> bool;

    /// What has been saved by hearing a book again.
    async fn saved_of(&self, book: &BookId) -> Result<f64, AppError>;

    /// How long the reader has read and listened.
    async fn reading_statistics(&self) -> Result<ReadingStatistics, AppError>;

    /// What is kept of what was spoken, and what it cost and saved.
    async fn storage(&self) -> Result<StorageFigures, AppError>;

    /// What other programs can ask for.
    fn endpoints(&self) -> Vec<EndpointCard>;

    /// Where a book says `words`, in reading order, and whether there are more such places.
    async fn search(&self, id: &BookId, words: &str) -> Result<(Vec<Hit>, bool), AppError>;

    /// Whether words can be looked up here.
    fn has_dictionaries(&self) -> bool;

    /// What dictionaries say of a word of a text in `language`.
    async fn look_up(&self, word: &str, language: &str) -> Result<Vec<DictionaryEntry>, AppError>;

    /// What the reader has marked in a book, in its order.
    async fn annotations(&self, id: &BookId) -> Result<Vec<Annotation>, AppError>;

    /// Sentences of a chapter, those of them that the book has.
    async fn passage(
        &self,
        id: &BookId,
        chapter: u32,
        sentences: RangeInclusive<u32>,
    ) -> Result<Passage, AppError>;

    /// How words are said in a book, and what a draft would change in place of the entry `replaced`.
    async fn vocabulary(
        &self,
        id: &BookId,
        draft: Option<NewPronunciation>,
        replaced: &str,
    ) -> Result<Vocabulary, AppError>;

    /// Everybody who can log in, by name.
    async fn people(&self) -> Result<Vec<PersonCard>, AppError>;

    /// The invitations that nobody has come with yet, the newest first.
    async fn invitations(&self) -> Result<Vec<InvitationCard>, AppError>;

    /// What happened to accounts and to what runs the place, the newest first.
    async fn happenings(&self) -> Result<Vec<HappeningCard>, AppError>;

    /// A person with what they may spend.
    async fn spending(&self, person: &Person) -> Result<PersonCard, AppError>;

    /// The browsers that a person is logged in with, the last used first.
    async fn sessions(&self, person: &Person) -> Result<Vec<SessionCard>, AppError>;

    /// The providers that let a person in.
    async fn identities(&self, person: &Person) -> Result<Vec<IdentityCard>, AppError>;

    /// The passkeys of a person, the newest first.
    async fn passkeys(&self, person: &Person) -> Result<Vec<PasskeyCard>, AppError>;

    /// The links of a person that are open, the newest first.
    async fn shares(&self, person: &Person) -> Result<Vec<ShareCard>, AppError>;

    /// Everybody's links that are open, as an admin may see them, the newest first.
    async fn shares_of_all(&self, admin: &Person) -> Result<Vec<ShareCard>, AppError>;

    /// What it takes to make chapters of a book ready in a voice: “3”, “3-7”, or all of them; the usual voice when none is
    /// named.
    async fn narration_estimate(
        &self,
        id: &BookId,
        voice: &str,
        chapters: &str,
    ) -> Result<NarrationEstimate, AppError>;

    /// The podcast addresses of whoever asks, the newest first.
    async fn feeds(&self) -> Result<Vec<FeedCard>, AppError>;

    /// Whether a form of file can be made here.
    fn makes(&self, output: NarrationOutput) -> bool;

    /// Books that are made ready, the newest first: one's own, or everybody's.
    async fn narrations(&self, all: bool) -> Result<Vec<NarrationCard>, AppError>;

    /// The book that a link leads to, if it is good.
    async fn shared_book(&self, link: &str) -> Result<Option<SharedBook>, AppError>;

    /// What a person's programs identify themselves with, the newest first.
    async fn tokens(&self, person: &Person) -> Result<Vec<TokenCard>, AppError>;

    /// The title of a book that was deleted and can be brought back.
    async fn deleted_title(&self, id: &BookId) -> Result<Option<String>, AppError>;

    /// A reader opened a chapter. Returns the id of the request that makes it ready, or `None` when
    /// it is.
    async fn chapter_open(&self, place: &ListenerPosition) -> Result<Option<String>, AppError>;

    /// Other sentences came into view.
    async fn page_open(&self, place: &ListenerPosition) -> Result<(), AppError>;

    /// A listener moved to another chapter.
    async fn chapter_change(&self, place: &ListenerPosition) -> Result<(), AppError>;
}

/// The backend of this request.
pub fn backend() -> Result<Arc<dyn Backend>, AppError> {
    use_context::<Arc<dyn Backend>>().ok_or(AppError::Internal)
}

/// Who asks for this page; nobody on pages that are for everybody.
pub fn person() -> Option<Arc<Person>> {
    use_context::<Arc<Person>>()
}

/// Whether whoever asks for this page may do what a role may.
pub fn may(role: Role) -> bool {
    person().is_some_and(|person| person.role >= role)
}
