//! A file that somebody offers as a book: read and composed, or refused.
#![no_main]

use earmark::library::{chapters, import};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((_, manuscript)) = import::read(bytes, "book") {
        chapters::compose(&manuscript, "0123456789abcdef");
    }
});
