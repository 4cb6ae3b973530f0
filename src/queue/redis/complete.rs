//! Ending claims: with a clip, which is stored, released and announced in one round trip; or without one.

use std::collections::BTreeSet;

use bytes::Bytes;
use redis::{Cmd, RedisResult, cmd};

use super::announcements::{self, Announcement};
use super::payload::{self, Payload};
use super::{MayRefuse, RedisQueue, scripts};
use crate::queue::requests::REQUEST_EXPIRY_SECONDS;
use crate::queue::{
    ABANDONED_FOR, Claim, Failure, Finished, Job, MAX_FAILED, MAX_FAILURES, Pool, abandoned,
    is_news,
};
use crate::redis::Key;
use crate::redis::script::Call;
use crate::speech::{Effect, VoiceError};
use crate::time::now_ms;

/// A bigger clip is kept in the object store only.
const MAX_SHARED_CLIP_BYTES: usize = 1 << 20;
/// Claims ended by one script: Lua unpacks no more than some thousands of arguments.
const COMPLETED_A_CALL: usize = 500;

/// A dead letter as it lies in Redis: the job, and what became of it.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dead {
    pub(super) job: Payload,
    pub(super) error: VoiceError,
    pub(super) died_at_ms: u64,
}

/// A claim that ends without a clip.
pub(super) struct Ending<'a> {
    pub(super) claim: &'a Claim,
    /// What becomes of the job; it is released when there is no failure.
    pub(super) failure: Option<Failure>,
    /// Why it failed, if it did.
    pub(super) error: Option<&'a VoiceError>,
    /// The worker that held it and is dead.
    pub(super) dead_worker: Option<&'a str>,
    /// Times it was tried, this one among them.
    pub(super) tries: u8,
}

impl RedisQueue {
    /// Ends claims whose clips are stored.
    pub(super) fn complete(&self, finished: &[&Finished]) -> Vec<Cmd> {
        finished.chunks(COMPLETED_A_CALL).map(|finished| self.complete_some(finished)).collect()
    }

    fn complete_some(&self, finished: &[&Finished]) -> Cmd {
        let news: Vec<_> = finished.iter().copied().map(Announcement::from).collect();
        let mut engines: Vec<&str> = Vec::new();
        let mut numbers = Vec::with_capacity(finished.len());
        let mut lists = BTreeSet::new();
        let pools: Vec<Pool> = finished.iter().map(|one| one.claim.job.pool()).collect();
        for (Finished { claim, outcome }, pool) in finished.iter().zip(&pools) {
            let job = &claim.job;
            let id = format!("{}:{}", job.voice.engine, job.voice.voice);
            lists.insert(self.name(&Key::BookAudios(job.book.clone(), id)));
            let is_answer = outcome.as_ref().is_ok_and(|made| made.by_engine);
            numbers.push(pool.engine().map_or(0, |engine| {
                let known = engines.iter().position(|known| *known == engine);
                let number = 1 + known.unwrap_or_else(|| {
                    engines.push(engine);
                    engines.len() - 1
                }) as i64;
                if is_answer { number } else { -number }
            }));
        }
        let mut call = Call::new(&scripts::COMPLETE);
        call.key(self.own_leases()).key(self.name(&Key::Making));
        // On a cluster they are where the script does not reach; they expire.
        if !self.redis.is_cluster() {
            for list in lists {
                call.key(list);
            }
        }
        let keys = self.redis.keys();
        call.arg(keys.announcements())
            .arg(announcements::message(&news))
            .arg(self.redis.process())
            .arg(keys.request_head())
            .arg(REQUEST_EXPIRY_SECONDS)
            .arg(finished.len());
        for one in finished {
            call.arg(one.claim.token.as_str());
        }
        for one in finished {
            call.arg(one.claim.job.content.to_string());
        }
        for one in finished {
            call.arg(self.lock(&one.claim.job));
        }
        for one in finished {
            call.arg(one.claim.job.request.as_deref().unwrap_or_default());
        }
        for number in numbers {
            call.arg(number);
        }
        for engine in engines {
            for key in [Key::EnginePermits, Key::EngineRest, Key::EngineState] {
                call.arg(self.name(&key(engine.to_owned())));
            }
        }
        call.command()
    }

    /// Stores a clip where every server finds it, if it is not too big; not over one that is there, which is
    /// the same.
    pub(super) fn store(&self, job: &Job, clip: &Bytes) -> Option<Cmd> {
        if clip.len() > MAX_SHARED_CLIP_BYTES {
            return None;
        }
        let mut store = cmd("SET");
        store
            .arg(self.redis.keys().audio(&job.book, job.clip_form()))
            .arg(&clip[..])
            .arg("NX")
            .arg("PX")
            .arg(self.timing.clip.as_millis() as u64);
        Some(store)
    }

    pub(super) fn lock(&self, job: &Job) -> String {
        self.redis.keys().lock(&job.book, job.clip_form())
    }

    /// Notes a failed try.
    pub(super) fn fail(&self, finished: &Finished, error: &VoiceError) -> Cmd {
        let claim = &finished.claim;
        self.end_claim(&Ending {
            claim,
            failure: Some(finished.failure(error, &self.timing)),
            error: Some(error),
            dead_worker: None,
            tries: claim.tries.saturating_add(1),
        })
    }

