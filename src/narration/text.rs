//! Texts of other programs: split into sentences, each made or found like those of books, and joined.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sqlx::Row;

use super::{NarrationError, Narrator, PREFETCH_SENTENCES};
use crate::audio::{Silence, WordTiming};
use crate::clips::store::api_book;
use crate::queue::{Job, Sentence};
use crate::speech::{ChosenVoice, MANY_LANGUAGES};
use crate::text::hash::ContentHash;
use crate::text::language::LanguageRules;
use crate::text::sentence::{is_speakable, limit_length, split_sentences};
use crate::text::spoken::normalise;
use crate::time::now_ms;

/// Longest text, in characters: a chapter.
pub const MAX_TEXT_CHARS: usize = 20_000;
/// Between sentences, and between paragraphs, as in books.
const SENTENCE_PAUSE: Duration = Duration::from_millis(130);
const PARAGRAPH_PAUSE: Duration = Duration::from_millis(420);
/// What a text that is nothing but punctuation sounds like: programs send a full stop to try a key, and take a refusal
/// for that of the key.
const PUNCTUATION: Duration = Duration::from_millis(200);

const NOTHING_TO_SAY: &str = "There is nothing in the text that can be spoken.";

/// A text that was spoken.
#[derive(Debug, Clone)]
pub struct SpokenText {
    /// Names it: of one sentence, the hash of its clip; of more, that of the text.
    pub content: ContentHash,
    /// MP3.
    pub bytes: Bytes,
    /// Samples a second.
    pub sample_rate: u32,
    /// How long it lasts.
    pub duration_ms: u64,
    /// When each word begins, if the engine says so of every sentence.
    pub words: Option<Vec<WordTiming>>,
    /// Whether all of it had been made before.
    pub cached: bool,
}

/// A sentence and the pause before it.
struct Piece {
    job: Job,
    pause: Duration,
}

impl Narrator {
    /// Speaks a text at the engine's `speed`, or its own; what has been made before is not made again.
    pub async fn synthesize_text(
        &self,
        text: &str,
        voice: &str,
        speed: Option<f64>,
    ) -> Result<SpokenText, NarrationError> {
        let chosen = self.chosen_for_api(voice, speed)?;
        let pieces = pieces(text, &chosen)?;
        let content = whole(text, &pieces, &chosen);
        let spoken = self.join(pieces, &chosen, content).await?;
        sqlx::query(
            "INSERT INTO utterances (content_hash, text, voice, speed, last_access) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (content_hash) DO UPDATE SET \
             last_access = excluded.last_access",
        )
        .bind(content.to_string())
        .bind(text)
        .bind(&chosen.id)
        .bind(&chosen.key.speed)
        .bind(now_ms() as i64)
        .execute(&self.shared.database)
        .await?;
        Ok(spoken)
    }

    /// Says a few words as they would be said for a book; `text` may have phonemes.
    ///
    /// # Errors
    /// When there is no such voice, nothing to say, or the voice fails.
    pub async fn say(
        &self,
        text: &str,
        voice: &str,
        language: &str,
    ) -> Result<SpokenText, NarrationError> {
        let chosen = self.cast_for(voice, language, false).await?.narrator;
        let text = chosen.given(text);
        if !is_speakable(&text) {
            return Err(NarrationError::Text(NOTHING_TO_SAY.to_owned()));
        }
        let key = Arc::new(chosen.key.clone());
        let job = Job::new(Sentence {
            book: api_book(),
            chapter: 0,
            sentence: 0,
            content: ContentHash::of(&text, None, &key),
            text: (&*text).into(),
            context: None,
            voice: key,
        });
        let content = job.content;
        self.join(vec![Piece { job, pause: Duration::ZERO }], &chosen, content).await
    }

    /// What was spoken before, by its name; what was cleaned up since is made again. None when the voice is
    /// not what it was: that would be another sound under the same name.
    pub async fn spoken_text(
        &self,
        content: &ContentHash,
    ) -> Result<Option<SpokenText>, NarrationError> {
        let row = sqlx::query("SELECT text, voice, speed FROM utterances WHERE content_hash = $1")
            .bind(content.to_string())
            .fetch_optional(&self.shared.database)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (text, voice): (String, String) = (row.try_get("text")?, row.try_get("voice")?);
        let speed = row.try_get::<String, _>("speed")?.parse().ok();
        let chosen = self.chosen_for_api(&voice, speed)?;
        let pieces = pieces(&text, &chosen)?;
        if whole(&text, &pieces, &chosen) != *content {
            return Ok(None);
        }
        Ok(Some(self.join(pieces, &chosen, *content).await?))
    }

