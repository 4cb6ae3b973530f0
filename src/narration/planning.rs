//! From a chapter and what has been chosen to its plan, which is remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use app::cast::CastNames;
use app::model::{BookCard, BookId, OVERLAY_VOICE};
use app::preferences::Wording;

use super::plan::{ChapterPlan, Directed, LanguageVoices, Reading};
use super::{NarrationError, Narrator};
use crate::library::LibraryError;
use crate::library::chapters::Chapter;
use crate::library::directions::{Direction, Manner};
use crate::speech::{Cast, ChosenVoice};

/// Times that voices can be asked to say one sentence once more.
const MAX_AGAIN: usize = 100;
/// Chapters longer than this are planned beside the runtime: hashing 20,000 sentences takes 60 ms.
const LONG_CHAPTER: usize = 1_000;

/// What a plan is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PlanName {
    book: BookId,
    /// How often the book's file has been read anew.
    revision: u32,
    chapter: u32,
    cast: Cast,
    /// Which rules say how words are said.
    rules: u64,
    /// What has been said of single sentences.
    directions: u64,
    /// The state of the engines, where those are read by voices that are named.
    voices: u64,
    /// The voices that the listener has chosen for languages, where they read passages.
    chosen: BTreeMap<String, String>,
    /// Who reads what the book does not bring the sound of, where that is heard.
    instead: Option<ChosenVoice>,
    wording: Wording,
    /// How voices that can be told are to speak.
    instructions: Arc<str>,
}

impl Narrator {
    /// What a chapter consists of in a voice, the book's default voice when `voice` is empty; with what of
    /// sentences the listener has chosen to hear.
    pub async fn plan(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &str,
    ) -> Result<Arc<ChapterPlan>, NarrationError> {
        let wording = self.library.recent_preferences().await?.skipped_in(book).wording;
        self.plan_worded(book, chapter, voice, wording).await
    }

    /// The same, with other parts of sentences.
    pub async fn plan_worded(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &str,
        wording: Wording,
    ) -> Result<Arc<ChapterPlan>, NarrationError> {
        let details = self.library.metadata(book).await?;
        let cast = self.cast(voice, &details.card).await?;
        self.plan_of(&details.card, chapter, &cast, wording).await
    }

    /// The cast that a parameter names; without a narrator in it, with the one that the listener has chosen for
    /// the language, if that is there.
    pub(super) async fn cast(&self, names: &str, card: &BookCard) -> Result<Cast, NarrationError> {
        self.cast_for(names, &card.language, card.read_by.is_some()).await
    }

    /// The same for what is in a language, with a sound of its own or without.
    pub(super) async fn cast_for(
        &self,
        names: &str,
        language: &str,
        is_overlaid: bool,
    ) -> Result<Cast, NarrationError> {
        // Mostly a voice is named, and every clip that is heard comes this way.
        if !names.is_empty() && !names.starts_with(' ') || is_overlaid {
            return Ok(self.shared.voices.cast(names, language, is_overlaid)?);
        }
        let names = CastNames::parse(names);
        if let Some(chosen) = self.library.recent_preferences().await?.voice_for(language) {
            let own = CastNames { narrator: chosen.to_owned(), ..names.clone() };
            if let Ok(cast) = self.shared.voices.cast(&own.to_string(), language, false) {
                return Ok(cast);
            }
        }
        Ok(self.shared.voices.cast(&names.to_string(), language, false)?)
    }

