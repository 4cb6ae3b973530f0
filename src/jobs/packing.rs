//! The file that a narration becomes: its clips one after the other, with tags and chapters, as people's players
//! know them.
//!
//! Nothing is made anew and nothing is in memory as a whole: clips go to a file on disk as they are read, and from
//! there to the object store. Only M4B is another codec, which ffmpeg makes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use app::model::{BookCard, NarrationOutput};
use bytes::Bytes;
use futures::StreamExt;
use object_store::ObjectStore;
use object_store::path::Path as ObjectPath;
use tempfile::TempDir;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::mpsc;
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use crate::audio::{TagError, Tags};
use crate::children::{self, Group, Limits};
use crate::library::pictures::picture_type;
use crate::library::{Library, LibraryError};
use crate::narration::stream::Recording;
use crate::narration::{NarrationError, Narrator};

/// The program that makes M4B.
const ENCODER: &str = "ffmpeg";
/// Bits a second of its sound: what was 48 kbit/s of MP3 loses little more (measured: 0.5 dB).
const AAC_BITS: &str = "64k";
/// Larger files are stored in parts of this size, in bytes; S3 takes no smaller ones than 5 MB.
const PART_BYTES: usize = 6 << 20;
/// Pieces that may wait to be written to disk.
const WAITING_PIECES: usize = 64;
/// Longest name of a file in an archive, in bytes; file systems take 255.
const MAX_NAME_BYTES: usize = 200;
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
    #[error("the object store failed: {0}")]
    Store(#[from] object_store::Error),
    #[error("a task did not finish: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("The program “ffmpeg” could not make the audiobook: {0}")]
    Encoder(String),
}

/// One chapter of it.
struct Part {
    title: String,
    recording: Recording,
}

/// Packs a narration.
pub(super) struct Packer<'a> {
    pub(super) narrator: &'a Narrator,
    pub(super) library: &'a Library,
    pub(super) store: &'a Arc<dyn ObjectStore>,
    /// A folder on this machine for what is being packed.
    pub(super) folder: &'a Path,
}

/// What is to be written, in turn.
enum Piece {
    /// From here on it is another file of the archive, of this name.
    Begins(String),
    Bytes(Bytes),
}

