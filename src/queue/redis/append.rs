//! Putting jobs into lanes.
//!
//! What waits already is asked first, so that it is neither encoded nor sent. The rest goes in transactions of
//! a script that notes what waits, and a plain command that appends the payloads: through the script each
//! payload would cost Redis three times as much. The set beside a lane says what waits in it. So when two
//! processes add the same sentence at once, its payload lies there twice, and a claim drops the second.
//! The limits of lanes and of books are looked at before, so those who add at once may go beyond them by what
//! each of them adds.

use std::collections::HashSet;
use std::pin::pin;
use std::task::Poll;

use app::model::BookId;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use redis::{Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Value, cmd};

use super::{MayRefuse, RedisQueue, payload, scripts};
use crate::queue::{Class, Enqueued, Job, MAX_BOOKS, MAX_LANE_JOBS, Pool, QueueError};
use crate::redis::Key;
use crate::redis::script::{self, Call};

/// Jobs added by one transaction: nobody waits for it long, and while Redis takes them the next are put together.
/// Measured with chapters of 300: a hundred a call are a tenth slower, twenty-five no faster.
const JOBS_A_CALL: usize = 50;
/// Sentences asked about by one command, for the same reason.
const SENTENCES_A_LOOK: usize = 1000;

/// A lane of no more payloads is looked through each time that more is put in while some of it was withdrawn, which
/// takes Redis some ten milliseconds at most; a longer one when half of it was.
const TIDIED_AT_ONCE: usize = 5_000;

/// A job whose payload is made when it is known to be needed.
struct Pending<'a> {
    job: &'a Job,
    tries: u8,
    content: String,
}

/// The names of a lane and what belongs to it.
struct LaneNames {
    class: Class,
    book: BookId,
    pool: Pool,
    lane: String,
    pending: String,
    books: String,
}

impl RedisQueue {
    /// Appends jobs of one book and pool, those that are there twice once.
    pub(super) async fn append(
        &self,
        class: Class,
        book: &BookId,
        pool: &Pool,
        jobs: &[Job],
    ) -> Result<Enqueued, QueueError> {
        let mut seen = HashSet::with_capacity(jobs.len());
        let distinct = jobs.iter().filter(|job| seen.insert(job.content));
        let jobs = distinct.map(|job| Pending { job, tries: 0, content: job.content.to_hex() });
        self.append_pending(class, book, pool, jobs.collect()).await
    }

    /// Appends one job that was tried so many times.
    pub(super) async fn append_again(
        &self,
        class: Class,
        job: &Job,
        tries: u8,
    ) -> Result<Enqueued, QueueError> {
        let jobs = vec![Pending { job, tries, content: job.content.to_hex() }];
        self.append_pending(class, &job.book, &job.pool(), jobs).await
    }

    async fn append_pending(
        &self,
        class: Class,
        book: &BookId,
        pool: &Pool,
        mut jobs: Vec<Pending<'_>>,
    ) -> Result<Enqueued, QueueError> {
        let names = LaneNames {
            class,
            book: book.clone(),
            pool: pool.clone(),
            lane: self.name(&Key::Lane(class, book.clone(), pool.clone())),
            pending: self.name(&Key::Pending(class, book.clone(), pool.clone())),
            books: self.name(&Key::Books(pool.clone())),
        };
        let room = self.keep_fresh(&names, &mut jobs).await?;
        let is_full = jobs.len() > room;
        jobs.truncate(room);
        // While Redis takes some, the next are put together.
        let mut additions = FuturesOrdered::new();
        let mut added = 0;
        for jobs in jobs.chunks(JOBS_A_CALL) {
            additions.push_back(self.add(self.addition(&names, jobs)));
            // This sends it; the order is that of the calls.
            if let Poll::Ready(Some(answer)) = futures::poll!(additions.next()) {
                added += answer?;
            }
            tokio::task::yield_now().await;
        }
        while let Some(answer) = additions.next().await {
            added += answer?;
        }
        Ok(Enqueued { added, is_full })
    }

