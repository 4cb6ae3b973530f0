//! The audio of a book as one stream of MP3 frames.
//!
//! Two forms. [`live`](Narrator::live) sends each clip the moment it exists and runs on into the
//! following chapters. [`Recording`] is for what is fully made: its size is known, so any part of
//! it can be asked for.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use bytes::{Bytes, BytesMut};
use futures::Stream;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::plan::{ChapterPlan, Segment};
use super::{NarrationError, Narrator, PREFETCH_SENTENCES, jobs};
use crate::queue::Job;
use crate::text::hash::{ContentHash, hex};

/// Chromium hands a network stream to its demuxer in whole blocks of this many bytes. Probed: with
/// a shorter first clip it stayed silent until the next one came.
const BLOCK_BYTES: u64 = 32_768;

/// How much sound is made for a stream that runs on, as fast as it is taken. Players buffer some of it.
const FREE_LEAD: Duration = Duration::from_secs(300);
/// How many times as fast as it is heard more is made: the fastest that a person listens, which is the upper
/// end of [`app::preferences::RATES`]. So a download costs what listening costs, and stands in nobody's way.
const FASTEST: u32 = 4;

/// When a sentence is due to be made for a stream that began at a time, and for which so much has been made.
fn due(begun: Instant, made: Duration) -> Instant {
    begun + made.saturating_sub(FREE_LEAD) / FASTEST
}

/// How far a stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To the end of the chapter.
    Chapter,
    /// To the end of the book.
    Book,
}

impl Narrator {
    /// The audio from a sentence on, made as it is needed.
    ///
    /// At a sentence that cannot be made, a stream to the end of the book just ends: a browser plays
    /// what it has, and the timeline says why. A chapter is a file, and a part of it is an error.
    pub fn live(
        &self,
        plan: Arc<ChapterPlan>,
        from: usize,
        extent: Extent,
    ) -> impl Stream<Item = Result<Bytes, NarrationError>> + use<> {
        let narrator = self.clone();
        try_stream! {
            let (begun, mut sent, mut made) = (Instant::now(), 0_u64, Duration::ZERO);
            let mut current = Some((plan, from));
            while let Some((plan, from)) = current.take() {
                let _active = narrator.shared.active.begin(&plan);
                // Up to here this stream has asked for sentences.
                let mut asked_until = 0;
                for at in from..plan.segments.len() {
                    let segment = &plan.segments[at];
                    for (part, job) in segment.jobs().iter().enumerate() {
                        let at_hand = match narrator.substitute(&plan, job).await {
                            Some(substitute) => Some(substitute),
                            None => narrator.in_memory(job).await,
                        };
                        let clip = match at_hand {
                            Some(clip) => clip,
                            None => {
                                if extent == Extent::Book {
                                    narrator.pace(job, due(begun, made)).await;
                                }
                                let mut ahead = segment.jobs()[part + 1..].to_vec();
                                ahead.extend(jobs(&plan, at + 1, PREFETCH_SENTENCES));
                                let mut waiter = narrator.wait(job, ahead)?;
                                let mut outcome = waiter.looked().await;
                                if outcome.is_none() {
                                    asked_until = at + 1 + PREFETCH_SENTENCES;
                                    // Let the browser play what it has while this one is made.
                                    // A chapter is a file: nothing but its sound belongs in it.
                                    if extent == Extent::Book
                                        && let Some(filler) = filler(sent)
                                    {
                                        sent += filler.len() as u64;
                                        yield filler;
                                    }
                                    outcome = Some(waiter.ended().await);
                                }
                                if let Some(Err(error)) = outcome {
                                    outcome = Some(narrator.fall_back(&plan, (at, job), error).await);
                                }
                                match outcome {
                                    Some(Ok(clip)) => clip,
                                    Some(Err(error)) if extent == Extent::Book => {
                                        tracing::warn!(%error, "a stream ended early");
                                        return;
                                    }
                                    Some(Err(error)) => Err(error)?,
                                    None => return,
                                }
                            }
                        };
                        if let Some(rest) = segment.rest_before(part) {
                            sent += rest.length.bytes;
                            yield rest.bytes.clone();
                        }
                        sent += clip.length.bytes;
                        if at < asked_until {
                            made += clip.length.duration();
                        }
                        yield clip.bytes;
                        narrator.shared.usage.heard(job);
                    }
                    if let Some(silence) = segment.silence() {
                        sent += silence.length.bytes;
                        yield silence.bytes.clone();
                    }
                }
                if extent == Extent::Book {
                    current = narrator.next_plan(&plan).await?.map(|next| (next, 0));
                }
            }
        }
    }

    /// Waits until a sentence is due to be made. One that is there already is not made.
    async fn pace(&self, job: &Job, due: Instant) {
        if due > Instant::now() && !matches!(self.shared.clips.get(job).await, Ok(Some(_))) {
            tokio::time::sleep_until(due).await;
        }
    }

    /// The chapter from a sentence on, if every clip of it has been made.
    pub async fn recording(
        &self,
        plan: &Arc<ChapterPlan>,
        from: usize,
    ) -> Result<Option<Recording>, NarrationError> {
        let recording = self.recording_of(plan, from).await?;
        Ok((recording.gaps == 0).then_some(recording))
    }

