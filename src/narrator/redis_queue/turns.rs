//! Claiming, on a single server and on a cluster, and counting what waits.

use std::sync::atomic::Ordering;

use app::model::BookId;
use futures::future::join_all;
use redis::{Cmd, FromRedisValue, RedisResult, Value, cmd};

use super::*;

/// Scores from here on are of books that have only chapter work; `turns.lua` has the same.
const CHAPTER: f64 = 4_503_599_627_370_496.0;
/// Books whose lanes are measured in one batch.
const STATUS_BATCH: usize = 500;

/// A book as it stands in the index.
struct Turn {
    book: BookId,
    class: Class,
}

impl RedisQueue {
    /// The claim over all books, for a server where one script reaches them.
    pub(super) fn claim_command(&self, free: usize) -> Cmd {
        let mut call = self.claim_call(&scripts::CLAIM, free);
        call.key(self.name(&Key::Books)).key(self.name(&Key::Leased)).arg(free);
        call.command()
    }

    fn claim_call(&self, script: &'static std::sync::LazyLock<redis::Script>, free: usize) -> Call {
        let keys = self.link.keys();
        let serial = self.serial.fetch_add(free as u64, Ordering::Relaxed);
        let content_lock = match self.link.is_cluster() {
            true => String::new(),
            false => keys.content_lock_head(),
        };
        let mut call = Call::new(script);
        call.arg(keys.book_head(|book| Key::Lane(Class::Prefetch, book)))
            .arg(keys.book_head(|book| Key::Lane(Class::Chapter, book)))
            .arg(keys.book_head(|book| Key::Pending(Class::Prefetch, book)))
            .arg(keys.book_head(|book| Key::Pending(Class::Chapter, book)))
            .arg(keys.book_head(Key::Leases))
            .arg(keys.audio_head())
            .arg(keys.lock_head())
            .arg(content_lock)
            .arg(format!("{}:", self.link.process()))
            .arg(serial)
            .arg(self.timing.lease.as_millis() as u64)
            .arg(self.timing.lock.as_millis() as u64);
        call
    }

    /// Claims book by book, as the index has them.
    pub(super) async fn claim_in_cluster(&self, free: usize) -> RedisResult<Exchange> {
        let mut exchange = Exchange::default();
        if free == 0 {
            return Ok(exchange);
        }
        let turns = self.turns(free).await?;
        let quota = free.div_ceil(turns.len().max(1));
        let mut left = free;
        let mut served = Vec::new();
        for turn in &turns {
            let count = quota.min(left);
            if count > 0 {
                left -= count;
                served.push(self.claim_of_book(turn, count));
            }
        }
        exchange.more = !served.is_empty();
        let mut failure = None;
        for claims in join_all(served).await {
            match claims {
                Ok(claims) => exchange.claims.extend(claims),
                Err(error) => failure = Some(error),
            }
        }
        // What was claimed elsewhere is not thrown away because one node failed.
        if let (Some(error), true) = (failure, exchange.claims.is_empty()) {
            return Err(error);
        }
        for claim in std::mem::take(&mut exchange.claims) {
            // In doubt it is ours: the lock in the book is.
            if self.lock_content(&claim).await.unwrap_or(true) {
                exchange.claims.push(claim);
            } else {
                // The same audio is being made for another book; whoever waits hears of it.
                self.give_back(&claim.token, claim.class, &claim.job, "").await?;
            }
        }
        Ok(exchange)
    }

    /// The books whose turn it is, all of one class.
    async fn turns(&self, count: usize) -> RedisResult<Vec<Turn>> {
        let mut range = cmd("ZRANGE");
        range.arg(self.name(&Key::Books)).arg(0).arg(count - 1).arg("WITHSCORES");
        let books: Vec<(String, f64)> = range.query_async(&mut self.link.clone()).await?;
        let is_urgent = books.first().is_some_and(|(_, score)| *score < CHAPTER);
        let class = if is_urgent { Class::Prefetch } else { Class::Chapter };
        let same_class = books.into_iter().filter(|(_, score)| (*score < CHAPTER) == is_urgent);
        Ok(same_class
            .filter_map(|(book, _)| Some(Turn { book: book.parse().ok()?, class }))
            .collect())
    }

    async fn claim_of_book(&self, turn: &Turn, count: usize) -> RedisResult<Vec<Claim>> {
        let Turn { book, class } = turn;
        // Before the lease, so that none is where nobody looks; and after it, because a reaper may
        // have looked in between.
        self.note_leases(book).await?;
        let mut call = self.claim_call(&scripts::CLAIM_BOOK, count);
        call.key(self.name(&Key::Leases(book.clone())))
            .arg(count)
            .arg(book.as_str())
            .arg(class.to_string());
        let answer: Vec<Value> = self.call(call).await?;
        let Some((lengths, claims)) = answer.split_first_chunk::<2>() else {
            return Ok(Vec::new());
        };
        let prefetch = u64::from_redis_value(lengths[0].clone())?;
        let chapter = u64::from_redis_value(lengths[1].clone())?;
        let claims = self.claimed(claims)?;
        // The claims are good, whatever becomes of the index; the next one of the book mends it.
        let mended = async {
            self.note_leases(book).await?;
            self.settle(book, prefetch, chapter).await
        };
        if let Err(error) = mended.await {
            tracing::warn!(%book, %error, "the index of books is behind");
        }
        Ok(claims)
    }

