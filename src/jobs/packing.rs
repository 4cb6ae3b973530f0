//! The file that a narration becomes: its clips one after the other, with tags and chapters, as people's players
//! know them.
//!
//! Nothing is made anew and nothing is in memory as a whole: clips go to a file on disk as they are read, and from
//! there to the object store. Only M4B is another codec.

mod audiobook;
mod epub;
mod pieces;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::model::{BookCard, BookDetails, NarrationOutput};
use bytes::Bytes;
use futures::StreamExt;
use object_store::ObjectStore;
use object_store::path::Path as ObjectPath;
use tempfile::TempDir;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use zip::result::ZipError;

use super::{Audiobookshelf, SendError};
use crate::audio::{TagError, Tags};
use crate::library::pictures::picture_type;
use crate::library::reading_apps::digest;
use crate::library::xhtml::XhtmlError;
use crate::library::{Library, LibraryError};
use crate::narration::stream::Recording;
use crate::narration::{NarrationError, Narrator};
use crate::text::subtitles::Cue;
use pieces::{Piece, Sender, name_in_archive, plain_name, send, write_archive, write_file};

/// Larger files are stored in parts of this size, in bytes; S3 takes no smaller ones than 5 MB.
const PART_BYTES: usize = 6 << 20;
/// A larger cover is not put into each file of an archive.
const MAX_REPEATED_COVER_BYTES: usize = 500_000;
/// The folder of the files in the object store.
pub(super) const FOLDER: &str = "narrations";