/// Whether there is a program on this machine that makes M4B.
pub(super) async fn has_encoder() -> bool {
    let mut command = Command::new(ENCODER);
    children::isolate(&mut command);
    let asked = command.arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.await.is_ok_and(|status| status.success())
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
        (card, chapters, voice): (&BookCard, &[u32], &str),
    ) -> Result<u64, PackError> {
        let book = self.library.metadata(&card.id).await?;
        let mut parts = Vec::with_capacity(chapters.len());
        for number in chapters {
            let recording = self.narrator.heard_recording(&card.id, *number, voice).await?;
            let title = book.chapters.iter().find(|chapter| chapter.number == *number);
            let title = title.map_or_else(String::new, |chapter| chapter.title.clone());
            // A chapter without a sound, as one of pictures, is none of the file's.
            if recording.bytes > 0 {
                parts.push(Part { title, recording });
            }
        }
        let cover = self.library.cover(&card.id, None).await.ok();
        let cover = cover.as_ref().and_then(|bytes| {
            let kind = picture_type(bytes)?;
            ["image/jpeg", "image/png"].contains(&kind).then_some((kind, &bytes[..]))
        });
        let work = tempfile::Builder::new().prefix("packing-").tempdir_in(self.folder)?;
        let file = match output {
            NarrationOutput::None => return Ok(0),
            NarrationOutput::Zip => self.archive(&work, card, cover, parts).await?,
            NarrationOutput::Mp3 => self.one_file(&work, card, cover, parts).await?,
            NarrationOutput::M4b => self.audiobook(&work, card, cover, parts).await?,
        };
        self.keep(id, &file).await
    }

    /// All chapters in one MP3, which lists them.
    async fn one_file(
        &self,
        work: &TempDir,
        card: &BookCard,
        cover: Option<(&'static str, &[u8])>,
        parts: Vec<Part>,
    ) -> Result<PathBuf, PackError> {
        let chapters = times(&parts);
        let byline = card.byline();
        let tags = Tags {
            title: &card.title,
            album: &card.title,
            artist: &byline,
            track: None,
            cover,
            chapters: &chapters,
        };
        let path = work.path().join("book.mp3");
        let (sender, writing) = write_file(path.clone());
        send(&sender, Piece::Bytes(tags.encode()?.into())).await;
        for part in parts {
            self.send_sound(&sender, part.recording).await?;
        }
        drop(sender);
        writing.await??;
        Ok(path)
    }

    /// An MP3 a chapter, in an archive.
    async fn archive(
        &self,
        work: &TempDir,
        card: &BookCard,
        cover: Option<(&'static str, &[u8])>,
        parts: Vec<Part>,
    ) -> Result<PathBuf, PackError> {
        let path = work.path().join("book.zip");
        let (sender, writing) = write_archive(path.clone());
        let (byline, count) = (card.byline(), parts.len() as u32);
        // It is in each of the files.
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

    /// One M4B with chapters and cover.
    async fn audiobook(
        &self,
        work: &TempDir,
        card: &BookCard,
        cover: Option<(&'static str, &[u8])>,
        parts: Vec<Part>,
    ) -> Result<PathBuf, PackError> {
        let facts = work.path().join("facts.txt");
        tokio::fs::write(&facts, facts_for_encoder(card, &times(&parts))).await?;
        let picture = match cover {
            Some((kind, bytes)) => {
                let name = if kind == "image/png" { "cover.png" } else { "cover.jpg" };
                tokio::fs::write(work.path().join(name), bytes).await?;
                Some(name)
            }
            None => None,
        };
        // Without tags: those are among the facts.
        let sound = work.path().join("sound.mp3");
        let (sender, writing) = write_file(sound);
        for part in parts {
            self.send_sound(&sender, part.recording).await?;
        }
        drop(sender);
        writing.await??;
        match encode(work.path(), picture).await {
            // A cover that is damaged is no reason to do without the sound.
            Err(PackError::Encoder(why)) if picture.is_some() => {
                tracing::warn!(why, "an audiobook is made without its cover");
                encode(work.path(), None).await?;
            }
            encoded => encoded?,
        }
        Ok(work.path().join("book.m4b"))
    }

    async fn send_sound(
        &self,
        sender: &mpsc::Sender<Piece>,
        recording: Recording,
    ) -> Result<(), PackError> {
        let whole = 0..recording.bytes;
        let mut sound = std::pin::pin!(self.narrator.play(recording, whole));
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

/// Has pieces written to a file. When it fails the pieces are received no more, and the task says why.
fn write_file(
    path: PathBuf,
) -> (mpsc::Sender<Piece>, tokio::task::JoinHandle<Result<(), PackError>>) {
    let (sender, mut pieces) = mpsc::channel(WAITING_PIECES);
    let writing = tokio::task::spawn_blocking(move || {
        let mut file = BufWriter::new(File::create(path)?);
        while let Some(piece) = pieces.blocking_recv() {
            if let Piece::Bytes(bytes) = piece {
                file.write_all(&bytes)?;
            }
        }
        Ok(file.flush()?)
    });
    (sender, writing)
}

/// The same, to an archive.
fn write_archive(
    path: PathBuf,
) -> (mpsc::Sender<Piece>, tokio::task::JoinHandle<Result<(), PackError>>) {
    let (sender, mut pieces) = mpsc::channel(WAITING_PIECES);
    let writing = tokio::task::spawn_blocking(move || {
        let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
        // MP3 does not become smaller; a file may be larger than 4 GiB.
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(true);
        while let Some(piece) = pieces.blocking_recv() {
            match piece {
                Piece::Begins(name) => archive.start_file(name, options)?,
                Piece::Bytes(bytes) => archive.write_all(&bytes)?,
            }
        }
        archive.finish()?.flush()?;
        Ok(())
    });
    (sender, writing)
}

async fn send(sender: &mpsc::Sender<Piece>, piece: Piece) {
    // Whoever writes has failed when nobody receives it, and says why itself.
    let _ = sender.send(piece).await;
}

/// The name of a chapter's file: its number, and what is left of its title where names of files are strict.
fn name_in_archive(number: u32, count: u32, title: &str) -> String {
    let digits = count.to_string().len().max(2);
    let plain = |letter: char| match letter {
        letter if letter.is_control() || "/\\:*?\"<>|".contains(letter) => ' ',
        letter => letter,
    };
    let title: String = title.chars().map(plain).collect();
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = title.trim_matches('.');
    let title = &title[..title.floor_char_boundary(MAX_NAME_BYTES)];
    match title.trim() {
        "" => format!("{number:0digits$}.mp3"),
        title => format!("{number:0digits$} {title}.mp3"),
    }
}

/// What ffmpeg is told of a book (its format `ffmetadata`).
fn facts_for_encoder(card: &BookCard, chapters: &[(String, u32, u32)]) -> String {
    let plain = |text: &str| {
        let mut plain = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter {
                '=' | ';' | '#' | '\\' => plain.extend(['\\', letter]),
                letter if letter.is_control() => plain.push(' '),
                letter => plain.push(letter),
            }
        }
        plain
    };
    let (title, artist) = (plain(&card.title), plain(&card.byline()));
    let mut facts = format!(
        ";FFMETADATA1\ntitle={title}\nalbum={title}\nartist={artist}\nalbum_artist={artist}\ngenre=Audiobook\nmedia_type=2\n"
    );
    for (title, start, end) in chapters {
        let title = plain(title);
        facts += &format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n");
    }
    facts
}

/// Has ffmpeg make `book.m4b` of what lies in a folder.
async fn encode(folder: &Path, picture: Option<&str>) -> Result<(), PackError> {
    let mut command = Command::new(ENCODER);
    children::isolate(&mut command);
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]);
    command.args(["-i", "sound.mp3", "-i", "facts.txt"]);
    if let Some(picture) = picture {
        command.args([
            "-i",
            picture,
            "-map",
            "2:v",
            "-c:v",
            "copy",
            "-disposition:v:0",
            "attached_pic",
        ]);
    }
    command.args(["-map", "0:a", "-map_metadata", "1", "-map_chapters", "1"]);
    // The quick coder of ffmpeg 5 is the better one for speech, and takes a sixth of the time (measured).
    command.args(["-c:a", "aac", "-aac_coder", "fast", "-b:a", AAC_BITS]);
    command.args(["-movflags", "+faststart", "-f", "ipod", "book.m4b"]);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| PackError::Encoder(error.to_string()))?;
    let _group = Group::of(&child);
    let limits = Limits { memory: Some(1 << 30), open_files: Some(64), ..Limits::default() };
    children::limit(&child, limits)?;
    let done = child.wait_with_output().await?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(PackError::Encoder(said.lines().last().unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_good_for_every_file_system() {
        assert_eq!(name_in_archive(3, 12, "What is: this?"), "03 What is this.mp3");
        assert_eq!(name_in_archive(3, 120, "  "), "003.mp3");
        assert_eq!(
            name_in_archive(1, 1, "../../etc/passwd"),
            "01  .. etc passwd.mp3".replace("  ", " ")
        );
        assert_eq!(name_in_archive(1, 1, &"é".repeat(300)).len(), 200 + 7);
    }
}
