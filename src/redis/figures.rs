//! What Redis says of itself, for operators.

use redis::{RedisResult, Value, cmd};
use serde::Serialize;

use super::RedisConnection;

/// How Redis is, by its own account; on a cluster, of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedisFigures {
    /// Whether it answers
    pub connected: bool,
    /// Keys it has
    pub db_size: u64,
    /// Memory it uses, in bytes
    pub memory_used: u64,
    /// Memory it may use, in bytes; 0 is without limit
    pub memory_limit: u64,
    /// Connections to it
    pub connections: u64,
    /// Commands it has run since its start
    pub commands: u64,
}

impl RedisConnection {
    /// Asks Redis how it is. Costs the same however much is in it.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn figures(&self) -> RedisResult<RedisFigures> {
        let answers = self.batch(vec![cmd("INFO"), cmd("DBSIZE")]).await?;
        let mut answers = answers.into_iter();
        let info = text(answers.next().unwrap_or(Ok(Value::Nil))?);
        let size = answers.next().unwrap_or(Ok(Value::Nil))?;
        let number = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        Ok(RedisFigures {
            connected: true,
            db_size: if let Value::Int(size) = size { size.unsigned_abs() } else { 0 },
            memory_used: number("used_memory"),
            memory_limit: number("maxmemory"),
            connections: number("connected_clients"),
            commands: number("total_commands_processed"),
        })
    }
}

/// A cluster answers with a map of its nodes.
fn text(info: Value) -> String {
    match info {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::VerbatimString { text, .. } => text,
        Value::Map(nodes) => nodes.into_iter().next().map_or_else(String::new, |node| text(node.1)),
        _ => String::new(),
    }
}
