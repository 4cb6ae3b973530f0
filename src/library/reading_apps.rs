//! Where people are in apps that read the files of books: KOReader and what speaks its language.
//!
//! Such an app knows a file by a digest of parts of it, so the file has to be the one that was downloaded here. What it
//! says of its place comes back to it as it was; between it and this reader goes how far one is, and the document of
//! the file that that is in.

use std::ops::Range;

use app::model::{BookDetails, BookId, Progress};
use futures::TryStreamExt;
use md5::{Digest, Md5};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sqlx::Row;

use super::{Library, LibraryError, catalogue};
use crate::text::hash::hex;
use crate::time::now_ms;

/// Bytes that are looked at in each place of a file (KOReader, `util.partialMD5`).
const DIGESTED_BYTES: u64 = 1024;
/// Files whose digests are found out at once, when one is asked for that is not known.
const MAX_DIGESTED: i64 = 500;
/// Of them at the same time.
const DIGESTED_AT_ONCE: usize = 8;
/// Files of which a person can have a place.
const MAX_PLACES: i64 = 10_000;
/// Longest place, in bytes: an address of a node in a document.
const MAX_PLACE_BYTES: usize = 2_000;
/// Longest name of a file, a device or its id, in bytes.
const MAX_NAME_BYTES: usize = 200;
/// What is nearer than this part of a book is the same place: an app counts pages, and pages are not sentences.
const SAME: f64 = 0.005;
/// What this reader is called by those it tells a place.
const OWN_NAME: &str = "Earmark";

/// Where somebody is in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct AppPlace {
    /// An address within the file, as the app wrote it.
    pub place: String,
    /// How far that is, of 1.
    pub percentage: f64,
    /// The device that said so.
    pub device: String,
    /// Its id.
    pub device_id: String,
    /// When, in ms since 1970.
    pub at_ms: u64,
}

/// A file of a book.
struct Document {
    book: BookId,
    /// The chapter that is its first document, where the file was made here; 0 for the file that was imported.
    first_chapter: u32,
}

/// What KOReader calls a file: the MD5 of a kilobyte at the beginning, and at 1 kB, 4 kB, 16 kB and so on to 1 GB.
///
/// # Errors
/// When the object cannot be read.
pub async fn digest(store: &dyn ObjectStore, path: &Path) -> object_store::Result<String> {
    let size = store.head(path).await?.size;
    let parts = store.get_ranges(path, &digested(size)).await?;
    let mut digest = Md5::new();
    for part in parts {
        digest.update(part);
    }
    Ok(hex(&digest.finalize()))
}

/// The places of a file of this size that its digest is of.
fn digested(size: u64) -> Vec<Range<u64>> {
    let begins = std::iter::once(0).chain((0..=10).map(|step| DIGESTED_BYTES << (2 * step)));
    let begins = begins.take_while(|begin| *begin < size);
    begins.map(|begin| begin..(begin + DIGESTED_BYTES).min(size)).collect()
}

impl Library {
    /// Where the person is in a file, as another app is told; nothing when nobody has said.
    ///
    /// # Errors
    /// When the database or the object store fails.
    pub async fn app_place(&self, digest: &str) -> Result<Option<AppPlace>, LibraryError> {
        let said = self.said_place(digest).await?;
        let Some(document) = self.document(digest).await? else { return Ok(said) };
        let book = self.book(&document.book).await?;
        let Some(place) = &book.card.progress else { return Ok(said) };
        if said.as_ref().is_some_and(|said| said.at_ms >= place.at_ms) {
            return Ok(said);
        }
        // In a text without documents there is no address of a place that could be made up.
        let Some(address) = address(&book, place, document.first_chapter) else { return Ok(said) };
        let device = place.device.clone().unwrap_or_else(|| OWN_NAME.to_owned());
        Ok(Some(AppPlace {
            place: address,
            percentage: part_at(&book, place),
            device,
            device_id: OWN_NAME.to_owned(),
            at_ms: place.at_ms,
        }))
    }

