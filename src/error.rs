//! What can go wrong: what a client hears of it, and why the program cannot start.
//!
//! What is the client's business is said in full; what is internal is logged here and answered with
//! a sentence. The HTTP side makes answers of [`ApiError`]s.

use std::io;
use std::time::Duration;

use app::error::AppError;
use app::model::Progress;
use thiserror::Error;

use crate::accounts::AccountError;
use crate::clips::waits::WaitError;
use crate::jobs::JobError;
use crate::library::LibraryError;
use crate::library::import::ImportError;
use crate::narration::NarrationError;
use crate::queue::QueueError;
use crate::speech::engines::EnginesError;
use crate::speech::packs::InstallError;
use crate::speech::{SecretsError, VoiceError};

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
    /// A voice cannot be installed or removed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// An account cannot be made or changed.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// Nobody can ask for metrics.
    #[error("EARMARK_METRICS_ADDR cannot be used: {0}: {1}")]
    Metrics(std::net::SocketAddr, std::io::Error),
    /// The server of Audiobookshelf cannot be used.
    #[error("EARMARK_AUDIOBOOKSHELF_TOKEN_FILE cannot be used: {file}: {reason}")]
    Audiobookshelf {
        /// The file with its token.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Providers of logins cannot be used.
    #[error("EARMARK_OIDC_PROVIDERS cannot be used: {0}")]
    Providers(String),
    /// No password could be read.
    #[error("the password cannot be read: {0}")]
    Password(io::Error),
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
    /// The program cannot hear that it is to stop.
    #[error("signals cannot be heard: {0}")]
    Signals(#[from] io::Error),
}

/// What a handler can fail with.
#[derive(Debug, Clone, Error)]
pub enum ApiError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// A parameter that cannot be right.
    #[error("The parameter “{name}” {reason}.")]
    BadParameter {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A request body that cannot be read.
    #[error("{0}")]
    BadBody(String),
    /// The file is larger than is taken.
    #[error("{0}")]
    TooLarge(String),
    /// The file is not a book that can be read.
    #[error("{0}")]
    Refused(String),
    /// It cannot be done now.
    #[error("{0}")]
    Unavailable(String),
    /// A voice does not speak.
    #[error("{0}")]
    Voice(VoiceError),
    /// Asked too often.
    #[error("Too many requests. Try again in {} seconds.", retry_after.as_secs())]
    TooMany {
        /// When to come again; whole seconds.
        retry_after: Duration,
    },
    /// Another device has moved; this is where it is.
    #[error("Another device has moved in this book.")]
    Moved(Box<Progress>),
    /// Something else is so that this cannot be.
    #[error("{0}")]
    Conflict(String),
    /// A person has as many things waiting as they may have.
    #[error("{0}")]
    TooManyWaiting(String),
    /// The client has as many streams or uploads as one may have.
    #[error("Too many {0} at once from one address. Close some, or wait until they have ended.")]
    TooManyAtOnce(&'static str),
    /// The rest of a request did not come.
    #[error("The rest of the request did not come in time.")]
    TooSlow,
    /// The request was sent to another server's name.
    #[error(
        "This server is not known as “{0}”. If it should be, start it with --host {0}, or set EARMARK_HOST."
    )]
    OtherHost(String),
    /// The address takes other methods than this.
    #[error("This address does not take {0}.")]
    OtherMethod(String),
    /// The request comes from another site's page.
    #[error("Requests from other sites are not accepted.")]
    OtherSite,
    /// Nobody is logged in.
    #[error("Log in first. A program sends a token, which is made on the page of your account.")]
    NoLogin,
    /// There is nobody yet who could log in.
    #[error(
        "Nobody can log in yet. The terminal that Earmark was started in says where the first account is made; or make it there: earmark users add NAME --admin"
    )]
    NotSetUp,
    /// A link to another's book, for somebody who is logged in.
    #[error(
        "You are logged in, and this book is somebody else’s own. Open the link in a private window, or log out first."
    )]
    LoggedIn,
    /// Who is logged in may not do this.
    #[error("Your account may not do this.")]
    NotAllowed,
    /// The name or the password is wrong.
    #[error("The name or the password is wrong.")]
    WrongLogin,
    /// A passkey lets nobody in.
    #[error("{0}")]
    WrongPasskey(String),
    /// What a person may spend is used up.
    #[error("{0}")]
    NotPaid(String),
    /// The password has to be said again.
    #[error(
        "Say your password again first: a form with “password” to /confirm. It is good for a quarter of an hour."
    )]
    NotConfirmed,
    /// A provider of logins let nobody in whom we know.
    #[error(
        "That login is not known here. Ask whoever runs this place for an account, or log in otherwise."
    )]
    NotLetIn,
    /// The code with which the first account is made.
    #[error("The code is wrong, or was used. The terminal that Earmark was started in says it.")]
    WrongCode,
    /// Everything that is not the client's business.
    #[error("Something went wrong on the server. The log says what.")]
    Internal,
}

impl ApiError {
    /// The same for whoever runs the place, with what an engine has answered.
    pub fn in_full(self) -> Self {
        match self {
            Self::Voice(error) => Self::Unavailable(error.in_full()),
            error => error,
        }
    }
}

