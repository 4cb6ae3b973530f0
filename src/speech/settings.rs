//! What a person says of an engine that is not found by itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use app::model::{Budget, Voice};
use app::preferences::MAX_INSTRUCTIONS_CHARS;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::addresses::is_forbidden_host;
use super::{Engine, VoiceError, registry};
use crate::audio::AudioFormat;
use crate::text::hash::hex;

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 40;
/// Longest address, command, model or voice, in characters.
const MAX_TEXT_CHARS: usize = 500;
/// Bytes of a hash that tell one manner of speaking from another in keys.
const MANNER_BYTES: usize = 8;
/// Voices that one engine may have.
const MAX_VOICES: usize = 2_000;
/// Longest time that an engine may be given for a sentence, in seconds.
const MAX_SECONDS: u16 = 600;
/// Sample rates that MP3 has and that are worth listening to (ISO 11172-3, 13818-3).
const SAMPLE_RATES: [u32; 6] = [16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// A kind of engine that a person can configure: what its makers offer, and how it is built. Each is defined
/// in the file of its engine and listed in [`registry::KINDS`].
pub struct Kind {
    /// Its name in forms and in the database.
    pub name: &'static str,
    /// What a person knows it by.
    pub label: &'static str,
    /// Where it is reached.
    pub reached_by: ReachedBy,
    /// Where its makers serve it.
    pub default_url: &'static str,
    /// The model it is asked for unless another is named.
    pub default_model: &'static str,
    /// Samples a second of what it returns.
    pub default_rate: u32,
    /// The form in which it is asked for sound.
    pub default_format: AudioFormat,
    /// Whether it sounds better when it is told what is said around a sentence.
    pub takes_context: bool,
    /// Whether it can be told how to speak.
    pub takes_instructions: bool,
    /// Whether it can say when each word begins.
    pub times_words: bool,
    /// The language of a voice by its name; [`MANY_LANGUAGES`](super::MANY_LANGUAGES) when the name does not say.
    pub language_of: fn(&str) -> &str,
    /// Makes the engine of settings that have been checked, and of its key.
    pub build: Build,
}

/// Makes an engine of its settings and its key.
pub type Build = fn(EngineSettings, Option<String>) -> Result<Arc<dyn Engine>, VoiceError>;

/// Where an engine is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachedBy {
    /// An HTTP address.
    Address,
    /// A command line; such an engine speaks on this machine's processors.
    CommandLine,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

fn read_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Kind, D::Error> {
    let name = String::deserialize(deserializer)?;
    registry::kind(&name).ok_or_else(|| D::Error::custom(format!("no kind of engine is “{name}”")))
}

/// How long an engine may take for a sentence, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLimits {
    /// Until the first byte of its answer.
    pub first_byte: u16,
    /// For all of it.
    pub total: u16,
}

impl Default for TimeLimits {
    /// A minute is twice what the slowest service takes for a long sentence (measured: 33 s).
    fn default() -> Self {
        Self { first_byte: 60, total: 120 }
    }
}

impl TimeLimits {
    /// For all of an answer.
    pub fn total(self) -> Duration {
        Duration::from_secs(self.total.into())
    }
}

/// An engine as a person has configured it. What changes the sound is part of the keys of its clips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineSettings {
    /// What it is called: in voice ids, keys and figures.
    pub name: String,
    /// What it speaks.
    #[serde(deserialize_with = "read_kind")]
    pub kind: &'static Kind,
    /// Where it is; of a program, its command line, in which `{voice}` stands for the voice and `{speed}` for the speed.
    pub url: String,
    /// The model it is asked for.
    pub model: String,
    /// Its voices.
    pub voices: Vec<Voice>,
    /// The form in which it is asked for sound.
    pub wire: AudioFormat,
    /// Samples a second of what it returns.
    pub sample_rate: u32,
    /// Its own rate; 1 is its default.
    pub speed: f64,
    /// What a million characters cost.
    pub price: f64,
    /// Requests at once, of all servers and workers together.
    pub concurrency: u16,
    /// Tell it what is said before and after. It speaks better, and a sentence costs once for each
    /// neighbourhood it stands in.
    pub context: bool,
    /// Ask it when each word begins: ElevenLabs, and Kokoro-FastAPI.
    pub words: bool,
    /// How it is asked to speak, in words (OpenAI): “like a calm storyteller”.
    #[serde(default)]
    pub instructions: String,
    /// How long it may take.
    #[serde(default)]
    pub time_limits: TimeLimits,
    /// How much it may speak.
    #[serde(default)]
    pub budget: Budget,
}