    /// Remembers where an app says that the person is, and brings them there in the book, if it is one of these. Says
    /// when that was.
    ///
    /// # Errors
    /// When what it says is too long, there are too many files, or the database or the object store fails.
    pub async fn set_app_place(&self, digest: &str, said: AppPlace) -> Result<u64, LibraryError> {
        let names = [digest, &said.device, &said.device_id];
        let is_long = said.place.len() > MAX_PLACE_BYTES;
        if is_long || names.into_iter().any(|name| name.len() > MAX_NAME_BYTES) {
            return Err(LibraryError::LongName(MAX_NAME_BYTES));
        }
        let mut at_ms = now_ms();
        if let Some(document) = self.document(digest).await? {
            let book = self.book(&document.book).await?;
            let known = book.card.progress.as_ref();
            let is_here =
                known.is_some_and(|place| (part_at(&book, place) - said.percentage).abs() < SAME);
            if let Some(there) = place_at(&book, said.percentage).filter(|_| !is_here) {
                let device = Some(said.device.clone()).filter(|device| !device.is_empty());
                let voice = known.and_then(|place| place.voice.clone());
                let place = Progress { voice, device, ..there };
                at_ms = self.set_progress(&document.book, &place, None).await?.at_ms;
            } else if let Some(known) = known {
                at_ms = at_ms.max(known.at_ms);
            }
        }
        self.note_place(digest, &said, at_ms).await?;
        Ok(at_ms)
    }

