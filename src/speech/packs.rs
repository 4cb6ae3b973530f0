//! Voices that can be installed: natural ones, which speak in this program's own child processes.
//!
//! [`catalogue`] says which there are, [`download`] fetches their files, [`installing`] makes of them what a
//! voice needs, and [`Packs`] keeps what this process knows of them. Each machine has its own: they are in its
//! data folder, where other processes of the machine find them within seconds.

pub mod catalogue;
mod download;
pub mod installing;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::model::{self, PackCard, PackProgress, PackState, Speaker};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Voices;
use super::registry::Places;
use catalogue::{BUNDLED, PACKS};
pub use download::DownloadError;
pub use installing::InstallError;

/// How often it is looked whether another process has installed or removed one.
const LOOK_INTERVAL: Duration = Duration::from_secs(3);
/// Times a pack is tried to be installed whose files another holds, and the pause between.
const BUSY_TRIES: u32 = 20;
const BUSY_PAUSE: Duration = Duration::from_millis(150);
/// What runs a voice's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// [`crate::speech::neural::heart`]
    Heart,
    /// [`crate::speech::neural::kokoro`]
    Kokoro,
}

/// A voice of a pack.
#[derive(Debug)]
pub struct PackVoice {
    /// The network's own name for it.
    pub own: &'static str,
    /// What a reader calls it.
    pub name: &'static str,
    /// What it speaks.
    pub language: &'static str,
    /// Who it sounds like.
    pub speaker: Speaker,
}

impl PackVoice {
    /// Its id, as parameters have it.
    pub fn id(&self, pack: &Pack) -> String {
        format!("{}:{}", pack.name, self.own)
    }

    fn card(&self, pack: &Pack) -> model::PackVoice {
        model::PackVoice {
            id: self.id(pack),
            name: self.name.to_owned(),
            language: self.language.to_owned(),
            speaker: self.speaker,
        }
    }
}

/// A file to be fetched.
#[derive(Debug)]
pub struct PackFile {
    /// Its name here.
    pub name: &'static str,
    /// The address of the folder that it is in.
    pub folder: &'static str,
    /// Its name there.
    pub published: &'static str,
    /// How long it is.
    pub bytes: u64,
    /// Of its content; what has another is refused.
    pub sha256: &'static str,
}

/// A voice, or several that share a network, to be installed as one. It is an engine when it is installed.
#[derive(Debug)]
pub struct Pack {
    /// The engine's name, and its folder's.
    pub name: &'static str,
    /// What a reader calls it.
    pub title: &'static str,
    /// What runs it.
    pub form: Form,
    /// SPDX identifier.
    pub licence: &'static str,
    /// A page about it.
    pub about: &'static str,
    /// Best first within a language.
    pub voices: &'static [PackVoice],
    /// The network first. None when they come with the program.
    pub files: &'static [PackFile],
}

impl Pack {
    /// The pack of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PACKS.iter().find(|pack| pack.name == name)
    }

    /// Whether samples of its voices come with the program, for who has not installed it.
    pub fn has_samples(&self) -> bool {
        self.form == Form::Kokoro
    }

    /// What there is to fetch.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Where its files are, if they are here: it came with the program, or was installed.
    pub fn folder(&self, places: &Places) -> Option<PathBuf> {
        let file = installing::network_file(self.form);
        let folders = [&places.installed, &places.voices].map(|folder| folder.join(self.name));
        folders.into_iter().find(|folder| folder.join(file).is_file())
    }
}

/// What this process does about a pack.
#[derive(Debug, Clone)]
enum Work {
    /// It is being installed.
    Installing(Arc<Mutex<PackProgress>>, CancellationToken),
    /// The last attempt failed.
    Failed(String),
}

/// The packs, as this process knows them. Cheap to clone.
#[derive(Clone)]
pub struct Packs {
    shared: Arc<Shared>,
}

