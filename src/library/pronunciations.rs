//! How words are said: kept for a book, a series, an author, a language or everywhere, and applied by whoever plans a
//! chapter.

pub(in crate::library) mod lexicon;
mod vocabulary;

use std::collections::HashSet;

use app::model::{BookCard, BookId, Matching, NewPronunciation, Pronunciation, PronunciationScope};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::{Library, LibraryError};
use crate::text::language::primary_subtag;
use crate::text::pronunciation::checked;
use crate::time::now_ms;

pub use lexicon::{MAX_LEXICON_BYTES, Refused};

/// Entries for one book, series, author or language, or for everywhere.
const MAX_ENTRIES: i64 = 2_000;
/// Those among them that are no whole words: each is sought in every sentence.
const MAX_PATTERNS: i64 = 100;

/// The id of no entry. SQLite refuses to write (SQLITE_BUSY_SNAPSHOT) in a transaction that began with reading
/// when another has written since; one that begins with writing waits for its turn, also when it finds nothing.
const NOBODY: &str = "";

/// Whose entries are those that a book brings: they are for everybody who reads it. An entry of one's own for the
/// same words counts instead.
const EVERYBODY: &str = "";

const COLUMNS: &str = "id, scope, target, written, spoken, phonemes, matching, matches_case";

impl Library {
    fn rules_changed(&self) {
        self.shared.said.forget_all();
    }

    /// What is said of words in a book, the nearest scope first.
    pub async fn pronunciations(&self, book: &BookId) -> Result<Vec<Pronunciation>, LibraryError> {
        self.pronunciations_for(&self.metadata(book).await?.card).await
    }

    async fn pronunciations_for(
        &self,
        card: &BookCard,
    ) -> Result<Vec<Pronunciation>, LibraryError> {
        let authors: Vec<String> =
            (6..).take(card.authors.len()).map(|n| format!("${n}")).collect();
        let by_author = match authors.as_slice() {
            [] => String::new(),
            some => format!("OR (scope = 'author' AND target IN ({}))", some.join(", ")),
        };
        let statement = format!(
            "SELECT {COLUMNS} FROM pronunciations WHERE user_id IN ($1, '') AND (scope = $2 \
             OR (scope = 'book' AND target = $3) OR (scope = 'language' AND target = $4) \
             OR (scope = 'series' AND target = $5) {by_author}) \
             ORDER BY user_id DESC, created_at, id"
        );
        let mut query = sqlx::query(AssertSqlSafe(statement))
            .bind(&*self.user)
            .bind(PronunciationScope::Everywhere.name())
            .bind(card.id.as_str())
            .bind(primary_subtag(&card.language))
            // No entry is for a series without a name.
            .bind(card.series.as_deref().unwrap_or_default());
        for author in &card.authors {
            query = query.bind(author);
        }
        let rows = query.fetch_all(&self.shared.database).await?;
        let mut entries: Vec<Pronunciation> = rows.iter().map(read).collect::<Result<_, _>>()?;
        // One's own come first.
        let mut seen = HashSet::new();
        entries.retain(|Pronunciation { entry, target, .. }| {
            let scope = (entry.scope as u8, target.clone());
            seen.insert((scope, entry.written.clone(), entry.matching.name(), entry.matches_case))
        });
        entries.sort_by_key(|one| one.entry.scope as u8);
        Ok(entries)
    }

    /// Keeps how a word is said, in the place of what was said of it in that scope and of the entry
    /// `replaced`, if one is named.
    ///
    /// # Errors
    /// When the entry cannot be used, or there are as many as there can be.
    pub async fn keep_pronunciation(
        &self,
        book: &BookId,
        entry: NewPronunciation,
        replaced: Option<&str>,
    ) -> Result<Pronunciation, LibraryError> {
        let entry = checked(entry)?;
        let details = self.metadata(book).await?;
        let mut transaction = self.shared.database.begin().await?;
        let known = take(&mut transaction, &self.user, replaced.unwrap_or(NOBODY)).await?;
        // What is changed stays with the author that it is for, whom this book may name second.
        let known = known.filter(|(scope, _)| *scope == entry.scope.name());
        let target = match known {
            Some((_, target)) => target,
            None => target(&details.card, entry.scope)?,
        };
        let mut room = Room::of(&mut transaction, &self.user, entry.scope, &target).await?;
        let kept = keep(&mut transaction, (&self.user, book), &target, entry, &mut room).await?;
        transaction.commit().await?;
        self.rules_changed();
        Ok(kept)
    }

