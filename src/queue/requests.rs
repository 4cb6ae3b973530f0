//! How far a request to narrate has come: what chapter_open set off, for whoever wants to know.

use serde::Serialize;

/// How long a request is remembered after it was last heard of.
pub const REQUEST_EXPIRY_SECONDS: u64 = 3600;

/// How far a request has come. A sentence that a chapter_change has dropped since, or that has gone with its engine, is
/// never done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RequestStatus {
    /// `queued`, `processing`, `completed`, or `failed` when a sentence of it could not be spoken.
    pub status: String,
    /// In percent.
    pub progress: u8,
    /// Who worked on it last.
    pub worker_id: Option<String>,
    /// When the first worker began, in milliseconds since 1970.
    pub started_at: Option<u64>,
    /// When the last sentence was done, in milliseconds since 1970.
    pub completed_at: Option<u64>,
}

/// What is to be added to the counters of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProgressDelta {
    /// How many sentences it has, once that is known.
    pub total: Option<usize>,
    /// A worker has it in hand.
    pub begun: bool,
    /// Sentences done since.
    pub done: usize,
    /// Sentences that failed for good since.
    pub failed: usize,
}

/// A request as the queue of one process remembers it.
#[derive(Debug, Default)]
pub struct Request {
    status: RequestStatus,
    total: usize,
    done: usize,
    failed: usize,
    /// When it was last heard of.
    pub heard_ms: u64,
}

impl Request {
    /// Adds what is new.
    pub fn record(&mut self, delta: ProgressDelta, worker: &str, now_ms: u64) {
        let ProgressDelta { total, begun, done, failed } = delta;
        self.heard_ms = now_ms;
        self.total = total.unwrap_or(self.total);
        self.done += done;
        self.failed += failed;
        let status = &mut self.status;
        if begun {
            status.started_at.get_or_insert(now_ms);
            status.worker_id = Some(worker.to_owned());
        }
        let ended = self.done + self.failed;
        status.progress = u8::try_from(100 * ended / self.total.max(1)).unwrap_or(100).min(100);
        status.status = match status.started_at {
            _ if ended >= self.total && self.failed > 0 => "failed",
            _ if ended >= self.total => "completed",
            Some(_) => "processing",
            None => "queued",
        }
        .to_owned();
        if ended >= self.total {
            status.progress = 100;
            status.completed_at.get_or_insert(now_ms);
        }
    }

    /// How far it has come.
    pub fn status(&self) -> &RequestStatus {
        &self.status
    }
}
