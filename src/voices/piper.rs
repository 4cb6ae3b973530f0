//! Piper's own HTTP server (`python3 -m piper.http_server`): `POST {url}/synthesize`. It answers with WAV
//! that it calls `text/html`, and with a page and status 500 when it fails.

use app::model::Voice;
use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::service::Service;
use super::settings::{EngineSettings, Wire};
use super::{Clip, Engine, Utterance, VoiceError, sound};
use crate::redis::Link;

pub(super) struct Piper {
    service: Service,
    settings: EngineSettings,
    format: String,
}

impl Piper {
    pub(super) fn new(settings: EngineSettings, link: Option<Link>) -> Result<Self, VoiceError> {
        let service = Service::new(&settings, link)?;
        Ok(Self { service, format: settings.format(), settings })
    }

    /// The voices whose files the server has.
    pub(super) async fn list(&self) -> Result<Vec<Voice>, VoiceError> {
        let request = self.service.client().get(self.address("/voices"));
        let answer = self.service.ask(request).await?;
        let voices: Map<String, Value> = serde_json::from_slice(&answer).unwrap_or_default();
        Ok(voices.keys().map(|voice| self.settings.voice(voice, None)).collect())
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.settings.url.trim_end_matches('/'))
    }
}

#[async_trait]
impl Engine for Piper {
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

    fn price(&self) -> f64 {
        self.settings.price
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, speed, .. } = utterance;
        let EngineSettings { name, sample_rate, .. } = &self.settings;
        let mut body = json!({ "text": text, "voice": voice });
        if speed != 1.0 {
            body["length_scale"] = json!(1.0 / speed);
        }
        let request = self.service.client().post(self.address("/synthesize")).json(&body);
        let wav = self.service.ask(request).await?;
        let sound = sound::read(wav, Wire::Wav, *sample_rate)
            .map_err(|reason| VoiceError::NoAudio { program: name.clone().into(), reason })?;
        sound::finish(name, text, speed, sound, None).await
    }
}
