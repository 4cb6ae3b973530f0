//! Parts of a file of sound, whatever its format, cut out one after the other.

use std::io::{Read, Seek};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Time, TimeBase};

/// Decoders need what came before to begin: of MP3 half a second is more than enough.
const BEFORE: Duration = Duration::from_millis(500);
/// What is kept of what was read, so that the next part may begin a little before the last one ended.
const KEPT: Duration = Duration::from_secs(2);
/// What lies further ahead is jumped to; what lies nearer is read, which is quicker.
const NEAR: Duration = Duration::from_secs(10);
/// How much of a part may be missing at the end of a file: books round what they say.
const MAX_MISSING: Duration = Duration::from_secs(1);
/// What a file may have read of it to be opened, and in an MP4 to go elsewhere, in bytes: what it says of itself is kept
/// in memory. Of 30 hours of AAC that is 15 MB.
const MAX_DESCRIBED_BYTES: u64 = 48 << 20;
/// The same for one packet, which may be the first of a fragment.
const MAX_PACKET_BYTES: u64 = 8 << 20;
/// What an MP4 begins with, behind four bytes.
const MP4: &[u8] = b"ftyp";
/// What sound has of samples a second, from telephones to studios (ISO/IEC 14496-3, table 1.18).
const SAMPLE_RATES: RangeInclusive<u32> = 8_000..=96_000;
/// The longest packet that silence stands for; one of AAC has a fortieth of a second.
const MAX_PACKET: Duration = Duration::from_secs(1);
/// Packets that may follow each other undecodable: a damaged file must not be read to its end for nothing.
const MAX_BROKEN: usize = 200;

/// A part of a file: mono samples.
#[derive(Debug)]
pub struct Cut {
    /// The samples.
    pub samples: Vec<i16>,
    /// How many there are in a second.
    pub sample_rate: u32,
    /// Where in the file the first one is.
    pub begin: Duration,
}

impl Cut {
    /// How many samples there are in a time.
    pub fn index(&self, time: Duration) -> usize {
        index(time, self.sample_rate)
    }
}

fn index(time: Duration, sample_rate: u32) -> usize {
    (time.as_secs_f64() * f64::from(sample_rate)).round() as usize
}

/// A file that is being read. Parts that follow each other are read without a jump, which in an MP3 is a walk through
/// all that lies before.
pub struct SoundReader {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    clock: TimeBase,
    sample_rate: u32,
    /// How much may be read until something is heard.
    left: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    is_mp4: bool,
    /// What was read last, and is not forgotten yet.
    samples: Vec<i16>,
    /// Where in the file the first of these is.
    begin: Duration,
}

/// A source that can be read from any place, as long as there is something left of what may be read.
struct Source<R> {
    reader: R,
    length: u64,
    left: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.is_over.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("nobody waits for it any more"));
        }
        let count = self.reader.read(buffer)?;
        let take = |left: u64| left.checked_sub(count as u64);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(count),
            Err(_) => Err(std::io::Error::other("it describes itself at too great length")),
        }
    }
}

impl<R: Seek> Seek for Source<R> {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.reader.seek(to)
    }
}

impl<R: Read + Seek + Send + Sync> MediaSource for Source<R> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

fn broken(error: Error) -> String {
    format!("it cannot be decoded: {error}")
}

