//! What goes wrong, and how it comes right: heartbeats, leases that nobody renews, jobs to be
//! tried again, dead letters.

use std::collections::HashMap;

use redis::{Cmd, RedisResult, cmd};

use super::*;
use crate::narrator::memory::abandoned;
use crate::narrator::queue::MAX_FAILED;
use crate::voices::VoiceError;

/// Failed jobs that come back at one look.
const RETRIES_A_LOOK: usize = 100;
/// Books whose leases are looked at in one go, so that a look is short.
const BOOKS_A_LOOK: usize = 500;
/// A worker is listed for an hour after it was last seen.
const WORKER_MEMORY_MS: u64 = 3_600_000;

/// A dead letter as it lies in Redis: the job, and what became of it.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dead {
    job: Payload,
    error: VoiceError,
    died_at_ms: u64,
}

impl RedisQueue {
    /// Notes a failed try: the job comes back later, or is a dead letter.
    pub(super) fn failed(&self, claim: &Claim, error: &VoiceError) -> Cmd {
        let now = now_ms();
        let tries = claim.tries.saturating_add(1);
        let job = Payload::of(&claim.job, tries).in_class(claim.class);
        let mut add = cmd("ZADD");
        match self.timing.retry_after(tries, error) {
            Some(delay) => {
                let due = now + delay.as_millis() as u64;
                // One that is noted already does not wait longer.
                add.arg(self.name(&Key::Retry)).arg("LT").arg(due).arg(job.to_json());
            }
            None => {
                let dead = Dead { job, error: error.clone(), died_at_ms: now };
                // Strings and numbers only: there is nothing that JSON cannot say.
                let dead = serde_json::to_string(&dead).unwrap_or_default();
                add.arg(self.name(&Key::Dead)).arg(now).arg(dead);
            }
        }
        add
    }

    /// Notes a failed try of a claim that is still ours and still wanted; of one that was given back
    /// another takes care, or has made it by now. False when Redis refuses.
    pub(super) async fn note_failure(
        &self,
        claim: &Claim,
        error: &VoiceError,
    ) -> RedisResult<bool> {
        let book = &claim.job.book;
        let mut held = cmd("HEXISTS");
        held.arg(self.name(&Key::Leases(book.clone()))).arg(&claim.token);
        let mut made = cmd("EXISTS");
        made.arg(self.name(&Key::Audio(book.clone(), claim.job.clip_name())));
        let answers = self.send(vec![held, made], Tolerance::First(0)).await?;
        if answers.iter().map(|answer| *answer == Value::Int(1)).ne([true, false]) {
            return Ok(true);
        }
        let noted = self.link.batch(vec![self.failed(claim, error)]).await?;
        Ok(noted.iter().all(RedisResult::is_ok))
    }

    /// Renews leases and locks.
    pub(super) async fn renew(&self, held: &[Claim]) -> RedisResult<()> {
        let mut by_book: HashMap<&BookId, Vec<&Claim>> = HashMap::new();
        for claim in held {
            by_book.entry(&claim.job.book).or_default().push(claim);
        }
        for (book, claims) in by_book {
            self.note_leases(book).await?;
            let mut call = Call::new(&scripts::RENEW);
            call.key(self.name(&Key::Leases(book.clone())));
            for claim in &claims {
                call.keys(self.locks(&claim.job));
            }
            call.arg(if self.link.is_cluster() { 1 } else { 2 })
                .arg(self.timing.lease.as_millis() as u64)
                .arg(self.timing.lock.as_millis() as u64);
            for Claim { job, class, tries, token } in claims.iter().copied() {
                call.arg(token.as_str())
                    .arg(class.to_string())
                    .arg(Payload::of(job, *tries).to_json());
            }
            let _: Value = self.call(call).await?;
        }
        if self.link.is_cluster() {
            for claim in held {
                self.lock_content_again(claim).await?;
            }
        }
        Ok(())
    }

    /// Notes that a book may have leases, for the reaper.
    pub(super) async fn note_leases(&self, book: &BookId) -> RedisResult<()> {
        let mut note = cmd("SADD");
        note.arg(self.name(&Key::Leased)).arg(book.as_str());
        note.query_async(&mut self.link.clone()).await
    }

    async fn lock_content_again(&self, claim: &Claim) -> RedisResult<()> {
        let lock = self.name(&Key::ContentLock(claim.job.content));
        let holder: Option<String> =
            cmd("GET").arg(&lock).query_async(&mut self.link.clone()).await?;
        if holder.is_none_or(|holder| holder == claim.token) {
            let mut set = cmd("SET");
            set.arg(&lock).arg(&claim.token).arg("PX").arg(self.timing.lock.as_millis() as u64);
            let _: () = set.query_async(&mut self.link.clone()).await?;
        }
        Ok(())
    }

