//! Adding a book: a file comes in, a child process reads it, and what it wrote is put on the shelf.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use app::model::{BookId, ImportWarning, ImportedCard, WarningKind};
use tokio::sync::OwnedMutexGuard;

use super::import::child::{Task, book_folder};
use super::import::names::clean;
use super::import::upload::{Upload, Uploaded};
use super::import::{ImportError, ImportSlot, ImportedBook};
use super::{LOCAL_USER, Library, LibraryError, catalogue, sample};

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportProgress {
    /// Other books are being read.
    Waiting,
    /// The file is being read; so much of it has been, in per cent.
    Reading(u8),
    /// What was read is being stored.
    Storing,
}

/// Who sees a book that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    Everybody,
    /// Whoever brings it, where people have accounts.
    Oneself,
}

/// A file that is coming in, with its slot in the queue. The files of one form share one.
#[derive(Debug)]
pub struct Arrival {
    upload: Upload,
    slot: Arc<ImportSlot>,
}

impl Arrival {
    /// Takes the next piece; refuses when the file becomes larger than it may be.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), ImportError> {
        self.upload.write(piece).await
    }
}

impl Library {
    /// Takes a slot in the queue of files; refuses when too many are being imported.
    pub fn import_slot(&self) -> Result<Arc<ImportSlot>, LibraryError> {
        Ok(Arc::new(self.shared.importer.slot()?))
    }

    /// Begins to take a file.
    pub async fn receive(&self, slot: &Arc<ImportSlot>) -> Result<Arrival, LibraryError> {
        let slot = Arc::clone(slot);
        Ok(Arrival { upload: Upload::begin(&self.shared.arrivals).await?, slot })
    }

    /// Imports a file that is all there. The same bytes give the same book, once. When the future is
    /// dropped before the file was read, nothing is left of it.
    ///
    /// A book of one's own is a book apart, so that nothing tells whether others have it: only one that everybody sees
    /// is not brought again.
    pub async fn import(
        &self,
        arrival: Arrival,
        (file_name, audience): (&str, Audience),
        progress: impl Fn(ImportProgress),
    ) -> Result<ImportedCard, LibraryError> {
        let Arrival { upload, slot } = arrival;
        let mut uploaded = upload.finish().await?;
        progress(ImportProgress::Waiting);
        let database = &self.shared.database;
        let owned = (*self.user != *LOCAL_USER).then(|| uploaded.id_for(&self.user));
        if let Some(owned) = owned {
            let is_there = catalogue::find(database, &uploaded.id).await?.is_some();
            match audience {
                _ if is_there => {}
                Audience::Oneself => {
                    // One that was given away and deleted since is one's own again.
                    catalogue::take_back(database, &owned, &self.user).await?;
                    uploaded.id = owned;
                }
                // What one has already, or has given away, is not brought again.
                Audience::Everybody => {
                    let known = catalogue::find(database, &owned).await?;
                    if let Some(book) = known {
                        if book.owner.is_some() {
                            self.give_away(&owned).await?;
                        }
                        uploaded.id = owned;
                    }
                }
            }
        }
        let id = uploaded.id.clone();
        let lock = self.shared.changing.lock(&id).await;
        // A deleted book that comes again is the same book, with its places and marks.
        if catalogue::set_deleted(database, &id, &self.user, None).await? {
            self.changed(&id).await;
        }
        // One whose purge broke off is finished with, and comes anew.
        self.purge_one(&id, 1).await?;
        if let Some(book) = catalogue::find(database, &id).await? {
            let mut warnings = book.warnings;
            if audience == Audience::Oneself && book.owner.is_none() && *self.user != *LOCAL_USER {
                warnings.push(ImportWarning::new(WarningKind::Everybodys, &book.card.title));
            }
            return Ok(ImportedCard { card: book.card, warnings });
        }
        let book = self.read(&uploaded, &slot, &id, file_name, &progress).await?;
        progress(ImportProgress::Storing);
        // In a task of its own: a client that goes away leaves a whole book, not half of one.
        let library = self.clone();
        let stored = async move { library.add(uploaded, book, audience, lock).await };
        self.shared.storing.spawn(stored).await?
    }

