//! Listeners of this process who wait for clips.
//!
//! Whoever makes a clip, in whatever process, the news arrives here once and wakes them all.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::oneshot;

use crate::text::hash::ContentHash;
use crate::voices::VoiceError;

/// Clips that may be waited for at once, and listeners that may wait for one of them.
pub const MAX_WAITERS: usize = 100_000;

/// A clip that is waited for is asked for again after this long, in case the first asking was lost.
pub const ASK_AGAIN: Duration = Duration::from_secs(2);

/// A failure is news for this long to those who only watch.
const FAILURE_IS_NEWS: Duration = Duration::from_secs(15);
/// Failures remembered for them.
const MAX_FAILURES: usize = 1_000;

/// How a claim ended: the clip is in the store, or it could not be made.
pub type Outcome = Result<(), VoiceError>;

/// Too many listeners wait.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("Too many listeners are waiting at once. Try again in a minute.")]
pub struct TooManyWaiters;

/// Someone who waits for a clip.
pub struct Waiter {
    outcome: oneshot::Receiver<Outcome>,
    /// Nobody in this process has asked for the clip lately: it is for this one to ask.
    pub asks: bool,
}

impl Waiter {
    /// Returns when the clip has landed or failed. Also returns when nobody is left to tell: the
    /// caller looks again.
    pub async fn landed(self) -> Outcome {
        self.outcome.await.unwrap_or(Ok(()))
    }
}

/// Who waits for what.
#[derive(Default)]
pub struct Waiters {
    // Std mutexes: held for a map operation, never across an await.
    waiting: Mutex<HashMap<ContentHash, Waiting>>,
    /// Failures of the last moments, the oldest first.
    failures: Mutex<VecDeque<(Instant, ContentHash, VoiceError)>>,
}

/// Those who wait for one clip.
#[derive(Default)]
struct Waiting {
    tellers: Vec<oneshot::Sender<Outcome>>,
    asked: Option<Instant>,
}

impl Waiters {
    /// Registers for the next news of a clip, as one who may have to ask for it.
    pub fn wait(&self, content: ContentHash) -> Result<Waiter, TooManyWaiters> {
        self.register(content, true)
    }

    /// Registers for the next news of a clip that others ask for.
    pub fn watch(&self, content: ContentHash) -> Result<Waiter, TooManyWaiters> {
        self.register(content, false)
    }

    /// Why a clip could not be made a moment ago, unless somebody has asked for it since: for who begins to
    /// watch when it has failed already.
    pub fn failure(&self, content: &ContentHash) -> Option<VoiceError> {
        let is_asked_for =
            self.waiting().get(content).is_some_and(|of_clip| of_clip.asked.is_some());
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(when, of, _): &&(Instant, ContentHash, _)| {
            of == content && when.elapsed() < FAILURE_IS_NEWS
        };
        let failure = failures.iter().rfind(is_it).filter(|_| !is_asked_for);
        failure.map(|(_, _, error)| error.clone())
    }

    fn register(&self, content: ContentHash, may_ask: bool) -> Result<Waiter, TooManyWaiters> {
        let mut waiting = self.waiting();
        if waiting.len() >= MAX_WAITERS && !waiting.contains_key(&content) {
            waiting.retain(|_, of_clip| {
                of_clip.tellers.retain(|teller| !teller.is_closed());
                !of_clip.tellers.is_empty()
            });
            if waiting.len() >= MAX_WAITERS {
                return Err(TooManyWaiters);
            }
        }
        let of_clip = waiting.entry(content).or_default();
        // Looking at the front only keeps this cheap with a thousand listeners of one sentence.
        while of_clip.tellers.first().is_some_and(oneshot::Sender::is_closed) {
            of_clip.tellers.swap_remove(0);
        }
        if of_clip.tellers.is_empty() {
            of_clip.asked = None;
        }
        if of_clip.tellers.len() >= MAX_WAITERS {
            return Err(TooManyWaiters);
        }
        let asks = may_ask && of_clip.asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN);
        if asks {
            of_clip.asked = Some(Instant::now());
        }
        let (teller, outcome) = oneshot::channel();
        of_clip.tellers.push(teller);
        Ok(Waiter { outcome, asks })
    }

    /// Tells everyone who waits for a clip.
    pub fn tell(&self, content: &ContentHash, outcome: &Outcome) {
        if let Err(error) = outcome {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            while failures.len() >= MAX_FAILURES
                || failures.front().is_some_and(|(when, ..)| when.elapsed() >= FAILURE_IS_NEWS)
            {
                failures.pop_front();
            }
            failures.push_back((Instant::now(), *content, error.clone()));
        }
        let of_clip = self.waiting().remove(content).unwrap_or_default();
        for teller in of_clip.tellers {
            // A listener who has gone does not hear it.
            let _ = teller.send(outcome.clone());
        }
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        let waiting = self.waiting();
        let open = |teller: &&oneshot::Sender<Outcome>| !teller.is_closed();
        waiting.values().map(|of_clip| of_clip.tellers.iter().filter(open).count()).sum()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<ContentHash, Waiting>> {
        // Nothing panics while it is held; if it did, the map would still be a map.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(number: u8) -> ContentHash {
        format!("{number:064x}").parse().unwrap()
    }

    #[tokio::test]
    async fn everyone_who_waits_is_told_once() {
        let waiters = Waiters::default();
        let one = waiters.wait(content(1)).unwrap();
        let two = waiters.wait(content(1)).unwrap();
        let other = waiters.wait(content(2)).unwrap();
        assert_eq!((one.asks, two.asks, other.asks), (true, false, true));
        let error = VoiceError::NoSuchVoice("x".to_owned());
        waiters.tell(&content(1), &Err(error.clone()));
        assert_eq!(one.landed().await, Err(error.clone()));
        assert_eq!(two.landed().await, Err(error));
        assert_eq!(waiters.count(), 1);
        drop(waiters);
        assert_eq!(other.landed().await, Ok(()));
    }

    #[test]
    fn a_failure_is_known_until_somebody_asks_again() {
        let waiters = Waiters::default();
        assert_eq!(waiters.failure(&content(1)), None);
        let error = VoiceError::NoSuchVoice("x".to_owned());
        waiters.tell(&content(1), &Err(error.clone()));
        let _watcher = waiters.watch(content(1)).unwrap();
        assert_eq!(waiters.failure(&content(1)), Some(error.clone()));
        let asking = waiters.wait(content(1)).unwrap();
        assert!(asking.asks);
        assert_eq!(waiters.failure(&content(1)), None);
        waiters.tell(&content(1), &Err(error.clone()));
        assert_eq!(waiters.failure(&content(1)), Some(error));
    }

    #[test]
    fn who_only_watches_keeps_nobody_from_asking() {
        let waiters = Waiters::default();
        let watcher = waiters.watch(content(1)).unwrap();
        assert!(!watcher.asks);
        assert!(waiters.wait(content(1)).unwrap().asks);
    }

    #[test]
    fn waiters_who_have_gone_do_not_count() {
        let waiters = Waiters::default();
        let waiting: Vec<_> = (0..100).map(|_| waiters.wait(content(1)).unwrap()).collect();
        assert_eq!(waiters.count(), 100);
        drop(waiting);
        assert_eq!(waiters.count(), 0);
        let waiter = waiters.wait(content(1)).unwrap();
        assert!(waiter.asks);
        assert_eq!(waiters.count(), 1);
    }
}
