//! Audiobooks for a server of Audiobookshelf, by its upload API (`POST /api/upload`, as of 2.26 to 2.36): one file in a
//! multipart form, which it puts into a folder of the library.

use std::path::Path;
use std::time::Duration;

use app::model::BookCard;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, StatusCode, Url, redirect};
use serde::Deserialize;
use thiserror::Error;
use tokio_util::io::ReaderStream;

/// How long it may take to be connected.
const CONNECTING: Duration = Duration::from_secs(20);
/// How long nothing may come for.
const SILENCE: Duration = Duration::from_secs(300);
/// How long a file may take; a book of 22 hours has 600 MB.
const SENDING: Duration = Duration::from_secs(3 * 3600);
/// The longest list of libraries that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The kind of library that has books; the other has podcasts.
const BOOKS: &str = "book";

/// Why a book could not be sent there, for the person who asked.
#[derive(Debug, Error)]
pub enum SendError {
    /// It does not know us.
    #[error("Audiobookshelf does not accept the token, or whose it is may not upload.")]
    Refused,
    /// There is no library of books, or none of the name that was given.
    #[error("Audiobookshelf has no library of books{}.", named(.0))]
    NoLibrary(Option<String>),
    /// It is not there now.
    #[error("Audiobookshelf cannot be reached: {0}")]
    Unreachable(String),
    /// It answers what it should not.
    #[error("Audiobookshelf did not take the book: {0}")]
    NotTaken(String),
    /// None is named any more.
    #[error("Earmark does not know a server of Audiobookshelf any more.")]
    NoServer,
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
}

fn named(name: &Option<String>) -> String {
    name.as_ref().map_or_else(String::new, |name| format!(" that is called “{name}”"))
}

impl SendError {
    /// Whether it may be otherwise in a while.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    fn of(error: &reqwest::Error) -> Self {
        // The whole chain would tell addresses to whoever asked.
        match error.is_connect() {
            true => Self::Unreachable("no connection.".to_owned()),
            // It may have all of it: sent again, the book would be there twice.
            false => Self::NotTaken("the connection broke off, or no answer came.".to_owned()),
        }
    }

    fn status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Refused,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE => {
                Self::Unreachable(format!("it answers {}.", status.as_u16()))
            }
            status if status.is_redirection() => Self::NotTaken(
                "it is at another address; --audiobookshelf-url names an old one.".to_owned(),
            ),
            status => Self::NotTaken(format!("it answers {}.", status.as_u16())),
        }
    }
}

/// A server of Audiobookshelf that the operator has named.
#[derive(Clone)]
pub struct Audiobookshelf {
    url: Url,
    token: String,
    library: Option<String>,
    client: Client,
}

/// Where books go, by the ids that it has there.
pub(super) struct Place {
    library: String,
    folder: String,
}

#[derive(Deserialize)]
struct Libraries {
    libraries: Vec<Library>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Library {
    id: String,
    name: String,
    media_type: String,
    folders: Vec<Folder>,
}

#[derive(Deserialize)]
struct Folder {
    id: String,
}

impl Audiobookshelf {
    /// The server at `url`, for whoever has `token`; books go to the library of a name, else to the first of books.
    ///
    /// # Errors
    /// When the system has no TLS to connect with.
    pub fn new(url: Url, token: String, library: Option<String>) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(CONNECTING)
            .read_timeout(SILENCE)
            .timeout(SENDING)
            // The token goes nowhere else.
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self { url, token, library, client })
    }

    /// An address below that of the server, which may be on a sub-path.
    fn address(&self, path: &str) -> Result<Url, SendError> {
        let base = self.url.as_str().trim_end_matches('/');
        let address = format!("{base}{path}");
        address.parse().map_err(|_| SendError::NotTaken("its address is none.".to_owned()))
    }

    /// Sends the audiobook of a book, whose file is called `name` there.
    ///
    /// # Errors
    /// When it is not taken.
    pub(super) async fn send(
        &self,
        card: &BookCard,
        file: &Path,
        (name, place): (String, Place),
    ) -> Result<(), SendError> {
        let Place { library, folder } = place;
        let file = tokio::fs::File::open(file).await?;
        let length = file.metadata().await?.len();
        let content = Body::wrap_stream(ReaderStream::new(file));
        let mut form = Form::new()
            .text("title", card.title.clone())
            .text("library", library)
            .text("folder", folder);
        if !card.authors.is_empty() {
            form = form.text("author", card.byline());
        }
        let form = form.part("0", Part::stream_with_length(content, length).file_name(name));
        let request = self.client.post(self.address("/api/upload")?);
        let answer = request.bearer_auth(&self.token).multipart(form).send().await;
        let status = answer.map_err(|error| SendError::of(&error))?.status();
        if status.is_success() { Ok(()) } else { Err(SendError::status(status)) }
    }

    /// The library and its folder that books go to; also says whether it lets us in, before much is done.
    pub(super) async fn place(&self) -> Result<Place, SendError> {
        let request = self.client.get(self.address("/api/libraries")?).bearer_auth(&self.token);
        let mut answer = request.send().await.map_err(|error| SendError::of(&error))?;
        if !answer.status().is_success() {
            return Err(SendError::status(answer.status()));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| SendError::of(&error))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MAX_ANSWER_BYTES {
                return Err(SendError::NotTaken("its answer is too long.".to_owned()));
            }
        }
        let unknown = |_| SendError::NotTaken("it is no Audiobookshelf.".to_owned());
        let Libraries { libraries } = serde_json::from_slice(&bytes).map_err(unknown)?;
        let wanted = self.library.as_deref();
        let found = libraries.into_iter().find(|library| {
            library.media_type == BOOKS && wanted.is_none_or(|name| library.name == name)
        });
        let place = found.and_then(|library| {
            Some(Place { library: library.id, folder: library.folders.into_iter().next()?.id })
        });
        place.ok_or_else(|| SendError::NoLibrary(self.library.clone()))
    }
}
