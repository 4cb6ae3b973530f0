//! The rooms of `src` and the arrows between them, as ARCHITECTURE.md draws them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// From the top down: a room may use those below it, and none above.
const ROOMS: [&str; 20] = [
    "main",
    "lib",
    "backup",
    "doctor",
    "http",
    "stores",
    "config",
    "backend",
    "error",
    "jobs",
    "narration",
    "queue",
    "clips",
    "speech",
    "accounts",
    "dictionaries",
    "library",
    "audio",
    "redis",
    "text",
];

/// Those that any room may use and that use none.
const TOOLS: [&str; 2] = ["children", "time"];

/// The rooms that each room names.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows = BTreeMap::<String, BTreeSet<String>>::new();
    visit(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |path, text| {
        let inside = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        let named = text.match_indices("crate::").map(|(at, _)| {
            let rest = &text[at + "crate::".len()..];
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        });
        let others = named.filter(|name| *name != room && !name.is_empty());
        arrows.entry(room.clone()).or_default().extend(others);
    });
    arrows
}

fn visit(folder: &Path, see: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, see);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            see(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn arrows_go_down() {
    let rank = |room: &str| ROOMS.iter().position(|known| *known == room);
    for (room, others) in arrows() {
        if TOOLS.contains(&room.as_str()) {
            assert!(others.is_empty(), "{room} uses {others:?}");
            continue;
        }
        let own = rank(&room).unwrap_or_else(|| panic!("{room} is in no drawing"));
        for other in others {
            // Macros of this crate and types at its root.
            if TOOLS.contains(&other.as_str()) || rank(&other).is_none() {
                continue;
            }
            assert!(own < rank(&other).unwrap(), "{room} uses {other}, which is above it");
        }
    }
}

/// Where errors are that a person may be told on a page. What begins with a small letter is for the log.
const TOLD: [&str; 9] = [
    "src/accounts.rs",
    "src/jobs.rs",
    "src/library.rs",
    "src/library/import.rs",
    "src/narration.rs",
    "src/queue.rs",
    "src/speech/engines.rs",
    "src/speech/settings.rs",
    "src/text/pronunciation.rs",
];

#[test]
fn what_a_person_may_be_told_is_said_in_every_language() {
    let place = regex::Regex::new(r"\{[^}]*\}").unwrap();
    let attribute = regex::Regex::new(r#"#\[error\(\s*"((?:[^"\\]|\\.)*)""#).unwrap();
    let mut count = 0;
    for file in TOLD {
        let source = std::fs::read_to_string(file).unwrap();
        for found in attribute.captures_iter(&source) {
            let text = place.replace_all(&found[1], "{}").into_owned();
            // Another error, or what an engine says; the queue's words are the store's own.
            let is_told = text.starts_with(|first: char| first.is_uppercase() || first == '“');
            if !is_told || text == "The queue is out of reach: {}" {
                continue;
            }
            count += 1;
            for tag in ["es", "de"] {
                let said = app::words::error_in(tag, text.clone());
                assert_ne!(said, text, "{file}: app/src/words/errors.rs has no words for this");
            }
        }
    }
    assert!(count > 60, "{count}");
}
