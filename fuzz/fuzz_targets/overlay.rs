//! A sound that a book brings, of which a part is heard.
#![no_main]

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use earmark::audio::SoundReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, u16, &[u8])| {
    let (begin, length, bytes) = input;
    let file = Cursor::new(bytes.to_vec());
    let Ok(mut reader) = SoundReader::open(file, bytes.len() as u64, Arc::default()) else {
        return;
    };
    let begin = Duration::from_millis(begin.into());
    let most = Duration::from_secs(60);
    let _ = reader.cut(begin, Some(begin + Duration::from_millis(length.into())), most);
    let _ = reader.cut(Duration::ZERO, None, most);
});
