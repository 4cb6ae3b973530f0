//! `POST {url}/v1/audio/speech`, the request that OpenAI has and many speak: Kokoro-FastAPI, Speaches,
//! LocalAI, openai-edge-tts…
//!
//! Kokoro-FastAPI tells when each word begins at an address of its own, `/dev/captioned_speech`.

use std::sync::Arc;

use app::model::Voice;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde_json::{Value, json};

use super::service::{Answer, Service};
use super::settings::{EngineSettings, Kind, ReachedBy};
use super::{Engine, MANY_LANGUAGES, Utterance, VoiceError};
use crate::audio::{AudioFormat, Clip, TimedWord};

/// Voices of OpenAI itself, which has no list to ask for (2026-11).
const OPENAI_VOICES: [&str; 11] = [
    "alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse",
];

pub(super) static KIND: Kind = Kind {
    name: "openai",
    label: "OpenAI, Kokoro, Speaches, LocalAI…",
    reached_by: ReachedBy::Address,
    default_url: "https://api.openai.com",
    default_model: "gpt-4o-mini-tts",
    default_rate: 24_000,
    default_format: AudioFormat::Wav,
    takes_context: false,
    takes_instructions: true,
    times_words: true,
    language_of,
    build: |settings, key| {
        Ok(Arc::new(OpenAi { service: Service::new(&settings, key)?, settings }))
    },
};

struct OpenAi {
    service: Service,
    settings: EngineSettings,
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

#[async_trait]
impl Engine for OpenAi {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn settings(&self) -> Option<&EngineSettings> {
        Some(&self.settings)
    }

    fn is_free(&self) -> bool {
        self.service.is_free(&self.settings)
    }

    /// The voices the server lists; OpenAI's own where it has no list.
    async fn list_voices(&self) -> Result<Vec<Voice>, VoiceError> {
        let settings = &self.settings;
        let request = self.service.client().get(address(settings, "/v1/audio/voices"));
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
                Some(settings.listed(id, voice["name"].as_str()))
            })
            .collect();
        if voices.is_empty() {
            return Ok(OPENAI_VOICES.map(|voice| settings.listed(voice, None)).to_vec());
        }
        Ok(voices)
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, speed, context } = utterance;
        let EngineSettings { model, wire, .. } = &self.settings;
        let mut body = json!({
            "model": model, "input": text, "voice": voice, "response_format": wire.name(),
        });
        // Some models refuse the fields.
        let asked = context.map(|context| &*context.instructions).filter(|asked| !asked.is_empty());
        let instructions = asked.unwrap_or(&self.settings.instructions);
        if !instructions.is_empty() {
            body["instructions"] = json!(instructions);
        }
        if speed != 1.0 {
            body["speed"] = json!(speed);
        }
        let answer = if self.settings.words {
            self.captioned(body).await?
        } else {
            let address = address(&self.settings, "/v1/audio/speech");
            let request = self.service.client().post(address).json(&body);
            Answer::of(self.service.ask(self.signed(request)).await?)
        };
        answer.into_clip(&self.settings, utterance).await
    }
}

impl OpenAi {
    async fn captioned(&self, mut body: Value) -> Result<Answer, VoiceError> {
        let settings = &self.settings;
        // Kokoro streams unless it is told not to.
        (body["stream"], body["return_timestamps"]) = (json!(false), json!(true));
        let request = self.service.client().post(address(settings, "/dev/captioned_speech"));
        let answer = self.service.ask(self.signed(request.json(&body))).await?;
        let answer: Captioned = settings.read_json(&answer)?;
        let audio = STANDARD.decode(answer.audio);
        let audio = audio.map_err(|error| settings.no_audio(error.to_string()))?;
        let timed =
            |caption: Caption| TimedWord { word: caption.word, seconds: caption.start_time };
        let words = answer.timestamps.map(|all| all.into_iter().map(timed).collect());
        Ok(Answer { audio: audio.into(), words })
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match self.service.key() {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

/// An address may be given with `/v1` at its end, as OpenAI's clients have it, or without.
fn address(settings: &EngineSettings, path: &str) -> String {
    let base = settings.url.trim_end_matches('/');
    format!("{}{path}", base.strip_suffix("/v1").unwrap_or(base))
}

/// Kokoro's names begin with the language: `af_heart` is American English, `jm_kumo` Japanese.
fn language_of(voice: &str) -> &str {
    match voice.as_bytes() {
        [language, b'f' | b'm', b'_', ..] => match language {
            b'a' => "en-us",
            b'b' => "en-gb",
            b'e' => "es",
            b'f' => "fr",
            b'h' => "hi",
            b'i' => "it",
            b'j' => "ja",
            b'p' => "pt-br",
            b'z' => "zh",
            _ => MANY_LANGUAGES,
        },
        _ => MANY_LANGUAGES,
    }
}
