//! Sound as bytes: MP3, samples, WAV, and when words are spoken. Knows of no engine and does no I/O.

pub mod aac;
mod alignment;
mod clip;
mod cut;
pub mod decode;
mod format;
pub mod loudness;
pub mod m4b;
mod mp3;
pub mod pcm;
mod received;
mod tags;

pub use alignment::{TimedWord, WordTiming, align};
pub use clip::{Clip, ClipLength};
pub use cut::{Cut, SoundReader};
pub use decode::{decode, resample};
pub use format::AudioFormat;
pub use mp3::{ENCODER_DELAY, Mp3Error, Silence, encode, encode_at};
pub use pcm::Pcm;
pub use received::{excerpt, read};
pub use tags::{TagError, Tags};