/// Why a narration cannot become a file.
#[derive(Debug, Error)]
pub(super) enum PackError {
    #[error(transparent)]
    Narration(#[from] NarrationError),
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error(transparent)]
    Tag(#[from] TagError),
    #[error("the file cannot be written: {0}")]
    File(#[from] std::io::Error),
    #[error("the archive cannot be written: {0}")]
    Archive(#[from] ZipError),
    #[error(transparent)]
    Text(#[from] XhtmlError),
    #[error("the object store failed: {0}")]
    Store(#[from] object_store::Error),
    #[error("a task did not finish: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("The audiobook could not be encoded: {0}")]
    Encoder(String),
}

/// What is packed.
pub(super) struct Wanted<'a> {
    pub(super) book: &'a BookDetails,
    pub(super) range: RangeInclusive<u32>,
    /// The chapters of them that are heard.
    pub(super) heard: &'a [u32],
    pub(super) voice: &'a str,
    /// What the voice is called.
    pub(super) voice_name: String,
}

/// A picture of the type `image/jpeg` or `image/png`.
type Cover = (&'static str, Bytes);

/// What the file is made of.
struct Contents<'a> {
    card: &'a BookCard,
    book: &'a BookDetails,
    range: RangeInclusive<u32>,
    voice: &'a str,
    voice_name: String,
    cover: Option<Cover>,
    parts: Vec<Part>,
}

impl Contents<'_> {
    /// The cover as tags have it.
    fn cover(&self) -> Option<(&'static str, &[u8])> {
        self.cover.as_ref().map(|(kind, bytes)| (*kind, &bytes[..]))
    }
}

/// One chapter of it.
struct Part {
    number: u32,
    title: String,
    recording: Recording,
    /// When its sentences are heard.
    cues: Vec<Cue>,
}

/// Packs a narration.
pub(super) struct Packer<'a> {
    pub(super) narrator: &'a Narrator,
    pub(super) library: &'a Library,
    pub(super) store: &'a Arc<dyn ObjectStore>,
    /// A folder on this machine for what is being packed.
    pub(super) folder: &'a Path,
    /// Where audiobooks can be sent.
    pub(super) audiobookshelf: Option<&'a Audiobookshelf>,
}

/// Where the file of a narration is in the object store.
pub(super) fn path_of(id: &str) -> ObjectPath {
    ObjectPath::from(FOLDER).join(id)
}

impl Packer<'_> {
    /// Packs chapters and puts the file into the object store; says how large it is.
    pub(super) async fn pack(
        &self,
        id: &str,
        output: NarrationOutput,
        wanted: Wanted<'_>,
    ) -> Result<u64, PackError> {
        let Wanted { book, range, heard, voice, voice_name } = wanted;
        let (card, chapters) = (&book.card, range.clone());
        let mut parts = Vec::with_capacity(heard.len());
        for number in heard {
            let (recording, cues) = self.narrator.heard_timed(&card.id, *number, voice).await?;
            let title = book.chapters.iter().find(|chapter| chapter.number == *number);
            let title = title.map_or_else(String::new, |chapter| chapter.title.clone());
            // A chapter without a sound, as one of pictures, is none of the file's.
            if recording.bytes > 0 {
                parts.push(Part { number: *number, title, recording, cues });
            }
        }
        let cover = self.library.cover(&card.id, None).await.ok();
        let cover = cover.and_then(|bytes| {
            let kind = picture_type(&bytes)?;
            ["image/jpeg", "image/png"].contains(&kind).then_some((kind, bytes))
        });
        let contents = Contents { card, book, range, voice, voice_name, cover, parts };
        let work = tempfile::Builder::new().prefix("packing-").tempdir_in(self.folder)?;
        let file = match output {
            NarrationOutput::None => return Ok(0),
            NarrationOutput::Zip => self.archive(&work, contents).await?,
            NarrationOutput::Mp3 => self.one_file(&work, contents).await?,
            NarrationOutput::M4b => self.audiobook(&work, contents).await?,
            NarrationOutput::Epub => self.read_aloud(&work, contents).await?,
            NarrationOutput::Audiobookshelf => {
                self.send_away(&work, contents).await?;
                return Ok(0);
            }
        };
        let size = self.keep(id, &file).await?;
        if output == NarrationOutput::Epub {
            // So that whoever reads it elsewhere is found in this book.
            let digest = digest(&**self.store, &path_of(id)).await?;
            self.library.note_document(&digest, book, &chapters).await?;
        }
        Ok(size)
    }

    /// An audiobook for Audiobookshelf: no file of it is kept here.
    async fn send_away(&self, work: &TempDir, contents: Contents<'_>) -> Result<(), PackError> {
        let Some(server) = self.audiobookshelf else {
            return Err(SendError::NoServer.into());
        };
        let (card, place) = (contents.card, server.place().await?);
        let file = self.audiobook(work, contents).await?;
        let name = match plain_name(&card.title) {
            name if name.is_empty() => format!("{}.m4b", card.id),
            name => format!("{name}.m4b"),
        };
        Ok(server.send(card, &file, (name, place)).await?)
    }

    /// All chapters in one MP3, which lists them.
    async fn one_file(&self, work: &TempDir, contents: Contents<'_>) -> Result<PathBuf, PackError> {
        let chapters = times(&contents.parts);
        let byline = contents.card.byline();
        let tags = Tags {
            title: &contents.card.title,
            album: &contents.card.title,
            artist: &byline,
            track: None,
            cover: contents.cover(),
            chapters: &chapters,
        };
        let path = work.path().join("book.mp3");
        let (sender, writing) = write_file(path.clone());
        send(&sender, Piece::Bytes(tags.encode()?.into())).await;
        for part in contents.parts {
            self.send_sound(&sender, part.recording).await?;
        }
        drop(sender);
        writing.await??;
        Ok(path)
    }

    /// An MP3 a chapter, in an archive.
    async fn archive(&self, work: &TempDir, contents: Contents<'_>) -> Result<PathBuf, PackError> {
        let Contents { card, cover, parts, .. } = contents;
        let path = work.path().join("book.zip");
        let (sender, writing) = write_archive(path.clone());
        let (byline, count) = (card.byline(), parts.len() as u32);
        // It is in each of the files.
        let cover = cover.as_ref().map(|(kind, bytes)| (*kind, &bytes[..]));
        let cover = cover.filter(|(_, bytes)| bytes.len() <= MAX_REPEATED_COVER_BYTES);
        for (number, part) in (1..).zip(parts) {
            let tags = Tags {
                title: &part.title,
                album: &card.title,
                artist: &byline,
                track: Some((number, count)),
                cover,
                chapters: &[],
            };
            let tag = tags.encode()?;
            send(&sender, Piece::Begins(name_in_archive(number, count, &part.title))).await;
            send(&sender, Piece::Bytes(tag.into())).await;
            self.send_sound(&sender, part.recording).await?;
        }
        drop(sender);
        writing.await??;
        Ok(path)
    }

    async fn send_sound(&self, sender: &Sender, recording: Recording) -> Result<(), PackError> {
        let mut sound = std::pin::pin!(self.narrator.copy(recording));
        while let Some(piece) = sound.next().await {
            send(sender, Piece::Bytes(piece?)).await;
        }
        Ok(())
    }

    /// Puts a file into the object store, and says how large it is.
    async fn keep(&self, id: &str, file: &Path) -> Result<u64, PackError> {
        let mut file = tokio::fs::File::open(file).await?;
        let size = file.metadata().await?.len();
        let store = Arc::clone(self.store);
        let mut writer =
            object_store::buffered::BufWriter::with_capacity(store, path_of(id), PART_BYTES);
        match tokio::io::copy(&mut file, &mut writer).await {
            Ok(_) => writer.shutdown().await?,
            Err(error) => {
                // What is half there is nobody's.
                let _ = writer.abort().await;
                return Err(error.into());
            }
        }
        Ok(size)
    }
}

/// The chapters with their times, in milliseconds. Each begins where the one before ends, counted in whole samples.
fn times(parts: &[Part]) -> Vec<(String, u32, u32)> {
    let mut at = std::time::Duration::ZERO;
    let ms = |time: std::time::Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    let chapter = |part: &Part| {
        let begin = at;
        at += part.recording.duration();
        (part.title.clone(), ms(begin), ms(at))
    };
    parts.iter().map(chapter).collect()
}
