//! Redis, where one is configured: what several servers and workers share.
//!
//! [`keys`] is every key we use and nothing else knows their form; [`connection`] is the connection, its
//! health, and how both come back by themselves; [`script`] runs scripts and [`lock`] holds locks. What is
//! kept under the keys is the business of the modules that use them.

pub mod connection;
pub mod figures;
pub mod keys;
pub mod lock;
pub mod script;

pub use connection::{RedisConfig, RedisConnection, RedisHealth};
pub use figures::RedisFigures;
pub use keys::{Class, Key, Keys, Pool};
pub use lock::Lock;