/// What is wrong with an engine's settings.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidSettings {
    /// The name.
    #[error("A name has 1 to {MAX_NAME_CHARS} lower-case letters, digits and hyphens.")]
    Name,
    /// Another engine's name.
    #[error("The name “{0}” belongs to an engine that is found by itself.")]
    Taken(String),
    /// The address.
    #[error(
        "“{0}” is no address of a service: it begins with http:// or https://, and has no name, key or question mark in it."
    )]
    Url(String),
    /// The command line.
    #[error("“{0}” is no command line.")]
    Command(String),
    /// Something is too long.
    #[error("An address, a model and a voice have at most {MAX_TEXT_CHARS} characters.")]
    TooLong,
    /// The manner of speaking is told at too great a length.
    #[error("How it is to speak is told in at most {MAX_INSTRUCTIONS_CHARS} characters.")]
    Instructions,
    /// No voice, or too many.
    #[error("An engine has 1 to {MAX_VOICES} voices. This one did not list any: name them.")]
    Voices,
    /// The sample rate.
    #[error("The sample rate must be one of 16000, 22050, 24000, 32000, 44100 and 48000.")]
    SampleRate,
    /// The engine's own rate.
    #[error("The speed must be between 0.25 and 4.")]
    Speed,
    /// The price.
    #[error("The price must be between 0 and 100000.")]
    Price,
    /// The number of requests at once.
    #[error("Between 1 and 256 requests can be made at once.")]
    Concurrency,
    /// The time it may take.
    #[error(
        "An engine may take 1 to {MAX_SECONDS} seconds, and for its first byte no longer than in all."
    )]
    TimeLimits,
    /// The budget.
    #[error("A budget in money must be a number from 0 to 1000000000.")]
    Budget,
}

impl EngineSettings {
    /// An engine of a kind as its makers serve it, without voices.
    pub fn new(name: &str, kind: &'static Kind) -> Self {
        Self {
            name: name.trim().to_owned(),
            kind,
            url: kind.default_url.to_owned(),
            model: kind.default_model.to_owned(),
            voices: Vec::new(),
            wire: kind.default_format,
            sample_rate: kind.default_rate,
            speed: 1.0,
            price: 0.0,
            concurrency: 4,
            context: false,
            words: false,
            instructions: String::new(),
            time_limits: TimeLimits::default(),
            budget: Budget::default(),
        }
    }

    /// A voice as a person names it: by its name there, and after a space its language.
    pub fn voice(&self, spec: &str) -> Voice {
        match spec.trim().split_once(char::is_whitespace) {
            Some((voice, language)) => self.speaking(voice, voice, language.trim()),
            None => self.listed(spec.trim(), None),
        }
    }

    /// A voice as the engine lists it: by its name there, and what it is called.
    pub(super) fn listed(&self, voice: &str, called: Option<&str>) -> Voice {
        self.speaking(voice, called.unwrap_or(voice), (self.kind.language_of)(voice))
    }

    fn speaking(&self, voice: &str, called: &str, language: &str) -> Voice {
        Voice {
            id: format!("{}:{voice}", self.name),
            name: called.to_owned(),
            language: language.to_owned(),
            engine: self.name.clone(),
        }
    }

    /// An address of the service.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    /// What to say when an answer is no sound.
    pub(super) fn no_audio(&self, reason: String) -> VoiceError {
        VoiceError::NoAudio { program: self.name.clone().into(), reason }
    }

    /// Reads an answer that should be JSON.
    pub(super) fn read_json<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, VoiceError> {
        serde_json::from_slice(answer).map_err(|error| self.no_audio(error.to_string()))
    }

    /// The format of its clips, as it stands in keys: with the sample rate and the manner of speaking, which a
    /// person can change.
    pub fn format(&self) -> String {
        let format = if self.wire == AudioFormat::Mp3 { "mp3" } else { super::FORMAT };
        let format = format!("{format}-{}", self.sample_rate);
        if self.instructions.is_empty() || !self.kind.takes_instructions {
            return format;
        }
        let manner = &Sha256::digest(&self.instructions)[..MANNER_BYTES];
        format!("{format}-asked-{}", hex(manner))
    }

