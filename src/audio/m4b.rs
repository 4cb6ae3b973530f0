//! Audiobooks as players know them: AAC in MP4 (ISO/IEC 14496-12 and -14), with chapters as a QuickTime text track
//! and, to 255 of them, as Nero's list; tags as iTunes has them.
//!
//! All that describes the sound stands before it, so that a player can begin before the file is there.

use std::io::{self, Read, Write};

/// Samples that a frame of AAC-LC has (ISO/IEC 14496-3, 4.4.1.1).
pub const FRAME_SAMPLES: u64 = 1024;
/// Samples that encoders of AAC put before the first sound: one frame.
const PRIMING: u64 = FRAME_SAMPLES;
/// Frames that lie together and have one address.
const FRAMES_A_CHUNK: usize = 64;
/// Chapters that Nero's list can count; some players show no others when it is there.
const MAX_LISTED: usize = 255;
/// Longest title of a chapter, in bytes; that list can have no longer one.
const MAX_TITLE_BYTES: usize = 255;
/// Sample rates by their index in the description of AAC (ISO/IEC 14496-3, table 1.18).
const SAMPLE_RATES: [u32; 12] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000];
/// A matrix that moves nothing (ISO/IEC 14496-12, 8.2.2).
const UNMOVED: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
/// More content than this needs addresses of 64 bits; the description before it has some megabytes.
const LARGE: u64 = (u32::MAX - (64 << 20)) as u64;
/// No language that is known (ISO 639-2, as ISO/IEC 14496-12, 8.4.2, packs it).
const UNDETERMINED: u16 = 0x55c4;
const SOUND_TRACK: u32 = 1;
const CHAPTER_TRACK: u32 = 2;

/// What an audiobook says of itself.
#[derive(Debug)]
pub struct Audiobook<'a> {
    /// Its title.
    pub title: &'a str,
    /// Who wrote it.
    pub artist: &'a str,
    /// Who reads it.
    pub narrator: &'a str,
    /// Its cover, of the type `image/jpeg` or `image/png`.
    pub cover: Option<(&'static str, &'a [u8])>,
    /// Titles of its chapters and the samples that they begin with, the first with 0.
    pub chapters: &'a [(String, u64)],
    /// How many samples it has.
    pub samples: u64,
    /// How many there are in a second.
    pub sample_rate: u32,
}

/// Writes an audiobook of frames of AAC-LC of one channel, whose sizes are given.
///
/// # Errors
/// When the sample rate is none of AAC's, or reading or writing fails.
pub fn write(
    book: &Audiobook<'_>,
    sizes: &[u16],
    frames: &mut impl Read,
    to: &mut impl Write,
) -> io::Result<()> {
    let rate = SAMPLE_RATES.iter().position(|rate| *rate == book.sample_rate);
    let rate = rate.ok_or_else(|| io::Error::other("AAC does not know the sample rate"))?;
    let titles: Vec<Vec<u8>> = book.chapters.iter().map(|(title, _)| text_sample(title)).collect();
    let titles_length: u64 = titles.iter().map(|title| title.len() as u64).sum();
    let frames_length: u64 = sizes.iter().map(|size| u64::from(*size)).sum();
    let content = titles_length + frames_length;
    let kind = atom(b"ftyp", &[b"M4B ", &number(0x200), b"M4B ", b"M4A ", b"mp42", b"isom"]);
    let layout = Layout { titles: &titles, sizes, is_large: content > LARGE };
    // How long the description is does not depend on where the content lies.
    let length = movie(book, rate, &layout, 0).len() as u64;
    let header = if layout.is_large { 16 } else { 8 };
    to.write_all(&kind)?;
    to.write_all(&movie(book, rate, &layout, kind.len() as u64 + length + header))?;
    match u32::try_from(content + header) {
        Ok(size) if !layout.is_large => to.write_all(&[number(size), *b"mdat"].concat())?,
        _ => {
            to.write_all(&[number(1), *b"mdat"].concat())?;
            to.write_all(&(content + header).to_be_bytes())?;
        }
    }
    for title in &titles {
        to.write_all(title)?;
    }
    let copied = io::copy(&mut frames.take(frames_length), to)?;
    if copied == frames_length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// What lies behind the description: first the titles of chapters, then the frames.
struct Layout<'a> {
    titles: &'a [Vec<u8>],
    sizes: &'a [u16],
    /// Whether addresses have 64 bits.
    is_large: bool,
}

