//! The library: books people import, and where they are in them.
//!
//! What is searched and listed lives in SQL ([`catalogue`]); files, typeset chapters and pictures
//! live in the object store ([`shelf`]). A book is added whole or not at all.

mod annotations;
mod catalogue;
pub mod chapters;
mod database;
mod html;
pub mod import;
pub mod manuscript;
mod metadata;
mod preferences;
mod progress;
mod removal;
mod sample;
pub mod search;
mod shelf;

use std::sync::Arc;
use std::time::Duration;

use app::model::{BookCard, BookDetails, BookId, Progress};
use app::preferences::InvalidPreference;
use bytes::Bytes;
use moka::future::Cache;
use object_store::ObjectStore;
use sha2::{Digest, Sha256};
use sqlx::AnyPool;
use thiserror::Error;
use tokio::sync::Mutex;

use chapters::{Chapter, Chapters};
use import::{Format, ImportError};
use manuscript::Manuscript;
use shelf::Shelf;

use crate::now_ms;
use crate::redis::Link;
use crate::text::hash::hex;

pub use database::connect;
pub use progress::FLUSH_INTERVAL;
pub use removal::PURGE_INTERVAL;

/// Typeset chapters kept in memory; a long one takes about 300 kB.
const CACHED_CHAPTERS: u64 = 64;

/// Books whose metadata are kept in memory.
const CACHED_BOOKS: u64 = 1000;
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
    /// Another device has moved since; this is where it is.
    #[error("Another device has moved in this book.")]
    Moved(Box<Progress>),
    /// No such bookmark or highlight.
    #[error("There is no such bookmark or highlight.")]
    NoSuchMark,
    /// More marks than a book can have.
    #[error("This book has as many bookmarks and highlights as it can have.")]
    TooManyMarks,
    /// A note that is too long; says how long it may be.
    #[error("A note can have {0} characters.")]
    NoteTooLong(usize),
    /// A search that is too long; says how long it may be.
    #[error("A search can have {0} characters.")]
    QueryTooLong(usize),
    /// A title or author that is empty or too long; says how long it may be.
    #[error("A title and every author need 1 to {0} characters.")]
    BadName(usize),
    /// A preference that does not exist or cannot be so.
    #[error(transparent)]
    Preference(#[from] InvalidPreference),
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
    /// A blocking task was cancelled or panicked.
    #[error("the import did not finish: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// All books. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    shared: Arc<Shared>,
}

struct Shared {
    database: AnyPool,
    shelf: Shelf,
    /// Redis, where metadata and places are shared, if there is one.
    link: Option<Link>,
    /// Metadata, for as long as another server's change may go unnoticed.
    books: Cache<BookId, Arc<BookDetails>>,
    chapters: Cache<(BookId, u32), Arc<Chapter>>,
    /// One import at a time: it holds a whole book in memory, and two of the same file would
    /// otherwise race to add and to clean up.
    importing: Mutex<()>,
    /// One change of preferences at a time: each is read, changed and written.
    preferring: Mutex<()>,
}

