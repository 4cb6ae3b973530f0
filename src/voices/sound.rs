//! What an engine returned, judged by its bytes: what it says of them counts for nothing. Piper's
//! server sends WAV as `text/html`, and others send an error page with status 200.

use std::time::Duration;

use bytes::Bytes;

use super::alignment::{Mark, Timed};
use super::pcm::Pcm;
use super::{Clip, VoiceError, Wire, mp3};

/// Length of the clip for a text that an engine passes over: about a third of a second.
const UNSPOKEN_SAMPLES: usize = 7_000;

/// Samples of silence that LAME puts before the first sound.
const ENCODER_DELAY: usize = 1105;

/// No voice says more characters a second; the quickest reader of news says 25. What is shorter was cut
/// off.
const MAX_CHARS_PER_SECOND: f64 = 60.0;
/// No voice takes longer for a character, which may be a digit that stands for three words, besides
/// [`GRACE`]. What is longer is no reading of the text.
const MAX_SECONDS_PER_CHAR: f64 = 1.0;
/// What any sentence may take besides.
const GRACE: Duration = Duration::from_secs(4);

/// Sound as it came.
#[derive(Debug)]
pub enum Sound {
    /// Samples, to be encoded.
    Pcm(Pcm),
    /// A clip that is used as it is.
    Mp3(Clip),
}

/// Reads an answer that should be sound. Says what it is instead when it is not.
pub fn read(bytes: Bytes, wire: Wire, sample_rate: u32) -> Result<Sound, String> {
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
        Wire::Mp3 => return Ok(Sound::Mp3(mp3::adopt(&bytes, sample_rate)?)),
        // Some say PCM and send WAV.
        _ if bytes.starts_with(b"RIFF") => {
            if is_cut_off(&bytes) {
                return Err("the WAV breaks off".to_owned());
            }
            Pcm::from_wav(bytes.into())?
        }
        Wire::Wav => return Err("the answer is no WAV".to_owned()),
        Wire::Pcm => Pcm::from_raw(&bytes, sample_rate)?,
    };
    if pcm.sample_rate != sample_rate {
        let rate = pcm.sample_rate;
        return Err(format!("{rate} samples a second, where {sample_rate} were expected"));
    }
    Ok(Sound::Pcm(pcm))
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
pub(super) fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(200)
        .collect()
}

/// What a service returned for a text, as a clip: refused when it cannot be a reading of it.
pub(super) async fn finish(
    engine: &str,
    text: &str,
    speed: f64,
    sound: Sound,
    words: Option<Vec<Timed>>,
) -> Result<Clip, VoiceError> {
    let no_audio =
        |reason: String| VoiceError::NoAudio { program: engine.to_owned().into(), reason };
    let (mut clip, lead) = match sound {
        Sound::Mp3(clip) => (clip, 0),
        Sound::Pcm(pcm) => {
            let range = pcm.sounding().ok_or_else(|| no_audio("it is silence".to_owned()))?;
            let lead = range.start as i64 - ENCODER_DELAY as i64;
            let rate = pcm.sample_rate;
            let samples = pcm.samples[range].to_vec();
            (encode_samples(samples, rate).await.map_err(no_audio)?, lead)
        }
    };
    let rate = f64::from(clip.length.sample_rate.max(1));
    let seconds = clip.length.samples as f64 / rate;
    let chars = text.chars().count() as f64;
    if seconds * MAX_CHARS_PER_SECOND * speed.max(1.0) < chars {
        return Err(no_audio(format!("{seconds:.1} seconds cannot be all of {chars} characters")));
    }
    if seconds > chars * MAX_SECONDS_PER_CHAR / speed.min(1.0) + GRACE.as_secs_f64() {
        return Err(no_audio(format!("{seconds:.1} seconds are too long for {chars} characters")));
    }
    clip.marks = words.map(|words| {
        let last = (seconds * 1000.0) as u32;
        let shift = lead as f64 / rate;
        let mark = |timed: Timed| Mark {
            word: timed.word,
            start_ms: ((timed.seconds - shift).max(0.0) * 1000.0).round().min(f64::from(last))
                as u32,
        };
        words.into_iter().map(mark).collect()
    });
    Ok(clip)
}

