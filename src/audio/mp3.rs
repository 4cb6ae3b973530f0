//! MP3 as the stream needs it: mono, constant bit rate, no Xing frame, so that clips follow each
//! other byte for byte and their durations are counted, not guessed.
//!
//! LAME puts 1,105 samples of silence before the first sound of every clip and fills the last
//! frame; both are in the frame count, and so in every duration here.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mp3lame_encoder::{
    Bitrate, BuildError, Builder, EncodeError, Encoder, FlushGap, Mode, MonoPcm, Quality, VbrMode,
    max_required_buffer_size,
};
use thiserror::Error;

use super::{Clip, ClipLength};

/// Samples of silence that LAME puts before the first sound.
pub const ENCODER_DELAY: usize = 1105;
/// What LAME may write when it is flushed, in bytes (`lame.h`).
const MAX_FLUSH_BYTES: usize = 7200;

/// The encoder refused its input.
#[derive(Debug, Error)]
pub enum Mp3Error {
    /// Sample rate or bit rate are not MP3's.
    #[error("the encoder cannot be set up: {0}")]
    Build(BuildError),
    /// Samples were not accepted.
    #[error("the encoder failed: {0}")]
    Encode(EncodeError),
    /// The encoder's own output is not whole frames.
    #[error("the encoder returned broken frames")]
    Broken,
}

/// Encodes mono samples.
///
/// # Errors
/// When the encoder does not take them.
pub fn encode(samples: &[i16], sample_rate: u32) -> Result<Clip, Mp3Error> {
    encode_at(samples, sample_rate, sample_rate)
}

/// Encodes mono samples at another sample rate; LAME resamples them.
///
/// # Errors
/// When the encoder does not take them.
pub fn encode_at(samples: &[i16], from_rate: u32, to_rate: u32) -> Result<Clip, Mp3Error> {
    let mut encoder = encoder(from_rate, to_rate).map_err(Mp3Error::Build)?;
    let mut output = Vec::with_capacity(max_required_buffer_size(samples.len()));
    encoder.encode_to_vec(MonoPcm(samples), &mut output).map_err(Mp3Error::Encode)?;
    // `FlushGap` pads the last frame; without it the tail of the sentence is cut.
    output.reserve(MAX_FLUSH_BYTES);
    encoder.flush_to_vec::<FlushGap>(&mut output).map_err(Mp3Error::Encode)?;
    // What LAME might have written is several times what it wrote.
    Clip::from_mp3(output.into_boxed_slice().into()).ok_or(Mp3Error::Broken)
}

fn encoder(from_rate: u32, to_rate: u32) -> Result<Encoder, BuildError> {
    let Some(builder) = Builder::new() else {
        return Err(BuildError::NoMem);
    };
    builder
        .with_num_channels(1)?
        .with_sample_rate(from_rate)?
        .with_output_sample_rate(std::num::NonZeroU32::new(to_rate))?
        .with_mode(Mode::Mono)?
        .with_brate(Bitrate::Kbps48)?
        .with_vbr_mode(VbrMode::Off)?
        .with_quality(Quality::Good)?
        .with_to_write_vbr_tag(false)?
        .build()
}

/// The frames of an engine's own MP3: without its tags, and without the frame that describes a file and has no sound.
/// Says what is wrong when they are not whole frames of one channel and this rate.
pub fn from_engine(bytes: &Bytes, sample_rate: u32) -> Result<Bytes, String> {
    let sound = without_tags(bytes);
    let first = Frame::parse(&sound).ok_or("it is no MP3")?;
    if first.sample_rate != sample_rate {
        return Err(format!(
            "{} samples a second, where {sample_rate} were expected",
            first.sample_rate
        ));
    }
    if !first.is_mono {
        return Err("it is stereo".to_owned());
    }
    let is_description = [&b"Xing"[..], b"Info", b"VBRI"].iter().any(|name| {
        let head = &sound[..first.bytes.min(sound.len()).min(64)];
        head.windows(4).any(|four| four == *name)
    });
    let sound = if is_description { sound.slice(first.bytes.min(sound.len())..) } else { sound };
    match measure(&sound) {
        Some(_) => Ok(sound),
        None => Err("its last frame is not whole".to_owned()),
    }
}

/// Cuts ID3v2 tags from the beginning and an ID3v1 tag from the end.
fn without_tags(bytes: &Bytes) -> Bytes {
    let mut sound = bytes.clone();
    while let (true, Some(size)) = (sound.starts_with(b"ID3"), sound.get(6..10)) {
        let size = size.iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
        sound = sound.slice((10 + size).min(sound.len())..);
    }
    match sound.len().checked_sub(128) {
        Some(at) if sound[at..].starts_with(b"TAG") => sound.slice(..at),
        _ => sound,
    }
}

/// Counts the frames of an MP3. `None` unless it is whole Layer III frames of one sample rate.
pub fn measure(bytes: &[u8]) -> Option<ClipLength> {
    let mut rest = bytes;
    let mut samples = 0;
    let mut sample_rate = None;
    while !rest.is_empty() {
        let frame = Frame::parse(rest)?;
        if *sample_rate.get_or_insert(frame.sample_rate) != frame.sample_rate {
            return None;
        }
        rest = rest.get(frame.bytes..)?;
        samples += u64::from(frame.samples);
    }
    Some(ClipLength { bytes: bytes.len() as u64, samples, sample_rate: sample_rate? })
}

struct Frame {
    bytes: usize,
    samples: u32,
    sample_rate: u32,
    is_mono: bool,
}

