//! Frames of AAC-LC: out of the stream of another program, and made here where there is none.

use std::io::{self, Read, Write};

use symphonia::core::io::MediaSource;
use syom::{EncodeOptions, EncodedFrame, Encoder};

use super::decode::each_packet;

/// Bits a second; what was 48 kbit/s of MP3 loses little more (measured: 0.5 dB).
pub const BITS_A_SECOND: u32 = 64_000;

/// What a header of ADTS begins with (ISO/IEC 13818-7, 6.2): twelve bits, and the layer, which is 0.
const SYNC: (u8, u8) = (0xff, 0xf0);

/// Takes the frames out of a stream of ADTS and writes them one after the other; their sizes in bytes.
///
/// # Errors
/// When the stream is none, breaks off, or cannot be written.
pub fn frames_of_adts(mut from: impl Read, to: &mut impl Write) -> io::Result<Vec<u16>> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "this is no stream of AAC");
    let (mut sizes, mut frame) = (Vec::new(), Vec::new());
    loop {
        let mut header = [0; 7];
        match from.read(&mut header[..1])? {
            0 => return Ok(sizes),
            _ => from.read_exact(&mut header[1..])?,
        }
        if header[0] != SYNC.0 || header[1] & 0xf6 != SYNC.1 {
            return Err(wrong());
        }
        // Bit 0 says that no checksum of two bytes follows the header.
        let head = if header[1] & 1 == 0 { 9 } else { 7 };
        let [_, _, _, high, middle, low, _] = header;
        let length = usize::from(high & 3) << 11 | usize::from(middle) << 3 | usize::from(low >> 5);
        let size = length.checked_sub(head).ok_or_else(wrong)?;
        if head == 9 {
            from.read_exact(&mut [0; 2])?;
        }
        frame.resize(size, 0);
        from.read_exact(&mut frame)?;
        to.write_all(&frame)?;
        sizes.push(u16::try_from(size).map_err(|_| wrong())?);
    }
}

/// Encodes what is heard in an MP3 and writes the frames one after the other; their sizes in bytes. It ends early when
/// `is_over` says that nobody wants it any more.
///
/// # Errors
/// Says why it cannot be done.
pub fn frames_of_mp3(
    from: impl MediaSource + 'static,
    sample_rate: u32,
    to: &mut impl Write,
    is_over: impl Fn() -> bool,
) -> Result<Vec<u16>, String> {
    let failed = |error: syom::AacError| error.to_string();
    let options = EncodeOptions::raw().with_bitrate_bps(BITS_A_SECOND);
    let mut encoder = Encoder::new(sample_rate, 1, &options).map_err(failed)?;
    let (mut sizes, mut unwritten, mut samples) = (Vec::new(), None, Vec::new());
    let mut keep = |frame: EncodedFrame<'_>| {
        sizes.push(frame.au.len() as u16);
        if let Err(error) = to.write_all(frame.au) {
            unwritten = Some(error.to_string());
        }
        Ok(())
    };
    each_packet(Box::new(from), |packet| {
        if is_over() {
            return Err("it was called off".to_owned());
        }
        samples.clear();
        samples.extend(packet.iter().map(|sample| f32::from(*sample) / 32_768.0));
        encoder.feed(&[&samples], &mut keep).map_err(failed)?;
        Ok(())
    })?;
    encoder.finish(&mut keep).map_err(failed)?;
    unwritten.map_or(Ok(sizes), Err)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::audio::mp3;

    #[test]
    fn frames_are_taken_out_of_their_stream() {
        let frame = |content: &[u8], has_checksum: bool| {
            let head = if has_checksum { 9 } else { 7 };
            let length = content.len() + head;
            let mut frame = vec![0xff, 0xf1 - u8::from(has_checksum), 0x58, 0x40];
            frame.extend([(length >> 3) as u8, (length << 5) as u8 | 0x1f, 0xfc]);
            frame.extend(vec![0; head - 7]);
            frame.extend(content);
            frame
        };
        let stream = [frame(b"first", false), frame(b"the second", true)].concat();
        let mut to = Vec::new();
        assert_eq!(frames_of_adts(&stream[..], &mut to).unwrap(), [5, 10]);
        assert_eq!(to, b"firstthe second");
        assert!(frames_of_adts(&stream[..stream.len() - 1], &mut Vec::new()).is_err());
        assert!(frames_of_adts(&stream[1..], &mut Vec::new()).is_err());
    }

    #[test]
    fn what_nobody_wants_any_more_is_not_encoded() {
        let clip = mp3::encode(&vec![100; 24_000], 24_000).unwrap();
        let made = |is_over: bool| {
            let mp3 = Cursor::new(clip.bytes.clone());
            frames_of_mp3(mp3, 24_000, &mut Vec::new(), || is_over)
        };
        let count = made(false).unwrap().len() as u64;
        // All of it, and the frame that the encoder needs to begin.
        assert_eq!(count, clip.length.samples.div_ceil(1024) + 1);
        assert!(made(true).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = frames_of_adts(&[&[0xff, 0xf1][..], &bytes].concat()[..], &mut Vec::new());
        }
    }
}
