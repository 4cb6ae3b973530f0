//! Speech: programs and services that turn a sentence into sound, behind one trait.
//!
//! An engine is handed normalised text and returns a [`Clip`]: MP3 whose duration is known to the
//! sample. Everything an engine says is checked ([`encoding`]) before anyone keeps it.
//!
//! [`registry`] lists every engine. Those that are installed as programs are found at the start; others are
//! configured by a person ([`settings`], kept by [`engines`]) and may come and go while the server runs.

pub mod addresses;
mod background;
mod budget;
mod cast;
mod chosen;
mod command;
mod elevenlabs;
mod encoding;
pub mod engines;
mod error;
mod espeak;
mod flite;
pub mod neural;
mod openai;
pub mod overlay;
pub mod packs;
mod piper;
mod process;
pub mod registry;
mod secrets;
mod service;
pub mod settings;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use app::model::{BookCard, Budget, FAST_ENOUGH, OVERLAY_VOICE, Voice};
use async_trait::async_trait;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::audio::Clip;
use crate::text::hash::{Context, VoiceKey};
use crate::text::language::primary_subtag;
use budget::{Ledger, LedgerError};
use chosen::first_take;
use overlay::Overlays;
use registry::Places;
use settings::{EngineSettings, ReachedBy};

pub use background::in_background;
pub use cast::Cast;
pub use chosen::{ChosenVoice, at_own_rate};
pub use error::{Effect, NO_PAYER, Program, VoiceError};
pub use secrets::{Secrets, SecretsError};

/// Format of clips that are encoded here, part of their keys: MP3, mono, constant 48 kbit/s.
const FORMAT: &str = "mp3-48k";

/// Books of which it is remembered which words a voice does not know.
const MAX_GUESSED: u64 = 32;

/// The language of a voice that speaks many (ISO 639-2).
pub const MANY_LANGUAGES: &str = "mul";

/// What an engine is asked to say.
#[derive(Debug, Clone, Copy)]
pub struct Utterance<'a> {
    /// Normalised text that has something to pronounce.
    pub text: &'a str,
    /// What is said around it and how it is to be spoken, if the engine wants to know.
    pub context: Option<&'a Context>,
    /// The engine's own name for one of its voices.
    pub voice: &'a str,
    /// The engine's own rate; 1 is its default. Never the listener's playback speed.
    pub speed: f64,
}

/// How many sentences an engine makes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// As many as this machine's processors are given; it shares them with the others of this kind.
    Shared,
    /// So many in each process, on this machine's processors.
    InProcess(usize),
    /// So many of all processes together: it works elsewhere.
    InAll(usize),
}

