//! The lanes of one class in one pool, in memory.

use std::collections::{HashMap, HashSet, VecDeque};

use app::model::BookId;
use tokio::time::Instant;

use super::super::{Enqueued, Job, MAX_BOOKS, MAX_LANE_JOBS};
use crate::text::hash::ContentHash;

/// Lanes by book, and whose turn it is.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: HashMap<BookId, Lane>,
    /// Books with work, the one served longest ago first, and since when each waits for its turn.
    round: VecDeque<(BookId, Instant)>,
    /// Jobs in all lanes.
    len: usize,
}

#[derive(Default)]
struct Lane {
    /// In order; what is not in `waiting` was withdrawn and is passed over, and goes before more is put in.
    jobs: VecDeque<Waiting>,
    waiting: HashSet<ContentHash>,
}

/// A job in a lane.
pub(super) struct Waiting {
    pub(super) job: Job,
    /// Times it was tried before.
    pub(super) tries: u8,
}

impl Lanes {
    pub(super) fn append(&mut self, book: &BookId, jobs: &[Job]) -> Enqueued {
        let mut enqueued = Enqueued::default();
        for job in jobs {
            let lane = self.lane(book);
            if lane.waiting.contains(&job.content) {
                continue;
            }
            if lane.waiting.len() >= MAX_LANE_JOBS {
                enqueued.is_full = true;
                break;
            }
            self.put_last(book, Waiting { job: job.clone(), tries: 0 });
            enqueued.added += 1;
        }
        self.drop_if_empty(book);
        enqueued
    }

    /// Whether a book has a lane.
    pub(super) fn has(&self, book: &BookId) -> bool {
        self.lanes.contains_key(book)
    }

    /// Whether no other book may have one.
    pub(super) fn is_full(&self) -> bool {
        self.lanes.len() >= MAX_BOOKS
    }

    /// Drops what was withdrawn, so that a lane is no longer than what waits in it and what is put in again is not
    /// taken as it was the first time.
    fn tidy(lane: &mut Lane) {
        if lane.jobs.len() > lane.waiting.len() {
            lane.jobs.retain(|job| lane.waiting.contains(&job.job.content));
        }
    }

    /// Puts a job at the head of its lane, also when the lane is full: it was in one before.
    pub(super) fn put_first(&mut self, first: Waiting) {
        let book = first.job.book.clone();
        let lane = self.lane(&book);
        Self::tidy(lane);
        if lane.waiting.insert(first.job.content) {
            lane.jobs.push_front(first);
            self.len += 1;
        }
    }

    /// Puts a job at the end of a lane.
    pub(super) fn put_last(&mut self, book: &BookId, last: Waiting) {
        let lane = self.lane(book);
        Self::tidy(lane);
        if lane.waiting.insert(last.job.content) {
            lane.jobs.push_back(last);
            self.len += 1;
        }
    }

    /// Takes a job out of a lane; false when it does not wait there.
    pub(super) fn withdraw(&mut self, book: &BookId, content: &ContentHash) -> bool {
        let Some(lane) = self.lanes.get_mut(book) else { return false };
        let waited = lane.waiting.remove(content);
        if waited {
            self.len -= 1;
            self.drop_if_empty(book);
        }
        waited
    }

    /// Drops from a lane what is not needed.
    pub(super) fn retain(&mut self, book: &BookId, needed: &HashSet<ContentHash>) {
        let Some(lane) = self.lanes.get_mut(book) else { return };
        let before = lane.waiting.len();
        lane.waiting.retain(|content| needed.contains(content));
        self.len -= before - lane.waiting.len();
        self.drop_if_empty(book);
    }

    /// The first job of the book whose turn it is.
    pub(super) fn take(&mut self) -> Option<Waiting> {
        let (book, _) = self.round.pop_front()?;
        let lane = self.lanes.get_mut(&book)?;
        // No lane is without something that waits, so there is one.
        let first = loop {
            let first = lane.jobs.pop_front()?;
            if lane.waiting.remove(&first.job.content) {
                break first;
            }
        };
        self.len -= 1;
        if lane.waiting.is_empty() {
            self.lanes.remove(&book);
        } else {
            self.round.push_back((book, Instant::now()));
        }
        Some(first)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Since when the book waits that was served longest ago.
    pub(super) fn since(&self) -> Option<Instant> {
        self.round.front().map(|(_, since)| *since)
    }

    pub(super) fn books(&self) -> impl Iterator<Item = &BookId> {
        self.lanes.keys()
    }

    fn lane(&mut self, book: &BookId) -> &mut Lane {
        if !self.lanes.contains_key(book) {
            self.round.push_back((book.clone(), Instant::now()));
        }
        self.lanes.entry(book.clone()).or_default()
    }

    fn drop_if_empty(&mut self, book: &BookId) {
        if self.lanes.get(book).is_some_and(|lane| lane.waiting.is_empty()) {
            self.lanes.remove(book);
            self.round.retain(|(turn, _)| turn != book);
        }
    }
}
