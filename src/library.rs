//! The library: books people import, and where they are in them.
//!
//! What is searched and listed lives in SQL ([`catalogue`]); files, typeset chapters and pictures
//! live in the object store ([`shelf`]). A book is added whole or not at all.

mod annotations;
mod catalogue;
pub mod chapters;
mod database;
pub mod directions;
mod html;
pub mod import;
mod importing;
mod lately;
pub mod manuscript;
mod metadata;
pub mod overlay;
mod paths;
pub mod pictures;
mod preferences;
mod progress;
pub mod pronunciations;
pub mod reading_apps;
mod reading_days;
mod recent;
mod reimport;
mod removal;
mod sample;
pub mod search;
mod shelf;
mod sound;
pub mod xhtml;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use app::model::{BookCard, BookDetails, BookId, Progress};
use app::preferences::{InvalidPreference, Preferences};
use bytes::Bytes;
use moka::future::Cache;
use object_store::ObjectStore;
use sqlx::AnyPool;
use thiserror::Error;
use tokio_util::task::TaskTracker;

use chapters::Chapter;
use directions::Said;
use import::{Format, ImportError, Importer};
use importing::BookLocks;
use recent::Recent;
use shelf::{Shelf, StoredFile};

use crate::redis::RedisConnection;
use crate::text::pronunciation::PronunciationError;
use crate::time::now_ms;

pub use database::{Schema, connect, connect_as_it_is};
pub use importing::{Arrival, Audience, ImportProgress};
pub use lately::Reading;
pub use paths::encode as encode_path;
pub use progress::FLUSH_INTERVAL;
pub use removal::PURGE_INTERVAL;
pub use sound::SoundFile;

/// Typeset chapters kept in memory, in bytes; a long one takes about 300 kB.
const CACHED_CHAPTER_BYTES: u64 = 20 * 1024 * 1024;

/// Longest name of a voice or device that a place comes with, in characters.
const MAX_PLACE_NAME_CHARS: usize = 200;

/// Books whose metadata are kept in memory.
const CACHED_BOOKS: u64 = 1000;
/// People and books of whom it is remembered what they said and chose.
const REMEMBERED: u64 = 20_000;
/// A change made by another server is seen after this long.
const METADATA_AGE: Duration = Duration::from_secs(10);

