//! Listeners of this process who wait for clips: one shared wait for each clip.
//!
//! Whoever comes first for a clip begins its wait, and one task looks and asks for all: 10,000 listeners of
//! one sentence are one look, one job and one wake. Whoever makes the clip, in whatever process, the news is
//! [published](Waits::publish) here once.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::{Notify, watch};

use super::job::Job;
use crate::audio::Clip;
use crate::speech::VoiceError;
use crate::text::hash::ContentHash;

/// Listeners that may wait at once in one process.
pub const MAX_WAITERS: usize = 100_000;

/// People who may be asked to pay for a clip that several wait for.
const MAX_PAYERS: usize = 64;

/// A failure is remembered for this long, for those who only watch.
const FAILURE_CACHE_TTL: Duration = Duration::from_secs(15);
/// Failures remembered for them.
const MAX_FAILURES: usize = 1_000;

/// How a claim ended: the clip is in the store, or it could not be made.
pub type Outcome = Result<(), VoiceError>;

/// Why a wait ended without a clip.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WaitError {
    /// The voice failed.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// It took longer than the voice may take, and nobody is making it.
    #[error("The voice did not answer in time. Try again, or choose another voice.")]
    TooLate,
    /// The queue refused.
    #[error("{0}")]
    Queue(String),
    /// What is stored cannot be read; the log says why.
    #[error("The stored audio is out of reach. Try again in a minute.")]
    Store,
    /// Too many wait.
    #[error("Too many listeners are waiting at once. Try again in a minute.")]
    TooMany,
}

/// How far a wait has come.
#[derive(Debug, Clone)]
pub(crate) enum Progress {
    /// Nobody has looked yet.
    Looking,
    /// It has to be made.
    Making,
    /// It has ended.
    Ended(Result<Clip, WaitError>),
}

/// What is to be asked for, for a clip that is not there.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The sentence.
    pub(crate) job: Job,
    /// The sentences that will be needed after it.
    pub(crate) ahead: Vec<Job>,
}

/// Who waits for what.
#[derive(Default)]
pub struct Waits {
    // Std mutexes: held for a map operation, never across an await.
    waits: Mutex<HashMap<ContentHash, Arc<Wait>>>,
    /// Failures of the last moments, the oldest first.
    failures: Mutex<VecDeque<(Instant, ContentHash, VoiceError)>>,
    waiters: Arc<AtomicUsize>,
    /// News from other processes does not arrive.
    is_deaf: AtomicBool,
}

/// The wait for one clip.
pub(crate) struct Wait {
    content: ContentHash,
    progress: watch::Sender<Progress>,
    state: Mutex<WaitState>,
    changed: Notify,
}

#[derive(Default)]
struct WaitState {
    /// What those who wait want to be made, once for each who would pay; none as long as all only watch.
    asks: VecDeque<Ask>,
    news: Option<Outcome>,
}

/// Somebody who waits.
pub(crate) struct Waiter {
    progress: watch::Receiver<Progress>,
    _counted: Counted,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Waiter {
    /// Returns when somebody has looked: how the wait ended, or `None` when the clip has to be made.
    pub(crate) async fn looked(&mut self) -> Option<Result<Clip, WaitError>> {
        let looked = |progress: &Progress| !matches!(progress, Progress::Looking);
        match self.progress.wait_for(looked).await.as_deref() {
            Ok(Progress::Ended(outcome)) => Some(outcome.clone()),
            Ok(_) => None,
            Err(_) => Some(Err(WaitError::Store)),
        }
    }

    /// Returns when the wait has ended.
    pub(crate) async fn ended(&mut self) -> Result<Clip, WaitError> {
        let ended = |progress: &Progress| matches!(progress, Progress::Ended(_));
        match self.progress.wait_for(ended).await.as_deref() {
            Ok(Progress::Ended(outcome)) => outcome.clone(),
            // Whoever looked after it panicked.
            _ => Err(WaitError::Store),
        }
    }
}

impl Waits {
    /// Waits for a clip; who only watches has nothing to `ask`. The second value is there for who comes
    /// first: it must be looked after until it ends.
    pub(crate) fn join(
        self: &Arc<Self>,
        content: ContentHash,
        ask: Option<Ask>,
    ) -> Result<(Waiter, Option<WaitGuard>), WaitError> {
        if self.waiters.load(Ordering::Relaxed) >= MAX_WAITERS {
            return Err(WaitError::TooMany);
        }
        if ask.is_some() {
            self.failures().retain(|(_, of, _)| *of != content);
        }
        let mut waits = self.waits();
        let (wait, is_new) = match waits.get(&content) {
            Some(wait) => (Arc::clone(wait), false),
            None => {
                let wait = Arc::new(Wait {
                    content,
                    progress: watch::Sender::new(Progress::Looking),
                    state: Mutex::default(),
                    changed: Notify::new(),
                });
                waits.insert(content, Arc::clone(&wait));
                (wait, true)
            }
        };
        self.waiters.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(&self.waiters));
        let waiter = Waiter { progress: wait.progress.subscribe(), _counted: counted };
        drop(waits);
        if let Some(ask) = ask {
            let mut state = wait.state();
            let is_new = state.asks.iter().all(|known| known.job.payer != ask.job.payer);
            if is_new && state.asks.len() < MAX_PAYERS {
                state.asks.push_back(ask);
                wait.changed.notify_one();
            }
        }
        let guard = is_new.then(|| WaitGuard { waits: Arc::clone(self), wait });
        Ok((waiter, guard))
    }

