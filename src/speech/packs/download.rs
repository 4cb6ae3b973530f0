//! Fetches a file whose content is known by its hash, and goes on where an earlier attempt stopped.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use app::model::PackProgress;
use reqwest::header::RANGE;
use reqwest::{Client, Response, StatusCode};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::PackFile;
use crate::text::hash::hex;

/// How long it may take until there is a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// How long nothing may come.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// How often it is tried again when nothing more has come.
const MAX_TRIES: u32 = 4;
/// The pause before that, longer by as much each time.
const PAUSE: Duration = Duration::from_secs(2);
/// Bytes that are read of a file at once.
const PART: usize = 64 * 1024;

/// Why a file cannot be had.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// The server does not answer, or breaks off.
    #[error("{0} could not be fetched: {1}")]
    Unreachable(String, String),
    /// The server has something else to say.
    #[error("{0} could not be fetched: the server answered {1}")]
    Status(String, StatusCode),
    /// What came is not what it should be.
    #[error("{0} is not the file that was published: it is not used")]
    Different(String),
    /// It is not among the files that were given.
    #[error("{0} is not among the files that were given")]
    Missing(String),
    /// It cannot be written.
    #[error("{0} cannot be written: {1}")]
    File(PathBuf, std::io::Error),
}

/// A client for downloads, which may be long.
///
/// # Errors
/// When the system's certificates cannot be read.
pub fn client() -> Result<Client, DownloadError> {
    // TLS needs a provider of cryptography; another part of the program may have set one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(SILENCE_LIMIT)
        .user_agent(concat!("earmark/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| DownloadError::Unreachable("a file".to_owned(), error.to_string()))
}

/// A file while it comes: what is here of it, and the hash of that.
struct Arriving<'a> {
    wanted: &'a PackFile,
    path: PathBuf,
    file: File,
    hash: Sha256,
    length: u64,
    progress: &'a Mutex<PackProgress>,
}

impl<'a> Arriving<'a> {
    /// What an earlier attempt left, if anything.
    async fn open(
        wanted: &'a PackFile,
        path: &Path,
        progress: &'a Mutex<PackProgress>,
    ) -> Result<Self, DownloadError> {
        let failed = |error| DownloadError::File(path.to_owned(), error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).await.map_err(failed)?;
        let (path, hash) = (path.to_owned(), Sha256::new());
        let mut arriving = Self { wanted, path, file, hash, length: 0, progress };
        let mut part = vec![0; PART];
        loop {
            match arriving.file.read(&mut part).await {
                Ok(0) => return Ok(arriving),
                Ok(count) => arriving.count(&part[..count]),
                Err(error) => return Err(arriving.failed(error)),
            }
        }
    }

    fn failed(&self, error: std::io::Error) -> DownloadError {
        DownloadError::File(self.path.clone(), error)
    }

    fn count(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).done += bytes.len() as u64;
    }

    async fn add(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).await.map_err(|error| self.failed(error))?;
        self.count(bytes);
        if self.length > self.wanted.bytes { Err(self.different().await) } else { Ok(()) }
    }

    /// Begins again from nothing.
    async fn clear(&mut self) -> Result<(), DownloadError> {
        self.file.set_len(0).await.map_err(|error| self.failed(error))?;
        tokio::io::AsyncSeekExt::rewind(&mut self.file)
            .await
            .map_err(|error| self.failed(error))?;
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).done -= self.length;
        (self.hash, self.length) = (Sha256::new(), 0);
        Ok(())
    }

    /// Throws away what is here.
    async fn different(&mut self) -> DownloadError {
        match self.clear().await {
            Ok(()) => DownloadError::Different(self.wanted.published.to_owned()),
            Err(error) => error,
        }
    }

    /// When it is all here and what it should be.
    async fn finish(mut self) -> Result<(), DownloadError> {
        self.file.sync_all().await.map_err(|error| self.failed(error))?;
        let hash = std::mem::take(&mut self.hash).finalize();
        if self.length == self.wanted.bytes && hex(&hash) == self.wanted.sha256 {
            return Ok(());
        }
        Err(self.different().await)
    }
}

