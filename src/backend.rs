//! What pages can do, in terms of the library, the voices and the narrator. Implements the port
//! that `app` defines; each method is one use case.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use app::backend::Backend;
use app::cast::CastNames;
use app::error::AppError;
use app::model::{
    Activity, Annotation, BookCard, BookDetails, BookId, ChapterPage, DictionaryEntry,
    EndpointCard, EngineCard, FeedCard, HappeningCard, Hit, IdentityCard, InvitationCard,
    ListenerPosition, NarrationCard, NarrationEstimate, NarrationOutput, NarrationStats,
    NewPronunciation, PackCard, Passage, PasskeyCard, Person, PersonCard, ReadingStatistics,
    SessionCard, ShareCard, SharedBook, StorageFigures, TokenCard, Vocabulary, Voice,
};
use async_trait::async_trait;

use crate::accounts::Accounts;
use crate::dictionaries::Dictionaries;
use crate::error::ApiError;
use crate::jobs::{Jobs, Wanted, Whose, parse_chapters};
use crate::library::Library;
use crate::library::search::MAX_HITS;
use crate::narration::Narrator;
use crate::speech::engines::Engines;
use crate::speech::packs::Packs;
use crate::speech::registry;
use crate::speech::settings::ReachedBy;
use crate::speech::{Voices, speaks};
use crate::text::language::is_right_to_left;

/// Engines whose voices were the defaults before there were natural ones.
const FORMER_ENGINES: [&str; 2] = ["espeak-ng:", "flite:"];

/// Words shown that a voice reads as they look.
const MAX_RARE: usize = 40;

/// The server behind the pages.
pub struct Server {
    /// Books.
    pub library: Library,
    /// Who can speak.
    pub voices: Arc<Voices>,
    /// Voices that can be installed.
    pub packs: Packs,
    /// Engines that are configured.
    pub engines: Engines,
    /// Who sees to it that they do.
    pub narrator: Narrator,
    /// People.
    pub accounts: Accounts,
    /// Books that are made ready.
    pub jobs: Jobs,
    /// Where words are looked up.
    pub dictionaries: Arc<Dictionaries>,
    /// What other programs can ask for.
    pub endpoints: fn() -> Vec<EndpointCard>,
}

impl Server {
    /// Has the voice that reads a book get ready: somebody may press play next.
    fn wake_voice_of(&self, book: &BookCard) {
        let place = book.progress.as_ref();
        let voice = place.and_then(|place| place.voice.as_deref()).unwrap_or_default();
        self.narrator.wake(&CastNames::parse(voice).narrator, &book.language);
    }
}

#[async_trait]
impl Backend for Server {
    async fn people(&self) -> Result<Vec<PersonCard>, AppError> {
        Ok(self.accounts.people().await.map_err(ApiError::from)?)
    }

    async fn invitations(&self) -> Result<Vec<InvitationCard>, AppError> {
        Ok(self.accounts.invitations().await.map_err(ApiError::from)?)
    }

    async fn happenings(&self) -> Result<Vec<HappeningCard>, AppError> {
        Ok(self.accounts.happenings().await.map_err(ApiError::from)?)
    }

    async fn spending(&self, person: &Person) -> Result<PersonCard, AppError> {
        Ok(self.accounts.card(&person.id).await.map_err(ApiError::from)?)
    }

    async fn sessions(&self, person: &Person) -> Result<Vec<SessionCard>, AppError> {
        Ok(self.accounts.sessions(&person.id, &person.session).await.map_err(ApiError::from)?)
    }

    async fn identities(&self, person: &Person) -> Result<Vec<IdentityCard>, AppError> {
        Ok(self.accounts.identities(&person.id).await.map_err(ApiError::from)?)
    }

    async fn passkeys(&self, person: &Person) -> Result<Vec<PasskeyCard>, AppError> {
        Ok(self.accounts.passkeys(&person.id).await.map_err(ApiError::from)?)
    }

    async fn shares(&self, person: &Person) -> Result<Vec<ShareCard>, AppError> {
        Ok(self.accounts.shares(Some(&person.id), &person.id).await.map_err(ApiError::from)?)
    }

    async fn shares_of_all(&self, admin: &Person) -> Result<Vec<ShareCard>, AppError> {
        Ok(self.accounts.shares(None, &admin.id).await.map_err(ApiError::from)?)
    }

    async fn narration_estimate(
        &self,
        id: &BookId,
        voice: &str,
        chapters: &str,
    ) -> Result<NarrationEstimate, AppError> {
        let wanted = Wanted {
            book: id.clone(),
            voice: voice.to_owned(),
            chapters: parse_chapters(chapters).map_err(ApiError::from)?,
            at_ms: 0,
            max_cost: 0.0,
            output: NarrationOutput::None,
        };
        Ok(self.jobs.estimate(&self.library, &wanted).await.map_err(ApiError::from)?)
    }

