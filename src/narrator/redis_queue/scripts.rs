//! The scripts, and how they are called: by their hash, and loaded when Redis does not know them.

use std::sync::LazyLock;

use redis::{
    Cmd, ErrorKind, FromRedisValue, RedisResult, Script, ServerErrorKind, ToRedisArgs, Value, cmd,
};

use crate::redis::Link;

macro_rules! script {
    ($name:ident: $($part:literal)+) => {
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!($part), "\n"),+)));
    };
}

script!(ENQUEUE: "turns.lua" "append.lua" "enqueue.lua");
script!(ENQUEUE_FIRST: "turns.lua" "enqueue_first.lua");
script!(REBUILD: "turns.lua" "append.lua" "rebuild.lua");
script!(CLAIM: "turns.lua" "take.lua" "claim.lua");
script!(CLAIM_BOOK: "turns.lua" "take.lua" "claim_book.lua");
script!(FINISH: "finish.lua");
script!(RENEW: "renew.lua");
script!(GIVE_BACK: "turns.lua" "give_back.lua");
script!(PLACE: "turns.lua" "place.lua");
script!(SETTLE: "turns.lua" "settle.lua");
script!(UNLOCK: "unlock.lua");
script!(CLOCK: "clock.lua");
script!(STATUS: "status.lua");

static ALL: [&LazyLock<Script>; 13] = [
    &ENQUEUE,
    &ENQUEUE_FIRST,
    &REBUILD,
    &CLAIM,
    &CLAIM_BOOK,
    &FINISH,
    &RENEW,
    &GIVE_BACK,
    &PLACE,
    &SETTLE,
    &UNLOCK,
    &CLOCK,
    &STATUS,
];

/// A script with its keys and arguments.
pub(super) struct Call {
    script: &'static Script,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn new(script: &'static LazyLock<Script>) -> Self {
        Self { script, keys: Vec::new(), arguments: Vec::new() }
    }

    pub(super) fn key(&mut self, key: String) -> &mut Self {
        self.keys.push(key);
        self
    }

    pub(super) fn keys(&mut self, keys: impl IntoIterator<Item = String>) -> &mut Self {
        self.keys.extend(keys);
        self
    }

    pub(super) fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    /// The command that runs it, if Redis knows the script.
    pub(super) fn command(&self) -> Cmd {
        let mut command = cmd("EVALSHA");
        command.arg(self.script.get_hash()).arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            command.arg(argument);
        }
        command
    }

    /// Runs it, loading it first when Redis does not know it.
    pub(super) async fn invoke<T: FromRedisValue>(&self, link: &Link) -> RedisResult<T> {
        let command = self.command();
        let answer = command.query_async(&mut link.clone()).await;
        if !is_unknown(&answer) {
            return Ok(T::from_redis_value(answer?)?);
        }
        self.script.load_async(&mut link.clone()).await?;
        command.query_async(&mut link.clone()).await
    }
}

pub(super) fn is_unknown(answer: &RedisResult<Value>) -> bool {
    let no_script = ErrorKind::Server(ServerErrorKind::NoScript);
    answer.as_ref().is_err_and(|error| error.kind() == no_script)
}

pub(super) async fn load_all(link: &Link) -> RedisResult<()> {
    for script in ALL {
        script.load_async(&mut link.clone()).await?;
    }
    Ok(())
}
