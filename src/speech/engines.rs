//! Engines that a person has configured: kept in SQL, their keys encrypted, and given to [`Voices`] of
//! every server and worker that shares the database.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::model::{EngineCard, Voice};
use bytes::Bytes;
use sqlx::{AnyPool, Row};
use thiserror::Error;

use super::budget::Ledger;
use super::settings::{EngineSettings, InvalidSettings, ReachedBy};
use super::{Engine, Secrets, SecretsError, Utterance, VoiceError, Voices};
use crate::audio::Clip;
use crate::time::now_ms;

/// How often what other processes have changed is looked for.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(3);
/// For how long an engine that was removed is forgotten again and again: longer than a sentence is in hand.
const FORGOTTEN_FOR: Duration = Duration::from_secs(600);
/// Engines that may be configured.
const MAX_ENGINES: usize = 50;
/// What a test says when it is given nothing to say.
pub const TEST_SENTENCE: &str = "The quick brown fox jumps over the lazy dog.";

/// What can go wrong with engines.
#[derive(Debug, Error)]
pub enum EnginesError {
    /// The settings cannot be so.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// No engine of this name.
    #[error("There is no engine “{0}”.")]
    NoSuchEngine(String),
    /// More than can be.
    #[error("There are {MAX_ENGINES} engines already. Remove one first.")]
    TooMany,
    /// A key cannot be kept or read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The engine did not answer as one.
    #[error("{}", .0.in_full())]
    Voice(#[from] VoiceError),
    /// SQL failed.
    #[error("the list of engines failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Stored settings cannot be read.
    #[error("the settings of an engine are damaged: {0}")]
    Damaged(#[from] serde_json::Error),
}

/// The configured engines. Cheap to clone.
#[derive(Clone)]
pub struct Engines {
    shared: Arc<Shared>,
}

struct Shared {
    database: AnyPool,
    secrets: Secrets,
    voices: Arc<Voices>,
    ledger: Ledger,
    /// What was last given to the voices. A std mutex, never held across an await.
    seen: Mutex<Option<Version>>,
    /// What each said when it was tested last, to be heard without paying again. A std mutex, never held
    /// across an await.
    tested: Mutex<HashMap<String, Bytes>>,
    /// The engines as they were built, by name and time of their settings: a change of one leaves the others
    /// as they are.
    built: tokio::sync::Mutex<HashMap<(String, i64), Arc<dyn Engine>>>,
    /// Those that sentences wait for and that are not in use here, until it is looked whether they are in the list. A
    /// std mutex, never held across an await.
    expected: Mutex<HashSet<String>>,
    /// Those that were here and are not any more, and until when they are forgotten. A std mutex, never held across an
    /// await.
    removed: Mutex<HashMap<String, Instant>>,
}

/// Tells one state of the table from another.
type Version = (i64, i64);

impl Engines {
    /// The engines in a database, for `voices`.
    pub fn new(database: AnyPool, secrets: Secrets, voices: Arc<Voices>) -> Self {
        let ledger = Ledger::new(database.clone());
        voices.keep_ledger(ledger.clone());
        let shared = Shared {
            database,
            secrets,
            voices,
            ledger,
            seen: Mutex::default(),
            tested: Mutex::default(),
            built: Default::default(),
            expected: Mutex::default(),
            removed: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds an engine, or changes the one of the same name. Its voices are asked for when none are
    /// named; without a key, the one it had is kept. Nothing is stored unless it is sound.
    pub async fn add(
        &self,
        mut settings: EngineSettings,
        key: Option<String>,
    ) -> Result<Vec<Voice>, EnginesError> {
        let key = match key.filter(|key| !key.trim().is_empty()) {
            Some(key) => Some(key.trim().to_owned()),
            // A key is not sent to another address than it was given for.
            None => match self.stored(&settings.name).await? {
                Some((old, key)) if old.url == settings.url => key,
                _ => None,
            },
        };
        if settings.voices.is_empty() && settings.kind.reached_by == ReachedBy::Address {
            // What is needed to ask for voices must be right first.
            let mut asking = settings.clone();
            asking.voices = vec![settings.voice("unknown")];
            asking.check()?;
            settings.voices = (asking.kind.build)(asking, key.clone())?.list_voices().await?;
        }
        settings.check()?;
        let secret = key.map(|key| self.shared.secrets.seal(&settings.name, &key)).transpose()?;
        let database = &self.shared.database;
        let count: i64 = sqlx::query("SELECT COUNT(*) AS count FROM engines WHERE name <> $1")
            .bind(&settings.name)
            .fetch_one(database)
            .await?
            .try_get("count")?;
        if count as usize >= MAX_ENGINES {
            return Err(EnginesError::TooMany);
        }
        sqlx::query(
            "INSERT INTO engines (name, settings, secret, updated_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, \
             secret = excluded.secret, updated_at = excluded.updated_at",
        )
        .bind(&settings.name)
        .bind(serde_json::to_string(&settings)?)
        .bind(secret)
        .bind(now_ms() as i64)
        .execute(database)
        .await?;
        self.refresh().await?;
        Ok(settings.voices)
    }

    /// Takes an engine away. Clips it has made stay.
    pub async fn remove(&self, name: &str) -> Result<(), EnginesError> {
        let done = sqlx::query("DELETE FROM engines WHERE name = $1")
            .bind(name)
            .execute(&self.shared.database)
            .await?;
        if done.rows_affected() == 0 {
            return Err(EnginesError::NoSuchEngine(name.to_owned()));
        }
        self.refresh().await
    }

    /// Speaks a sentence that is not kept; `voice` is the engine's first when it is empty.
    pub async fn test(&self, name: &str, voice: &str, text: &str) -> Result<Clip, EnginesError> {
        let engine = self.build(name).await?;
        let own = engine.voices().first().map_or("", |voice| &voice.id[name.len() + 1..]);
        let voice = if voice.is_empty() { own } else { voice };
        let speed = engine.speed();
        let utterance = Utterance { text, context: None, voice, speed };
        let clip = self.shared.voices.speak_booked(&*engine, utterance).await?.clip;
        let mut tested = self.shared.tested.lock().unwrap_or_else(PoisonError::into_inner);
        tested.insert(name.to_owned(), clip.bytes.clone());
        Ok(clip)
    }

    /// What an engine said when it was tested last, since the start.
    pub fn tested(&self, name: &str) -> Option<Bytes> {
        let tested = self.shared.tested.lock().unwrap_or_else(PoisonError::into_inner);
        tested.get(name).cloned()
    }

    /// What a person has said of an engine.
    pub async fn settings(&self, name: &str) -> Result<Option<EngineSettings>, EnginesError> {
        let row = sqlx::query("SELECT settings FROM engines WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.shared.database)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(serde_json::from_str(&row.try_get::<String, _>("settings")?)?))
    }

    /// What is told of engines: everything but their keys.
    pub async fn list(&self) -> Result<Vec<EngineCard>, EnginesError> {
        let rows = sqlx::query("SELECT settings, secret FROM engines ORDER BY name")
            .fetch_all(&self.shared.database)
            .await?;
        let mut cards = Vec::with_capacity(rows.len());
        for row in rows {
            let settings: EngineSettings =
                serde_json::from_str(&row.try_get::<String, _>("settings")?)?;
            let has_key = row.try_get::<Option<String>, _>("secret")?.is_some();
            let spent = self.shared.ledger.spending(&settings.name).await?;
            cards.push(EngineCard {
                kind: settings.kind.name.to_owned(),
                kind_label: settings.kind.label.to_owned(),
                name: settings.name,
                url: settings.url,
                model: settings.model,
                instructions: settings.instructions,
                voices: settings.voices,
                price: settings.price,
                concurrency: settings.concurrency,
                first_byte_seconds: settings.time_limits.first_byte,
                total_seconds: settings.time_limits.total,
                budget: settings.budget,
                spent,
                rest: None,
                has_key,
            });
        }
        Ok(cards)
    }

    /// Gives the voices the engines as they are now, if that is news. One that cannot be used is left
    /// out, and the log says why.
    pub async fn refresh(&self) -> Result<(), EnginesError> {
        let Shared { database, voices, .. } = &*self.shared;
        let state = sqlx::query(
            "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(updated_at), 0) AS BIGINT) AS changed \
             FROM engines",
        )
        .fetch_one(database)
        .await?;
        let version: Version = (state.try_get("count")?, state.try_get("changed")?);
        if *self.seen() == Some(version) && self.expected().is_empty() {
            return Ok(());
        }
        let mut built = self.shared.built.lock().await;
        let rows = sqlx::query("SELECT name, updated_at FROM engines ORDER BY name")
            .fetch_all(database)
            .await?;
        let (mut engines, mut listed) = (HashMap::new(), HashSet::new());
        for row in rows {
            let name: String = row.try_get("name")?;
            listed.insert(name.clone());
            let of = (name.clone(), row.try_get::<i64, _>("updated_at")?);
            let engine = match built.get(&of) {
                Some(engine) => Ok(Arc::clone(engine)),
                None => self.build(&name).await,
            };
            match engine {
                Ok(engine) => drop(engines.insert(of, engine)),
                // The same would be said of it next time; of a database that is gone it would not.
                Err(error @ EnginesError::Database(_)) => return Err(error),
                Err(error) => tracing::warn!(name, %error, "an engine cannot be used"),
            }
        }
        // One that cannot be used here may be used by others.
        let is_gone = |name: &&String| !listed.contains(*name);
        let expected = std::mem::take(&mut *self.expected());
        let known = built.keys().map(|(name, _)| name).chain(&expected);
        let gone: Vec<String> = known.filter(is_gone).cloned().collect();
        {
            let until = Instant::now() + FORGOTTEN_FOR;
            let mut removed = self.shared.removed.lock().unwrap_or_else(PoisonError::into_inner);
            removed.extend(gone.into_iter().map(|name| (name, until)));
            // It may have come back.
            removed.retain(|name, _| !listed.contains(name));
        }
        *built = engines;
        let mut engines: Vec<_> = built.values().cloned().collect();
        engines.sort_by(|one, other| one.name().cmp(other.name()));
        voices.configure(engines);
        *self.seen() = Some(version);
        Ok(())
    }

    async fn build(&self, name: &str) -> Result<Arc<dyn Engine>, EnginesError> {
        let missing = || EnginesError::NoSuchEngine(name.to_owned());
        let (settings, key) = self.stored(name).await?.ok_or_else(missing)?;
        Ok((settings.kind.build)(settings, key)?)
    }

    /// Says for which engines sentences wait: those of them that the list does not have were removed.
    pub async fn expect(&self, mut names: HashSet<String>) {
        // Of those that are in use it is known.
        for (name, _) in self.shared.built.lock().await.keys() {
            names.remove(name);
        }
        *self.expected() = names;
    }

    fn expected(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.shared.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refreshes every few seconds, and for a while says each time which engines are no more: what was in hand when one
    /// went may come back to its lanes.
    pub async fn keep_up<F: Future<Output = ()>>(self, forget: impl Fn(String) -> F) {
        loop {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the list of engines could not be read");
            }
            let removed: Vec<String> = {
                let mut removed =
                    self.shared.removed.lock().unwrap_or_else(PoisonError::into_inner);
                removed.retain(|_, until| *until > Instant::now());
                removed.keys().cloned().collect()
            };
            for name in removed {
                forget(name).await;
            }
            tokio::time::sleep(REFRESH_INTERVAL).await;
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Option<Version>> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An engine's settings and key.
    async fn stored(
        &self,
        name: &str,
    ) -> Result<Option<(EngineSettings, Option<String>)>, EnginesError> {
        let row = sqlx::query("SELECT settings, secret FROM engines WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.shared.database)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let settings = serde_json::from_str(&row.try_get::<String, _>("settings")?)?;
        let secret: Option<String> = row.try_get("secret")?;
        let open = |sealed: String| self.shared.secrets.open_sealed(name, &sealed);
        Ok(Some((settings, secret.map(open).transpose()?)))
    }
}