    pub(super) async fn plan_of(
        &self,
        card: &BookCard,
        chapter: u32,
        cast: &Cast,
        wording: Wording,
    ) -> Result<Arc<ChapterPlan>, NarrationError> {
        let book = &card.id;
        let said = self.library.said(book).await?;
        let (rules, directions) = (&said.rules, &said.directions);
        let chosen = if cast.is_one() {
            BTreeMap::new()
        } else {
            self.library.recent_preferences().await?.voices.clone()
        };
        let instead = if cast.narrator.is_overlay() { self.instead(card).await? } else { None };
        let names_voices = directions.version() != 0;
        let instructions = match self.shared.voices.take_instructions() {
            true => self
                .library
                .recent_preferences()
                .await?
                .instructions_in(book, &card.language)
                .into(),
            false => Arc::default(),
        };
        let name = PlanName {
            book: book.clone(),
            revision: card.revision,
            chapter,
            cast: cast.clone(),
            rules: rules.version(),
            directions: directions.version(),
            voices: if names_voices { self.shared.voices.version() } else { 0 },
            chosen,
            instead,
            wording,
            instructions,
        };
        if let Some(plan) = self.shared.plans.get(&name).await {
            return Ok(plan);
        }
        let text = self.library.chapter(book, chapter).await?;
        let languages = self.language_voices(cast, &text, &name.chosen);
        let directed = self.directed(directions.of_chapter(chapter), cast, &text);
        let rules = Arc::clone(rules);
        let reading = Reading {
            languages,
            directed,
            rules,
            wording,
            instead: name.instead.clone(),
            instructions: Arc::clone(&name.instructions),
            revision: card.revision,
        };
        let plan = if text.sentences.len() > LONG_CHAPTER {
            let (book, cast) = (book.clone(), cast.clone());
            let planned = tokio::task::spawn_blocking(move || {
                ChapterPlan::new((&book, chapter), &text, &cast, &reading)
            });
            // It does not panic, and nobody aborts it.
            planned.await.map_err(LibraryError::Interrupted)?
        } else {
            ChapterPlan::new((book, chapter), &text, cast, &reading)
        };
        let plan = Arc::new(plan);
        self.shared.plans.insert(name, Arc::clone(&plan)).await;
        Ok(plan)
    }

    /// What has been said of single sentences of a chapter. Where a voice is not there, as one that was
    /// removed, the sentence is read like the rest.
    fn directed(
        &self,
        directions: &[Direction],
        cast: &Cast,
        chapter: &Chapter,
    ) -> HashMap<u32, Directed> {
        let mut directed: HashMap<u32, Directed> = HashMap::new();
        for Direction { sentences, how } in directions {
            let last = (*sentences.end()).min(chapter.sentences.len() as u32);
            let voice = match how {
                Manner::Voice(id) if id == OVERLAY_VOICE => self.shared.voices.overlay().ok(),
                Manner::Voice(id) => self.shared.voices.choose(id, "und").ok(),
                Manner::Skip | Manner::Again(_) => None,
            };
            let voice = voice.map(|voice| voice.at_rate(cast.narrator.sample_rate));
            for sentence in *sentences.start()..=last {
                let one = directed.entry(sentence).or_default();
                match how {
                    Manner::Voice(_) => {
                        one.is_unread = false;
                        one.voice = voice.clone().or(one.voice.take());
                    }
                    Manner::Skip => one.is_unread = true,
                    Manner::Again(ids) if one.again.len() < MAX_AGAIN => {
                        one.again.extend_from_slice(ids);
                    }
                    Manner::Again(_) => {}
                }
            }
        }
        directed
    }

    /// Who reads what a book does not bring the sound of: whom the listener has chosen for the language, else the
    /// default voice. At the rate of that sound.
    async fn instead(&self, card: &BookCard) -> Result<Option<ChosenVoice>, NarrationError> {
        let rate = self.shared.voices.overlay()?.sample_rate;
        let cast = self.cast_for("", &card.language, false).await.ok();
        Ok(cast.map(|cast| cast.narrator.at_rate(rate)))
    }

    /// Who reads the passages of a chapter that are in other languages, where the cast asks for that.
    fn language_voices(
        &self,
        cast: &Cast,
        chapter: &Chapter,
        chosen: &BTreeMap<String, String>,
    ) -> LanguageVoices {
        let mut voices = LanguageVoices::new();
        for language in chapter.sentences.iter().filter_map(|one| one.language.as_ref()) {
            if !voices.contains_key(language)
                && let Some(voice) = cast.of_language(&self.shared.voices, language, chosen)
            {
                voices.insert(language.clone(), voice);
            }
        }
        voices
    }
}
