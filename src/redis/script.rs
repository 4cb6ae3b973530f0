//! Scripts: called by their hash, and loaded when Redis does not know them.

use redis::{
    Cmd, ErrorKind, FromRedisValue, RedisResult, Script, ServerErrorKind, ToRedisArgs, Value, cmd,
};

use super::RedisConnection;

/// A call of a script: its keys first, then its arguments.
pub struct Call {
    script: &'static Script,
    keys: Vec<String>,
    command: Cmd,
    is_begun: bool,
}

impl Call {
    /// A call without keys and arguments.
    pub fn new(script: &'static Script) -> Self {
        Self { script, keys: Vec::new(), command: cmd("EVALSHA"), is_begun: false }
    }

    /// Adds a key; all of them come before the arguments.
    pub fn key(&mut self, key: String) -> &mut Self {
        debug_assert!(!self.is_begun, "keys come first");
        self.keys.push(key);
        self
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        self.begin();
        self.command.arg(argument);
        self
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.is_begun, true) {
            self.command.arg(self.script.get_hash()).arg(self.keys.len()).arg(&self.keys);
        }
    }

    /// The command that runs it, if Redis knows the script.
    pub fn command(mut self) -> Cmd {
        self.begin();
        self.command
    }

    /// Runs it, loading it first when Redis does not know it.
    ///
    /// # Errors
    /// When Redis does not answer, or refuses.
    pub async fn invoke<T: FromRedisValue>(self, redis: &RedisConnection) -> RedisResult<T> {
        let script = self.script;
        let command = self.command();
        let answer: RedisResult<Value> = command.query_async(&mut redis.clone()).await;
        if !is_unknown(&answer) {
            return Ok(T::from_redis_value(answer?)?);
        }
        script.load_async(&mut redis.clone()).await?;
        command.query_async(&mut redis.clone()).await
    }
}

/// Whether Redis does not know a script that it was asked to run.
pub fn is_unknown<T>(answer: &RedisResult<T>) -> bool {
    let no_script = ErrorKind::Server(ServerErrorKind::NoScript);
    answer.as_ref().is_err_and(|error| error.kind() == no_script)
}