    /// Looks for what cannot be.
    pub fn check(&self) -> Result<(), InvalidSettings> {
        let Self { name, kind, url, model, voices, sample_rate, speed, price, concurrency, .. } =
            self;
        let Self { time_limits, budget, instructions, .. } = self;
        let is_plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-');
        if !(1..=MAX_NAME_CHARS).contains(&name.len()) || !name.chars().all(is_plain) {
            return Err(InvalidSettings::Name);
        }
        if registry::is_reserved(name) {
            return Err(InvalidSettings::Taken(name.clone()));
        }
        if instructions.chars().count() > MAX_INSTRUCTIONS_CHARS {
            return Err(InvalidSettings::Instructions);
        }
        let texts = voices.iter().flat_map(|voice| [&voice.id, &voice.name, &voice.language]);
        if texts.chain([url, model]).any(|text| text.chars().count() > MAX_TEXT_CHARS) {
            return Err(InvalidSettings::TooLong);
        }
        let is_address = reqwest::Url::parse(url).is_ok_and(|url| is_service(&url));
        let is_command = || shell_words::split(url).is_ok_and(|words| !words.is_empty());
        match kind.reached_by {
            ReachedBy::CommandLine if !is_command() => {
                return Err(InvalidSettings::Command(url.clone()));
            }
            ReachedBy::Address if !is_address => return Err(InvalidSettings::Url(url.clone())),
            _ => {}
        }
        if !(1..=MAX_VOICES).contains(&voices.len()) {
            return Err(InvalidSettings::Voices);
        }
        if !SAMPLE_RATES.contains(sample_rate) {
            return Err(InvalidSettings::SampleRate);
        }
        if !(0.25..=4.0).contains(speed) {
            return Err(InvalidSettings::Speed);
        }
        if !(0.0..=100_000.0).contains(price) {
            return Err(InvalidSettings::Price);
        }
        if !(1..=256).contains(concurrency) {
            return Err(InvalidSettings::Concurrency);
        }
        let TimeLimits { first_byte, total } = *time_limits;
        if !(1..=MAX_SECONDS).contains(&total) || !(1..=total).contains(&first_byte) {
            return Err(InvalidSettings::TimeLimits);
        }
        let is_money = |money: f64| (0.0..=1e9).contains(&money);
        if ![budget.money_a_day, budget.money_a_month].into_iter().all(is_money) {
            return Err(InvalidSettings::Budget);
        }
        Ok(())
    }
}

/// Whether a speech service may be there. What is asked for is appended to the address, so it must end with
/// its path; and a key does not belong into it, for it is shown.
fn is_service(url: &reqwest::Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !is_forbidden_host(host))
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::{command, openai, piper};
    use super::*;

    fn settings() -> EngineSettings {
        let mut settings = EngineSettings::new("kokoro", &openai::KIND);
        settings.voices = vec![settings.voice("af_heart"), settings.voice("cloned de")];
        settings
    }

    #[test]
    fn a_voice_has_a_language() {
        let languages = settings().voices.into_iter().map(|voice| (voice.id, voice.language));
        let expected = [("kokoro:af_heart", "en-us"), ("kokoro:cloned", "de")];
        assert!(languages.eq(expected.map(|(id, language)| (id.to_owned(), language.to_owned()))));
        let piper = EngineSettings::new("p", &piper::KIND);
        assert_eq!(piper.voice("de_DE-thorsten-high").language, "de");
        assert_eq!(piper.voice("custom").language, "mul");
    }

    #[test]
    fn another_manner_of_speaking_is_another_sound() {
        let asked = |instructions: &str| EngineSettings {
            instructions: instructions.to_owned(),
            ..settings()
        };
        assert_eq!(asked("").format(), settings().format());
        assert_ne!(asked("Whisper.").format(), settings().format());
        assert_ne!(asked("Whisper.").format(), asked("Shout.").format());
        assert!(!asked("Whisper.").format().contains("-at-"), "{}", asked("Whisper.").format());
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert_eq!(settings().check(), Ok(()));
        let wrong = |change: fn(&mut EngineSettings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().unwrap_err()
        };
        assert_eq!(wrong(|it| it.name = "My Engine".to_owned()), InvalidSettings::Name);
        assert!(matches!(wrong(|it| it.name = "flite".to_owned()), InvalidSettings::Taken(_)));
        assert!(matches!(
            wrong(|it| it.url = "file:///etc/passwd".to_owned()),
            InvalidSettings::Url(_)
        ));
        for url in
            ["https://user:key@host", "http://host/x?", "http://host/#x", "http://169.254.169.254"]
        {
            let settings = EngineSettings { url: url.to_owned(), ..settings() };
            assert!(matches!(settings.check(), Err(InvalidSettings::Url(_))), "{url}");
        }
        assert_eq!(wrong(|it| it.voices.clear()), InvalidSettings::Voices);
        assert_eq!(wrong(|it| it.sample_rate = 8_000), InvalidSettings::SampleRate);
        assert_eq!(wrong(|it| it.instructions = "x".repeat(1_001)), InvalidSettings::Instructions);
        assert_eq!(wrong(|it| it.speed = f64::NAN), InvalidSettings::Speed);
        assert_eq!(wrong(|it| it.price = -1.0), InvalidSettings::Price);
        assert_eq!(wrong(|it| it.concurrency = 0), InvalidSettings::Concurrency);
        assert_eq!(wrong(|it| it.time_limits.first_byte = 121), InvalidSettings::TimeLimits);
        assert_eq!(wrong(|it| it.budget.money_a_day = f64::NAN), InvalidSettings::Budget);
        let unclosed = wrong(|it| (it.kind, it.url) = (&command::KIND, "piper 'x".to_owned()));
        assert!(matches!(unclosed, InvalidSettings::Command(_)));
    }
}
