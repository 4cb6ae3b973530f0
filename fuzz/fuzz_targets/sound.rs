//! What a speech service answers: sound, or a reason why it is none.
#![no_main]

use bytes::Bytes;
use earmark::audio::{AudioFormat, Clip, decode, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let bytes = Bytes::copy_from_slice(bytes);
    for wire in [AudioFormat::Wav, AudioFormat::Pcm, AudioFormat::Mp3] {
        let _ = read(bytes.clone(), wire, 24_000);
    }
    if let Some(clip) = Clip::from_mp3(bytes) {
        let _ = decode(&clip.bytes, AudioFormat::Wav, clip.length.sample_rate);
    }
});