/// Fetches a file to `path`. What is there already is gone on with.
///
/// # Errors
/// When the server cannot be reached for long, or has another file. What has come so far stays, unless it is
/// wrong.
pub async fn fetch(
    client: &Client,
    wanted: &PackFile,
    path: &Path,
    progress: &Mutex<PackProgress>,
) -> Result<(), DownloadError> {
    let mut arriving = Arriving::open(wanted, path, progress).await?;
    let mut tries = 0;
    while arriving.length < wanted.bytes {
        let before = arriving.length;
        match fetch_rest(client, &mut arriving).await {
            Ok(()) => {}
            Err(error @ DownloadError::Unreachable(..)) => {
                tries = if arriving.length > before { 1 } else { tries + 1 };
                if tries > MAX_TRIES {
                    return Err(error);
                }
                tokio::time::sleep(PAUSE * tries).await;
            }
            Err(error) => return Err(error),
        }
    }
    arriving.finish().await
}

async fn fetch_rest(client: &Client, arriving: &mut Arriving<'_>) -> Result<(), DownloadError> {
    let PackFile { folder, published, .. } = arriving.wanted;
    let broken = |error: reqwest::Error| {
        DownloadError::Unreachable((*published).to_owned(), innermost(&error))
    };
    let request = client.get(format!("{folder}{published}"));
    let request = match arriving.length {
        0 => request,
        // What is here is the beginning of it, or the hash says that it is not.
        length => request.header(RANGE, format!("bytes={length}-")),
    };
    let mut answer: Response = request.send().await.map_err(broken)?;
    match answer.status() {
        StatusCode::PARTIAL_CONTENT => {}
        StatusCode::OK => arriving.clear().await?,
        StatusCode::RANGE_NOT_SATISFIABLE => return Err(arriving.different().await),
        status if status.is_server_error() => {
            let reason = format!("the server answered {status}");
            return Err(DownloadError::Unreachable((*published).to_owned(), reason));
        }
        status => return Err(DownloadError::Status((*published).to_owned(), status)),
    }
    while let Some(part) = answer.chunk().await.map_err(broken)? {
        arriving.add(&part).await?;
    }
    if arriving.length < arriving.wanted.bytes {
        let reason = "it broke off".to_owned();
        return Err(DownloadError::Unreachable((*published).to_owned(), reason));
    }
    Ok(())
}

