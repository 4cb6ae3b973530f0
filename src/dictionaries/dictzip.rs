//! Reading from the middle of a `dictzip` file: gzip (RFC 1952) whose extra field says where pieces begin that can
//! be unpacked by themselves.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use flate2::{Decompress, FlushDecompress};

/// Flags of the header (RFC 1952, section 2.3.1).
const HAS_CHECKSUM: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;
/// Longest name or comment of a header, in bytes.
const MAX_HEADER_TEXT_BYTES: usize = 64 * 1024;

/// Where the pieces of a file are.
#[derive(Debug)]
pub(super) struct Pieces {
    /// Bytes of each, unpacked; the last may have fewer.
    unpacked: u64,
    /// Where each begins in the file, and where the last one ends.
    starts: Vec<u64>,
}

impl Pieces {
    /// Reads where the pieces are; nothing for a file that is not in pieces.
    pub(super) fn read(file: &mut File) -> io::Result<Option<Self>> {
        file.rewind()?;
        let mut input = io::BufReader::new(&mut *file);
        let mut header = [0; 10];
        input.read_exact(&mut header)?;
        let flags = header[3];
        if header[..3] != [0x1f, 0x8b, 8] || flags & HAS_EXTRA == 0 {
            return Ok(None);
        }
        let mut extra = vec![0; usize::from(short(&mut input)?)];
        input.read_exact(&mut extra)?;
        let mut length = 12 + extra.len() as u64;
        for flag in [HAS_NAME, HAS_COMMENT] {
            if flags & flag != 0 {
                length += text(&mut input)?;
            }
        }
        if flags & HAS_CHECKSUM != 0 {
            length += 2;
        }
        Ok(field(&extra).and_then(|field| Self::of(field, length)))
    }

    fn of(field: &[u8], begin: u64) -> Option<Self> {
        let mut numbers = field.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        let (_version, unpacked, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let mut starts = vec![begin];
        let mut at = begin;
        for packed in numbers.take(usize::from(count)) {
            at += u64::from(packed);
            starts.push(at);
        }
        let is_whole = starts.len() == usize::from(count) + 1 && unpacked > 0;
        is_whole.then_some(Self { unpacked: u64::from(unpacked), starts })
    }

    /// `length` bytes from `offset` of what is packed.
    pub(super) fn bytes(&self, file: &mut File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let first = offset / self.unpacked;
        let mut skipped = (offset % self.unpacked) as usize;
        let mut bytes = Vec::with_capacity(length);
        let mut piece = first as usize;
        while bytes.len() < length {
            let unpacked = self.piece(file, piece)?;
            let part = unpacked.get(skipped..).filter(|part| !part.is_empty());
            let part = part.ok_or(io::ErrorKind::UnexpectedEof)?;
            bytes.extend_from_slice(&part[..part.len().min(length - bytes.len())]);
            skipped = 0;
            piece += 1;
        }
        Ok(bytes)
    }

    fn piece(&self, file: &mut File, piece: usize) -> io::Result<Vec<u8>> {
        let [start, end] =
            self.starts.get(piece..piece.saturating_add(2)).ok_or(io::ErrorKind::UnexpectedEof)?
        else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let mut packed = vec![0; (end - start) as usize];
        file.seek(SeekFrom::Start(*start))?;
        file.read_exact(&mut packed)?;
        let mut unpacked = Vec::with_capacity(self.unpacked as usize);
        Decompress::new(false)
            .decompress_vec(&packed, &mut unpacked, FlushDecompress::Sync)
            .map_err(io::Error::other)?;
        Ok(unpacked)
    }
}

/// The subfield of `dictzip` in an extra field (RFC 1952, section 2.3.1.1).
fn field(mut extra: &[u8]) -> Option<&[u8]> {
    while let [first, second, low, high, rest @ ..] = extra {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let content = rest.get(..length)?;
        if [*first, *second] == *b"RA" {
            return Some(content);
        }
        extra = &rest[length..];
    }
    None
}

fn short(input: &mut impl Read) -> io::Result<u16> {
    let mut bytes = [0; 2];
    input.read_exact(&mut bytes)?;
    Ok(u16::from_le_bytes(bytes))
}

/// Passes over a text that ends with a zero, and says how long it is with that.
fn text(input: &mut impl Read) -> io::Result<u64> {
    let mut byte = [0];
    for length in 1..=MAX_HEADER_TEXT_BYTES {
        input.read_exact(&mut byte)?;
        if byte[0] == 0 {
            return Ok(length as u64);
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}
