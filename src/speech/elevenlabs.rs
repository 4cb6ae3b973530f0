//! ElevenLabs: `POST {url}/v1/text-to-speech/{voice}`, and `/with-timestamps` for when words begin.

use std::sync::Arc;

use app::model::Voice;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};

use super::service::{Answer, Service};
use super::settings::{EngineSettings, Kind, ReachedBy};
use super::{Engine, MANY_LANGUAGES, Utterance, VoiceError};
use crate::audio::{AudioFormat, Clip, TimedWord};

pub(super) static KIND: Kind = Kind {
    name: "elevenlabs",
    label: "ElevenLabs",
    reached_by: ReachedBy::Address,
    default_url: "https://api.elevenlabs.io",
    default_model: "eleven_multilingual_v2",
    default_rate: 24_000,
    // It gives every account PCM, but not WAV.
    default_format: AudioFormat::Pcm,
    takes_context: true,
    takes_instructions: false,
    times_words: true,
    language_of: |_| MANY_LANGUAGES,
    build: |settings, key| {
        Ok(Arc::new(ElevenLabs { service: Service::new(&settings, key)?, settings }))
    },
};

struct ElevenLabs {
    service: Service,
    settings: EngineSettings,
}

/// What `/with-timestamps` answers. The alignment may be null.
#[derive(Deserialize)]
struct WithTimestamps {
    audio_base64: String,
    alignment: Option<Alignment>,
}

#[derive(Deserialize)]
struct Alignment {
    characters: Vec<String>,
    character_start_times_seconds: Vec<f64>,
}

#[async_trait]
impl Engine for ElevenLabs {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn settings(&self) -> Option<&EngineSettings> {
        Some(&self.settings)
    }

    fn is_free(&self) -> bool {
        self.service.is_free(&self.settings)
    }

    /// The voices of the account.
    async fn list_voices(&self) -> Result<Vec<Voice>, VoiceError> {
        let settings = &self.settings;
        let request = self.service.client().get(settings.address("/v1/voices"));
        let answer: Value = settings.read_json(&self.service.ask(self.signed(request)).await?)?;
        let voices = answer["voices"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = |voice: &Value| {
            Some(settings.listed(voice["voice_id"].as_str()?, voice["name"].as_str()))
        };
        Ok(voices.iter().filter_map(named).collect())
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let settings = &self.settings;
        let Utterance { text, voice, context, speed } = utterance;
        let mut body = json!({ "text": text, "model_id": settings.model });
        if speed != 1.0 {
            body["voice_settings"] = json!({ "speed": speed });
        }
        if let Some(context) = context {
            body["previous_text"] = json!(&*context.before);
            body["next_text"] = json!(&*context.after);
        }
        let voice = utf8_percent_encode(voice, NON_ALPHANUMERIC);
        let end = if settings.words { "/with-timestamps" } else { "" };
        let address = settings.address(&format!("/v1/text-to-speech/{voice}{end}"));
        let request = self.service.client().post(address).json(&body);
        let request = request.query(&[("output_format", output_format(settings))]);
        let answer = self.service.ask(self.signed(request)).await?;
        if !settings.words {
            return Answer::of(answer).into_clip(settings, utterance).await;
        }
        let answer: WithTimestamps = settings.read_json(&answer)?;
        let audio = STANDARD.decode(answer.audio_base64);
        let audio = audio.map_err(|error| settings.no_audio(error.to_string()))?;
        let words = answer.alignment.map(|alignment| alignment.words());
        Answer { audio: audio.into(), words }.into_clip(settings, utterance).await
    }
}

impl ElevenLabs {
    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match self.service.key() {
            Some(key) => match HeaderValue::from_str(key) {
                Ok(mut key) => {
                    // Kept out of whatever shows headers.
                    key.set_sensitive(true);
                    request.header("xi-api-key", key)
                }
                // Sent without, it is refused as a wrong one.
                Err(_) => request,
            },
            None => request,
        }
    }
}

/// `pcm_24000`, `mp3_44100_128`: the names of ElevenLabs' formats.
fn output_format(settings: &EngineSettings) -> String {
    match (settings.wire, settings.sample_rate) {
        (AudioFormat::Mp3, 22_050) => "mp3_22050_32".to_owned(),
        (AudioFormat::Mp3, 24_000) => "mp3_24000_48".to_owned(),
        (AudioFormat::Mp3, rate) => format!("mp3_{rate}_128"),
        (wire, rate) => format!("{}_{rate}", wire.name()),
    }
}

impl Alignment {
    /// Characters put together to words, each with the time of its first.
    fn words(&self) -> Vec<TimedWord> {
        let mut words: Vec<TimedWord> = Vec::new();
        let mut in_word = false;
        for (letter, start) in self.characters.iter().zip(&self.character_start_times_seconds) {
            let is_space = letter.chars().all(char::is_whitespace);
            match words.last_mut() {
                _ if is_space => {}
                Some(timed) if in_word => timed.word.push_str(letter),
                _ => words.push(TimedWord { word: letter.clone(), seconds: *start }),
            }
            in_word = !is_space;
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_make_words() {
        let alignment = Alignment {
            characters: "Go on,  now".chars().map(String::from).collect(),
            character_start_times_seconds: (0..11).map(|at| f64::from(at) / 10.0).collect(),
        };
        let words = alignment.words();
        let told: Vec<_> = words.iter().map(|timed| (timed.word.as_str(), timed.seconds)).collect();
        assert_eq!(told, [("Go", 0.0), ("on,", 0.3), ("now", 0.8)]);
    }
}