    async fn feeds(&self) -> Result<Vec<FeedCard>, AppError> {
        Ok(self.accounts.feeds(self.library.user()).await.map_err(ApiError::from)?)
    }

    fn makes(&self, output: NarrationOutput) -> bool {
        self.jobs.makes(output)
    }

    async fn narrations(&self, all: bool) -> Result<Vec<NarrationCard>, AppError> {
        let whose = Whose { viewer: self.library.user(), everybodys: all };
        Ok(self.jobs.list(whose, None).await.map_err(ApiError::from)?)
    }

    async fn shared_book(&self, link: &str) -> Result<Option<SharedBook>, AppError> {
        Ok(self.accounts.shared_book(link).await.map_err(ApiError::from)?)
    }

    async fn tokens(&self, person: &Person) -> Result<Vec<TokenCard>, AppError> {
        Ok(self.accounts.tokens(&person.id).await.map_err(ApiError::from)?)
    }

    async fn books(&self) -> Result<Vec<BookCard>, AppError> {
        Ok(self.library.books().await.map_err(ApiError::from)?)
    }

    async fn book(&self, id: &BookId) -> Result<BookDetails, AppError> {
        let book = self.library.book(id).await.map_err(ApiError::from)?;
        // Its page has a button to listen.
        self.wake_voice_of(&book.card);
        Ok(book)
    }

    async fn chapter(&self, id: &BookId, number: u32) -> Result<ChapterPage, AppError> {
        let book = self.library.book(id).await.map_err(ApiError::from)?;
        let chapter = self.library.chapter(id, number).await.map_err(ApiError::from)?;
        self.wake_voice_of(&book.card);
        let title_of = |number: Option<u32>| {
            let wanted = number?;
            let card = book.chapters.iter().find(|chapter| chapter.number == wanted)?;
            Some(card.title.clone())
        };
        Ok(ChapterPage {
            vertical: book.vertical,
            rtl: is_right_to_left(&book.card.language),
            number,
            title: chapter.title.clone(),
            html: chapter.html.clone(),
            sentences: chapter.sentences.len() as u32,
            has_fonts: !book.fonts.is_empty(),
            before: book
                .chapters
                .iter()
                .filter(|chapter| chapter.number < number)
                .map(|chapter| chapter.sentences)
                .sum(),
            previous: title_of(number.checked_sub(1)),
            next: title_of(number.checked_add(1)),
            book: book.card,
        })
    }

    async fn voices(&self, language: &str) -> Result<Vec<Voice>, AppError> {
        let mut voices = self.voices.list();
        let preferences = self.library.recent_preferences().await.map_err(ApiError::from)?;
        let chosen = preferences.voice_for(language);
        let chosen = chosen.and_then(|id| voices.iter().find(|voice| voice.id == id).cloned());
        let usual = self.voices.default_for(language);
        // The language that a book of no known language is taken to be in.
        let spoken = usual.as_ref().map_or(language, |usual| &usual.language).to_owned();
        if let Some(default) = chosen.or(usual) {
            voices.retain(|voice| speaks(voice, &spoken) || voice.id == default.id);
            voices.sort_by_key(|voice| voice.id != default.id);
        }
        Ok(voices)
    }

    async fn is_news(
        &self,
        language: &str,
        now: &Voice,
        last: Option<&str>,
    ) -> Result<bool, AppError> {
        let preferences = self.library.recent_preferences().await.map_err(ApiError::from)?;
        // Where every voice was one of these, none was chosen for how it sounds.
        let last = last.filter(|id| FORMER_ENGINES.iter().any(|engine| id.starts_with(engine)));
        let told = self.library.tell_voice(language, &now.id, last).await;
        // Who has chosen it knows.
        Ok(told.map_err(ApiError::from)? && preferences.voice_for(language).is_none())
    }

    async fn all_voices(&self) -> Result<Vec<Voice>, AppError> {
        Ok(self.voices.list())
    }

    fn engine_kinds(&self) -> Vec<(&'static str, &'static str)> {
        // A program is added on the server: whoever opens the page could run anything.
        let services =
            registry::KINDS.into_iter().filter(|kind| kind.reached_by == ReachedBy::Address);
        services.map(|kind| (kind.name, kind.label)).collect()
    }

    fn packs(&self) -> Vec<PackCard> {
        self.packs.cards()
    }

    async fn engines(&self) -> Result<Vec<EngineCard>, AppError> {
        let mut cards = self.engines.list().await.map_err(ApiError::from)?;
        for card in &mut cards {
            card.rest = self.narrator.rest_card(&card.name).await;
        }
        Ok(cards)
    }