    /// Notes that a file was made of a book, from one of its chapters on, each a document of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_document(
        &self,
        digest: &str,
        book: &BookId,
        first_chapter: u32,
    ) -> Result<(), LibraryError> {
        sqlx::query(
            "INSERT INTO documents (digest, book_id, first_chapter) VALUES ($1, $2, $3)
             ON CONFLICT (digest, book_id) DO NOTHING",
        )
        .bind(digest)
        .bind(book.as_str())
        .bind(i64::from(first_chapter))
        .execute(&self.shared.database)
        .await?;
        Ok(())
    }

    async fn said_place(&self, digest: &str) -> Result<Option<AppPlace>, LibraryError> {
        let said = sqlx::query(
            "SELECT place, percentage, device, device_id, at_ms FROM sync_places
             WHERE user_id = $1 AND digest = $2",
        );
        let said = said.bind(&*self.user).bind(digest);
        let said = said.fetch_optional(&self.shared.database).await?;
        Ok(said.map(|row| AppPlace {
            place: row.get(0),
            percentage: row.get::<String, _>(1).parse().unwrap_or_default(),
            device: row.get(2),
            device_id: row.get(3),
            at_ms: row.get::<i64, _>(4).max(0) as u64,
        }))
    }

    async fn note_place(
        &self,
        digest: &str,
        said: &AppPlace,
        at_ms: u64,
    ) -> Result<(), LibraryError> {
        let database = &self.shared.database;
        // The statement that writes counts too, so that many at once are no more than they may be.
        let noted = sqlx::query(
            "INSERT INTO sync_places (user_id, digest, place, percentage, device, device_id, at_ms)
             SELECT $1, $2, $3, $4, $5, $6, $7 WHERE $8 >
                 (SELECT COUNT(*) FROM sync_places WHERE user_id = $1 AND digest <> $2)
             ON CONFLICT (user_id, digest) DO UPDATE SET place = excluded.place,
                 percentage = excluded.percentage, device = excluded.device,
                 device_id = excluded.device_id, at_ms = excluded.at_ms",
        );
        let noted = noted.bind(&*self.user).bind(digest).bind(&said.place);
        let noted = noted.bind(said.percentage.to_string()).bind(&said.device);
        let noted = noted.bind(&said.device_id).bind(at_ms as i64).bind(MAX_PLACES);
        match noted.execute(database).await?.rows_affected() {
            0 => Err(LibraryError::TooManyPlaces(MAX_PLACES)),
            _ => Ok(()),
        }
    }

    /// The book that a file is of, if it is one of this person's.
    async fn document(&self, digest: &str) -> Result<Option<Document>, LibraryError> {
        if let Some(known) = self.known_document(digest).await? {
            return Ok(Some(known));
        }
        if self.find_digests().await? == 0 {
            return Ok(None);
        }
        self.known_document(digest).await
    }

    async fn known_document(&self, digest: &str) -> Result<Option<Document>, LibraryError> {
        let rows = sqlx::query("SELECT book_id, first_chapter FROM documents WHERE digest = $1");
        let rows = rows.bind(digest).fetch_all(&self.shared.database).await?;
        for row in rows {
            let Ok(book) = row.get::<String, _>(0).parse::<BookId>() else { continue };
            match self.metadata(&book).await {
                Ok(_) => {
                    let first_chapter = u32::try_from(row.get::<i64, _>(1)).unwrap_or_default();
                    return Ok(Some(Document { book, first_chapter }));
                }
                // It is another's, or was deleted.
                Err(LibraryError::NoSuchBook) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Finds out what files are called of which that is not known, and says of how many.
    async fn find_digests(&self) -> Result<usize, LibraryError> {
        let rows = sqlx::query(
            "SELECT id FROM books WHERE deleted_at IS NULL AND NOT EXISTS
                 (SELECT 1 FROM documents WHERE book_id = books.id AND first_chapter = 0)
             ORDER BY id LIMIT $1",
        );
        let rows = rows.bind(MAX_DIGESTED).fetch_all(&self.shared.database).await?;
        let books: Vec<BookId> =
            rows.iter().filter_map(|row| row.get::<String, _>(0).parse().ok()).collect();
        let found = books.len();
        futures::stream::iter(books.into_iter().map(Ok))
            .try_for_each_concurrent(DIGESTED_AT_ONCE, |book| self.find_digest(book))
            .await?;
        Ok(found)
    }

    async fn find_digest(&self, book: BookId) -> Result<(), LibraryError> {
        let format = catalogue::origin(&self.shared.database, &book).await?.format;
        match self.shared.shelf.digest(&book, format).await {
            Ok(digest) => self.note_document(&digest, &book, 0).await,
            // What has no file is not asked for again and again.
            Err(LibraryError::Store(object_store::Error::NotFound { .. })) => {
                self.note_document("", &book, 0).await
            }
            Err(error) => Err(error),
        }
    }
}

/// How much of a book there is, and how much before a chapter: in characters, or in sentences where those were not
/// counted.
fn weights(book: &BookDetails) -> Vec<f64> {
    let is_counted =
        book.chapters.iter().all(|chapter| chapter.characters > 0 || chapter.sentences == 0);
    let weight = |chapter: &app::model::ChapterCard| match is_counted {
        true => f64::from(chapter.characters),
        false => f64::from(chapter.sentences),
    };
    book.chapters.iter().map(weight).collect()
}

/// How far a place is, of 1.
fn part_at(book: &BookDetails, place: &Progress) -> f64 {
    let weights = weights(book);
    let total: f64 = weights.iter().sum();
    let mut before = 0.0;
    for (chapter, weight) in book.chapters.iter().zip(&weights) {
        if chapter.number == place.chapter {
            let inside = f64::from(place.sentence) / f64::from(chapter.sentences.max(1));
            before += weight * inside.min(1.0);
            break;
        }
        before += weight;
    }
    if total > 0.0 { before / total } else { 0.0 }
}

/// The place at a part of a book.
fn place_at(book: &BookDetails, part: f64) -> Option<Progress> {
    let weights = weights(book);
    let mut left = part.clamp(0.0, 1.0) * weights.iter().sum::<f64>();
    let mut last = None;
    for (chapter, weight) in book.chapters.iter().zip(weights) {
        if chapter.sentences == 0 {
            continue;
        }
        let end = chapter.sentences - 1;
        let inside = if weight > 0.0 { (left / weight).min(1.0) } else { 0.0 };
        let sentence = ((inside * f64::from(chapter.sentences)) as u32).min(end);
        last = Some(Progress {
            chapter: chapter.number,
            sentence,
            intra_ms: 0,
            voice: None,
            device: None,
            at_ms: 0,
        });
        if left < weight {
            break;
        }
        left -= weight;
    }
    last
}

/// The address of the document that a place is in, as KOReader's engine has it.
fn address(book: &BookDetails, place: &Progress, first_chapter: u32) -> Option<String> {
    let chapter = book.chapters.iter().find(|chapter| chapter.number == place.chapter)?;
    let document = match first_chapter {
        0 => chapter.document,
        first => (place.chapter + 1).checked_sub(first)?,
    };
    (document > 0).then(|| format!("/body/DocFragment[{document}]/body"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_of_the_places_that_koreader_reads() {
        assert_eq!(digested(0), []);
        assert_eq!(digested(100), [0..100]);
        assert_eq!(digested(5_000), [0..1024, 1024..2048, 4096..5000]);
        assert_eq!(digested(u64::MAX).len(), 12);
        assert_eq!(digested(u64::MAX)[11].start, 1 << 30);
    }
}