    /// Forgets how a word is said; what a book brings is forgotten for everybody, if that is `allowed`.
    pub async fn remove_pronunciation(&self, id: &str, allowed: bool) -> Result<(), LibraryError> {
        let mut transaction = self.shared.database.begin().await?;
        let mut found = take(&mut transaction, &self.user, id).await?;
        if found.is_none() && allowed {
            found = take(&mut transaction, EVERYBODY, id).await?;
        }
        transaction.commit().await?;
        self.rules_changed();
        found.map(drop).ok_or(LibraryError::NoSuchPronunciation)
    }

    /// Keeps what a lexicon says. What it says that cannot be used is told and passed over.
    ///
    /// # Errors
    /// When the file is too large, or SQL fails; then nothing is kept.
    pub async fn import_lexicon(
        &self,
        book: &BookId,
        source: &str,
        scope: PronunciationScope,
    ) -> Result<(u32, Vec<Refused>), LibraryError> {
        let details = self.metadata(book).await?;
        let source = source.to_owned();
        // Patterns are compiled to be checked.
        let read = tokio::task::spawn_blocking(move || lexicon::read(&source, scope));
        let (entries, mut refused) = read.await??;
        let mut transaction = self.shared.database.begin().await?;
        take(&mut transaction, &self.user, NOBODY).await?;
        let target = target(&details.card, scope)?;
        let mut room = Room::of(&mut transaction, &self.user, scope, &target).await?;
        let mut count = 0;
        for (line, entry) in entries {
            match keep(&mut transaction, (&self.user, &details.card.id), &target, entry, &mut room)
                .await
            {
                Ok(_) => count += 1,
                Err(error @ LibraryError::TooManyPronunciations) => {
                    refused.push(Refused { line, reason: error.to_string() });
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        transaction.commit().await?;
        self.rules_changed();
        refused.sort_by_key(|one| one.line);
        refused.truncate(lexicon::MAX_REFUSED);
        Ok((count, refused))
    }

    /// Keeps how words are said by a book's own account, where nobody has said it otherwise. The book is there
    /// also when that fails.
    pub(super) async fn keep_lexicon_of_book(&self, book: &BookId, entries: &[NewPronunciation]) {
        if entries.is_empty() {
            return;
        }
        if let Err(error) = self.add_lexicon_of_book(book, entries).await {
            tracing::warn!(%book, %error, "the pronunciations that a book brings could not be kept");
        }
    }

    async fn add_lexicon_of_book(
        &self,
        book: &BookId,
        entries: &[NewPronunciation],
    ) -> Result<(), LibraryError> {
        let mut transaction = self.shared.database.begin().await?;
        take(&mut transaction, &self.user, NOBODY).await?;
        let mut room =
            Room::of(&mut transaction, EVERYBODY, PronunciationScope::Book, book.as_str()).await?;
        let known: Vec<(String, Matching)> = read_all(&mut transaction, book).await?;
        for entry in entries {
            if known.contains(&(entry.written.clone(), entry.matching)) {
                continue;
            }
            match keep(&mut transaction, (EVERYBODY, book), book.as_str(), entry.clone(), &mut room)
                .await
            {
                // A book that brings more than there can be is read with as many.
                Err(LibraryError::TooManyPronunciations) => break,
                kept => drop(kept?),
            }
        }
        transaction.commit().await?;
        self.rules_changed();
        Ok(())
    }

    /// What is said of words in a book as a W3C pronunciation lexicon, which has whole words alone.
    pub async fn lexicon_pls(&self, book: &BookId) -> Result<String, LibraryError> {
        let language = self.metadata(book).await?.card.language.clone();
        Ok(lexicon::pls(&self.pronunciations(book).await?, &language))
    }

    /// What is said of words in a book, a line each.
    pub async fn lexicon_text(&self, book: &BookId) -> Result<String, LibraryError> {
        Ok(lexicon::lines(&self.pronunciations(book).await?))
    }
}

/// How many more entries there can be for a target.
struct Room {
    entries: i64,
    patterns: i64,
}

impl Room {
    async fn of(
        transaction: &mut Transaction<'_, Any>,
        user: &str,
        scope: PronunciationScope,
        target: &str,
    ) -> Result<Self, LibraryError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS entries, COUNT(CASE WHEN matching <> 'word' THEN 1 END) AS patterns \
             FROM pronunciations WHERE user_id = $1 AND scope = $2 AND target = $3",
        )
        .bind(user)
        .bind(scope.name())
        .bind(target)
        .fetch_one(&mut **transaction)
        .await?;
        let (entries, patterns): (i64, i64) = (row.try_get("entries")?, row.try_get("patterns")?);
        Ok(Self { entries: MAX_ENTRIES - entries, patterns: MAX_PATTERNS - patterns })
    }

    /// Whether there was room for one more.
    fn take(&mut self, matching: Matching) -> bool {
        self.entries -= 1;
        self.patterns -= i64::from(matching != Matching::Word);
        self.entries >= 0 && (matching == Matching::Word || self.patterns >= 0)
    }
}

/// Keeps an entry that has been checked.
async fn keep(
    transaction: &mut Transaction<'_, Any>,
    (user, book): (&str, &BookId),
    target: &str,
    entry: NewPronunciation,
    room: &mut Room,
) -> Result<Pronunciation, LibraryError> {
    let id = uuid::Uuid::new_v4().to_string();
    let book_id = (entry.scope == PronunciationScope::Book).then(|| book.to_string());
    let kept = sqlx::query(
        "INSERT INTO pronunciations (id, user_id, scope, target, book_id, written, spoken, phonemes, \
         matching, matches_case, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (user_id, scope, target, written, matching, matches_case) \
         DO UPDATE SET spoken = excluded.spoken, phonemes = excluded.phonemes RETURNING id",
    )
    .bind(&id)
    .bind(user)
    .bind(entry.scope.name())
    .bind(target)
    .bind(book_id)
    .bind(&entry.written)
    .bind(&entry.spoken)
    .bind(&entry.phonemes)
    .bind(entry.matching.name())
    .bind(i64::from(entry.matches_case))
    .bind(now_ms() as i64)
    .fetch_one(&mut **transaction)
    .await?;
    let kept_id: String = kept.try_get("id")?;
    if kept_id == id && !room.take(entry.matching) {
        take(transaction, user, &id).await?;
        return Err(LibraryError::TooManyPronunciations);
    }
    Ok(Pronunciation { id: kept_id, entry, target: target.to_owned() })
}

/// What there is an entry for, for a book.
async fn read_all(
    transaction: &mut Transaction<'_, Any>,
    book: &BookId,
) -> Result<Vec<(String, Matching)>, LibraryError> {
    let statement =
        format!("SELECT {COLUMNS} FROM pronunciations WHERE scope = 'book' AND target = $1");
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(book.as_str())
        .fetch_all(&mut **transaction)
        .await?;
    let entries = rows.iter().map(|row| Ok(read(row)?.entry));
    let names = entries
        .map(|entry: Result<_, LibraryError>| entry.map(|entry| (entry.written, entry.matching)));
    names.collect()
}

/// Takes an entry away, and tells its scope and what it was for, if it was there.
async fn take(
    transaction: &mut Transaction<'_, Any>,
    user: &str,
    id: &str,
) -> Result<Option<(String, String)>, LibraryError> {
    let row = sqlx::query(
        "DELETE FROM pronunciations WHERE id = $1 AND user_id = $2 RETURNING scope, target",
    )
    .bind(id)
    .bind(user)
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.try_get("scope")?, row.try_get("target")?)))
}

