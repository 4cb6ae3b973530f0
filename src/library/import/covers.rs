//! Covers in the sizes that pages show them in.

use std::io::Cursor;
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits};

use super::ImportError;

/// Widths that covers are made in, in pixels: as the shelf shows them on a screen of one and of two dots a
/// pixel.
pub const COVER_WIDTHS: [u32; 2] = [180, 340];

/// How much is kept of a cover, of 100: less where two dots make a pixel, for there nobody sees a single one.
/// Twelve covers are to weigh no more than a page.
const QUALITY: [f32; 2] = [55.0, 40.0];
/// A cover that becomes larger than this, in bytes, is made again with less of it, until nothing more is
/// gained: full of grain, it hides what is lost.
const LARGE_BYTES: [usize; 2] = [8_000, 12_000];
const LEAST_QUALITY: f32 = 10.0;

/// Memory that decoding a cover may take, in bytes, and its largest side in pixels.
const MAX_DECODED_BYTES: u64 = 256 * 1024 * 1024;
const MAX_SIDE: u32 = 12_000;

/// Writes a cover in each of [`COVER_WIDTHS`] into `folder`. Returns the widths that were written: none for
/// what is not a picture of dots, and none larger than the original but the first.
pub fn write(bytes: &[u8], folder: &Path) -> Result<Vec<u32>, ImportError> {
    let Some(picture) = decode(bytes) else { return Ok(Vec::new()) };
    let mut written = Vec::new();
    for ((width, quality), large) in COVER_WIDTHS.into_iter().zip(QUALITY).zip(LARGE_BYTES) {
        if picture.width() <= width / 2 && !written.is_empty() {
            break;
        }
        std::fs::write(folder.join(file_name(width)), encode(&picture, width, quality, large))?;
        written.push(width);
    }
    Ok(written)
}

/// The name of a stored cover.
pub fn file_name(width: u32) -> String {
    format!("{width}.webp")
}

/// A cover that is damaged or too large to be decoded is shown as it is.
fn decode(bytes: &[u8]) -> Option<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    reader.limits(limits);
    reader.decode().ok().filter(|picture| picture.width() > 0 && picture.height() > 0)
}

fn encode(picture: &DynamicImage, width: u32, quality: f32, large: usize) -> Vec<u8> {
    let width = width.min(picture.width());
    // A cover is no higher than three times its width; what is more is a strip of pages.
    let height = u64::from(picture.height()) * u64::from(width) / u64::from(picture.width());
    let height = u32::try_from(height).unwrap_or(u32::MAX).clamp(1, 3 * width);
    let small = picture.resize_to_fill(width, height, FilterType::CatmullRom).to_rgba8();
    let encoder = webp::Encoder::from_rgba(&small, width, height);
    let mut quality = quality;
    loop {
        let encoded = encoder.encode(quality);
        if encoded.len() <= large || quality <= LEAST_QUALITY {
            return encoded.to_vec();
        }
        quality = (quality * 0.6).max(LEAST_QUALITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([(x % 256) as u8, (y % 256) as u8, 90])
        });
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(picture).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_cover_is_made_in_two_sizes() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(&picture(1400, 2100), folder.path()).unwrap(), COVER_WIDTHS);
        for width in COVER_WIDTHS {
            let bytes = std::fs::read(folder.path().join(file_name(width))).unwrap();
            let size = imagesize::blob_size(&bytes).unwrap();
            assert_eq!((size.width, size.height), (width as usize, width as usize * 3 / 2));
        }
    }

    #[test]
    fn a_small_cover_is_not_blown_up_and_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(&picture(80, 120), folder.path()).unwrap(), [180]);
        let bytes = std::fs::read(folder.path().join(file_name(180))).unwrap();
        assert_eq!(imagesize::blob_size(&bytes).unwrap().width, 80);
        let whole = picture(500, 500);
        assert!(write(&whole[..whole.len() / 3], folder.path()).is_ok());
        assert_eq!(write(b"<svg/>", folder.path()).unwrap(), [0; 0]);
    }
}