/// A program or service that speaks.
///
/// An engine that a person has configured has [`settings`](Self::settings), and everything but speaking
/// follows from them.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Its name in voice ids and keys, e.g. `espeak-ng`.
    fn name(&self) -> &str;

    /// Whether it sends what it speaks to an address that a person has entered.
    fn is_service(&self) -> bool {
        self.settings().is_some_and(|settings| settings.kind.reached_by == ReachedBy::Address)
    }

    /// What a person has said of it, if a person has.
    fn settings(&self) -> Option<&EngineSettings> {
        None
    }

    /// The model that speaks; engines that have one only repeat their name.
    fn model(&self) -> &str {
        self.settings().map_or(self.name(), |settings| &settings.model)
    }

    /// The rate it speaks at unless it is asked for another.
    fn speed(&self) -> f64 {
        self.settings().map_or(1.0, |settings| settings.speed)
    }

    /// The format of its clips, as it stands in keys.
    fn format(&self) -> String {
        self.settings().map_or_else(|| FORMAT.to_owned(), EngineSettings::format)
    }

    /// The voices it has, best first within a language.
    fn voices(&self) -> &[Voice] {
        self.settings().map_or(&[], |settings| &settings.voices)
    }

    /// Samples a second of its clips.
    fn sample_rate(&self) -> u32 {
        self.settings().map_or(0, |settings| settings.sample_rate)
    }

    /// Whether it sounds different for what is said around a sentence.
    fn wants_context(&self) -> bool {
        self.settings().is_some_and(|settings| settings.context && settings.kind.takes_context)
    }

    /// Whether it can be told in words how to speak: as far as that is known of its model, or the operator tells it
    /// something. Others refuse the field, or pass it over, and would be paid for the same sound twice.
    fn takes_instructions(&self) -> bool {
        self.settings().is_some_and(|settings| {
            let is_told = !settings.instructions.is_empty() || settings.model.contains("gpt-");
            settings.kind.takes_instructions && is_told
        })
    }

    /// Whether its clips say when each word begins.
    fn times_words(&self) -> bool {
        self.settings().is_some_and(|settings| settings.words && settings.kind.times_words)
    }

    /// Whether it speaks any text, and is a voice to choose for it.
    fn speaks_texts(&self) -> bool {
        true
    }

    /// Whether it says phonemes where a text has them; others are given the text without.
    fn takes_phonemes(&self) -> bool {
        false
    }

    /// Whether it is given words for the figures, signs and abbreviations that it would say wrong.
    fn wants_words(&self) -> bool {
        false
    }

    /// Whether it may say the same text otherwise when it is asked once more.
    fn varies(&self) -> bool {
        self.settings().is_some()
    }

    /// What a million characters cost, in whatever currency the operator counts.
    fn price(&self) -> f64 {
        self.settings().map_or(0.0, |settings| settings.price)
    }

    /// Whether it may speak for a book, or for a program that is not particular, without being chosen.
    fn is_free(&self) -> bool {
        self.price() <= 0.0
    }

    /// Whether it is good to listen to for hours. Such a voice comes before others of its language, whatever
    /// their accent.
    fn is_natural(&self) -> bool {
        false
    }

    /// Whether it keeps ahead of a listener on this machine, as far as that is known.
    fn keeps_ahead(&self) -> bool {
        self.times_real().is_none_or(|times| times >= FAST_ENOUGH)
    }

    /// How many times as fast as its sound lasts it speaks on this machine, if that is known.
    fn times_real(&self) -> Option<f64> {
        None
    }

    /// How many sentences it makes at once.
    fn capacity(&self) -> Capacity {
        self.settings().map_or(Capacity::Shared, |settings| {
            let most = usize::from(settings.concurrency.max(1));
            match settings.kind.reached_by {
                ReachedBy::CommandLine => Capacity::InProcess(most),
                ReachedBy::Address => Capacity::InAll(most),
            }
        })
    }

    /// Those of some words, parted by spaces, that it has in no lexicon and reads as they look; `None` where it cannot tell.
    async fn guessed(&self, _words: &str, _voice: &str) -> Option<Vec<String>> {
        None
    }

    /// The longest it may take for a sentence.
    fn time_limit(&self) -> Duration {
        self.settings().map_or(process::SMALL_PROGRAM.time, |settings| settings.time_limits.total())
    }

    /// The voices it has by its own account, for when a person names none.
    async fn list_voices(&self) -> Result<Vec<Voice>, VoiceError> {
        Ok(self.voices().to_vec())
    }

    /// Somebody may press play soon: what takes long to start is started.
    fn wake(&self) {}

    /// Speaks.
    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError>;
}

/// Engines that are enabled and reachable.
struct EngineSet {
    engines: Vec<Arc<dyn Engine>>,
    list: Vec<Voice>,
}

/// All engines of this installation.
pub struct Voices {
    /// A std lock: held to clone a handle, never across an await.
    engine_set: RwLock<Arc<EngineSet>>,
    /// Those that are here, those that a person has configured, and the sound of books. A std lock, never held across
    /// an await.
    engines: Mutex<[Vec<Arc<dyn Engine>>; 3]>,
    /// How often they have changed.
    version: AtomicU64,
    /// How many engines speak on this machine's processors at once.
    running: Semaphore,
    preferred: Option<String>,
    /// Where spending is booked; nothing is booked without one.
    ledger: OnceLock<Ledger>,
    /// Which words voices do not know, by the voice and the hash of those that were asked for.
    guessed: Cache<(String, [u8; 32]), Arc<[String]>>,
}

