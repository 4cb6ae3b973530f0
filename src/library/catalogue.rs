//! Books, chapters and progress in SQL. One set of statements for every database sqlx's `Any`
//! driver speaks to.

use app::model::{BookCard, BookDetails, BookId, ChapterCard, Matter, Progress, TocLine};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row, Transaction};

use super::LibraryError;
use super::import::{Format, ImportedBook};
use crate::time::now_ms;

const SELECT_CARD: &str = "SELECT books.id, books.title, books.authors, books.language, \
    books.cover, books.chapters, books.sentences, books.added_at, books.cover_widths, \
    books.revision, books.owner, books.read_by, books.series, \
    (SELECT CAST(COALESCE(SUM(chapters.sentences), 0) AS BIGINT) FROM chapters \
     WHERE chapters.book_id = books.id AND chapters.number < progress.chapter) AS before_at, \
    progress.device AS at_device, progress.updated_at AS at_ms, \
    progress.chapter AS at_chapter, progress.sentence AS at_sentence, \
    progress.intra_ms AS at_intra_ms, progress.voice_id AS at_voice \
    FROM books LEFT JOIN progress ON progress.book_id = books.id AND progress.user_id = $1";

/// The rules that files are read with now. Counts up when books that were imported before would gain from
/// being read anew.
pub(super) const IMPORT_RULES: i64 = 8;

/// Books that a person sees: everybody's and their own. Where nobody has to log in all are, and so they are to what
/// the server does by itself.
macro_rules! seen_by {
    ($user:literal) => {
        concat!("(owner IS NULL OR owner = ", $user, " OR ", $user, " = 'local')")
    };
}

