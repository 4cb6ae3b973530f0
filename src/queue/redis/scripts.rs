//! The scripts, each with the parts it shares with others.

use std::sync::LazyLock;

use redis::{RedisResult, Script};

use crate::redis::RedisConnection;

macro_rules! scripts {
    ($($name:ident: $($part:literal)+;)+) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!($part), "\n"),+)));)+

        /// Has Redis know all of them.
        pub(super) async fn load_all(redis: &RedisConnection) -> RedisResult<()> {
            for script in [$(&$name),+] {
                script.load_async(&mut redis.clone()).await?;
            }
            Ok(())
        }
    };
}

scripts! {
    ENQUEUE: "rounds.lua" "enqueue.lua";
    ENQUEUE_AWAITED: "rounds.lua" "enqueue_awaited.lua";
    CLAIM: "rounds.lua" "request.lua" "claim.lua";
    COMPLETE: "request.lua" "complete.lua";
    END_CLAIM: "rounds.lua" "request.lua" "end_claim.lua";
    RENEW: "rounds.lua" "renew.lua";
    RESTORE: "rounds.lua" "restore.lua";
    WITHDRAW: "withdraw.lua";
    OVERDUE: "rounds.lua" "overdue.lua";
    FORGET: "rounds.lua" "forget.lua";
    TIDY: "tidy.lua";
    SWEEP: "sweep.lua";
    RECOUNT: "recount.lua";
    PROGRESS: "request.lua" "progress.lua";
}
