//! Where jobs go in: the queue, or while that is out of reach, one in this process.

use std::sync::Arc;

use app::model::{BookId, ListenerPosition};

use super::requests::{ProgressDelta, RequestStatus};
use super::{
    Asked, Class, DeadLetter, Enqueued, Job, LaneStatus, Listeners, Needed, Queue, QueueError,
    QueueStatus, Rest, WorkerStatus,
};
use crate::text::hash::ContentHash;

/// A queue, and what stands in for it.
pub(crate) struct FailoverQueue {
    primary: Arc<dyn Queue>,
    /// Stands by for when the primary is gone or refuses; its worker is this process's own.
    fallback: Option<Arc<dyn Queue>>,
}

/// Asks the primary, and the fallback when the primary is out of reach.
macro_rules! with_fallback {
    ($queue:ident.$method:ident($($argument:expr),*)) => {{
        match ($queue.primary.$method($($argument),*).await, &$queue.fallback) {
            (Err(QueueError::Unavailable(_)), Some(fallback)) => {
                fallback.$method($($argument),*).await
            }
            (done, _) => done,
        }
    }};
}

impl FailoverQueue {
    pub(crate) fn new(primary: Arc<dyn Queue>, fallback: Option<Arc<dyn Queue>>) -> Self {
        Self { primary, fallback }
    }

    /// The queues this process works on: always its own, the shared one if it `works` for it.
    pub(crate) fn worked_on(&self, works: bool) -> Vec<Arc<dyn Queue>> {
        let primary = || Arc::clone(&self.primary);
        match &self.fallback {
            None => vec![primary()],
            Some(fallback) if works => vec![Arc::clone(fallback), primary()],
            Some(fallback) => vec![Arc::clone(fallback)],
        }
    }

    pub(crate) async fn enqueue(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
    ) -> Result<Enqueued, QueueError> {
        with_fallback!(self.enqueue(class, book, jobs))
    }

    pub(crate) async fn enqueue_awaited(&self, job: &Job) -> Result<Asked, QueueError> {
        with_fallback!(self.enqueue_awaited(job))
    }

    pub(crate) async fn give_up(&self, book: &BookId, jobs: &[Job]) -> Result<(), QueueError> {
        with_fallback!(self.give_up(book, jobs))
    }

    pub(crate) async fn withdraw(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
        version: Option<u64>,
    ) -> Result<(), QueueError> {
        with_fallback!(self.withdraw(class, book, jobs, version))
    }

    pub(crate) async fn retain(
        &self,
        book: &BookId,
        needed: &Needed,
        version: u64,
    ) -> Result<bool, QueueError> {
        with_fallback!(self.retain(book, needed, version))
    }

    pub(crate) async fn record_progress(
        &self,
        request: &str,
        delta: ProgressDelta,
    ) -> Result<(), QueueError> {
        with_fallback!(self.record_progress(request, delta))
    }

    pub(crate) async fn request(&self, id: &str) -> Result<Option<RequestStatus>, QueueError> {
        // It may have begun while the primary was gone.
        match (self.primary.request(id).await, &self.fallback) {
            (Ok(None) | Err(QueueError::Unavailable(_)), Some(fallback)) => {
                fallback.request(id).await
            }
            (known, _) => known,
        }
    }

    /// Both are told, so that the fallback knows its listeners when it is needed.
    pub(crate) async fn set_listener_position(
        &self,
        position: &ListenerPosition,
    ) -> Result<(), QueueError> {
        if let Some(fallback) = &self.fallback {
            fallback.set_listener_position(position).await?;
        }
        with_fallback!(self.set_listener_position(position))
    }

    pub(crate) async fn listeners(&self, book: &BookId) -> Result<Listeners, QueueError> {
        with_fallback!(self.listeners(book))
    }

    /// In doubt it is not: the clip may be in the hands of either queue's worker.
    pub(crate) async fn is_being_made(&self, content: &ContentHash) -> bool {
        if self.primary.is_being_made(content).await.unwrap_or(false) {
            return true;
        }
        match &self.fallback {
            Some(fallback) => fallback.is_being_made(content).await.unwrap_or(false),
            None => false,
        }
    }

    /// The dead letters of both, the latest first of each; of the fallback alone while the primary is out of reach.
    pub(crate) async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        let of_fallback = match &self.fallback {
            Some(fallback) => fallback.dead_letters().await?,
            None => Vec::new(),
        };
        let mut letters = self.if_reached(self.primary.dead_letters().await)?;
        letters.extend(of_fallback);
        Ok(letters)
    }

    /// Puts the dead letters of both back into their lanes; says how many.
    pub(crate) async fn requeue_dead(&self) -> Result<usize, QueueError> {
        let of_fallback = match &self.fallback {
            Some(fallback) => fallback.requeue_dead(None).await?,
            None => 0,
        };
        Ok(of_fallback + self.if_reached(self.primary.requeue_dead(None).await)?)
    }

    /// Throws the dead letters of both away; says how many.
    pub(crate) async fn discard_dead(&self) -> Result<usize, QueueError> {
        let of_fallback = match &self.fallback {
            Some(fallback) => fallback.discard_dead().await?,
            None => 0,
        };
        Ok(of_fallback + self.if_reached(self.primary.discard_dead().await)?)
    }

    /// What the primary has; nothing while it is out of reach and another stands in for it.
    fn if_reached<T: Default>(&self, answer: Result<T, QueueError>) -> Result<T, QueueError> {
        match answer {
            Err(QueueError::Unavailable(_)) if self.fallback.is_some() => Ok(T::default()),
            answer => answer,
        }
    }

    pub(crate) async fn rest(&self, engine: &str) -> Result<Option<Rest>, QueueError> {
        with_fallback!(self.rest(engine))
    }

    /// Both: an engine that was mended is mended.
    pub(crate) async fn end_rest(&self, engine: &str) -> Result<(), QueueError> {
        if let Some(fallback) = &self.fallback {
            fallback.end_rest(engine).await?;
        }
        with_fallback!(self.end_rest(engine))
    }

    /// Both, as an engine that is gone is gone for both.
    pub(crate) async fn forget(&self, engine: &str) -> Result<(), QueueError> {
        if let Some(fallback) = &self.fallback {
            fallback.forget(engine).await?;
        }
        self.primary.forget(engine).await
    }

    pub(crate) async fn status(&self) -> Result<QueueStatus, QueueError> {
        self.primary.status().await
    }

    pub(crate) async fn lanes(&self) -> Result<Vec<LaneStatus>, QueueError> {
        with_fallback!(self.lanes())
    }

    pub(crate) async fn workers(&self) -> Result<Vec<WorkerStatus>, QueueError> {
        with_fallback!(self.workers())
    }
}
