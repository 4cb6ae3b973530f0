//! Books that are narrated ahead: asked for, estimated, run one after the other, stopped and called off.
//!
//! [`rows`] keeps them in SQL, so that they survive whoever runs them; [`runner`] claims one and watches over it, and
//! [`feeder`] has what is missing of it made, a few sentences at a time, behind all that somebody listens to.

mod ahead;
mod audiobookshelf;
mod estimate;
mod feeder;
mod packing;
mod quiet;
mod rows;
mod runner;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use app::model::{BookId, NarrationCard, NarrationOutput, NarrationState, NarrationStats, Role};
use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use sqlx::AnyPool;
use thiserror::Error;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::library::{Library, LibraryError};
use crate::narration::{NarrationError, Narrator, Reserved, Reserves};
use crate::speech::Voices;
use crate::time::now_ms;
use estimate::Prospect;
use rows::{Asking, NewNarration, Rows, Wish};

pub use audiobookshelf::{Audiobookshelf, SendError};
pub use quiet::QuietHours;
pub use rows::Whose;

/// How often those that ended long ago are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);
/// How far ahead one may be asked for.
const MAX_DELAY: Duration = Duration::from_secs(30 * 24 * 3600);

/// How narrations are run.
#[derive(Debug, Clone, Copy)]
pub struct JobSettings {
    /// Run at once by this process; none when it leaves them to others.
    pub at_once: u16,
    /// Of one person, run at once.
    pub at_once_per_person: u16,
    /// Of one person, waiting at once.
    pub waiting_per_person: u16,
    /// Characters that one person may ask for in 24 hours; as many as they like when it is 0.
    pub characters_a_day: u64,
    /// When something is made that nobody has asked for; never when there are none.
    pub quiet: Option<QuietHours>,
    /// What that may cost a night, in millionths of the operator's currency.
    pub budget_a_night: u64,
}

/// Why a narration cannot be had.
#[derive(Debug, Error)]
pub enum JobError {
    /// There is none of this id that the person may see.
    #[error("There is no such narration.")]
    NoSuchNarration,
    /// It is in no state in which this can be done.
    #[error("This narration has ended, or is where this cannot be done.")]
    NotNow,
    /// Chapters that are not written as they are.
    #[error("Chapters are written “3”, or “3-7”.")]
    BadChapters,
    /// Chapters that the book does not have.
    #[error("The book has the chapters 1 to {0}.")]
    NoSuchChapters(u32),
    /// A time too far ahead.
    #[error("A narration can begin within 30 days.")]
    TooLate,
    /// It costs something, and the person has not agreed, or to less.
    #[error(
        "It costs {0:.2}, which you have to agree to: send “max_cost” with what it may cost at most."
    )]
    NotAgreed(f64),
    /// The person has as many waiting as they may have.
    #[error("You can have {0} narrations waiting. Wait until one is done, or call one off.")]
    TooMany(u16),
    /// More than a person may ask for in a day.
    #[error(
        "You can have {of} characters made ready in 24 hours. {left} of them are left, and this needs {needed}."
    )]
    TooMuch {
        /// How many they may ask for.
        of: u64,
        /// How many of these are left.
        left: u64,
        /// How many it needs.
        needed: u64,
    },
    /// It would not fit into what may be kept.
    #[error("It would take {0} MB, and {1} MB of sound are kept here at most.")]
    TooLarge(u64, u64),
    /// The book, its voice or the queue.
    #[error(transparent)]
    Narration(#[from] NarrationError),
    /// It has no file, or has none any more.
    #[error("There is no file. Those of narrations are kept for 14 days.")]
    NoFile,
    /// No server of Audiobookshelf is named.
    #[error("Earmark does not know a server of Audiobookshelf: whoever runs it can name one.")]
    NoAudiobookshelf,
    /// The object store failed.
    #[error("the object store failed: {0}")]
    Store(#[from] object_store::Error),
    /// SQL failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<LibraryError> for JobError {
    fn from(error: LibraryError) -> Self {
        Self::Narration(error.into())
    }
}

/// What is to be narrated.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The book.
    pub book: BookId,
    /// Who reads; the person's voice for the book when empty.
    pub voice: String,
    /// The first and the last chapter; all of them when there are none.
    pub chapters: Option<(u32, u32)>,
    /// When it may begin, in ms since 1970; at once when that is past.
    pub at_ms: u64,
    /// What it may cost at most.
    pub max_cost: f64,
    /// What it becomes besides.
    pub output: NarrationOutput,
}

impl Wanted {
    /// All of a book, at once, in the usual voice and for nothing.
    pub fn of(book: BookId) -> Self {
        let (voice, output) = (String::new(), NarrationOutput::None);
        Self { book, voice, chapters: None, at_ms: 0, max_cost: 0.0, output }
    }
}

/// What came of asking for one.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The narration.
    pub card: NarrationCard,
    /// Whether it is new; otherwise the same was there and not done.
    pub is_new: bool,
}

/// The narrations. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    shared: Arc<Shared>,
}

