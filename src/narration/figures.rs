//! What goes on and went on, for whoever runs the place.

use std::time::Duration;

use app::model::{Activity, BookId, DeadLetterCard, LaneLine, Waiting, WorkerLine};

use super::{NarrationError, Narrator, Shared};
use crate::clips::figures::{self, Kind};
use crate::library::LOCAL_USER;
use crate::queue::{Heartbeat, LaneStatus};

/// How often is noted how much waits.
pub(super) const SAMPLE_INTERVAL: Duration = Duration::from_secs(30);
/// How far back is shown what went on.
const SHOWN: Duration = Duration::from_secs(24 * 3600);
/// What the voices that share the processors of this machine are called together.
const LOCAL_ENGINES: &str = "local";
/// Dead letters that are shown.
const MAX_LETTERS: usize = 50;

impl Narrator {
    /// Writes what was heard and what was counted.
    pub(super) async fn flush_usage(&self) {
        let narrator = self.clone();
        // To the end, though nobody may wait for it any more: what was taken to be written is nowhere else.
        let written = tokio::spawn(async move {
            let Shared { database, usage, figures, .. } = &*narrator.shared;
            usage.flush(database, figures).await;
            figures.flush(database).await;
        });
        if let Err(error) = written.await {
            tracing::error!(%error, "figures were not written");
        }
    }

    /// Notes how much waits now.
    pub(super) async fn sample(&self) {
        let database = &self.shared.database;
        // While the queue cannot be asked there is nothing to note.
        let Ok(status) = self.shared.queue.status().await else { return };
        let most = [
            ("prefetch", status.prefetch),
            ("chapter", status.chapter),
            ("background", status.background),
            ("in_flight", status.in_flight),
            ("dead", status.dead),
        ];
        if let Err(error) = figures::note_most(database, &most).await {
            tracing::warn!(%error, "how much waits could not be noted");
        }
    }

    /// Forgets figures that are older than is kept.
    pub(super) async fn forget_figures(&self) {
        if let Err(error) = figures::forget(&self.shared.database).await {
            tracing::warn!(%error, "old figures could not be forgotten");
        }
    }

    /// What goes on, and went on in the last day and this month.
    ///
    /// # Errors
    /// When the database or the queue cannot be asked.
    pub async fn activity(&self) -> Result<Activity, NarrationError> {
        self.flush_usage().await;
        let database = &self.shared.database;
        let status = self.shared.queue.status().await?;
        let mut books = figures::totals(database, Kind::Book).await?;
        for line in &mut books {
            line.name = self.title_of(&line.name).await;
        }
        let letters = self.shared.queue.dead_letters().await?;
        let mut dead_letters = Vec::new();
        for letter in letters.into_iter().take(MAX_LETTERS) {
            // What is in somebody's own book is theirs alone.
            let is_seen = self.library.metadata(&letter.job.book).await.is_ok();
            let shown = |text: String| if is_seen { text } else { String::new() };
            dead_letters.push(DeadLetterCard {
                book: shown(letter.job.book.to_string()),
                chapter: letter.job.chapter,
                sentence: letter.job.sentence,
                voice: format!("{}:{}", letter.job.voice.engine, letter.job.voice.voice),
                text: shown(letter.job.text.to_string()),
                error: shown(letter.error.in_full()),
                died_at_ms: letter.died_at_ms,
            });
        }
        Ok(Activity {
            problems: self.problems(),
            lanes: self.lanes().await?,
            workers: self.worker_lines().await?,
            waiting: Waiting {
                prefetch: status.prefetch as u64,
                chapter: status.chapter as u64,
                background: status.background as u64,
                in_flight: status.in_flight as u64,
                retry: status.retry as u64,
                dead: status.dead as u64,
                workers: status.workers as u64,
                waiters: status.waiters as u64,
                locks: self.shared.clips.guard.count().await?,
            },
            points: figures::since(database, SHOWN).await?,
            slot_ms: figures::SLOT.as_millis() as u64,
            engines: figures::totals(database, Kind::Engine).await?,
            voices: figures::totals(database, Kind::Voice).await?,
            books,
            people: figures::totals(database, Kind::Person).await?,
            dead_letters,
        })
    }

    /// What waits of each class for each engine.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn lanes(&self) -> Result<Vec<LaneLine>, NarrationError> {
        let mut lanes = self.shared.queue.lanes().await?;
        lanes.sort_by(|one, other| (&one.pool, one.class).cmp(&(&other.pool, other.class)));
        let line = |lane: LaneStatus| LaneLine {
            engine: lane.pool.engine().unwrap_or(LOCAL_ENGINES).to_owned(),
            class: lane.class.name().to_owned(),
            sentences: lane.sentences as u64,
            longest_seconds: lane.longest.map(|time| time.as_secs()),
        };
        Ok(lanes.into_iter().map(line).collect())
    }

    async fn worker_lines(&self) -> Result<Vec<WorkerLine>, NarrationError> {
        let mut lines = Vec::new();
        for worker in self.shared.queue.workers().await? {
            let Heartbeat { current_job, in_flight } = worker.heartbeat;
            let book = current_job.split('/').next().unwrap_or_default();
            lines.push(WorkerLine {
                name: worker.name,
                seen_at_ms: worker.seen_at_ms,
                in_flight: in_flight as u64,
                book: self.title_of(book).await,
            });
        }
        Ok(lines)
    }

    /// The books that were heard most this month.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn most_heard(&self, count: usize) -> Result<Vec<BookId>, NarrationError> {
        let lines = figures::totals(&self.shared.database, Kind::Book).await?;
        let mut books = Vec::new();
        for line in lines.into_iter().filter(|line| line.heard > 0) {
            if let Ok(book) = line.name.parse::<BookId>()
                && self.library.trusted(LOCAL_USER).metadata(&book).await.is_ok()
            {
                books.push(book);
            }
        }
        books.truncate(count);
        Ok(books)
    }

    /// The title of a book that whoever asks sees; those that they do not see have none.
    async fn title_of(&self, id: &str) -> String {
        let Ok(book) = id.parse::<BookId>() else { return id.to_owned() };
        match self.library.metadata(&book).await {
            Ok(book) => book.card.title.clone(),
            Err(_) => String::new(),
        }
    }

    /// What was saved by hearing a book again, in the operator's currency.
    ///
    /// # Errors
    /// When the database cannot be asked, or there is no such book.
    pub async fn saved_of(&self, book: &BookId) -> Result<f64, NarrationError> {
        self.library.metadata(book).await?;
        Ok(figures::saved_of(&self.shared.database, book.as_str()).await?)
    }

    /// Puts all dead letters back into their lanes; says how many.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn retry_dead_letters(&self) -> Result<usize, NarrationError> {
        Ok(self.shared.queue.requeue_dead().await?)
    }

    /// Throws all dead letters away; says how many.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn discard_dead_letters(&self) -> Result<usize, NarrationError> {
        Ok(self.shared.queue.discard_dead().await?)
    }
}
