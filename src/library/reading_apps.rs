//! Where people are in apps that read the files of books: KOReader and what speaks its language.
//!
//! Such an app knows a file by a digest of parts of it, so the file has to be the one that was downloaded here. What it
//! says of its place comes back to it as it was; between it and this reader goes how far one is, and the document of
//! the file that that is in.

use std::ops::{Range, RangeInclusive};

use app::model::{BookDetails, BookId, ChapterCard, Progress};
use futures::StreamExt;
use md5::{Digest, Md5};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sqlx::Row;
use tokio::sync::Mutex;

use super::{Library, LibraryError, catalogue};
use crate::text::hash::hex;
use crate::time::now_ms;

/// Bytes that are looked at in each place of a file (KOReader, `util.partialMD5`).
const DIGESTED_BYTES: u64 = 1024;
/// Files of which digests are found out at the same time, when one is asked for that is not known.
const DIGESTED_AT_ONCE: usize = 8;
/// Files of which a person can have a place.
const MAX_PLACES: i64 = 10_000;
/// Longest place, in bytes: an address of a node in a document.
const MAX_PLACE_BYTES: usize = 2_000;
/// Longest name of a file, a device or its id, in bytes.
const MAX_NAME_BYTES: usize = 200;
/// What is nearer than this is the same place, in characters: an app counts pages, and pages are not sentences.
const SAME_CHARACTERS: f64 = 1_500.0;
/// And never more than this part of a book.
const SAME_PART: f64 = 0.005;
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
    book: BookDetails,
    /// The chapters that are its documents, where the file was made here.
    made: Option<RangeInclusive<u32>>,
}