    /// Ends a claim without a clip.
    pub(super) fn end_claim(&self, ending: &Ending<'_>) -> Cmd {
        let Ending { claim, failure, error, dead_worker, tries } = *ending;
        let Claim { job, class, token, .. } = claim;
        let (book, pool) = (&job.book, job.pool());
        let mut call = Call::new(&scripts::END_CLAIM);
        let worker = dead_worker.unwrap_or(self.redis.process());
        for key in [
            Key::WorkerLeases(worker.to_owned()),
            Key::Making,
            Key::Lane(*class, book.clone(), pool.clone()),
            Key::Pending(*class, book.clone(), pool.clone()),
        ] {
            call.key(self.name(&key));
        }
        call.key(self.lock(job));
        for key in [
            Key::Books(pool.clone()),
            Key::Wake(pool.clone()),
            Key::Counts,
            Key::Retry,
            Key::Dead,
            Key::Abandoned,
            Key::Workers,
            Key::LanesOfBook(book.clone()),
        ] {
            call.key(self.name(&key));
        }
        if let Some(engine) = pool.engine() {
            for key in [Key::EnginePermits, Key::EngineRest, Key::EngineState] {
                call.key(self.name(&key(engine.to_owned())));
            }
        }
        // A worker that died may have died of the sentence; what its engine did not make was no try.
        let lane_tries = if dead_worker.is_some() { tries } else { claim.tries };
        if dead_worker.is_some() {
            metrics::counter!("earmark_leases_lost_total").increment(1);
        }
        if matches!(failure, Some(Failure::Retry(_))) {
            metrics::counter!("earmark_retries_total").increment(1);
        }
        let (kind, ms) = match failure {
            None => ("release", 0),
            Some(Failure::Retry(delay) | Failure::Again(delay)) => {
                ("retry", delay.as_millis() as u64)
            }
            Some(Failure::Dead) => ("dead", 0),
            Some(Failure::Dropped) => ("dropped", 0),
            Some(Failure::Rest(rest)) => ("rest", rest.as_millis() as u64),
            Some(Failure::Park) => ("park", 0),
        };
        let noted = match (failure, error) {
            (Some(Failure::Retry(_)), _) => Payload::of(job, tries).in_class(*class).to_json(),
            (Some(Failure::Again(_)), _) => {
                Payload::of(job, claim.tries).in_class(*class).to_json()
            }
            (Some(Failure::Dead), Some(error)) => {
                let job = Payload::of(job, tries).in_class(*class);
                let dead = Dead { job, error: error.clone(), died_at_ms: now_ms() };
                // Serializing strings and numbers cannot fail.
                serde_json::to_string(&dead).unwrap_or_default()
            }
            _ => String::new(),
        };
        let effect = match error.map(VoiceError::effect) {
            Some(Effect::Failing) => "failing",
            Some(Effect::None) => "answered",
            _ => "",
        };
        let message = error.filter(|error| is_news(error)).map(|error| {
            let outcome = Err(error.clone());
            announcements::message(&[Announcement::from(&Finished {
                claim: claim.clone(),
                outcome,
            })])
        });
        let is_abandoned = dead_worker.is_some() && failure == Some(Failure::Dead);
        let reason = error.map(|error| serde_json::to_string(error).unwrap_or_default());
        let request = job
            .request
            .as_deref()
            .map(|request| format!("{}{request}", self.redis.keys().request_head()));
        call.arg(token.as_str())
            .arg(job.content.to_string())
            .arg(book.as_str())
            .arg(class.name())
            .arg(pool.suffix())
            .arg(kind)
            .arg(payload::encode(job, lane_tries))
            .arg(noted)
            .arg(ms)
            .arg(reason.unwrap_or_default())
            .arg(effect)
            .arg(self.redis.keys().announcements())
            .arg(message.unwrap_or_default())
            .arg(request.unwrap_or_default())
            .arg(REQUEST_EXPIRY_SECONDS)
            .arg(MAX_FAILURES)
            .arg(self.timing.rest.as_millis() as u64)
            .arg(self.timing.rest_at_most.as_millis() as u64)
            .arg(MAX_FAILED)
            .arg(dead_worker.unwrap_or_default())
            .arg(self.timing.lease.as_millis() as u64)
            .arg(if is_abandoned { ABANDONED_FOR.as_millis() as u64 } else { 0 });
        call.command()
    }

    /// Gives back what a dead worker held; what has ended too many workers is a dead letter.
    pub(super) async fn give_back(&self, worker: &str, claim: &Claim) -> RedisResult<()> {
        tracing::warn!(book = %claim.job.book, worker, "a lease ran out and is given back");
        let (tries, error) = (claim.tries.saturating_add(1), abandoned());
        let is_over = self.timing.retry_after(tries, &error).is_none();
        let ending = Ending {
            claim,
            failure: is_over.then_some(Failure::Dead),
            error: is_over.then_some(&error),
            dead_worker: Some(worker),
            tries,
        };
        self.send(vec![self.end_claim(&ending)], MayRefuse(0)).await?;
        Ok(())
    }
}
