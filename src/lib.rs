//! Earmark's server: a library of books, voices that read them, and the pages.
//!
//! A request comes in through [`http`], which knows about routes, headers and errors. Pages render
//! through `app` and come back through [`backend`]; the API and the streams go to [`library`] and
//! [`narrator`] directly. The narrator sees to it that sentences are spoken by [`voices`] before
//! they are needed. What a sentence is, and how it is named, is decided in [`text`], which does no
//! I/O.

pub mod backend;
pub mod config;
pub mod http;
pub mod library;
pub mod narrator;
pub mod text;
pub mod voices;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use leptos::config::{Env, LeptosOptions, get_configuration};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use sqlx::AnyPool;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use config::{DataConfig, ServeConfig, ServerConfig};
use http::AppState;
use library::{Library, LibraryError};
use narrator::{Narrator, NarratorConfig};
use voices::Voices;

/// Work in flight may take this long to end after it was told to.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(8);

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
    /// The server failed.
    #[error("the server failed: {0}")]
    Serve(#[from] io::Error),
}

/// Where everything is kept: a database and an object store.
pub struct Stores {
    /// SQL.
    pub database: AnyPool,
    /// Files and clips.
    pub objects: Arc<dyn ObjectStore>,
}

impl Stores {
    /// Opens the data folder, making it when it is not there.
    pub async fn open(config: &DataConfig) -> Result<Self, RunError> {
        let folder = config.folder();
        let failed =
            |reason: String| RunError::Data { folder: folder.display().to_string(), reason };
        let objects =
            local_objects(&folder.join("objects")).map_err(|error| failed(error.to_string()))?;
        let database =
            library::connect(&folder).await.map_err(|error| failed(error.to_string()))?;
        Ok(Self { database, objects: Arc::new(objects) })
    }
}

fn local_objects(folder: &Path) -> Result<LocalFileSystem, object_store::Error> {
    std::fs::create_dir_all(folder).map_err(|error| object_store::Error::Generic {
        store: "folder",
        source: Box::new(error),
    })?;
    Ok(LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true))
}

/// Serves on `listener` until `shutdown`, then finishes what is in flight.
pub async fn run(
    config: ServeConfig,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let stores = Stores::open(&config.data).await?;
    let library = Library::new(stores.database.clone(), Arc::clone(&stores.objects));
    library.add_sample().await?;
    let workers = config.narration.workers();
    let voices = Arc::new(Voices::installed(config.narration.voice.clone(), workers).await);
    let tasks = TaskTracker::new();
    let sizes =
        NarratorConfig { workers, cache_bytes: config.narration.cache_mb.saturating_mul(1 << 20) };
    let narrator = Narrator::start(
        library.clone(),
        Arc::clone(&voices),
        stores.database,
        stores.objects,
        sizes,
        (&tasks, &shutdown),
    );
    let leptos = leptos_options(&config.server);
    let state =
        AppState { library: library.clone(), voices, narrator, leptos, shutdown: shutdown.clone() };
    let server = axum::serve(listener, http::router(state))
        .with_graceful_shutdown(shutdown.clone().cancelled_owned());
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
    library.close().await;
    Ok(())
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