/// The description of all (ISO/IEC 14496-12, 8.2), for content that lies at an address.
fn movie(book: &Audiobook<'_>, rate: usize, layout: &Layout<'_>, content_at: u64) -> Vec<u8> {
    let mut title_at = content_at;
    let title_addresses = layout.titles.iter().map(|title| {
        let at = title_at;
        title_at += title.len() as u64;
        at
    });
    let title_addresses: Vec<u64> = title_addresses.collect();
    let mut chunk_at = title_at;
    let chunks = layout.sizes.chunks(FRAMES_A_CHUNK).map(|chunk| {
        let at = chunk_at;
        chunk_at += chunk.iter().map(|size| u64::from(*size)).sum::<u64>();
        at
    });
    let chunks: Vec<u64> = chunks.collect();
    let tracks = [
        sound_track(book, rate, layout, &chunks),
        chapter_track(book, layout, &title_addresses),
        tags(book),
    ];
    let matrix = UNMOVED.map(number).concat();
    let header = [
        &number(book.sample_rate)[..],
        &duration(book.samples),
        &number(0x1_0000),
        &[1, 0],
        &[0; 10],
        &matrix,
        &[0; 24],
        &number(CHAPTER_TRACK + 1),
    ];
    let header = timed(b"mvhd", 0, book.samples, &[], &header);
    atom(b"moov", &[&header, &tracks[0], &tracks[1], &tracks[2]])
}

fn sound_track(book: &Audiobook<'_>, rate: usize, layout: &Layout<'_>, chunks: &[u64]) -> Vec<u8> {
    let frames = layout.sizes.len();
    // AAC-LC of one channel (ISO/IEC 14496-3, 1.6.2.1), and how it is described (14496-1, 7.2.6).
    let config = (2_u16 << 11 | (rate as u16) << 7 | 1 << 3).to_be_bytes();
    let decoder = [&[0x40, 0x15, 0, 0, 0][..], &number(64_000), &number(64_000), &[5, 2], &config];
    let decoder = decoder.concat();
    let described = [&[0, 1, 0, 4, decoder.len() as u8][..], &decoder, &[6, 1, 2]].concat();
    let described = full(b"esds", 0, &[&[3, described.len() as u8], &described]);
    let rate = number(book.sample_rate << 16);
    let entry = [&[0; 6][..], &[0, 1], &[0; 8], &[0, 1, 0, 16], &[0; 4], &rate, &described];
    let entry = atom(b"mp4a", &entry);
    let sizes: Vec<u8> = layout.sizes.iter().flat_map(|size| number(u32::from(*size))).collect();
    let last = frames % FRAMES_A_CHUNK;
    let mut runs = Vec::new();
    if frames >= FRAMES_A_CHUNK {
        runs.push((1, FRAMES_A_CHUNK));
    }
    if last > 0 {
        runs.push((chunks.len(), last));
    }
    let runs: Vec<u8> = runs
        .iter()
        .flat_map(|(chunk, count)| [*chunk as u32, *count as u32, 1])
        .flat_map(number)
        .collect();
    let table = atom(
        b"stbl",
        &[
            &full(b"stsd", 0, &[&number(1), &entry]),
            &full(b"stts", 0, &[&number(1), &number(frames as u32), &number(FRAME_SAMPLES as u32)]),
            &full(b"stsc", 0, &[&number(runs.len() as u32 / 12), &runs]),
            &full(b"stsz", 0, &[&number(0), &number(frames as u32), &sizes]),
            &addresses(chunks, layout.is_large),
        ],
    );
    let sound = full(b"smhd", 0, &[&[0; 4]]);
    let media = media(book, frames as u64 * FRAME_SAMPLES, b"soun", &sound, &table);
    // What the encoder put before the first sound is not heard.
    let edit = match u32::try_from(book.samples) {
        Ok(samples) => full(
            b"elst",
            0,
            &[&number(1), &number(samples), &number(PRIMING as u32), &number(0x1_0000)],
        ),
        Err(_) => {
            let (samples, priming) = (book.samples.to_be_bytes(), PRIMING.to_be_bytes());
            full(b"elst", 1 << 24, &[&number(1), &samples, &priming, &number(0x1_0000)])
        }
    };
    let header = track_header(book, SOUND_TRACK, 7, 0x100);
    let chapters = atom(b"tref", &[&atom(b"chap", &[&number(CHAPTER_TRACK)])]);
    atom(b"trak", &[&header, &atom(b"edts", &[&edit]), &chapters, &media])
}

