//! From what the network says of each frame to samples.
//!
//! The network predicts a spectrum for each 12.5 ms in three parts: the harmonics of a pulse train at the
//! pitch, noise, and a part with a phase of its own. An inverse short-time Fourier transform of their sum
//! (1200 points, steps of 300, Hann windows, 24 kHz) is the voice. The form is that of hibari 0.2.1's host
//! side, which the model was trained with.

use std::f32::consts::PI;
use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use crate::speech::neural::network::SAMPLE_RATE;

/// Samples a frame.
const HOP: usize = 300;
/// Points of a transform.
const POINTS: usize = 1_200;
/// Frequencies that the network speaks of: those up to half the sample rate.
const BINS: usize = POINTS / 2 + 1;
/// Below this pitch, in Hz, a frame is unvoiced.
const LOWEST_PITCH: f32 = 40.0;
/// No harmonic lies above this, in Hz.
const HIGHEST_HARMONIC: f32 = 11_000.0;
/// Logarithms of magnitudes are cut here, as in training.
const MAX_LOG: f32 = 7.0;
/// Where the noise begins in each sentence: the same text gives the same samples.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// What the network says: five planes of `BINS` rows and a column a frame, and the pitch of each frame.
pub struct Spectrum {
    /// Logarithm of the harmonics' magnitude.
    pub harmonics: Vec<f32>,
    /// Their turn of phase, before the hyperbolic tangent that bounds it to half a circle.
    pub turn: Vec<f32>,
    /// Logarithm of the noise's magnitude.
    pub noise: Vec<f32>,
    /// Logarithm of the free part's magnitude.
    pub free: Vec<f32>,
    /// Its phase.
    pub phase: Vec<f32>,
    /// In Hz.
    pub pitch: Vec<f32>,
}

impl Spectrum {
    /// Whether every plane has as many columns as there are frames.
    fn is_whole(&self) -> bool {
        let size = BINS * self.pitch.len();
        [&self.harmonics, &self.turn, &self.noise, &self.free, &self.phase]
            .iter()
            .all(|plane| plane.len() == size)
    }
}

/// Turns spectra into samples.
pub struct Vocoder {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
}

impl Vocoder {
    /// Plans the transforms.
    pub fn new() -> Self {
        let mut planner = FftPlanner::new();
        let hann = |at: usize| 0.5 - 0.5 * (2.0 * PI * at as f32 / POINTS as f32).cos();
        Self {
            forward: planner.plan_fft_forward(POINTS),
            inverse: planner.plan_fft_inverse(POINTS),
            window: (0..POINTS).map(hann).collect(),
        }
    }

    /// The samples of a spectrum, [`HOP`] for each frame; none when it is not whole.
    pub fn samples(&self, spectrum: &Spectrum) -> Option<Vec<f32>> {
        let frames = spectrum.pitch.len();
        if frames == 0 || !spectrum.is_whole() {
            return None;
        }
        let pulses = pulses(&spectrum.pitch);
        let length = (frames - 1) * HOP + POINTS;
        let (mut sum, mut weight) = (vec![0.0_f32; length], vec![0.0_f32; length]);
        let mut frame = vec![Complex32::default(); POINTS];
        let scratch =
            self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len());
        let mut scratch = vec![Complex32::default(); scratch];
        let mut noise = Noise(SEED);
        for at in 0..frames {
            for (offset, (value, window)) in frame.iter_mut().zip(&self.window).enumerate() {
                let pulse = mirrored(&pulses, (at * HOP + offset) as isize - (POINTS / 2) as isize);
                // A pulse train of unit amplitude has unit magnitude in its bins.
                *value = Complex32::new(pulse * window / (POINTS as f32 / 4.0), 0.0);
            }
            self.forward.process_with_scratch(&mut frame, &mut scratch);
            for (bin, value) in frame[..BINS].iter_mut().enumerate() {
                *value = spectrum.at(bin, at, *value, noise.pair());
            }
            frame[0].im = 0.0;
            frame[BINS - 1].im = 0.0;
            for bin in 1..BINS - 1 {
                frame[POINTS - bin] = frame[bin].conj();
            }
            self.inverse.process_with_scratch(&mut frame, &mut scratch);
            for (offset, (value, window)) in frame.iter().zip(&self.window).enumerate() {
                sum[at * HOP + offset] += value.re / POINTS as f32 * window;
                weight[at * HOP + offset] += window * window;
            }
        }
        let samples = sum.iter().zip(&weight).map(|(sum, weight)| sum / weight.max(1e-11));
        // The first window is centred on the first sample.
        Some(samples.skip(POINTS / 2).take(frames * HOP).collect())
    }
}