/// What an entry of a scope is for, given the book it was entered in.
///
/// # Errors
/// When it is for the author or the series of a book without one.
fn target(book: &BookCard, scope: PronunciationScope) -> Result<String, LibraryError> {
    match scope {
        PronunciationScope::Book => Ok(book.id.to_string()),
        PronunciationScope::Series => book.series.clone().ok_or(LibraryError::NoSeries),
        PronunciationScope::Author => book.authors.first().cloned().ok_or(LibraryError::NoAuthor),
        PronunciationScope::Language => Ok(primary_subtag(&book.language).to_owned()),
        PronunciationScope::Everywhere => Ok(String::new()),
    }
}

fn read(row: &AnyRow) -> Result<Pronunciation, sqlx::Error> {
    // What another version has written and this one does not know is for the book alone, and a word.
    let scope = PronunciationScope::parse(&row.try_get::<String, _>("scope")?);
    let matching = Matching::parse(&row.try_get::<String, _>("matching")?);
    Ok(Pronunciation {
        id: row.try_get("id")?,
        entry: NewPronunciation {
            written: row.try_get("written")?,
            spoken: row.try_get("spoken")?,
            phonemes: row.try_get("phonemes")?,
            matching: matching.unwrap_or(Matching::Word),
            matches_case: row.try_get::<i64, _>("matches_case")? != 0,
            scope: scope.unwrap_or(PronunciationScope::Book),
        },
        target: row.try_get("target")?,
    })
}