impl Frame {
    /// Reads a frame header (ISO 11172-3, 2.4.1.3, and ISO 13818-3 for the lower sample rates).
    fn parse(header: &[u8]) -> Option<Self> {
        const BITRATES_1: [u32; 14] =
            [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
        const BITRATES_2: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
        const SAMPLE_RATES: [u32; 3] = [44_100, 48_000, 32_000];
        let [sync, kind, rates, channels] = *header.first_chunk()?;
        let is_layer_3 = kind & 0b0110 == 0b0010;
        if sync != 0xff || kind & 0xe0 != 0xe0 || !is_layer_3 {
            return None;
        }
        let (bitrates, samples, divisor) = match kind >> 3 & 0b11 {
            0b11 => (BITRATES_1, 1152, 1),
            0b10 => (BITRATES_2, 576, 2),
            0b00 => (BITRATES_2, 576, 4),
            _ => return None,
        };
        let bitrate = bitrates.get(usize::from(rates >> 4).checked_sub(1)?)? * 1000;
        let sample_rate = SAMPLE_RATES.get(usize::from(rates >> 2 & 0b11))? / divisor;
        let padding = u32::from(rates >> 1 & 1);
        let bytes = (samples / 8 * bitrate / sample_rate + padding) as usize;
        Some(Self { bytes, samples, sample_rate, is_mono: channels >> 6 == 0b11 })
    }
}

/// Silence as whole frames, for pauses and for sentences that are not spoken.
pub struct Silence;

impl Silence {
    /// Silence of about `duration`, to the nearest whole frame; `None` when that is none.
    pub fn of(duration: Duration, sample_rate: u32) -> Option<Clip> {
        type Cache = Mutex<HashMap<(Duration, u32), Option<Clip>>>;
        static MADE: LazyLock<Cache> = LazyLock::new(Cache::default);
        // A std mutex: encoding takes a millisecond and happens once for each pause there is.
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry((duration, sample_rate))
            .or_insert_with(|| silence(duration, sample_rate))
            .clone()
    }
}

fn silence(duration: Duration, sample_rate: u32) -> Option<Clip> {
    let wanted = duration.as_millis() as u64 * u64::from(sample_rate) / 1000;
    let long = encode(&vec![0; wanted as usize + 2 * 1152], sample_rate).ok()?;
    let frame_samples = u64::from(Frame::parse(&long.bytes)?.samples);
    let frames = (wanted + frame_samples / 2) / frame_samples;
    let mut end = 0;
    for _ in 0..frames {
        end += Frame::parse(&long.bytes[end..])?.bytes;
    }
    // A frame may draw on bytes of the ones before it, never of those after: the cut is clean.
    let bytes: Bytes = long.bytes.slice(..end);
    Clip::from_mp3(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tone(samples: usize, sample_rate: u32) -> Vec<i16> {
        let step = 440.0 * std::f64::consts::TAU / f64::from(sample_rate);
        (0..samples).map(|n| ((n as f64 * step).sin() * 12_000.0) as i16).collect()
    }

    #[test]
    fn frames_cover_the_samples_and_the_delay() {
        for rate in [16_000, 22_050, 24_000, 44_100] {
            let clip = encode(&tone(rate as usize, rate), rate).unwrap();
            let samples = clip.length.samples;
            assert_eq!(clip.length.sample_rate, rate);
            assert!(samples >= u64::from(rate) + 1105, "{rate}: {samples}");
            assert!(samples <= u64::from(rate) + 1105 + 3 * 1152, "{rate}: {samples}");
        }
    }

    #[test]
    fn clips_follow_each_other() {
        let one = encode(&tone(9_000, 22_050), 22_050).unwrap();
        let pause = Silence::of(Duration::from_millis(400), 22_050).unwrap();
        let joined = [&one.bytes[..], &pause.bytes, &one.bytes].concat();
        let length = measure(&joined).unwrap();
        assert_eq!(length, one.length.then(pause.length).then(one.length));
    }

    #[test]
    fn silence_is_as_long_as_asked_to_a_frame() {
        for ms in [120, 400, 1500] {
            let silence = Silence::of(Duration::from_millis(ms), 22_050).unwrap();
            let wanted = ms * 22_050 / 1000;
            assert!(silence.length.samples.abs_diff(wanted) <= 288, "{ms}");
        }
        assert!(Silence::of(Duration::ZERO, 22_050).is_none());
    }

    #[test]
    fn only_whole_frames_are_a_clip() {
        let clip = encode(&tone(5_000, 16_000), 16_000).unwrap();
        assert!(measure(&clip.bytes[..clip.bytes.len() - 1]).is_none());
        assert!(measure(&clip.bytes[1..]).is_none());
        assert!(measure(b"").is_none());
        assert!(measure(b"<html>an error page</html>").is_none());
    }

    #[test]
    fn an_engines_own_mp3_is_taken_without_its_tags() {
        let clip = encode(&tone(9_000, 24_000), 24_000).unwrap();
        let tagged = [&b"ID3\x04\0\0\0\0\0\x05hello"[..], &clip.bytes, b"TAG", &[0; 125]].concat();
        assert_eq!(from_engine(&tagged.into(), 24_000).unwrap(), clip.bytes);
        assert!(from_engine(&clip.bytes, 22_050).unwrap_err().contains("24000"));
        assert!(from_engine(&clip.bytes.slice(..clip.bytes.len() - 3), 24_000).is_err());
        assert!(from_engine(&Bytes::from_static(b"<html>"), 24_000).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_adopted_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let tagged = [&b"ID3"[..], &bytes].concat();
            let _ = (from_engine(&bytes.into(), 24_000), from_engine(&tagged.into(), 24_000));
        }

        #[test]
        fn any_bytes_are_measured_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = measure(&bytes);
        }
    }
}
