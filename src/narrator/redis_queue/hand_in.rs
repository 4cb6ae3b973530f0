//! Handing in what is finished: stored, released and announced in one round trip, with the news of
//! the requests it belongs to.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};

use app::model::BookId;
use bytes::Bytes;
use redis::{Cmd, RedisResult, Value, cmd};

use super::scripts::{self, Call};
use super::{RedisQueue, Tolerance, announcements};
use crate::narrator::queue::{Finished, Job};
use crate::narrator::requests::{Advance, REQUEST_EXPIRY_SECONDS};
use crate::now_ms;
use crate::redis::Key;

/// A bigger clip is kept in the object store only.
const MAX_SHARED_CLIP_BYTES: usize = 1 << 20;
/// Claims ended by one script: Lua unpacks no more than some thousands of arguments.
const MAX_FINISHED_A_CALL: usize = 500;

impl RedisQueue {
    /// Ends claims; on a cluster those of one book.
    fn finish(&self, finished: &[&Finished]) -> Cmd {
        let news: Vec<_> = finished.iter().copied().map(announcements::Landed::from).collect();
        let mut lists = BTreeSet::new();
        let mut call = Call::new(&scripts::FINISH);
        for Finished { claim, .. } in finished {
            let Job { book, voice, .. } = &claim.job;
            call.key(self.name(&Key::Leases(book.clone()))).keys(self.locks(&claim.job));
            let id = format!("{}:{}", voice.engine, voice.voice);
            lists.insert(self.name(&Key::BookAudios(book.clone(), id)));
        }
        call.keys(lists)
            .arg(if self.link.is_cluster() { 1 } else { 2 })
            .arg(self.link.keys().announcements())
            .arg(announcements::message(&news));
        for Finished { claim, .. } in finished {
            call.arg(claim.token.as_str());
        }
        call.command()
    }

    /// Stores a clip where every server finds it; not over one that is there, which is the same.
    fn store(&self, job: &Job, clip: &Bytes) -> Cmd {
        let mut store = cmd("SET");
        store
            .arg(self.name(&Key::Audio(job.book.clone(), job.clip_name())))
            .arg(&clip[..])
            .arg("NX")
            .arg("PX")
            .arg(self.timing.clip.as_millis() as u64);
        store
    }

    /// Hands in what is finished, and claims. What is finished is stored first, then released and
    /// announced, so that whoever hears of it finds it.
    pub(super) async fn hand_in(
        &self,
        finished: &[Finished],
        then: Option<Cmd>,
    ) -> RedisResult<Option<Value>> {
        for Finished { claim, outcome } in finished {
            let tries = claim.tries.saturating_add(1);
            let is_last = |error| self.timing.retry_after(tries, error).is_none();
            let (done, failed) = (outcome.is_ok(), outcome.as_ref().is_err_and(is_last));
            let (done, failed) = (usize::from(done), usize::from(failed));
            self.note(&claim.job.request, Advance { done, failed, ..Advance::default() });
        }
        let mut commands = self.news();
        let mut kept = Vec::with_capacity(finished.len());
        for one in finished {
            match &one.outcome {
                Ok(clip) if clip.len() <= MAX_SHARED_CLIP_BYTES => {
                    commands.push(self.store(&one.claim.job, clip));
                }
                Ok(_) => {}
                // What cannot be noted as failed keeps its lease, and is given back when that ends.
                Err(error) if !self.note_failure(&one.claim, error).await? => continue,
                Err(_) => {}
            }
            kept.push(one);
        }
        // A script reaches everything, or on a cluster one book.
        let mut together: HashMap<Option<&BookId>, Vec<&Finished>> = HashMap::new();
        let is_cluster = self.link.is_cluster();
        for one in kept {
            together.entry(is_cluster.then_some(&one.claim.job.book)).or_default().push(one);
        }
        if is_cluster {
            // Other nodes, other connections: the order is kept by waiting.
            self.send(std::mem::take(&mut commands), Tolerance::Full).await?;
        }
        let stored = commands.len();
        let batches = together.values().flat_map(|finished| finished.chunks(MAX_FINISHED_A_CALL));
        commands.extend(batches.map(|finished| self.finish(finished)));
        let claims = then.is_some();
        commands.extend(then);
        let mut answers = self.send(commands, Tolerance::First(stored)).await?;
        Ok(if claims { answers.pop() } else { None })
    }

    /// Keeps news of a request for the next exchange.
    pub(super) fn note(&self, request: &Option<Arc<str>>, news: Advance) {
        let Some(request) = request else { return };
        let mut all = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(Arc::clone(request)).or_default();
        known.begun |= news.begun;
        known.done += news.done;
        known.failed += news.failed;
    }

    /// The commands that tell what is new of requests.
    pub(super) fn news(&self) -> Vec<Cmd> {
        let news = std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner));
        news.iter().map(|(request, news)| self.advance_call(request, *news).command()).collect()
    }

    pub(super) fn advance_call(&self, request: &str, news: Advance) -> Call {
        let Advance { total, begun, done, failed } = news;
        let mut call = Call::new(&scripts::STATUS);
        call.key(self.name(&Key::RequestStatus(request.to_owned())))
            .arg(now_ms())
            .arg(if begun { self.link.process() } else { "" })
            .arg(done)
            .arg(failed)
            .arg(total.map_or_else(String::new, |total| total.to_string()))
            .arg(REQUEST_EXPIRY_SECONDS);
        call
    }
}
