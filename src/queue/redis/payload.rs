//! A job as it lies in a lane: compact JSON.

use std::borrow::Cow;
use std::sync::Arc;

use app::model::BookId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::queue::{Class, Job, Sentence};
use crate::text::hash::{ContentHash, Context, VoiceKey};

/// `{bookId, chapterId, model, voice, speed, sentence}` and what else a worker needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload {
    // These come first: `claim.lua` reads them without reading the rest.
    content_hash: String,
    /// The end of the keys of its clip and lock: a script cannot hash.
    clip: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payer_id: Option<String>,
    book_id: BookId,
    chapter_id: u32,
    engine: String,
    model: String,
    voice: String,
    speed: String,
    format: String,
    /// Index within the chapter.
    sentence: u32,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
    /// Times it was tried.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) tries: u8,
    /// The lane it came from, where that is not known from where it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) class: Option<String>,
}

fn is_zero(tries: &u8) -> bool {
    *tries == 0
}

/// A payload that does not say what it should.
#[derive(Debug, Error)]
pub(super) enum InvalidPayload {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("the content hash is not that of the text")]
    Hash,
}

impl Payload {
    pub(super) fn of(job: &Job, tries: u8) -> Self {
        let VoiceKey { engine, model, voice, speed, format } = &*job.voice;
        Self {
            content_hash: job.content.to_string(),
            clip: job.clip_form().to_owned(),
            request_id: job.request.as_deref().map(str::to_owned),
            payer_id: job.payer.as_deref().map(str::to_owned),
            book_id: job.book.clone(),
            chapter_id: job.chapter,
            engine: engine.clone(),
            model: model.clone(),
            voice: voice.clone(),
            speed: speed.clone(),
            format: format.clone(),
            sentence: job.sentence,
            text: job.text.to_string(),
            context: job.context.as_deref().cloned(),
            tries,
            class: None,
        }
    }

    pub(super) fn in_class(mut self, class: Class) -> Self {
        self.class = Some(class.to_string());
        self
    }

    pub(super) fn to_json(&self) -> String {
        // Serializing strings and numbers cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A payload that borrows what it says, for writing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Borrowed<'a> {
    content_hash: &'a str,
    clip: &'a str,
    book_id: &'a BookId,
    chapter_id: u32,
    engine: &'a str,
    model: &'a str,
    voice: &'a str,
    speed: &'a str,
    format: &'a str,
    sentence: u32,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a Context>,
}

/// A job as JSON. The same sentence is enqueued for many listeners, so its JSON is made once, and the
/// request put into it.
pub(super) fn encode(job: &Job, tries: u8) -> Cow<'_, str> {
    let plain = job.encoded(written);
    if tries > 0 {
        return Payload::of(job, tries).to_json().into();
    }
    let Some(request) = job.request.as_ref().filter(|_| job.payer.is_none()) else {
        return match job.payer {
            Some(_) => Payload::of(job, tries).to_json().into(),
            None => plain.into(),
        };
    };
    match (plain.split_once(r#","bookId":"#), serde_json::to_string(request)) {
        (Some((head, tail)), Ok(request)) => {
            format!(r#"{head},"requestId":{request},"bookId":{tail}"#).into()
        }
        _ => Payload::of(job, tries).to_json().into(),
    }
}

/// About what a payload holds beside the text, in bytes; the names of voices differ.
const MOST_AROUND_THE_TEXT: usize = 448;

fn written(sentence: &Sentence, clip: &str) -> String {
    let VoiceKey { engine, model, voice, speed, format } = &*sentence.voice;
    let payload = Borrowed {
        content_hash: &sentence.content.to_hex(),
        clip,
        book_id: &sentence.book,
        chapter_id: sentence.chapter,
        engine,
        model,
        voice,
        speed,
        format,
        sentence: sentence.sentence,
        text: &sentence.text,
        context: sentence.context.as_deref(),
    };
    let mut json = Vec::with_capacity(MOST_AROUND_THE_TEXT + sentence.text.len());
    // Serializing strings and numbers cannot fail, and JSON is UTF-8.
    let _ = serde_json::to_writer(&mut json, &payload);
    String::from_utf8(json).unwrap_or_default()
}

impl TryFrom<Payload> for Job {
    type Error = InvalidPayload;

    fn try_from(payload: Payload) -> Result<Self, Self::Error> {
        let Payload { engine, model, voice, speed, format, .. } = payload;
        let voice = VoiceKey { engine, model, voice, speed, format };
        let context = payload.context.map(Arc::new);
        let content = ContentHash::of(&payload.text, context.as_deref(), &voice);
        if content.to_string() != payload.content_hash {
            return Err(InvalidPayload::Hash);
        }
        let mut job = Job::new(Sentence {
            book: payload.book_id,
            chapter: payload.chapter_id,
            sentence: payload.sentence,
            text: payload.text.into(),
            context,
            voice: Arc::new(voice),
            content,
        });
        job.request = payload.request_id.map(Arc::from);
        job.payer = payload.payer_id.map(Arc::from);
        Ok(job)
    }
}

/// Reads a payload: the job, and how often it was tried.
pub(super) fn read(json: &str) -> Result<(Job, u8), InvalidPayload> {
    let payload: Payload = serde_json::from_str(json)?;
    let tries = payload.tries;
    Ok((payload.try_into()?, tries))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clips::job::tests::job;

    proptest! {
        #[test]
        fn a_job_is_read_as_it_was_written(
            text in ".*", voice in ".*", around in prop::option::of((".*", ".*", ".*")), request in prop::option::of(".*"), payer in prop::option::of(".*"), chapter: u32, sentence: u32, tries: u8
        ) {
            let voice = VoiceKey {
                engine: "e".to_owned(),
                model: "m".to_owned(),
                voice,
                speed: "1".to_owned(),
                format: "f".to_owned(),
            };
            let context = around.map(|(before, after, asked)| Arc::new(Context { before: before.into(), after: after.into(), instructions: asked.into() }));
            let mut job = Job::new(Sentence {
                book: "0123456789abcdef".parse().unwrap(),
                chapter,
                sentence,
                content: ContentHash::of(&text, context.as_deref(), &voice),
                text: text.into(),
                context,
                voice: Arc::new(voice),
            });
            job.request = request.map(Arc::from);
            job.payer = payer.map(Arc::from);
            prop_assert_eq!(read(&encode(&job, tries)).unwrap(), (job.clone(), tries));
            prop_assert_eq!(encode(&job, tries), Payload::of(&job, tries).to_json());
        }

        #[test]
        fn what_is_no_job_is_refused(json in ".*") {
            prop_assert!(read(&json).is_err());
        }
    }

    #[test]
    fn a_text_that_was_changed_is_refused() {
        let job = job("Cheap.");
        let json = encode(&job, 0);
        assert!(json.starts_with("{\"contentHash\":\""), "{json}");
        assert!(json.contains("\",\"clip\":\"e/m/f:v:1:"), "{json}");
        assert!(read(&json.replace("Cheap.", "Costly.")).is_err());
    }
}
