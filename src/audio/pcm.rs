//! Samples between the engine and the encoder: reading WAV, trimming silence.

use std::io::Cursor;
use std::ops::Range;

use hound::{SampleFormat, WavReader};

/// Quieter than this is silence: −52 dB of full scale, above the noise of every engine tried.
const SILENCE_LEVEL: u16 = 80;
/// Kept before the first sound and after the last, so that no consonant is clipped.
const EDGE_MS: u32 = 15;

/// Mono samples.
#[derive(Debug, PartialEq, Eq)]
pub struct Pcm {
    /// Signed 16-bit samples.
    pub samples: Vec<i16>,
    /// Samples a second.
    pub sample_rate: u32,
}

impl Pcm {
    /// Reads a mono 16-bit WAV. `espeak-ng --stdout` writes the header before it knows the length;
    /// lengths past the end of the bytes are taken to mean "all of it".
    pub fn from_wav(mut bytes: Vec<u8>) -> Result<Self, String> {
        fix_wav_sizes(&mut bytes);
        let reader = WavReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
        let spec = reader.spec();
        if spec.channels != 1
            || spec.bits_per_sample != 16
            || spec.sample_format != SampleFormat::Int
        {
            return Err(format!(
                "{} channels of {} bits where mono of 16 bits was expected",
                spec.channels, spec.bits_per_sample
            ));
        }
        let samples = reader
            .into_samples::<i16>()
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        Ok(Self { samples, sample_rate: spec.sample_rate })
    }

    /// Reads headerless 16-bit samples, lowest byte first.
    pub fn from_raw(bytes: &[u8], sample_rate: u32) -> Result<Self, String> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("it ends in the middle of a sample".to_owned());
        }
        Ok(Self {
            samples: pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect(),
            sample_rate,
        })
    }

    /// The range without the silence at both ends; `None` when there is nothing else.
    pub fn sounding(&self) -> Option<Range<usize>> {
        let is_sound = |sample: &i16| sample.unsigned_abs() > SILENCE_LEVEL;
        let first = self.samples.iter().position(is_sound)?;
        let last = self.samples.iter().rposition(is_sound)?;
        let edge = (self.sample_rate * EDGE_MS / 1000) as usize;
        Some(first.saturating_sub(edge)..(last + edge + 1).min(self.samples.len()))
    }
}

/// Writes true lengths into the RIFF and data headers.
fn fix_wav_sizes(bytes: &mut [u8]) {
    let length = bytes.len();
    let mut write = |at: usize, value: usize| {
        if let (Some(field), Ok(value)) = (bytes.get_mut(at..at + 4), u32::try_from(value)) {
            field.copy_from_slice(&value.to_le_bytes());
        }
    };
    let Some(total) = length.checked_sub(8) else { return };
    write(4, total);
    let mut at = 12;
    while let Some(header) = bytes.get(at..at + 8) {
        let declared = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        if &header[..4] == b"data" {
            let present = length - at - 8;
            // 0 stands for “not known yet” as well.
            if declared > present || declared == 0 {
                // Whole samples only.
                let size = (present & !1) as u32;
                bytes[at + 4..at + 8].copy_from_slice(&size.to_le_bytes());
            }
            return;
        }
        at = at.saturating_add(8).saturating_add(declared);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wav(samples: &[i16]) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 22_050,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_header_without_the_length_is_read_to_the_end() {
        let mut bytes = wav(&[1, 2, 3]);
        bytes[40..44].copy_from_slice(&0x7fff_f000_u32.to_le_bytes());
        assert_eq!(Pcm::from_wav(bytes).unwrap().samples, [1, 2, 3]);
    }

    #[test]
    fn silence_is_trimmed_to_the_edge() {
        let mut samples = vec![0; 5_000];
        samples.extend([9_000; 100]);
        samples.extend([0; 5_000]);
        let pcm = Pcm { samples, sample_rate: 22_050 };
        let edge = 22_050 * EDGE_MS as usize / 1000;
        assert_eq!(pcm.sounding().unwrap().len(), 100 + 2 * edge);
        assert!(Pcm { samples: vec![5; 900], sample_rate: 22_050 }.sounding().is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), as_wav: bool) {
            if as_wav {
                let mut whole = wav(&[1, 2, 3, 4]);
                whole.truncate(44);
                whole.append(&mut bytes);
                bytes = whole;
            }
            let _ = Pcm::from_wav(bytes);
        }
    }
}
