//! Reading a book's file anew, by rules that have been bettered since it was imported.
//!
//! Where readers are, their bookmarks and highlights are found again by their words. Clips need nothing:
//! they are named by what they say.

mod anchoring;

use app::model::{BookId, ImportedCard, Progress};
use futures::StreamExt;
use sqlx::{Any, Row, Transaction};

use super::import::ImportedBook;
use super::import::child::book_folder;
use super::import::upload::{Upload, Uploaded};
use super::{Library, LibraryError, catalogue, progress, sample};
use crate::now_ms;
use anchoring::{Mapping, Words};

/// The sample book as it was kept before it became a file of its own.
const FORMER_SAMPLE: &str = "85cc1f83572d7b5e";

impl Library {
    /// Reads the file of a book anew. Its title and authors stay as they are.
    pub async fn reimport(&self, id: &BookId) -> Result<ImportedCard, LibraryError> {
        let slot = self.shared.importer.slot()?;
        let lock = self.shared.changing.lock(id).await;
        let before = self.find(id).await?;
        let (format, _) = self.original(id).await?;
        let name = format!("book.{}", format.extension());
        let uploaded = self.fetch_original(id).await?;
        let book = self.read(&uploaded, &slot, id, &name, &|_| {}).await?;
        let (library, id) = (self.clone(), id.clone());
        // In a task of its own: a client that goes away leaves a whole book, not half of one.
        let done = tokio::spawn(async move {
            let _lock = lock;
            library.replace(&id, &uploaded, &book, before.card.revision).await
        });
        done.await?
    }

    /// Ids of all books that are in the library.
    pub async fn ids(&self) -> Result<Vec<BookId>, LibraryError> {
        Ok(self.books().await?.into_iter().map(|card| card.id).collect())
    }

    async fn fetch_original(&self, id: &BookId) -> Result<Uploaded, LibraryError> {
        let mut upload = Upload::begin(&self.shared.arrivals).await?;
        if id.as_str() == FORMER_SAMPLE {
            upload.write(&sample::epub()?).await?;
        } else {
            let (_, mut file) = self.original(id).await?;
            while let Some(piece) = file.content.next().await {
                upload.write(&piece?).await?;
            }
        }
        Ok(upload.finish().await?)
    }

    async fn replace(
        &self,
        id: &BookId,
        uploaded: &Uploaded,
        book: &ImportedBook,
        revision: u32,
    ) -> Result<ImportedCard, LibraryError> {
        let (database, shelf) = (&self.shared.database, &self.shared.shelf);
        // What only Redis has yet is among what moves.
        self.flush().await;
        let next = revision + 1;
        let old = Words::from_shelf(shelf, id, revision).await?;
        let new =
            Words::load(&book_folder(uploaded.folder()), book.contents.chapters.len()).await?;
        let mapping = Mapping::new(old, new);
        let stored = async {
            shelf.put_revision(id, next, &book_folder(uploaded.folder())).await?;
            let mut transaction = database.begin().await?;
            catalogue::replace(&mut transaction, id, book, next).await?;
            let moved = move_progress(&mut transaction, id, &mapping).await?;
            move_annotations(&mut transaction, id, &mapping).await?;
            transaction.commit().await?;
            Ok::<_, LibraryError>(moved)
        };
        let moved = match stored.await {
            Ok(moved) => moved,
            Err(error) => {
                if let Err(left) = shelf.remove_other_revisions(id, revision).await {
                    tracing::warn!(%id, %left, "a book that could not be read anew left files behind");
                }
                return Err(error);
            }
        };
        self.changed(id).await;
        // Redis may have the position in the old revision, and knows it better than SQL until it hears of this.
        for (user, place) in moved {
            let place = Progress { at_ms: now_ms(), ..place };
            progress::set(database, self.shared.link.as_ref(), &user, id, &place).await?;
        }
        // What is gone is only what nobody is led to any more.
        if let Err(left) = shelf.remove_other_revisions(id, next).await {
            tracing::warn!(%id, %left, "the former revision of a book could not be removed");
        }
        let book = self.book(id).await?;
        Ok(ImportedCard { card: book.card, warnings: book.warnings })
    }
}

async fn move_progress(
    transaction: &mut Transaction<'_, Any>,
    id: &BookId,
    mapping: &Mapping,
) -> Result<Vec<(String, Progress)>, LibraryError> {
    let rows = sqlx::query(
        "SELECT user_id, chapter AS at_chapter, sentence AS at_sentence, intra_ms AS at_intra_ms, \
         voice_id AS at_voice, device AS at_device, updated_at AS at_ms FROM progress WHERE book_id = $1",
    )
    .bind(id.as_str())
    .fetch_all(&mut **transaction)
    .await?;
    let mut moved = Vec::new();
    for row in &rows {
        let (user, place): (String, Progress) = (row.try_get("user_id")?, catalogue::place(row)?);
        let (chapter, sentence) = mapping.sentence(place.chapter, place.sentence);
        sqlx::query(
            "UPDATE progress SET chapter = $1, sentence = $2, intra_ms = 0 \
             WHERE user_id = $3 AND book_id = $4",
        )
        .bind(i64::from(chapter))
        .bind(i64::from(sentence))
        .bind(&user)
        .bind(id.as_str())
        .execute(&mut **transaction)
        .await?;
        moved.push((user, Progress { chapter, sentence, intra_ms: 0, ..place }));
    }
    Ok(moved)
}

async fn move_annotations(
    transaction: &mut Transaction<'_, Any>,
    id: &BookId,
    mapping: &Mapping,
) -> Result<(), LibraryError> {
    let rows = sqlx::query(
        "SELECT id, kind, chapter, start_sentence, start_offset, end_sentence, end_offset, quote, note, \
         created_at FROM annotations WHERE book_id = $1",
    )
    .bind(id.as_str())
    .fetch_all(&mut **transaction)
    .await?;
    for row in &rows {
        let annotation = super::annotations::annotation(row)?;
        let moved = mapping.annotation(&annotation.mark);
        sqlx::query(
            "UPDATE annotations SET chapter = $1, start_sentence = $2, start_offset = $3, \
             end_sentence = $4, end_offset = $5 WHERE id = $6",
        )
        .bind(i64::from(moved.chapter))
        .bind(i64::from(moved.start.sentence))
        .bind(i64::from(moved.start.offset))
        .bind(i64::from(moved.end.sentence))
        .bind(i64::from(moved.end.offset))
        .bind(&annotation.id)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}
