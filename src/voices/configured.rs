//! An engine that a person has configured: what its settings say of it, and the language it speaks.

use app::model::Voice;
use async_trait::async_trait;
use bytes::Bytes;

use super::alignment::Timed;
use super::command::Command;
use super::elevenlabs::ElevenLabs;
use super::openai::OpenAi;
use super::piper::Piper;
use super::service::Service;
use super::settings::{EngineSettings, Kind};
use super::{Clip, Engine, Utterance, VoiceError, sound};
use crate::redis::Link;

pub(super) struct Configured {
    settings: EngineSettings,
    format: String,
    has_key: bool,
    speaker: Speaker,
}

enum Speaker {
    OpenAi(OpenAi),
    ElevenLabs(ElevenLabs),
    Piper(Piper),
    Command(Command),
}

/// What a service answers with.
pub(super) struct Answer {
    pub(super) audio: Bytes,
    /// When words begin, if it says so.
    pub(super) words: Option<Vec<Timed>>,
}

impl Answer {
    pub(super) fn of(audio: Bytes) -> Self {
        Self { audio, words: None }
    }
}

impl Configured {
    /// An engine of settings that have been checked; its turns are shared through `link`.
    pub(super) fn new(
        settings: EngineSettings,
        key: Option<String>,
        link: Option<Link>,
    ) -> Result<Self, VoiceError> {
        let has_key = key.is_some();
        let service = || Service::new(&settings, key.clone(), link);
        let speaker = match settings.kind {
            Kind::Openai => Speaker::OpenAi(OpenAi { service: service()? }),
            Kind::Elevenlabs => Speaker::ElevenLabs(ElevenLabs { service: service()? }),
            Kind::Piper => Speaker::Piper(Piper { service: service()? }),
            Kind::Command => Speaker::Command(Command::new(&settings)),
        };
        Ok(Self { format: settings.format(), settings, has_key, speaker })
    }

    /// The voices it has by its own account; a program has none.
    pub(super) async fn list(&self) -> Result<Vec<Voice>, VoiceError> {
        match &self.speaker {
            Speaker::OpenAi(service) => service.list(&self.settings).await,
            Speaker::ElevenLabs(service) => service.list(&self.settings).await,
            Speaker::Piper(service) => service.list(&self.settings).await,
            Speaker::Command(_) => Ok(Vec::new()),
        }
    }
}

#[async_trait]
impl Engine for Configured {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn model(&self) -> &str {
        &self.settings.model
    }

    fn speed(&self) -> f64 {
        self.settings.speed
    }

    fn format(&self) -> &str {
        &self.format
    }

    fn voices(&self) -> &[Voice] {
        &self.settings.voices
    }

    fn sample_rate(&self) -> u32 {
        self.settings.sample_rate
    }

    fn wants_context(&self) -> bool {
        self.settings.context && self.settings.kind == Kind::Elevenlabs
    }

    fn marks_words(&self) -> bool {
        self.settings.words && matches!(self.settings.kind, Kind::Elevenlabs | Kind::Openai)
    }

    fn price(&self) -> f64 {
        self.settings.price
    }

    fn is_free(&self) -> bool {
        !self.has_key && self.settings.price <= 0.0
    }

    fn is_local(&self) -> bool {
        matches!(self.speaker, Speaker::Command(_))
    }

    fn remote_turns(&self) -> usize {
        if self.is_local() { 0 } else { usize::from(self.settings.concurrency) }
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let settings = &self.settings;
        let Answer { audio, words } = match &self.speaker {
            Speaker::OpenAi(service) => service.speak(settings, utterance).await?,
            Speaker::ElevenLabs(service) => service.speak(settings, utterance).await?,
            Speaker::Piper(service) => service.speak(settings, utterance).await?,
            Speaker::Command(program) => return program.speak(settings, utterance).await,
        };
        let sound = sound::read(audio, settings.wire, settings.sample_rate);
        let sound = sound.map_err(|reason| settings.no_audio(reason))?;
        let Utterance { text, speed, .. } = utterance;
        sound::finish(&settings.name, text, speed, sound, words).await
    }
}
