//! Errors as answers: "problem details" (RFC 9457).

use app::model::Progress;
use app::notice::Refused;
use app::preferences::UiLanguage;
use app::words;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub use crate::error::ApiError;

/// The media type of a problem document (RFC 9457, 3).
const PROBLEM: &str = "application/problem+json";

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

/// The words of the language that a browser asks for.
fn language(accepted: Option<&HeaderValue>) -> &'static words::Words {
    let accepted = accepted.and_then(|value| value.to_str().ok());
    words::of(UiLanguage::System, accepted.unwrap_or_default())
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
    /// Its name, where every language has words for it that a page says; else what it says in English.
    fn known(&self) -> Result<Refused, String> {
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
            error => return Err(error.to_string()),
        };
        Ok(known)
    }

    /// What a page is to say of it.
    pub(super) fn notice(&self) -> String {
        self.known().map_or_else(|text| text, Refused::mark)
    }

    /// What went wrong, as it is answered: in English, which programs are written for.
    pub(super) fn problem(&self) -> Problem {
        self.problem_that_says(self.to_string())
    }

    /// The same in the language that a browser asks for, if there are words for it.
    pub(super) fn problem_for(&self, accepted: Option<&HeaderValue>) -> Problem {
        if !Self::is_said_otherwise(accepted) {
            return self.problem();
        }
        let words = language(accepted);
        self.problem_that_says(match (self, self.known()) {
            (Self::Voice(error), _) => error.said(&words.voice_troubles),
            (_, Ok(known)) => known.said(&words.refusals),
            (_, Err(text)) => words::error_in(words.tag, text),
        })
    }

    fn problem_that_says(&self, detail: String) -> Problem {
        let status = self.status();
        Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
            place: match self {
                Self::Moved(place) => Some(Progress::clone(place)),
                _ => None,
            },
        }
    }
}

/// What an answer says that went wrong, for those on its way who say it otherwise: on the page of a form, in another
/// language, or in full.
#[derive(Debug, Clone)]
pub(super) struct Failed(pub(super) ApiError);

impl ApiError {
    /// Whether a browser that has sent a form may be shown it on a page. What another site has a browser send has none
    /// here.
    pub(super) fn has_page(&self) -> bool {
        !matches!(self, Self::OtherSite | Self::OtherHost(_))
    }

    /// An answer that has this problem in it, with the problem in the language that a browser asks for.
    pub(super) fn said_in(&self, answer: Response, accepted: Option<&HeaderValue>) -> Response {
        // What is no problem document has another form of its own.
        if answer.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind != PROBLEM) {
            return answer;
        }
        let (mut parts, _) = answer.into_parts();
        // What stood there may have been compressed.
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_ENCODING);
        let body = Json(self.problem_for(accepted)).into_response().into_body();
        Response::from_parts(parts, body)
    }

    /// Whether that would say anything else than the answer does.
    pub(super) fn is_said_otherwise(accepted: Option<&HeaderValue>) -> bool {
        language(accepted).tag != words::of(UiLanguage::English, "").tag
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.problem())).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if let Self::TooMany { retry_after } = self {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after.as_secs().into());
        }
        response.extensions_mut().insert(Failed(self));
        response
    }
}