    /// What has been made of the chapter from a sentence on, without the sentences that are missing.
    pub(super) async fn recording_of(
        &self,
        plan: &Arc<ChapterPlan>,
        from: usize,
    ) -> Result<Recording, NarrationError> {
        let lengths = self.lengths(plan, from).await?;
        let segments = &plan.segments[from.min(plan.segments.len())..];
        let mut pieces = Vec::with_capacity(segments.len());
        let mut identity = Sha256::new();
        let (mut bytes, mut samples, mut gaps) = (0, 0, 0);
        for (segment, length) in segments.iter().zip(lengths) {
            if length.is_none() && !segment.jobs().is_empty() {
                gaps += 1;
                continue;
            }
            for job in segment.jobs() {
                identity.update(job.content.to_string());
            }
            let whole = segment.length(length);
            let size = whole.bytes;
            samples += whole.samples;
            identity.update(size.to_be_bytes());
            pieces.push((bytes..bytes + size, segment.clone()));
            bytes += size;
        }
        let tag = hex(&identity.finalize()[..16]);
        Ok(Recording { plan: Arc::clone(plan), pieces, bytes, samples, gaps, tag })
    }

    /// A part of a recording, for somebody who listens.
    pub fn play(
        &self,
        recording: Recording,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, NarrationError>> + use<> {
        self.read(recording, range, false)
    }

    /// All of a recording, for a file.
    pub fn copy(
        &self,
        recording: Recording,
    ) -> impl Stream<Item = Result<Bytes, NarrationError>> + use<> {
        let range = 0..recording.bytes;
        self.read(recording, range, true)
    }

    fn read(
        &self,
        recording: Recording,
        range: Range<u64>,
        in_passing: bool,
    ) -> impl Stream<Item = Result<Bytes, NarrationError>> + use<> {
        let narrator = self.clone();
        try_stream! {
            let _active = narrator.shared.active.begin(&recording.plan);
            for (place, segment) in recording.pieces {
                let (start, end) = (place.start.max(range.start), place.end.min(range.end));
                if start >= end {
                    continue;
                }
                let mut piece = BytesMut::new();
                for (part, job) in segment.jobs().iter().enumerate() {
                    // It was there a moment ago; should it be lost since, it is made again.
                    let passed = if in_passing { narrator.shared.clips.in_passing(job).await? } else { None };
                    let clip = match passed {
                        Some(clip) => clip,
                        None => narrator.clip(job).await?,
                    };
                    if let Some(rest) = segment.rest_before(part) {
                        piece.extend_from_slice(&rest.bytes);
                    }
                    piece.extend_from_slice(&clip.bytes);
                    narrator.shared.usage.heard(job);
                }
                if let Some(silence) = segment.silence() {
                    piece.extend_from_slice(&silence.bytes);
                }
                // A clip that was lost and made again may be of another length than the file was said to have.
                if piece.len() as u64 != place.end - place.start {
                    Err(NarrationError::Changed)?;
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
    plan: Arc<ChapterPlan>,
    /// The bytes each segment takes.
    pieces: Vec<(Range<u64>, Segment)>,
    /// Size of it all.
    pub bytes: u64,
    /// Samples that a player decodes from it.
    samples: u64,
    /// Sentences that are missing.
    gaps: usize,
    /// Names exactly this audio; for `ETag`.
    pub tag: String,
}

impl Recording {
    /// The clips it is made of.
    pub(super) fn contents(&self) -> Vec<ContentHash> {
        let jobs = self.pieces.iter().flat_map(|(_, segment)| segment.jobs());
        jobs.map(|job| job.content).collect()
    }

    /// Whether no sentence is missing.
    pub fn is_whole(&self) -> bool {
        self.gaps == 0
    }

    /// How many samples a player decodes from it.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// How many of them there are in a second.
    pub fn sample_rate(&self) -> u32 {
        self.plan.cast.narrator.sample_rate
    }

    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        let rate = u64::from(self.plan.cast.narrator.sample_rate.max(1));
        Duration::from_micros(self.samples * 1_000_000 / rate)
    }
}

/// Zeros up to the end of the current block, so that everything before them is decoded; `None` when
/// the block is full. They take no time: decoders skip zeros between frames.
///
/// An empty ID3v2 tag, which looks like the proper thing, costs the frame after it: ffmpeg, and so
/// Chromium, takes tag and frame for one packet and drops both (37 fillers, 37 frames, measured).
fn filler(sent: u64) -> Option<Bytes> {
    static ZEROS: [u8; BLOCK_BYTES as usize] = [0; BLOCK_BYTES as usize];
    let used = sent % BLOCK_BYTES;
    (used > 0).then(|| Bytes::from_static(&ZEROS[used as usize..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_as_fast_as_the_fastest_listener() {
        let begun = Instant::now();
        assert_eq!(due(begun, Duration::from_secs(299)), begun);
        assert_eq!(due(begun, Duration::from_secs(3_900)), begun + Duration::from_secs(900));
        assert_eq!(*app::preferences::RATES.end(), 100 * FASTEST as u16);
    }

    #[test]
    fn a_filler_ends_with_its_block() {
        assert!(filler(0).is_none());
        assert!(filler(BLOCK_BYTES * 3).is_none());
        for sent in [1, 22_000, BLOCK_BYTES - 1, BLOCK_BYTES + 1] {
            let filler = filler(sent).unwrap();
            assert_eq!((sent + filler.len() as u64) % BLOCK_BYTES, 0);
            assert!((filler.len() as u64) < BLOCK_BYTES);
        }
    }
}
