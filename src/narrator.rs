//! The narrator: sees to it that the next sentence is ready before it is needed, and that none is
//! ever made twice.
//!
//! ```text
//! page events ─► lanes ─► claim ─► workers ─► clips (memory, object store) ─► waiting listeners
//!                 ▲                                                             │
//!                 └── a sentence someone waits for goes to the head ◄── streams ┘
//! ```
//!
//! [`queue`] is the interface to lanes, leases and locks, [`memory`] its in-process form and
//! [`redis_queue`] the one that many servers and workers share; [`waiters`] are told when a clip has
//! landed, whoever made it. [`intake`] is where jobs go in. [`worker`] makes clips; [`clips`] finds
//! them, [`assets`] keeps them for good, [`usage`] counts how often they are heard and [`storage`] keeps
//! them within limits. [`score`] says what a chapter consists of, and [`stream`] and [`timeline`] play
//! it; [`utterance`] does the same for texts of other programs.

mod assets;
mod audios;
mod clips;
mod intake;
mod listeners;
pub mod memory;
mod outline;
mod playing;
pub mod queue;
pub mod redis_queue;
pub mod requests;
pub mod score;
mod storage;
pub mod stream;
pub mod timeline;
mod usage;
pub mod utterance;
pub mod waiters;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use app::model::{BookId, Place};
use moka::future::Cache;
use object_store::ObjectStore;
use sqlx::AnyPool;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::library::{Library, LibraryError};
use crate::redis::Link;
use crate::voices::engines::Engines;
use crate::voices::{ChosenVoice, Clip, VoiceError, Voices};
use assets::Assets;
use clips::Clips;
use intake::Intake;
use memory::MemoryQueue;
use playing::Playing;
use queue::{Class, Job, Queue, QueueError, QueueStatus, Timing};
use redis_queue::RedisQueue;
use requests::{Advance, RequestStatus};
use score::{Cue, Score};
use usage::Usage;
use waiters::{ASK_AGAIN, TooManyWaiters, Waiters};
use worker::{Maker, Worker};

pub use audios::ChapterAudio;

/// Sentences that page_open, and a stream that has to wait, ask for ahead.
pub const PREFETCH_SENTENCES: usize = 15;

/// Cues of scores kept in memory; one takes about 300 bytes.
const CACHED_CUES: u64 = 40_000;

/// A listener gives up on a sentence after this long.
const WAIT_LIMIT: Duration = Duration::from_secs(90);

/// Requests of one page for stream and timeline arrive within this time.
const TOGETHER: Duration = Duration::from_millis(400);

