//! What is made in quiet hours though nobody has asked for it: how the books that are being read go on, how those that
//! came in lately begin, and those that are heard most.
//!
//! Nothing of it has a row: what is there is seen by looking, so another night goes on where this one ended. It is made
//! behind all that somebody asked for, and costs nothing unless the operator has said how much it may cost a night.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::model::BookId;
use chrono::NaiveDate;
use futures::{StreamExt, stream};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::quiet::QuietHours;
use super::rows::HELD_AGAIN;
use super::{JobError, Shared};
use crate::library::{LOCAL_USER, Reading};
use crate::narration::{NarrationError, Narrator};
use crate::queue::Job;
use crate::text::hash::ContentHash;
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

/// A sentence is asked for again after this long: what was asked for before may be lost.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Something that could be made.
struct Candidate {
    user: String,
    book: BookId,
    voice: String,
    chapters: RangeInclusive<u32>,
}

/// What is remembered of a night, so that nothing is looked at and tried over and over.
struct Night {
    /// Names it.
    day: NaiveDate,
    /// Whether there was something that is beyond what may still be spent.
    is_spent: bool,
    /// Chapters of which there is nothing more to be made.
    done: HashSet<(String, BookId, String, u32)>,
    /// Sentences that could not be made.
    failed: HashSet<ContentHash>,
}

impl Night {
    fn of(quiet: QuietHours) -> Self {
        Self { day: quiet.night(), is_spent: false, done: HashSet::new(), failed: HashSet::new() }
    }
}

