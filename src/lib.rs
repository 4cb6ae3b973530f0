//! Earmark's server: a library of books, voices that read them, and the pages.
//!
//! A request comes in through [`http`], which knows about routes, headers and errors. Pages render
//! through `app` and come back through [`backend`]; the API and the streams go to [`library`] and
//! [`narration`] directly. The narrator puts sentences into the [`queue`] and finds their [`clips`], which
//! [`speech`] makes before they are needed. What a sentence is, and how it is named, is decided in [`text`],
//! which does no I/O.

pub mod accounts;
pub mod audio;
pub mod backend;
pub mod backup;
mod children;
pub mod clips;
pub mod config;
pub mod dictionaries;
pub mod doctor;
pub mod error;
pub mod http;
pub mod jobs;
pub mod library;
pub mod narration;
pub mod queue;
pub mod redis;
pub mod speech;
mod stores;
pub mod text;
mod time;

use std::sync::Arc;
use std::time::Duration;

use leptos::config::{Env, LeptosOptions, get_configuration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::redis::RedisConnection;
use accounts::Accounts;
use config::{
    DataConfig, NarrationConfig, ServeConfig, ServerConfig, SharedConfig, WorkerConfig,
    read_providers,
};
pub use error::RunError;
use http::{AppParts, AppState, Door, Limits, Names, Providers, ProxyLogin, Site};
use jobs::{JobParts, Jobs};
pub use stores::{Stores, keep_files_private};

use dictionaries::Dictionaries;
use library::Library;
use library::import::{ChildLimits, Importer};
use narration::{Narrator, NarratorConfig, NarratorParts};
use queue::Timing;
use speech::engines::Engines;
use speech::overlay::Overlays;
use speech::packs::Packs;
use speech::registry::Places;
use speech::{Secrets, Voices};

/// It is in the library, so that benches measure what the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Work in flight may take this long to end after it was told to.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(8);
/// And the database this long to write what is pending: ten seconds in all.
const CLOSE_LIMIT: Duration = Duration::from_millis(1500);

/// Serves on `listener` until `shutdown`, then finishes what is in flight.
pub async fn run(
    config: ServeConfig,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let metrics = match config.server.metrics_addr {
        Some(address) => {
            let listening = TcpListener::bind(address).await;
            let listener = listening.map_err(|error| RunError::Metrics(address, error))?;
            http::metrics::begin();
            println!("Metrics are at http://{}/metrics", listener.local_addr()?);
            Some(listener)
        }
        None => None,
    };
    let stores = Stores::open(&config.data).await?;
    let redis = open_redis(&config.shared, &shutdown).await?;
    let library = stores.library(&config.reading, redis.clone())?;
    library.add_sample().await?;
    let tasks = TaskTracker::new();
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(stores.arrivals_kept_clean()));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(flush_often(library.clone())));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(purge_often(library.clone())));
    let places = config.narration.places(&config.data)?;
    let voices = installed_voices(&config.narration, &places, &library).await;
    let packs = Packs::new(places, Arc::clone(&voices), (&tasks, &shutdown));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(packs.clone().keep_up()));
    let engines = open_engines(&config.data, &stores, &voices).await?;
    let (objects, folder) = (Arc::clone(&stores.objects), stores.arrivals());
    let narrator = Narrator::start(
        NarratorParts {
            library: library.clone(),
            voices: Arc::clone(&voices),
            engines: engines.clone(),
            database: stores.database.clone(),
            store: Arc::clone(&objects),
            redis: redis.clone(),
            config: NarratorConfig {
                works: !config.no_worker,
                ..narrator_config(&config.narration, &config.shared)
            },
        },
        (&tasks, &shutdown),
    );
    let jobs = Jobs::start(
        JobParts {
            database: stores.database.clone(),
            library: library.clone(),
            narrator: narrator.clone(),
            voices: Arc::clone(&voices),
            settings: config.jobs.settings(),
            store: Arc::clone(&objects),
            folder,
            audiobookshelf: config.jobs.audiobookshelf()?,
        },
        (&tasks, &shutdown),
    );
    let leptos = leptos_options(&config.server);
    let address = listener.local_addr()?;
    let accounts = Accounts::new(stores.database.clone());
    // A name or a proxy says that others reach it, though it listens on this machine alone.
    let is_here = address.ip().is_loopback()
        && config.server.host.is_empty()
        && config.server.url.is_none()
        && config.limits.trusted_proxies.is_empty();
    let newcomers = config.server.proxy_new_users;
    let proxy_login = config.server.proxy_user_header.clone();
    let proxy_login = proxy_login.map(|header| ProxyLogin { header, newcomers });
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(forget_often(accounts.clone())));
    let door = Door::new(accounts, (is_here, config.server.open), proxy_login)?;
    if let Some(page) = door.set_up_page().await {
        let page = match &config.server.url {
            Some(url) => url.page(&page),
            None => format!("http://{}{page}", http::reached_at(address)),
        };
        println!("Nobody can log in yet. Make the first account at {page}");
    }
    let state = AppState::from(AppParts {
        library: library.clone(),
        voices,
        packs,
        engines,
        narrator: narrator.clone(),
        jobs,
        dictionaries: Arc::new(Dictionaries::find(&config.data.dictionaries())),
        limits: Arc::new(Limits::new(config.limits.clone(), redis.clone())),
        door,
        names: Names::new(&config.server.names(), !address.ip().is_loopback()),
        site: Site::new(config.server.url.clone()),
        providers: open_providers(&config.server)?,
        redis,
        leptos,
        shutdown: shutdown.clone(),
    });
    if let Some(listener) = metrics {
        tasks.spawn(http::metrics::serve(listener, state.clone(), shutdown.clone()));
    }
    let server = http::serve(listener, state, shutdown.clone());
    // Once told to stop, neither slow clients nor slow voices hold it up beyond the limit.
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(SHUTDOWN_LIMIT).await;
    };
    let finished = async {
        server.await;
        tasks.close();
        tasks.wait().await;
    };
    tokio::select! {
        () = finished => {}
        () = overdue => tracing::warn!("connections or sentences were left unfinished"),
    }
    close(&library, &narrator).await;
    Ok(())
}

