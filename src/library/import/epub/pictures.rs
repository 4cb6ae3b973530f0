//! The pictures that documents show: found in the container or in a `data:` address, written once, and
//! given their size, so that a page keeps its shape while they load.

use std::collections::HashMap;

use app::model::WarningKind;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use super::container::{Container, Entry, Unreadable};
use super::xml;
use crate::library::import::ImportError;
use crate::library::import::files::Files;
use crate::library::import::limits::MAX_ENTRY_BYTES;
use crate::library::import::warnings::Warnings;
use crate::library::paths::join;
use crate::library::pictures::picture_type;
use crate::text::hash::hex;
use crate::text::markup::{Inline, InlineElement};

/// Base64 as it is found, with and without its padding.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A written picture.
#[derive(Debug, Clone)]
struct Picture {
    path: String,
    /// Width and height in pixels, where they can be told.
    size: Option<(u32, u32)>,
}

/// Writes pictures as documents name them.
pub struct PictureShelf<'r> {
    container: &'r mut Container,
    files: &'r mut Files,
    warnings: &'r mut Warnings,
    placed: HashMap<Entry, Option<Picture>>,
}

impl<'r> PictureShelf<'r> {
    /// Pictures of `container` go to `files`.
    pub fn new(
        container: &'r mut Container,
        files: &'r mut Files,
        warnings: &'r mut Warnings,
    ) -> Self {
        Self { container, files, warnings, placed: HashMap::new() }
    }

    /// Leads an `<img>` of the document at `document` to its picture. Where there is none, its alternative
    /// text stands in its place.
    pub fn place(
        &mut self,
        document: &str,
        element: &mut InlineElement,
    ) -> Result<(), ImportError> {
        let source = attribute(element, "src").unwrap_or_default().to_owned();
        match self.picture(document, &source)? {
            Some(picture) => show(element, picture),
            None => {
                let alt = attribute(element, "alt").unwrap_or_default().to_owned();
                element.name = "small".to_owned();
                element.attributes.retain(|(name, _)| name == "id");
                element.children = vec![Inline::Text(alt)];
            }
        }
        Ok(())
    }

    fn picture(&mut self, document: &str, source: &str) -> Result<Option<Picture>, ImportError> {
        if let Some(data) = source.strip_prefix("data:") {
            return self.picture_in_address(document, data);
        }
        // Nothing is fetched from elsewhere.
        if source.starts_with("//") || has_scheme(source) {
            return Ok(None);
        }
        let path = join(document, source);
        let Some(entry) = self.container.find(&path) else {
            self.warnings.add(WarningKind::Missing, &path);
            return Ok(None);
        };
        if let Some(placed) = self.placed.get(&entry) {
            return Ok(placed.clone());
        }
        let picture = self.read(entry)?;
        self.placed.insert(entry, picture.clone());
        Ok(picture)
    }

    fn read(&mut self, entry: Entry) -> Result<Option<Picture>, ImportError> {
        let content = self.container.read(entry, MAX_ENTRY_BYTES);
        let path = self.container.path(entry).to_owned();
        let bytes = match content {
            Ok(content) if !content.is_damaged && picture_type(&content.bytes).is_some() => {
                content.bytes
            }
            Err(Unreadable::TooLarge) => {
                self.warnings.add(WarningKind::TooLarge, &path);
                return Ok(None);
            }
            _ => {
                self.warnings.add(WarningKind::Damaged, &path);
                return Ok(None);
            }
        };
        self.files.write(&path, &bytes)?;
        Ok(Some(Picture { path, size: size(&bytes) }))
    }

    /// `data:image/png;base64,…` (RFC 2397): a file of the book whose name is its content.
    fn picture_in_address(
        &mut self,
        document: &str,
        data: &str,
    ) -> Result<Option<Picture>, ImportError> {
        let decoded = data.split_once(',').and_then(|(kind, content)| {
            let content: Vec<u8> = percent_decode_str(content).collect();
            if !kind.trim_end().ends_with("base64") {
                return Some(content);
            }
            let compact: Vec<u8> =
                content.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
            LENIENT_BASE64.decode(compact).ok()
        });
        let Some(bytes) = decoded.filter(|bytes| picture_type(bytes).is_some()) else {
            self.warnings.add(WarningKind::Damaged, document);
            return Ok(None);
        };
        let path = format!("data/{}", hex(&Sha256::digest(&bytes)));
        self.files.write(&path, &bytes)?;
        Ok(Some(Picture { path, size: size(&bytes) }))
    }
}

/// Whether a reference names a scheme such as `http:`. A single letter is a drive of Windows.
fn has_scheme(source: &str) -> bool {
    source.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

fn attribute<'e>(element: &'e InlineElement, name: &str) -> Option<&'e str> {
    let found = element.attributes.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// Leads an `<img>` to its picture and gives it its size: the width that the book asks for, if it asks for
/// pixels, and the height that goes with it.
fn show(element: &mut InlineElement, picture: Picture) {
    let asked: Option<u32> = attribute(element, "width").and_then(|width| width.parse().ok());
    element.attributes.retain(|(name, _)| !matches!(name.as_str(), "src" | "width" | "height"));
    element.attributes.push(("src".to_owned(), picture.path));
    if let Some((width, height)) = picture.size {
        let shown = asked.filter(|asked| (1..=10_000).contains(asked)).unwrap_or(width);
        let high = u64::from(height) * u64::from(shown) / u64::from(width);
        element.attributes.push(("width".to_owned(), shown.to_string()));
        element.attributes.push(("height".to_owned(), high.max(1).to_string()));
    }
}

/// Width and height of a picture, from its first bytes.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let (width, height) = match imagesize::blob_size(bytes) {
        Ok(size) => (u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?),
        Err(_) => drawing_size(bytes)?,
    };
    (width > 0 && height > 0).then_some((width, height))
}

/// The size of an SVG: its own, else that of its view box (SVG 2, section 8.2).
fn drawing_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(16 * 1024)]);
    let (root, _) = xml::parse(&head);
    let svg = root.child("svg")?;
    let pixels = |text: &str| {
        let number = text.trim().trim_end_matches("px").parse::<f64>().ok();
        number
            .filter(|number| (1.0..=20_000.0).contains(number))
            .map(|number| number.round() as u32)
    };
    let own = |name: &str| svg.attribute(name).and_then(pixels);
    if let (Some(width), Some(height)) = (own("width"), own("height")) {
        return Some((width, height));
    }
    let view = svg.attribute("viewbox")?;
    let mut numbers = view.split([' ', ',']).filter(|part| !part.is_empty()).skip(2).map(pixels);
    Some((numbers.next()??, numbers.next()??))
}
