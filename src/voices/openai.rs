//! `POST {url}/v1/audio/speech`, the request that OpenAI has and many speak: Kokoro-FastAPI, Speaches,
//! LocalAI, openai-edge-tts…
//!
//! Kokoro-FastAPI tells when each word begins at an address of its own, `/dev/captioned_speech`.

use app::model::Voice;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::alignment::Timed;
use super::service::Service;
use super::settings::EngineSettings;
use super::{Clip, Engine, Utterance, VoiceError, sound};
use crate::redis::Link;

/// Voices of OpenAI itself, which has no list to ask for (2026-11).
const OPENAI_VOICES: [&str; 11] = [
    "alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse",
];

pub(super) struct OpenAi {
    service: Service,
    settings: EngineSettings,
    format: String,
    key: Option<String>,
}

/// What `/dev/captioned_speech` answers.
#[derive(Deserialize)]
struct Captioned {
    audio: String,
    #[serde(default)]
    timestamps: Option<Vec<Caption>>,
}

#[derive(Deserialize)]
struct Caption {
    word: String,
    start_time: f64,
}

impl OpenAi {
    pub(super) fn new(
        settings: EngineSettings,
        key: Option<String>,
        link: Option<Link>,
    ) -> Result<Self, VoiceError> {
        let service = Service::new(&settings, link)?;
        Ok(Self { service, format: settings.format(), settings, key })
    }

    /// The voices the server lists; OpenAI's own where it has no list.
    pub(super) async fn list(&self) -> Result<Vec<Voice>, VoiceError> {
        let request = self.service.client().get(self.address("/v1/audio/voices"));
        let listed = match self.service.ask(self.signed(request)).await {
            Ok(answer) => serde_json::from_slice(&answer).unwrap_or(Value::Null),
            Err(VoiceError::Rejected { .. }) => Value::Null,
            Err(error) => return Err(error),
        };
        // A list of names, of objects with `id` and `name`, or of objects with `voice_id` and `name`.
        let listed = listed.get("voices").or(listed.get("data")).unwrap_or(&listed);
        let listed = listed.as_array().map(Vec::as_slice).unwrap_or_default();
        let voices: Vec<Voice> = listed
            .iter()
            .filter_map(|voice| {
                let id = voice.as_str().or(voice["id"].as_str()).or(voice["voice_id"].as_str())?;
                Some(self.settings.voice(id, voice["name"].as_str()))
            })
            .collect();
        if voices.is_empty() {
            return Ok(OPENAI_VOICES.map(|voice| self.settings.voice(voice, None)).to_vec());
        }
        Ok(voices)
    }

    /// An address may be given with `/v1` at its end, as OpenAI's clients have it, or without.
    fn address(&self, path: &str) -> String {
        let base = self.settings.url.trim_end_matches('/');
        format!("{}{path}", base.strip_suffix("/v1").unwrap_or(base))
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    async fn captioned(&self, body: &mut Value) -> Result<(Bytes, Option<Vec<Timed>>), VoiceError> {
        // Kokoro streams unless it is told not to.
        (body["stream"], body["return_timestamps"]) = (json!(false), json!(true));
        let request = self.service.client().post(self.address("/dev/captioned_speech")).json(body);
        let answer = self.service.ask(self.signed(request)).await?;
        let no_audio = |reason: String| VoiceError::NoAudio {
            program: self.settings.name.clone().into(),
            reason,
        };
        let answer: Captioned =
            serde_json::from_slice(&answer).map_err(|error| no_audio(error.to_string()))?;
        let audio = STANDARD.decode(answer.audio).map_err(|error| no_audio(error.to_string()))?;
        let timed = |caption: Caption| Timed { word: caption.word, seconds: caption.start_time };
        let words = answer.timestamps.map(|all| all.into_iter().map(timed).collect());
        Ok((audio.into(), words))
    }
}

#[async_trait]
impl Engine for OpenAi {
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

    fn marks_words(&self) -> bool {
        self.settings.words
    }

    fn price(&self) -> f64 {
        self.settings.price
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, speed, .. } = utterance;
        let EngineSettings { name, model, wire, sample_rate, words, .. } = &self.settings;
        let mut body = json!({
            "model": model, "input": text, "voice": voice, "response_format": wire.name(),
        });
        // Some models refuse the field.
        if speed != 1.0 {
            body["speed"] = json!(speed);
        }
        let (audio, words) = if *words {
            self.captioned(&mut body).await?
        } else {
            let request = self.service.client().post(self.address("/v1/audio/speech")).json(&body);
            (self.service.ask(self.signed(request)).await?, None)
        };
        let sound = sound::read(audio, *wire, *sample_rate)
            .map_err(|reason| VoiceError::NoAudio { program: name.clone().into(), reason })?;
        sound::finish(name, text, speed, sound, words).await
    }
}
