//! Earmark's server: a library of books, voices that read them, and the pages.
//!
//! A request comes in through [`http`], which knows about routes, headers and errors. Pages render
//! through `app` and come back through [`backend`]; the API and the streams go to [`library`] and
//! [`narrator`] directly. The narrator sees to it that sentences are spoken by [`voices`] before
//! they are needed. What a sentence is, and how it is named, is decided in [`text`], which does no
//! I/O.

pub mod backend;
mod children;
pub mod config;
pub mod http;
pub mod library;
pub mod narrator;
pub mod redis;
mod stores;
pub mod text;
pub mod voices;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use leptos::config::{Env, LeptosOptions, get_configuration};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::redis::Link;
use config::{DataConfig, NarrationConfig, ServeConfig, ServerConfig, SharedConfig, WorkerConfig};
use http::{AppState, Limits};
pub use stores::{Stores, keep_files_private};

use library::import::{ChildLimits, ImportError, Importer};
use library::{Library, LibraryError};
use narrator::queue::{QueueError, Timing};
use narrator::{Narrator, NarratorConfig};
use voices::engines::{Engines, EnginesError};
use voices::{Secrets, SecretsError, Voices};

/// Work in flight may take this long to end after it was told to.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(8);
/// And the database this long to write what is pending: ten seconds in all.
const CLOSE_LIMIT: Duration = Duration::from_millis(1500);

/// Milliseconds since 1970, as SQL and Redis have times.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Why Earmark cannot start or go on.
#[derive(Debug, Error)]
pub enum RunError {
    /// The data folder cannot be used.
    #[error("the data folder {folder} cannot be used: {reason}")]
    Data {
        /// Where it is.
        folder: String,
        /// What is wrong.
        reason: String,
    },
    /// The database cannot be used.
    #[error("DATABASE_URL cannot be used: {0}")]
    Database(String),
    /// The object store cannot be used.
    #[error("EARMARK_OBJECTS_URL cannot be used: {0}")]
    Objects(String),
    /// The key for secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// An engine cannot be kept or does not speak.
    #[error(transparent)]
    Engines(#[from] EnginesError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// What is wrong.
        source: io::Error,
    },
    /// The library failed.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// Files cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The address of Redis is not one.
    #[error("REDIS_URL cannot be used: {0}")]
    Redis(#[from] ::redis::RedisError),
    /// What was asked for is in Redis, and none was named.
    #[error("this needs Redis: set REDIS_URL")]
    NoRedis,
    /// The queue cannot be asked.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The server failed.
    #[error("the server failed: {0}")]
    Serve(#[from] io::Error),
}

/// Serves on `listener` until `shutdown`, then finishes what is in flight.
pub async fn run(
    config: ServeConfig,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let stores = Stores::open(&config.data).await?;
    let link = open_link(&config.shared, &shutdown).await?;
    let library = stores.library(&config.reading, link.clone())?;
    library.add_sample().await?;
    let tasks = TaskTracker::new();
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(stores.arrivals_kept_clean()));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(flush_often(library.clone())));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(purge_often(library.clone())));
    let voices = installed_voices(&config.narration).await;
    let engines = open_engines(&config.data, &stores, &voices, &link).await?;
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(engines.clone().keep_up()));
    let narrator = Narrator::start(
        library.clone(),
        (Arc::clone(&voices), engines.clone()),
        (stores.database, stores.objects),
        link.clone(),
        NarratorConfig {
            works: !config.no_worker,
            ..narrator_config(&config.narration, &config.shared)
        },
        (&tasks, &shutdown),
    );
    let leptos = leptos_options(&config.server);
    let state = AppState {
        library: library.clone(),
        voices,
        engines,
        narrator: narrator.clone(),
        limits: Arc::new(Limits::new(config.limits, link.clone())),
        link,
        leptos,
        shutdown: shutdown.clone(),
    };
    // Limits need to know who asks.
    let service = http::router(state).into_make_service_with_connect_info::<SocketAddr>();
    let server =
        axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    // Once told to stop, neither slow clients nor slow voices hold it up beyond the limit.
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(SHUTDOWN_LIMIT).await;
    };
    let finished = async {
        server.await?;
        tasks.close();
        tasks.wait().await;
        Ok::<_, io::Error>(())
    };
    tokio::select! {
        finished = finished => finished?,
        () = overdue => tracing::warn!("connections or sentences were left unfinished"),
    }
    close(&library, &narrator).await;
    Ok(())
}