    /// Keeps those that neither wait there nor are refused, and says how many the lane has room for.
    async fn keep_fresh(
        &self,
        names: &LaneNames,
        jobs: &mut Vec<Pending<'_>>,
    ) -> Result<usize, QueueError> {
        let abandoned = self.name(&Key::Abandoned);
        let mut look = ["SCRIPT", "ZSCORE", "ZCARD", "SCARD", "LLEN", "EXISTS"].map(cmd).to_vec();
        look[0].arg("EXISTS").arg(scripts::ENQUEUE.get_hash());
        look[1].arg(&names.books).arg(names.book.as_str());
        look[2].arg(&names.books);
        look[3].arg(&names.pending);
        look[4].arg(&names.lane);
        look[5].arg(&abandoned);
        let mut looking = pin!(self.send(look, MayRefuse(0)));
        // It is on its way while those that nobody has enqueued yet are put together.
        let mut answer = futures::poll!(&mut looking);
        for some in jobs.chunks(JOBS_A_CALL) {
            if answer.is_ready() {
                break;
            }
            some.iter().for_each(|one| drop(payload::encode(one.job, one.tries)));
            tokio::task::yield_now().await;
            answer = futures::poll!(&mut looking);
        }
        let answers = match answer {
            Poll::Ready(answers) => answers,
            Poll::Pending => looking.await,
        };
        let mut answers = answers?.into_iter();
        let mut next = || answers.next().unwrap_or(Value::Nil);
        // Without the script a transaction would append payloads and not note them.
        if Vec::<bool>::from_redis_value(next()).ok() != Some(vec![true]) {
            scripts::load_all(&self.redis).await?;
        }
        let is_known = !matches!(next(), Value::Nil);
        let [books, waiting, length, refused] = [next(), next(), next(), next()].map(count);
        if !is_known && books >= MAX_BOOKS {
            return Err(QueueError::TooManyBooks);
        }
        // A lane that was deleted by hand has nothing that waits.
        let waiting = if length == 0 { 0 } else { waiting };
        if length > waiting {
            let mut tidy = Call::new(&scripts::TIDY);
            tidy.key(names.lane.clone()).key(names.pending.clone()).arg(TIDIED_AT_ONCE);
            let _: i64 = tidy.invoke(&self.redis).await?;
        }
        if waiting > 0 {
            self.leave_out_waiting(&names.pending, jobs).await?;
        }
        if refused > 0 {
            self.leave_out_refused(&abandoned, jobs).await?;
        }
        Ok(MAX_LANE_JOBS.saturating_sub(waiting))
    }

    async fn leave_out_waiting(
        &self,
        pending: &str,
        jobs: &mut Vec<Pending<'_>>,
    ) -> RedisResult<()> {
        let looks = jobs.chunks(SENTENCES_A_LOOK).map(|jobs| {
            let mut look = Cmd::with_capacity(2 + jobs.len(), 80 * (1 + jobs.len()));
            look.arg("SMISMEMBER").arg(pending);
            for job in jobs {
                look.arg(&job.content);
            }
            look
        });
        let waits = flags(self.send(looks.collect(), MayRefuse(0)).await?.into_iter())?;
        let mut waits = waits.into_iter();
        jobs.retain(|_| !waits.next().unwrap_or(false));
        Ok(())
    }

    async fn leave_out_refused(
        &self,
        abandoned: &str,
        jobs: &mut Vec<Pending<'_>>,
    ) -> RedisResult<()> {
        let looks = jobs.chunks(SENTENCES_A_LOOK).map(|jobs| {
            let mut look = cmd("ZMSCORE");
            look.arg(abandoned);
            for job in jobs {
                look.arg(&job.content);
            }
            look
        });
        let answers = self.send(looks.collect(), MayRefuse(0)).await?;
        let mut until = Vec::with_capacity(jobs.len());
        for answer in answers {
            until.extend(Vec::<Option<f64>>::from_redis_value(answer)?);
        }
        let now = self.now_ms().await? as f64;
        let mut until = until.into_iter();
        jobs.retain(|_| until.next().flatten().is_none_or(|until| until <= now));
        Ok(())
    }

    /// The transaction that adds jobs to a lane.
    fn addition(&self, names: &LaneNames, jobs: &[Pending<'_>]) -> Pipeline {
        let mut note = Call::new(&scripts::ENQUEUE);
        note.key(names.lane.clone())
            .key(names.pending.clone())
            .key(names.books.clone())
            .key(self.name(&Key::Wake(names.pool.clone())))
            .key(self.name(&Key::LanesOfBook(names.book.clone())))
            .key(self.name(&Key::Counts))
            .arg(names.book.as_str())
            .arg(names.class.name())
            .arg(names.pool.suffix());
        let payloads: Vec<_> = jobs.iter().map(|one| payload::encode(one.job, one.tries)).collect();
        let size = payloads.iter().map(|payload| payload.len()).sum::<usize>();
        let mut append = Cmd::with_capacity(2 + jobs.len(), size + 100);
        append.arg("RPUSH").arg(&names.lane);
        for (job, payload) in jobs.iter().zip(&payloads) {
            note.arg(&job.content);
            append.arg(&**payload);
        }
        let mut addition = Pipeline::with_capacity(2);
        addition.atomic().add_command(note.command()).add_command(append);
        addition
    }

    /// How many jobs an addition added.
    async fn add(&self, addition: Pipeline) -> Result<usize, QueueError> {
        let mut answer: RedisResult<(usize, usize)> =
            addition.query_async(&mut self.redis.clone()).await;
        if script::is_unknown(&answer) {
            // What was appended without the script does not count as waiting.
            scripts::load_all(&self.redis).await?;
            answer = addition.query_async(&mut self.redis.clone()).await;
        }
        let (added, _length) = answer?;
        Ok(added)
    }
}

fn count(answer: Value) -> usize {
    usize::from_redis_value(answer).unwrap_or_default()
}

fn flags(answers: impl Iterator<Item = Value>) -> Result<Vec<bool>, RedisError> {
    let mut all = Vec::new();
    for answer in answers {
        all.extend(Vec::<bool>::from_redis_value(answer)?);
    }
    Ok(all)
}