/// What an error comes from, in the end: that of a request only says that there was one.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Takes a file from those that a person has, by the name it was published under or has here.
///
/// # Errors
/// When it is not there, or is another file.
pub async fn take(
    from: &Path,
    wanted: &PackFile,
    path: &Path,
    progress: &Mutex<PackProgress>,
) -> Result<(), DownloadError> {
    let names = [wanted.published, wanted.name];
    let inside = names.map(|name| from.join(name)).into_iter();
    let below = names.map(|name| from.join("voices").join(name));
    let mut places = inside.chain(below).chain([from.to_owned()]);
    let missing = || DownloadError::Missing(wanted.published.to_owned());
    let place = places.find(|place| place.is_file()).ok_or_else(missing)?;
    let unreadable = |error| DownloadError::File(place.clone(), error);
    let mut source = File::open(&place).await.map_err(unreadable)?;
    let mut arriving = Arriving::open(wanted, path, progress).await?;
    arriving.clear().await?;
    let mut part = vec![0; PART];
    loop {
        let count = source.read(&mut part).await.map_err(unreadable)?;
        if count == 0 {
            return arriving.finish().await;
        }
        arriving.add(&part[..count]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::body::Body;
    use axum::extract::State;
    use axum::http::HeaderMap;
    use axum::response::IntoResponse;
    use axum::routing::get;
    use futures::StreamExt;
    use tempfile::TempDir;

    use super::*;

    const LENGTH: usize = 300_000;

    fn content() -> Vec<u8> {
        (0..LENGTH).map(|at| (at * at % 251) as u8).collect()
    }

    /// How a server behaves.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Manner {
        /// It breaks off after 100,000 bytes, and can go on.
        Breaks,
        /// It breaks off once, and begins again.
        NoRanges,
        /// It sends more than there is.
        TooLong,
        /// It sends another file.
        Other,
        /// It has no such file.
        Missing,
        /// It is down at first.
        Down,
    }

    #[derive(Clone)]
    struct Server {
        manner: Manner,
        asked: Arc<AtomicUsize>,
    }

    async fn answer(State(server): State<Server>, headers: HeaderMap) -> axum::response::Response {
        let turn = server.asked.fetch_add(1, Ordering::Relaxed);
        let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
        let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        let from: usize = from.map_or(0, |from| from.parse().unwrap());
        let broken = |bytes: Vec<u8>| {
            let gone = async {
                // What was written is on its way.
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(std::io::Error::other("gone"))
            };
            let parts = futures::stream::iter([Ok(bytes)]);
            Body::from_stream(parts.chain(futures::stream::once(gone)))
        };
        match server.manner {
            Manner::Breaks => {
                let part = content()[from..(from + 100_000).min(LENGTH)].to_vec();
                let status = if from == 0 { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
                (status, broken(part)).into_response()
            }
            Manner::NoRanges if turn == 0 => broken(content()[..50_000].to_vec()).into_response(),
            Manner::Down if turn == 0 => StatusCode::BAD_GATEWAY.into_response(),
            Manner::NoRanges | Manner::Down => content().into_response(),
            Manner::TooLong => [content(), content()].concat().into_response(),
            Manner::Other => vec![7_u8; LENGTH].into_response(),
            Manner::Missing => StatusCode::NOT_FOUND.into_response(),
        }
    }

    /// What comes of fetching from such a server, how often it was asked, and what is there in the end.
    async fn fetched(
        manner: Manner,
        already: &[u8],
    ) -> (Result<(), DownloadError>, usize, Vec<u8>, u64) {
        let asked = Arc::new(AtomicUsize::new(0));
        let server = Server { manner, asked: Arc::clone(&asked) };
        let router = Router::new().route("/file", get(answer)).with_state(server);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let running = tokio::spawn(async move { axum::serve(listener, router).await });
        let hash = hex(&Sha256::digest(content()));
        let file = PackFile {
            name: "file",
            folder: format!("http://{address}/").leak(),
            published: "file",
            bytes: LENGTH as u64,
            sha256: hash.leak(),
        };
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, already).unwrap();
        let progress = Mutex::new(PackProgress::new(LENGTH as u64));
        let outcome = fetch(&client().unwrap(), &file, &path, &progress).await;
        running.abort();
        let done = progress.lock().unwrap().done;
        (outcome, asked.load(Ordering::Relaxed), std::fs::read(&path).unwrap(), done)
    }

    #[tokio::test]
    async fn what_breaks_off_is_gone_on_with() {
        let (outcome, asked, bytes, done) = fetched(Manner::Breaks, &content()[..20_000]).await;
        outcome.unwrap();
        assert_eq!((asked, bytes == content(), done), (3, true, LENGTH as u64));
    }

    #[tokio::test]
    async fn what_is_here_is_not_fetched_again() {
        let (outcome, asked, ..) = fetched(Manner::Missing, &content()).await;
        outcome.unwrap();
        assert_eq!(asked, 0);
    }

    #[tokio::test]
    async fn a_server_without_ranges_begins_again() {
        let (outcome, asked, bytes, done) = fetched(Manner::NoRanges, b"").await;
        outcome.unwrap();
        assert_eq!((asked, bytes == content(), done), (2, true, LENGTH as u64));
        fetched(Manner::Down, b"").await.0.unwrap();
    }

    #[tokio::test]
    async fn another_file_is_refused_and_thrown_away() {
        for (manner, already) in
            [(Manner::TooLong, vec![]), (Manner::Other, vec![]), (Manner::Breaks, vec![9; 50_000])]
        {
            let (outcome, _, bytes, done) = fetched(manner, &already).await;
            assert!(matches!(outcome, Err(DownloadError::Different(_))), "{outcome:?}");
            assert_eq!((bytes.len(), done), (0, 0));
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_said_to_be_so() {
        let (outcome, asked, ..) = fetched(Manner::Missing, b"").await;
        assert!(matches!(outcome, Err(DownloadError::Status(_, StatusCode::NOT_FOUND))));
        assert_eq!(asked, 1);
    }
}
