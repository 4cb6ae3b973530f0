//! ID3v2.3 tags of MP3 files, with chapters as podcast apps and audiobook players show them.
//!
//! Version 2.3 and not 2.4: players that know only the former are still about. Chapters are those of the
//! ID3v2 Chapter Frame Addendum 1.0.

use id3::frame::{Chapter, Picture, PictureType, TableOfContents};
use id3::{Content, Frame, Tag, TagLike, Version};
use thiserror::Error;

/// What an offset in bytes is that is not given: times count (Chapter Frame Addendum, section 3.1).
const NO_OFFSET: u32 = u32::MAX;
/// The element that lists the chapters.
const CONTENTS: &str = "toc";
/// What an audiobook is called among genres.
const GENRE: &str = "Audiobook";

/// A tag cannot be written.
#[derive(Debug, Error)]
#[error("the tag cannot be written: {0}")]
pub struct TagError(#[from] id3::Error);

/// What a file is.
#[derive(Debug, Clone, Default)]
pub struct Tags<'a> {
    /// Its title.
    pub title: &'a str,
    /// The book that it belongs to.
    pub album: &'a str,
    /// Who wrote it.
    pub artist: &'a str,
    /// Which of how many files of the book it is, if there are several.
    pub track: Option<(u32, u32)>,
    /// A picture of the type `image/jpeg` or `image/png`.
    pub cover: Option<(&'static str, &'a [u8])>,
    /// Its chapters, in order: the title of each, and when it begins and ends in milliseconds.
    pub chapters: &'a [(String, u32, u32)],
}

impl Tags<'_> {
    /// The bytes that stand before the sound.
    ///
    /// # Errors
    /// When they are more than a tag can have, which is 256 MB.
    pub fn encode(&self) -> Result<Vec<u8>, TagError> {
        let mut tag = Tag::with_version(Version::Id3v23);
        tag.set_title(self.title);
        tag.set_album(self.album);
        tag.set_genre(GENRE);
        if !self.artist.is_empty() {
            tag.set_artist(self.artist);
        }
        if let Some((track, of)) = self.track {
            tag.set_track(track);
            tag.set_total_tracks(of);
        }
        if let Some((kind, data)) = self.cover {
            tag.add_frame(Picture {
                mime_type: kind.to_owned(),
                picture_type: PictureType::CoverFront,
                description: String::new(),
                data: data.to_vec(),
            });
        }
        let name = |number: usize| format!("chp{number}");
        if !self.chapters.is_empty() {
            tag.add_frame(TableOfContents {
                element_id: CONTENTS.to_owned(),
                top_level: true,
                ordered: true,
                elements: (0..self.chapters.len()).map(name).collect(),
                frames: Vec::new(),
            });
        }
        for (number, (title, start, end)) in self.chapters.iter().enumerate() {
            tag.add_frame(Chapter {
                element_id: name(number),
                start_time: *start,
                end_time: *end,
                start_offset: NO_OFFSET,
                end_offset: NO_OFFSET,
                frames: vec![Frame::with_content("TIT2", Content::Text(title.clone()))],
            });
        }
        let mut bytes = Vec::new();
        tag.write_to(&mut bytes, Version::Id3v23)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let chapters = [("One — «ü»".to_owned(), 0, 1500), ("Two".to_owned(), 1500, 4000)];
        let tags = Tags {
            title: "Title",
            album: "Book",
            artist: "A. Writer, B. Writer",
            track: Some((2, 12)),
            cover: Some(("image/png", b"\x89PNG")),
            chapters: &chapters,
        };
        let bytes = tags.encode().unwrap();
        assert!(bytes.starts_with(b"ID3\x03\x00"));
        let tag = Tag::read_from2(std::io::Cursor::new(&bytes)).unwrap();
        assert_eq!((tag.title(), tag.album()), (Some("Title"), Some("Book")));
        assert_eq!((tag.track(), tag.total_tracks()), (Some(2), Some(12)));
        let has =
            |bytes: &[u8], wanted: &[u8]| bytes.windows(wanted.len()).any(|one| one == wanted);
        assert!(has(&bytes, b"APIC") && has(&bytes, b"image/png\0\x03") && has(&bytes, b"\x89PNG"));
        let read: Vec<_> = tag
            .chapters()
            .map(|chapter| {
                let title = chapter.frames[0].content().text().unwrap().to_owned();
                (title, chapter.start_time, chapter.end_time)
            })
            .collect();
        assert_eq!(read, chapters);
        assert_eq!(tag.tables_of_contents().next().unwrap().elements, ["chp0", "chp1"]);
    }
}
