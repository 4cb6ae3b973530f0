//! The name of a key in Redis: what is read of it would be written so.
#![no_main]

use earmark::redis::Keys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|name: &str| {
    let keys = Keys::new("");
    if let Some(key) = keys.parse(name) {
        assert_eq!(keys.name(&key), name);
    }
});