fn open_providers(config: &ServerConfig) -> Result<Providers, RunError> {
    let (Some(file), Some(site)) = (&config.oidc_providers, &config.url) else {
        return Ok(Providers::default());
    };
    let listed = read_providers(file).map_err(|error| RunError::Providers(error.to_string()))?;
    Providers::new(listed, site).map_err(|error| RunError::Providers(error.to_string()))
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

/// Links to books end, and what their guests had goes with them.
async fn forget_often(accounts: Accounts) {
    loop {
        if let Err(error) = accounts.forget_ended_shares().await {
            tracing::warn!(%error, "links that have ended could not be forgotten yet");
        }
        tokio::time::sleep(library::PURGE_INTERVAL).await;
    }
}

/// Works for the queue in Redis until `shutdown`, then finishes or hands back what is in flight.
pub async fn work(config: WorkerConfig, shutdown: CancellationToken) -> Result<(), RunError> {
    let redis = open_redis(&config.shared, &shutdown).await?.ok_or(RunError::NoRedis)?;
    let stores = Stores::open(&config.data).await?;
    // Workers read what others have imported.
    let importer = Importer::new(std::env::current_exe()?, ChildLimits::default());
    let library = stores.library_with(importer, Some(redis.clone()));
    let tasks = TaskTracker::new();
    let places = config.narration.places(&config.data)?;
    let voices = installed_voices(&config.narration, &places, &library).await;
    let packs = Packs::new(places, Arc::clone(&voices), (&tasks, &shutdown));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(packs.keep_up()));
    let engines = open_engines(&config.data, &stores, &voices).await?;
    let narrator = Narrator::start(
        NarratorParts {
            library: library.clone(),
            voices,
            engines,
            database: stores.database,
            store: stores.objects,
            redis: Some(redis),
            config: NarratorConfig {
                serves: false,
                ..narrator_config(&config.narration, &config.shared)
            },
        },
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
) -> Result<Engines, RunError> {
    let secrets = Secrets::open(config.secret_key.as_deref(), &config.folder())?;
    let (database, voices) = (stores.database.clone(), Arc::clone(voices));
    let engines = Engines::new(database, secrets, voices);
    engines.refresh().await?;
    Ok(engines)
}

/// The connection to Redis, if one is named.
pub async fn open_redis(
    config: &SharedConfig,
    shutdown: &CancellationToken,
) -> Result<Option<RedisConnection>, RunError> {
    let Some(redis) = config.redis() else { return Ok(None) };
    Ok(Some(RedisConnection::open(&redis, shutdown.clone()).await?))
}

async fn installed_voices(
    config: &NarrationConfig,
    places: &Places,
    library: &Library,
) -> Arc<Voices> {
    let voices = Voices::installed(config.voice.clone(), places).await;
    voices.add_overlays(Overlays::new(library.clone()));
    Arc::new(voices)
}

/// For a process that serves and works.
fn narrator_config(narration: &NarrationConfig, shared: &SharedConfig) -> NarratorConfig {
    NarratorConfig {
        workers: narration.workers(),
        serves: true,
        works: true,
        cache_bytes: narration.cache_mb.saturating_mul(1 << 20),
        shared_clips: shared.redis_clips.into(),
        timing: Timing { clip: shared.clip_expiry(), ..Timing::default() },
    }
}

/// What pages need to know about their files. `cargo leptos` says it by environment variables; otherwise it is as
/// `scripts/build.mjs` left it, which has a module for the reader's page beside that of the others.
fn leptos_options(config: &ServerConfig) -> LeptosOptions {
    if std::env::var_os("LEPTOS_SITE_ROOT").is_some()
        && let Ok(known) = get_configuration(None)
    {
        return known.leptos_options;
    }
    LeptosOptions::builder()
        .output_name(app::PAGES_MODULE)
        .site_root(config.site_root().display().to_string())
        .site_pkg_dir("pkg")
        .site_addr(config.addr)
        .env(Env::PROD)
        .build()
}