struct Shared {
    rows: Rows,
    library: Library,
    narrator: Narrator,
    voices: Arc<Voices>,
    settings: JobSettings,
    store: Arc<dyn ObjectStore>,
    /// Where files are packed, on this machine.
    folder: PathBuf,
    /// Where audiobooks can be sent.
    audiobookshelf: Option<Audiobookshelf>,
    /// There may be one to run.
    woken: Notify,
}

/// What narrations are run with.
pub struct JobParts {
    /// SQL.
    pub database: AnyPool,
    /// Books.
    pub library: Library,
    /// Who makes clips.
    pub narrator: Narrator,
    /// Who speaks.
    pub voices: Arc<Voices>,
    /// How they are run.
    pub settings: JobSettings,
    /// Where their files are kept.
    pub store: Arc<dyn ObjectStore>,
    /// A folder on this machine for what is being packed, which is kept clean.
    pub folder: PathBuf,
    /// Where audiobooks can be sent.
    pub audiobookshelf: Option<Audiobookshelf>,
}

#[async_trait]
impl Reserves for Shared {
    async fn reserved(&self) -> Result<Vec<Reserved>, sqlx::Error> {
        self.rows.reserved().await
    }
}

impl Jobs {
    /// Runs narrations on `tasks` until `shutdown`, and has the clean-up leave what belongs to them.
    pub fn start(parts: JobParts, (tasks, shutdown): (&TaskTracker, &CancellationToken)) -> Self {
        let JobParts { database, library, narrator, voices, settings, store, folder, .. } = parts;
        let shared = Arc::new(Shared {
            rows: Rows(database),
            library,
            narrator,
            voices,
            settings,
            store,
            folder,
            audiobookshelf: parts.audiobookshelf,
            woken: Notify::new(),
        });
        shared.narrator.keep_for(Arc::clone(&shared) as Arc<dyn Reserves>);
        for _ in 0..settings.at_once {
            tasks.spawn(runner::run(Arc::clone(&shared), shutdown.clone()));
        }
        if let Some(quiet) = settings.quiet.filter(|_| settings.at_once > 0) {
            tasks.spawn(ahead::run(Arc::clone(&shared), quiet, shutdown.clone()));
        }
        let forgetting = forget_often(Arc::clone(&shared));
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(forgetting));
        Self { shared }
    }

    /// Has a book narrated, or says which narration does so already.
    ///
    /// # Errors
    /// When there is no such book, chapter or voice; when it costs more than was agreed to, or there are too many.
    pub async fn ask(
        &self,
        library: &Library,
        role: Role,
        wanted: &Wanted,
    ) -> Result<Asked, JobError> {
        let now = now_ms();
        if !self.makes(wanted.output) {
            return Err(JobError::NoAudiobookshelf);
        }
        if wanted.at_ms > now + MAX_DELAY.as_millis() as u64 {
            return Err(JobError::TooLate);
        }
        let Prospect { estimate, price, characters_by_engine } = self.look(library, wanted).await?;
        let narrator = self.shared.narrator.of(library.clone());
        for (engine, characters) in characters_by_engine {
            narrator.check_affordable(&engine, characters).await?;
        }
        // Down to the cent that a page shows; but whoever agrees to nothing pays nothing.
        let agreed = if wanted.max_cost > 0.0 { wanted.max_cost + 0.005 } else { 0.0 };
        if estimate.cost > agreed {
            return Err(JobError::NotAgreed(estimate.cost));
        }
        let most = u64::from(self.shared.narrator.storage_limits().await?.mb);
        if most > 0 && estimate.bytes >> 20 > most {
            return Err(JobError::TooLarge(estimate.bytes >> 20, most));
        }
        let rows = &self.shared.rows;
        let new = NewNarration {
            user: library.user(),
            book: &wanted.book,
            voice: &estimate.voice,
            chapters: (estimate.first_chapter, estimate.last_chapter),
            // Those who add books run the place or pay for it.
            priority: i64::from(role >= Role::Member),
            run_at: wanted.at_ms.max(now),
            total: estimate.sentences,
            done: estimate.sentences - estimate.missing,
            output: wanted.output,
            wanted: estimate.characters,
            max_cost: (price as i64).max((wanted.max_cost * 1e6) as i64),
        };
        let most = self.shared.settings.waiting_per_person;
        let mut asking = rows.asking().await?;
        let is_full = asking.waiting(library.user()).await? >= i64::from(most);
        // The same once more is no further one.
        let (id, is_new) = match asking.known(&new).await? {
            Some(id) => (id, false),
            None if is_full => return Err(JobError::TooMany(most)),
            None => {
                self.check_day(&mut asking, library.user(), estimate.characters).await?;
                asking.add(&new).await?
            }
        };
        asking.done().await?;
        self.shared.woken.notify_one();
        let card = self.get(Whose::own(library.user()), &id).await?;
        Ok(Asked { card, is_new })
    }

    /// Whether a person may ask for so many characters more today.
    async fn check_day(
        &self,
        asking: &mut Asking,
        user: &str,
        needed: u64,
    ) -> Result<(), JobError> {
        let of = self.shared.settings.characters_a_day;
        if of == 0 || needed == 0 {
            return Ok(());
        }
        let left = of.saturating_sub(asking.asked_today(user).await?);
        if needed <= left { Ok(()) } else { Err(JobError::TooMuch { of, left, needed }) }
    }

    /// One of those.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, whose: Whose<'_>, id: &str) -> Result<NarrationCard, JobError> {
        let cards = self.shared.rows.cards(whose, Some(id), None).await?;
        cards.into_iter().next().ok_or(JobError::NoSuchNarration)
    }

    /// When it is quiet here, if it ever is.
    pub fn quiet_hours(&self) -> Option<QuietHours> {
        self.shared.settings.quiet
    }

    /// Whether a form of file can be made here.
    pub fn makes(&self, output: NarrationOutput) -> bool {
        output != NarrationOutput::Audiobookshelf || self.shared.audiobookshelf.is_some()
    }

    /// A part of the file of a narration.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn file(
        &self,
        id: &str,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, object_store::Result<Bytes>>, JobError> {
        let file = self.shared.rows.file(id).await?.ok_or(JobError::NoFile)?;
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        match self.shared.store.get_opts(&packing::path_of(&file), options).await {
            Ok(found) => Ok(found.into_stream()),
            Err(object_store::Error::NotFound { .. }) => Err(JobError::NoFile),
            Err(error) => Err(error.into()),
        }
    }

    /// Those, the newest first.
    pub async fn list(
        &self,
        whose: Whose<'_>,
        state: Option<NarrationState>,
    ) -> Result<Vec<NarrationCard>, JobError> {
        Ok(self.shared.rows.cards(whose, None, state).await?)
    }

    /// What is being narrated, and how it goes.
    pub async fn stats(&self, whose: Whose<'_>) -> Result<NarrationStats, JobError> {
        Ok(self.shared.rows.stats(whose).await?)
    }

    /// Calls one off. What has been made of it stays.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub async fn cancel(&self, whose: Whose<'_>, id: &str) -> Result<NarrationCard, JobError> {
        let done = self.shared.rows.wish(id, whose, Wish::Cancel).await?;
        self.changed(done, whose, id).await
    }

    /// Stops one until it is to go on.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub async fn pause(&self, whose: Whose<'_>, id: &str) -> Result<NarrationCard, JobError> {
        let done = self.shared.rows.wish(id, whose, Wish::Pause).await?;
        self.changed(done, whose, id).await
    }

    /// Has one go on that was stopped.
    ///
    /// # Errors
    /// When there is none, or it was not stopped.
    pub async fn resume(&self, whose: Whose<'_>, id: &str) -> Result<NarrationCard, JobError> {
        let done = self.shared.rows.resume(id, whose).await?;
        self.shared.woken.notify_one();
        self.changed(done, whose, id).await
    }

    /// Tries one again that failed or was called off.
    ///
    /// # Errors
    /// When there is none, or it did neither, or its person has as many waiting as they may have.
    pub async fn retry(&self, whose: Whose<'_>, id: &str) -> Result<NarrationCard, JobError> {
        let most = self.shared.settings.waiting_per_person;
        let mut asking = self.shared.rows.asking().await?;
        if asking.waiting(whose.viewer).await? >= i64::from(most) {
            return Err(JobError::TooMany(most));
        }
        if let Some((user, missing)) = asking.missing(id).await? {
            self.check_day(&mut asking, &user, missing).await?;
        }
        let done = asking.retry(id, whose).await?;
        asking.done().await?;
        self.shared.woken.notify_one();
        self.changed(done, whose, id).await
    }

    async fn changed(
        &self,
        done: bool,
        whose: Whose<'_>,
        id: &str,
    ) -> Result<NarrationCard, JobError> {
        let card = self.get(whose, id).await?;
        if done { Ok(card) } else { Err(JobError::NotNow) }
    }
}