impl SoundReader {
    /// Begins to read a file of `length` bytes. MP3, and AAC in MP4, are the formats that every EPUB may have (EPUB 3.3,
    /// section 3.2). What is being read ends when `is_over` is set: a part far away may take long. Says why when it is
    /// none of these.
    pub fn open(
        mut reader: impl Read + Seek + Send + Sync + 'static,
        length: u64,
        is_over: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let mut head = [0; 8];
        let is_mp4 = reader.read_exact(&mut head).is_ok() && head.ends_with(MP4);
        reader.rewind().map_err(|error| error.to_string())?;
        let left = Arc::new(AtomicU64::new(MAX_DESCRIBED_BYTES));
        let (of_source, over) = (Arc::clone(&left), Arc::clone(&is_over));
        let source = Box::new(Source { reader, length, left: of_source, is_over: over });
        let stream = MediaSourceStream::new(source, Default::default());
        let (format, meta) = (FormatOptions::default(), MetadataOptions::default());
        let format = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, format, meta)
            .map_err(broken)?;
        let track = format.default_track(TrackType::Audio).ok_or("it has no sound")?;
        let (id, clock) = (track.id, track.time_base.ok_or("it has no clock")?);
        let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
        let parameters = parameters.ok_or("it has no sound")?;
        let sample_rate = parameters.sample_rate.ok_or("it has no sample rate")?;
        // What is declared decides how much silence stands for what cannot be decoded.
        if !SAMPLE_RATES.contains(&sample_rate) {
            return Err(format!("it says that it has {sample_rate} samples a second"));
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(broken)?;
        let (samples, begin) = (Vec::new(), Duration::ZERO);
        Ok(Self {
            format,
            decoder,
            track: id,
            clock,
            sample_rate,
            left,
            is_over,
            is_mp4,
            samples,
            begin,
        })
    }

