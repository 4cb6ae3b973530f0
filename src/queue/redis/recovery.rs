//! What goes wrong, and how it comes right: leases that are renewed, restored and adopted, workers that
//! died, jobs to be tried again, dead letters, and what earlier versions left behind.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use redis::{RedisResult, Value, cmd};

use super::complete::Dead;
use super::payload::{self, Payload};
use super::{MayRefuse, RedisQueue, scripts};
use crate::queue::{Claim, Class, DeadLetter, Heartbeat, Pool, QueueError};
use crate::redis::script::Call;
use crate::redis::{Key, Lock};

/// Failed jobs that come back at one look.
const RETRIES_A_LOOK: usize = 100;
/// A worker is listed for an hour after it was last seen.
const WORKER_MEMORY_MS: u64 = 3_600_000;
/// Books of an earlier version whose leases are looked at in one go.
const EARLIER_BOOKS_A_LOOK: usize = 100;

impl RedisQueue {
    pub(super) fn own_leases(&self) -> String {
        self.name(&Key::WorkerLeases(self.redis.process().to_owned()))
    }

    /// Renews the lease of this worker, and takes again what was lost with the data of Redis and is still held. True
    /// when there are leases besides those it holds.
    pub(super) async fn renew(
        &self,
        held: &[Claim],
        is_held: &(dyn for<'t> Fn(&'t str) -> bool + Sync),
    ) -> RedisResult<bool> {
        let mut call = Call::new(&scripts::RENEW);
        call.key(self.name(&Key::Workers)).key(self.own_leases());
        let permits: Vec<(&Claim, String)> = held
            .iter()
            .filter_map(|claim| {
                let engine = claim.job.pool().engine()?.to_owned();
                Some((claim, self.name(&Key::EnginePermits(engine))))
            })
            .collect();
        // Most claims end long before their lock does.
        let old = |claim: &&Claim| claim.since.elapsed() >= self.timing.lock / 3;
        let locks: Vec<&Claim> = held.iter().filter(old).collect();
        for (_, permit) in &permits {
            call.key(permit.clone());
        }
        for claim in &locks {
            call.key(self.lock(&claim.job));
        }
        call.arg(self.redis.process())
            .arg(self.timing.lease.as_millis() as u64)
            .arg(self.timing.lock.as_millis() as u64)
            .arg(permits.len());
        for claim in permits.iter().map(|(claim, _)| claim).chain(&locks) {
            call.arg(claim.token.as_str());
        }
        let known: HashSet<String> = call.invoke(&self.redis).await?;
        for claim in held.iter().filter(|claim| !known.contains(&claim.token)) {
            // What has ended while the answer was on its way is not lost.
            if is_held(&claim.token) {
                self.restore(claim).await?;
            }
        }
        Ok(known.len() > held.len()
            || known.iter().any(|token| held.iter().all(|claim| claim.token != *token)))
    }

    async fn restore(&self, claim: &Claim) -> RedisResult<()> {
        let Claim { job, class, tries, token, .. } = claim;
        let mut call = Call::new(&scripts::RESTORE);
        call.key(self.name(&Key::Making)).key(self.own_leases()).key(self.lock(job));
        if let Some(engine) = job.pool().engine() {
            call.key(self.name(&Key::EnginePermits(engine.to_owned())));
        }
        call.arg(token.as_str())
            .arg(job.content.to_string())
            .arg(format!("{class} {}", payload::encode(job, *tries)))
            .arg(self.timing.lock.as_millis() as u64)
            .arg(self.timing.lease.as_millis() as u64)
            // On a cluster clips are where the script does not reach.
            .arg(match self.redis.is_cluster() {
                true => String::new(),
                false => self.redis.keys().audio(&job.book, job.clip_form()),
            });
        let _: i64 = call.invoke(&self.redis).await?;
        Ok(())
    }

    /// Says what this worker is doing, for people to look at.
    pub(super) async fn show_worker(&self, heartbeat: &Heartbeat) -> RedisResult<()> {
        let status = self.name(&Key::WorkerStatus(self.redis.process().to_owned()));
        let mut set = cmd("HSET");
        set.arg(&status)
            .arg("last_seen")
            .arg(crate::time::now_ms())
            .arg("current_job")
            .arg(&heartbeat.current_job)
            .arg("queue_length")
            .arg(heartbeat.in_flight);
        let mut expire = cmd("PEXPIRE");
        expire.arg(&status).arg(self.timing.lease.as_millis() as u64);
        self.send(vec![set, expire], MayRefuse(0)).await?;
        Ok(())
    }

    /// The claims of a worker, by token.
    pub(super) async fn leases_of(&self, worker: &str) -> RedisResult<Vec<Claim>> {
        let key = self.name(&Key::WorkerLeases(worker.to_owned()));
        let leases: HashMap<String, String> =
            cmd("HGETALL").arg(&key).query_async(&mut self.redis.clone()).await?;
        let mut claims = Vec::with_capacity(leases.len());
        for (token, lease) in leases {
            match read_lease(&lease, &token) {
                Some(claim) => claims.push(claim),
                None => {
                    tracing::warn!(lease, "a lease cannot be read and is dropped");
                    self.drop_lease(&key, &token, &lease).await?;
                }
            }
        }
        Ok(claims)
    }

    /// Drops a lease that cannot be read, as another version may have written it, and lets the sentence be made by
    /// others.
    async fn drop_lease(&self, leases: &str, token: &str, lease: &str) -> RedisResult<()> {
        let mut redis = self.redis.clone();
        let _: i64 = cmd("HDEL").arg(leases).arg(token).query_async(&mut redis).await?;
        // This is what `claim.lua` reads of a payload.
        let content =
            lease.split_once(r#"{"contentHash":""#).and_then(|(_, rest)| rest.split_once('"'));
        if let Some((content, _)) = content {
            let making = self.name(&Key::Making);
            let holder: Option<String> =
                cmd("HGET").arg(&making).arg(content).query_async(&mut redis).await?;
            if holder.as_deref() == Some(token) {
                let _: i64 = cmd("HDEL").arg(&making).arg(content).query_async(&mut redis).await?;
            }
        }
        Ok(())
    }

    /// Returns to their lanes the jobs of workers that died, and failed jobs that are due. One
    /// worker at a time is enough.
    pub(super) async fn look_after_others(&self) -> RedisResult<()> {
        let Some(lock) = Lock::take(&self.redis, &Key::Reaper, self.timing.renewal * 4).await
        else {
            return Ok(());
        };
        let looked = self.recover_alone().await;
        lock.release().await;
        looked
    }

    async fn recover_alone(&self) -> RedisResult<()> {
        self.take_over_from_earlier().await?;
        let mut call = Call::new(&scripts::OVERDUE);
        call.key(self.name(&Key::Workers))
            .key(self.name(&Key::Retry))
            .arg(self.timing.lease.as_millis() as u64)
            .arg(WORKER_MEMORY_MS)
            .arg(RETRIES_A_LOOK)
            .arg(self.timing.retry.as_millis() as u64);
        let (dead, due, forget): (Vec<String>, Vec<String>, String) =
            call.invoke(&self.redis).await?;
        for worker in &dead {
            for claim in self.leases_of(worker).await? {
                self.give_back(worker, &claim).await?;
            }
        }
        let workers = self.name(&Key::Workers);
        let mut remove = cmd("ZREMRANGEBYSCORE");
        remove.arg(workers).arg("-inf").arg(forget);
        let _: i64 = remove.query_async(&mut self.redis.clone()).await?;
        for member in due {
            self.retry(&member).await?;
        }
        let mut sweep = Call::new(&scripts::SWEEP);
        sweep.key(self.name(&Key::Making)).arg(self.redis.keys().worker_leases_head());
        let orphans: i64 = sweep.invoke(&self.redis).await?;
        if orphans > 0 {
            tracing::warn!(orphans, "sentences were noted as being made that nobody holds");
        }
        Ok(())
    }

    /// A failed job whose time has come goes back into its lane: first there, then away from here, so that it
    /// is not lost in between. If the lane is full it stays, put off.
    async fn retry(&self, member: &str) -> RedisResult<()> {
        let class = class_of(member);
        if let Ok((job, tries)) = payload::read(member) {
            match self.append_again(class, &job, tries).await {
                Ok(enqueued) if enqueued.is_full => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a failed job cannot be tried again yet");
                    return Ok(());
                }
            }
        }
        let mut remove = cmd("ZREM");
        remove.arg(self.name(&Key::Retry)).arg(member);
        remove.query_async(&mut self.redis.clone()).await
    }

    /// The dead letters, the latest first, each with its member in the set.
    pub(super) async fn read_dead(&self) -> RedisResult<Vec<(DeadLetter, String)>> {
        let mut range = cmd("ZRANGE");
        range.arg(self.name(&Key::Dead)).arg(0).arg(-1).arg("REV");
        let members: Vec<String> = range.query_async(&mut self.redis.clone()).await?;
        let read = |member: String| {
            let Dead { job, error, died_at_ms } = serde_json::from_str(&member).ok()?;
            let class = job.class.as_deref()?.parse().ok()?;
            let letter = DeadLetter { job: job.try_into().ok()?, class, error, died_at_ms };
            Some((letter, member))
        };
        Ok(members.into_iter().filter_map(read).collect())
    }

    /// Puts a dead letter back into its lane.
    pub(super) async fn requeue(
        &self,
        letter: &DeadLetter,
        member: &str,
    ) -> Result<usize, QueueError> {
        self.forgive(letter).await?;
        if self.append_again(letter.class, &letter.job, 0).await?.is_full {
            return Ok(0);
        }
        let mut remove = cmd("ZREM");
        remove.arg(self.name(&Key::Dead)).arg(member);
        Ok(remove.query_async(&mut self.redis.clone()).await?)
    }

    /// Throws all dead letters away, also those that a later version has written: what they say may be asked for anew.
    pub(super) async fn discard_all_dead(&self) -> Result<usize, QueueError> {
        for (letter, _) in self.read_dead().await? {
            self.forgive(&letter).await?;
        }
        let mut all = cmd("ZREMRANGEBYRANK");
        all.arg(self.name(&Key::Dead)).arg(0).arg(-1);
        Ok(all.query_async(&mut self.redis.clone()).await?)
    }

    /// Forgets that a sentence ended its workers.
    async fn forgive(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        let mut forgive = cmd("ZREM");
        forgive.arg(self.name(&Key::Abandoned)).arg(letter.job.content.to_string());
        let _: i64 = forgive.query_async(&mut self.redis.clone()).await?;
        Ok(())
    }

    /// What earlier versions left: lanes that were not counted, and leases by book. (Sentences of services
    /// in the lanes of this machine's voices find their own when they are claimed.)
    async fn take_over_from_earlier(&self) -> RedisResult<()> {
        let mut call = Call::new(&scripts::RECOUNT);
        call.key(self.name(&Key::Counts))
            .key(self.name(&Key::Books(Pool::LOCAL)))
            .arg(self.redis.keys().pending_head())
            .arg(self.redis.keys().lanes_of_book_head());
        let _: i64 = call.invoke(&self.redis).await?;
        let leased = self.name(&Key::EarlierLeased);
        let mut some = cmd("SRANDMEMBER");
        some.arg(&leased).arg(EARLIER_BOOKS_A_LOOK);
        let books: Vec<String> = some.query_async(&mut self.redis.clone()).await?;
        for book in books {
            if let Ok(book) = book.parse() {
                self.take_over_book(&Key::EarlierLeases(book)).await?;
            }
            let mut remove = cmd("SREM");
            remove.arg(&leased).arg(book);
            let _: i64 = remove.query_async(&mut self.redis.clone()).await?;
        }
        Ok(())
    }

    /// The deadline of such a lease counts no more: its worker runs an earlier version, which must have been
    /// stopped.
    async fn take_over_book(&self, key: &Key) -> RedisResult<()> {
        let name = self.name(key);
        let leases: HashMap<String, String> =
            cmd("HGETALL").arg(&name).query_async(&mut self.redis.clone()).await?;
        for (token, lease) in &leases {
            let claim = lease.split_once(' ').and_then(|(_, lease)| read_lease(lease, token));
            if let Some(Claim { job, class, tries, .. }) = claim {
                let lock = self.lock(&job);
                let holder: Option<String> =
                    cmd("GET").arg(&lock).query_async(&mut self.redis.clone()).await?;
                if holder.as_ref() == Some(token) {
                    let _: i64 = cmd("DEL").arg(&lock).query_async(&mut self.redis.clone()).await?;
                }
                if let Err(error) = self.append_again(class, &job, tries).await {
                    tracing::warn!(%error, "a lease of an earlier version is left");
                    return Ok(());
                }
            }
            let _: i64 =
                cmd("HDEL").arg(&name).arg(token).query_async(&mut self.redis.clone()).await?;
        }
        Ok(())
    }
}

/// The lane that a failed job came from, as it notes it.
pub(super) fn class_of(member: &str) -> Class {
    let class = serde_json::from_str::<Payload>(member).ok().and_then(|job| job.class);
    class.and_then(|class| class.parse().ok()).unwrap_or(Class::Chapter)
}

/// A lease: the class and the job.
pub(super) fn read_lease(lease: &str, token: &str) -> Option<Claim> {
    let (class, payload) = lease.split_once(' ')?;
    claim(token, class, payload)
}

pub(super) fn claim(token: &str, class: &str, payload: &str) -> Option<Claim> {
    let (job, tries) = payload::read(payload).ok()?;
    let class = class.parse().ok()?;
    Some(Claim { job, class, tries, token: token.to_owned(), since: Instant::now() })
}

/// Whether an answer is a number above zero.
pub(super) fn is_some(answer: &Value) -> bool {
    matches!(answer, Value::Int(number) if *number > 0)
}
