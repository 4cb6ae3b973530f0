//! What an engine returned, judged by its bytes: what it says of them counts for nothing. Piper's
//! server sends WAV as `text/html`, and others send an error page with status 200.

use bytes::Bytes;

use super::pcm::Pcm;
use super::{AudioFormat, decode, mp3};

/// Samples of an answer in MP3: ten minutes at 48 kHz.
const MAX_SAMPLES: u64 = 600 * 48_000;

/// Reads an answer that should be sound. Says what it is instead when it is not.
pub fn read(bytes: Bytes, wire: AudioFormat, sample_rate: u32) -> Result<Pcm, String> {
    if bytes.is_empty() {
        return Err("the answer is empty".to_owned());
    }
    // Samples may begin with any byte, but are hardly ever all text.
    if let Ok(text) = std::str::from_utf8(&bytes) {
        match text.trim_start().chars().next() {
            Some('<') => return Err("the answer is a web page".to_owned()),
            Some('{' | '[') => return Err(format!("the answer is JSON: {}", excerpt(&bytes))),
            _ => {}
        }
    }
    let pcm = match wire {
        AudioFormat::Mp3 => {
            let frames = mp3::from_engine(&bytes, sample_rate)?;
            // A few kilobytes of MP3 can be hours.
            let samples = mp3::measure(&frames).map_or(0, |length| length.samples);
            if samples > MAX_SAMPLES {
                return Err("it is longer than any sentence".to_owned());
            }
            Pcm { samples: decode::samples(&frames)?, sample_rate }
        }
        // Some say PCM and send WAV.
        _ if bytes.starts_with(b"RIFF") => {
            if is_cut_off(&bytes) {
                return Err("the WAV breaks off".to_owned());
            }
            Pcm::from_wav(bytes.into())?
        }
        AudioFormat::Wav => return Err("the answer is no WAV".to_owned()),
        AudioFormat::Pcm => Pcm::from_raw(&bytes, sample_rate)?,
    };
    if pcm.sample_rate != sample_rate {
        let rate = pcm.sample_rate;
        return Err(format!("{rate} samples a second, where {sample_rate} were expected"));
    }
    Ok(pcm)
}

/// Whether a WAV says that it is longer than it is. Who writes the header before the length is known
/// says 0 or something close to 2 GB or 4 GB.
fn is_cut_off(wav: &[u8]) -> bool {
    let mut at = 12;
    while let Some(header) = wav.get(at..at + 8) {
        let declared = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        if &header[..4] == b"data" {
            let present = (wav.len() - at - 8) as u64;
            return declared < 0x7fff_0000 && u64::from(declared) > present;
        }
        at = at.saturating_add(8).saturating_add(declared as usize);
    }
    false
}

/// The beginning of a text, for a message.
pub fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_sound_is_named() {
        let reason =
            |bytes: &'static [u8], wire| read(Bytes::from_static(bytes), wire, 24_000).unwrap_err();
        assert!(reason(b"", AudioFormat::Pcm).contains("empty"));
        assert!(reason(b"  <!doctype html><p>Error", AudioFormat::Pcm).contains("web page"));
        assert!(reason(br#"{"error":"no"}"#, AudioFormat::Mp3).contains(r#"{"error":"no"}"#));
        assert!(reason(b"abc", AudioFormat::Pcm).contains("middle"));
        assert!(reason(b"abcd", AudioFormat::Wav).contains("no WAV"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), wave: bool) {
            let bytes = if wave { [&b"RIFF\0\0\0\0WAVEfmt "[..], &bytes].concat() } else { bytes };
            for wire in [AudioFormat::Wav, AudioFormat::Pcm, AudioFormat::Mp3] {
                let _ = read(bytes.clone().into(), wire, 24_000);
            }
        }
    }
}