    fn chosen_for_api(
        &self,
        voice: &str,
        speed: Option<f64>,
    ) -> Result<ChosenVoice, NarrationError> {
        let mut chosen = self.shared.voices.choose(voice, "und")?;
        if let Some(speed) = speed {
            if !(0.25..=4.0).contains(&speed) {
                return Err(NarrationError::Text(
                    "The speed must be between 0.25 and 4.".to_owned(),
                ));
            }
            // Two digits, so that rates nobody can tell apart are one.
            chosen.key.speed = ((speed * 100.0).round() / 100.0).to_string();
        }
        Ok(chosen)
    }

    async fn join(
        &self,
        pieces: Vec<Piece>,
        voice: &ChosenVoice,
        content: ContentHash,
    ) -> Result<SpokenText, NarrationError> {
        let jobs: Vec<Job> = pieces.iter().map(|piece| piece.job.clone()).collect();
        let cached = self.missing(jobs.clone()).await?.is_empty();
        let rate = u64::from(voice.sample_rate.max(1));
        let (mut bytes, mut samples) = (BytesMut::new(), 0);
        let mut words = voice.times_words.then(Vec::new);
        if pieces.is_empty()
            && let Some(silence) = Silence::of(PUNCTUATION, voice.sample_rate)
        {
            bytes.extend_from_slice(&silence.bytes);
            samples += silence.length.samples;
        }
        for (at, Piece { job, pause }) in pieces.into_iter().enumerate() {
            if let Some(silence) = Silence::of(pause, voice.sample_rate) {
                bytes.extend_from_slice(&silence.bytes);
                samples += silence.length.samples;
            }
            let clip = match self.in_memory(&job).await {
                Some(clip) => clip,
                // A few at a time: should the caller go away, the rest is not made.
                None => {
                    let ahead = jobs.iter().skip(at + 1).take(PREFETCH_SENTENCES).cloned();
                    self.wait(&job, ahead.collect())?.ended().await?
                }
            };
            if let Some(all) = &mut words {
                let marks = self.shared.clips.assets.marks(&[job.content]).await?;
                let start_ms = (samples * 1000 / rate) as u32;
                let shifted = |mark: &WordTiming| WordTiming {
                    start_ms: mark.start_ms + start_ms,
                    ..mark.clone()
                };
                match marks.get(&job.content) {
                    Some(marks) => all.extend(marks.iter().map(shifted)),
                    None => words = None,
                }
            }
            bytes.extend_from_slice(&clip.bytes);
            samples += clip.length.samples;
            self.shared.usage.heard(&job);
        }
        let duration_ms = samples * 1000 / rate;
        let sample_rate = voice.sample_rate;
        Ok(SpokenText { content, bytes: bytes.freeze(), sample_rate, duration_ms, words, cached })
    }
}

/// The sentences of a text; none when it is nothing but punctuation.
fn pieces(text: &str, voice: &ChosenVoice) -> Result<Vec<Piece>, NarrationError> {
    if text.trim().is_empty() {
        return Err(NarrationError::Text(NOTHING_TO_SAY.to_owned()));
    }
    if text.chars().count() > MAX_TEXT_CHARS {
        let reason =
            format!("The text has more than {MAX_TEXT_CHARS} characters: send it in parts.");
        return Err(NarrationError::Text(reason));
    }
    // What a voice of many languages is given is most often English.
    let language = if voice.language == MANY_LANGUAGES { "en" } else { &voice.language };
    let (rules, key) = (LanguageRules::for_tag(language), Arc::new(voice.key.clone()));
    let mut pieces: Vec<Piece> = Vec::new();
    for paragraph in text.split("\n\n") {
        let paragraph = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let sentences = limit_length(&paragraph, split_sentences(&paragraph, rules));
        let mut pause = PARAGRAPH_PAUSE;
        for sentence in sentences {
            let text = normalise(&paragraph[sentence]);
            if is_speakable(&text) {
                let text = voice.given(&text);
                let job = Job::new(Sentence {
                    book: api_book(),
                    chapter: 0,
                    sentence: pieces.len() as u32,
                    content: ContentHash::of(&text, None, &key),
                    text: text.into(),
                    context: None,
                    voice: Arc::clone(&key),
                });
                let pause = if pieces.is_empty() { Duration::ZERO } else { pause };
                pieces.push(Piece { job, pause });
            }
            pause = SENTENCE_PAUSE;
        }
    }
    Ok(pieces)
}

/// A single sentence is its clip; a longer text is named as if it were one.
fn whole(text: &str, pieces: &[Piece], voice: &ChosenVoice) -> ContentHash {
    match pieces {
        [piece] => piece.job.content,
        _ => ContentHash::of(text, None, &voice.key),
    }
}