/// Chapters as a track of text (QuickTime File Format, "Chapter lists"), each title in a chunk of its own, as some players
/// take them to be.
fn chapter_track(book: &Audiobook<'_>, layout: &Layout<'_>, addresses: &[u64]) -> Vec<u8> {
    let count = number(book.chapters.len() as u32);
    let ends = book.chapters.iter().skip(1).map(|(_, begin)| *begin).chain([book.samples]);
    let lengths =
        book.chapters.iter().zip(ends).map(|((_, begin), end)| end.saturating_sub(*begin));
    let lengths: Vec<u8> = lengths
        .flat_map(|length| [number(1), number(u32::try_from(length).unwrap_or(u32::MAX))])
        .flatten()
        .collect();
    let sizes: Vec<u8> =
        layout.titles.iter().flat_map(|title| number(title.len() as u32)).collect();
    // A description of text that says nothing of how it looks.
    let entry = atom(b"text", &[&[0; 6], &[0, 1], &[0; 43]]);
    let table = atom(
        b"stbl",
        &[
            &full(b"stsd", 0, &[&number(1), &entry]),
            &full(b"stts", 0, &[&count, &lengths]),
            &full(b"stsc", 0, &[&number(1), &number(1), &number(1), &number(1)]),
            &full(b"stsz", 0, &[&number(0), &count, &sizes]),
            &self::addresses(addresses, layout.is_large),
        ],
    );
    let look = full(b"gmin", 0, &[&[0, 0x40], &[0x80, 0, 0x80, 0, 0x80, 0], &[0; 4]]);
    let look = atom(b"gmhd", &[&look, &atom(b"text", &[&UNMOVED.map(number).concat()])]);
    let media = media(book, book.samples, b"text", &look, &table);
    // A part of the film that is not shown.
    atom(b"trak", &[&track_header(book, CHAPTER_TRACK, 2, 0), &media])
}

fn track_header(book: &Audiobook<'_>, track: u32, flags: u32, volume: u16) -> Vec<u8> {
    let matrix = UNMOVED.map(number).concat();
    let before = [&number(track)[..], &[0; 4]].concat();
    let after =
        [&duration(book.samples)[..], &[0; 12], &volume.to_be_bytes(), &[0; 2], &matrix, &[0; 8]];
    timed(b"tkhd", flags, book.samples, &before, &after)
}

/// What a track consists of; `kind` is its handler, `header` that of its kind.
fn media(
    book: &Audiobook<'_>,
    samples: u64,
    kind: &[u8; 4],
    header: &[u8],
    table: &[u8],
) -> Vec<u8> {
    let time =
        [&number(book.sample_rate)[..], &duration(samples), &UNDETERMINED.to_be_bytes(), &[0; 2]];
    let handler = full(b"hdlr", 0, &[&[0; 4], kind, &[0; 13]]);
    let here = full(b"url ", 1, &[]);
    let data = atom(b"dinf", &[&full(b"dref", 0, &[&number(1), &here])]);
    let inner = atom(b"minf", &[header, &data, table]);
    atom(b"mdia", &[&timed(b"mdhd", 0, samples, &[], &time), &handler, &inner])
}