/// Digests are found out by one request at a time.
static FINDING: Mutex<()> = Mutex::const_new(());

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
    /// An app that is told an address goes there, and no further. So it is told one of this reader's only where that is
    /// the beginning of the chapter that the person is in, and further on than what it has said itself.
    ///
    /// # Errors
    /// When the database or the object store fails.
    pub async fn app_place(&self, digest: &str) -> Result<Option<AppPlace>, LibraryError> {
        let said = self.said_place(digest).await?;
        let Some(document) = self.document(digest).await? else { return Ok(said) };
        let Some(place) = &document.book.card.progress else { return Ok(said) };
        if said.as_ref().is_some_and(|said| said.at_ms >= place.at_ms) {
            return Ok(said);
        }
        let begin = Progress { sentence: 0, ..place.clone() };
        let (Some(address), Some(begin), Some(percentage)) =
            (document.address(place), document.part_at(&begin), document.part_at(place))
        else {
            return Ok(said);
        };
        if said.as_ref().is_some_and(|said| begin < said.percentage) {
            return Ok(said);
        }
        let device = place.device.clone().unwrap_or_else(|| OWN_NAME.to_owned());
        Ok(Some(AppPlace {
            place: address,
            percentage,
            device,
            device_id: OWN_NAME.to_owned(),
            at_ms: place.at_ms,
        }))
    }

    /// Remembers where an app says that the person is, and brings them there in the book, if it is one of these. Says
    /// when that was.
    ///
    /// Within a chapter the further of two devices' places is kept: an app that was led to the beginning of the chapter
    /// says nothing of where its reader was.
    ///
    /// # Errors
    /// When what it says is too long, there are too many files, or the database or the object store fails.
    pub async fn set_app_place(&self, digest: &str, said: AppPlace) -> Result<u64, LibraryError> {
        let names = [digest, &said.device, &said.device_id];
        let is_long = said.place.len() > MAX_PLACE_BYTES;
        if is_long || names.into_iter().any(|name| name.len() > MAX_NAME_BYTES) {
            return Err(LibraryError::LongName(MAX_NAME_BYTES));
        }
        let before = self.said_place(digest).await?;
        // A device that was asleep says once more what it has said: that is as old as it was.
        if let Some(before) = before
            && (&before.place, &before.device_id) == (&said.place, &said.device_id)
        {
            return Ok(before.at_ms);
        }
        let mut at_ms = now_ms();
        if let Some(document) = self.document(digest).await? {
            let known = document.book.card.progress.as_ref();
            let there = document.place_at(said.percentage);
            let there = there.filter(|there| {
                known.is_none_or(|known| {
                    let is_other = known.device.as_deref() != Some(&said.device);
                    let is_back = known.chapter == there.chapter && there.sentence < known.sentence;
                    !(document.is_same(known, said.percentage) || is_other && is_back)
                })
            });
            if let Some(there) = there {
                let device = Some(said.device.clone()).filter(|device| !device.is_empty());
                let voice = known.and_then(|place| place.voice.clone());
                let place = Progress { voice, device, ..there };
                at_ms = self.set_progress(&document.book.card.id, &place, None).await?.at_ms;
            } else if let Some(known) = known {
                // Where the person is here stays the newer place, and is what other devices are told.
                let is_same = document.is_same(known, said.percentage);
                at_ms =
                    if is_same { at_ms.max(known.at_ms) } else { known.at_ms.saturating_sub(1) };
            }
        }
        self.note_place(digest, &said, at_ms).await?;
        Ok(at_ms)
    }

    /// Notes that a file was made of a book, each of its chapters a document of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_document(
        &self,
        digest: &str,
        book: &BookDetails,
        chapters: &RangeInclusive<u32>,
    ) -> Result<(), LibraryError> {
        let numbers = [*chapters.start(), *chapters.end(), book.card.revision].map(i64::from);
        self.insert_document(digest, &book.card.id, numbers).await
    }

    async fn insert_document(
        &self,
        digest: &str,
        book: &BookId,
        [first, last, revision]: [i64; 3],
    ) -> Result<(), LibraryError> {
        sqlx::query(
            "INSERT INTO documents (digest, book_id, first_chapter, last_chapter, revision)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest, book_id) DO UPDATE SET
                 first_chapter = excluded.first_chapter, last_chapter = excluded.last_chapter,
                 revision = excluded.revision",
        )
        .bind(digest)
        .bind(book.as_str())
        .bind(first)
        .bind(last)
        .bind(revision)
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
        // The statement that writes counts too; should two of a person's write at once there may be one more.
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
        self.find_digests().await?;
        self.known_document(digest).await
    }

    /// Of several books that have the file, the one that the person was in last.
    async fn known_document(&self, digest: &str) -> Result<Option<Document>, LibraryError> {
        let rows = sqlx::query(
            "SELECT documents.book_id, first_chapter, last_chapter, revision FROM documents
             LEFT JOIN progress ON progress.book_id = documents.book_id AND progress.user_id = $2
             WHERE digest = $1 ORDER BY COALESCE(progress.updated_at, 0) DESC, documents.book_id",
        );
        let rows = rows.bind(digest).bind(&*self.user).fetch_all(&self.shared.database).await?;
        for row in rows {
            let Ok(book) = row.get::<String, _>(0).parse::<BookId>() else { continue };
            let number = |at: usize| u32::try_from(row.get::<i64, _>(at)).unwrap_or_default();
            let (first, last, revision) = (number(1), number(2), number(3));
            match self.book(&book).await {
                // What was made of the book before it was read anew has other chapters.
                Ok(book) if first > 0 && book.card.revision != revision => {}
                Ok(book) => {
                    return Ok(Some(Document { book, made: (first > 0).then_some(first..=last) }));
                }
                // It is another's, or was deleted.
                Err(LibraryError::NoSuchBook) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Finds out what files are called of which that is not known. One that cannot be read keeps nobody from the others.
    async fn find_digests(&self) -> Result<(), LibraryError> {
        let _one = FINDING.lock().await;
        let rows = sqlx::query(
            "SELECT id FROM books WHERE deleted_at IS NULL AND NOT EXISTS
                 (SELECT 1 FROM documents WHERE book_id = books.id AND first_chapter = 0)",
        );
        let rows = rows.fetch_all(&self.shared.database).await?;
        let books = rows.iter().filter_map(|row| row.get::<String, _>(0).parse::<BookId>().ok());
        futures::stream::iter(books.collect::<Vec<_>>())
            .for_each_concurrent(DIGESTED_AT_ONCE, async |book| {
                if let Err(error) = self.find_digest(&book).await {
                    tracing::warn!(%book, %error, "what reading apps call its file is not known yet");
                }
            })
            .await;
        Ok(())
    }

    async fn find_digest(&self, book: &BookId) -> Result<(), LibraryError> {
        let format = catalogue::origin(&self.shared.database, book).await?.format;
        let digest = match self.shared.shelf.digest(book, format).await {
            Ok(digest) => digest,
            // What has no file is not asked for again and again.
            Err(LibraryError::Store(object_store::Error::NotFound { .. })) => String::new(),
            Err(error) => return Err(error),
        };
        self.insert_document(&digest, book, [0, 0, 0]).await
    }
}

impl Document {
    /// The chapters of the file, and how much each is of it: in characters, or in sentences where those were not
    /// counted.
    fn chapters(&self) -> Vec<(&ChapterCard, f64)> {
        let is_in = |chapter: &&ChapterCard| {
            self.made.as_ref().is_none_or(|made| made.contains(&chapter.number))
        };
        let chapters: Vec<_> = self.book.chapters.iter().filter(is_in).collect();
        let is_counted =
            chapters.iter().all(|chapter| chapter.characters > 0 || chapter.sentences == 0);
        let weight = |chapter: &ChapterCard| match is_counted {
            true => f64::from(chapter.characters),
            false => f64::from(chapter.sentences),
        };
        chapters.into_iter().map(|chapter| (chapter, weight(chapter))).collect()
    }

    /// How far a place is, of 1; nothing for a place that the file does not have.
    fn part_at(&self, place: &Progress) -> Option<f64> {
        let chapters = self.chapters();
        let total: f64 = chapters.iter().map(|(_, weight)| weight).sum();
        let mut before = 0.0;
        for (chapter, weight) in chapters {
            if chapter.number == place.chapter {
                let inside = f64::from(place.sentence) / f64::from(chapter.sentences.max(1));
                before += weight * inside.min(1.0);
                return Some(if total > 0.0 { before / total } else { 0.0 });
            }
            before += weight;
        }
        None
    }

    /// Whether a part of the file is where the person is.
    fn is_same(&self, place: &Progress, part: f64) -> bool {
        let total: f64 = self.chapters().iter().map(|(_, weight)| weight).sum();
        let same = (SAME_CHARACTERS / total.max(1.0)).min(SAME_PART);
        self.part_at(place).is_some_and(|at| (at - part).abs() < same)
    }

    /// The place at a part of the file.
    fn place_at(&self, part: f64) -> Option<Progress> {
        let chapters = self.chapters();
        let mut left =
            part.clamp(0.0, 1.0) * chapters.iter().map(|(_, weight)| weight).sum::<f64>();
        let mut last = None;
        for (chapter, weight) in chapters {
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

    /// The address at which the chapter of a place begins, as KOReader's engine has it; nothing where that is in the
    /// middle of a document.
    fn address(&self, place: &Progress) -> Option<String> {
        let document = match &self.made {
            Some(made) => {
                made.contains(&place.chapter).then(|| place.chapter - made.start() + 1)?
            }
            None => {
                let chapters = &self.book.chapters;
                let of_place = chapters.iter().find(|chapter| chapter.number == place.chapter)?;
                let first =
                    chapters.iter().find(|chapter| chapter.document == of_place.document)?;
                (first.number == place.chapter).then_some(of_place.document)?
            }
        };
        (document > 0).then(|| format!("/body/DocFragment[{document}]/body"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_of_the_places_that_koreader_reads() {
        assert_eq!(digested(0), []);
        assert_eq!(digested(1_030), [0..1024, 1024..1030]);
        assert_eq!(digested(5_000), [0..1024, 1024..2048, 4096..5000]);
        assert_eq!(digested(u64::MAX).len(), 12);
        assert_eq!(digested(u64::MAX)[11].start, 1 << 30);
    }
}
