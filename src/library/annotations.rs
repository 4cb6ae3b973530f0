//! Bookmarks and highlights, with their notes, and directions for how sentences are read.

use std::sync::Arc;

use std::fmt::Write;

use app::model::{Annotation, AnnotationKind, BookId, HighlightColour, NewAnnotation, Point};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Library, LibraryError};
use crate::time::now_ms;

/// Marks a person may have in one book.
const MAX_PER_BOOK: i64 = 10_000;
/// The same of a guest, who came by a link.
const MAX_OF_GUEST: i64 = 100;
/// Longer quotes are cut, in characters: a mark may be long, what a list shows of it is not.
const MAX_QUOTE_CHARS: usize = 2_000;
/// Longest note, in characters.
const MAX_NOTE_CHARS: usize = 20_000;
/// Most voices that speak in one passage.
const MAX_VOICES: usize = 8;
/// Longest list of voices in a direction, in characters.
const MAX_VOICE_CHARS: usize = 1_000;

/// Columns of a mark, as [`annotation`] reads them.
pub(super) const COLUMNS: &str = "id, kind, chapter, start_sentence, start_offset, end_sentence, \
    end_offset, quote, note, created_at, colour";

impl Library {
    /// What the reader has marked in a book, in the book's order.
    pub async fn annotations(&self, book: &BookId) -> Result<Vec<Annotation>, LibraryError> {
        self.metadata(book).await?;
        let statement = format!(
            "SELECT {COLUMNS} FROM annotations WHERE user_id = $1 AND book_id = $2 \
             ORDER BY chapter, start_sentence, start_offset, created_at"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(&*self.user)
            .bind(book.as_str())
            .fetch_all(&self.shared.database)
            .await?;
        rows.iter().map(|row| Ok(annotation(row)?)).collect()
    }

    /// Keeps a mark.
    pub async fn annotate(
        &self,
        book: &BookId,
        mark: NewAnnotation,
    ) -> Result<Annotation, LibraryError> {
        let chapter = self.chapter(book, mark.chapter).await?;
        if mark.end < mark.start || mark.end.sentence as usize >= chapter.sentences.len() {
            return Err(LibraryError::NoSuchSentence);
        }
        if mark.kind.is_direction() {
            check_voices(&mark)?;
        } else {
            check_note(&mark.note)?;
        }
        let database = &self.shared.database;
        let count: i64 = sqlx::query(
            "SELECT COUNT(*) AS count FROM annotations WHERE user_id = $1 AND book_id = $2",
        )
        .bind(&*self.user)
        .bind(book.as_str())
        .fetch_one(database)
        .await?
        .try_get("count")?;
        let most = if self.is_lent() { MAX_OF_GUEST } else { MAX_PER_BOOK };
        if count >= most {
            return Err(LibraryError::TooManyMarks);
        }
        let quote = mark.quote.trim().chars().take(MAX_QUOTE_CHARS).collect();
        let (id, created_ms) = (uuid::Uuid::new_v4().to_string(), now_ms());
        let kept = Annotation { id, mark: NewAnnotation { quote, ..mark }, created_ms };
        sqlx::query(
            "INSERT INTO annotations (id, user_id, book_id, kind, chapter, start_sentence, \
             start_offset, end_sentence, end_offset, quote, note, created_at, colour) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(&kept.id)
        .bind(&*self.user)
        .bind(book.as_str())
        .bind(kept.mark.kind.name())
        .bind(i64::from(kept.mark.chapter))
        .bind(i64::from(kept.mark.start.sentence))
        .bind(i64::from(kept.mark.start.offset))
        .bind(i64::from(kept.mark.end.sentence))
        .bind(i64::from(kept.mark.end.offset))
        .bind(&kept.mark.quote)
        .bind(&kept.mark.note)
        .bind(created_ms as i64)
        .bind(kept.mark.colour.name())
        .execute(database)
        .await?;
        self.shared.said.forget(&(Arc::clone(&self.user), book.clone())).await;
        Ok(kept)
    }

    /// Changes what the reader says to a bookmark or highlight, and its colour where one is named.
    pub async fn set_note(
        &self,
        book: &BookId,
        id: &str,
        (note, colour): (&str, Option<HighlightColour>),
    ) -> Result<(), LibraryError> {
        check_note(note)?;
        let done = sqlx::query(
            "UPDATE annotations SET note = $1, colour = CASE WHEN $5 = '' THEN colour ELSE $5 END WHERE id = $2 AND user_id = $3 AND book_id = $4 \
             AND kind NOT IN ('voice', 'skip', 'again')",
        )
        .bind(note.trim())
        .bind(id)
        .bind(&*self.user)
        .bind(book.as_str())
        .bind(colour.map(HighlightColour::name).unwrap_or_default())
        .execute(&self.shared.database)
        .await?;
        found(done.rows_affected())
    }

    /// Takes a mark away.
    pub async fn remove_annotation(&self, book: &BookId, id: &str) -> Result<(), LibraryError> {
        let done =
            sqlx::query("DELETE FROM annotations WHERE id = $1 AND user_id = $2 AND book_id = $3")
                .bind(id)
                .bind(&*self.user)
                .bind(book.as_str())
                .execute(&self.shared.database)
                .await?;
        self.shared.said.forget(&(Arc::clone(&self.user), book.clone())).await;
        found(done.rows_affected())
    }

    /// All marks of a book as Markdown, chapter by chapter.
    pub async fn annotations_markdown(&self, book: &BookId) -> Result<String, LibraryError> {
        let details = self.metadata(book).await?;
        let mut text = format!("# {}\n", details.card.title);
        if !details.card.authors.is_empty() {
            let _ = writeln!(text, "\n{}", details.card.byline());
        }
        let mut chapter = 0;
        let marks = self.annotations(book).await?;
        for Annotation { mark, .. } in marks.into_iter().filter(|one| !one.mark.kind.is_direction())
        {
            if mark.chapter != chapter {
                chapter = mark.chapter;
                let card = details.chapters.iter().find(|card| card.number == chapter);
                let _ = writeln!(text, "\n## {}", card.map_or("", |card| &card.title));
            }
            text.push('\n');
            for line in mark.quote.lines() {
                let _ = writeln!(text, "> {line}");
            }
            if !mark.note.is_empty() {
                let _ = writeln!(text, "\n{}", mark.note);
            }
        }
        Ok(text)
    }
}

fn found(rows: u64) -> Result<(), LibraryError> {
    if rows == 0 { Err(LibraryError::NoSuchMark) } else { Ok(()) }
}

fn check_note(note: &str) -> Result<(), LibraryError> {
    match note.chars().count() {
        0..=MAX_NOTE_CHARS => Ok(()),
        _ => Err(LibraryError::NoteTooLong(MAX_NOTE_CHARS)),
    }
}

/// A direction names the voices it is about, each by its id, and none where nobody is to read.
fn check_voices(mark: &NewAnnotation) -> Result<(), LibraryError> {
    let voices: Vec<&str> = mark.note.split(' ').filter(|id| !id.is_empty()).collect();
    let is_right = match mark.kind {
        AnnotationKind::Voice => voices.len() == 1,
        AnnotationKind::Again => (1..=MAX_VOICES).contains(&voices.len()),
        _ => mark.note.is_empty(),
    };
    if mark.note.chars().count() > MAX_VOICE_CHARS {
        return Err(LibraryError::LongName(MAX_VOICE_CHARS));
    }
    if !is_right || voices.iter().any(|id| !id.contains(':')) {
        return Err(LibraryError::NoVoiceNamed);
    }
    Ok(())
}

pub(super) fn annotation(row: &AnyRow) -> Result<Annotation, sqlx::Error> {
    let number = |column: &str| super::catalogue::number(row, column);
    let point = |sentence: &str, offset: &str| {
        Ok::<_, sqlx::Error>(Point { sentence: number(sentence)?, offset: number(offset)? })
    };
    let kind = AnnotationKind::parse(&row.try_get::<String, _>("kind")?);
    Ok(Annotation {
        id: row.try_get("id")?,
        mark: NewAnnotation {
            kind: kind.unwrap_or(AnnotationKind::Highlight),
            chapter: number("chapter")?,
            start: point("start_sentence", "start_offset")?,
            end: point("end_sentence", "end_offset")?,
            quote: row.try_get("quote")?,
            note: row.try_get("note")?,
            colour: HighlightColour::parse(row.try_get("colour")?).unwrap_or_default(),
        },
        created_ms: row.try_get::<i64, _>("created_at")?.unsigned_abs(),
    })
}