async fn close(library: &Library, narrator: &Narrator) {
    let closing = async {
        narrator.close().await;
        library.close().await;
    };
    if tokio::time::timeout(CLOSE_LIMIT, closing).await.is_err() {
        tracing::warn!("the database did not close in time");
    }
}

/// Places go from Redis to SQL every few seconds; the last of them when the library is closed.
async fn flush_often(library: Library) {
    loop {
        tokio::time::sleep(library::FLUSH_INTERVAL).await;
        library.flush().await;
    }
}

/// Deleted books go for good when their time is over.
async fn purge_often(library: Library) {
    loop {
        if let Err(error) = library.purge().await {
            tracing::warn!(%error, "deleted books could not be removed yet");
        }
        tokio::time::sleep(library::PURGE_INTERVAL).await;
    }
}

/// Works for the queue in Redis until `shutdown`, then finishes or hands back what is in flight.
pub async fn work(config: WorkerConfig, shutdown: CancellationToken) -> Result<(), RunError> {
    let link = open_link(&config.shared, &shutdown).await?.ok_or(RunError::NoRedis)?;
    let stores = Stores::open(&config.data).await?;
    // Workers read what others have imported.
    let importer = Importer::new(std::env::current_exe()?, ChildLimits::default());
    let library = stores.library_with(importer, Some(link.clone()));
    let tasks = TaskTracker::new();
    let voices = installed_voices(&config.narration).await;
    let shared = Some(link.clone());
    let engines = open_engines(&config.data, &stores, &voices, &shared).await?;
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(engines.clone().keep_up()));
    let narrator = Narrator::start(
        library.clone(),
        (voices, engines),
        (stores.database, stores.objects),
        Some(link),
        NarratorConfig { serves: false, ..narrator_config(&config.narration, &config.shared) },
        (&tasks, &shutdown),
    );
    shutdown.cancelled().await;
    tasks.close();
    if tokio::time::timeout(SHUTDOWN_LIMIT, tasks.wait()).await.is_err() {
        tracing::warn!("sentences were left unfinished");
    }
    close(&library, &narrator).await;
    Ok(())
}

/// The configured engines, given to `voices`.
pub async fn open_engines(
    config: &DataConfig,
    stores: &Stores,
    voices: &Arc<Voices>,
    link: &Option<Link>,
) -> Result<Engines, RunError> {
    let secrets = Secrets::open(config.secret_key.as_deref(), &config.folder())?;
    let (database, voices) = (stores.database.clone(), Arc::clone(voices));
    let engines = Engines::new(database, secrets, voices, link.clone());
    engines.refresh().await?;
    Ok(engines)
}

/// The connection to Redis, if one is named.
pub async fn open_link(
    config: &SharedConfig,
    shutdown: &CancellationToken,
) -> Result<Option<Link>, RunError> {
    let Some(redis) = config.redis() else { return Ok(None) };
    Ok(Some(Link::open(&redis, shutdown.clone()).await?))
}

async fn installed_voices(config: &NarrationConfig) -> Arc<Voices> {
    Arc::new(Voices::installed(config.voice.clone(), config.workers()).await)
}

/// For a process that serves and works.
fn narrator_config(narration: &NarrationConfig, shared: &SharedConfig) -> NarratorConfig {
    NarratorConfig {
        workers: narration.workers(),
        serves: true,
        works: true,
        cache_bytes: narration.cache_mb.saturating_mul(1 << 20),
        timing: Timing { clip: shared.clip_expiry(), ..Timing::default() },
    }
}

/// What pages need to know about their files. `cargo leptos` says it by environment variables;
/// otherwise it is as the build left it.
fn leptos_options(config: &ServerConfig) -> LeptosOptions {
    if std::env::var_os("LEPTOS_SITE_ROOT").is_some()
        && let Ok(known) = get_configuration(None)
    {
        return known.leptos_options;
    }
    LeptosOptions::builder()
        .output_name("earmark")
        .site_root(config.site_root().display().to_string())
        .site_pkg_dir("pkg")
        .site_addr(config.addr)
        .env(Env::PROD)
        .build()
}
