//! M4B by ffmpeg: AAC with chapters, cover and tags.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use app::model::BookCard;
use tempfile::TempDir;
use tokio::process::Command;

use super::pieces::write_file;
use super::{Contents, PackError, Packer, times};
use crate::children::{self, Group, Limits};

/// The program that makes M4B.
const ENCODER: &str = "ffmpeg";
/// Bits a second of its sound: what was 48 kbit/s of MP3 loses little more (measured: 0.5 dB).
const AAC_BITS: &str = "64k";

/// Whether there is a program on this machine that makes M4B.
pub(in crate::jobs) async fn has_encoder() -> bool {
    let mut command = Command::new(ENCODER);
    children::isolate(&mut command);
    let asked = command.arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.await.is_ok_and(|status| status.success())
}

impl Packer<'_> {
    /// One M4B with chapters and cover.
    pub(super) async fn audiobook(
        &self,
        work: &TempDir,
        contents: Contents<'_>,
    ) -> Result<PathBuf, PackError> {
        let facts = work.path().join("facts.txt");
        tokio::fs::write(&facts, facts_for_encoder(contents.card, &times(&contents.parts))).await?;
        let picture = match contents.cover() {
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
        for part in contents.parts {
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
