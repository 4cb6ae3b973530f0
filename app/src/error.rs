//! What a page or a server function can be told has gone wrong.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An error a person can read. What is internal stays in the server's log.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum AppError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// A value that was sent cannot be right; says which.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be done now; says why.
    #[error("{0}")]
    Unavailable(String),
    /// The server failed.
    #[error("Something went wrong on the server. The log says what.")]
    Internal,
}

impl AppError {
    /// The HTTP status of a response that reports it.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound(_) => 404,
            Self::Invalid(_) => 400,
            Self::Unavailable(_) => 503,
            Self::Internal => 500,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(reason) | ServerFnErrorErr::MissingArg(reason) => {
                Self::Invalid(reason)
            }
            ServerFnErrorErr::Request(reason) => Self::Unavailable(reason),
            _ => Self::Internal,
        }
    }
}
