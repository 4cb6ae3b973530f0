//! A real server on a free port with a data folder of its own, and books to feed it.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod browser;
pub mod fleet;
pub mod redis;
pub mod s3;
pub mod sound;
pub mod standin;

use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use earmark::config::Cli;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zip::write::SimpleFileOptions;

/// The voice of the tests; `make` installs its engine.
pub const VOICE: &str = "espeak-ng:en-us";

pub struct TestServer {
    pub address: SocketAddr,
    pub client: reqwest::Client,
    pub data: TempDir,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), String>>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_on(TempDir::new().unwrap()).await
    }

    /// Starts with more arguments.
    pub async fn start_with(more: &[&str]) -> Self {
        Self::start_on_with(TempDir::new().unwrap(), more).await
    }

    /// Starts on a data folder that may have been used before.
    pub async fn start_on(data: TempDir) -> Self {
        Self::start_on_with(data, &[]).await
    }

    pub async fn start_on_with(data: TempDir, more: &[&str]) -> Self {
        let folder = data.path().to_str().unwrap();
        let mut arguments = vec!["earmark", "--data", folder];
        let database = database_url(data.path());
        if let Some(url) = &database {
            arguments.extend(["--database-url", url]);
        }
        arguments.extend(more);
        // The built-in voice where a test is about it: the others are for a machine without.
        if !more.contains(&"--voices") {
            arguments.extend(["--voices", folder]);
        }
        if !more.contains(&"--workers") {
            arguments.extend(["--workers", "2"]);
        }
        let mut config = Cli::parse_from(arguments).serve;
        // The program that runs here is the test.
        config.reading.program = Some(env!("CARGO_BIN_EXE_earmark").into());
        config.narration.built_in.program = Some(env!("CARGO_BIN_EXE_earmark").into());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn({
            let shutdown = shutdown.clone();
            async move {
                earmark::run(config, listener, shutdown).await.map_err(|error| format!("{error:?}"))
            }
        });
        let mut server = Self { address, client: client(), data, shutdown, running };
        // A server that cannot start says why in the test that wanted it, not as a refused connection.
        let answer = server.client.get(server.url("/health")).send();
        tokio::select! {
            ended = &mut server.running => panic!("the server has ended: {ended:?}"),
            answer = answer => drop(answer.expect("the server answers")),
        }
        server
    }

    /// Stops it and hands back its data.
    pub async fn stop(self) -> TempDir {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
        self.data
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap()
    }

    pub async fn upload(&self, name: &str, bytes: Vec<u8>) -> reqwest::Response {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part);
        self.client.post(self.url("/api/books")).multipart(form).send().await.unwrap()
    }

    /// Imports a book and returns its id.
    pub async fn import(&self, name: &str, bytes: Vec<u8>) -> String {
        let response = self.upload(name, bytes).await;
        let status = response.status();
        let book: Value = response.json().await.unwrap();
        assert_eq!(status, 201, "{name}: {book}");
        book["id"].as_str().unwrap().to_owned()
    }

    /// The address of a chapter's stream.
    pub fn stream(book: &str, chapter: u32, rest: &str) -> String {
        format!("/listen/{book}/{chapter}.mp3?voice={VOICE}{rest}")
    }
}

/// The database of a data folder, where tests run on PostgreSQL (`scripts/with-postgres.sh`); without it,
/// the one in the folder.
pub fn database_url(folder: &Path) -> Option<String> {
    let server = std::env::var("EARMARK_TEST_POSTGRES").ok()?;
    let name: String =
        folder.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect();
    // It may be there from before a restart.
    let create = format!("CREATE DATABASE \"{name}\"");
    let mut psql = std::process::Command::new("psql");
    psql.args([&format!("{server}/postgres"), "-q", "-c", &create]);
    psql.stderr(std::process::Stdio::null()).status().expect("psql is installed by make");
    Some(format!("{server}/{name}"))
}

/// The database of a data folder, to look into it.
pub async fn database(folder: &Path) -> sqlx::AnyPool {
    earmark::library::connect(database_url(folder).as_deref(), folder).await.unwrap()
}

/// A client.
pub fn client() -> reqwest::Client {
    client_builder().build().unwrap()
}

/// Begins a client; TLS needs a provider of cryptography, also where there is no TLS, and whichever test runs first.
pub fn client_builder() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

/// A small EPUB 3 of these chapters: (title, body).
pub fn epub(title: &str, chapters: &[(&str, &str)]) -> Vec<u8> {
    epub_in("en", title, chapters)
}