impl Library {
    /// A library in a database and an object store, with what changes often in Redis if there is one.
    pub fn new(database: AnyPool, store: Arc<dyn ObjectStore>, link: Option<Link>) -> Self {
        let shared = Shared {
            database,
            shelf: Shelf::new(store),
            link,
            books: Cache::builder().max_capacity(CACHED_BOOKS).time_to_live(METADATA_AGE).build(),
            chapters: Cache::new(CACHED_CHAPTERS),
            importing: Mutex::new(()),
            preferring: Mutex::new(()),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Imports a file. The same bytes give the same book, once.
    pub async fn import(&self, bytes: Bytes, file_name: &str) -> Result<BookCard, LibraryError> {
        let id = book_id(&bytes);
        let _turn = self.shared.importing.lock().await;
        // A deleted book that comes again is the same book, with its places and marks.
        if catalogue::set_deleted(&self.shared.database, &id, None).await? {
            self.changed(&id).await;
        }
        // One whose purge broke off is finished with, and comes anew.
        self.purge_one(&id, 1).await?;
        if let Some(book) = catalogue::find(&self.shared.database, &id).await? {
            return Ok(book.card);
        }
        let (source, name, for_id) = (bytes.clone(), file_name.to_owned(), id.clone());
        let (format, manuscript, composed) = tokio::task::spawn_blocking(move || {
            let (format, manuscript) = import::read(&source, &name)?;
            let composed = chapters::compose(&manuscript, for_id.as_str());
            Ok::<_, ImportError>((format, manuscript, composed))
        })
        .await??;
        self.add(&id, format, bytes, manuscript, composed).await
    }

    /// On the very first start, puts the sample book on the shelf. Never again, also when it was
    /// removed since.
    pub async fn add_sample(&self) -> Result<(), LibraryError> {
        if !catalogue::mark_once(&self.shared.database, "sample_book").await? {
            return Ok(());
        }
        let (original, manuscript) = sample::manuscript();
        let id = book_id(&original);
        let composed = chapters::compose(&manuscript, id.as_str());
        self.add(&id, Format::Text, original, manuscript, composed).await?;
        Ok(())
    }

    async fn add(
        &self,
        id: &BookId,
        format: Format,
        original: Bytes,
        manuscript: Manuscript,
        composed: Chapters,
    ) -> Result<BookCard, LibraryError> {
        if composed.chapters.iter().all(|chapter| chapter.sentences.is_empty()) {
            return Err(ImportError::NoText.into());
        }
        let Shared { database, shelf, .. } = &*self.shared;
        let added = async {
            shelf.put_book(id, format, original, &manuscript.files, &composed.chapters).await?;
            catalogue::insert(database, id, format, &manuscript, &composed).await
        };
        if let Err(error) = added.await {
            // The catalogue has no row; what lies on the shelf is nobody's.
            if let Err(left) = shelf.remove_book(id).await {
                tracing::warn!(%id, %left, "a failed import left files behind");
            }
            return Err(error);
        }
        self.changed(id).await;
        Ok(self.book(id).await?.card)
    }

    /// All books, the last read or added first.
    pub async fn books(&self) -> Result<Vec<BookCard>, LibraryError> {
        self.flush().await;
        catalogue::all(&self.shared.database).await
    }

    /// A book with its contents and the reader's place in it.
    pub async fn book(&self, id: &BookId) -> Result<BookDetails, LibraryError> {
        let mut book = self.find(id).await?;
        let Shared { database, link, .. } = &*self.shared;
        book.card.progress = progress::get(database, link.as_ref(), LOCAL_USER, id).await?;
        Ok(book)
    }

    /// What a book is, wherever anybody is in it.
    pub async fn metadata(&self, id: &BookId) -> Result<Arc<BookDetails>, LibraryError> {
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
        // A deleted book has none, though its files are there for a while.
        self.metadata(id).await?;
        let key = (id.clone(), number);
        if let Some(chapter) = self.shared.chapters.get(&key).await {
            return Ok(chapter);
        }
        let Some(chapter) = self.shared.shelf.chapter(id, number).await? else {
            return Err(LibraryError::NoSuchChapter);
        };
        let chapter = Arc::new(chapter);
        self.shared.chapters.insert(key, Arc::clone(&chapter)).await;
        Ok(chapter)
    }

    /// The picture on the cover.
    pub async fn cover(&self, id: &BookId) -> Result<Bytes, LibraryError> {
        let path = catalogue::cover(&self.shared.database, id).await?;
        self.file(id, &path.ok_or(LibraryError::NoSuchFile)?).await
    }

    /// A picture of a book by its path inside the book.
    pub async fn file(&self, id: &BookId, path: &str) -> Result<Bytes, LibraryError> {
        self.shared.shelf.file(id, path).await?.ok_or(LibraryError::NoSuchFile)
    }

    /// Where `user` is in a book.
    pub async fn progress(
        &self,
        user: &str,
        id: &BookId,
    ) -> Result<Option<Progress>, LibraryError> {
        self.metadata(id).await?;
        progress::get(&self.shared.database, self.shared.link.as_ref(), user, id).await
    }

    /// Remembers where `user` is, and answers with what is remembered. Given `known_ms`, the time of
    /// the last place this device knows of, it refuses when another device has moved since.
    pub async fn set_progress(
        &self,
        user: &str,
        id: &BookId,
        progress: &Progress,
        known_ms: Option<u64>,
    ) -> Result<Progress, LibraryError> {
        let chapter = self.chapter(id, progress.chapter).await?;
        let sentences = chapter.sentences.len() as u32;
        if progress.sentence > 0 && progress.sentence >= sentences {
            return Err(LibraryError::NoSuchSentence);
        }
        let Shared { database, link, .. } = &*self.shared;
        if let Some(known_ms) = known_ms
            && let Some(now) = progress::get(database, link.as_ref(), user, id).await?
            && now.at_ms > known_ms
            && now.device != progress.device
        {
            return Err(LibraryError::Moved(Box::new(now)));
        }
        let place = Progress { at_ms: now_ms(), ..progress.clone() };
        progress::set(database, link.as_ref(), user, id, &place).await?;
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

    /// Closes the database, writing what is pending.
    pub async fn close(&self) {
        self.flush().await;
        self.shared.database.close().await;
    }
}

fn book_id(bytes: &[u8]) -> BookId {
    // SHA-256 in hex is 64 digits of the alphabet a BookId has.
    match hex(&Sha256::digest(bytes))[..BookId::LENGTH].parse() {
        Ok(id) => id,
        Err(error) => unreachable!("{error}"),
    }
}

/// The one reader of an installation without accounts: whoever opens the page goes on where the
/// last one stopped, on any device of the house.
pub const LOCAL_USER: &str = "local";