    /// On a cluster: gives a book its next turn, or takes it off the index. On a single server the
    /// scripts do.
    pub(super) async fn settle(
        &self,
        book: &BookId,
        prefetch: u64,
        chapter: u64,
    ) -> RedisResult<()> {
        if !self.link.is_cluster() {
            return Ok(());
        }
        let class = match (prefetch, chapter) {
            (0, 0) => String::new(),
            (0, _) => Class::Chapter.to_string(),
            _ => Class::Prefetch.to_string(),
        };
        let mut call = Call::new(&scripts::SETTLE);
        call.key(self.name(&Key::Books)).arg(book.as_str()).arg(class);
        let _: Value = self.call(call).await?;
        // Something may have come since: pushed before this, or after and then whoever pushed puts
        // the book where it belongs.
        let lane = |class| self.length(Key::Lane(class, book.clone()));
        if lane(Class::Prefetch).await? > 0 {
            self.place(book, Class::Prefetch).await
        } else if lane(Class::Chapter).await? > 0 {
            self.place(book, Class::Chapter).await
        } else {
            Ok(())
        }
    }

    async fn length(&self, lane: Key) -> RedisResult<u64> {
        cmd("LLEN").arg(self.name(&lane)).query_async(&mut self.link.clone()).await
    }

    async fn lock_content(&self, claim: &Claim) -> RedisResult<bool> {
        let mut lock = cmd("SET");
        lock.arg(self.name(&Key::ContentLock(claim.job.content)))
            .arg(&claim.token)
            .arg("NX")
            .arg("PX")
            .arg(self.timing.lock.as_millis() as u64);
        let locked: Option<String> = lock.query_async(&mut self.link.clone()).await?;
        Ok(locked.is_some())
    }

    /// On a cluster: puts a book on the index and wakes a worker, after its lane was filled. On a
    /// single server the script that filled it has done so.
    pub(super) async fn place(&self, book: &BookId, class: Class) -> RedisResult<()> {
        if !self.link.is_cluster() {
            return Ok(());
        }
        let mut call = Call::new(&scripts::PLACE);
        call.key(self.name(&Key::Books)).arg(book.as_str()).arg(class.to_string());
        let _: Value = self.call(call).await?;
        let wake = self.name(&Key::Wake);
        let mut push = cmd("RPUSH");
        push.arg(&wake).arg(1);
        let mut trim = cmd("LTRIM");
        trim.arg(&wake).arg(-64).arg(-1);
        let _: () = push.query_async(&mut self.link.clone()).await?;
        trim.query_async(&mut self.link.clone()).await
    }

    /// On a cluster: whether a book may have lanes. On a single server the script looks.
    pub(super) async fn admit(&self, book: &BookId) -> Result<(), QueueError> {
        if !self.link.is_cluster() {
            return Ok(());
        }
        let index = self.name(&Key::Books);
        let count: usize = cmd("ZCARD").arg(&index).query_async(&mut self.link.clone()).await?;
        if count < MAX_BOOKS {
            return Ok(());
        }
        let mut score = cmd("ZSCORE");
        score.arg(&index).arg(book.as_str());
        let known: Option<f64> = score.query_async(&mut self.link.clone()).await?;
        known.map(drop).ok_or(QueueError::TooManyBooks)
    }

    /// Counts what waits, by asking every lane there is.
    pub(super) async fn count(&self) -> RedisResult<QueueStatus> {
        let range = |key: Key| {
            let mut range = cmd("ZRANGE");
            range.arg(self.name(&key)).arg(0).arg(-1);
            range
        };
        let books: Vec<String> = range(Key::Books).query_async(&mut self.link.clone()).await?;
        let leased: Vec<String> = cmd("SMEMBERS")
            .arg(self.name(&Key::Leased))
            .query_async(&mut self.link.clone())
            .await?;
        let books: Vec<BookId> = books.iter().filter_map(|book| book.parse().ok()).collect();
        let lanes = |class| books.iter().map(move |book| ("LLEN", Key::Lane(class, book.clone())));
        let leases =
            leased.iter().filter_map(|book| Some(("HLEN", Key::Leases(book.parse().ok()?))));
        let seen_since = now_ms().saturating_sub(self.timing.lease.as_millis() as u64);
        let mut workers = cmd("ZCOUNT");
        workers.arg(self.name(&Key::Workers)).arg(seen_since).arg("+inf");
        Ok(QueueStatus {
            prefetch: self.sum(lanes(Class::Prefetch)).await?,
            chapter: self.sum(lanes(Class::Chapter)).await?,
            in_flight: self.sum(leases).await?,
            retry: self.sum([("ZCARD", Key::Retry)].into_iter()).await?,
            dead: self.sum([("ZCARD", Key::Dead)].into_iter()).await?,
            books: books.len(),
            workers: workers.query_async(&mut self.link.clone()).await?,
            waiters: self.waiters.count(),
        })
    }

    async fn sum(&self, lengths: impl Iterator<Item = (&str, Key)>) -> RedisResult<usize> {
        let commands: Vec<Cmd> = lengths
            .map(|(command, key)| {
                let mut command = cmd(command);
                command.arg(self.name(&key));
                command
            })
            .collect();
        let mut sum = 0;
        for batch in commands.chunks(STATUS_BATCH) {
            for length in self.send(batch.to_vec(), Tolerance::First(0)).await? {
                sum += usize::from_redis_value(length)?;
            }
        }
        Ok(sum)
    }
}