impl Spectrum {
    fn at(&self, bin: usize, frame: usize, pulse: Complex32, noise: Complex32) -> Complex32 {
        let place = bin * self.pitch.len() + frame;
        let magnitude = |log: f32| log.min(MAX_LOG).exp();
        let harmonics =
            Complex32::from_polar(magnitude(self.harmonics[place]), PI * self.turn[place].tanh());
        let free = Complex32::from_polar(magnitude(self.free[place]), self.phase[place]);
        pulse * harmonics + noise * magnitude(self.noise[place]) + free
    }
}

/// A sample, mirrored at both ends.
fn mirrored(samples: &[f32], at: isize) -> f32 {
    let length = samples.len() as isize;
    let at = if at < 0 {
        -at
    } else if at >= length {
        2 * length - 2 - at
    } else {
        at
    };
    samples[at.clamp(0, length - 1) as usize]
}

/// A pulse train at the pitch: every harmonic at unit amplitude, the sum of which is
/// `sin((H + 1/2) t) / (2 sin(t / 2)) - 1/2`. Unvoiced frames are silent.
fn pulses(pitch: &[f32]) -> Vec<f32> {
    let last = pitch.len() - 1;
    let mut phase = 0.0_f64;
    let mut samples = Vec::with_capacity(pitch.len() * HOP);
    for frame in 0..pitch.len() {
        for at in 0..HOP {
            // The pitch of a frame is that of its middle; in between it is interpolated.
            let (before, after, share) = if at < HOP / 2 {
                let share = (at as f32 + 0.5) / HOP as f32 + 0.5;
                (pitch[frame.saturating_sub(1)], pitch[frame], share)
            } else {
                let share = (at as f32 + 0.5) / HOP as f32 - 0.5;
                (pitch[frame], pitch[(frame + 1).min(last)], share)
            };
            let hz = before * (1.0 - share) + after * share;
            let is_voiced = hz > LOWEST_PITCH;
            let hz = hz.max(LOWEST_PITCH);
            phase = (phase + f64::from(hz) / f64::from(SAMPLE_RATE)).fract();
            let turn = (phase * std::f64::consts::TAU) as f32;
            let harmonics = (HIGHEST_HARMONIC / hz).floor() + 0.5;
            let divisor = 2.0 * (turn * 0.5).sin();
            // The limit of the quotient where both are nought.
            let sum =
                if divisor.abs() <= 2e-3 { harmonics } else { (harmonics * turn).sin() / divisor };
            samples.push(if is_voiced { sum - 0.5 } else { 0.0 });
        }
    }
    samples
}

/// Normally distributed numbers, always the same: xorshift (Marsaglia 2003) and Box-Muller.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 40) as f32 + 0.5) / (1_u64 << 24) as f32
    }

    fn pair(&mut self) -> Complex32 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        Complex32::from_polar(radius, 2.0 * PI * self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(frames: usize, pitch: f32, harmonics: f32, noise: f32) -> Spectrum {
        let plane = |value| vec![value; BINS * frames];
        Spectrum {
            harmonics: plane(harmonics),
            turn: plane(0.0),
            noise: plane(noise),
            free: plane(-30.0),
            phase: plane(0.0),
            pitch: vec![pitch; frames],
        }
    }

    #[test]
    fn a_steady_pitch_is_heard_as_such() {
        let samples = Vocoder::new().samples(&flat(80, 200.0, 0.0, -30.0)).unwrap();
        assert_eq!(samples.len(), 80 * HOP);
        // 200 Hz repeats every 120 samples.
        let middle = &samples[40 * HOP..60 * HOP];
        let alike = |shift: usize| {
            middle.iter().zip(&middle[shift..]).map(|(one, other)| one * other).sum::<f32>()
        };
        let power = alike(0);
        assert!(alike(120) > 0.9 * power * (middle.len() - 120) as f32 / middle.len() as f32);
        assert!(alike(60) < 0.3 * power);
    }

    #[test]
    fn what_has_no_pitch_is_noise_and_always_the_same() {
        let spectrum = flat(20, 0.0, 0.0, -3.0);
        let samples = Vocoder::new().samples(&spectrum).unwrap();
        assert!(samples.iter().any(|sample| sample.abs() > 1e-4));
        assert!(samples.iter().all(|sample| sample.is_finite()));
        assert_eq!(Vocoder::new().samples(&spectrum).unwrap(), samples);
    }

    #[test]
    fn a_spectrum_with_parts_missing_is_refused() {
        let mut spectrum = flat(20, 0.0, 0.0, -3.0);
        spectrum.noise.pop();
        assert!(Vocoder::new().samples(&spectrum).is_none());
        assert!(Vocoder::new().samples(&flat(0, 0.0, 0.0, 0.0)).is_none());
    }
}
