//! Books, chapters and progress in SQL. One set of statements for every database sqlx's `Any`
//! driver speaks to.

use app::model::{BookCard, BookDetails, BookId, ChapterCard, Progress, TocLine};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use super::chapters::Chapters;
use super::import::Format;
use super::manuscript::Manuscript;
use super::{LOCAL_USER, LibraryError};
use crate::now_ms;

const SELECT_CARD: &str = "SELECT books.id, books.title, books.authors, books.language, \
    books.vertical, books.cover, books.toc, books.chapters, books.sentences, \
    progress.chapter AS at_chapter, progress.sentence AS at_sentence, \
    progress.intra_ms AS at_intra_ms, progress.voice_id AS at_voice \
    FROM books LEFT JOIN progress ON progress.book_id = books.id AND progress.user_id = $1";

pub(super) async fn insert(
    database: &AnyPool,
    id: &BookId,
    format: Format,
    manuscript: &Manuscript,
    composed: &Chapters,
) -> Result<(), LibraryError> {
    let sentences: usize = composed.chapters.iter().map(|chapter| chapter.sentences.len()).sum();
    let mut transaction = database.begin().await?;
    sqlx::query(
        "INSERT INTO books (id, title, authors, language, vertical, format, cover, toc, chapters, \
         sentences, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(id.as_str())
    .bind(&manuscript.title)
    .bind(serde_json::to_string(&manuscript.authors)?)
    .bind(&manuscript.language)
    .bind(i64::from(manuscript.vertical))
    .bind(format.extension())
    .bind(manuscript.cover.clone())
    .bind(serde_json::to_string(&composed.toc)?)
    .bind(composed.chapters.len() as i64)
    .bind(sentences as i64)
    .bind(now_ms() as i64)
    .execute(&mut *transaction)
    .await?;
    for (chapter, number) in composed.chapters.iter().zip(1_i64..) {
        sqlx::query(
            "INSERT INTO chapters (book_id, number, title, sentences) VALUES ($1, $2, $3, $4)",
        )
        .bind(id.as_str())
        .bind(number)
        .bind(&chapter.title)
        .bind(chapter.sentences.len() as i64)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

pub(super) async fn all(database: &AnyPool) -> Result<Vec<BookCard>, LibraryError> {
    let query = format!(
        "{SELECT_CARD} ORDER BY COALESCE(progress.updated_at, books.added_at) DESC, books.title"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(LOCAL_USER).fetch_all(database).await?;
    rows.iter().map(card).collect()
}

pub(super) async fn find(
    database: &AnyPool,
    id: &BookId,
) -> Result<Option<BookDetails>, LibraryError> {
    let query = format!("{SELECT_CARD} WHERE books.id = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(LOCAL_USER)
        .bind(id.as_str())
        .fetch_optional(database)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let chapters = sqlx::query(
        "SELECT number, title, sentences FROM chapters WHERE book_id = $1 ORDER BY number",
    )
    .bind(id.as_str())
    .fetch_all(database)
    .await?;
    let toc: Vec<TocLine> = serde_json::from_str(&row.try_get::<String, _>("toc")?)?;
    Ok(Some(BookDetails {
        card: card(&row)?,
        vertical: row.try_get::<i64, _>("vertical")? != 0,
        chapters: chapters
            .iter()
            .map(|row| {
                Ok(ChapterCard {
                    number: number(row, "number")?,
                    title: row.try_get("title")?,
                    sentences: number(row, "sentences")?,
                })
            })
            .collect::<Result<_, sqlx::Error>>()?,
        toc,
    }))
}

pub(super) async fn cover(database: &AnyPool, id: &BookId) -> Result<Option<String>, LibraryError> {
    let row = sqlx::query("SELECT cover FROM books WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(database)
        .await?
        .ok_or(LibraryError::NoSuchBook)?;
    Ok(row.try_get("cover")?)
}

pub(super) async fn set_progress(
    database: &AnyPool,
    user: &str,
    id: &BookId,
    progress: &Progress,
    at_ms: u64,
) -> Result<(), LibraryError> {
    sqlx::query(
        "INSERT INTO progress (user_id, book_id, chapter, sentence, intra_ms, voice_id, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, book_id) DO UPDATE SET \
         chapter = excluded.chapter, sentence = excluded.sentence, intra_ms = excluded.intra_ms, \
         voice_id = excluded.voice_id, updated_at = excluded.updated_at \
         WHERE progress.updated_at <= excluded.updated_at",
    )
    .bind(user)
    .bind(id.as_str())
    .bind(i64::from(progress.chapter))
    .bind(i64::from(progress.sentence))
    .bind(i64::from(progress.intra_ms))
    .bind(progress.voice.clone())
    .bind(at_ms as i64)
    .execute(database)
    .await?;
    Ok(())
}

/// When a user's place in a book was written here, if one was.
pub(super) async fn progress_at(
    database: &AnyPool,
    user: &str,
    id: &BookId,
) -> Result<Option<u64>, LibraryError> {
    let row = sqlx::query("SELECT updated_at FROM progress WHERE user_id = $1 AND book_id = $2")
        .bind(user)
        .bind(id.as_str())
        .fetch_optional(database)
        .await?;
    let at = row.map(|row| row.try_get::<i64, _>("updated_at")).transpose()?;
    Ok(at.and_then(|at| u64::try_from(at).ok()))
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

fn card(row: &AnyRow) -> Result<BookCard, LibraryError> {
    let id: String = row.try_get("id")?;
    let at_chapter: Option<i64> = row.try_get("at_chapter")?;
    let progress = at_chapter
        .map(|_| {
            Ok::<_, sqlx::Error>(Progress {
                chapter: number(row, "at_chapter")?,
                sentence: number(row, "at_sentence")?,
                intra_ms: number(row, "at_intra_ms")?,
                voice: row.try_get("at_voice")?,
            })
        })
        .transpose()?;
    Ok(BookCard {
        id: id.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        title: row.try_get("title")?,
        authors: serde_json::from_str(&row.try_get::<String, _>("authors")?)?,
        language: row.try_get("language")?,
        has_cover: row.try_get::<Option<String>, _>("cover")?.is_some(),
        chapters: number(row, "chapters")?,
        sentences: number(row, "sentences")?,
        progress,
    })
}

fn number(row: &AnyRow, column: &str) -> Result<u32, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    u32::try_from(value).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
