//! ElevenLabs: `POST {url}/v1/text-to-speech/{voice}`, and `/with-timestamps` for when words begin.

use app::model::Voice;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};

use super::alignment::Timed;
use super::configured::Answer;
use super::service::Service;
use super::settings::EngineSettings;
use super::{Utterance, VoiceError, Wire};

pub(super) struct ElevenLabs {
    pub(super) service: Service,
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
    /// The voices of the account.
    pub(super) async fn list(&self, settings: &EngineSettings) -> Result<Vec<Voice>, VoiceError> {
        let request = self.service.client().get(settings.address("/v1/voices"));
        let answer: Value = settings.read_json(&self.service.ask(self.signed(request)).await?)?;
        let voices = answer["voices"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = |voice: &Value| {
            Some(settings.listed(voice["voice_id"].as_str()?, voice["name"].as_str()))
        };
        Ok(voices.iter().filter_map(named).collect())
    }

    pub(super) async fn speak(
        &self,
        settings: &EngineSettings,
        utterance: Utterance<'_>,
    ) -> Result<Answer, VoiceError> {
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
            return Ok(Answer::of(answer));
        }
        let answer: WithTimestamps = settings.read_json(&answer)?;
        let audio = STANDARD.decode(answer.audio_base64);
        let audio = audio.map_err(|error| settings.no_audio(error.to_string()))?;
        let words = answer.alignment.map(|alignment| alignment.words());
        Ok(Answer { audio: audio.into(), words })
    }

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
        (Wire::Mp3, 22_050) => "mp3_22050_32".to_owned(),
        (Wire::Mp3, 24_000) => "mp3_24000_48".to_owned(),
        (Wire::Mp3, rate) => format!("mp3_{rate}_128"),
        (wire, rate) => format!("{}_{rate}", wire.name()),
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