/// Title and so on as iTunes has them, and Nero's list of chapters.
fn tags(book: &Audiobook<'_>) -> Vec<u8> {
    let item = |name: &[u8; 4], kind: u32, value: &[u8]| {
        atom(name, &[&atom(b"data", &[&number(kind), &[0; 4], value])])
    };
    let (text, whole) = (1, 21);
    let mut items = vec![
        item(b"\xa9nam", text, book.title.as_bytes()),
        item(b"\xa9alb", text, book.title.as_bytes()),
        item(b"\xa9gen", text, b"Audiobook"),
        // An audiobook, and heard without gaps.
        item(b"stik", whole, &[2]),
        item(b"pgap", whole, &[1]),
    ];
    if !book.artist.is_empty() {
        items.push(item(b"\xa9ART", text, book.artist.as_bytes()));
        items.push(item(b"aART", text, book.artist.as_bytes()));
    }
    if !book.narrator.is_empty() {
        items.push(item(b"\xa9wrt", text, book.narrator.as_bytes()));
    }
    if let Some((kind, picture)) = book.cover {
        items.push(item(b"covr", if kind == "image/png" { 14 } else { 13 }, picture));
    }
    let handler = full(b"hdlr", 0, &[&[0; 4], b"mdir", b"appl", &[0; 9]]);
    let list = full(b"meta", 0, &[&handler, &atom(b"ilst", &[&items.concat()])]);
    if book.chapters.len() > MAX_LISTED {
        return atom(b"udta", &[&list]);
    }
    let mut listed = vec![book.chapters.len() as u8];
    for (title, begin) in book.chapters {
        // In tenths of a microsecond.
        let begin = u128::from(*begin) * 10_000_000 / u128::from(book.sample_rate);
        let title = shortened(title);
        listed.extend_from_slice(&(begin as u64).to_be_bytes());
        listed.push(title.len() as u8);
        listed.extend_from_slice(title.as_bytes());
    }
    atom(b"udta", &[&list, &full(b"chpl", 1 << 24, &[&[0; 4], &listed])])
}

/// A title as a sample of text: its length, itself, and that it is UTF-8.
fn text_sample(title: &str) -> Vec<u8> {
    let title = shortened(title);
    let encoding = [&number(12)[..], b"encd", &number(0x100)].concat();
    [&(title.len() as u16).to_be_bytes()[..], title.as_bytes(), &encoding].concat()
}

fn shortened(title: &str) -> &str {
    &title[..title.floor_char_boundary(MAX_TITLE_BYTES)]
}

fn addresses(all: &[u64], is_large: bool) -> Vec<u8> {
    let count = number(all.len() as u32);
    if is_large {
        let all: Vec<u8> = all.iter().flat_map(|at| at.to_be_bytes()).collect();
        full(b"co64", 0, &[&count, &all])
    } else {
        let all: Vec<u8> = all.iter().flat_map(|at| number(*at as u32)).collect();
        full(b"stco", 0, &[&count, &all])
    }
}

