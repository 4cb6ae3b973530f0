//! Piper's own HTTP server (`python3 -m piper.http_server`): `POST {url}/synthesize`. It answers with WAV
//! that it calls `text/html`, and with a page and status 500 when it fails.

use app::model::Voice;
use serde_json::{Map, Value, json};

use super::configured::Answer;
use super::service::Service;
use super::settings::EngineSettings;
use super::{Utterance, VoiceError};

pub(super) struct Piper {
    pub(super) service: Service,
}

impl Piper {
    /// The voices whose files the server has.
    pub(super) async fn list(&self, settings: &EngineSettings) -> Result<Vec<Voice>, VoiceError> {
        let request = self.service.client().get(settings.address("/voices"));
        let voices: Map<String, Value> = settings.read_json(&self.service.ask(request).await?)?;
        Ok(voices.keys().map(|voice| settings.listed(voice, None)).collect())
    }

    pub(super) async fn speak(
        &self,
        settings: &EngineSettings,
        utterance: Utterance<'_>,
    ) -> Result<Answer, VoiceError> {
        let Utterance { text, voice, speed, .. } = utterance;
        let mut body = json!({ "text": text, "voice": voice });
        if speed != 1.0 {
            body["length_scale"] = json!(1.0 / speed);
        }
        let request = self.service.client().post(settings.address("/synthesize")).json(&body);
        Ok(Answer::of(self.service.ask(request).await?))
    }
}