/// Chapters as a person writes them: “3”, or “3-7”; `None`, which is all of them, when nothing is written.
///
/// # Errors
/// When that is not how they are written.
pub fn parse_chapters(text: &str) -> Result<Option<(u32, u32)>, JobError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u32>().map_err(|_| JobError::BadChapters);
    Ok(Some((number(first)?, number(last)?)))
}

async fn forget_often(shared: Arc<Shared>) {
    loop {
        let forgotten = async {
            shared.rows.forget_old().await?;
            forget_files(&shared).await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "narrations that ended long ago could not be forgotten yet");
        }
        tokio::time::sleep(FORGET_INTERVAL).await;
    }
}

/// Removes files that belong to no narration any more. One that is new may be about to be noted.
async fn forget_files(shared: &Shared) -> Result<(), JobError> {
    let known = shared.rows.with_files().await?;
    let folder = ObjectPath::from(packing::FOLDER);
    let mut files = shared.store.list(Some(&folder));
    while let Some(file) = files.try_next().await? {
        let age = now_ms().saturating_sub(file.last_modified.timestamp_millis().max(0) as u64);
        let is_known = file.location.filename().is_some_and(|id| known.contains(id));
        if !is_known && age > FORGET_INTERVAL.as_millis() as u64 {
            shared.store.delete(&file.location).await?;
        }
    }
    Ok(())
}
