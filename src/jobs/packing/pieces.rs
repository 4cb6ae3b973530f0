//! Files that are written piece by piece: one, or several in an archive.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::PackError;

/// Pieces that may wait to be written to disk.
const WAITING_PIECES: usize = 64;
/// Longest name of a file in an archive, in bytes; file systems take 255.
const MAX_NAME_BYTES: usize = 200;

/// Where pieces go.
pub(super) type Sender = mpsc::Sender<Piece>;

/// What is to be written, in turn.
pub(super) enum Piece {
    /// From here on it is another file of the archive, of this name.
    Begins(String),
    Bytes(Bytes),
}

/// Has pieces written to a file. When it fails the pieces are received no more, and the task says why.
pub(super) fn write_file(path: PathBuf) -> (Sender, JoinHandle<Result<(), PackError>>) {
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
pub(super) fn write_archive(path: PathBuf) -> (Sender, JoinHandle<Result<(), PackError>>) {
    let (sender, mut pieces) = mpsc::channel(WAITING_PIECES);
    let writing = tokio::task::spawn_blocking(move || {
        let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
        while let Some(piece) = pieces.blocking_recv() {
            match piece {
                Piece::Begins(name) => archive.start_file(&*name, options(&name))?,
                Piece::Bytes(bytes) => archive.write_all(&bytes)?,
            }
        }
        archive.finish()?.flush()?;
        Ok(())
    });
    (sender, writing)
}

pub(super) async fn send(sender: &Sender, piece: Piece) {
    // Whoever writes has failed when nobody receives it, and says why itself.
    let _ = sender.send(piece).await;
}

/// How a file of an archive is stored: what is compressed already does not become smaller, and a program that looks for
/// the type of an EPUB finds it as it is.
fn options(name: &str) -> SimpleFileOptions {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_text = ["xhtml", "opf", "smil", "css", "xml", "svg"].contains(&ending);
    let method = if is_text { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    // Only the sound of a very long chapter is larger than 4 GiB; what says so without need, some readers refuse.
    SimpleFileOptions::default().compression_method(method).large_file(ending == "mp3")
}

/// The name of a chapter's file: its number, and what is left of its title where names of files are strict.
pub(super) fn name_in_archive(number: u32, count: u32, title: &str) -> String {
    let digits = count.to_string().len().max(2);
    match &*plain_name(title) {
        "" => format!("{number:0digits$}.mp3"),
        title => format!("{number:0digits$} {title}.mp3"),
    }
}

/// A title as every file system takes it in a name; it may be nothing.
pub(super) fn plain_name(title: &str) -> String {
    let plain = |letter: char| match letter {
        letter if letter.is_control() || "/\\:*?\"<>|".contains(letter) => ' ',
        letter => letter,
    };
    let title: String = title.chars().map(plain).collect();
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = title.trim_matches('.');
    let title = &title[..title.floor_char_boundary(MAX_NAME_BYTES)];
    title.trim().to_owned()
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
