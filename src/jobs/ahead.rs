//! What is made in quiet hours though nobody has asked for it: how the books that are being read go on, how those that
//! came in lately begin, and those that are heard most.
//!
//! Nothing of it has a row: what is there is seen by looking, so another night goes on where this one ended. It is made
//! behind all that somebody asked for, and costs nothing unless the operator has said how much it may cost a night.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use app::model::BookId;
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::quiet::QuietHours;
use super::{JobError, Shared};
use crate::library::{LOCAL_USER, Reading};
use crate::narration::NarrationError;
use crate::queue::Job;
use crate::time::now_ms;

/// How often is looked for something to be made, while it is quiet.
const LOOK_INTERVAL: Duration = Duration::from_secs(if cfg!(debug_assertions) { 1 } else { 60 });
/// Whoever has not read for longer than this has laid the book aside.
const READ_LATELY: Duration = Duration::from_secs(14 * 24 * 3600);
/// A book that came in longer ago than this is new no more.
const ADDED_LATELY: Duration = Duration::from_secs(7 * 24 * 3600);
/// Chapters that are made ahead of where somebody is, with the one that they are in.
const CHAPTERS_AHEAD: u32 = 3;
/// Books that are made because they are heard most.
const MOST_HEARD: usize = 10;

/// Something that could be made.
struct Candidate {
    user: String,
    book: BookId,
    voice: String,
    chapters: std::ops::RangeInclusive<u32>,
}

/// Makes ahead what there is, each time that it is quiet, until `shutdown`.
pub(super) async fn run(shared: Arc<Shared>, quiet: QuietHours, shutdown: CancellationToken) {
    let mut left = shared.settings.budget_a_night;
    while !shutdown.is_cancelled() {
        if quiet.are_now() {
            let made = tokio::select! {
                made = make(&shared, quiet, &mut left) => made,
                () = shutdown.cancelled() => return,
            };
            if let Err(error) = made {
                tracing::warn!(%error, "what could be made in quiet hours is not known");
            }
        } else {
            left = shared.settings.budget_a_night;
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
    }
}

async fn make(shared: &Shared, quiet: QuietHours, left: &mut u64) -> Result<(), JobError> {
    let mut seen = HashSet::new();
    for candidate in candidates(shared).await? {
        let Candidate { user, book, voice, chapters } = candidate;
        for chapter in chapters {
            if !quiet.are_now() {
                return Ok(());
            }
            if !seen.insert((user.clone(), book.clone(), voice.clone(), chapter)) {
                continue;
            }
            match make_chapter(shared, (&user, &book, &voice, chapter), (quiet, left)).await {
                Ok(()) => {}
                // A book that was deleted, a chapter that there is not, a voice that is gone: the others go on.
                Err(error) => tracing::debug!(%book, chapter, %error, "nothing is made ahead"),
            }
        }
    }
    Ok(())
}

async fn make_chapter(
    shared: &Shared,
    (user, book, voice, chapter): (&str, &BookId, &str, u32),
    (quiet, left): (QuietHours, &mut u64),
) -> Result<(), NarrationError> {
    let narrator = shared.narrator.of(shared.library.trusted(user));
    let missing = narrator.chapter_ahead(book, chapter, voice).await?.missing;
    let Some(first) = missing.first() else { return Ok(()) };
    let at_once = narrator.ahead_at_once(&first.voice.engine).await;
    let mut affordable: Vec<Job> = Vec::new();
    for job in missing {
        let characters = job.text.chars().count() as u64;
        let price = shared.voices.price_of(&job.voice.engine, characters);
        if price > *left {
            break;
        }
        *left -= price;
        affordable.push(job);
    }
    let narrator = &narrator;
    let made = stream::iter(affordable.into_iter().map(|job| async move {
        // What has waited until the night is over waits for the next.
        match quiet.are_now() {
            true => narrator.make_ahead(&job).await,
            false => Ok(()),
        }
    }));
    let made: Vec<_> = made.buffer_unordered(at_once).collect().await;
    made.into_iter().collect()
}

async fn candidates(shared: &Shared) -> Result<Vec<Candidate>, JobError> {
    let since = |time: Duration| now_ms().saturating_sub(time.as_millis() as u64);
    let mut found = Vec::new();
    for Reading { user, book, chapter, voice } in
        shared.library.read_since(since(READ_LATELY)).await?
    {
        let chapters = chapter..=chapter + CHAPTERS_AHEAD - 1;
        let voice = match voice.filter(|voice| !voice.is_empty()) {
            Some(voice) => voice,
            None => usual_voice(shared, &book).await,
        };
        found.push(Candidate { user, book, voice, chapters });
    }
    for (book, owner) in shared.library.added_since(since(ADDED_LATELY)).await? {
        let user = owner.unwrap_or_else(|| LOCAL_USER.to_owned());
        let voice = usual_voice(shared, &book).await;
        found.push(Candidate { user, book, voice, chapters: 1..=1 });
    }
    for book in shared.narrator.most_heard(MOST_HEARD).await? {
        let trusted = shared.library.trusted(LOCAL_USER);
        let Ok(details) = trusted.metadata(&book).await else { continue };
        let user = details.owner.clone().unwrap_or_else(|| LOCAL_USER.to_owned());
        let voice = usual_voice(shared, &book).await;
        found.push(Candidate { user, book, voice, chapters: 1..=details.card.chapters });
    }
    Ok(found)
}

/// Who reads a book by default; nobody, which finds no voice, when there is no such book.
async fn usual_voice(shared: &Shared, book: &BookId) -> String {
    let trusted = shared.library.trusted(LOCAL_USER);
    let Ok(details) = trusted.metadata(book).await else { return String::new() };
    let usual = shared.voices.default_for(&details.card.language);
    usual.map(|voice| voice.id).unwrap_or_default()
}
