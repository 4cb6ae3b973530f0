//! Where everything is kept: the data folder, the database, and the object store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use sqlx::AnyPool;

use crate::config::{DataConfig, ReadingConfig};
use crate::error::RunError;
use crate::library::import::{ImportError, Importer};
use crate::library::{self, Library, LibraryParts, Schema};
use crate::redis::RedisConnection;

/// The folder in the data folder that files come in to while they are imported.
const ARRIVALS: &str = "arrivals";
/// A file that is older than this was left there by a process that died.
const ARRIVAL_AGE: Duration = Duration::from_secs(4 * 3600);

/// Where everything is kept: a database and an object store.
pub struct Stores {
    /// The folder on this machine.
    pub folder: PathBuf,
    /// SQL.
    pub database: AnyPool,
    /// Files and clips.
    pub objects: Arc<dyn ObjectStore>,
}

impl Stores {
    /// Opens the data folder, making it when it is not there.
    ///
    /// # Errors
    /// When the folder, the database or the object store cannot be used.
    pub async fn open(config: &DataConfig) -> Result<Self, RunError> {
        let (folder, objects) = Self::files(config)?;
        let database = library::connect(config.database(), &folder).await;
        let database = database.map_err(|error| refused(config, error))?;
        Ok(Self { folder, database, objects })
    }

    /// Opens the same and leaves the tables as they are; says of which version they are.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_as_it_is(config: &DataConfig) -> Result<(Self, Schema), RunError> {
        let (folder, objects) = Self::files(config)?;
        let opened = library::connect_as_it_is(config.database(), &folder).await;
        let (database, schema) = opened.map_err(|error| refused(config, error))?;
        Ok((Self { folder, database, objects }, schema))
    }

    fn files(config: &DataConfig) -> Result<(PathBuf, Arc<dyn ObjectStore>), RunError> {
        let folder = config.folder();
        let failed = |reason: String| unusable(&folder, reason);
        // TLS needs a provider of cryptography; another part of the program may have set one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        private_folder(&folder).map_err(|error| failed(error.to_string()))?;
        let objects: Arc<dyn ObjectStore> =
            match config.objects_url.as_deref().filter(|url| !url.is_empty()) {
                Some(url) => {
                    remote_objects(url).map_err(|error| RunError::Objects(error.to_string()))?
                }
                None => {
                    let local = local_objects(&folder.join("objects"));
                    Arc::new(local.map_err(|error| failed(error.to_string()))?)
                }
            };
        Ok((folder, objects))
    }

    /// Removes from time to time what processes that were killed have left of files that came in.
    pub fn arrivals_kept_clean(&self) -> impl Future<Output = ()> + use<> {
        let folder = self.folder.join(ARRIVALS);
        async move {
            loop {
                remove_old(&folder).await;
                tokio::time::sleep(ARRIVAL_AGE / 4).await;
            }
        }
    }

    /// The folder for what is on its way in or out, which is kept clean.
    pub fn arrivals(&self) -> PathBuf {
        self.folder.join(ARRIVALS)
    }

    /// A library on these stores.
    ///
    /// # Errors
    /// When the system does not say where this program is, which reads files in child processes.
    pub fn library(
        &self,
        reading: &ReadingConfig,
        link: Option<RedisConnection>,
    ) -> Result<Library, ImportError> {
        Ok(self.library_with(reading.importer()?, link))
    }

    pub(crate) fn library_with(
        &self,
        importer: Importer,
        link: Option<RedisConnection>,
    ) -> Library {
        Library::new(LibraryParts {
            database: self.database.clone(),
            store: Arc::clone(&self.objects),
            link,
            importer,
            arrivals: self.folder.join(ARRIVALS),
        })
    }
}

fn unusable(folder: &Path, reason: String) -> RunError {
    RunError::Data { folder: folder.display().to_string(), reason }
}

fn refused(config: &DataConfig, error: sqlx::Error) -> RunError {
    match config.database() {
        Some(_) => RunError::Database(error.to_string()),
        None => unusable(&config.folder(), error.to_string()),
    }
}

/// Makes a folder that nobody else on the machine can look into. One that was there before keeps its mode,
/// with a word about it: somebody may share it on purpose.
fn private_folder(folder: &Path) -> io::Result<()> {
    let is_new = !folder.exists();
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder)?.permissions().mode();
        if is_new {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        } else if mode & 0o077 != 0 {
            tracing::warn!(
                folder = %folder.display(),
                "other users of this machine can look into the data folder; `chmod 700` ends that"
            );
        }
    }
    Ok(())
}

/// New files are for this user alone: books, notes and places are nobody else's business.
pub fn keep_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// S3-compatible storage: a bucket, and a folder in it if the address has one.
fn remote_objects(url: &str) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    let mut builder = AmazonS3Builder::from_env().with_url(url);
    // A server of one's own may well speak plain HTTP.
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    if endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    let folder = url.split_once("://").and_then(|(_, rest)| Some(rest.split_once('/')?.1));
    let bucket = builder.build()?;
    Ok(match folder.map(|folder| folder.trim_matches('/')).filter(|folder| !folder.is_empty()) {
        Some(folder) => Arc::new(PrefixStore::new(bucket, folder)),
        None => Arc::new(bucket),
    })
}

fn local_objects(folder: &Path) -> Result<LocalFileSystem, object_store::Error> {
    std::fs::create_dir_all(folder).map_err(|error| object_store::Error::Generic {
        store: "folder",
        source: Box::new(error),
    })?;
    Ok(LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true))
}

/// Removes folders that nobody has written to for [`ARRIVAL_AGE`].
async fn remove_old(folder: &Path) {
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else { return };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let age = entry.metadata().await.and_then(|found| found.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > ARRIVAL_AGE)
            && let Err(error) = tokio::fs::remove_dir_all(entry.path()).await
        {
            tracing::warn!(%error, path = %entry.path().display(), "an old file could not be removed");
        }
    }
}
