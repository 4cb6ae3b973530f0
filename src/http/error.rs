//! Every error that reaches a client, as "problem details" (RFC 9457).
//!
//! What is the client's business is said in full; what is internal is logged here and answered with
//! a sentence.

use std::time::Duration;

use app::error::AppError;
use app::model::Progress;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use thiserror::Error;

use crate::library::LibraryError;
use crate::library::import::ImportError;
use crate::narrator::NarratorError;
use crate::voices::engines::EnginesError;
use crate::voices::{SecretsError, VoiceError};

/// What a handler can fail with.
#[derive(Debug, Error)]
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
    /// Asked too often.
    #[error("Too many requests. Try again in {} seconds.", retry_after.as_secs())]
    TooMany {
        /// When to come again; whole seconds.
        retry_after: Duration,
    },
    /// Another device has moved; this is where it is.
    #[error("Another device has moved in this book.")]
    Moved(Box<Progress>),
    /// The request comes from another site's page.
    #[error("Requests from other sites are not accepted.")]
    OtherSite,
    /// Everything that is not the client's business.
    #[error("Something went wrong on the server. The log says what.")]
    Internal,
}

impl ApiError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadParameter { .. } | Self::BadBody(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Moved(_) => StatusCode::CONFLICT,
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// What went wrong, as it is answered.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says which kind
    r#type: &'static str,
    /// What the status is called
    title: &'static str,
    /// The HTTP status
    status: u16,
    /// What happened and what to do
    detail: String,
    /// Where another device is.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Progress>,
}

impl ApiError {
    /// What went wrong, as it is answered.
    pub(super) fn problem(&self) -> Problem {
        let status = self.status();
        Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.to_string(),
            place: match self {
                Self::Moved(place) => Some(Progress::clone(place)),
                _ => None,
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.problem())).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Self::TooMany { retry_after } = self {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after.as_secs().into());
        }
        response
    }
}

impl From<LibraryError> for ApiError {
    fn from(error: LibraryError) -> Self {
        match error {
            LibraryError::NoSuchBook
            | LibraryError::NoSuchChapter
            | LibraryError::NoSuchFile
            | LibraryError::NoSuchMark => Self::NotFound(error.to_string()),
            LibraryError::NoSuchSentence
            | LibraryError::LongName(_)
            | LibraryError::TooManyMarks
            | LibraryError::NoteTooLong(_)
            | LibraryError::QueryTooLong(_)
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
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<EnginesError> for ApiError {
    fn from(error: EnginesError) -> Self {
        match error {
            EnginesError::NoSuchEngine(_) => Self::NotFound(error.to_string()),
            EnginesError::Settings(_) | EnginesError::TooMany => Self::BadBody(error.to_string()),
            // What a service says of its settings is for the person who enters them.
            EnginesError::Voice(error) => Self::Unavailable(error.to_string()),
            EnginesError::Secrets(SecretsError::Foreign(_)) => Self::BadBody(error.to_string()),
            EnginesError::Secrets(_) | EnginesError::Database(_) | EnginesError::Damaged(_) => {
                internal(&error)
            }
        }
    }
}

impl From<NarratorError> for ApiError {
    fn from(error: NarratorError) -> Self {
        match error {
            NarratorError::Library(error) => error.into(),
            NarratorError::Voice(error) => error.into(),
            NarratorError::Text(reason) => Self::BadBody(reason),
            NarratorError::Queue(_)
            | NarratorError::Waiters(_)
            | NarratorError::Changed
            | NarratorError::TooLate => Self::Unavailable(error.to_string()),
            NarratorError::Store(_) | NarratorError::Database(_) => internal(&error),
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
