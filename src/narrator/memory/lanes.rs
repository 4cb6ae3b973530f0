//! The lanes of one class, in memory.

use std::collections::{HashMap, HashSet, VecDeque};

use app::model::BookId;

use super::super::queue::{Job, MAX_BOOKS, MAX_LANE_JOBS, QueueError};
use crate::text::hash::ContentHash;

/// Lanes by book, and whose turn it is.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: HashMap<BookId, Lane>,
    /// Books with work, the one served longest ago first.
    turns: VecDeque<BookId>,
}

#[derive(Default)]
struct Lane {
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
    pub(super) fn append(&mut self, book: &BookId, jobs: &[Job]) -> Result<usize, QueueError> {
        let lane = self.lane(book);
        let mut appended = Ok(0);
        for job in jobs {
            if lane.waiting.contains(&job.content) {
                continue;
            }
            if lane.jobs.len() >= MAX_LANE_JOBS {
                appended = Err(QueueError::LaneFull);
                break;
            }
            lane.waiting.insert(job.content);
            lane.jobs.push_back(Waiting { job: job.clone(), tries: 0 });
            appended = appended.map(|count| count + 1);
        }
        self.drop_if_empty(book);
        appended
    }

    /// Whether a book has a lane.
    pub(super) fn has(&self, book: &BookId) -> bool {
        self.lanes.contains_key(book)
    }

    /// Whether no other book may have one.
    pub(super) fn is_full(&self) -> bool {
        self.lanes.len() >= MAX_BOOKS
    }

    /// Puts a job at the head of its lane, also when the lane is full: it was in one before, or
    /// somebody waits for it.
    pub(super) fn put_first(&mut self, first: Waiting) {
        let lane = self.lane(&first.job.book);
        if !lane.waiting.insert(first.job.content) {
            lane.jobs.retain(|waiting| waiting.job.content != first.job.content);
        }
        lane.jobs.push_front(first);
    }

    /// Appends a job that failed before.
    pub(super) fn put_last(&mut self, last: Waiting) {
        let lane = self.lane(&last.job.book);
        if lane.waiting.insert(last.job.content) {
            lane.jobs.push_back(last);
        }
    }

    pub(super) fn remove(&mut self, book: &BookId) {
        if self.lanes.remove(book).is_some() {
            self.turns.retain(|turn| turn != book);
        }
    }

    /// The first job of the book whose turn it is.
    pub(super) fn take(&mut self) -> Option<Waiting> {
        let book = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&book)?;
        let first = lane.jobs.pop_front();
        if let Some(first) = &first {
            lane.waiting.remove(&first.job.content);
        }
        if lane.jobs.is_empty() {
            self.lanes.remove(&book);
        } else {
            self.turns.push_back(book);
        }
        first
    }

    pub(super) fn len(&self) -> usize {
        self.lanes.values().map(|lane| lane.jobs.len()).sum()
    }

    pub(super) fn books(&self) -> impl Iterator<Item = &BookId> {
        self.lanes.keys()
    }

    fn lane(&mut self, book: &BookId) -> &mut Lane {
        if !self.lanes.contains_key(book) {
            self.turns.push_back(book.clone());
        }
        self.lanes.entry(book.clone()).or_default()
    }

    fn drop_if_empty(&mut self, book: &BookId) {
        if self.lanes.get(book).is_some_and(|lane| lane.jobs.is_empty()) {
            self.remove(book);
        }
    }
}
