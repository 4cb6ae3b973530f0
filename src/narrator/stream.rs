//! The audio of a book as one stream of MP3 frames.
//!
//! Two forms. [`live`](Narrator::live) sends each clip the moment it exists and runs on into the
//! following chapters. [`Recording`] is for what is fully made: its size is known, so any part of
//! it can be asked for.

use std::ops::Range;

use async_stream::try_stream;
use bytes::{Bytes, BytesMut};
use futures::Stream;
use sha2::{Digest, Sha256};

use super::score::{Cue, Score};
use super::{Narrator, NarratorError};

/// Chromium hands a network stream to its demuxer in whole blocks of this many bytes. Probed: with
/// a shorter first clip it stayed silent until the next one came (design section 1).
const BLOCK_BYTES: u64 = 32_768;

/// An ID3v2 header (ID3v2.4, section 3.1).
const ID3_HEADER_BYTES: u64 = 10;

/// How far a stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To the end of the chapter.
    Chapter,
    /// To the end of the book.
    Book,
}

impl Narrator {
    /// The audio from a sentence on, made as it is needed. Ends with the error of the first
    /// sentence that cannot be made; what was sent before it has been heard.
    pub fn live(
        &self,
        score: Score,
        from: usize,
        extent: Extent,
    ) -> impl Stream<Item = Result<Bytes, NarratorError>> + use<> {
        let narrator = self.clone();
        try_stream! {
            let mut sent = 0_u64;
            let mut current = Some((score, from));
            while let Some((score, from)) = current.take() {
                for at in from..score.cues.len() {
                    let cue = &score.cues[at];
                    if let Some(job) = cue.job() {
                        let clip = match narrator.ready(job).await? {
                            Some(clip) => clip,
                            None => {
                                // Let the browser play what it has while this one is made.
                                if let Some(filler) = filler(sent) {
                                    sent += filler.len() as u64;
                                    yield filler;
                                }
                                narrator.prefetch(&score, at).await?;
                                narrator.clip(job).await?
                            }
                        };
                        sent += clip.length.bytes;
                        yield clip.bytes;
                    }
                    if let Some(silence) = cue.silence() {
                        sent += silence.length.bytes;
                        yield silence.bytes.clone();
                    }
                }
                if extent == Extent::Book {
                    current = narrator.next_score(&score).await?.map(|next| (next, 0));
                }
            }
        }
    }

    /// The chapter from a sentence on, if every clip of it has been made.
    pub async fn recording(
        &self,
        score: &Score,
        from: usize,
    ) -> Result<Option<Recording>, NarratorError> {
        let lengths = self.lengths(score, from).await?;
        let cues = &score.cues[from.min(score.cues.len())..];
        let mut pieces = Vec::with_capacity(cues.len());
        let mut identity = Sha256::new();
        let mut bytes = 0;
        for (cue, length) in cues.iter().zip(lengths) {
            if let Some(job) = cue.job() {
                if length.is_none() {
                    return Ok(None);
                }
                identity.update(job.content.to_string());
            }
            let size = cue.length(length).bytes;
            identity.update(size.to_be_bytes());
            pieces.push((bytes..bytes + size, cue.clone()));
            bytes += size;
        }
        let tag: String =
            identity.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(Recording { pieces, bytes, tag }))
    }

    /// A part of a recording.
    pub fn play(
        &self,
        recording: Recording,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, NarratorError>> + use<> {
        let narrator = self.clone();
        try_stream! {
            for (place, cue) in recording.pieces {
                let (start, end) = (place.start.max(range.start), place.end.min(range.end));
                if start >= end {
                    continue;
                }
                let mut piece = BytesMut::new();
                if let Some(job) = cue.job() {
                    // It was there a moment ago; should it be lost since, it is made again.
                    piece.extend_from_slice(&narrator.clip(job).await?.bytes);
                }
                if let Some(silence) = cue.silence() {
                    piece.extend_from_slice(&silence.bytes);
                }
                let inside = (start - place.start) as usize..(end - place.start) as usize;
                yield piece.freeze().slice(inside);
            }
        }
    }
}

/// A stretch of a chapter whose audio is fully made.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The bytes each cue takes.
    pieces: Vec<(Range<u64>, Cue)>,
    /// Size of it all.
    pub bytes: u64,
    /// Names exactly this audio; for `ETag`.
    pub tag: String,
}

/// An empty ID3v2 tag that fills the current block, so that everything before it is decoded; `None`
/// when the block is full. Decoders skip it, and it takes no time.
fn filler(sent: u64) -> Option<Bytes> {
    let used = sent % BLOCK_BYTES;
    if used == 0 {
        return None;
    }
    let mut size = BLOCK_BYTES - used;
    if size < ID3_HEADER_BYTES {
        size += BLOCK_BYTES;
    }
    let body = (size - ID3_HEADER_BYTES) as u32;
    let mut tag = BytesMut::zeroed(size as usize);
    tag[..6].copy_from_slice(b"ID3\x04\0\0");
    // Sizes are "synchsafe": seven bits a byte.
    for (index, shift) in [21, 14, 7, 0].into_iter().enumerate() {
        tag[6 + index] = (body >> shift & 0x7f) as u8;
    }
    Some(tag.freeze())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_filled_where_a_block_ends() {
        assert!(filler(0).is_none());
        assert!(filler(BLOCK_BYTES * 3).is_none());
        // Too little room for a header: the next block is filled too.
        assert_eq!(filler(BLOCK_BYTES - 9).unwrap().len() as u64, BLOCK_BYTES + 9);
        assert_eq!(filler(BLOCK_BYTES - 10).unwrap().len() as u64, 10);
    }

    proptest! {
        #[test]
        fn a_filler_is_one_whole_tag_that_ends_with_its_block(sent in 0_u64..10_000_000) {
            if let Some(tag) = filler(sent) {
                prop_assert_eq!((sent + tag.len() as u64) % BLOCK_BYTES, 0);
                let size = tag[6..10].iter().fold(0_usize, |size, byte| size << 7 | usize::from(*byte));
                prop_assert_eq!(size + 10, tag.len());
            }
        }
    }
}
