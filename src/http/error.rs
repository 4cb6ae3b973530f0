//! Errors as answers: "problem details" (RFC 9457).

use app::model::Progress;
use app::notice::Refused;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub use crate::error::ApiError;

impl ApiError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadParameter { .. } | Self::BadBody(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable(_) | Self::Voice(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany { .. } | Self::TooManyAtOnce(_) | Self::TooManyWaiting(_) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::OtherMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::OtherHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Moved(_) | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::NoLogin
            | Self::NotSetUp
            | Self::WrongLogin
            | Self::WrongPasskey(_)
            | Self::NotLetIn => StatusCode::UNAUTHORIZED,
            Self::OtherSite
            | Self::NotAllowed
            | Self::WrongCode
            | Self::NotConfirmed
            | Self::LoggedIn => StatusCode::FORBIDDEN,
            Self::NotPaid(_) => StatusCode::PAYMENT_REQUIRED,
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
    /// What a page is to say of it: in the words of its language, where every language has them.
    pub(super) fn notice(&self) -> String {
        let known = match self {
            Self::NoLogin => Refused::NoLogin,
            Self::NotSetUp => Refused::NotSetUp,
            Self::WrongLogin => Refused::WrongLogin,
            Self::NotAllowed => Refused::NotAllowed,
            Self::LoggedIn => Refused::LoggedIn,
            Self::NotLetIn => Refused::NotLetIn,
            Self::WrongCode => Refused::WrongCode,
            Self::OtherSite => Refused::OtherSite,
            Self::TooSlow => Refused::TooSlow,
            Self::TooManyAtOnce(_) => Refused::TooManyAtOnce,
            Self::TooMany { retry_after } => Refused::TooMany(retry_after.as_secs()),
            Self::Internal => Refused::Internal,
            error => return error.to_string(),
        };
        known.mark()
    }

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

/// Why something was refused, with the answer: a browser that has sent a form is shown it on the page of the form.
#[derive(Debug, Clone)]
pub(super) struct Refusal(pub(super) String);

/// The same answer for whoever runs the place, which says more.
#[derive(Debug, Clone)]
pub(super) struct ForOperators(pub(super) ApiError);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.problem())).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Self::TooMany { retry_after } = self {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after.as_secs().into());
        }
        if let Self::Voice(error) = &self {
            response.extensions_mut().insert(ForOperators(Self::Voice(error.clone()).in_full()));
        }
        // What another site has a browser send has no page here.
        if !matches!(self, Self::OtherSite | Self::OtherHost(_)) {
            response.extensions_mut().insert(Refusal(self.notice()));
        }
        response
    }
}