/// What can go wrong between a page and its sound.
#[derive(Debug, Error)]
pub enum NarratorError {
    /// The book or a part of it is not there.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// No voice, or the voice failed.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// The queue refused.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Too many wait.
    #[error(transparent)]
    Waiters(#[from] TooManyWaiters),
    /// Clips could not be stored or read.
    #[error("the clip store failed: {0}")]
    Store(#[from] object_store::Error),
    /// SQL failed.
    #[error("the index of clips failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A text that cannot be spoken; says why.
    #[error("{0}")]
    Text(String),
    /// The audio is not what it was when the answer began.
    #[error("The audio has changed meanwhile. Ask again.")]
    Changed,
    /// The sentence did not come in time.
    #[error("The voice did not answer in time. Try again, or choose another voice.")]
    TooLate,
}

/// Sizes of the narrator.
#[derive(Debug, Clone, Copy)]
pub struct NarratorConfig {
    /// Sentences made at once in this process.
    pub workers: usize,
    /// Whether people listen to this process, or it only works for others.
    pub serves: bool,
    /// Whether this process works for the shared queue, or leaves that to others.
    pub works: bool,
    /// Clips kept in memory, in bytes.
    pub cache_bytes: u64,
    /// The times of the queue.
    pub timing: Timing,
}

/// The narrator. Cheap to clone.
#[derive(Clone)]
pub struct Narrator {
    shared: Arc<Shared>,
}

struct Shared {
    library: Library,
    voices: Arc<Voices>,
    clips: Arc<Clips>,
    intake: Intake,
    waiters: Arc<Waiters>,
    link: Option<Link>,
    database: AnyPool,
    usage: Usage,
    playing: Playing,
    /// One clean-up at a time.
    cleaning: Mutex<()>,
    /// By book, how often its file was read anew, chapter, and voice as it is configured.
    scores: Cache<(BookId, u32, u32, ChosenVoice), Arc<Score>>,
}

impl Narrator {
    /// A narrator whose workers run on `tasks` until `shutdown`. With `link` its queue is on Redis,
    /// and one in this process stands by for when Redis is gone.
    pub fn start(
        library: Library,
        (voices, engines): (Arc<Voices>, Engines),
        (database, store): (AnyPool, Arc<dyn ObjectStore>),
        link: Option<Link>,
        config: NarratorConfig,
        (tasks, shutdown): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let NarratorConfig { workers, serves, works, cache_bytes, timing } = config;
        let shared = link.clone().map(|link| (link, timing.clip));
        let assets = Assets::new(database.clone(), store);
        let clips = Arc::new(Clips::new(assets, shared, cache_bytes));
        let redis = link.clone();
        let waiters = Arc::new(Waiters::default());
        let local = Arc::new(MemoryQueue::new(Arc::clone(&waiters), timing));
        let intake = match link {
            None => Intake::new(local, None),
            Some(link) => {
                let waiters = Arc::clone(&waiters);
                let queue = RedisQueue::start(link.clone(), waiters, timing, (tasks, shutdown));
                let queue: Arc<dyn Queue> = Arc::new(queue);
                let relief = relieve(link, Arc::clone(&local), Arc::clone(&queue));
                tasks.spawn(shutdown.clone().run_until_cancelled_owned(relief));
                Intake::new(queue, Some(local))
            }
        };
        let scores = Cache::builder()
            .weigher(|_, score: &Arc<Score>| u32::try_from(score.cues.len()).unwrap_or(u32::MAX))
            .max_capacity(CACHED_CUES)
            .build();
        let slots = workers.max(1);
        for queue in intake.worked_on(works) {
            let maker = Maker {
                voices: Arc::clone(&voices),
                engines: engines.clone(),
                clips: Arc::clone(&clips),
            };
            let worker = Worker { queue, maker, slots, timing };
            tasks.spawn(worker.run(shutdown.clone()));
        }
        let narrator = Self {
            shared: Arc::new(Shared {
                library,
                voices,
                clips,
                intake,
                waiters,
                link: redis,
                database,
                usage: Usage::default(),
                playing: Playing::default(),
                cleaning: Mutex::default(),
                scores,
            }),
        };
        let looking_after = narrator.clone().look_after_storage(serves);
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(looking_after));
        narrator
    }

    /// Writes what is only in memory; for when the process ends.
    pub async fn close(&self) {
        self.shared.usage.flush(&self.shared.database).await;
    }

    /// A reader opened a chapter: it and the next one are enqueued in reading order. Returns the
    /// request's id, for [`request`](Self::request), or `None` when there is nothing left to make.
    pub async fn chapter_open(&self, place: &Place) -> Result<Option<String>, NarratorError> {
        let jobs = self.two_chapters(place).await?;
        self.shared.intake.arrive(place).await?;
        let mut jobs = self.missing(jobs).await?;
        if jobs.is_empty() {
            return Ok(None);
        }
        let id = uuid::Uuid::new_v4().to_string();
        let request: Arc<str> = id.as_str().into();
        for job in &mut jobs {
            job.request = Some(Arc::clone(&request));
        }
        let intake = &self.shared.intake;
        // Known before the first of it can be done; what waited already belongs to another.
        let total = |total| Advance { total: Some(total), ..Advance::default() };
        intake.advance(&id, total(jobs.len())).await?;
        let added = intake.enqueue(Class::Chapter, &place.book, &jobs).await?;
        intake.advance(&id, total(added)).await?;
        Ok(Some(id))
    }

    /// How far a request has come.
    pub async fn request(&self, id: &str) -> Result<Option<RequestStatus>, NarratorError> {
        Ok(self.shared.intake.queue().request(id).await?)
    }

    /// A page came into view: its next sentences go ahead of everything else.
    pub async fn page_open(&self, place: &Place) -> Result<(), NarratorError> {
        let jobs = self.next_sentences(place).await?;
        self.shared.intake.arrive(place).await?;
        self.enqueue(Class::Prefetch, &place.book, jobs).await
    }

    /// A listener moved to another chapter: the book's lanes are dropped and rebuilt from where all
    /// its listeners are.
    pub async fn chapter_change(&self, place: &Place) -> Result<(), NarratorError> {
        // Only a place that exists counts: another would fail every later rebuild of the book.
        self.score(&place.book, place.chapter, &place.voice).await?;
        self.shared.intake.arrive(place).await?;
        let (mut prefetch, mut chapter) = (Vec::new(), Vec::new());
        for listener in self.shared.intake.listeners(&place.book).await? {
            let asked = (self.next_sentences(&listener).await, self.two_chapters(&listener).await);
            if let (Ok(next), Ok(two_chapters)) = asked {
                prefetch.extend(next);
                chapter.extend(two_chapters);
            } else {
                // Another server's voice that is not installed here, say: no reason to fail this one.
                tracing::warn!(listener.listener, "a listener is where this server cannot read");
            }
        }
        let prefetch = self.missing(prefetch).await?;
        let chapter = self.missing(chapter).await?;
        Ok(self.shared.intake.rebuild(&place.book, &prefetch, &chapter).await?)
    }

    /// What a chapter consists of in a voice; the book's default voice when `voice` is empty.
    pub async fn score(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &str,
    ) -> Result<Arc<Score>, NarratorError> {
        let details = self.shared.library.metadata(book).await?;
        let voice = self.shared.voices.choose(voice, &details.card.language)?;
        self.score_of(book, chapter, &voice).await
    }

    async fn score_of(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &ChosenVoice,
    ) -> Result<Arc<Score>, NarratorError> {
        let revision = self.shared.library.metadata(book).await?.card.revision;
        let name = (book.clone(), revision, chapter, voice.clone());
        if let Some(score) = self.shared.scores.get(&name).await {
            return Ok(score);
        }
        let text = self.shared.library.chapter(book, chapter).await?;
        let score = Arc::new(Score::new(book, chapter, &text, voice));
        self.shared.scores.insert(name, Arc::clone(&score)).await;
        Ok(score)
    }

    /// The score of the chapter after this one, in the same voice; `None` at the end of the book.
    pub async fn next_score(&self, score: &Score) -> Result<Option<Arc<Score>>, NarratorError> {
        match self.score_of(&score.book, score.chapter + 1, &score.voice).await {
            Ok(next) => Ok(Some(next)),
            Err(NarratorError::Library(LibraryError::NoSuchChapter)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The clip of a sentence, if it has been made.
    pub async fn ready(&self, job: &Job) -> Result<Option<Clip>, NarratorError> {
        self.shared.clips.get(job).await
    }

    /// The clip of a sentence, made now if it has to be; whoever else waits for it gets the same.
    pub async fn clip(&self, job: &Job) -> Result<Clip, NarratorError> {
        let wait = async {
            loop {
                if let Some(clip) = self.ready(job).await? {
                    return Ok(clip);
                }
                // Registered before the second look: a clip that lands in between is not missed.
                let waiter = self.shared.waiters.wait(job.content)?;
                if waiter.asks {
                    self.shared.intake.enqueue_first(job).await?;
                }
                if let Some(clip) = self.ready(job).await? {
                    return Ok(clip);
                }
                if let Ok(outcome) = tokio::time::timeout(ASK_AGAIN, waiter.landed()).await {
                    outcome?;
                }
            }
        };
        tokio::time::timeout(WAIT_LIMIT, wait).await.map_err(|_| NarratorError::TooLate)?
    }

    /// The clip of a sentence for somebody who hears it alone.
    pub async fn hear(&self, job: &Job) -> Result<Clip, NarratorError> {
        let clip = self.clip(job).await?;
        self.shared.usage.heard(job);
        Ok(clip)
    }

    /// Waits until somebody's request has made a clip, without asking for it.
    async fn landed(&self, job: &Job) -> Result<Clip, NarratorError> {
        loop {
            let waiters = &self.shared.waiters;
            let waiter = waiters.watch(job.content)?;
            if let Some(clip) = self.ready(job).await? {
                return Ok(clip);
            }
            let landed = waiter.landed();
            tokio::pin!(landed);
            // Who asks and who watches begin together. What fails at once was told before we watched; and
            // what failed before may be asked for again in this very moment.
            match tokio::time::timeout(TOGETHER, &mut landed).await {
                Ok(outcome) => outcome?,
                Err(_) => {
                    if let Some(error) = waiters.failure(&job.content) {
                        return Err(error.into());
                    }
                    if let Ok(outcome) = tokio::time::timeout(ASK_AGAIN, landed).await {
                        outcome?;
                    }
                }
            }
        }
    }

    /// Puts the sentences from `cue` on into the prefetch lane.
    async fn prefetch(&self, score: &Score, cue: usize) -> Result<(), NarratorError> {
        let jobs = jobs(score, cue, PREFETCH_SENTENCES);
        self.enqueue(Class::Prefetch, &score.book, jobs).await
    }

    /// What waits and what is being made.
    pub async fn status(&self) -> Result<QueueStatus, NarratorError> {
        Ok(self.shared.intake.queue().status().await?)
    }

    async fn enqueue(
        &self,
        class: Class,
        book: &BookId,
        jobs: Vec<Job>,
    ) -> Result<(), NarratorError> {
        let jobs = self.missing(jobs).await?;
        if !jobs.is_empty() {
            self.shared.intake.enqueue(class, book, &jobs).await?;
        }
        Ok(())
    }

    async fn missing(&self, jobs: Vec<Job>) -> Result<Vec<Job>, NarratorError> {
        let known = self.shared.clips.lengths(jobs.iter().map(|job| job.content).collect()).await?;
        Ok(jobs.into_iter().filter(|job| !known.contains_key(&job.content)).collect())
    }

    async fn next_sentences(&self, place: &Place) -> Result<Vec<Job>, NarratorError> {
        let score = self.score(&place.book, place.chapter, &place.voice).await?;
        Ok(jobs(&score, place.sentence as usize, PREFETCH_SENTENCES))
    }

    /// From the listener's sentence to the end of the next chapter, then what lies before.
    async fn two_chapters(&self, place: &Place) -> Result<Vec<Job>, NarratorError> {
        let score = self.score(&place.book, place.chapter, &place.voice).await?;
        let mut jobs = jobs(&score, place.sentence as usize, usize::MAX);
        if let Some(next) = self.next_score(&score).await? {
            jobs.extend(next.cues.iter().filter_map(Cue::job).cloned());
        }
        let before = score.cues.iter().take(place.sentence as usize);
        jobs.extend(before.filter_map(Cue::job).cloned());
        Ok(jobs)
    }
}

/// When Redis is back, what waits in this process goes to its lanes, where the same sentences may
/// be: nobody makes them twice there.
async fn relieve(link: Link, spare: Arc<MemoryQueue>, queue: Arc<dyn Queue>) {
    loop {
        link.restored_since(link.generation()).await;
        let waiting = spare.take_all();
        for (class, book, jobs) in &waiting {
            if let Err(error) = queue.enqueue(*class, book, jobs).await {
                tracing::warn!(%book, %error, "sentences are left to be asked for again");
            }
        }
        spare.dismiss(waiting.iter().flat_map(|(_, _, jobs)| jobs));
    }
}

fn jobs(score: &Score, from: usize, count: usize) -> Vec<Job> {
    score.cues.iter().skip(from).take(count).filter_map(Cue::job).cloned().collect()
}
