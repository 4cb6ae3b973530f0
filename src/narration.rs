//! The narrator: sees to it that the next sentence is ready before it is needed, and that none is
//! ever made twice.
//!
//! ```text
//! page events ─► lanes ─► claim ─► workers ─► clips (memory, object store) ─► waiting listeners
//!                 ▲                                                             │
//!                 └── a sentence someone waits for goes first ◄──── streams ────┘
//! ```
//!
//! [`plan`] says what a chapter consists of, [`planning`] what that is made of, and [`stream`] and [`timeline`] play it; [`text`] does the
//! same for texts of other programs. [`waiting`] is how they wait for a clip, [`events`] what pages ask for
//! ahead of that. [`worker`] makes clips, and [`storage`] keeps them within limits.

mod active;
mod ahead;
mod coverage;
mod events;
mod fallback;
mod figures;
mod heard;
mod opening;
mod outline;
mod passages;
pub mod plan;
mod planning;
mod storage;
pub mod stream;
mod subtitles;
mod synthesizer;
pub mod text;
pub mod timeline;
mod waiting;
mod worker;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use app::model::EngineRest;
use moka::future::Cache;
use object_store::ObjectStore;
use sqlx::AnyPool;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::{Allowances, Left};
use crate::clips::figures::Figures;
use crate::clips::guard::Guard;
use crate::clips::store::Assets;
use crate::clips::usage::Usage;
use crate::clips::waits::{MAX_WAITERS, WaitError, Waits};
use crate::clips::{Clips, ClipsError};
use crate::library::{LOCAL_USER, Library, LibraryError};
use crate::queue::failover::FailoverQueue;
use crate::queue::memory::MemoryQueue;
use crate::queue::redis::{Duties, RedisQueue, SharedClips};
use crate::queue::requests::RequestStatus;
use crate::queue::{Job, MAX_BOOKS, MAX_FAILED, Queue, QueueError, QueueStatus, Rest, Timing};
use crate::redis::RedisConnection;
use crate::speech::engines::Engines;
use crate::speech::{NO_PAYER, VoiceError, Voices, registry};
use crate::text::hash::ContentHash;
use active::ActiveStreams;
use fallback::Substitutes;
use opening::{Openings, Unheard};
use plan::{ChapterPlan, Segment};
use planning::PlanName;
use synthesizer::Synthesizer;
use worker::Worker;

pub use ahead::{ChapterAhead, Reserved, Reserves};
pub use coverage::ChapterCoverage;

/// Sentences that page_open, and a stream that has to wait, ask for ahead.
pub const PREFETCH_SENTENCES: usize = 15;

/// Segments of chapter plans kept in memory; one takes about 400 bytes. Two chapters of the longest kind
/// must fit, or they would put each other out.
const CACHED_SEGMENTS: u64 = 80_000;
/// Damaged sentences that are remembered, and for how long: a file is made of a book within a day.
const MAX_DAMAGED: u64 = 100_000;
const DAMAGED_FOR: Duration = Duration::from_secs(24 * 3600);
/// How often is looked whether sentences wait for engines that are no more.
const LOOK_FOR_REMOVED: Duration = Duration::from_secs(60);
/// Voices whose pace is remembered.
const MAX_PACES: u64 = 1_000;