/// Why a sentence was not made.
#[derive(Debug, Error)]
enum NotMade {
    /// It costs more than the night may still cost.
    #[error("it is beyond what may be spent in quiet hours")]
    Unaffordable,
    #[error(transparent)]
    Failed(#[from] NarrationError),
}

/// Makes ahead what there is, each time that it is quiet, until `shutdown`.
pub(super) async fn run(shared: Arc<Shared>, quiet: QuietHours, shutdown: CancellationToken) {
    let mut night = Night::of(quiet);
    let server = uuid::Uuid::new_v4().simple().to_string();
    while !shutdown.is_cancelled() {
        if quiet.are_now() {
            if night.day != quiet.night() {
                night = Night::of(quiet);
            }
            let made = tokio::select! {
                made = make_alone(&shared, &mut night, (quiet, &server)) => made,
                () = shutdown.cancelled() => break,
            };
            if let Err(error) = made {
                tracing::warn!(%error, "what could be made in quiet hours is not known");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
    }
    if let Err(error) = shared.rows.leave_night(night.day, &server).await {
        tracing::debug!(%error, "another server goes on in a minute");
    }
}

/// Makes what there is, unless another server does; `server` is the name of this one.
async fn make_alone(
    shared: &Shared,
    night: &mut Night,
    (quiet, server): (QuietHours, &str),
) -> Result<(), JobError> {
    let day = night.day;
    if !shared.rows.hold_night(day, server).await? {
        return Ok(());
    }
    let holding = async {
        while shared.rows.hold_night(day, server).await? {
            tokio::time::sleep(HELD_AGAIN).await;
        }
        Ok(())
    };
    tokio::select! {
        made = make(shared, night, quiet) => made,
        lost = holding => lost,
    }
}

async fn make(shared: &Shared, night: &mut Night, quiet: QuietHours) -> Result<(), JobError> {
    for Candidate { user, book, voice, chapters } in candidates(shared).await? {
        let library = shared.library.trusted(&user);
        let narrator = shared.narrator.of(library.clone());
        // A book that was deleted meanwhile, or whose chapters that are heard cannot be told: the others go on.
        let Ok(details) = library.book(&book).await else { continue };
        let Ok(heard) = narrator.heard_chapters(&details, &chapters).await else { continue };
        for chapter in heard {
            if !quiet.are_now() {
                return Ok(());
            }
            let name = (user.clone(), book.clone(), voice.clone(), chapter);
            if night.done.contains(&name) {
                continue;
            }
            match make_chapter(shared, &narrator, (&book, &voice, chapter), (night, quiet)).await {
                Ok(()) => drop(night.done.insert(name)),
                // A voice that is gone, an engine that rests.
                Err(error) => tracing::debug!(%book, chapter, %error, "nothing is made ahead"),
            }
        }
    }
    Ok(())
}

/// Has what is missing of a chapter made, as long as it is quiet and there is something left to be spent.
async fn make_chapter(
    shared: &Shared,
    narrator: &Narrator,
    (book, voice, chapter): (&BookId, &str, u32),
    (night, quiet): (&mut Night, QuietHours),
) -> Result<(), NarrationError> {
    let missing = narrator.chapter_ahead(book, chapter, voice).await?.missing;
    let (mut wanted, mut rest) = (Vec::new(), None);
    for job in missing.into_iter().filter(|job| !night.failed.contains(&job.content)) {
        let engine = &job.voice.engine;
        let price = shared.voices.price_of(engine, job.characters());
        // What a service costs whose price nobody has told is not known.
        let is_unknown = price == 0 && shared.voices.costs(engine);
        rest = narrator.engine_rest(engine).await;
        if is_unknown || price > 0 && night.is_spent || rest.is_some() {
            break;
        }
        wanted.push((job, price));
    }
    // What comes after the sentences of an engine that rests is looked at again when it is back.
    let rested = rest.map_or(Ok(()), |rest| Err(NarrationError::Text(rest.error.to_string())));
    let Some((first, _)) = wanted.first() else { return rested };
    let at_once = narrator.ahead_at_once(&first.voice.engine).await;
    let jobs: Vec<Job> = wanted.iter().map(|(job, _)| job.clone()).collect();
    let (day, spent) = (night.day, AtomicBool::new(night.is_spent));
    let is_spent = &spent;
    let mut made = stream::iter(wanted.into_iter().map(|(job, price)| async move {
        // What is shorter may be affordable, but what costs is to be without holes.
        let made = match price > 0 && is_spent.load(Ordering::Relaxed) {
            true => Err(NotMade::Unaffordable),
            false => make_affordable(shared, narrator, &job, (price, day)).await,
        };
        (job.content, made)
    }))
    .buffer_unordered(at_once);
    // When the night is over, what is still in the lanes leaves them: nothing of it is made by day.
    let end = tokio::time::sleep(quiet.left());
    tokio::pin!(end);
    loop {
        let next = tokio::select! {
            next = made.next() => next,
            () = &mut end => {
                drop(made);
                return narrator.leave_ahead(book, &jobs).await;
            }
        };
        match next {
            Some((_, Ok(()))) => {}
            // What is in hand is finished, and nothing further begun that costs.
            Some((_, Err(NotMade::Unaffordable))) => is_spent.store(true, Ordering::Relaxed),
            Some((content, Err(error))) => {
                // What it was to cost is given back.
                is_spent.store(false, Ordering::Relaxed);
                tracing::debug!(%error, "a sentence is not made ahead");
                night.failed.insert(content);
            }
            None => break,
        }
    }
    drop(made);
    night.is_spent = spent.into_inner();
    rested
}

/// Has a sentence made, if the night may still cost its price.
async fn make_affordable(
    shared: &Shared,
    narrator: &Narrator,
    job: &Job,
    (price, night): (u64, NaiveDate),
) -> Result<(), NotMade> {
    let rows = &shared.rows;
    let budget = shared.settings.budget_a_night;
    // Since the chapter was looked at, somebody may have heard it.
    if price > 0 && narrator.is_made(job).await? {
        return Ok(());
    }
    if price > 0 && !rows.spend(night, price, budget).await.map_err(NarrationError::from)? {
        return Err(NotMade::Unaffordable);
    }
    let made = make_one(narrator, job).await;
    if let Err(error) = &made
        && price > 0
    {
        if !error.may_have_cost() {
            rows.give_back(night, price).await.map_err(NarrationError::from)?;
        }
        // The night does not pay for another try.
        narrator.leave_ahead(&job.book, std::slice::from_ref(job)).await?;
    }
    Ok(made?)
}

/// Has a sentence made, and asks for it again for as long as nobody has.
async fn make_one(narrator: &Narrator, job: &Job) -> Result<(), NarrationError> {
    loop {
        match tokio::time::timeout(ASK_AGAIN, narrator.make_ahead_unpaid(job)).await {
            Ok(Err(error)) if error.is_not_ready() => tokio::time::sleep(ASK_AGAIN).await,
            Ok(made) => return made,
            Err(_) => {}
        }
    }
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
    shared.voices.usual_for(&details.card)
}