/// What can go wrong in the library.
#[derive(Debug, Error)]
pub enum LibraryError {
    /// No such book.
    #[error("There is no such book.")]
    NoSuchBook,
    /// No such chapter of a book.
    #[error("The book has no such chapter.")]
    NoSuchChapter,
    /// No such picture in a book.
    #[error("The book has no such file.")]
    NoSuchFile,
    /// A place outside its chapter.
    #[error("The chapter has no such sentence.")]
    NoSuchSentence,
    /// A voice or device with too long a name; says how long it may be.
    #[error("The name of a voice and that of a device can have {0} characters.")]
    LongName(usize),
    /// Another device has moved since; this is where it is.
    #[error("Another device has moved in this book.")]
    Moved(Box<Progress>),
    /// No such bookmark or highlight.
    #[error("There is no such bookmark or highlight.")]
    NoSuchMark,
    /// More marks than a book can have.
    #[error("This book has as many bookmarks and highlights as it can have.")]
    TooManyMarks,
    /// More files than a person can have a place in.
    #[error("There are places in {0} files, which is as many as there can be.")]
    TooManyPlaces(i64),
    /// A note that is too long; says how long it may be.
    #[error("A note can have {0} characters.")]
    NoteTooLong(usize),
    /// A direction for how sentences are read that does not say by whom, or says it where nobody is to read.
    #[error(
        "Say which voice is to read: by its id for “voice”, by several for “again”, by none for “skip”."
    )]
    NoVoiceNamed,
    /// A search that is too long; says how long it may be.
    #[error("A search can have {0} characters.")]
    QueryTooLong(usize),
    /// A title or author that is empty or too long; says how long it may be.
    #[error("A title and every author need 1 to {0} characters.")]
    BadName(usize),
    /// No such entry of the pronunciations.
    #[error("There is no such pronunciation.")]
    NoSuchPronunciation,
    /// An entry that cannot be used.
    #[error(transparent)]
    Pronunciation(#[from] PronunciationError),
    /// An entry for an author of whom the book says nothing.
    #[error("The book names no author.")]
    NoAuthor,
    /// An entry for a series, where the book is of none.
    #[error("The book names no series.")]
    NoSeries,
    /// More entries, or more patterns, than there can be.
    #[error(
        "There are as many pronunciations as there can be: 2,000, of which 100 are no whole words."
    )]
    TooManyPronunciations,
    /// A lexicon that is too large; says how many kilobytes it may have.
    #[error("A lexicon can have {0} kB.")]
    LexiconTooLarge(usize),
    /// A preference that does not exist or cannot be so.
    #[error(transparent)]
    Preference(#[from] InvalidPreference),
    /// A report of a day that is none, or neither today nor one of the last thirty.
    #[error("The day is today’s date as the reader has it, or one of the last thirty: 2026-11-28.")]
    NotLately,
    /// A report of more time than one can be of; says how many seconds that is.
    #[error("A report can be of {0} seconds.")]
    ReportTooLong(u32),
    /// The file was refused.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// SQL failed.
    #[error("the catalogue failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The object store failed.
    #[error("the object store failed: {0}")]
    Store(#[from] object_store::Error),
    /// Redis failed.
    #[error("the shared cache failed: {0}")]
    Redis(#[from] redis::RedisError),
    /// Something stored cannot be read back.
    #[error("stored data is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    /// Another server has changed the book meanwhile.
    #[error("The book is being read again by another server.")]
    Overtaken,
    /// A file could not be read or written.
    #[error("the file cannot be used: {0}")]
    File(#[from] std::io::Error),
    /// A task was cancelled or panicked.
    #[error("a task did not finish: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// All books, and what one person has marked, said and chosen. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    shared: Arc<Shared>,
    /// Whose places, marks and preferences these are.
    user: Arc<str>,
    sees: Sees,
}

/// Which books there are for whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sees {
    /// Everybody's and their own.
    Theirs,
    /// The one that was lent to them, whosever it is.
    Only(BookId),
    /// All: it was looked before whether they may.
    All,
}

struct Shared {
    database: AnyPool,
    shelf: Shelf,
    /// Redis, where metadata and places are shared, if there is one.
    link: Option<RedisConnection>,
    /// Metadata, for as long as another server's change may go unnoticed.
    books: Cache<BookId, Arc<BookDetails>>,
    /// What a reader has said of how a book is read.
    said: Recent<(Arc<str>, BookId), Said>,
    /// What a person has chosen.
    preferences: Recent<Arc<str>, Preferences>,
    /// By book, how often its file has been read anew, and number.
    chapters: Cache<(BookId, u32, u32), Arc<Chapter>>,
    /// Reads files in child processes.
    importer: Importer,
    /// The folder that files come in to.
    arrivals: PathBuf,
    /// One change of a book at a time: two imports of the same file would race to add and to clean up.
    changing: BookLocks,
    /// What puts a book on the shelf, and is to be finished before the library is closed.
    storing: TaskTracker,
}

/// What a library is made of.
pub struct LibraryParts {
    /// SQL.
    pub database: AnyPool,
    /// Where files and chapters lie.
    pub store: Arc<dyn ObjectStore>,
    /// Redis, where what changes often is shared, if there is one.
    pub link: Option<RedisConnection>,
    /// Reads files.
    pub importer: Importer,
    /// A folder for files that come in.
    pub arrivals: PathBuf,
}

impl Library {
    /// A library of these parts.
    pub fn new(parts: LibraryParts) -> Self {
        let LibraryParts { database, store, link, importer, arrivals } = parts;
        let shared = Shared {
            database,
            shelf: Shelf::new(store),
            link,
            books: Cache::builder().max_capacity(CACHED_BOOKS).time_to_live(METADATA_AGE).build(),
            said: Recent::new(),
            preferences: Recent::new(),
            chapters: Cache::builder()
                .weigher(|_, chapter: &Arc<Chapter>| {
                    u32::try_from(chapter.html.len() * 2).unwrap_or(u32::MAX)
                })
                .max_capacity(CACHED_CHAPTER_BYTES)
                .build(),
            importer,
            arrivals,
            changing: BookLocks::default(),
            storing: TaskTracker::new(),
        };
        Self { shared: Arc::new(shared), user: LOCAL_USER.into(), sees: Sees::All }
    }

    /// The same books with the places, marks and preferences of a person; of whoever is there, where nobody has
    /// to log in and the id is empty.
    pub fn of(&self, user: &str) -> Self {
        let user = if user.is_empty() { LOCAL_USER } else { user };
        let sees = if user == LOCAL_USER { Sees::All } else { Sees::Theirs };
        if *self.user == *user && self.sees == sees {
            return self.clone();
        }
        Self { shared: Arc::clone(&self.shared), user: user.into(), sees }
    }

    /// The same with only one book in it, whosever that is.
    pub fn lending(self, book: &BookId) -> Self {
        Self { sees: Sees::Only(book.clone()), ..self }
    }

    /// What a person has said and chosen, for books of which it is known that they see them: what the server does for
    /// their listening goes on without asking again.
    pub fn trusted(&self, user: &str) -> Self {
        Self { sees: Sees::All, ..self.of(user) }
    }

    /// Whether there is no book that it leaves out.
    pub fn sees_all(&self) -> bool {
        self.sees == Sees::All
    }

    /// Whether it is a guest's, who came by a link to a book.
    pub fn is_lent(&self) -> bool {
        matches!(self.sees, Sees::Only(_))
    }

    /// Refuses a book that this person does not see, as if there were none.
    fn check_seen(&self, book: &BookDetails) -> Result<(), LibraryError> {
        let is_seen = match &self.sees {
            Sees::All => true,
            Sees::Only(lent) => *lent == book.card.id,
            Sees::Theirs => book.owner.as_deref().is_none_or(|owner| *owner == *self.user),
        };
        is_seen.then_some(()).ok_or(LibraryError::NoSuchBook)
    }

    /// Whose it is.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// All books, the last read or added first.
    pub async fn books(&self) -> Result<Vec<BookCard>, LibraryError> {
        self.flush().await;
        match &self.sees {
            Sees::Theirs | Sees::All => catalogue::all(&self.shared.database, &self.user).await,
            Sees::Only(lent) => match self.book(lent).await {
                Ok(book) => Ok(vec![book.card]),
                Err(LibraryError::NoSuchBook) => Ok(Vec::new()),
                Err(error) => Err(error),
            },
        }
    }

    /// A book with its contents and the reader's place in it.
    pub async fn book(&self, id: &BookId) -> Result<BookDetails, LibraryError> {
        let mut book = self.find(id).await?;
        self.check_seen(&book)?;
        book.card.is_own = book.owner.as_deref() == Some(&*self.user);
        let Shared { database, link, .. } = &*self.shared;
        book.card.progress = progress::get(database, link.as_ref(), &self.user, id).await?;
        Ok(book)
    }

    /// A sound of a revision of a book, whoever sees it, by its name.
    pub(crate) async fn sound(
        &self,
        id: &BookId,
        revision: u32,
        path: &str,
    ) -> Result<SoundFile, LibraryError> {
        self.shared.shelf.sound(id, revision, path).await?.ok_or(LibraryError::NoSuchFile)
    }

    /// What a book is, wherever anybody is in it.
    pub async fn metadata(&self, id: &BookId) -> Result<Arc<BookDetails>, LibraryError> {
        let book = self.known(id).await?;
        self.check_seen(&book)?;
        Ok(book)
    }

    /// What a book is, whoever sees it.
    async fn known(&self, id: &BookId) -> Result<Arc<BookDetails>, LibraryError> {
        if let Some(book) = self.shared.books.get(id).await {
            return Ok(book);
        }
        let link = self.shared.link.as_ref().filter(|link| link.is_up());
        let shared = match link {
            Some(link) => metadata::get(link, id).await,
            None => None,
        };
        let book = match shared {
            Some(book) => book,
            None => {
                let mut book = self.find(id).await?;
                (book.card.progress, book.card.percent) = (None, None);
                if let Some(link) = link {
                    metadata::set(link, id, &book).await;
                }
                book
            }
        };
        let book = Arc::new(book);
        self.shared.books.insert(id.clone(), Arc::clone(&book)).await;
        Ok(book)
    }

    async fn find(&self, id: &BookId) -> Result<BookDetails, LibraryError> {
        catalogue::find(&self.shared.database, id).await?.ok_or(LibraryError::NoSuchBook)
    }

    /// A typeset chapter; `number` is from 1.
    pub async fn chapter(&self, id: &BookId, number: u32) -> Result<Arc<Chapter>, LibraryError> {
        let revision = self.metadata(id).await?.card.revision;
        match self.chapter_of(id, revision, number).await? {
            Some(chapter) => Ok(chapter),
            // Another server may have read the file anew since.
            None => {
                self.changed(id).await;
                let now = self.metadata(id).await?.card.revision;
                let chapter =
                    if now == revision { None } else { self.chapter_of(id, now, number).await? };
                chapter.ok_or(LibraryError::NoSuchChapter)
            }
        }
    }

    async fn chapter_of(
        &self,
        id: &BookId,
        revision: u32,
        number: u32,
    ) -> Result<Option<Arc<Chapter>>, LibraryError> {
        let key = (id.clone(), revision, number);
        if let Some(chapter) = self.shared.chapters.get(&key).await {
            return Ok(Some(chapter));
        }
        let Some(chapter) = self.shared.shelf.chapter(id, revision, number).await? else {
            return Ok(None);
        };
        let chapter = Arc::new(chapter);
        self.shared.chapters.insert(key, Arc::clone(&chapter)).await;
        Ok(Some(chapter))
    }

    /// The picture on the cover, made smaller to a width if it is there in that one.
    pub async fn cover(&self, id: &BookId, width: Option<u32>) -> Result<Bytes, LibraryError> {
        let card = &self.metadata(id).await?.card;
        if let Some(width) = width.filter(|width| card.cover_widths.contains(width))
            && let Some(cover) = self.shared.shelf.cover(id, card.revision, width).await?
        {
            return Ok(cover);
        }
        let path = catalogue::origin(&self.shared.database, id).await?.cover;
        self.file(id, &path.ok_or(LibraryError::NoSuchFile)?).await
    }

    /// A picture of a book by its path inside the book. A deleted book has none, though its files are
    /// there for a while.
    pub async fn file(&self, id: &BookId, path: &str) -> Result<Bytes, LibraryError> {
        let revision = self.metadata(id).await?.card.revision;
        self.shared.shelf.file(id, revision, path).await?.ok_or(LibraryError::NoSuchFile)
    }

    /// The file that a book comes from, byte for byte, and what it is.
    pub async fn original(&self, id: &BookId) -> Result<(Format, StoredFile), LibraryError> {
        self.metadata(id).await?;
        let format = catalogue::origin(&self.shared.database, id).await?.format;
        let file = self.shared.shelf.original(id, format).await?;
        Ok((format, file.ok_or(LibraryError::NoSuchFile)?))
    }

    /// What kind of file a book comes from.
    pub async fn format(&self, id: &BookId) -> Result<Format, LibraryError> {
        self.metadata(id).await?;
        Ok(catalogue::origin(&self.shared.database, id).await?.format)
    }

    /// Where `user` is in a book.
    pub async fn progress(&self, id: &BookId) -> Result<Option<Progress>, LibraryError> {
        self.metadata(id).await?;
        progress::get(&self.shared.database, self.shared.link.as_ref(), &self.user, id).await
    }

    /// Remembers where the reader is, and answers with what is remembered. Given `known_ms`, the time of
    /// the last place this device knows of, it refuses when another device has moved since.
    pub async fn set_progress(
        &self,
        id: &BookId,
        progress: &Progress,
        known_ms: Option<u64>,
    ) -> Result<Progress, LibraryError> {
        let is_long = |name: &Option<String>| {
            name.as_ref().is_some_and(|name| name.chars().count() > MAX_PLACE_NAME_CHARS)
        };
        if is_long(&progress.voice) || is_long(&progress.device) {
            return Err(LibraryError::LongName(MAX_PLACE_NAME_CHARS));
        }
        let chapter = self.chapter(id, progress.chapter).await?;
        let sentences = chapter.sentences.len() as u32;
        if progress.sentence > 0 && progress.sentence >= sentences {
            return Err(LibraryError::NoSuchSentence);
        }
        let Shared { database, link, .. } = &*self.shared;
        if let Some(known_ms) = known_ms
            && let Some(now) = progress::get(database, link.as_ref(), &self.user, id).await?
            && now.at_ms > known_ms
            && now.device != progress.device
        {
            return Err(LibraryError::Moved(Box::new(now)));
        }
        let place = Progress { at_ms: now_ms(), ..progress.clone() };
        progress::set(database, link.as_ref(), &self.user, id, &place).await?;
        Ok(place)
    }

    /// Writes to SQL the places it does not have yet; what fails is tried again later.
    pub async fn flush(&self) {
        let Shared { database, link, .. } = &*self.shared;
        let Some(link) = link.as_ref().filter(|link| link.is_up()) else { return };
        if let Err(error) = progress::flush(database, link).await {
            tracing::warn!(%error, "places could not be written to the database yet");
        }
    }

    /// Closes the database, when what is being stored is there, writing what is pending.
    pub async fn close(&self) {
        self.shared.storing.close();
        self.shared.storing.wait().await;
        self.flush().await;
        self.shared.database.close().await;
    }
}

/// Whoever opens the page where nobody has to log in: each goes on where the last one stopped, on any device of
/// the house.
pub const LOCAL_USER: &str = "local";
