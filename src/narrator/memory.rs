//! The queue of a single process.
//!
//! Every operation is a few map lookups under one std mutex that is never held across an await.
//! What waits here dies with the process; nothing is lost by that, because pages ask again and
//! clips are in the object store.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use app::model::BookId;
use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};

use super::queue::{
    Claim, Class, Job, MAX_BOOKS, MAX_LANE_JOBS, MAX_WAITERS, Outcome, Queue, QueueError,
    QueueStatus, Waiter,
};
use crate::text::hash::ContentHash;

/// The in-process queue.
#[derive(Default)]
pub struct MemoryQueue {
    state: Mutex<State>,
    /// One permit a job: idle workers sleep here.
    work: Notify,
}

#[derive(Default)]
struct State {
    prefetch: Lanes,
    chapter: Lanes,
    in_flight: HashSet<ContentHash>,
    waiters: HashMap<ContentHash, Vec<oneshot::Sender<Outcome>>>,
}

/// The lanes of one class.
#[derive(Default)]
struct Lanes {
    lanes: HashMap<BookId, Lane>,
    /// Books with work, the one served longest ago first.
    turns: VecDeque<BookId>,
}

#[derive(Default)]
struct Lane {
    jobs: VecDeque<Job>,
    waiting: HashSet<ContentHash>,
}

impl Lanes {
    fn append(&mut self, book: &BookId, jobs: Vec<Job>) -> Result<(), QueueError> {
        let lane = self.lane(book)?;
        for job in jobs {
            if lane.jobs.len() >= MAX_LANE_JOBS {
                return Err(QueueError::LaneFull);
            }
            if lane.waiting.insert(job.content) {
                lane.jobs.push_back(job);
            }
        }
        self.drop_if_empty(book);
        Ok(())
    }

    fn put_first(&mut self, job: Job) -> Result<(), QueueError> {
        let book = job.book.clone();
        let lane = self.lane(&book)?;
        if !lane.waiting.insert(job.content) {
            lane.jobs.retain(|waiting| waiting.content != job.content);
        }
        lane.jobs.push_front(job);
        Ok(())
    }

    fn lane(&mut self, book: &BookId) -> Result<&mut Lane, QueueError> {
        if !self.lanes.contains_key(book) {
            if self.lanes.len() >= MAX_BOOKS {
                return Err(QueueError::TooManyBooks);
            }
            self.turns.push_back(book.clone());
        }
        Ok(self.lanes.entry(book.clone()).or_default())
    }

    fn drop_if_empty(&mut self, book: &BookId) {
        if self.lanes.get(book).is_some_and(|lane| lane.jobs.is_empty()) {
            self.remove(book);
        }
    }

    fn remove(&mut self, book: &BookId) {
        if self.lanes.remove(book).is_some() {
            self.turns.retain(|turn| turn != book);
        }
    }

    /// The first job of the book whose turn it is.
    fn take(&mut self) -> Option<Job> {
        let book = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&book)?;
        let job = lane.jobs.pop_front();
        if let Some(job) = &job {
            lane.waiting.remove(&job.content);
        }
        if lane.jobs.is_empty() {
            self.lanes.remove(&book);
        } else {
            self.turns.push_back(book);
        }
        job
    }

    fn len(&self) -> usize {
        self.lanes.values().map(|lane| lane.jobs.len()).sum()
    }
}

impl State {
    /// The next job whose audio nobody is making.
    fn claim(&mut self) -> Option<Job> {
        loop {
            let job = self.prefetch.take().or_else(|| self.chapter.take())?;
            if self.in_flight.insert(job.content) {
                return Some(job);
            }
        }
    }
}

impl MemoryQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, the maps would still be maps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn enqueue(&self, class: Class, book: &BookId, jobs: Vec<Job>) -> Result<(), QueueError> {
        let appended = {
            let mut state = self.state();
            match class {
                Class::Prefetch => state.prefetch.append(book, jobs),
                Class::Chapter => state.chapter.append(book, jobs),
            }
        };
        // Also when the lane is full: what fitted is there.
        self.work.notify_waiters();
        appended
    }

    async fn enqueue_first(&self, job: Job) -> Result<(), QueueError> {
        {
            let mut state = self.state();
            if state.in_flight.contains(&job.content) {
                return Ok(());
            }
            state.prefetch.put_first(job)?;
        }
        self.work.notify_waiters();
        Ok(())
    }

    async fn rebuild(
        &self,
        book: &BookId,
        prefetch: Vec<Job>,
        chapter: Vec<Job>,
    ) -> Result<(), QueueError> {
        let rebuilt = {
            let mut state = self.state();
            state.prefetch.remove(book);
            state.chapter.remove(book);
            state.prefetch.append(book, prefetch).and(state.chapter.append(book, chapter))
        };
        self.work.notify_waiters();
        rebuilt
    }

    async fn claim(&self) -> Claim {
        loop {
            // Registered before looking, so that work that arrives in between wakes us.
            let mut arrival = std::pin::pin!(self.work.notified());
            arrival.as_mut().enable();
            if let Some(job) = self.state().claim() {
                return Claim { job };
            }
            arrival.await;
        }
    }

    async fn finish(&self, claim: Claim, outcome: Outcome) {
        let tellers = {
            let mut state = self.state();
            state.in_flight.remove(&claim.job.content);
            state.waiters.remove(&claim.job.content).unwrap_or_default()
        };
        for teller in tellers {
            // A listener who has gone does not hear it.
            let _ = teller.send(outcome.clone());
        }
    }

    async fn wait(&self, content: ContentHash) -> Result<Waiter, QueueError> {
        let mut state = self.state();
        if state.waiters.len() >= MAX_WAITERS {
            state.waiters.retain(|_, tellers| {
                tellers.retain(|teller| !teller.is_closed());
                !tellers.is_empty()
            });
        }
        let full = state.waiters.len() >= MAX_WAITERS && !state.waiters.contains_key(&content);
        let tellers = match full {
            true => return Err(QueueError::TooManyWaiters),
            false => state.waiters.entry(content).or_default(),
        };
        tellers.retain(|teller| !teller.is_closed());
        if tellers.len() >= MAX_WAITERS {
            return Err(QueueError::TooManyWaiters);
        }
        let (teller, waiter) = Waiter::new();
        tellers.push(teller);
        Ok(waiter)
    }

    async fn status(&self) -> Result<QueueStatus, QueueError> {
        let state = self.state();
        let open = |tellers: &Vec<oneshot::Sender<Outcome>>| {
            tellers.iter().filter(|teller| !teller.is_closed()).count()
        };
        Ok(QueueStatus {
            prefetch: state.prefetch.len(),
            chapter: state.chapter.len(),
            in_flight: state.in_flight.len(),
            waiters: state.waiters.values().map(open).sum(),
        })
    }
}

#[cfg(test)]
mod tests;