    async fn activity(&self) -> Result<Activity, AppError> {
        Ok(self.narrator.activity().await.map_err(ApiError::from)?)
    }

    fn quiet_hours(&self) -> Option<String> {
        self.jobs.quiet_hours().map(|quiet| quiet.to_string())
    }

    async fn narration_stats(&self) -> Result<NarrationStats, AppError> {
        Ok(self.jobs.stats(Whose::everybodys()).await.map_err(ApiError::from)?)
    }

    async fn take_instructions(&self) -> bool {
        self.voices.take_instructions()
    }

    async fn saved_of(&self, book: &BookId) -> Result<f64, AppError> {
        Ok(self.narrator.saved_of(book).await.map_err(ApiError::from)?)
    }

    async fn reading_statistics(&self) -> Result<ReadingStatistics, AppError> {
        Ok(self.library.reading_statistics().await.map_err(ApiError::from)?)
    }

    async fn storage(&self) -> Result<StorageFigures, AppError> {
        Ok(self.narrator.storage().await.map_err(ApiError::from)?)
    }

    fn endpoints(&self) -> Vec<EndpointCard> {
        (self.endpoints)()
    }

    async fn search(&self, id: &BookId, words: &str) -> Result<(Vec<Hit>, bool), AppError> {
        let hits = self.library.search(id, words).await.map_err(ApiError::from)?;
        let more = hits.len() >= MAX_HITS;
        Ok((hits, more))
    }

    fn has_dictionaries(&self) -> bool {
        !self.dictionaries.is_empty()
    }

    async fn look_up(&self, word: &str, language: &str) -> Result<Vec<DictionaryEntry>, AppError> {
        let (dictionaries, word) = (Arc::clone(&self.dictionaries), word.to_owned());
        let language = language.to_owned();
        let found =
            tokio::task::spawn_blocking(move || dictionaries.look_up(&word, &language)).await;
        Ok(found.map_err(ApiError::from)?)
    }

    async fn annotations(&self, id: &BookId) -> Result<Vec<Annotation>, AppError> {
        Ok(self.library.annotations(id).await.map_err(ApiError::from)?)
    }

    async fn passage(
        &self,
        id: &BookId,
        chapter: u32,
        sentences: RangeInclusive<u32>,
    ) -> Result<Passage, AppError> {
        let card = self.library.book(id).await.map_err(ApiError::from)?.card;
        let voice = card.progress.and_then(|place| place.voice).unwrap_or_default();
        let passage = self.narrator.passage(id, chapter, sentences, &voice).await;
        Ok(passage.map_err(ApiError::from)?)
    }

    async fn vocabulary(
        &self,
        id: &BookId,
        draft: Option<NewPronunciation>,
        replaced: &str,
    ) -> Result<Vocabulary, AppError> {
        let card = self.library.book(id).await.map_err(ApiError::from)?.card;
        let voice = card.progress.and_then(|place| place.voice).unwrap_or_default();
        // What is asked for here is how the narrator says it.
        let voice = CastNames::parse(&voice).narrator;
        let chosen = self.voices.choose(&voice, &card.language);
        let phonemes = chosen.as_ref().is_ok_and(|chosen| chosen.takes_phonemes);
        let found = self.library.vocabulary(id, draft, replaced, phonemes).await;
        let mut vocabulary = found.map_err(ApiError::from)?;
        vocabulary.draft.cost =
            self.voices.cost(&voice, &card.language, vocabulary.draft.characters);
        let words: Vec<&str> = vocabulary.rare.iter().map(|(word, _)| word.as_str()).collect();
        let guessed: HashSet<String> = match &chosen {
            Ok(chosen) => {
                self.voices.guessed(chosen, &words.join(" ")).await.iter().cloned().collect()
            }
            Err(_) => HashSet::new(),
        };
        vocabulary.rare.retain(|(word, _)| guessed.contains(word));
        vocabulary.rare.truncate(MAX_RARE);
        Ok(vocabulary)
    }

    async fn deleted_title(&self, id: &BookId) -> Result<Option<String>, AppError> {
        Ok(self.library.deleted_title(id).await.map_err(ApiError::from)?)
    }

    async fn chapter_open(&self, place: &ListenerPosition) -> Result<Option<String>, AppError> {
        Ok(self.narrator.chapter_open(place).await.map_err(ApiError::from)?)
    }

    async fn page_open(&self, place: &ListenerPosition) -> Result<(), AppError> {
        Ok(self.narrator.page_open(place).await.map_err(ApiError::from)?)
    }

    async fn chapter_change(&self, place: &ListenerPosition) -> Result<(), AppError> {
        Ok(self.narrator.chapter_change(place).await.map_err(ApiError::from)?)
    }
}