    /// The heartbeat: says that this worker lives.
    pub(super) async fn beat(&self, beat: &Beat) -> RedisResult<()> {
        let now = now_ms();
        let status = self.name(&Key::WorkerStatus(self.link.process().to_owned()));
        let workers = self.name(&Key::Workers);
        let mut set = cmd("HSET");
        set.arg(&status)
            .arg("last_seen")
            .arg(now)
            .arg("current_job")
            .arg(&beat.current_job)
            .arg("queue_length")
            .arg(beat.in_flight);
        let mut expire = cmd("PEXPIRE");
        expire.arg(&status).arg(self.timing.lease.as_millis() as u64);
        let mut list = cmd("ZADD");
        list.arg(&workers).arg(now).arg(self.link.process());
        let mut forget = cmd("ZREMRANGEBYSCORE");
        forget.arg(&workers).arg("-inf").arg(now.saturating_sub(WORKER_MEMORY_MS));
        self.send(vec![set, expire, list, forget], Tolerance::First(0)).await?;
        Ok(())
    }

    /// Returns to their lanes the jobs of workers that died, and failed jobs that are due. One
    /// worker at a time is enough.
    pub(super) async fn reap(&self) -> RedisResult<()> {
        let mut lock = cmd("SET");
        lock.arg(self.name(&Key::Reaper))
            .arg(self.link.process())
            .arg("NX")
            .arg("PX")
            .arg(self.timing.upkeep.as_millis() as u64 * 4 / 5);
        if lock.query_async::<Option<String>>(&mut self.link.clone()).await?.is_none() {
            return Ok(());
        }
        let leased = self.name(&Key::Leased);
        let mut some = cmd("SRANDMEMBER");
        some.arg(&leased).arg(BOOKS_A_LOOK);
        let books: Vec<String> = some.query_async(&mut self.link.clone()).await?;
        for book in books.iter().filter_map(|book| book.parse().ok()) {
            if self.reap_book(&book).await? {
                // Taken off, and looked at again: a lease may have come since.
                let mut remove = cmd("SREM");
                remove.arg(&leased).arg(book.as_str());
                let _: () = remove.query_async(&mut self.link.clone()).await?;
                if !self.leases(&book).await?.is_empty() {
                    let mut add = cmd("SADD");
                    add.arg(&leased).arg(book.as_str());
                    let _: () = add.query_async(&mut self.link.clone()).await?;
                }
            }
        }
        self.retry_due().await?;
        self.bound_failures().await
    }

    async fn leases(&self, book: &BookId) -> RedisResult<HashMap<String, String>> {
        let key = self.name(&Key::Leases(book.clone()));
        cmd("HGETALL").arg(key).query_async(&mut self.link.clone()).await
    }

    /// Gives back the expired leases of a book; true when it has none at all.
    async fn reap_book(&self, book: &BookId) -> RedisResult<bool> {
        let leases = self.leases(book).await?;
        let now = self.redis_now_ms(&Key::Leases(book.clone())).await?;
        for (token, lease) in &leases {
            let mut parts = lease.splitn(3, ' ');
            let deadline = parts.next().and_then(|text| text.parse::<u64>().ok());
            if deadline.is_some_and(|deadline| deadline > now) {
                continue;
            }
            let class = parts.next().and_then(|class| class.parse().ok());
            let read = parts.next().map(payload::read);
            let (Some(class), Some(Ok((job, tries)))) = (class, read) else {
                tracing::warn!(lease, "a lease cannot be read and is dropped");
                let key = self.name(&Key::Leases(book.clone()));
                let _: () =
                    cmd("HDEL").arg(key).arg(token).query_async(&mut self.link.clone()).await?;
                continue;
            };
            let claim = Claim { job, class, tries, token: token.clone() };
            tracing::warn!(%book, token, "a lease ran out and is given back");
            let tries = claim.tries.saturating_add(1);
            if self.timing.retry_after(tries, &abandoned()).is_some() {
                let payload = Payload::of(&claim.job, tries).to_json();
                self.give_back(token, class, &claim.job, &payload).await?;
            } else {
                self.note(&claim.job.request, Advance { failed: 1, ..Advance::default() });
                let dead = self.failed(&claim, &abandoned());
                let _: () = dead.query_async(&mut self.link.clone()).await?;
                self.give_back(token, class, &claim.job, "").await?;
                // Or whoever waits would ask for it again, and kill the next worker.
                let finished = Finished { claim, outcome: Err(abandoned()) };
                let mut announce = cmd("PUBLISH");
                announce
                    .arg(self.link.keys().announcements())
                    .arg(announcements::message(&[announcements::Landed::from(&finished)]));
                let _: () = announce.query_async(&mut self.link.clone()).await?;
            }
        }
        Ok(leases.is_empty())
    }