/// The same in a language.
pub fn epub_in(language: &str, title: &str, chapters: &[(&str, &str)]) -> Vec<u8> {
    epub_with(language, title, chapters, &[])
}

/// The same with more files beside the package, each with its media type.
pub fn epub_with(
    language: &str,
    title: &str,
    chapters: &[(&str, &str)],
    more: &[(&str, &str, &str)],
) -> Vec<u8> {
    epub_about("", language, title, chapters, more)
}

/// The same with more metadata.
pub fn epub_about(
    metadata: &str,
    language: &str,
    title: &str,
    chapters: &[(&str, &str)],
    more: &[(&str, &str, &str)],
) -> Vec<u8> {
    let number = |index: usize| index + 1;
    let manifest: String = (0..chapters.len())
        .map(|index| {
            format!(
                "<item id='c{0}' href='c{0}.xhtml' media-type='application/xhtml+xml'/>",
                number(index)
            )
        })
        .chain(more.iter().enumerate().map(|(index, (path, kind, _))| {
            format!("<item id='m{index}' href='{path}' media-type='{kind}'/>")
        }))
        .collect();
    let spine: String =
        (0..chapters.len()).map(|index| format!("<itemref idref='c{}'/>", number(index))).collect();
    let nav: String = chapters
        .iter()
        .enumerate()
        .map(|(index, (title, _))| {
            format!("<li><a href='c{}.xhtml'>{title}</a></li>", number(index))
        })
        .collect();
    let mut entries = vec![
        ("mimetype".to_owned(), "application/epub+zip".to_owned()),
        (
            "META-INF/container.xml".to_owned(),
            "<container version='1.0' xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>\
             <rootfile full-path='OPS/package.opf' media-type='application/oebps-package+xml'/></rootfiles></container>"
                .to_owned(),
        ),
        (
            "OPS/package.opf".to_owned(),
            format!(
                "<package xmlns='http://www.idpf.org/2007/opf' version='3.0' unique-identifier='id'>\
                 <metadata xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:identifier id='id'>{title}</dc:identifier>\
                 <dc:title>{title}</dc:title><dc:language>{language}</dc:language><dc:creator>A. Writer</dc:creator>{metadata}</metadata>\
                 <manifest><item id='nav' href='nav.xhtml' properties='nav' media-type='application/xhtml+xml'/>{manifest}</manifest>\
                 <spine>{spine}</spine></package>"
            ),
        ),
        (
            "OPS/nav.xhtml".to_owned(),
            format!(
                "<html xmlns='http://www.w3.org/1999/xhtml' xmlns:epub='http://www.idpf.org/2007/ops'><body>\
                 <nav epub:type='toc'><ol>{nav}</ol></nav></body></html>"
            ),
        ),
    ];
    for (index, (_, body)) in chapters.iter().enumerate() {
        entries.push((
            format!("OPS/c{}.xhtml", number(index)),
            format!("<html xmlns='http://www.w3.org/1999/xhtml' xmlns:epub='http://www.idpf.org/2007/ops' xmlns:ssml='http://www.w3.org/2001/10/synthesis'><body>{body}</body></html>"),
        ));
    }
    for (path, _, content) in more {
        entries.push((format!("OPS/{path}"), (*content).to_owned()));
    }
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A book of the corpus in `EARMARK_CORPUS`, a folder of real books that are not for the repository.
pub fn shared_book(name: &str) -> Option<Vec<u8>> {
    shared(&format!("books/{name}")).map(|file| std::fs::read(file).unwrap())
}

/// A file of that corpus.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("EARMARK_CORPUS").map(PathBuf::from);
    let file = folder.map(|folder| folder.join(path)).filter(|file| file.exists());
    if file.is_none() {
        eprintln!("skipped: EARMARK_CORPUS has no {path}");
    }
    file
}

/// How many samples a decoder other than ours finds in an MP3.
pub fn decoded_samples(mp3: &[u8], sample_rate: u32) -> u64 {
    decoded(mp3, sample_rate).len() as u64
}

/// The samples of an MP3, from -1 to 1, as ffmpeg decodes them.
pub fn decoded(mp3: &[u8], sample_rate: u32) -> Vec<f32> {
    let mut file = tempfile::Builder::new().suffix(".mp3").tempfile().unwrap();
    file.write_all(mp3).unwrap();
    let output = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file.path())
        .args(["-f", "s16le", "-ac", "1", "-ar", &sample_rate.to_string(), "-"])
        .output()
        .expect("ffmpeg is installed by make");
    assert!(output.status.success());
    let pairs = output.stdout.as_chunks::<2>().0;
    pairs.iter().map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32_768.0).collect()
}
