//! Dropping what waits for an engine that is no more: nobody would claim it.

use redis::{RedisResult, cmd};

use super::{RedisQueue, payload, recovery, scripts};
use crate::queue::{Class, Job, MAX_BOOKS, Pool};
use crate::redis::Key;
use crate::redis::script::Call;

/// Books whose lanes one call drops.
const BOOKS_A_CALL: usize = 100;

impl RedisQueue {
    pub(super) async fn forget_engine(&self, engine: &str) -> RedisResult<()> {
        let pool = Pool::of_engine(engine);
        // Somebody may go on to enqueue, so there is a limit; the counts go when it is forgotten the next time.
        for _ in 0..=MAX_BOOKS / BOOKS_A_CALL {
            let mut call = Call::new(&scripts::FORGET);
            call.key(self.name(&Key::Books(pool.clone())))
                .key(self.name(&Key::Counts))
                .key(self.name(&Key::Wake(pool.clone())))
                .key(self.name(&Key::EngineRest(engine.to_owned())))
                .key(self.name(&Key::EngineState(engine.to_owned())))
                .arg(self.redis.keys().lane_head())
                .arg(self.redis.keys().pending_head())
                .arg(self.redis.keys().lanes_of_book_head())
                .arg(pool.suffix())
                .arg(BOOKS_A_CALL);
            let books: usize = call.invoke(&self.redis).await?;
            if books == 0 {
                break;
            }
        }
        self.forget_retries(|job, _| job.pool() == pool).await
    }

    /// Drops some of what has failed and is to be tried again.
    pub(super) async fn forget_retries(
        &self,
        is_forgotten: impl Fn(&Job, Class) -> bool,
    ) -> RedisResult<()> {
        let retry = self.name(&Key::Retry);
        let mut all = cmd("ZRANGE");
        all.arg(&retry).arg(0).arg(-1);
        let all: Vec<String> = all.query_async(&mut self.redis.clone()).await?;
        for member in all {
            let class = recovery::class_of(&member);
            if payload::read(&member).is_ok_and(|(job, _)| is_forgotten(&job, class)) {
                let mut remove = cmd("ZREM");
                remove.arg(&retry).arg(member);
                let _: i64 = remove.query_async(&mut self.redis.clone()).await?;
            }
        }
        Ok(())
    }
}