    /// Where what was read ends.
    fn end(&self) -> Duration {
        self.begin
            + Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.sample_rate))
    }

    /// What ends reading when it is set.
    pub fn is_over(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_over)
    }

    /// From where on parts are read without going back.
    pub fn place(&self) -> Duration {
        self.begin
    }

    /// What is heard from `begin` to `end`, or to the end of the file. Says why when that cannot be.
    pub fn cut(
        &mut self,
        begin: Duration,
        end: Option<Duration>,
        most: Duration,
    ) -> Result<Cut, String> {
        if begin < self.begin || begin > self.end() + NEAR {
            self.jump(begin.saturating_sub(BEFORE))?;
        }
        let until = end.unwrap_or(begin + most).min(begin + most);
        let mut failures = 0;
        while self.end() < until {
            self.left.store(MAX_PACKET_BYTES, Ordering::Relaxed);
            let Some(packet) = self.format.next_packet().map_err(broken)? else { break };
            if packet.track_id != self.track {
                continue;
            }
            if self.samples.is_empty() {
                self.begin = self.time_of(&packet);
            }
            let is_read = self.decode(&packet)?;
            failures = if is_read { 0 } else { failures + 1 };
            if failures > MAX_BROKEN {
                return Err("it is damaged".to_owned());
            }
            self.forget(begin);
        }
        let place = |moment: Duration| {
            index(moment.saturating_sub(self.begin), self.sample_rate).min(self.samples.len())
        };
        let samples = self.samples[place(begin)..place(until)].to_vec();
        self.forget(until.saturating_sub(KEPT));
        // What breaks off is worse than nothing: somebody else can read the sentence.
        let missing = end.map_or(Duration::ZERO, |end| end.saturating_sub(self.end()));
        if samples.is_empty() || missing > MAX_MISSING {
            return Err("it ends before that".to_owned());
        }
        Ok(Cut { samples, sample_rate: self.sample_rate, begin })
    }

    fn jump(&mut self, to: Duration) -> Result<(), String> {
        // Until the first packet says where exactly that is.
        self.begin = to;
        self.samples.clear();
        // An MP3 is walked through, and nothing of it is kept.
        let most = if self.is_mp4 { MAX_DESCRIBED_BYTES } else { u64::MAX };
        self.left.store(most, Ordering::Relaxed);
        let time = Time::from_millis_u64(to.as_millis() as u64);
        let to = SeekTo::Time { time, track_id: Some(self.track) };
        self.format.seek(SeekMode::Accurate, to).map_err(|error| match error {
            Error::SeekError(_) => "it ends before that".to_owned(),
            error => broken(error),
        })?;
        self.decoder.reset();
        Ok(())
    }

    fn time_of(&self, packet: &Packet) -> Duration {
        let time = self.clock.calc_time(packet.pts).map_or(0, |time| time.as_nanos());
        Duration::from_nanos(u64::try_from(time).unwrap_or(0))
    }

    /// Decodes a packet; in the place of one that cannot be, as the first after a jump, there is silence.
    fn decode(&mut self, packet: &Packet) -> Result<bool, String> {
        let decoded = match self.decoder.decode(packet) {
            Ok(decoded) => decoded,
            Err(Error::DecodeError(_)) => {
                let length = self.clock.calc_duration(packet.dur).map_or(0, |time| time.as_nanos());
                let length =
                    Duration::from_nanos(u64::try_from(length).unwrap_or(0)).min(MAX_PACKET);
                let length = index(length, self.sample_rate);
                self.samples.resize(self.samples.len() + length, 0);
                return Ok(false);
            }
            Err(error) => return Err(broken(error)),
        };
        if decoded.spec().rate() != self.sample_rate {
            return Err("its sample rate changes".to_owned());
        }
        let channels = decoded.spec().channels().count().max(1);
        let mut all = Vec::<i16>::new();
        decoded.copy_to_vec_interleaved(&mut all);
        self.samples.extend(all.chunks_exact(channels).map(|frame| {
            let sum: i32 = frame.iter().map(|sample| i32::from(*sample)).sum();
            (sum / channels as i32) as i16
        }));
        Ok(true)
    }

    /// Forgets what lies before a moment.
    fn forget(&mut self, before: Duration) {
        let count =
            index(before.saturating_sub(self.begin), self.sample_rate).min(self.samples.len());
        // What is left is not moved for every packet.
        if count > self.sample_rate as usize {
            self.samples.drain(..count);
            self.begin += Duration::from_secs_f64(count as f64 / f64::from(self.sample_rate));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::audio::m4b::{self, Audiobook};
    use crate::audio::mp3;

    fn read(bytes: Vec<u8>, begin: u64, end: u64) -> Result<Cut, String> {
        let length = bytes.len() as u64;
        let (begin, end) = (Duration::from_millis(begin), Duration::from_millis(end));
        SoundReader::open(Cursor::new(bytes), length, Arc::default())?.cut(begin, Some(end), NEAR)
    }

    #[test]
    fn parts_are_read_forwards_and_backwards() {
        // Each second is as loud as its number.
        let samples: Vec<i16> = (0..30 * 24_000_i32)
            .map(|n| (if n % 100 < 50 { 1 } else { -1 } * (n / 24_000 + 1) * 500) as i16)
            .collect();
        let clip = mp3::encode(&samples, 24_000).unwrap();
        let length = clip.bytes.len() as u64;
        let mut reader =
            SoundReader::open(Cursor::new(clip.bytes), length, Arc::default()).unwrap();
        for second in [0, 1, 2, 20, 21, 3, 29, 0] {
            let (begin, end) = (second * 1000 + 300, second * 1000 + 800);
            let time = Duration::from_millis;
            let cut = reader.cut(time(begin), Some(time(end)), NEAR).unwrap();
            assert_eq!((cut.samples.len(), cut.sample_rate), (12_000, 24_000));
            let sum: u64 = cut.samples.iter().map(|sample| u64::from(sample.unsigned_abs())).sum();
            let loud = sum / cut.samples.len() as u64;
            let expected = (second + 1) * 500;
            assert!(loud.abs_diff(expected) < expected / 5, "{second}: {loud} for {expected}");
        }
        assert!(reader.cut(Duration::from_secs(60), None, NEAR).is_err());
    }

    #[test]
    fn a_file_that_only_describes_itself_is_refused() {
        // A table of sizes that goes on for 64 MB, in its place among the atoms.
        let mut table = vec![0; 64 << 20];
        table[8..12].copy_from_slice(&((16_u32 << 20) - 3).to_be_bytes());
        let atom = |name: &[u8; 4], content: &[u8]| {
            [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
        };
        let table = atom(b"stbl", &atom(b"stsz", &table));
        let movie = atom(b"moov", &atom(b"trak", &atom(b"mdia", &atom(b"minf", &table))));
        let file = [atom(b"ftyp", b"M4A \0\0\0\0M4A "), movie].concat();
        let refused = read(file, 0, 1000).unwrap_err();
        assert!(refused.contains("too great length"), "{refused}");
    }

    #[test]
    fn a_file_that_says_it_has_billions_of_samples_is_refused() {
        // A description of version 2, whose sample rate is a number of 64 bits (QuickTime File Format, "Sound sample
        // description (version 2)"), before packets that are none.
        let atom = |name: &[u8; 4], parts: &[&[u8]]| {
            let content = parts.concat();
            [&(content.len() as u32 + 8).to_be_bytes()[..], name, &content].concat()
        };
        let n = |value: u32| value.to_be_bytes();
        // How AAC is described is taken from a whole file.
        let book = Audiobook {
            title: "",
            artist: "",
            narrator: "",
            cover: None,
            chapters: &[],
            samples: 1,
            sample_rate: 24_000,
        };
        let mut whole = Vec::new();
        m4b::write(&book, &[1], &mut &[0][..], &mut whole).unwrap();
        let at = whole.windows(4).position(|four| four == b"esds").unwrap() - 4;
        let length = u32::from_be_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
        let described = &whole[at..at + length];
        let rate = 4e9_f64.to_be_bytes();
        let entry = atom(
            b"mp4a",
            &[
                &[0; 6],
                &[0, 1],
                &[0, 2],
                &[0; 6],
                &[0, 3, 0, 16, 0xff, 0xfe, 0, 0],
                &n(0x1_0000),
                &n(72),
                &rate,
                &n(1),
                &n(0x7f00_0000),
                &n(16),
                &n(0),
                &n(0),
                &n(1024),
                described,
            ],
        );
        let table = atom(
            b"stbl",
            &[
                &atom(b"stsd", &[&n(0), &n(1), &entry]),
                &atom(b"stts", &[&n(0), &n(1), &n(100), &n(1 << 30)]),
                &atom(b"stsc", &[&n(0), &n(1), &n(1), &n(100), &n(1)]),
                &atom(b"stsz", &[&n(0), &n(10), &n(100)]),
                &atom(b"stco", &[&n(0), &n(1), &n(8)]),
            ],
        );
        let handler = atom(b"hdlr", &[&[0; 8], b"soun", &[0; 13]]);
        let time = atom(b"mdhd", &[&[0; 12], &n(1), &n(1000), &[0; 4]]);
        let inner = atom(b"minf", &[&atom(b"smhd", &[&[0; 8]]), &table]);
        let header = atom(b"tkhd", &[&[0; 12], &n(1), &[0; 68]]);
        let track = atom(b"trak", &[&header, &atom(b"mdia", &[&time, &handler, &inner])]);
        let movie =
            atom(b"moov", &[&atom(b"mvhd", &[&[0; 12], &n(1), &n(1000), &[0; 80]]), &track]);
        let file =
            [atom(b"ftyp", &[b"M4A ", &n(0), b"M4A "]), movie, atom(b"mdat", &[&[0xff; 1000]])]
                .concat();
        let refused = read(file, 0, 60_000).unwrap_err();
        assert!(refused.contains("samples a second"), "{refused}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000), kind in 0..4) {
            let start: &[u8] = match kind {
                0 => b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42",
                1 => b"\xff\xfb\x50\xc4",
                2 => b"ID3\x04\0\0",
                _ => b"",
            };
            let _ = read([start, &bytes].concat(), 100, 900);
        }
    }
}
