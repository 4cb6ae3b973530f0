//! Piper's own HTTP server (`python3 -m piper.http_server`): `POST {url}/synthesize`. It answers with WAV
//! that it calls `text/html`, and with a page and status 500 when it fails.

use std::sync::Arc;

use app::model::Voice;
use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::service::{Answer, Service};
use super::settings::{EngineSettings, Kind, ReachedBy};
use super::{Engine, MANY_LANGUAGES, Utterance, VoiceError};
use crate::audio::{AudioFormat, Clip};

pub(super) static KIND: Kind = Kind {
    name: "piper",
    label: "Piper",
    reached_by: ReachedBy::Address,
    default_url: "http://127.0.0.1:5000",
    default_model: "piper",
    default_rate: 22_050,
    default_format: AudioFormat::Wav,
    takes_context: false,
    takes_instructions: false,
    times_words: false,
    language_of,
    build: |settings, key| Ok(Arc::new(Piper { service: Service::new(&settings, key)?, settings })),
};

struct Piper {
    service: Service,
    settings: EngineSettings,
}

#[async_trait]
impl Engine for Piper {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn settings(&self) -> Option<&EngineSettings> {
        Some(&self.settings)
    }

    fn is_free(&self) -> bool {
        self.service.is_free(&self.settings)
    }

    /// The voices whose files the server has.
    async fn list_voices(&self) -> Result<Vec<Voice>, VoiceError> {
        let settings = &self.settings;
        let request = self.service.client().get(settings.address("/voices"));
        let voices: Map<String, Value> = settings.read_json(&self.service.ask(request).await?)?;
        Ok(voices.keys().map(|voice| settings.listed(voice, None)).collect())
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let settings = &self.settings;
        let Utterance { text, voice, speed, .. } = utterance;
        let mut body = json!({ "text": text, "voice": voice });
        if speed != 1.0 {
            body["length_scale"] = json!(1.0 / speed);
        }
        let request = self.service.client().post(settings.address("/synthesize")).json(&body);
        Answer::of(self.service.ask(request).await?).into_clip(settings, utterance).await
    }
}

/// Piper's voices are named `en_US-lessac-medium`.
pub(super) fn language_of(voice: &str) -> &str {
    match voice.split_once(['_', '-']) {
        Some((language, _)) if matches!(language.len(), 2 | 3) => language,
        _ => MANY_LANGUAGES,
    }
}