    /// Imports a file on disk.
    pub async fn import_file(&self, file: &Path) -> Result<ImportedCard, LibraryError> {
        let mut arrival = self.receive(&self.import_slot()?).await?;
        arrival.upload.write_file(file).await.map_err(|error| match error {
            ImportError::Write(error) => LibraryError::File(error),
            other => other.into(),
        })?;
        let name = file.display().to_string();
        self.import(arrival, (&name, Audience::Everybody), |_| {}).await
    }

    /// On the very first start, puts the sample book on the shelf. Never again, also when it was
    /// removed since.
    pub async fn add_sample(&self) -> Result<(), LibraryError> {
        const DONE: &str = "sample_book";
        if !catalogue::mark_once(&self.shared.database, DONE).await? {
            return Ok(());
        }
        let imported = async {
            let mut arrival = self.receive(&self.import_slot()?).await?;
            arrival.write(&sample::epub()?).await?;
            self.import(arrival, ("sample.epub", Audience::Everybody), |_| {}).await
        };
        if let Err(error) = imported.await {
            // A library without it is one all the same; the next start tries again.
            tracing::warn!(%error, "the sample book could not be added");
            catalogue::unmark(&self.shared.database, DONE).await?;
        }
        Ok(())
    }

    /// Has a file read by a child process.
    pub(super) async fn read(
        &self,
        uploaded: &Uploaded,
        slot: &ImportSlot,
        id: &BookId,
        file_name: &str,
        progress: &impl Fn(ImportProgress),
    ) -> Result<ImportedBook, LibraryError> {
        let work = uploaded.folder().to_owned();
        let task = Task { work, name: clean(file_name), id: id.clone() };
        let reading = |percent| progress(ImportProgress::Reading(percent));
        Ok(self.shared.importer.convert(slot, &task, reading).await?)
    }

    async fn add(
        &self,
        uploaded: Uploaded,
        book: ImportedBook,
        audience: Audience,
        _lock: OwnedMutexGuard<()>,
    ) -> Result<ImportedCard, LibraryError> {
        let (id, database, shelf) = (&uploaded.id, &self.shared.database, &self.shared.shelf);
        let is_own = audience == Audience::Oneself && *self.user != *LOCAL_USER;
        let owner = is_own.then_some(&*self.user);
        let added = async {
            shelf.put_original(id, book.format, &uploaded.file()).await?;
            shelf.put_revision(id, 0, &book_folder(uploaded.folder())).await?;
            catalogue::insert(database, id, &book, owner).await
        };
        if let Err(error) = added.await {
            // Without a row, what lies on the shelf is nobody's. With one, another server was first.
            if !catalogue::is_known(database, id).await? {
                if let Err(left) = shelf.remove_book(id).await {
                    tracing::warn!(%id, %left, "a failed import left files behind");
                }
                return Err(error);
            }
        }
        if !book.warnings.is_empty() {
            tracing::info!(%id, count = book.warnings.len(), "parts of a book were left out or mended");
        }
        self.changed(id).await;
        self.keep_lexicon_of_book(id, &book.lexicon).await;
        let book = self.book(id).await?;
        Ok(ImportedCard { card: book.card, warnings: book.warnings })
    }
}

/// One lock a book, for as long as somebody holds it or waits for it.
#[derive(Debug, Default)]
pub(super) struct BookLocks {
    locks: Mutex<HashMap<BookId, Arc<tokio::sync::Mutex<()>>>>,
}

impl BookLocks {
    /// Waits until nobody else changes the book.
    pub(super) async fn lock(&self, id: &BookId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(id.clone()).or_default())
        };
        lock.lock_owned().await
    }
}
