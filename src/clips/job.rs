//! A sentence to be spoken, and what names its clip.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use app::model::BookId;

use crate::redis::keys::ClipName;
use crate::speech::overlay;
use crate::text::hash::{ContentHash, Context, VoiceKey};

/// A sentence as a voice is to speak it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The book it is in.
    pub book: BookId,
    /// The chapter, from 1.
    pub chapter: u32,
    /// The sentence, from 0.
    pub sentence: u32,
    /// What is spoken, normalised.
    pub text: Arc<str>,
    /// What is spoken around it, if the voice sounds different for it.
    pub context: Option<Arc<Context>>,
    /// Who speaks.
    pub voice: Arc<VoiceKey>,
    /// The audio this will be.
    pub content: ContentHash,
}

/// A sentence to be spoken. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Job {
    shared: Arc<Shared>,
    /// The request it belongs to, if somebody may ask how far that has come.
    pub request: Option<Arc<str>>,
    /// Whose allowance it is spoken from, if its voice costs money and somebody is counted.
    pub payer: Option<Arc<str>>,
}

#[derive(Debug)]
struct Shared {
    sentence: Sentence,
    /// The end of its keys, made once.
    clip: OnceLock<String>,
    /// How it travels, made once.
    encoded: OnceLock<String>,
}

impl Job {
    /// A job that belongs to no request.
    pub fn new(sentence: Sentence) -> Self {
        let shared = Shared { sentence, clip: OnceLock::new(), encoded: OnceLock::new() };
        Self { shared: Arc::new(shared), request: None, payer: None }
    }

    /// Characters that a voice reads, which is what services charge by; none where the sound is the book's own, whose
    /// text says where that is.
    pub fn characters(&self) -> u64 {
        if overlay::is_of(&self.voice) { 0 } else { self.text.chars().count() as u64 }
    }

    /// What names its clip within its book, as it stands at the end of keys.
    pub fn clip_form(&self) -> &str {
        self.shared.clip.get_or_init(|| self.clip_name().form())
    }

    /// What names its clip within its book.
    pub fn clip_name(&self) -> ClipName {
        ClipName::new(&self.voice, &self.text, self.context.as_deref())
    }

    /// How it travels, made by `encode` the first time.
    pub fn encoded(&self, encode: impl FnOnce(&Sentence, &str) -> String) -> &str {
        self.shared.encoded.get_or_init(|| encode(&self.shared.sentence, self.clip_form()))
    }
}

impl Deref for Job {
    type Target = Sentence;

    fn deref(&self) -> &Sentence {
        &self.shared.sentence
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.shared.sentence == other.shared.sentence
            && self.request == other.request
            && self.payer == other.payer
    }
}

impl Eq for Job {}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn job(text: &str) -> Job {
        let voice = VoiceKey {
            engine: "e".to_owned(),
            model: "m".to_owned(),
            voice: "v".to_owned(),
            speed: "1".to_owned(),
            format: "f".to_owned(),
        };
        Job::new(Sentence {
            book: "0123456789abcdef".parse().unwrap(),
            chapter: 1,
            sentence: 0,
            content: ContentHash::of(text, None, &voice),
            text: text.into(),
            context: None,
            voice: Arc::new(voice),
        })
    }

    #[test]
    fn what_names_a_job_is_made_once() {
        let job = job("Yes.");
        assert_eq!(job.encoded(|_, clip| clip.to_owned()), job.clip_form());
        assert_eq!(job.clone().encoded(|_, _| unreachable!()), job.clip_form());
    }
}
