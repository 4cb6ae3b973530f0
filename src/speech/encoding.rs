//! From what an engine returned to the clip that is kept: trimmed, as loud as every other, encoded, and refused when
//! it cannot be a reading of the text.

use std::time::Duration;

use super::VoiceError;
use super::background::compute;
use crate::audio::{self, Clip, Pcm, TimedWord, WordTiming, loudness};

/// Length of the clip for a text that an engine passes over: about a third of a second.
const UNSPOKEN_SAMPLES: usize = 7_000;

/// No voice says more characters a second; the quickest reader of news says 25. What is shorter was cut
/// off.
const MAX_CHARS_PER_SECOND: f64 = 60.0;
/// No voice takes longer for a character, which may be a digit that stands for three words, besides
/// [`GRACE`]. What is longer is no reading of the text.
const MAX_SECONDS_PER_CHAR: f64 = 1.0;
/// What any sentence may take besides.
const GRACE: Duration = Duration::from_secs(4);

/// What a service returned for a text, as a clip: refused when it cannot be a reading of it.
pub(super) async fn encode_checked(
    engine: &str,
    text: &str,
    speed: f64,
    pcm: Pcm,
    words: Option<Vec<TimedWord>>,
) -> Result<Clip, VoiceError> {
    let no_audio =
        |reason: String| VoiceError::NoAudio { program: engine.to_owned().into(), reason };
    // Hiss alone is silence, before it is made louder.
    let is_silent = pcm.sounding().is_none();
    let pcm = levelled(pcm).await.map_err(no_audio)?;
    let range = pcm.sounding().filter(|_| !is_silent);
    let range = range.ok_or_else(|| no_audio("it is silence".to_owned()))?;
    let lead = range.start as i64 - audio::ENCODER_DELAY as i64;
    let samples = pcm.samples[range].to_vec();
    let mut clip = encode_samples(samples, pcm.sample_rate).await.map_err(no_audio)?;
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
        let mark = |timed: TimedWord| WordTiming {
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
    let is_silent = pcm.sounding().is_none();
    let pcm = levelled(pcm).await.map_err(no_audio)?;
    let samples = match pcm.sounding().filter(|_| !is_silent) {
        Some(range) => pcm.samples[range].to_vec(),
        None => vec![0; UNSPOKEN_SAMPLES],
    };
    encode_samples(samples, sample_rate).await.map_err(no_audio)
}

/// The same as loud as every other, before it is told what of it is silence: a soft voice begins softly.
async fn levelled(mut pcm: Pcm) -> Result<Pcm, String> {
    compute(move || {
        loudness::level(&mut pcm.samples, pcm.sample_rate);
        pcm
    })
    .await
}

/// Encoding is a few milliseconds of pure computation.
async fn encode_samples(samples: Vec<i16>, sample_rate: u32) -> Result<Clip, String> {
    let encoded = compute(move || audio::encode(&samples, sample_rate)).await?;
    encoded.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::audio::{AudioFormat, read};

    fn tone(seconds: f64) -> Vec<u8> {
        let samples = (seconds * 24_000.0) as usize;
        (0..samples).flat_map(|n| (((n % 50) as i16 - 25) * 400).to_le_bytes()).collect()
    }

    async fn clip(text: &str, seconds: f64) -> Result<Clip, VoiceError> {
        let sound = read(tone(seconds).into(), AudioFormat::Pcm, 24_000).unwrap();
        encode_checked("test", text, 1.0, sound, None).await
    }

    #[tokio::test]
    async fn a_clip_must_be_as_long_as_a_reading_is() {
        let text = "It was a bright cold day in April, and the clocks were striking thirteen.";
        assert!(clip(text, 4.5).await.is_ok());
        assert!(clip(text, 0.4).await.unwrap_err().in_full().contains("cannot be all"));
        assert!(clip("Yes.", 60.0).await.unwrap_err().in_full().contains("too long"));
        let silence = read(Bytes::from(vec![0; 48_000]), AudioFormat::Pcm, 24_000).unwrap();
        assert!(encode_checked("test", "Yes.", 1.0, silence, None).await.is_err());
        let hiss = (0..24_000_u32).map(|n| (n.wrapping_mul(7919) % 60) as i16);
        let hiss: Vec<u8> = hiss.flat_map(i16::to_le_bytes).collect();
        let hiss = read(hiss.into(), AudioFormat::Pcm, 24_000).unwrap();
        assert!(encode_checked("test", "Yes.", 1.0, hiss, None).await.is_err());
    }

    #[tokio::test]
    async fn clips_are_as_loud_as_each_other_however_they_came() {
        let loud = tone(2.0);
        let soft = loud
            .chunks(2)
            .flat_map(|pair| (i16::from_le_bytes([pair[0], pair[1]]) / 3).to_le_bytes());
        let soft: Vec<u8> = soft.collect();
        let samples: Vec<i16> =
            soft.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        let mp3 = audio::encode(&samples, 24_000).unwrap().bytes;
        for (answer, wire) in [
            (loud.into(), AudioFormat::Pcm),
            (soft.into(), AudioFormat::Pcm),
            (mp3, AudioFormat::Mp3),
        ] {
            let pcm = read(answer, wire, 24_000).unwrap();
            let clip = encode_checked("test", "One, two, three.", 1.0, pcm, None).await.unwrap();
            let samples = read(clip.bytes, AudioFormat::Mp3, 24_000).unwrap().samples;
            let told = loudness::loudness(&samples, 24_000).unwrap();
            assert!((told - loudness::TARGET).abs() < 1.0, "{wire:?}: {told}");
        }
    }

    #[tokio::test]
    async fn words_move_with_what_is_trimmed() {
        let lead = vec![0; 24_000]; // half a second
        let sound = read([lead, tone(1.0)].concat().into(), AudioFormat::Pcm, 24_000).unwrap();
        let words = vec![
            TimedWord { word: "one".to_owned(), seconds: 0.5 },
            TimedWord { word: "two".to_owned(), seconds: 1.0 },
        ];
        let clip = encode_checked("test", "one two", 1.0, sound, Some(words)).await.unwrap();
        let starts: Vec<_> = clip.marks.unwrap().iter().map(|mark| mark.start_ms).collect();
        // 15 ms are kept before the first sound, and LAME adds 46.
        assert!(starts[0].abs_diff(61) <= 2 && starts[1].abs_diff(561) <= 2, "{starts:?}");
    }
}
