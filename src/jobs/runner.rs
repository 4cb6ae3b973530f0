//! Runs narrations, one after the other, until the server stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::feeder::{Feeder, State};
use super::packing::Packer;
use super::rows::{End, LEASE, Narration, Wish};

/// How often is looked for one, unless one of this server wakes it.
const LOOK_INTERVAL: Duration = Duration::from_secs(3);
/// How often is written how far it is, and looked whether a person has called it off.
const WRITE_INTERVAL: Duration = Duration::from_millis(800);
/// One of which no sentence has come for so long does not get on.
const STUCK: Duration = Duration::from_secs(30 * 60);
/// To write and store a file takes no longer than this.
const PACKING_LIMIT: Duration = Duration::from_secs(6 * 3600);
/// Before one is tried again that did not get on: after the first time, the second, the third.
pub(super) const RETRY: [Duration; 3] =
    [Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(1800)];

/// Runs what there is, until `shutdown`.
pub(super) async fn run(shared: Arc<Shared>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match shared.rows.claim(shared.settings.at_once_per_person).await {
            Ok(Some(narration)) => run_one(&shared, &narration, &shutdown).await,
            Ok(None) => wait(&shared, &shutdown).await,
            Err(error) => {
                tracing::warn!(%error, "narrations cannot be looked for");
                wait(&shared, &shutdown).await;
            }
        }
    }
}

async fn wait(shared: &Shared, shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = shared.woken.notified() => {}
        () = tokio::time::sleep(LOOK_INTERVAL) => {}
    }
}

/// How often the end of a narration is tried to be written, while its lease lasts.
const END_TRIES: u32 = 3;
const END_PAUSE: Duration = Duration::from_secs(1);

async fn run_one(shared: &Shared, narration: &Narration, shutdown: &CancellationToken) {
    tracing::info!(narration.id, book = %narration.book, "a narration goes on");
    let library = shared.library.trusted(&narration.user);
    let narrator = shared.narrator.of(library.clone());
    let packer = Packer {
        narrator: &narrator,
        library: &library,
        store: &shared.store,
        folder: &shared.folder,
        audiobookshelf: shared.audiobookshelf.as_ref(),
    };
    let feeder = Feeder {
        narration,
        narrator: &narrator,
        library: &library,
        rows: &shared.rows,
        packer,
        voices: &shared.voices,
        state: std::sync::Mutex::new(State::new(narration.progress())),
    };
    let end = if narration.attempts > super::rows::MAX_ATTEMPTS {
        // Whoever ran it died each time.
        Some(End::Failed("It was begun three times and did not get on.".to_owned()))
    } else {
        tokio::select! {
            end = feeder.feed() => Some(end),
            end = watch_over(shared, &feeder) => end,
            () = shutdown.cancelled() => Some(End::Released),
        }
    };
    feeder.leave().await;
    // Another has it by now.
    let Some(end) = end else { return };
    let (progress, trouble) = feeder.progress();
    let write = async || {
        shared.rows.progress(narration, &progress, &trouble).await?;
        shared.rows.end(narration, &end).await
    };
    // Whoever takes it up because this is not written does all of it again, and sends away what was sent.
    for tried in 1..=END_TRIES {
        match write().await {
            Ok(()) => return tracing::info!(narration.id, ?end, "a narration ended"),
            Err(error) => {
                tracing::warn!(narration.id, %error, "the end of a narration cannot be written")
            }
        }
        if tried < END_TRIES {
            tokio::time::sleep(END_PAUSE * tried).await;
        }
    }
}

/// Writes how far it is, until a person has called it off, it does not get on, or it is another's: `None`.
async fn watch_over(shared: &Shared, feeder: &Feeder<'_>) -> Option<End> {
    let (mut done, mut moved, mut written) = (0, Instant::now(), Instant::now());
    loop {
        tokio::time::sleep(WRITE_INTERVAL).await;
        let (progress, trouble) = feeder.progress();
        if progress.done != done {
            (done, moved) = (progress.done, Instant::now());
        }
        match shared.rows.progress(feeder.narration, &progress, &trouble).await {
            Ok(Some(None)) => written = Instant::now(),
            Ok(Some(Some(Wish::Cancel))) => return Some(End::Cancelled),
            Ok(Some(Some(Wish::Pause))) => return Some(End::Paused),
            Ok(None) => return None,
            Err(error) => {
                tracing::warn!(%error, "how far a narration is cannot be written");
                // Another has taken it up by now.
                if written.elapsed() > LEASE {
                    return None;
                }
            }
        }
        let is_packing = feeder.state().is_packing;
        if is_packing && moved.elapsed() > PACKING_LIMIT {
            return Some(End::Failed("The file was not done after six hours.".to_owned()));
        }
        if !is_packing && moved.elapsed() > STUCK {
            let tried = usize::try_from(feeder.narration.attempts).unwrap_or(1).clamp(1, 3);
            return Some(match trouble.as_str() {
                "" => End::Again("No sentence came for 30 minutes.".to_owned(), RETRY[tried - 1]),
                // An engine that rests is no failure of this.
                trouble => End::Later(trouble.to_owned(), RETRY[2]),
            });
        }
    }
}
