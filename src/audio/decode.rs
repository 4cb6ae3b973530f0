//! From a clip back to samples, for programs that want no MP3.

use std::io::Cursor;

use bytes::Bytes;
use hound::{SampleFormat, WavSpec, WavWriter};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

use super::{AudioFormat, Clip, WordTiming, mp3};

/// The sample rate that programs take headerless samples to have (OpenAI's `pcm`).
const PCM_RATE: u32 = 24_000;

/// Samples that a frame of MP3 has at most (ISO 11172-3, 2.4.2.1).
const MAX_FRAME_SAMPLES: usize = 1152;

/// MP3 of one sample rate in another form; headerless samples are resampled. Says why when that cannot be.
pub fn decode(clip: &Bytes, wire: AudioFormat, sample_rate: u32) -> Result<Bytes, String> {
    match wire {
        AudioFormat::Mp3 => Ok(clip.clone()),
        AudioFormat::Pcm => {
            let mut decoded = samples(clip)?;
            if sample_rate != PCM_RATE {
                // LAME resamples well, and nothing else here does.
                let resampled = mp3::encode_at(&decoded, sample_rate, PCM_RATE);
                decoded = samples(&resampled.map_err(|error| error.to_string())?.bytes)?;
            }
            Ok(decoded.iter().flat_map(|sample| sample.to_le_bytes()).collect())
        }
        AudioFormat::Wav => wav(&samples(clip)?, sample_rate).map_err(|error| error.to_string()),
    }
}

/// The same clip at another sample rate, so that clips of different voices can follow each other in one
/// stream. Says why when that cannot be.
///
/// # Errors
/// When the clip cannot be decoded or encoded.
pub fn resample(clip: &Clip, sample_rate: u32) -> Result<Clip, String> {
    if clip.length.sample_rate == sample_rate {
        return Ok(clip.clone());
    }
    let samples = samples(&clip.bytes)?;
    let resampled = mp3::encode_at(&samples, clip.length.sample_rate, sample_rate);
    let mut resampled = resampled.map_err(|error| error.to_string())?;
    // Its words begin later by what the encoder puts before it once more.
    let later = (mp3::ENCODER_DELAY * 1000 / sample_rate.max(1) as usize) as u32;
    let moved = |mark: &WordTiming| WordTiming { start_ms: mark.start_ms + later, ..mark.clone() };
    resampled.marks = clip.marks.as_ref().map(|marks| marks.iter().map(moved).collect());
    Ok(resampled)
}

fn wav(samples: &[i16], sample_rate: u32) -> Result<Bytes, hound::Error> {
    let spec =
        WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::with_capacity(44 + samples.len() * 2));
    let mut writer = WavWriter::new(&mut bytes, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner().into())
}

/// The samples of an MP3 of one channel.
pub(super) fn samples(mp3: &Bytes) -> Result<Vec<i16>, String> {
    let mut all = Vec::new();
    each_packet(Box::new(Cursor::new(mp3.clone())), |samples| {
        all.extend_from_slice(samples);
        Ok(())
    })?;
    Ok(all)
}

/// Decodes an MP3 of one channel, and hands what each of its frames has to `take`, whose error ends it.
pub(super) fn each_packet(
    mp3: Box<dyn MediaSource>,
    mut take: impl FnMut(&[i16]) -> Result<(), String>,
) -> Result<(), String> {
    let broken = |error: Error| format!("cannot be decoded: {error}");
    let source = MediaSourceStream::new(mp3, Default::default());
    let mut hint = Hint::new();
    hint.with_extension("mp3");
    let (format, meta) = (FormatOptions::default(), MetadataOptions::default());
    let mut reader =
        symphonia::default::get_probe().probe(&hint, source, format, meta).map_err(broken)?;
    let track = reader.default_track(TrackType::Audio).ok_or("has no sound")?;
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters.ok_or("has no sound")?, &AudioDecoderOptions::default())
        .map_err(broken)?;
    let mut some = Vec::<i16>::new();
    while let Some(packet) = reader.next_packet().map_err(broken)? {
        match decoder.decode(&packet) {
            Ok(decoded) => {
                decoded.copy_to_vec_interleaved(&mut some);
                take(&some)?;
            }
            // The first frame of a clip may lean on one that is not there; it is silence, of one frame's length.
            Err(Error::DecodeError(_)) => {
                let length = usize::try_from(packet.dur.get()).unwrap_or(0).min(MAX_FRAME_SAMPLES);
                take(&vec![0; length])?;
            }
            Err(error) => return Err(broken(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_comes_back_as_long_as_it_is() {
        let tone: Vec<i16> = (0..24_000).map(|n| ((n % 100) - 50) * 200).collect();
        let clip = mp3::encode(&tone, 24_000).unwrap();
        let wav = decode(&clip.bytes, AudioFormat::Wav, 24_000).unwrap();
        let reader = hound::WavReader::new(&wav[..]).unwrap();
        assert_eq!(u64::from(reader.duration()), clip.length.samples);
        let pcm = decode(&clip.bytes, AudioFormat::Pcm, 24_000).unwrap();
        assert_eq!(pcm.len() as u64, clip.length.samples * 2);
        let loudest = pcm.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).max();
        assert!((8_000..14_000).contains(&loudest.unwrap()), "{loudest:?}");
        // Programs take headerless samples to be of one rate, whatever the voice's is.
        let clip = mp3::encode(&tone, 22_050).unwrap();
        let pcm = decode(&clip.bytes, AudioFormat::Pcm, 22_050).unwrap();
        let seconds = pcm.len() as f64 / 2.0 / 24_000.0;
        assert!((1.08..1.3).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_clip_at_another_rate_lasts_as_long() {
        let tone: Vec<i16> = (0..48_000).map(|n| ((n % 100) as i16 - 50) * 200).collect();
        let clip = mp3::encode(&tone, 24_000).unwrap();
        for rate in [16_000, 22_050, 44_100] {
            let resampled = resample(&clip, rate).unwrap();
            assert_eq!(resampled.length.sample_rate, rate);
            let seconds = resampled.length.samples as f64 / f64::from(rate);
            // Its own frames, and the encoder's delay a second time.
            assert!((2.0..2.4).contains(&seconds), "{rate}: {seconds}");
        }
    }
}
