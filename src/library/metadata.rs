//! A book's metadata, read through Redis where there is one.

use app::model::{BookDetails, BookId};
use redis::{RedisResult, cmd};

use crate::redis::{Key, RedisConnection};

/// How long Redis remembers a book that does not change.
const EXPIRY_SECONDS: u64 = 86_400;

/// A book as Redis has it; without anybody's place in it.
pub(super) async fn get(link: &RedisConnection, id: &BookId) -> Option<BookDetails> {
    let key = link.name(&Key::Book(id.clone()));
    let value: Option<String> = cmd("GET").arg(key).query_async(&mut link.clone()).await.ok()?;
    serde_json::from_str(&value?).ok()
}

/// Has Redis remember a book. That it cannot is no matter.
pub(super) async fn set(link: &RedisConnection, id: &BookId, book: &BookDetails) {
    let Ok(value) = serde_json::to_string(book) else { return };
    let mut set = cmd("SET");
    set.arg(link.name(&Key::Book(id.clone()))).arg(value).arg("EX").arg(EXPIRY_SECONDS);
    let _: RedisResult<()> = set.query_async(&mut link.clone()).await;
}

/// Has Redis forget a book that was changed.
pub(super) async fn forget(link: &RedisConnection, id: &BookId) {
    let key = link.name(&Key::Book(id.clone()));
    let _: RedisResult<()> = cmd("DEL").arg(key).query_async(&mut link.clone()).await;
}
