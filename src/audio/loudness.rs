//! Every sentence as loud as the others.

use ebur128::{EbuR128, Mode};

/// How loud speech is to be, in LUFS (ITU-R BS.1770). What podcasts and audiobooks in mono are made at.
pub const TARGET: f64 = -19.0;
/// Most that a sentence is raised or lowered, in dB: a whisper stays softer than a shout.
const MOST: f64 = 9.0;
/// The highest sample, of 1: -1 dB, so that what encoding adds does not overflow.
const PEAK: f64 = 0.89;

/// Levels the loudness of samples.
pub fn level(samples: &mut [i16], sample_rate: u32) {
    let Some(loudness) = loudness(samples, sample_rate) else { return };
    let gain = 10_f64.powf((TARGET - loudness).clamp(-MOST, MOST) / 20.0);
    let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or_default();
    let highest = PEAK * f64::from(i16::MAX) / f64::from(peak.max(1));
    let gain = gain.min(highest);
    for sample in samples {
        *sample = (f64::from(*sample) * gain).round() as i16;
    }
}

/// The loudness in LUFS; `None` of silence.
pub fn loudness(samples: &[i16], sample_rate: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, sample_rate, Mode::I).ok()?;
    meter.add_frames_i16(samples).ok()?;
    // One block of measuring is 400 ms, and "No." is shorter: silence after it completes the block.
    let block = sample_rate as usize * 2 / 5;
    let missing = block.saturating_sub(samples.len());
    meter.add_frames_i16(&vec![0; missing]).ok()?;
    let loudness = meter.loudness_global().ok()?;
    // Silence brings the mean down by its share.
    let share = samples.len() as f64 / (samples.len() + missing) as f64;
    let loudness = loudness - 10.0 * share.log10();
    loudness.is_finite().then_some(loudness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hum(seconds: f32, amplitude: f32) -> Vec<i16> {
        let count = (seconds * 24_000.0) as usize;
        let sample = |at: usize| (at as f32 * 0.12).sin() * amplitude * f32::from(i16::MAX);
        (0..count).map(|at| sample(at) as i16).collect()
    }

    #[test]
    fn long_and_short_are_as_loud() {
        for seconds in [0.2, 1.0, 5.0] {
            for amplitude in [0.1, 0.3] {
                let mut samples = hum(seconds, amplitude);
                level(&mut samples, 24_000);
                let now = loudness(&samples, 24_000).unwrap();
                assert!((now - TARGET).abs() < 0.7, "{seconds} s of {amplitude}: {now}");
            }
        }
    }

    #[test]
    fn nothing_overflows_and_silence_stays() {
        let mut click = vec![0; 24_000];
        click[5_000] = i16::MIN;
        level(&mut click, 24_000);
        assert!(click.iter().all(|sample| f64::from(sample.unsigned_abs()) <= PEAK * 32_768.0));
        let mut silence = vec![0; 10_000];
        level(&mut silence, 24_000);
        assert!(silence.iter().all(|sample| *sample == 0));
        level(&mut [], 24_000);
    }
}
