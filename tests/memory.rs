//! A server's memory is what its settings say: the clip cache, and a constant besides.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod common;

use common::fleet::Fleet;
use common::standin::{KEY, StandIn};
use futures::StreamExt;

/// The clip cache, in MB.
const CACHE_MB: u64 = 16;
/// What a server takes besides, in MB, when it has planned and played a chapter of 10,000 sentences, without the pages
/// of the program itself, of which the debug build that tests run has many (measured: 54, and 76 of those).
const BESIDES_MB: u64 = 80;
const SENTENCES: usize = 10_000;

fn resident_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_played_ten_thousand_clips_keeps_to_its_cache() {
    let standin = StandIn::start().await;
    let cache = CACHE_MB.to_string();
    let fleet = Fleet::start_with("", 0, "0", &["--cache-mb", &cache, "--limit-per-minute", "0"]);
    let form = [
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", standin.url.as_str()),
        ("key", KEY),
        ("voices", "af_heart"),
        ("concurrency", "32"),
    ];
    let added = fleet.client.post(fleet.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(added.status(), 201);
    let text: String = (0..SENTENCES).map(|n| format!("<p>Line {n} is short.</p>")).collect();
    let book = fleet.import("long.epub", common::epub("Long", &[("One", &text)])).await;
    // Three and a half hours of sound, to its end.
    let path = format!("/listen/{book}/1.mp3?voice=stand-in:af_heart&to=chapter");
    let mut sound = fleet.client.get(fleet.url(&path)).send().await.unwrap().bytes_stream();
    let mut bytes = 0;
    while let Some(piece) = sound.next().await {
        bytes += piece.unwrap().len();
    }
    assert!(bytes > 3600 * 48_000 / 8, "more than an hour: {bytes} bytes");
    let resident = resident_mb(fleet.server.id());
    eprintln!("{resident} MB resident with a cache of {CACHE_MB} MB, after {bytes} bytes of sound");
    assert!(resident <= CACHE_MB + BESIDES_MB, "{resident} MB");
    let health = fleet.json("/health").await;
    let cache =
        health["bounds"].as_array().unwrap().iter().find(|bound| bound["name"] == "clipCacheBytes");
    assert!(cache.unwrap()["used"].as_u64().unwrap() <= CACHE_MB << 20, "{health}");
}
