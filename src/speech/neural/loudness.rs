//! Every sentence as loud as the others.

use ebur128::{EbuR128, Mode};

/// How loud speech is to be, in LUFS (ITU-R BS.1770). What podcasts and audiobooks in mono are made at.
const TARGET: f64 = -19.0;
/// Most that a sentence is raised or lowered, in dB: a whisper stays softer than a shout.
const MOST: f64 = 9.0;
/// The highest sample, of 1: -1 dB, so that what encoding adds does not overflow.
const PEAK: f32 = 0.89;

/// Levels the loudness of samples between -1 and 1.
pub fn level(samples: &mut [f32], sample_rate: u32) {
    let Some(loudness) = loudness(samples, sample_rate) else { return };
    let gain = 10_f64.powf((TARGET - loudness).clamp(-MOST, MOST) / 20.0) as f32;
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let gain = if peak * gain > PEAK { PEAK / peak } else { gain };
    samples.iter_mut().for_each(|sample| *sample *= gain);
}

/// The loudness in LUFS; `None` of silence.
fn loudness(samples: &[f32], sample_rate: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, sample_rate, Mode::I).ok()?;
    meter.add_frames_f32(samples).ok()?;
    // One block of measuring is 400 ms, and "No." is shorter: silence after it completes the block.
    let block = sample_rate as usize * 2 / 5;
    let missing = block.saturating_sub(samples.len());
    meter.add_frames_f32(&vec![0.0; missing]).ok()?;
    let loudness = meter.loudness_global().ok()?;
    // Silence brings the mean down by its share.
    let share = samples.len() as f64 / (samples.len() + missing) as f64;
    let loudness = loudness - 10.0 * share.log10();
    loudness.is_finite().then_some(loudness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hum(seconds: f32, amplitude: f32) -> Vec<f32> {
        let count = (seconds * 24_000.0) as usize;
        (0..count).map(|at| (at as f32 * 0.12).sin() * amplitude).collect()
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
        let mut click = vec![0.0; 24_000];
        click[5_000] = 0.5;
        level(&mut click, 24_000);
        assert!(click.iter().all(|sample| sample.abs() <= PEAK + 1e-3));
        let mut silence = vec![0.0; 10_000];
        level(&mut silence, 24_000);
        assert!(silence.iter().all(|sample| *sample == 0.0));
        level(&mut [], 24_000);
    }
}