    /// The clock that deadlines are made with: that of the node that holds the key.
    async fn redis_now_ms(&self, key: &Key) -> RedisResult<u64> {
        let mut call = Call::new(&scripts::CLOCK);
        call.key(self.name(key));
        self.call(call).await
    }

    /// Ends a claim: its job goes to the head of its lane, or nowhere if the payload is empty.
    pub(super) async fn give_back(
        &self,
        token: &str,
        class: Class,
        job: &Job,
        payload: &str,
    ) -> RedisResult<()> {
        let book = &job.book;
        let mut call = Call::new(&scripts::GIVE_BACK);
        call.key(self.name(&Key::Leases(book.clone())))
            .key(self.name(&Key::Lane(class, book.clone())))
            .key(self.name(&Key::Pending(class, book.clone())))
            .keys(self.locks(job))
            .keys(self.index())
            .arg(token)
            .arg(book.as_str())
            .arg(class.to_string())
            .arg(job.content.to_string())
            .arg(payload);
        let ended: i64 = self.call(call).await?;
        if ended == 0 {
            return Ok(());
        }
        if !payload.is_empty() {
            self.place(book, class).await?;
        }
        self.unlock_content(job, token).await
    }

    /// On a cluster: releases the lock on the audio itself, which no script of the book reaches.
    pub(super) async fn unlock_content(&self, job: &Job, token: &str) -> RedisResult<()> {
        if !self.link.is_cluster() {
            return Ok(());
        }
        let mut call = Call::new(&scripts::UNLOCK);
        call.key(self.name(&Key::ContentLock(job.content))).arg(token);
        self.call(call).await
    }

    /// Failed jobs whose time has come go back into their lanes: first there, then away from here,
    /// so that none is lost in between.
    async fn retry_due(&self) -> RedisResult<()> {
        let retry = self.name(&Key::Retry);
        let mut due = cmd("ZRANGEBYSCORE");
        due.arg(&retry).arg("-inf").arg(now_ms()).arg("LIMIT").arg(0).arg(RETRIES_A_LOOK);
        let members: Vec<String> = due.query_async(&mut self.link.clone()).await?;
        for member in members {
            let class = serde_json::from_str::<Payload>(&member).ok().and_then(|job| job.class);
            let class = class.and_then(|class| class.parse().ok()).unwrap_or(Class::Chapter);
            if let Ok((job, _)) = payload::read(&member) {
                let jobs = vec![(job.content, member.clone())];
                if let Err(error) = self.append(class, &job.book, jobs).await {
                    // A lane that is full now may have room at the next look.
                    tracing::warn!(%error, "a failed job cannot be tried again yet");
                    continue;
                }
            }
            let mut remove = cmd("ZREM");
            remove.arg(&retry).arg(&member);
            let _: () = remove.query_async(&mut self.link.clone()).await?;
        }
        Ok(())
    }

    async fn bound_failures(&self) -> RedisResult<()> {
        let bound = |key: Key| {
            let mut trim = cmd("ZREMRANGEBYRANK");
            trim.arg(self.name(&key)).arg(0).arg(-(MAX_FAILED as i64) - 1);
            trim
        };
        self.send(vec![bound(Key::Retry), bound(Key::Dead)], Tolerance::First(0)).await?;
        Ok(())
    }

    /// The dead letters, the latest first, each with its member in the set.
    pub(super) async fn read_dead(&self) -> RedisResult<Vec<(DeadLetter, String)>> {
        let mut range = cmd("ZRANGE");
        range.arg(self.name(&Key::Dead)).arg(0).arg(-1).arg("REV");
        let members: Vec<String> = range.query_async(&mut self.link.clone()).await?;
        let read = |member: String| {
            let Dead { job, error, died_at_ms } = serde_json::from_str(&member).ok()?;
            let class = job.class.as_deref()?.parse().ok()?;
            let letter = DeadLetter { job: job.try_into().ok()?, class, error, died_at_ms };
            Some((letter, member))
        };
        Ok(members.into_iter().filter_map(read).collect())
    }
}