/// A clip, and what it cost.
#[derive(Debug)]
pub struct Spoken {
    /// The sound.
    pub clip: Clip,
    /// In millionths of the operator's currency.
    pub cost: u64,
}

impl Voices {
    /// Looks for the engines that are installed. `preferred` is the voice id to use where it
    /// speaks the book's language.
    pub async fn installed(preferred: Option<String>, places: &Places) -> Self {
        let engines = find(places).await;
        if engines.is_empty() {
            tracing::warn!("no voice is installed");
        }
        Self::new(engines, preferred, places.parallel)
    }

    /// Voices of the engines given.
    pub fn new(
        installed: Vec<Arc<dyn Engine>>,
        preferred: Option<String>,
        parallel: usize,
    ) -> Self {
        let engine_set = RwLock::new(Arc::new(EngineSet::of(installed.clone())));
        let running = Semaphore::new(parallel.max(1));
        let engines = Mutex::new([installed, Vec::new(), Vec::new()]);
        let (version, ledger) = (AtomicU64::new(0), OnceLock::new());
        let guessed = Cache::new(MAX_GUESSED);
        Self { engine_set, engines, version, running, preferred, ledger, guessed }
    }

    /// Looks again for the engines that are installed. One that is still there goes on.
    pub async fn look_again(&self, places: &Places) {
        let mut found = find(places).await;
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        for engine in &mut found {
            let is_same = |known: &&Arc<dyn Engine>| {
                known.name() == engine.name() && known.model() == engine.model()
            };
            if let Some(known) = engines[0].iter().find(is_same) {
                *engine = Arc::clone(known);
            }
        }
        engines[0] = found;
        self.set(&engines);
    }

    /// Replaces the engines that are not installed here.
    pub fn configure(&self, configured: Vec<Arc<dyn Engine>>) {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines[1] = configured;
        self.set(&engines);
    }

    /// Books may bring a sound of their own.
    pub fn add_overlays(&self, overlays: Overlays) {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines[2] = vec![Arc::new(overlays)];
        self.set(&engines);
    }

