//! A dictionary that somebody put into the folder: whatever its files hold, a word is looked up or it is refused.
#![no_main]

use std::fs;

use earmark::dictionaries::Dictionaries;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// What is said of the dictionary, what follows the first word of its index, and its entries, packed or not.
type Parts<'a> = (&'a [u8], &'a [u8], &'a [u8], bool);

fuzz_target!(|parts: Parts<'_>| {
    let (info, index, entries, is_packed) = parts;
    let Ok(folder) = TempDir::new() else { return };
    let files = [
        ("a.ifo", [b"StarDict's dict ifo file\n", info].concat()),
        ("a.idx", [b"word\0\0\0\0\0\0\0\x01\0", index].concat()),
        (if is_packed { "a.dict.dz" } else { "a.dict" }, entries.to_vec()),
    ];
    for (name, content) in files {
        if fs::write(folder.path().join(name), content).is_err() {
            return;
        }
    }
    for entry in Dictionaries::find(folder.path()).look_up("words", "en") {
        assert!(!entry.html.to_lowercase().contains("<script"));
    }
});
