//! Reading a book's file anew, by rules that have been bettered since it was imported.
//!
//! Where readers are, their bookmarks and highlights are found again by their words. Clips need nothing:
//! they are named by what they say.

mod anchoring;

use app::model::{Annotation, BookId, ImportedCard, Progress};
use futures::StreamExt;
use sqlx::{Any, AnyPool, Row, Transaction};

use super::annotations::{COLUMNS, annotation};
use super::import::ImportedBook;
use super::import::child::book_folder;
use super::import::upload::{Upload, Uploaded};
use super::{Library, LibraryError, catalogue, progress, sample};
use crate::time::now_ms;
use anchoring::{Mapping, Words};

/// The sample book as it was kept before it became a file of its own.
const FORMER_SAMPLE: &str = "85cc1f83572d7b5e";

/// The device that a place has been moved by.
const DEVICE: &str = "reimport";

impl Library {
    /// Reads the file of a book anew. Its title and authors stay as they are.
    pub async fn reimport(&self, id: &BookId) -> Result<ImportedCard, LibraryError> {
        let slot = self.shared.importer.slot()?;
        let lock = self.shared.changing.lock(id).await;
        let before = self.find(id).await?;
        self.check_seen(&before)?;
        let uploaded = self.fetch_original(id).await?;
        let book = self.read(&uploaded, &slot, id, "book", &|_| {}).await?;
        let (library, id) = (self.clone(), id.clone());
        // In a task of its own: a client that goes away leaves a whole book, not half of one.
        let done = self.shared.storing.spawn(async move {
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
        let old = Words::from_shelf(shelf, id, revision).await?;
        let count = book.contents.chapters.len();
        let new = Words::load(&book_folder(uploaded.folder()), count).await?;
        let (places, annotations) = (places(database, id).await?, annotations(database, id).await?);
        let mapping = tokio::task::spawn_blocking(move || {
            Mapping::new(old, new).moved_all(places, annotations)
        });
        let (places, annotations) = mapping.await?;
        let stored = async {
            shelf.put_revision(id, revision + 1, &book_folder(uploaded.folder())).await?;
            let mut transaction = database.begin().await?;
            catalogue::replace(&mut transaction, id, book, revision).await?;
            for (user, place) in &places {
                move_place(&mut transaction, id, user, place).await?;
            }
            for (id, annotation) in &annotations {
                match annotation {
                    Some(annotation) => move_annotation(&mut transaction, annotation).await?,
                    None => remove_annotation(&mut transaction, id).await?,
                }
            }
            Ok::<_, LibraryError>(transaction.commit().await?)
        };
        let stored = stored.await;
        self.changed(id).await;
        // Whatever has happened, SQL knows which revision the book has now. The others lead nowhere.
        let now = self.find(id).await?.card.revision;
        if let Err(left) = shelf.remove_other_revisions(id, now).await {
            tracing::warn!(%id, %left, "other revisions of a book could not be removed");
        }
        stored?;
        // Redis may have a place in the former revision, and knows it better than SQL until it hears of
        // this. The device that moved is none of the reader's: a page that is still open in the former
        // revision is told that another device has moved, and asks.
        for (user, place) in places {
            let place = Progress { at_ms: now_ms(), device: Some(DEVICE.to_owned()), ..place };
            progress::set(database, self.shared.link.as_ref(), &user, id, &place).await?;
        }
        self.keep_lexicon_of_book(id, &book.lexicon).await;
        let book = self.book(id).await?;
        Ok(ImportedCard { card: book.card, warnings: book.warnings })
    }
}

/// Where readers are in a book.
async fn places(database: &AnyPool, id: &BookId) -> Result<Vec<(String, Progress)>, LibraryError> {
    let rows = sqlx::query(
        "SELECT user_id, chapter AS at_chapter, sentence AS at_sentence, intra_ms AS at_intra_ms, \
         voice_id AS at_voice, device AS at_device, updated_at AS at_ms FROM progress WHERE book_id = $1",
    )
    .bind(id.as_str())
    .fetch_all(database)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("user_id")?, catalogue::place(row)?))).collect()
}

/// What readers have marked in a book.
async fn annotations(database: &AnyPool, id: &BookId) -> Result<Vec<Annotation>, LibraryError> {
    let statement = format!("SELECT {COLUMNS} FROM annotations WHERE book_id = $1");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement));
    let rows = rows.bind(id.as_str()).fetch_all(database).await?;
    rows.iter().map(|row| Ok(annotation(row)?)).collect()
}

async fn move_place(
    transaction: &mut Transaction<'_, Any>,
    id: &BookId,
    user: &str,
    place: &Progress,
) -> Result<(), LibraryError> {
    sqlx::query(
        "UPDATE progress SET chapter = $1, sentence = $2, intra_ms = 0 \
         WHERE user_id = $3 AND book_id = $4",
    )
    .bind(i64::from(place.chapter))
    .bind(i64::from(place.sentence))
    .bind(user)
    .bind(id.as_str())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// A direction for sentences that the book does not have any more goes with them.
async fn remove_annotation(
    transaction: &mut Transaction<'_, Any>,
    id: &str,
) -> Result<(), LibraryError> {
    sqlx::query("DELETE FROM annotations WHERE id = $1")
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn move_annotation(
    transaction: &mut Transaction<'_, Any>,
    Annotation { id, mark, .. }: &Annotation,
) -> Result<(), LibraryError> {
    sqlx::query(
        "UPDATE annotations SET chapter = $1, start_sentence = $2, start_offset = $3, \
         end_sentence = $4, end_offset = $5 WHERE id = $6",
    )
    .bind(i64::from(mark.chapter))
    .bind(i64::from(mark.start.sentence))
    .bind(i64::from(mark.start.offset))
    .bind(i64::from(mark.end.sentence))
    .bind(i64::from(mark.end.offset))
    .bind(id)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