/// Adds a book with its chapters: a person's own, or everybody's.
pub(super) async fn insert(
    database: &AnyPool,
    id: &BookId,
    book: &ImportedBook,
    owner: Option<&str>,
) -> Result<(), LibraryError> {
    let mut transaction = database.begin().await?;
    sqlx::query(
        "INSERT INTO books (id, title, authors, language, vertical, format, cover, toc, chapters, \
         sentences, added_at, fonts, cover_widths, warnings, rules, owner, read_by, series) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(id.as_str())
    .bind(&book.title)
    .bind(serde_json::to_string(&book.authors)?)
    .bind(&book.language)
    .bind(i64::from(book.vertical))
    .bind(book.format.extension())
    .bind(book.cover.clone())
    .bind(serde_json::to_string(&book.contents.toc)?)
    .bind(book.contents.chapters.len() as i64)
    .bind(sentences(book))
    .bind(now_ms() as i64)
    .bind(serde_json::to_string(&book.fonts)?)
    .bind(serde_json::to_string(&book.cover_widths)?)
    .bind(serde_json::to_string(&book.warnings)?)
    .bind(IMPORT_RULES)
    .bind(owner)
    .bind(book.read_by.clone())
    .bind(book.series.clone())
    .execute(&mut *transaction)
    .await?;
    insert_chapters(&mut transaction, id, book).await?;
    transaction.commit().await?;
    Ok(())
}

/// Puts another reading of a book's file in the place of the one it had, in a transaction that also moves
/// what readers keep in it. What they have called it stays. `revision` is the one it had; when it has another
/// by now, somebody else was faster.
pub(super) async fn replace(
    transaction: &mut Transaction<'_, Any>,
    id: &BookId,
    book: &ImportedBook,
    revision: u32,
) -> Result<(), LibraryError> {
    let done = sqlx::query(
        "UPDATE books SET language = $1, vertical = $2, cover = $3, toc = $4, chapters = $5, \
         sentences = $6, fonts = $7, cover_widths = $8, warnings = $9, rules = $10, revision = $11, \
         read_by = $14, series = $15 WHERE id = $12 AND revision = $13",
    )
    .bind(&book.language)
    .bind(i64::from(book.vertical))
    .bind(book.cover.clone())
    .bind(serde_json::to_string(&book.contents.toc)?)
    .bind(book.contents.chapters.len() as i64)
    .bind(sentences(book))
    .bind(serde_json::to_string(&book.fonts)?)
    .bind(serde_json::to_string(&book.cover_widths)?)
    .bind(serde_json::to_string(&book.warnings)?)
    .bind(IMPORT_RULES)
    .bind(i64::from(revision) + 1)
    .bind(id.as_str())
    .bind(i64::from(revision))
    .bind(book.read_by.clone())
    .bind(book.series.clone())
    .execute(&mut **transaction)
    .await?;
    if done.rows_affected() != 1 {
        return Err(LibraryError::Overtaken);
    }
    let chosen = sqlx::query(
        "SELECT number, title, matter FROM chapters WHERE book_id = $1 AND matter_chosen = 1",
    )
    .bind(id.as_str())
    .fetch_all(&mut **transaction)
    .await?;
    sqlx::query("DELETE FROM chapters WHERE book_id = $1")
        .bind(id.as_str())
        .execute(&mut **transaction)
        .await?;
    insert_chapters(transaction, id, book).await?;
    for row in chosen {
        let (title, chapters): (String, _) = (row.try_get("title")?, &book.contents.chapters);
        let titled: Vec<u32> =
            chapters.iter().filter(|one| one.title == title).map(|one| one.number).collect();
        let before = number(&row, "number")?;
        // Where several have the title it had, it is the one with its number, or none.
        let now = match titled[..] {
            [only] => only,
            _ if titled.contains(&before) => before,
            _ => continue,
        };
        sqlx::query(
            "UPDATE chapters SET matter = $1, matter_chosen = 1 WHERE book_id = $2 AND number = $3",
        )
        .bind(row.try_get::<String, _>("matter")?)
        .bind(id.as_str())
        .bind(i64::from(now))
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// Says what a chapter is of its book; false when there is no such chapter.
pub(super) async fn set_matter(
    database: &AnyPool,
    id: &BookId,
    chapter: u32,
    matter: Matter,
) -> Result<bool, LibraryError> {
    let done = sqlx::query(
        "UPDATE chapters SET matter = $1, matter_chosen = 1 WHERE book_id = $2 AND number = $3",
    )
    .bind(matter.name())
    .bind(id.as_str())
    .bind(i64::from(chapter))
    .execute(database)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What another version has written and this one does not know is text.
fn matter(row: &AnyRow) -> Result<Matter, sqlx::Error> {
    Ok(Matter::parse(&row.try_get::<String, _>("matter")?).unwrap_or_default())
}

async fn insert_chapters(
    transaction: &mut Transaction<'_, Any>,
    id: &BookId,
    book: &ImportedBook,
) -> Result<(), LibraryError> {
    for chapter in &book.contents.chapters {
        sqlx::query(
            "INSERT INTO chapters (book_id, number, title, sentences, characters, matter, document) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id.as_str())
        .bind(i64::from(chapter.number))
        .bind(&chapter.title)
        .bind(i64::from(chapter.sentences))
        .bind(i64::from(chapter.characters))
        .bind(chapter.matter.name())
        .bind(i64::from(chapter.document))
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

fn sentences(book: &ImportedBook) -> i64 {
    book.contents.chapters.iter().map(|chapter| i64::from(chapter.sentences)).sum()
}

pub(super) async fn all(database: &AnyPool, user: &str) -> Result<Vec<BookCard>, LibraryError> {
    let query = format!(
        "{SELECT_CARD} WHERE books.deleted_at IS NULL AND {} \
         ORDER BY COALESCE(progress.updated_at, books.added_at) DESC, books.title",
        seen_by!("$1")
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(user).fetch_all(database).await?;
    rows.iter().map(card).collect()
}

pub(super) async fn find(
    database: &AnyPool,
    id: &BookId,
) -> Result<Option<BookDetails>, LibraryError> {
    let query = format!("{SELECT_CARD} WHERE books.id = $2 AND books.deleted_at IS NULL");
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        // Whose place is asked for with the book.
        .bind("")
        .bind(id.as_str())
        .fetch_optional(database)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let more = sqlx::query("SELECT vertical, toc, fonts, rules, warnings FROM books WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(database)
        .await?;
    let Some(more) = more else { return Ok(None) };
    let chapters = sqlx::query(
        "SELECT number, title, sentences, characters, matter, document FROM chapters WHERE book_id = $1 ORDER BY number",
    )
    .bind(id.as_str())
    .fetch_all(database)
    .await?;
    let toc: Vec<TocLine> = serde_json::from_str(&more.try_get::<String, _>("toc")?)?;
    Ok(Some(BookDetails {
        card: card(&row)?,
        vertical: more.try_get::<i64, _>("vertical")? != 0,
        warnings: serde_json::from_str(&more.try_get::<String, _>("warnings")?)?,
        is_outdated: more.try_get::<i64, _>("rules")? < IMPORT_RULES,
        fonts: serde_json::from_str(&more.try_get::<String, _>("fonts")?)?,
        chapters: chapters
            .iter()
            .map(|row| {
                Ok(ChapterCard {
                    number: number(row, "number")?,
                    title: row.try_get("title")?,
                    sentences: number(row, "sentences")?,
                    characters: number(row, "characters")?,
                    matter: matter(row)?,
                    document: number(row, "document")?,
                })
            })
            .collect::<Result<_, sqlx::Error>>()?,
        toc,
        owner: row.try_get("owner")?,
    }))
}

/// Where what belongs to a book is found.
#[derive(Debug)]
pub(super) struct Origin {
    /// What its file is.
    pub format: Format,
    /// Path of its cover among its files.
    pub cover: Option<String>,
}

/// The origin of a book that is not deleted.
pub(super) async fn origin(database: &AnyPool, id: &BookId) -> Result<Origin, LibraryError> {
    let row = sqlx::query("SELECT cover, format FROM books WHERE id = $1 AND deleted_at IS NULL")
        .bind(id.as_str())
        .fetch_optional(database)
        .await?
        .ok_or(LibraryError::NoSuchBook)?;
    let format = Format::by_extension(&row.try_get::<String, _>("format")?);
    Ok(Origin { format, cover: row.try_get("cover")? })
}

/// Whether there is a row of a book, deleted or not.
pub(super) async fn is_known(database: &AnyPool, id: &BookId) -> Result<bool, LibraryError> {
    let row = sqlx::query("SELECT 1 AS one FROM books WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(database)
        .await?;
    Ok(row.is_some())
}

pub(super) async fn set_progress(
    database: &AnyPool,
    user: &str,
    id: &BookId,
    progress: &Progress,
) -> Result<(), LibraryError> {
    sqlx::query(
        "INSERT INTO progress (user_id, book_id, chapter, sentence, intra_ms, voice_id, updated_at, \
         device) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (user_id, book_id) DO UPDATE SET \
         chapter = excluded.chapter, sentence = excluded.sentence, intra_ms = excluded.intra_ms, \
         voice_id = excluded.voice_id, updated_at = excluded.updated_at, \
         device = excluded.device \
         WHERE progress.updated_at <= excluded.updated_at",
    )
    .bind(user)
    .bind(id.as_str())
    .bind(i64::from(progress.chapter))
    .bind(i64::from(progress.sentence))
    .bind(i64::from(progress.intra_ms))
    .bind(progress.voice.clone())
    .bind(progress.at_ms as i64)
    .bind(progress.device.clone())
    .execute(database)
    .await?;
    Ok(())
}

/// Makes a person's own book everybody's; false when it is none of theirs.
pub(super) async fn give_away(
    database: &AnyPool,
    id: &BookId,
    user: &str,
) -> Result<bool, LibraryError> {
    let done = sqlx::query(
        "UPDATE books SET owner = NULL WHERE id = $1 AND owner = $2 AND deleted_at IS NULL",
    );
    let done = done.bind(id.as_str()).bind(user).execute(database).await?;
    Ok(done.rows_affected() > 0)
}

/// Makes a deleted book that was given away a person's own again, before it is brought back.
pub(super) async fn take_back(
    database: &AnyPool,
    id: &BookId,
    user: &str,
) -> Result<(), LibraryError> {
    let done = sqlx::query(
        "UPDATE books SET owner = $2 WHERE id = $1 AND owner IS NULL AND deleted_at > 0",
    );
    done.bind(id.as_str()).bind(user).execute(database).await?;
    Ok(())
}

/// Marks as deleted long ago the own books of people who are not there any more.
pub(super) async fn delete_ownerless(database: &AnyPool) -> Result<(), LibraryError> {
    let done = sqlx::query(
        "UPDATE books SET deleted_at = 1 WHERE owner IS NOT NULL AND deleted_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = owner)",
    );
    done.execute(database).await?;
    Ok(())
}

/// Gives a book another title and other authors; false when there is no such book.
pub(super) async fn rename(
    database: &AnyPool,
    id: &BookId,
    user: &str,
    title: &str,
    authors: &[String],
) -> Result<bool, LibraryError> {
    let done = sqlx::query(concat!(
        "UPDATE books SET title = $1, authors = $2 WHERE id = $3 AND deleted_at IS NULL AND ",
        seen_by!("$4")
    ))
    .bind(title)
    .bind(serde_json::to_string(authors)?)
    .bind(id.as_str())
    .bind(user)
    .execute(database)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether a book, deleted or not, is a person's own.
pub(super) async fn is_own(
    database: &AnyPool,
    id: &BookId,
    user: &str,
) -> Result<bool, LibraryError> {
    let found = sqlx::query("SELECT id FROM books WHERE id = $1 AND owner = $2");
    let found = found.bind(id.as_str()).bind(user).fetch_optional(database).await?;
    Ok(found.is_some())
}

/// Marks a book as deleted, or with `None` as there again; false when nothing changed. One whose
/// purge has begun cannot be brought back.
pub(super) async fn set_deleted(
    database: &AnyPool,
    id: &BookId,
    user: &str,
    at_ms: Option<u64>,
) -> Result<bool, LibraryError> {
    let wanted = if at_ms.is_some() { "IS NULL" } else { "> 0" };
    let statement = format!(
        "UPDATE books SET deleted_at = $1 WHERE id = $2 AND deleted_at {wanted} AND {}",
        seen_by!("$3")
    );
    let done = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(at_ms.map(|at_ms| at_ms as i64))
        .bind(id.as_str())
        .bind(user)
        .execute(database)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The title of a book that is marked as deleted.
pub(super) async fn deleted_title(
    database: &AnyPool,
    id: &BookId,
    user: &str,
) -> Result<Option<String>, LibraryError> {
    let row = sqlx::query(concat!(
        "SELECT title FROM books WHERE id = $1 AND deleted_at > 0 AND ",
        seen_by!("$2")
    ));
    let row = row.bind(id.as_str()).bind(user).fetch_optional(database).await?;
    Ok(row.map(|row| row.try_get("title")).transpose()?)
}

/// Books that were deleted before a moment.
pub(super) async fn deleted_before(
    database: &AnyPool,
    at_ms: u64,
) -> Result<Vec<BookId>, LibraryError> {
    let rows = sqlx::query("SELECT id FROM books WHERE deleted_at < $1")
        .bind(at_ms as i64)
        .fetch_all(database)
        .await?;
    Ok(rows.iter().filter_map(|row| row.try_get::<String, _>("id").ok()?.parse().ok()).collect())
}

/// Begins the purge of a book that was deleted before a moment: from now on nobody can bring it back.
/// False when it is no longer one.
pub(super) async fn begin_purge(
    database: &AnyPool,
    id: &BookId,
    until_ms: u64,
) -> Result<bool, LibraryError> {
    let done = sqlx::query("UPDATE books SET deleted_at = 0 WHERE id = $1 AND deleted_at < $2")
        .bind(id.as_str())
        .bind(until_ms as i64)
        .execute(database)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets a book whose purge has begun, and all that belongs to it.
pub(super) async fn end_purge(database: &AnyPool, id: &BookId) -> Result<(), LibraryError> {
    sqlx::query("DELETE FROM books WHERE id = $1 AND deleted_at = 0")
        .bind(id.as_str())
        .execute(database)
        .await?;
    Ok(())
}

/// A user's place in a book as it is here.
pub(super) async fn progress(
    database: &AnyPool,
    user: &str,
    id: &BookId,
) -> Result<Option<Progress>, LibraryError> {
    let row = sqlx::query(
        "SELECT chapter AS at_chapter, sentence AS at_sentence, intra_ms AS at_intra_ms, \
         voice_id AS at_voice, device AS at_device, updated_at AS at_ms \
         FROM progress WHERE user_id = $1 AND book_id = $2",
    )
    .bind(user)
    .bind(id.as_str())
    .fetch_optional(database)
    .await?;
    Ok(row.as_ref().map(place).transpose()?)
}

/// Sets a fact of this installation; false when it was set before.
pub(super) async fn mark_once(database: &AnyPool, name: &str) -> Result<bool, LibraryError> {
    let done = sqlx::query(
        "INSERT INTO settings (name, value) VALUES ($1, 'done') ON CONFLICT (name) DO NOTHING",
    )
    .bind(name)
    .execute(database)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes back a fact that did not come true.
pub(super) async fn unmark(database: &AnyPool, name: &str) -> Result<(), LibraryError> {
    sqlx::query("DELETE FROM settings WHERE name = $1").bind(name).execute(database).await?;
    Ok(())
}

pub(super) fn place(row: &AnyRow) -> Result<Progress, sqlx::Error> {
    Ok(Progress {
        chapter: number(row, "at_chapter")?,
        sentence: number(row, "at_sentence")?,
        intra_ms: number(row, "at_intra_ms")?,
        voice: row.try_get("at_voice")?,
        device: row.try_get("at_device")?,
        at_ms: row.try_get::<i64, _>("at_ms")?.unsigned_abs(),
    })
}

fn card(row: &AnyRow) -> Result<BookCard, LibraryError> {
    let id: String = row.try_get("id")?;
    let at_chapter: Option<i64> = row.try_get("at_chapter")?;
    let progress = at_chapter.map(|_| place(row)).transpose()?;
    let sentences = number(row, "sentences")?;
    // The sentence one is in counts as read, so that the last one makes it whole.
    let percent = match &progress {
        Some(at) => {
            let read = u64::from(number(row, "before_at")?) + u64::from(at.sentence) + 1;
            Some((read * 100 / u64::from(sentences.max(1))).min(100) as u32)
        }
        None => None,
    };
    Ok(BookCard {
        id: id.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        title: row.try_get("title")?,
        authors: serde_json::from_str(&row.try_get::<String, _>("authors")?)?,
        language: row.try_get("language")?,
        has_cover: row.try_get::<Option<String>, _>("cover")?.is_some(),
        cover_widths: serde_json::from_str(&row.try_get::<String, _>("cover_widths")?)?,
        revision: number(row, "revision")?,
        chapters: number(row, "chapters")?,
        sentences,
        added_ms: row.try_get::<i64, _>("added_at")?.unsigned_abs(),
        percent,
        progress,
        is_own: row.try_get::<Option<String>, _>("owner")?.is_some(),
        read_by: row.try_get("read_by")?,
        series: row.try_get("series")?,
    })
}

pub(super) fn number(row: &AnyRow, column: &str) -> Result<u32, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    u32::try_from(value).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
