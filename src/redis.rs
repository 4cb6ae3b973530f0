//! Redis, where one is configured: what several servers and workers share.
//!
//! [`keys`] is every key we use and nothing else knows their form; [`link`] is the connection, its
//! health, and how both come back by themselves. What is kept under the keys is the business of
//! the modules that use them.

pub mod keys;
pub mod link;

pub use keys::{Key, Keys};
pub use link::{Link, LinkHealth, RedisConfig};
