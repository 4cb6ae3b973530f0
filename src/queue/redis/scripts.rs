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
    ENQUEUE: "turns.lua" "enqueue.lua";
    ENQUEUE_AWAITED: "turns.lua" "enqueue_awaited.lua";
    CLAIM: "turns.lua" "request.lua" "claim.lua";
    COMPLETE: "request.lua" "complete.lua";
    END_CLAIM: "turns.lua" "request.lua" "end_claim.lua";
    RENEW: "turns.lua" "renew.lua";
    RESTORE: "turns.lua" "restore.lua";
    WITHDRAW: "withdraw.lua";
    OVERDUE: "turns.lua" "overdue.lua";
    RECOUNT: "recount.lua";
    PROGRESS: "request.lua" "progress.lua";
}