    fn set(&self, engines: &[Vec<Arc<dyn Engine>>; 3]) {
        *self.engine_set.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(EngineSet::of(engines.concat()));
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells one state of the engines from another.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// From here on, spending is booked.
    pub fn keep_ledger(&self, ledger: Ledger) {
        // A second one would be of the same database.
        let _ = self.ledger.set(ledger);
    }

    fn engine_set(&self) -> Arc<EngineSet> {
        Arc::clone(&self.engine_set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether what an engine speaks costs money.
    pub fn costs(&self, engine: &str) -> bool {
        self.engine_set().engine(engine).is_ok_and(|engine| !engine.is_free())
    }

    /// Whether an engine is here.
    pub fn has_engine(&self, engine: &str) -> bool {
        self.engine_set().engine(engine).is_ok()
    }

    /// The engines with limits of their own, and how many sentences each makes at once.
    pub fn capacities(&self) -> Vec<(String, Capacity)> {
        let engines = &self.engine_set().engines;
        let own = |engine: &Arc<dyn Engine>| match engine.capacity() {
            Capacity::Shared => None,
            capacity => Some((engine.name().to_owned(), capacity)),
        };
        engines.iter().filter_map(own).collect()
    }

    /// The longest that an engine may take for a sentence.
    pub fn time_limit(&self, engine: &str) -> Duration {
        let set = self.engine_set();
        set.engine(engine).map_or(process::SMALL_PROGRAM.time, |engine| engine.time_limit())
    }

    /// How many times as fast as its sound lasts an engine speaks on this machine, if that is known.
    pub fn times_real(&self, engine: &str) -> Option<f64> {
        self.engine_set().engine(engine).ok()?.times_real()
    }

    /// Has the engine of a voice get ready.
    pub fn wake(&self, id: &str, language: &str) {
        if let Ok(voice) = self.choose(id, language)
            && let Ok(engine) = self.engine_set().engine(&voice.key.engine)
        {
            engine.wake();
        }
    }

    /// Whether a voice that is there can be told in words how to speak.
    pub fn take_instructions(&self) -> bool {
        self.engine_set().engines.iter().any(|engine| engine.takes_instructions())
    }

    /// Which of some words a voice reads as they look, as far as it can tell. It is asked once, however many look at a
    /// book at the same time.
    pub async fn guessed(&self, voice: &ChosenVoice, words: &str) -> Arc<[String]> {
        let asked = (voice.id.clone(), Sha256::digest(words.as_bytes()).into());
        let set = self.engine_set();
        let ask = async {
            let engine = set.engine(&voice.key.engine).ok()?;
            engine.guessed(words, &voice.key.voice).await.map(Arc::from)
        };
        self.guessed.optionally_get_with(asked, ask).await.unwrap_or_default()
    }

    /// Whether an engine may say the same text otherwise when it is asked once more.
    pub fn varies(&self, engine: &str) -> bool {
        self.engine_set().engine(engine).is_ok_and(|engine| engine.varies())
    }

    /// Whether there is a voice that is good to listen to for hours.
    pub fn speaks_naturally(&self) -> bool {
        self.engine_set().engines.iter().any(|engine| engine.is_natural())
    }

    /// Every voice, by engine.
    pub fn list(&self) -> Vec<Voice> {
        self.engine_set().list.clone()
    }

    /// The voice with an id; the default for a language when the id is empty.
    pub fn choose(&self, id: &str, language: &str) -> Result<ChosenVoice, VoiceError> {
        let engine_set = self.engine_set();
        if id.is_empty() {
            let voice = self
                .default_for(language)
                .ok_or_else(|| VoiceError::NoSuchVoice(format!("for {language}")))?;
            return engine_set.chosen(&voice.id);
        }
        engine_set.chosen(id)
    }

    /// The voice that is the sound of a book.
    ///
    /// # Errors
    /// Never where books are read.
    pub fn overlay(&self) -> Result<ChosenVoice, VoiceError> {
        let engine_set = self.engine_set();
        let voice = engine_set.engine(overlay::NAME)?.voices().first();
        engine_set.chosen_of(voice.ok_or_else(|| no_such_voice(OVERLAY_VOICE))?)
    }

    /// The id of the voice that a book is read with unless another is chosen; empty when there is none.
    pub fn usual_for(&self, book: &BookCard) -> String {
        if book.read_by.is_some() {
            return OVERLAY_VOICE.to_owned();
        }
        self.default_for(&book.language).map(|voice| voice.id).unwrap_or_default()
    }

    /// What it costs to speak so many characters in a voice, the default one when the id is empty; nothing when
    /// it is free or there is no such voice.
    pub fn cost(&self, id: &str, language: &str, characters: u64) -> f64 {
        let Ok(chosen) = self.choose(id, language) else { return 0.0 };
        self.cost_of(&chosen.key.engine, characters)
    }

    /// What it costs to have an engine speak so many characters.
    pub fn cost_of(&self, engine: &str, characters: u64) -> f64 {
        let price = self.engine_set().engine(engine).map_or(0.0, |one| one.price());
        characters as f64 * price / 1e6
    }

    /// The same in whole millionths, as it is booked.
    pub fn price_of(&self, engine: &str, characters: u64) -> u64 {
        (self.cost_of(engine, characters) * 1e6).round() as u64
    }

    /// How many sentences an engine may be given at once.
    pub fn capacity(&self, engine: &str) -> Capacity {
        self.engine_set().engine(engine).map_or(Capacity::Shared, |engine| engine.capacity())
    }

    /// The voice a book in this language is read with unless another is chosen. Never one that costs something
    /// or that sends the book to a service, unless the operator prefers it.
    pub fn default_for(&self, language: &str) -> Option<Voice> {
        let engine_set = self.engine_set();
        let wanted = if language == "und" { "en" } else { language };
        let voices = || engine_set.list.iter();
        let preferred = self.preferred.as_ref().and_then(|id| {
            voices().filter(|voice| speaks(voice, wanted)).find(|voice| voice.id == *id)
        });
        let is_free = |voice: &&Voice| {
            let engine = engine_set.engine(&voice.engine);
            engine.is_ok_and(|engine| engine.is_free() && !engine.is_service())
        };
        // Of the first engine that is natural and fast enough here, a voice with the accent if there is one.
        let is_natural = |voice: &&Voice| {
            let engine = engine_set.engine(&voice.engine);
            speaks(voice, wanted)
                && engine.is_ok_and(|engine| engine.is_natural() && engine.keeps_ahead())
        };
        let natural = || {
            let first = voices().filter(is_free).find(is_natural)?;
            let of_engine = || voices().filter(|voice| voice.engine == first.engine);
            let exact = of_engine().find(|voice| voice.language.eq_ignore_ascii_case(wanted));
            Some(exact.unwrap_or(first))
        };
        let is_quick = |voice: &&Voice| {
            let engine = engine_set.engine(&voice.engine);
            is_free(voice) && engine.is_ok_and(|engine| engine.keeps_ahead())
        };
        let exact =
            || voices().filter(is_quick).find(|voice| voice.language.eq_ignore_ascii_case(wanted));
        let quick = || voices().filter(is_quick).find(|voice| speaks(voice, wanted));
        let any = || voices().filter(is_free).find(|voice| speaks(voice, wanted));
        preferred.or_else(natural).or_else(exact).or_else(quick).or_else(any).cloned()
    }

    /// The voice that a program calls by its name without the engine: of the engine that `model` names, by
    /// its name or its model, else the only one, else one that is free.
    pub fn named(&self, name: &str, model: &str) -> Result<String, VoiceError> {
        let engine_set = self.engine_set();
        let has_name =
            |voice: &&Voice| voice.id.split_once(':').is_some_and(|(_, own)| own == name);
        let all: Vec<_> = engine_set
            .list
            .iter()
            .filter(has_name)
            .filter_map(|voice| Some((voice, engine_set.engine(&voice.engine).ok()?)))
            .collect();
        let of_model =
            all.iter().find(|(_, engine)| engine.name() == model || engine.model() == model);
        let only = || if let [one] = &all[..] { Some(one) } else { None };
        let free = || all.iter().find(|(_, engine)| engine.is_free());
        let found = of_model.or_else(only).or_else(free);
        let missing = || VoiceError::NoSuchVoice(name.chars().take(80).collect());
        found.map(|(voice, _)| voice.id.clone()).ok_or_else(missing)
    }

    /// Speaks, within the engine's budget.
    pub async fn speak(
        &self,
        text: &str,
        context: Option<&Context>,
        voice: &VoiceKey,
    ) -> Result<Spoken, VoiceError> {
        let engine = Arc::clone(self.engine_set().engine(&voice.engine)?);
        // What is kept under a key was made by what the key says, also when settings change meanwhile.
        let speed = voice.speed.parse().ok();
        let Some(speed) = speed.filter(|_| {
            engine.model() == voice.model && engine.format() == first_take(&voice.format)
        }) else {
            return Err(VoiceError::NoSuchVoice(format!("{}:{}", voice.engine, voice.voice)));
        };
        let _running = match engine.capacity() {
            // The semaphore is never closed.
            Capacity::Shared | Capacity::InProcess(_) => self.running.acquire().await.ok(),
            Capacity::InAll(_) => None,
        };
        let utterance = Utterance { text, context, voice: &voice.voice, speed };
        self.speak_booked(&*engine, utterance).await
    }

    /// Has an engine speak, and books it: before the engine is asked, so that no budget is exceeded.
    pub(crate) async fn speak_booked(
        &self,
        engine: &dyn Engine,
        utterance: Utterance<'_>,
    ) -> Result<Spoken, VoiceError> {
        let characters = utterance.text.chars().count() as u64;
        let cost = cost_of(characters, engine.price());
        let budget = engine.settings().map(|settings| settings.budget);
        let (Some(budget), Some(ledger)) = (budget, self.ledger.get()) else {
            return Ok(Spoken { clip: engine.speak(utterance).await?, cost });
        };
        let booking = book(ledger, engine.name(), &budget, (characters, cost)).await?;
        let spoken = engine.speak(utterance).await;
        if let Err(error) = &spoken
            && !error.may_have_cost()
            && let Err(error) = ledger.take_back(&booking).await
        {
            tracing::warn!(%error, "what was booked and not spoken stays booked");
        }
        Ok(Spoken { clip: spoken?, cost: booking.cost() })
    }
}

async fn book(
    ledger: &Ledger,
    engine: &str,
    budget: &Budget,
    amount: (u64, u64),
) -> Result<budget::Booking, VoiceError> {
    ledger.book(engine, budget, amount).await.map_err(|error| match error {
        LedgerError::OverBudget(error) => error,
        LedgerError::Database(error) => {
            tracing::error!(%error, "spending cannot be booked");
            let reason = format!("What “{engine}” spends cannot be booked.");
            VoiceError::NotReady { reason }
        }
    })
}

impl EngineSet {
    fn of(engines: Vec<Arc<dyn Engine>>) -> Self {
        let speak = engines.iter().filter(|engine| engine.speaks_texts());
        let list = speak.flat_map(|engine| engine.voices().to_vec()).collect();
        Self { engines, list }
    }

    fn chosen(&self, id: &str) -> Result<ChosenVoice, VoiceError> {
        let listed = self.list.iter().find(|voice| voice.id == id);
        self.chosen_of(listed.ok_or_else(|| no_such_voice(id))?)
    }

    fn chosen_of(&self, listed: &Voice) -> Result<ChosenVoice, VoiceError> {
        let id = &listed.id;
        let (name, voice) = id.split_once(':').ok_or_else(|| no_such_voice(id))?;
        let engine = self.engine(name)?;
        Ok(ChosenVoice {
            id: id.clone(),
            key: VoiceKey {
                engine: name.to_owned(),
                model: engine.model().to_owned(),
                voice: voice.to_owned(),
                speed: engine.speed().to_string(),
                format: engine.format(),
            },
            language: listed.language.clone(),
            sample_rate: engine.sample_rate(),
            wants_context: engine.wants_context(),
            takes_instructions: engine.takes_instructions(),
            times_words: engine.times_words(),
            takes_phonemes: engine.takes_phonemes(),
            wants_words: engine.wants_words(),
        })
    }

    fn engine(&self, name: &str) -> Result<&Arc<dyn Engine>, VoiceError> {
        let engine = self.engines.iter().find(|engine| engine.name() == name);
        engine.ok_or_else(|| VoiceError::NoSuchVoice(name.to_owned()))
    }
}

fn no_such_voice(id: &str) -> VoiceError {
    VoiceError::NoSuchVoice(id.chars().take(80).collect())
}

/// Whether a voice speaks a language.
pub fn speaks(voice: &Voice, language: &str) -> bool {
    voice.language == MANY_LANGUAGES
        || primary_subtag(&voice.language).eq_ignore_ascii_case(primary_subtag(language))
}

/// The engines that are on this machine, the best first.
async fn find(places: &Places) -> Vec<Arc<dyn Engine>> {
    let mut found = Vec::new();
    let mut add = |engine: Result<Arc<dyn Engine>, VoiceError>| match engine {
        Ok(engine) => found.push(engine),
        Err(error) => tracing::info!(error = error.in_full(), "a voice is not available"),
    };
    neural::find(places).await.into_iter().for_each(&mut add);
    for program in registry::INSTALLED {
        add((program.find)().await);
    }
    found
}

/// A price a million characters is as many millionths a character.
fn cost_of(characters: u64, price: f64) -> u64 {
    // Prices are bounded by their settings, texts by the engine's limit; a negative one saturates at 0.
    (characters as f64 * price).round() as u64
}

#[cfg(test)]
mod tests;
