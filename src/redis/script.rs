//! Scripts: called by their hash, and loaded when Redis does not know them.

use redis::{
    Cmd, ErrorKind, FromRedisValue, RedisResult, Script, ServerErrorKind, ToRedisArgs, Value, cmd,
};

use super::RedisConnection;

/// A script with its keys and arguments.
pub struct Call {
    script: &'static Script,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    /// A call without keys and arguments.
    pub fn new(script: &'static Script) -> Self {
        Self { script, keys: Vec::new(), arguments: Vec::new() }
    }

    /// Adds a key.
    pub fn key(&mut self, key: String) -> &mut Self {
        self.keys.push(key);
        self
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    /// The command that runs it, if Redis knows the script.
    pub fn command(&self) -> Cmd {
        let mut command = cmd("EVALSHA");
        command.arg(self.script.get_hash()).arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            command.arg(argument);
        }
        command
    }

    /// Runs it, loading it first when Redis does not know it.
    ///
    /// # Errors
    /// When Redis does not answer, or refuses.
    pub async fn invoke<T: FromRedisValue>(&self, redis: &RedisConnection) -> RedisResult<T> {
        let command = self.command();
        let answer = command.query_async(&mut redis.clone()).await;
        if !is_unknown(&answer) {
            return Ok(T::from_redis_value(answer?)?);
        }
        self.script.load_async(&mut redis.clone()).await?;
        command.query_async(&mut redis.clone()).await
    }
}

/// Whether Redis does not know a script that it was asked to run.
pub fn is_unknown(answer: &RedisResult<Value>) -> bool {
    let no_script = ErrorKind::Server(ServerErrorKind::NoScript);
    answer.as_ref().is_err_and(|error| error.kind() == no_script)
}
