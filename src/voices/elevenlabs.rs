//! ElevenLabs: `POST {url}/v1/text-to-speech/{voice}`, and `/with-timestamps` for when words begin.

use app::model::Voice;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::alignment::Timed;
use super::service::Service;
use super::settings::{EngineSettings, Wire};
use super::{Clip, Engine, Utterance, VoiceError, sound};
use crate::redis::Link;

pub(super) struct ElevenLabs {
    service: Service,
    settings: EngineSettings,
    format: String,
    key: Option<String>,
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

impl ElevenLabs {
    pub(super) fn new(
        settings: EngineSettings,
        key: Option<String>,
        link: Option<Link>,
    ) -> Result<Self, VoiceError> {
        let service = Service::new(&settings, link)?;
        Ok(Self { service, format: settings.format(), settings, key })
    }

    /// The voices of the account.
    pub(super) async fn list(&self) -> Result<Vec<Voice>, VoiceError> {
        let request = self.service.client().get(self.address("/v1/voices"));
        let answer = self.service.ask(self.signed(request)).await?;
        let answer: Value =
            serde_json::from_slice(&answer).map_err(|error| self.no_audio(error.to_string()))?;
        let voices = answer["voices"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = |voice: &Value| {
            Some(self.settings.voice(voice["voice_id"].as_str()?, voice["name"].as_str()))
        };
        Ok(voices.iter().filter_map(named).collect())
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.settings.url.trim_end_matches('/'))
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) => request.header("xi-api-key", key),
            None => request,
        }
    }

    fn no_audio(&self, reason: String) -> VoiceError {
        VoiceError::NoAudio { program: self.settings.name.clone().into(), reason }
    }

    /// `pcm_24000`, `mp3_44100_128`: the names of ElevenLabs' formats.
    fn output_format(&self) -> String {
        let EngineSettings { wire, sample_rate, .. } = &self.settings;
        match (wire, sample_rate) {
            (Wire::Mp3, 22_050) => "mp3_22050_32".to_owned(),
            (Wire::Mp3, rate) => format!("mp3_{rate}_128"),
            (wire, rate) => format!("{}_{rate}", wire.name()),
        }
    }

    fn with_words(&self, answer: &[u8]) -> Result<(Bytes, Option<Vec<Timed>>), VoiceError> {
        let answer: WithTimestamps =
            serde_json::from_slice(answer).map_err(|error| self.no_audio(error.to_string()))?;
        let audio = STANDARD.decode(answer.audio_base64);
        let audio = audio.map_err(|error| self.no_audio(error.to_string()))?;
        Ok((audio.into(), answer.alignment.map(|alignment| alignment.words())))
    }
}

impl Alignment {
    /// Characters put together to words, each with the time of its first.
    fn words(&self) -> Vec<Timed> {
        let mut words: Vec<Timed> = Vec::new();
        let mut in_word = false;
        for (letter, start) in self.characters.iter().zip(&self.character_start_times_seconds) {
            let is_space = letter.chars().all(char::is_whitespace);
            match words.last_mut() {
                _ if is_space => {}
                Some(timed) if in_word => timed.word.push_str(letter),
                _ => words.push(Timed { word: letter.clone(), seconds: *start }),
            }
            in_word = !is_space;
        }
        words
    }
}

#[async_trait]
impl Engine for ElevenLabs {
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
        self.settings.context
    }

    fn marks_words(&self) -> bool {
        self.settings.words
    }

    fn price(&self) -> f64 {
        self.settings.price
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, context, speed } = utterance;
        let EngineSettings { name, model, wire, sample_rate, words, .. } = &self.settings;
        let mut body = json!({ "text": text, "model_id": model });
        if speed != 1.0 {
            body["voice_settings"] = json!({ "speed": speed });
        }
        if let Some(context) = context.filter(|_| self.settings.context) {
            body["previous_text"] = json!(&*context.before);
            body["next_text"] = json!(&*context.after);
        }
        let voice = utf8_percent_encode(voice, NON_ALPHANUMERIC);
        let end = if *words { "/with-timestamps" } else { "" };
        let address = self.address(&format!("/v1/text-to-speech/{voice}{end}"));
        let request = self.service.client().post(address).json(&body);
        let request = request.query(&[("output_format", self.output_format())]);
        let answer = self.service.ask(self.signed(request)).await?;
        let (audio, words) = if *words { self.with_words(&answer)? } else { (answer, None) };
        let sound =
            sound::read(audio, *wire, *sample_rate).map_err(|reason| self.no_audio(reason))?;
        sound::finish(name, text, speed, sound, words).await
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