impl From<LibraryError> for ApiError {
    fn from(error: LibraryError) -> Self {
        match error {
            LibraryError::NoSuchBook
            | LibraryError::NoSuchChapter
            | LibraryError::NoSuchFile
            | LibraryError::NoSuchMark
            | LibraryError::NoSuchPronunciation => Self::NotFound(error.to_string()),
            LibraryError::NoSuchSentence
            | LibraryError::LongName(_)
            | LibraryError::TooManyMarks
            | LibraryError::TooManyPlaces(_)
            | LibraryError::Pronunciation(_)
            | LibraryError::NoAuthor
            | LibraryError::NoSeries
            | LibraryError::TooManyPronunciations
            | LibraryError::LexiconTooLarge(_)
            | LibraryError::NoteTooLong(_)
            | LibraryError::NoVoiceNamed
            | LibraryError::QueryTooLong(_)
            | LibraryError::NotLately
            | LibraryError::ReportTooLong(_)
            | LibraryError::BadName(_)
            | LibraryError::Preference(_) => Self::BadBody(error.to_string()),
            LibraryError::Overtaken => Self::Unavailable(error.to_string()),
            LibraryError::Moved(place) => Self::Moved(place),
            LibraryError::Import(ImportError::TooLarge) => Self::TooLarge(error.to_string()),
            LibraryError::Import(ImportError::Busy) => Self::Unavailable(error.to_string()),
            LibraryError::Import(ImportError::Write(_) | ImportError::Manuscript(_)) => {
                internal(&error)
            }
            LibraryError::Import(refusal) => Self::Refused(refusal.to_string()),
            LibraryError::File(_)
            | LibraryError::Database(_)
            | LibraryError::Store(_)
            | LibraryError::Redis(_)
            | LibraryError::Damaged(_)
            | LibraryError::Interrupted(_) => internal(&error),
        }
    }
}

impl From<VoiceError> for ApiError {
    fn from(error: VoiceError) -> Self {
        match error {
            VoiceError::NoSuchVoice(_) => Self::BadParameter {
                name: "voice",
                reason: format!("names no voice that is installed ({error})"),
            },
            VoiceError::OverAllowance { .. } => Self::NotPaid(error.to_string()),
            error => Self::Voice(error),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Wrong => Self::WrongLogin,
            AccountError::Passkey => Self::WrongPasskey(error.to_string()),
            AccountError::NoSuchPerson(_) => Self::NotFound(error.to_string()),
            AccountError::Name
            | AccountError::Taken(_)
            | AccountError::Password
            | AccountError::LastAdmin
            | AccountError::TooMany
            | AccountError::Invitation
            | AccountError::TooManyInvitations
            | AccountError::Share
            | AccountError::TooManyShares
            | AccountError::TooManyFeeds
            | AccountError::Identity
            | AccountError::Linked
            | AccountError::LastWayIn
            | AccountError::PasskeyHost
            | AccountError::TooManyPasskeys
            | AccountError::TokenName
            | AccountError::TooManyTokens => Self::BadBody(error.to_string()),
            AccountError::Database(_) | AccountError::Secret(_) => internal(&error),
        }
    }
}

impl From<EnginesError> for ApiError {
    fn from(error: EnginesError) -> Self {
        match error {
            EnginesError::NoSuchEngine(_) => Self::NotFound(error.to_string()),
            EnginesError::Settings(_) | EnginesError::TooMany => Self::BadBody(error.to_string()),
            // What a service says of its settings is for the person who enters them.
            EnginesError::Voice(error) => Self::Unavailable(error.in_full()),
            EnginesError::Secrets(SecretsError::Foreign(_)) => Self::BadBody(error.to_string()),
            EnginesError::Secrets(_) | EnginesError::Database(_) | EnginesError::Damaged(_) => {
                internal(&error)
            }
        }
    }
}

impl From<InstallError> for ApiError {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::NoSuchPack(_) => Self::NotFound(error.to_string()),
            InstallError::Bundled => Self::BadBody(error.to_string()),
            InstallError::Busy
            | InstallError::NoReader
            | InstallError::Download(_)
            | InstallError::Preparing(_)
            | InstallError::Silent(_) => Self::Unavailable(error.to_string()),
            InstallError::File(..) => internal(&error),
        }
    }
}

impl From<NarrationError> for ApiError {
    fn from(error: NarrationError) -> Self {
        match error {
            NarrationError::Library(error) => error.into(),
            NarrationError::Voice(error) => error.into(),
            NarrationError::Text(reason) => Self::BadBody(reason),
            NarrationError::Wait(WaitError::Voice(error)) => error.into(),
            NarrationError::Queue(_) | NarrationError::Wait(_) | NarrationError::Changed => {
                Self::Unavailable(error.to_string())
            }
            NarrationError::Clips(_) | NarrationError::Database(_) => internal(&error),
        }
    }
}

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::NoSuchNarration | JobError::NoFile => Self::NotFound(error.to_string()),
            JobError::NotNow | JobError::NotAgreed(_) => Self::Conflict(error.to_string()),
            JobError::BadChapters
            | JobError::NoSuchChapters(_)
            | JobError::TooLate
            | JobError::NoAudiobookshelf
            | JobError::TooLarge(..) => Self::BadBody(error.to_string()),
            JobError::TooMany(_) | JobError::TooMuch { .. } => {
                Self::TooManyWaiting(error.to_string())
            }
            JobError::Narration(error) => error.into(),
            JobError::Database(_) | JobError::Store(_) => internal(&error),
        }
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        internal(&error)
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::NotFound(reason) => Self::NotFound(reason),
            AppError::Invalid(reason) => Self::BadBody(reason),
            AppError::Unavailable(reason) => Self::Unavailable(reason),
            AppError::Internal => Self::Internal,
        }
    }
}

impl From<ApiError> for AppError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::NotFound(reason) => Self::NotFound(reason),
            ApiError::Unavailable(reason) => Self::Unavailable(reason),
            ApiError::Internal => Self::Internal,
            other => Self::Invalid(other.to_string()),
        }
    }
}

fn internal(error: &dyn std::error::Error) -> ApiError {
    tracing::error!(%error, "a request failed");
    ApiError::Internal
}
