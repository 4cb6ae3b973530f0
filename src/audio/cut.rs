//! Parts of a file of sound, whatever its format, cut out one after the other.

use std::io::{Read, Seek};
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
    /// What was read last, and is not forgotten yet.
    samples: Vec<i16>,
    /// Where in the file the first of these is.
    begin: Duration,
}

/// A source that can be read from any place.
struct Source<R> {
    reader: R,
    length: u64,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buffer)
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
    /// section 3.2). Says why when it is none of these.
    pub fn open(
        reader: impl Read + Seek + Send + Sync + 'static,
        length: u64,
    ) -> Result<Self, String> {
        let source = Box::new(Source { reader, length });
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
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(broken)?;
        let (samples, begin) = (Vec::new(), Duration::ZERO);
        Ok(Self { format, decoder, track: id, clock, sample_rate, samples, begin })
    }

    /// Where what was read ends.
    fn end(&self) -> Duration {
        self.begin
            + Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.sample_rate))
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
        let time = Time::from_millis_u64(to.as_millis() as u64);
        let to = SeekTo::Time { time, track_id: Some(self.track) };
        self.format.seek(SeekMode::Accurate, to).map_err(|error| match error {
            Error::SeekError(_) => "it ends before that".to_owned(),
            error => broken(error),
        })?;
        self.decoder.reset();
        self.samples.clear();
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
                let length = Duration::from_nanos(u64::try_from(length).unwrap_or(0)).min(NEAR);
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
