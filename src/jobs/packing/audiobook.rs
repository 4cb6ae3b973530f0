//! M4B: the sound as AAC, by ffmpeg where it is installed, which is quicker, with what players want to know of it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::pieces::write_file;
use super::{Contents, PackError, Packer};
use crate::audio::aac::{BITS_A_SECOND, frames_of_adts, frames_of_mp3};
use crate::audio::m4b::{self, Audiobook};
use crate::children::{self, Group, Limits};

/// The program that encodes AAC quickly.
const ENCODER: &str = "ffmpeg";

impl Packer<'_> {
    /// One M4B with chapters and cover.
    pub(super) async fn audiobook(
        &self,
        work: &TempDir,
        contents: Contents<'_>,
    ) -> Result<PathBuf, PackError> {
        let sound = work.path().join("sound.mp3");
        let (sender, writing) = write_file(sound.clone());
        let rate = contents.parts.first().map_or(0, |part| part.recording.sample_rate());
        let (mut chapters, mut samples) = (Vec::new(), 0);
        for part in contents.parts {
            chapters.push((part.title, samples));
            samples += part.recording.samples();
            self.send_sound(&sender, part.recording).await?;
        }
        drop(sender);
        writing.await??;
        let adts = encode(work.path()).await?;
        let book = work.path().join("book.m4b");
        let (to, frames) = (book.clone(), work.path().join("frames"));
        let (card, cover) = (contents.card.clone(), contents.cover);
        let narrator = contents.voice_name;
        // Encoding goes on for minutes: it ends when nobody waits for it any more.
        let over = CancellationToken::new();
        let _guard = over.clone().drop_guard();
        let written = tokio::task::spawn_blocking(move || {
            let mut writer = BufWriter::new(File::create(&frames)?);
            let sizes = match adts {
                Some(adts) => frames_of_adts(BufReader::new(File::open(adts)?), &mut writer)?,
                None => {
                    let sound = File::open(sound)?;
                    frames_of_mp3(sound, rate, &mut writer, || over.is_cancelled())
                        .map_err(PackError::Encoder)?
                }
            };
            writer.flush()?;
            let byline = card.byline();
            let book = Audiobook {
                title: &card.title,
                artist: &byline,
                narrator: &narrator,
                cover: cover.as_ref().map(|(kind, bytes)| (*kind, &bytes[..])),
                chapters: &chapters,
                samples,
                sample_rate: rate,
            };
            let mut to = BufWriter::new(File::create(to)?);
            m4b::write(&book, &sizes, &mut BufReader::new(File::open(frames)?), &mut to)?;
            to.flush()?;
            Ok::<_, PackError>(())
        });
        written.await??;
        Ok(book)
    }
}

/// Has ffmpeg make a stream of AAC of `sound.mp3` in a folder; `None` where it does not.
async fn encode(folder: &Path) -> Result<Option<PathBuf>, PackError> {
    let mut command = Command::new(ENCODER);
    children::isolate(&mut command);
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-i", "sound.mp3"]);
    // The quick coder of ffmpeg 5 is the better one for speech, and takes a sixth of the time (measured).
    let bits = BITS_A_SECOND.to_string();
    command.args(["-c:a", "aac", "-aac_coder", "fast", "-b:a", &bits, "-f", "adts", "sound.aac"]);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PackError::Encoder(error.to_string())),
    };
    let _group = Group::of(&child);
    let limits = Limits { memory: Some(1 << 30), open_files: Some(64), ..Limits::default() };
    children::limit(&child, limits)?;
    let done = child.wait_with_output().await?;
    if done.status.success() {
        return Ok(Some(folder.join("sound.aac")));
    }
    // One that was built without AAC, or is stopped by its limits: ours takes longer, and does.
    let said = String::from_utf8_lossy(&done.stderr);
    let why = said.lines().last().unwrap_or_default();
    tracing::warn!(why, "ffmpeg does not encode");
    Ok(None)
}