/// What a program returned, as a clip. A sound WAV without sound is one: the engine has no words for
/// this text (a lone sign, another script), and an error would end the book here for good.
pub(super) async fn encode(
    program: &str,
    sample_rate: u32,
    pcm: Result<Pcm, String>,
) -> Result<Clip, VoiceError> {
    let no_audio =
        |reason: String| VoiceError::NoAudio { program: program.to_owned().into(), reason };
    let pcm = pcm.map_err(no_audio)?;
    if pcm.sample_rate != sample_rate {
        return Err(no_audio(format!("{} samples a second", pcm.sample_rate)));
    }
    let samples = match pcm.sounding() {
        Some(range) => pcm.samples[range].to_vec(),
        None => vec![0; UNSPOKEN_SAMPLES],
    };
    encode_samples(samples, sample_rate).await.map_err(no_audio)
}

/// Encoding is a few milliseconds of pure computation.
async fn encode_samples(samples: Vec<i16>, sample_rate: u32) -> Result<Clip, String> {
    let encoded = tokio::task::spawn_blocking(move || mp3::encode(&samples, sample_rate)).await;
    encoded.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tone(seconds: f64) -> Vec<u8> {
        let samples = (seconds * 24_000.0) as usize;
        (0..samples).flat_map(|n| (((n % 50) as i16 - 25) * 400).to_le_bytes()).collect()
    }

    async fn clip(text: &str, seconds: f64) -> Result<Clip, VoiceError> {
        let sound = read(tone(seconds).into(), Wire::Pcm, 24_000).unwrap();
        finish("test", text, 1.0, sound, None).await
    }

    #[test]
    fn what_is_no_sound_is_named() {
        let reason =
            |bytes: &'static [u8], wire| read(Bytes::from_static(bytes), wire, 24_000).unwrap_err();
        assert!(reason(b"", Wire::Pcm).contains("empty"));
        assert!(reason(b"  <!doctype html><p>Error", Wire::Pcm).contains("web page"));
        assert!(reason(br#"{"error":"no"}"#, Wire::Mp3).contains(r#"{"error":"no"}"#));
        assert!(reason(b"abc", Wire::Pcm).contains("middle"));
        assert!(reason(b"abcd", Wire::Wav).contains("no WAV"));
    }

    #[tokio::test]
    async fn a_clip_must_be_as_long_as_a_reading_is() {
        let text = "It was a bright cold day in April, and the clocks were striking thirteen.";
        assert!(clip(text, 4.5).await.is_ok());
        assert!(clip(text, 0.4).await.unwrap_err().to_string().contains("cannot be all"));
        assert!(clip("Yes.", 60.0).await.unwrap_err().to_string().contains("too long"));
        let silence = read(Bytes::from(vec![0; 48_000]), Wire::Pcm, 24_000).unwrap();
        assert!(finish("test", "Yes.", 1.0, silence, None).await.is_err());
    }

    #[tokio::test]
    async fn words_move_with_what_is_trimmed() {
        let lead = vec![0; 24_000]; // half a second
        let sound = read([lead, tone(1.0)].concat().into(), Wire::Pcm, 24_000).unwrap();
        let words = vec![
            Timed { word: "one".to_owned(), seconds: 0.5 },
            Timed { word: "two".to_owned(), seconds: 1.0 },
        ];
        let clip = finish("test", "one two", 1.0, sound, Some(words)).await.unwrap();
        let starts: Vec<_> = clip.marks.unwrap().iter().map(|mark| mark.start_ms).collect();
        // 15 ms are kept before the first sound, and LAME adds 46.
        assert!(starts[0].abs_diff(61) <= 2 && starts[1].abs_diff(561) <= 2, "{starts:?}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), wave: bool) {
            let bytes = if wave { [&b"RIFF\0\0\0\0WAVEfmt "[..], &bytes].concat() } else { bytes };
            for wire in [Wire::Wav, Wire::Pcm, Wire::Mp3] {
                let _ = read(bytes.clone().into(), wire, 24_000);
            }
        }
    }
}
