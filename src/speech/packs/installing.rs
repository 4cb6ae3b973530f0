//! Makes of a pack's files what its voice needs, hears whether it speaks, and puts it where it is found.

use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use app::model::{PackProgress, PackStep};
use thiserror::Error;
use tokio::fs;
use tokio::process::Command;

use super::download::{self, DownloadError};
use super::{Form, Pack, catalogue};
use crate::children::{self, Group};
use crate::speech::neural::{self, heart, kokoro};
use crate::speech::registry::Places;

/// The folder in which they come together, beside those that are ready.
const ARRIVING: &str = ".arriving";
/// How long preparing may take: half a gigabyte is written.
const PREPARING_LIMIT: Duration = Duration::from_secs(600);
/// Bytes of the last words of a program that is shown.
const MAX_COMPLAINT: usize = 500;

/// Why a pack cannot be installed or removed.
#[derive(Debug, Error)]
pub enum InstallError {
    /// No such pack.
    #[error("There is no voice “{0}” to install. `earmark voices available` lists them.")]
    NoSuchPack(String),
    /// It comes with the program.
    #[error("This voice is part of Earmark. It is neither installed nor removed.")]
    Bundled,
    /// What all of them need is not here.
    #[error("Installed voices read with files that come with Heart, and those are not here.")]
    NoReader,
    /// Another process is at it.
    #[error("Another process is installing this voice.")]
    Busy,
    /// A file cannot be had.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// Its files cannot be written or moved.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// What was fetched cannot be used.
    #[error("The files could not be made ready: {0}")]
    Preparing(String),
    /// It does not speak.
    #[error("The voice was fetched, and does not speak: {0}")]
    Silent(String),
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> InstallError {
    let path = path.to_owned();
    move |error| InstallError::File(path.clone(), error)
}

/// The file without which there is no network.
pub const fn network_file(form: Form) -> &'static str {
    match form {
        Form::Heart => heart::NETWORK_FILE,
        Form::Kokoro => kokoro::NETWORK_FILE,
    }
}

/// Installs a pack, from files that are given or from where it is published.
///
/// # Errors
/// When its files cannot be had, or it does not speak. What was fetched stays for the next attempt.
pub(super) async fn install(
    pack: &'static Pack,
    places: &Places,
    from: Option<&Path>,
    progress: &Mutex<PackProgress>,
) -> Result<(), InstallError> {
    if !neural::can_read(places) {
        return Err(InstallError::NoReader);
    }
    let arriving = places.installed.join(ARRIVING);
    let folder = arriving.join(pack.name);
    fs::create_dir_all(&folder).await.map_err(at(&folder))?;
    let _alone = alone(&arriving.join(format!("{}.lock", pack.name)))?;
    fetch_all(pack, &folder, from, progress).await?;

    step(progress, PackStep::Preparing);
    let ready = folder.join("ready");
    remove_folder(&ready).await?;
    fs::create_dir(&ready).await.map_err(at(&ready))?;
    for file in pack.files {
        let (source, target) = (folder.join(file.name), ready.join(file.name));
        if file.name == catalogue::KOKORO_FILE {
            prepare(places, &source, &ready.join(kokoro::NETWORK_FILE)).await?;
        } else {
            fs::copy(&source, &target).await.map_err(at(&target))?;
        }
    }

    step(progress, PackStep::Testing);
    let times_real = neural::test(pack, &ready, places).await.map_err(InstallError::Silent)?;
    neural::keep_times_real(&ready, times_real).await.map_err(at(&ready))?;
    let target = places.installed.join(pack.name);
    remove_folder(&target).await?;
    fs::rename(&ready, &target).await.map_err(at(&target))?;
    remove_folder(&folder).await
}

/// Removes a pack that was installed, and what there is of one that was not.
///
/// # Errors
/// When its files cannot be removed, because it came with the program.
pub(super) async fn remove(pack: &Pack, places: &Places) -> Result<(), InstallError> {
    let arriving = places.installed.join(ARRIVING);
    fs::create_dir_all(&arriving).await.map_err(at(&arriving))?;
    let _alone = alone(&arriving.join(format!("{}.lock", pack.name)))?;
    remove_folder(&arriving.join(pack.name)).await?;
    let installed = places.installed.join(pack.name);
    if !installed.exists() && pack.folder(places).is_some() {
        return Err(InstallError::Bundled);
    }
    remove_folder(&installed).await
}

async fn remove_folder(folder: &Path) -> Result<(), InstallError> {
    match fs::remove_dir_all(folder).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(folder)(error)),
        _ => Ok(()),
    }
}

/// Holds a pack against other processes, until it is dropped.
fn alone(path: &Path) -> Result<std::fs::File, InstallError> {
    let file = std::fs::File::create(path).map_err(at(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(InstallError::Busy),
        Err(TryLockError::Error(error)) => Err(at(path)(error)),
    }
}

fn step(progress: &Mutex<PackProgress>, step: PackStep) {
    progress.lock().unwrap_or_else(PoisonError::into_inner).step = step;
}

async fn fetch_all(
    pack: &Pack,
    folder: &Path,
    from: Option<&Path>,
    progress: &Mutex<PackProgress>,
) -> Result<(), InstallError> {
    let client = download::client()?;
    for file in pack.files {
        let path = folder.join(file.name);
        match from {
            Some(from) => download::take(from, file, &path, progress).await?,
            None => download::fetch(&client, file, &path, progress).await?,
        }
    }
    Ok(())
}

/// Converts Kokoro's network in a process of its own: it takes half a gigabyte of memory, which this one would
/// keep.
async fn prepare(places: &Places, from: &Path, to: &Path) -> Result<(), InstallError> {
    let failed = |reason: String| InstallError::Preparing(reason);
    let mut command = Command::new(&places.program);
    command.arg("prepare-voice").arg(from).arg(to);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    children::isolate(&mut command);
    let child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let _group = Group::of(&child);
    let ended = tokio::time::timeout(PREPARING_LIMIT, child.wait_with_output()).await;
    let ended = ended.map_err(|_| failed("it took too long".to_owned()))?;
    let output = ended.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = &output.stderr[output.stderr.len().saturating_sub(MAX_COMPLAINT)..];
    let complaint = String::from_utf8_lossy(complaint).trim().to_owned();
    Err(failed(if complaint.is_empty() { output.status.to_string() } else { complaint }))
}