struct Shared {
    places: Places,
    voices: Arc<Voices>,
    /// A std mutex, never held across an await.
    work: Mutex<HashMap<&'static str, Work>>,
    /// Those that were here when it was last looked.
    seen: Mutex<Vec<(&'static str, PathBuf)>>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Packs {
    /// The packs of this machine, for `voices`. Until `shutdown`, installing is one of `tasks`.
    pub fn new(
        places: Places,
        voices: Arc<Voices>,
        (tasks, shutdown): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let shared = Shared {
            seen: Mutex::new(present(&places)),
            places,
            voices,
            work: Mutex::default(),
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// What a person sees of each.
    pub fn cards(&self) -> Vec<PackCard> {
        let work = lock(&self.shared.work).clone();
        PACKS.iter().map(|pack| self.card(pack, work.get(pack.name))).collect()
    }

    fn card(&self, pack: &'static Pack, work: Option<&Work>) -> PackCard {
        let state = match (work, pack.folder(&self.shared.places)) {
            (Some(Work::Installing(progress, _)), _) => {
                PackState::Installing(lock(progress).clone())
            }
            (_, Some(_)) => {
                PackState::Installed { times_real: self.shared.voices.times_real(pack.name) }
            }
            (Some(Work::Failed(reason)), None) => PackState::Failed { reason: reason.clone() },
            (None, None) => PackState::Absent,
        };
        let mut languages: Vec<_> =
            pack.voices.iter().map(|voice| voice.language.to_owned()).collect();
        languages.dedup();
        // Without espeak-ng an engine has not all that its pack has.
        let mut known = self.shared.voices.list();
        known.retain(|voice| voice.engine == pack.name);
        let speaks = |voice: &&PackVoice| {
            let id = voice.id(pack);
            known.is_empty() || known.iter().any(|known| known.id == id)
        };
        PackCard {
            name: pack.name.to_owned(),
            title: pack.title.to_owned(),
            licence: pack.licence.to_owned(),
            about: pack.about.to_owned(),
            bytes: pack.bytes(),
            languages,
            voices: pack.voices.iter().filter(speaks).map(|voice| voice.card(pack)).collect(),
            is_bundled: pack.name == BUNDLED,
            has_samples: pack.has_samples(),
            state,
        }
    }

    /// Begins to install a pack, which goes on when this returns; nothing happens when it is on its way or here.
    ///
    /// # Errors
    /// When there is no such pack.
    pub fn begin(&self, name: &str) -> Result<(), InstallError> {
        let pack = known(name)?;
        if pack.folder(&self.shared.places).is_some() {
            return Ok(());
        }
        let cancelled = self.shared.shutdown.child_token();
        let progress = Arc::new(Mutex::new(PackProgress::new(pack.bytes())));
        let mut work = lock(&self.shared.work);
        if let Some(Work::Installing(..)) = work.get(pack.name) {
            return Ok(());
        }
        work.insert(pack.name, Work::Installing(Arc::clone(&progress), cancelled.clone()));
        let packs = self.clone();
        self.shared.tasks.spawn(async move {
            let installing = packs.install_when_free(pack, &progress);
            let outcome = cancelled.run_until_cancelled(installing).await;
            let mut work = lock(&packs.shared.work);
            // Somebody may have stopped this, and begun it again since.
            let is_own = |work: &Work| {
                matches!(work, Work::Installing(known, _) if Arc::ptr_eq(known, &progress))
            };
            if !work.get(pack.name).is_some_and(is_own) {
                return;
            }
            match outcome {
                Some(Err(error)) => {
                    tracing::warn!(name = pack.name, %error, "a voice could not be installed");
                    work.insert(pack.name, Work::Failed(error.to_string()));
                }
                // What was fetched is gone on with when it is begun again.
                None | Some(Ok(())) => drop(work.remove(pack.name)),
            }
        });
        Ok(())
    }

    /// Installs a pack from a file or folder that is here, or from where it is published, and says how far it is.
    ///
    /// # Errors
    /// When there is no such pack, its files cannot be had, or it does not speak.
    pub async fn install(
        &self,
        name: &str,
        from: Option<&Path>,
        progress: &Mutex<PackProgress>,
    ) -> Result<(), InstallError> {
        self.install_with(known(name)?, from, progress).await
    }

    /// The same from where it is published, when what was stopped a moment ago has let go of the files.
    async fn install_when_free(
        &self,
        pack: &'static Pack,
        progress: &Mutex<PackProgress>,
    ) -> Result<(), InstallError> {
        for _ in 0..BUSY_TRIES {
            match self.install_with(pack, None, progress).await {
                Err(InstallError::Busy) => tokio::time::sleep(BUSY_PAUSE).await,
                installed => return installed,
            }
        }
        self.install_with(pack, None, progress).await
    }

    async fn install_with(
        &self,
        pack: &'static Pack,
        from: Option<&Path>,
        progress: &Mutex<PackProgress>,
    ) -> Result<(), InstallError> {
        if pack.files.is_empty() {
            return Err(InstallError::Bundled);
        }
        installing::install(pack, &self.shared.places, from, progress).await?;
        self.look().await;
        Ok(())
    }

    /// Stops installing a pack, or removes it; clips it has made stay.
    ///
    /// # Errors
    /// When there is no such pack, it is part of the program, or its files cannot be removed.
    pub async fn remove(&self, name: &str) -> Result<(), InstallError> {
        let pack = known(name)?;
        if let Some(Work::Installing(_, cancelled)) = lock(&self.shared.work).remove(pack.name) {
            cancelled.cancel();
            return Ok(());
        }
        if pack.files.is_empty() {
            return Err(InstallError::Bundled);
        }
        installing::remove(pack, &self.shared.places).await?;
        self.look().await;
        Ok(())
    }

    /// Gives the voices those that are here now, if that is news.
    async fn look(&self) {
        let here = present(&self.shared.places);
        if *lock(&self.shared.seen) == here {
            return;
        }
        self.shared.voices.look_again(&self.shared.places).await;
        *lock(&self.shared.seen) = here;
    }

    /// Looks every few seconds.
    pub async fn keep_up(self) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            self.look().await;
        }
    }
}

/// The pack of a name.
///
/// # Errors
/// When there is none.
pub fn known(name: &str) -> Result<&'static Pack, InstallError> {
    Pack::named(name).ok_or_else(|| InstallError::NoSuchPack(name.chars().take(40).collect()))
}

/// Those that are here, and where.
fn present(places: &Places) -> Vec<(&'static str, PathBuf)> {
    PACKS.iter().filter_map(|pack| Some((pack.name, pack.folder(places)?))).collect()
}
