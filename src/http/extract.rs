//! What handlers take from a request, checked: what is wrong is answered as a problem document that names it.

use app::model::BookId;
use axum::extract::rejection::PathRejection;
use axum::extract::{
    Form, FromRequest, FromRequestParts, Json, Path, Query, RawPathParams, Request,
};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::ApiError;

/// A body in JSON.
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(ApiError::BadBody(rejection.body_text())),
        }
    }
}

/// A body as a browser sends a form.
pub struct ApiForm<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiForm<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Form::from_request(request, state).await {
            Ok(Form(body)) => Ok(Self(body)),
            Err(rejection) => Err(ApiError::BadBody(rejection.body_text())),
        }
    }
}

/// A body in JSON, or as a browser sends a form.
pub struct ApiEither<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiEither<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Ok(Self(ApiForm::from_request(request, state).await?.0));
        }
        Ok(Self(ApiJson::from_request(request, state).await?.0))
    }
}

/// The query of an address.
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(ApiError::BadBody(rejection.body_text())),
        }
    }
}

/// What an address names besides a book: something that cannot be there is not there.
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(path)) => Ok(Self(path)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => {
                Err(ApiError::NotFound("There is nothing of this name.".to_owned()))
            }
            Err(_) => Err(ApiError::Internal),
        }
    }
}

/// The parts of an address by the names that its route gives them.
struct Address(RawPathParams);

impl Address {
    async fn of<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match RawPathParams::from_request_parts(parts, state).await {
            Ok(params) => Ok(Self(params)),
            // Bytes that are no text name nothing.
            Err(_) => Err(ApiError::NotFound("There is nothing of this name.".to_owned())),
        }
    }

    fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, text)| text)
    }

    fn book(&self) -> Result<BookId, ApiError> {
        let missing = |_| ApiError::NotFound("There is no such book.".to_owned());
        self.text("book").parse().map_err(missing)
    }
}

/// A book that an address names.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct BookPath {
    /// The book’s id
    #[param(value_type = String)]
    pub book: BookId,
}

impl<S: Send + Sync> FromRequestParts<S> for BookPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self { book: Address::of(parts, state).await?.book()? })
    }
}

/// A chapter that an address names.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ChapterPath {
    /// The book’s id
    #[param(value_type = String)]
    pub book: BookId,
    /// The chapter’s number, from 1
    #[param(minimum = 1)]
    pub chapter: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for ChapterPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let address = Address::of(parts, state).await?;
        Ok(Self { book: address.book()?, chapter: chapter(address.text("chapter"))? })
    }
}

/// The sound of a book from a chapter on.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct StreamPath {
    /// The book’s id
    #[param(value_type = String)]
    pub book: BookId,
    /// The chapter’s number, from 1, and “.mp3”
    #[param(value_type = String, pattern = r"^[0-9]+\.mp3$")]
    pub chapter: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for StreamPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let address = Address::of(parts, state).await?;
        Ok(Self { book: address.book()?, chapter: chapter(mp3_name(address.text("chapter"))?)? })
    }
}

/// The sound of a sentence.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ClipPath {
    /// The book’s id
    #[param(value_type = String)]
    pub book: BookId,
    /// The chapter’s number, from 1
    #[param(minimum = 1)]
    pub chapter: u32,
    /// The sentence’s number in the chapter, from 0, and “.mp3”
    #[param(value_type = String, pattern = r"^[0-9]+\.mp3$")]
    pub sentence: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for ClipPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let address = Address::of(parts, state).await?;
        Ok(Self {
            book: address.book()?,
            chapter: chapter(address.text("chapter"))?,
            sentence: number("sentence", mp3_name(address.text("sentence"))?)?,
        })
    }
}

/// Who reads.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VoiceQuery {
    /// A voice’s id; the book’s default when empty
    #[serde(default)]
    pub voice: String,
}

/// How a chapter is read, and from where.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListenQuery {
    /// A voice’s id; the book’s default when empty
    #[serde(default)]
    pub voice: String,
    /// The sentence to begin with
    #[param(value_type = Option<u32>)]
    pub from: Option<String>,
    /// How long the voice rests: “normal”, “brisk”, “calm”, or “own-5-5-5-5” with steps from 1 to 9 for sentences, paragraphs, headings and breaks; as chosen in the settings when left out
    pub pauses: Option<String>,
    /// What is passed over: a list of “titles”, “matter”, “notes”, “tables”, “code”, “captions”, “pictures”, “citations” and “links”, or “notes-at-number” for notes where the text refers to them, and “sites” for web addresses by their name; as chosen in the settings when left out
    pub skip: Option<String>,
}

impl ListenQuery {
    /// The sentence to begin with; the first when none is named. `count` is the number there are.
    ///
    /// # Errors
    /// When the chapter has no such sentence.
    pub fn from(&self, count: usize) -> Result<usize, ApiError> {
        let Some(text) = self.from.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(0);
        };
        let from = number("from", text)? as usize;
        if from > 0 && from >= count {
            return Err(ApiError::BadParameter {
                name: "from",
                reason: format!("is past the last sentence; the chapter has {count}"),
            });
        }
        Ok(from)
    }
}

/// Who reads when the voice cannot.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FallbackQuery {
    /// A voice that speaks what the other cannot; the one chosen in the settings when left out
    pub fallback: Option<String>,
    /// A voice that begins for a slow one, with `to=book`; the one chosen in the settings when left out, none when empty
    pub starter: Option<String>,
}

/// A whole number.
///
/// # Errors
/// When it is none.
pub fn number(name: &'static str, text: &str) -> Result<u32, ApiError> {
    text.parse()
        .map_err(|_| ApiError::BadParameter { name, reason: "must be a whole number".to_owned() })
}

fn chapter(text: &str) -> Result<u32, ApiError> {
    match number("chapter", text)? {
        0 => Err(ApiError::NotFound("The book has no such chapter.".to_owned())),
        number => Ok(number),
    }
}

/// What precedes `.mp3`.
fn mp3_name(text: &str) -> Result<&str, ApiError> {
    text.strip_suffix(".mp3")
        .ok_or_else(|| ApiError::NotFound("The address must end in “.mp3”.".to_owned()))
}
