//! Where jobs go in: the queue, or while that is out of reach, one in this process.

use std::sync::Arc;

use app::model::{BookId, Place};

use super::queue::{Class, Job, Queue, QueueError};
use super::requests::Advance;

pub(super) struct Intake {
    queue: Arc<dyn Queue>,
    /// Stands by for when the queue is gone or refuses; its worker is this process's own.
    spare: Option<Arc<dyn Queue>>,
}

impl Intake {
    pub(super) fn new(queue: Arc<dyn Queue>, spare: Option<Arc<dyn Queue>>) -> Self {
        Self { queue, spare }
    }

    pub(super) fn queue(&self) -> &dyn Queue {
        &*self.queue
    }

    /// The queues this process works on: always its own, the shared one if it `works` for it.
    pub(super) fn worked_on(&self, works: bool) -> Vec<Arc<dyn Queue>> {
        match &self.spare {
            None => vec![Arc::clone(&self.queue)],
            Some(spare) if works => vec![Arc::clone(spare), Arc::clone(&self.queue)],
            Some(spare) => vec![Arc::clone(spare)],
        }
    }

    pub(super) async fn enqueue(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
    ) -> Result<usize, QueueError> {
        let enqueued = self.queue.enqueue(class, book, jobs).await;
        match self.instead(&enqueued) {
            Some(spare) => spare.enqueue(class, book, jobs).await,
            None => enqueued,
        }
    }

    pub(super) async fn enqueue_first(&self, job: &Job) -> Result<(), QueueError> {
        let enqueued = self.queue.enqueue_first(job).await;
        match self.instead(&enqueued) {
            Some(spare) => spare.enqueue_first(job).await,
            None => enqueued,
        }
    }

    pub(super) async fn rebuild(
        &self,
        book: &BookId,
        prefetch: &[Job],
        chapter: &[Job],
    ) -> Result<(), QueueError> {
        let rebuilt = self.queue.rebuild(book, prefetch, chapter).await;
        match self.instead(&rebuilt) {
            Some(spare) => spare.rebuild(book, prefetch, chapter).await,
            None => rebuilt,
        }
    }

    pub(super) async fn advance(&self, request: &str, news: Advance) -> Result<(), QueueError> {
        let noted = self.queue.advance(request, news).await;
        match self.instead(&noted) {
            Some(spare) => spare.advance(request, news).await,
            None => noted,
        }
    }

    /// Both are told, so that the spare knows its listeners when it is needed.
    pub(super) async fn arrive(&self, place: &Place) -> Result<(), QueueError> {
        if let Some(spare) = &self.spare {
            spare.arrive(place).await?;
        }
        let noted = self.queue.arrive(place).await;
        if self.instead(&noted).is_some() { Ok(()) } else { noted }
    }

    pub(super) async fn listeners(&self, book: &BookId) -> Result<Vec<Place>, QueueError> {
        let known = self.queue.listeners(book).await;
        match self.instead(&known) {
            Some(spare) => spare.listeners(book).await,
            None => known,
        }
    }

    /// Who does it when the queue could not.
    fn instead<T>(&self, done: &Result<T, QueueError>) -> Option<&dyn Queue> {
        match done {
            Err(QueueError::Unavailable(_)) => self.spare.as_deref(),
            _ => None,
        }
    }
}
