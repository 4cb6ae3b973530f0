//! EPUB 2 and 3: spine, navigation, metadata and images, by rbook.

use std::collections::HashSet;
use std::io::Cursor;

use bytes::Bytes;
use rbook::Epub;
use rbook::ebook::element::Href;
use rbook::ebook::spine::PageDirection;
use rbook::epub::manifest::EpubManifestEntry;

use super::archive::{self, CappedBuffer};
use super::encoding::{decode_markup, language_or_detect};
use super::{ImportError, Manuscript, typeface};
use crate::library::html;
use crate::library::html::Item;
use crate::library::manuscript::{SourceDocument, SourceFile, SourceTocEntry};
use crate::text::language::primary_subtag;
use crate::text::markup::plain_text;
use crate::text::sentence::is_speakable;

/// Reads an EPUB.
pub fn read(bytes: &[u8]) -> Result<Manuscript, ImportError> {
    archive::check(bytes)?;
    let epub = Epub::read(Cursor::new(Bytes::copy_from_slice(bytes)))
        .map_err(|error| ImportError::Epub(error.to_string().trim_end_matches('.').to_owned()))?;
    let metadata = epub.metadata();
    let toc = contents(&epub);
    let documents = documents(&epub, &toc);
    let language = language_or_detect(metadata.language().map(|language| language.value()), || {
        sample(&documents)
    });
    let sheets = sheets(&epub);
    let mut files: Vec<_> = epub.manifest().images().filter_map(file).collect();
    let typefaces = epub.manifest().fonts().filter_map(file);
    files.extend(typefaces.filter(|file| typeface::is_font(&file.bytes)));
    let fonts = typeface::faces(&sheets, &files);
    let cover = epub.manifest().cover_image().map(|image| path_of(image.href()));
    Ok(Manuscript {
        title: metadata.title().map(|title| clean(title.value())).unwrap_or_default(),
        authors: metadata
            .creators()
            .map(|creator| clean(creator.value()))
            .filter(|author| !author.is_empty())
            .collect(),
        vertical: is_vertical(&epub, &sheets, &language),
        language,
        documents,
        toc,
        cover: cover.filter(|path| files.iter().any(|file| file.path == *path)),
        files,
        fonts,
    })
}

/// Linear documents in the order of the spine, then those that are only linked to (notes), so that
/// links to them work and the voice does not pass through them on the way.
fn documents(epub: &Epub, toc: &[SourceTocEntry]) -> Vec<SourceDocument> {
    let listed: HashSet<&str> = toc.iter().map(|entry| entry.path.as_str()).collect();
    let mut seen = HashSet::new();
    let (mut linear, mut linked) = (Vec::new(), Vec::new());
    for spine in epub.spine() {
        let Some(entry) = spine.manifest_entry() else { continue };
        let path = path_of(entry.href());
        if !seen.insert(path.clone()) {
            continue;
        }
        let is_linear = spine.is_linear() || listed.contains(path.as_str());
        // Manifests name files that are not there; the rest of the book is.
        match read_entry(&entry) {
            Some(bytes) => {
                let document = SourceDocument { path, html: decode_markup(&bytes) };
                if is_linear {
                    linear.push(document);
                } else if speaks(&document) {
                    linked.push(document);
                }
            }
            None => tracing::warn!(path, "a document of the spine cannot be read"),
        }
    }
    linear.append(&mut linked);
    linear
}

fn contents(epub: &Epub) -> Vec<SourceTocEntry> {
    let Some(root) = epub.toc().contents() else {
        return Vec::new();
    };
    let mut entries: Vec<SourceTocEntry> = root
        .flatten()
        .filter_map(|entry| {
            let href = entry.href()?;
            Some(SourceTocEntry {
                title: clean(entry.label()),
                depth: u32::try_from(entry.depth()).unwrap_or(u32::MAX),
                path: path_of(href.path()),
                fragment: href.fragment().map(decode),
            })
        })
        .collect();
    let top = entries.iter().map(|entry| entry.depth).min().unwrap_or(0);
    for entry in &mut entries {
        entry.depth -= top;
    }
    entries
}

fn file(entry: EpubManifestEntry<'_>) -> Option<SourceFile> {
    let bytes = read_entry(&entry)?;
    Some(SourceFile { path: path_of(entry.href()), bytes: bytes.into() })
}

fn read_entry(entry: &EpubManifestEntry<'_>) -> Option<Vec<u8>> {
    let mut buffer = CappedBuffer::default();
    entry.copy_bytes(&mut buffer).ok()?;
    Some(buffer.into_inner())
}

/// The style sheets: path and text.
fn sheets(epub: &Epub) -> Vec<(String, String)> {
    let sheet = |style: EpubManifestEntry<'_>| {
        let bytes = read_entry(&style)?;
        Some((path_of(style.href()), String::from_utf8_lossy(&bytes).into_owned()))
    };
    epub.manifest().styles().filter_map(sheet).collect()
}

/// Vertical when pages turn to the left, the script can stand upright, and a style sheet says so.
fn is_vertical(epub: &Epub, sheets: &[(String, String)], language: &str) -> bool {
    let is_east_asian = matches!(primary_subtag(language), "ja" | "zh");
    is_east_asian
        && epub.spine().page_direction() == PageDirection::RightToLeft
        && sheets.iter().any(|(_, css)| css.contains("vertical-rl") || css.contains("tb-rl"))
}

fn path_of(href: Href<'_>) -> String {
    href.path().decode().trim_start_matches('/').to_owned()
}

fn decode(fragment: &str) -> String {
    percent_encoding::percent_decode_str(fragment).decode_utf8_lossy().into_owned()
}

fn clean(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a document says anything; a cover's wrapping does not.
fn speaks(document: &SourceDocument) -> bool {
    html::parse(&document.html).items.iter().any(|item| match item {
        Item::Block { inlines, .. } => is_speakable(&plain_text(inlines)),
        _ => false,
    })
}

/// Enough text to tell the language by.
fn sample(documents: &[SourceDocument]) -> String {
    let mut text = String::new();
    for document in documents {
        for item in html::parse(&document.html).items {
            if let Item::Block { inlines, .. } = item {
                text.push_str(&plain_text(&inlines));
                text.push('\n');
            }
        }
        if text.len() > 20_000 {
            break;
        }
    }
    text
}