/// What can go wrong between a page and its sound.
#[derive(Debug, Error)]
pub enum NarrationError {
    /// The book or a part of it is not there.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// No voice, or the voice failed.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// The queue refused.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A clip was waited for in vain.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// Clips could not be stored or read.
    #[error(transparent)]
    Clips(#[from] ClipsError),
    /// SQL failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A text that cannot be spoken; says why.
    #[error("{0}")]
    Text(String),
    /// The audio is not what it was when the answer began.
    #[error("The audio has changed meanwhile. Ask again.")]
    Changed,
}

impl NarrationError {
    /// Why a voice did not speak, if it is that.
    pub(crate) fn of_voice(&self) -> Option<&VoiceError> {
        match self {
            Self::Voice(error) | Self::Wait(WaitError::Voice(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether no engine was asked, because our own stores were out of reach.
    pub(crate) fn is_not_ready(&self) -> bool {
        self.of_voice().is_some_and(VoiceError::is_not_ready)
    }

    /// Whether an engine may have done the work nevertheless, and charged for it.
    pub(crate) fn may_have_cost(&self) -> bool {
        match self {
            Self::Voice(error) | Self::Wait(WaitError::Voice(error)) => error.may_have_cost(),
            // It is there and cannot be stored.
            Self::Clips(_) => true,
            _ => false,
        }
    }
}

/// Sizes of the narrator.
#[derive(Debug, Clone, Copy)]
pub struct NarratorConfig {
    /// Sentences made at once on this machine's processors.
    pub workers: usize,
    /// Whether people listen to this process, or it only works for others.
    pub serves: bool,
    /// Whether this process works for the shared queue, or leaves that to others.
    pub works: bool,
    /// Clips kept in memory, in bytes.
    pub cache_bytes: u64,
    /// Which clips are kept in Redis when they are made.
    pub shared_clips: SharedClips,
    /// The times of the queue.
    pub timing: Timing,
}

/// What a narrator is made of.
pub struct NarratorParts {
    /// Books.
    pub library: Library,
    /// Engines.
    pub voices: Arc<Voices>,
    /// Engines that a person has configured.
    pub engines: Engines,
    /// SQL.
    pub database: AnyPool,
    /// Where clips are kept.
    pub store: Arc<dyn ObjectStore>,
    /// Where the queue is, if several processes share it.
    pub redis: Option<RedisConnection>,
    /// Sizes.
    pub config: NarratorConfig,
}

/// The narrator. Cheap to clone.
#[derive(Clone)]
pub struct Narrator {
    shared: Arc<Shared>,
    /// Books, and what the person who listens has said and chosen.
    library: Library,
    /// Whether whoever asks may use what the person may spend: not every program of theirs.
    may_spend: bool,
}

struct Shared {
    voices: Arc<Voices>,
    clips: Arc<Clips>,
    queue: FailoverQueue,
    waits: Arc<Waits>,
    redis: Option<RedisConnection>,
    database: AnyPool,
    usage: Usage,
    figures: Arc<Figures>,
    active: ActiveStreams,
    /// One clean-up at a time.
    cleaning: Mutex<()>,
    cache_bytes: u64,
    /// Sentences made at once on this machine's processors.
    slots: usize,
    keeper: ahead::Keeper,
    /// Whether sentences are spoken in this process.
    works: bool,
    substitutes: Substitutes,
    openings: Openings,
    /// Sentences of slow voices in whose place somebody hears something else just now.
    unheard: Cache<Unheard, ()>,
    /// Sentences whose sound, brought by a book, is damaged.
    damaged: Cache<ContentHash, ()>,
    allowances: Allowances,
    plans: Cache<PlanName, Arc<ChapterPlan>>,
    /// How fast each voice reads, by its id, as a multiple of an even pace (`outline.rs`).
    paces: Cache<String, f64>,
}

/// Something that is bounded, and how full it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Bound {
    /// What is bounded
    pub name: &'static str,
    /// How much there is of it
    pub used: u64,
    /// How much there may be
    pub limit: u64,
}

impl Narrator {
    /// The same narrator for somebody else, who has these books.
    pub fn of(&self, library: Library) -> Self {
        Self { shared: Arc::clone(&self.shared), library, may_spend: true }
    }

    /// The same narrator for a program that may spend nothing of its person's.
    pub fn without_spending(self) -> Self {
        Self { may_spend: false, ..self }
    }

    /// A narrator whose workers run on `tasks` until `shutdown`. With Redis its queue is there, and one in
    /// this process stands by for when Redis is gone.
    pub fn start(
        parts: NarratorParts,
        (tasks, shutdown): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let NarratorParts { library, voices, engines, database, store, redis, config } = parts;
        let NarratorConfig { timing, cache_bytes, .. } = config;
        let works = config.works || redis.is_none();
        let shared = redis.clone().map(|redis| (redis, timing.clip));
        let assets = Assets::new(database.clone(), store);
        let guard = Guard::new(database.clone());
        let allowances = Allowances::new(database.clone());
        let clips = Arc::new(Clips::new((assets, guard), shared, cache_bytes));
        let waits = Arc::new(Waits::default());
        let queue = open_queue(&redis, &waits, config, (tasks, shutdown));
        let plans = Cache::builder()
            .weigher(|_, plan: &Arc<ChapterPlan>| {
                u32::try_from(plan.segments.len()).unwrap_or(u32::MAX)
            })
            .max_capacity(CACHED_SEGMENTS)
            .build();
        let slots = config.workers.max(1);
        let openings = opening::openings(redis.is_some());
        let figures = Arc::new(Figures::default());
        for queue in queue.worked_on(config.works) {
            let synthesizer = Synthesizer {
                voices: Arc::clone(&voices),
                engines: engines.clone(),
                clips: Arc::clone(&clips),
                allowances: allowances.clone(),
                figures: Arc::clone(&figures),
            };
            let worker = Worker { queue, synthesizer, slots, timing };
            tasks.spawn(worker.run(shutdown.clone()));
        }
        tasks.spawn(shutdown.clone().run_until_cancelled_owned({
            let clips = Arc::clone(&clips);
            async move { clips.guard.keep().await }
        }));
        let narrator = Self {
            library,
            may_spend: true,
            shared: Arc::new(Shared {
                voices,
                clips,
                queue,
                waits,
                redis,
                database,
                usage: Usage::default(),
                figures,
                active: ActiveStreams::default(),
                cleaning: Mutex::default(),
                cache_bytes,
                slots,
                keeper: ahead::Keeper::new(),
                works,
                substitutes: fallback::substitutes(),
                openings,
                unheard: opening::unheard(),
                damaged: Cache::builder()
                    .max_capacity(MAX_DAMAGED)
                    .time_to_live(DAMAGED_FOR)
                    .build(),
                allowances: allowances.clone(),
                plans,
                paces: Cache::new(MAX_PACES),
            }),
        };
        let keeping_up = narrator.clone().keep_up_with(engines);
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(keeping_up));
        let looking_after = narrator.clone().look_after_storage(config.serves);
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(looking_after));
        narrator
    }

    /// Writes what is only in memory; for when the process ends.
    pub async fn close(&self) {
        self.flush_usage().await;
        self.shared.clips.guard.release_all().await;
    }

    /// A reader has opened a book that is read by this voice, or the default one: it gets ready, where this process
    /// speaks.
    pub fn wake(&self, voice: &str, language: &str) {
        if self.shared.works {
            self.shared.voices.wake(voice, language);
        }
    }

    /// How far a request has come.
    pub async fn request(&self, id: &str) -> Result<Option<RequestStatus>, NarrationError> {
        Ok(self.shared.queue.request(id).await?)
    }

    /// Why an engine is left alone, if it is. While the queue is out of reach that is not known.
    pub async fn engine_rest(&self, engine: &str) -> Option<Rest> {
        self.shared.queue.rest(engine).await.ok().flatten()
    }

    /// The same in words, for whoever runs the place.
    pub async fn rest_card(&self, engine: &str) -> Option<EngineRest> {
        let Rest { error, remaining } = self.engine_rest(engine).await?;
        let seconds = remaining.as_millis().div_ceil(1000) as u64;
        Some(EngineRest { reason: error.in_full(), seconds })
    }

    /// A person has looked after an engine: it is asked again.
    pub async fn end_rest(&self, engine: &str) -> Result<(), NarrationError> {
        Ok(self.shared.queue.end_rest(engine).await?)
    }

    /// Follows what becomes of engines: nothing waits for one that is no more.
    async fn keep_up_with(self, engines: Engines) {
        let forget = |engine| self.clone().forget_engine(engine);
        let looking = async {
            loop {
                // Some may have been removed while nothing ran, or while Redis was gone.
                match self.waited_for().await {
                    Ok(waited_for) => engines.expect(waited_for).await,
                    Err(error) => {
                        tracing::warn!(%error, "it is not known for which engines sentences wait");
                    }
                }
                tokio::time::sleep(LOOK_FOR_REMOVED).await;
            }
        };
        tokio::join!(engines.clone().keep_up(forget), looking);
    }

    /// The engines that somebody has configured and that sentences wait for. Those that come with Earmark, or are
    /// installed, are in no list from which they could be removed.
    async fn waited_for(&self) -> Result<HashSet<String>, NarrationError> {
        let lanes = self.shared.queue.lanes().await?;
        let waiting = lanes.iter().filter(|lane| lane.sentences > 0);
        let engines = waiting.filter_map(|lane| lane.pool.engine());
        Ok(engines.filter(|name| !registry::is_reserved(name)).map(str::to_owned).collect())
    }

    /// An engine is no more, and nothing waits for it.
    async fn forget_engine(self, engine: String) {
        if let Err(error) = self.shared.queue.forget(&engine).await {
            tracing::warn!(engine, %error, "sentences go on waiting for an engine that was removed");
        }
    }

    /// What waits and what is being made.
    pub async fn status(&self) -> Result<QueueStatus, NarrationError> {
        Ok(self.shared.queue.status().await?)
    }

    /// What is wrong with it, in words for an operator.
    pub fn problems(&self) -> Vec<String> {
        let deaf = "News of clips does not arrive from Redis; they are looked for instead.";
        self.shared.waits.is_deaf().then(|| deaf.to_owned()).into_iter().collect()
    }

    /// What is bounded here, and how full it is.
    pub fn bounds(&self, queue: Option<&QueueStatus>) -> Vec<Bound> {
        let bound = |name, used: usize, limit: usize| Bound {
            name,
            used: used as u64,
            limit: limit as u64,
        };
        let mut bounds = vec![
            bound("waiters", self.shared.waits.count(), MAX_WAITERS),
            Bound {
                name: "clipCacheBytes",
                used: self.shared.clips.memory_bytes(),
                limit: self.shared.cache_bytes,
            },
            Bound {
                name: "plannedSentences",
                used: self.shared.plans.weighted_size(),
                limit: CACHED_SEGMENTS,
            },
        ];
        if let Some(queue) = queue {
            bounds.push(bound("books", queue.most_books, MAX_BOOKS));
            bounds.push(bound("retry", queue.retry, MAX_FAILED));
            bounds.push(bound("dead", queue.dead, MAX_FAILED));
        }
        bounds
    }

    /// Jobs with the person who pays for them, where their voice costs money.
    pub(super) fn paid(&self, mut jobs: Vec<Job>) -> Vec<Job> {
        for job in &mut jobs {
            job.payer = self.payer(&job.voice.engine);
        }
        jobs
    }

    /// Whose allowance an engine speaks from: nobody's where it costs nothing or nobody has to log in.
    fn payer(&self, engine: &str) -> Option<Arc<str>> {
        let user = self.library.user();
        let is_counted = user != LOCAL_USER && !user.is_empty();
        let payer = if self.may_spend { user } else { NO_PAYER };
        (is_counted && self.shared.voices.costs(engine)).then(|| payer.into())
    }

    /// Those that the person who asks may have made: by voices that cost money, as many from the first on as they may
    /// pay for.
    async fn afforded(&self, jobs: Vec<Job>) -> Vec<Job> {
        let Some(payer) = jobs.iter().find_map(|job| job.payer.clone()) else { return jobs };
        match self.shared.allowances.left(&payer).await {
            Ok(None) => jobs,
            Ok(Some(Left { mut characters, .. })) => {
                let is_afforded = |job: &Job| {
                    let needed = if job.payer.is_some() { job.characters() } else { 0 };
                    let rest = characters.checked_sub(needed);
                    characters = rest.unwrap_or(0);
                    rest.is_some()
                };
                jobs.into_iter().filter(is_afforded).collect()
            }
            Err(error) => {
                // It is booked when it is spoken, or refused.
                tracing::error!(%error, "what a person may spend cannot be read");
                jobs
            }
        }
    }

    async fn missing(&self, jobs: Vec<Job>) -> Result<Vec<Job>, NarrationError> {
        let known = self.shared.clips.lengths(jobs.iter().map(|job| job.content).collect()).await?;
        Ok(jobs.into_iter().filter(|job| !known.contains_key(&job.content)).collect())
    }
}

/// The queue, and what stands in for it.
fn open_queue(
    redis: &Option<RedisConnection>,
    waits: &Arc<Waits>,
    config: NarratorConfig,
    (tasks, shutdown): (&TaskTracker, &CancellationToken),
) -> FailoverQueue {
    let local = Arc::new(MemoryQueue::new(Arc::clone(waits), config.timing));
    let Some(redis) = redis.clone() else { return FailoverQueue::new(local, None) };
    let duties = Duties { listens: config.serves, shared_clips: config.shared_clips };
    let (waits, timing) = (Arc::clone(waits), config.timing);
    let queue = RedisQueue::start(redis.clone(), waits, timing, duties, (tasks, shutdown));
    let queue: Arc<dyn Queue> = Arc::new(queue);
    let draining = drain_fallback(redis, Arc::clone(&local), Arc::clone(&queue));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(draining));
    FailoverQueue::new(queue, Some(local))
}

/// When Redis is back, what waits in this process goes to its lanes, where the same sentences may
/// be: nobody makes them twice there.
async fn drain_fallback(redis: RedisConnection, fallback: Arc<MemoryQueue>, queue: Arc<dyn Queue>) {
    loop {
        redis.restored_since(redis.generation()).await;
        let waiting = fallback.take_all();
        for (class, book, jobs) in &waiting {
            if let Err(error) = queue.enqueue(*class, book, jobs).await {
                tracing::warn!(%book, %error, "sentences are left to be asked for again");
            }
        }
        fallback.wake_waiters(waiting.iter().flat_map(|(_, _, jobs)| jobs));
    }
}

/// The jobs of up to `count` sentences of a chapter from one on.
fn jobs(plan: &ChapterPlan, from: usize, count: usize) -> Vec<Job> {
    plan.segments.iter().skip(from).take(count).flat_map(Segment::jobs).cloned().collect()
}