    /// Why a clip could not be made a moment ago, unless somebody has asked for it since: for who begins to
    /// watch when it has failed already.
    /// That a person may not pay is a failure for them alone.
    pub(crate) fn recent_failure(
        &self,
        content: &ContentHash,
        payer: Option<&str>,
    ) -> Option<VoiceError> {
        let concerns = |error: &VoiceError| match error {
            VoiceError::OverAllowance { payer: theirs, .. } => payer == Some(theirs),
            _ => true,
        };
        let failures = self.failures();
        let is_of = |(when, of, error): &&(Instant, ContentHash, VoiceError)| {
            of == content && when.elapsed() < FAILURE_CACHE_TTL && concerns(error)
        };
        failures.iter().rfind(is_of).map(|(_, _, error)| error.clone())
    }

    /// Tells everyone who waits for a clip how its making ended.
    pub fn publish(&self, content: &ContentHash, outcome: &Outcome) {
        if let Err(error) = outcome {
            self.remember_failure(content, error);
        }
        let wait = self.waits().get(content).cloned();
        if let Some(wait) = wait {
            wait.state().news = Some(outcome.clone());
            wait.changed.notify_one();
        }
    }

    fn remember_failure(&self, content: &ContentHash, error: &VoiceError) {
        let mut failures = self.failures();
        while failures.len() >= MAX_FAILURES
            || failures.front().is_some_and(|(when, ..)| when.elapsed() >= FAILURE_CACHE_TTL)
        {
            failures.pop_front();
        }
        failures.push_back((Instant::now(), *content, error.clone()));
    }

    /// Notes whether news from other processes arrives. Whoever waits looks more often while it does not.
    pub(crate) fn set_deaf(&self, is_deaf: bool) {
        self.is_deaf.store(is_deaf, Ordering::Relaxed);
    }

    /// Whether news from other processes does not arrive.
    pub(crate) fn is_deaf(&self) -> bool {
        self.is_deaf.load(Ordering::Relaxed)
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiters.load(Ordering::Relaxed)
    }

    fn waits(&self) -> MutexGuard<'_, HashMap<ContentHash, Arc<Wait>>> {
        // Nothing panics while it is held; if it did, the map would still be a map.
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> MutexGuard<'_, VecDeque<(Instant, ContentHash, VoiceError)>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    fn state(&self) -> MutexGuard<'_, WaitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The duty to look after a wait. When it is dropped, the wait has ended.
pub(crate) struct WaitGuard {
    waits: Arc<Waits>,
    wait: Arc<Wait>,
}

impl WaitGuard {
    pub(crate) fn content(&self) -> &ContentHash {
        &self.wait.content
    }

    /// The clip is not there.
    pub(crate) fn must_be_made(&self) {
        self.wait.progress.send_if_modified(|progress| {
            let is_news = matches!(progress, Progress::Looking);
            if is_news {
                *progress = Progress::Making;
            }
            is_news
        });
    }

    /// What is to be asked for, if somebody wants the clip to be made.
    pub(crate) fn ask(&self) -> Option<Ask> {
        self.wait.state().asks.front().cloned()
    }

    /// Whoever was to pay may not: the next is to, if anybody else wants the clip.
    pub(crate) fn next_payer(&self) -> bool {
        let mut state = self.wait.state();
        state.asks.pop_front();
        !state.asks.is_empty()
    }

    /// News of the clip since the last time.
    pub(crate) fn news(&self) -> Option<Outcome> {
        self.wait.state().news.take()
    }

    /// Returns when there is news, or somebody wants the clip to be made.
    pub(crate) async fn changed(&self) {
        self.wait.changed.notified().await;
    }

    /// Returns when nobody waits any more. Somebody may come again at any moment; see
    /// [`is_deserted`](Self::is_deserted).
    pub(crate) async fn deserted(&self) {
        self.wait.progress.closed().await;
    }

    /// Ends the wait if nobody waits.
    pub(crate) fn is_deserted(&self) -> bool {
        // Who joins subscribes while the map is locked.
        let mut waits = self.waits.waits();
        let is_deserted = self.wait.progress.receiver_count() == 0;
        if is_deserted {
            waits.remove(&self.wait.content);
        }
        is_deserted
    }