fn number(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

/// A duration in 32 bits, or in 64 where it needs them, which [`timed`] says.
fn duration(samples: u64) -> Vec<u8> {
    u32::try_from(samples).map_or_else(|_| samples.to_be_bytes().to_vec(), |it| number(it).to_vec())
}

/// An atom whose times have 32 bits or, where its duration needs them, 64: when it was made and changed, which nobody
/// says, so that the same book is the same file.
fn timed(name: &[u8; 4], flags: u32, samples: u64, before: &[u8], after: &[&[u8]]) -> Vec<u8> {
    let is_long = u32::try_from(samples).is_err();
    let times: &[u8] = if is_long { &[0; 16] } else { &[0; 8] };
    let version = u32::from(is_long) << 24;
    full(name, version | flags, &[times, before, &after.concat()])
}

/// An atom with a version and flags.
fn full(name: &[u8; 4], flags: u32, content: &[&[u8]]) -> Vec<u8> {
    atom(name, &[&number(flags), &content.concat()])
}

fn atom(name: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let length: usize = content.iter().map(|part| part.len()).sum();
    let mut atom = Vec::with_capacity(8 + length);
    atom.extend_from_slice(&number(8 + length as u32));
    atom.extend_from_slice(name);
    content.iter().for_each(|part| atom.extend_from_slice(part));
    atom
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(samples: u64, chapters: usize, sizes: &[u16]) -> Vec<u8> {
        let step = samples / chapters as u64;
        let chapters: Vec<_> =
            (0..chapters as u64).map(|n| (format!("Chapter {n}"), n * step)).collect();
        let book = Audiobook {
            title: "T",
            artist: "",
            narrator: "",
            cover: None,
            chapters: &chapters,
            samples,
            sample_rate: 24_000,
        };
        let mut file = Vec::new();
        let frames = vec![7; sizes.iter().map(|size| usize::from(*size)).sum()];
        write(&book, sizes, &mut &frames[..], &mut file).unwrap();
        file
    }

    /// The content of the first atom of a name, wherever it is.
    fn found<'f>(file: &'f [u8], name: &[u8; 4]) -> Option<&'f [u8]> {
        let at = file.windows(4).position(|four| four == name)?;
        let length = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
        Some(&file[at + 4..at - 4 + length])
    }

    #[test]
    fn the_first_chunk_is_where_the_frames_begin() {
        let file = written(64 * 1024 * 3, 2, &[10; 193]);
        let sound = found(&file, b"stco").unwrap();
        assert_eq!(u32::from_be_bytes(sound[4..8].try_into().unwrap()), 4);
        let at = u32::from_be_bytes(sound[8..12].try_into().unwrap()) as usize;
        assert_eq!(&file[at..], &[7; 1930]);
        assert!(file[at - 12..at].starts_with(&number(12)), "before it is the last title");
    }

    #[test]
    fn more_chapters_than_can_be_listed_are_in_the_track_alone() {
        assert!(found(&written(300_000, 255, &[1; 300]), b"chpl").is_some());
        assert!(found(&written(300_000, 256, &[1; 300]), b"chpl").is_none());
    }

    #[test]
    fn fifty_hours_have_long_durations() {
        let long = written(u64::from(u32::MAX) + 5, 1, &[1; 3]);
        assert_eq!(found(&long, b"mvhd").unwrap()[0], 1);
        assert_eq!(found(&written(5, 1, &[1; 3]), b"mvhd").unwrap()[0], 0);
    }

    #[test]
    fn more_than_four_gigabytes_have_long_addresses() {
        let sizes = vec![700; 6_500_000];
        let chapters = [("One".to_owned(), 0)];
        let book = Audiobook {
            title: "T",
            artist: "",
            narrator: "",
            cover: None,
            chapters: &chapters,
            samples: 6_500_000 * FRAME_SAMPLES,
            sample_rate: 24_000,
        };
        let titles = [text_sample("One")];
        let layout = Layout { titles: &titles, sizes: &sizes, is_large: true };
        let movie = movie(&book, 6, &layout, 1000);
        let addresses = found(&movie, b"co64").unwrap();
        let last = u64::from_be_bytes(addresses[addresses.len() - 8..].try_into().unwrap());
        let frames_in_last = sizes.len() % FRAMES_A_CHUNK;
        let before = (sizes.len() - frames_in_last) as u64 * 700;
        assert_eq!(last, 1000 + titles[0].len() as u64 + before);
        assert!(last > u64::from(u32::MAX));
    }

    #[test]
    fn a_file_that_breaks_off_is_an_error() {
        let chapters = [("One".to_owned(), 0)];
        let book = Audiobook {
            title: "T",
            artist: "A",
            narrator: "N",
            cover: None,
            chapters: &chapters,
            samples: 10,
            sample_rate: 24_000,
        };
        assert!(write(&book, &[10], &mut &[0; 9][..], &mut Vec::new()).is_err());
        let odd = Audiobook { sample_rate: 23_999, ..book };
        assert!(write(&odd, &[1], &mut &[0; 9][..], &mut Vec::new()).is_err());
    }
}
