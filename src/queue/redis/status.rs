//! What waits and who works, for people to look at.

use std::collections::HashMap;
use std::time::Duration;

use redis::{Cmd, FromRedisValue, RedisError, RedisResult, Value, cmd};

use super::{MayRefuse, RedisQueue};
use crate::queue::{Heartbeat, LaneStatus, Pool, QueueStatus, WorkerStatus};
use crate::redis::Key;

/// How far apart the classes lie in an index of books, in microseconds: `WIDTH` in `rounds.lua`.
const WIDTH: u64 = 1 << 51;
/// Workers that are listed.
const MAX_WORKERS: usize = 100;

impl RedisQueue {
    fn look(&self, name: &str, key: &Key) -> Cmd {
        let mut command = cmd(name);
        command.arg(self.name(key));
        command
    }

    /// The time by Redis' clock, in milliseconds since 1970: that of this machine may be another.
    pub(super) async fn now_ms(&self) -> RedisResult<u64> {
        let time: (u64, u64) = cmd("TIME").query_async(&mut self.redis.clone()).await?;
        Ok(time.0 * 1000 + time.1 / 1000)
    }

    /// Workers that were heard of since then live, in milliseconds since 1970.
    async fn living_since(&self) -> RedisResult<u64> {
        Ok(self.now_ms().await?.saturating_sub(self.timing.lease.as_millis() as u64))
    }

    /// What waits and what is being made.
    pub(super) async fn look_at_all(&self) -> RedisResult<QueueStatus> {
        let mut workers = self.look("ZCOUNT", &Key::Workers);
        workers.arg(self.living_since().await?).arg("+inf");
        let commands = vec![
            self.look("HGETALL", &Key::Counts),
            self.look("HLEN", &Key::Making),
            self.look("ZCARD", &Key::Retry),
            self.look("ZCARD", &Key::Dead),
            workers,
        ];
        let mut answers = self.send(commands, MayRefuse(0)).await?.into_iter();
        let counts = answers.next().unwrap_or(Value::Nil);
        let counts = HashMap::<String, i64>::from_redis_value(counts).map_err(RedisError::from)?;
        // A class, and after a colon the engine.
        let of_class = |name: &'static str| {
            let fields = counts.iter();
            let fields = fields.filter(move |(field, _)| field.split(':').next() == Some(name));
            fields.map(|(_, count)| usize::try_from(*count).unwrap_or_default())
        };
        let count = |name| of_class(name).sum::<usize>();
        let mut next = || match answers.next() {
            Some(Value::Int(number)) => usize::try_from(number).unwrap_or_default(),
            _ => 0,
        };
        Ok(QueueStatus {
            prefetch: count("awaited") + count("prefetch"),
            chapter: count("chapter"),
            background: count("background"),
            books: count("books"),
            most_books: of_class("books").max().unwrap_or_default(),
            in_flight: next(),
            retry: next(),
            dead: next(),
            workers: next(),
            waiters: self.waits.count(),
        })
    }

    /// What waits of each class in each pool.
    pub(super) async fn look_at_lanes(&self) -> RedisResult<Vec<LaneStatus>> {
        let counts: HashMap<String, i64> =
            self.look("HGETALL", &Key::Counts).query_async(&mut self.redis.clone()).await?;
        let lane = |(field, count): (&String, &i64)| {
            let (class, suffix) = field.split_at(field.find(':').unwrap_or(field.len()));
            let (class, pool) = (class.parse().ok()?, Pool::of_suffix(suffix)?);
            let sentences = usize::try_from(*count).unwrap_or_default();
            Some(LaneStatus { pool, class, sentences, longest: None })
        };
        let mut lanes: Vec<LaneStatus> = counts.iter().filter_map(lane).collect();
        let first = lanes.iter().map(|lane| {
            let from = lane.class as u64 * WIDTH;
            let mut first = self.look("ZRANGEBYSCORE", &Key::Books(lane.pool.clone()));
            first.arg(from).arg(format!("({}", from + WIDTH));
            first.arg("WITHSCORES").arg("LIMIT").arg(0).arg(1);
            first
        });
        let mut commands = vec![cmd("TIME")];
        commands.extend(first);
        let mut answers = self.send(commands, MayRefuse(0)).await?.into_iter();
        let now = answers.next().unwrap_or(Value::Nil);
        let (seconds, micros) = <(u64, u64)>::from_redis_value(now).map_err(RedisError::from)?;
        let now = seconds * 1_000_000 + micros;
        for (lane, first) in lanes.iter_mut().zip(answers) {
            let first = Vec::<(String, f64)>::from_redis_value(first).map_err(RedisError::from)?;
            let served = first.first().map(|(_, score)| *score as u64 % WIDTH);
            lane.longest = served.map(|served| Duration::from_micros(now.saturating_sub(served)));
        }
        Ok(lanes)
    }

    /// The workers that were heard of lately, by name.
    pub(super) async fn look_at_workers(&self) -> RedisResult<Vec<WorkerStatus>> {
        let mut living = self.look("ZRANGEBYSCORE", &Key::Workers);
        living.arg(self.living_since().await?).arg("+inf").arg("WITHSCORES");
        living.arg("LIMIT").arg(0).arg(MAX_WORKERS);
        let mut living: Vec<(String, f64)> = living.query_async(&mut self.redis.clone()).await?;
        living.sort_by(|(one, _), (other, _)| one.cmp(other));
        let said = living.iter().map(|(name, _)| Key::WorkerStatus(name.clone()));
        let said = said.map(|key| self.look("HGETALL", &key)).collect();
        let said = self.send(said, MayRefuse(0)).await?;
        let worker = |((name, seen), said): ((String, f64), Value)| {
            // Whoever has claimed and not yet renewed has said nothing of itself.
            let mut said = HashMap::<String, String>::from_redis_value(said)?;
            let in_flight = said.get("queue_length").and_then(|count| count.parse().ok());
            let heartbeat = Heartbeat {
                current_job: said.remove("current_job").unwrap_or_default(),
                in_flight: in_flight.unwrap_or_default(),
            };
            Ok(WorkerStatus { name, seen_at_ms: seen as u64, heartbeat })
        };
        living.into_iter().zip(said).map(worker).collect()
    }
}