    /// Ends the wait. Why it failed is remembered for who begins to watch a moment later, as a page's
    /// timeline does.
    pub(crate) fn end(self, outcome: Result<Clip, WaitError>) {
        if let Err(WaitError::Voice(error)) = &outcome {
            self.waits.remember_failure(&self.wait.content, error);
        }
        self.leave();
        self.wait.progress.send_replace(Progress::Ended(outcome));
    }

    fn leave(&self) {
        let mut waits = self.waits.waits();
        if waits.get(&self.wait.content).is_some_and(|wait| Arc::ptr_eq(wait, &self.wait)) {
            waits.remove(&self.wait.content);
        }
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.leave();
        // Only if it did not end otherwise: whoever looked after it panicked or was aborted.
        self.wait.progress.send_if_modified(|progress| {
            let is_open = !matches!(progress, Progress::Ended(_));
            if is_open {
                *progress = Progress::Ended(Err(WaitError::Store));
            }
            is_open
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Silence;

    fn content(number: u8) -> ContentHash {
        format!("{number:064x}").parse().unwrap()
    }

    fn trouble() -> VoiceError {
        VoiceError::NoSuchVoice("x".to_owned())
    }

    #[tokio::test]
    async fn ten_thousand_who_wait_for_a_clip_are_one_wait() {
        let waits = Arc::new(Waits::default());
        let (mut first, guard) = waits.join(content(1), None).unwrap();
        let guard = guard.expect("who comes first looks after it");
        let mut others: Vec<_> = (0..9_999)
            .map(|_| {
                let (waiter, guard) = waits.join(content(1), None).unwrap();
                assert!(guard.is_none());
                waiter
            })
            .collect();
        assert_eq!(waits.count(), 10_000);
        assert_eq!(waits.waits().len(), 1);
        waits.publish(&content(1), &Ok(()));
        guard.changed().await;
        assert_eq!(guard.news(), Some(Ok(())));
        guard.must_be_made();
        assert!(first.looked().await.is_none());
        let clip = Silence::of(Duration::from_millis(400), 22_050).unwrap();
        guard.end(Ok(clip.clone()));
        for waiter in &mut others {
            assert_eq!(waiter.ended().await.unwrap(), clip);
        }
        drop((first, others));
        assert_eq!(waits.count(), 0);
        assert!(waits.waits().is_empty());
    }

    #[tokio::test]
    async fn a_wait_that_nobody_looks_after_any_more_ends() {
        let waits = Arc::new(Waits::default());
        let (mut waiter, guard) = waits.join(content(1), None).unwrap();
        drop(guard);
        assert_eq!(waiter.ended().await, Err(WaitError::Store));
        let (_, guard) = waits.join(content(1), None).unwrap();
        assert!(guard.is_some_and(|guard| guard.is_deserted()));
        assert!(waits.waits().is_empty());
    }

    #[test]
    fn a_failure_is_known_until_somebody_asks_again() {
        let waits = Arc::new(Waits::default());
        assert_eq!(waits.recent_failure(&content(1), None), None);
        waits.publish(&content(1), &Err(trouble()));
        let _watcher = waits.join(content(1), None).unwrap();
        assert_eq!(waits.recent_failure(&content(1), None), Some(trouble()));
        let ask = Ask { job: crate::clips::job::tests::job("Yes."), ahead: Vec::new() };
        let _asking = waits.join(content(1), Some(ask)).unwrap();
        assert_eq!(waits.recent_failure(&content(1), None), None);
        waits.publish(&content(1), &Err(trouble()));
        assert_eq!(waits.recent_failure(&content(1), None), Some(trouble()));
    }

    /// Two want a clip that costs money, and the first may not pay.
    #[tokio::test]
    async fn the_next_who_wants_it_is_asked_to_pay() {
        let waits = Arc::new(Waits::default());
        let ask = |payer: &str| {
            let mut job = crate::clips::job::tests::job("Yes.");
            job.payer = Some(payer.into());
            Some(Ask { job, ahead: Vec::new() })
        };
        let payer = |guard: &WaitGuard| guard.ask().and_then(|ask| ask.job.payer);
        let (_lea, guard) = waits.join(content(1), ask("lea")).unwrap();
        let guard = guard.unwrap();
        let (_ada, _) = waits.join(content(1), ask("ada")).unwrap();
        let (_again, _) = waits.join(content(1), ask("lea")).unwrap();
        assert_eq!(payer(&guard).as_deref(), Some("lea"));
        assert!(guard.next_payer());
        assert_eq!(payer(&guard).as_deref(), Some("ada"));
        assert!(!guard.next_payer());
        let over = VoiceError::OverAllowance { allowance: 9, payer: "lea".to_owned() };
        waits.publish(&content(2), &Err(over.clone()));
        assert_eq!(waits.recent_failure(&content(2), Some("lea")), Some(over));
        assert_eq!(waits.recent_failure(&content(2), Some("ada")), None);
        assert_eq!(waits.recent_failure(&content(2), None), None);
    }
}
