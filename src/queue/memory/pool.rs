//! One pool in memory: its lanes, its permits, and whether its engine rests.

use std::collections::HashSet;

use app::model::BookId;
use tokio::time::Instant;

use super::super::{Class, Failure, MAX_FAILURES, QueueError, Rest, Room, Timing};
use super::lanes::{Lanes, Waiting};
use crate::speech::{Effect, VoiceError};

/// One pool.
#[derive(Default)]
pub(super) struct PoolState {
    lanes: [Lanes; 4],
    /// Tokens of the claims that hold a permit.
    pub(super) permits: HashSet<String>,
    /// Failures in a row.
    failures: u32,
    /// Rests in a row; after the first only one sentence at a time tries whether the engine is back.
    rests: u32,
    resting: Option<(Instant, VoiceError)>,
}

impl PoolState {
    pub(super) fn lane(&mut self, class: Class) -> &mut Lanes {
        &mut self.lanes[class as usize]
    }

    pub(super) fn lanes(&self, class: Class) -> &Lanes {
        &self.lanes[class as usize]
    }

    /// Whether a book may have lanes here.
    pub(super) fn admit(&self, book: &BookId) -> Result<(), QueueError> {
        let is_known = self.lanes.iter().any(|lanes| lanes.has(book));
        let is_full = self.lanes.iter().any(Lanes::is_full);
        if is_full && !is_known { Err(QueueError::TooManyBooks) } else { Ok(()) }
    }

    pub(super) fn books(&self) -> HashSet<&BookId> {
        self.lanes.iter().flat_map(Lanes::books).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lanes| lanes.len() == 0)
    }

    /// How many sentences may be claimed now.
    pub(super) fn room(&self, room: &Room) -> usize {
        if self.rest().is_some() {
            return 0;
        }
        if self.rests > 0 {
            return usize::from(self.permits.is_empty()).min(room.any);
        }
        let free = room.limit.map(|limit| limit.saturating_sub(self.permits.len()));
        room.any.min(free.unwrap_or(usize::MAX))
    }

    /// The next job; only one that somebody is about to hear if it `must` be.
    pub(super) fn take(&mut self, must_be_urgent: bool) -> Option<(Class, Waiting)> {
        let classes = if must_be_urgent { &Class::ALL[..2] } else { &Class::ALL[..] };
        classes.iter().find_map(|class| Some((*class, self.lane(*class).take()?)))
    }

    /// Why the engine is left alone, if it is.
    pub(super) fn rest(&self) -> Option<Rest> {
        let (until, error) = self.resting.as_ref()?;
        let remaining = until.saturating_duration_since(Instant::now());
        (!remaining.is_zero()).then(|| Rest { error: error.clone(), remaining })
    }

    /// The number of the rest that a failure now belongs to, from 0.
    fn rest_number(&self) -> u32 {
        if self.rest().is_some() { self.rests.saturating_sub(1) } else { self.rests }
    }

    /// The engine has answered. What was in hand when it began to rest does not end that.
    pub(super) fn answered(&mut self) {
        if self.rest().is_none() {
            self.end_rest();
        }
    }

    /// A person has looked after the engine.
    pub(super) fn end_rest(&mut self) {
        (self.failures, self.rests, self.resting) = (0, 0, None);
    }

    /// The engine is no more.
    pub(super) fn forget(&mut self) {
        self.lanes = Default::default();
        self.end_rest();
    }

    /// Notes a failure; what becomes of the job.
    pub(super) fn failed(
        &mut self,
        failure: Failure,
        error: &VoiceError,
        timing: &Timing,
    ) -> Failure {
        let rest = match failure {
            // It was not asked.
            Failure::Dropped | Failure::Again(_) => return failure,
            Failure::Rest(rest) => rest,
            Failure::Park => timing.rest_after(self.rest_number()),
            Failure::Retry(_) | Failure::Dead if error.effect() == Effect::Failing => {
                self.failures += 1;
                if self.failures < MAX_FAILURES && self.rests == 0 {
                    return failure;
                }
                timing.rest_after(self.rest_number())
            }
            Failure::Retry(_) | Failure::Dead => {
                self.answered();
                return failure;
            }
        };
        // What was in hand when the rest began is no news.
        if self.rest().is_none() {
            self.rests += 1;
        }
        let until = Instant::now() + rest;
        if self.resting.as_ref().is_none_or(|(known, _)| *known < until) {
            self.resting = Some((until, error.clone()));
        }
        Failure::Rest(rest)
    }
}
