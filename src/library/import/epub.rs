//! EPUB 2 and 3: package, spine, contents, pictures and typefaces.
//!
//! A book opens as its maker meant it: files are found as other readers find them, and a damaged part
//! costs that part alone, with a warning. Only a file without any document or package is refused.

mod container;
mod contents;
mod overlays;
mod package;
mod pictures;

pub use container::{Unreadable, is_archive};

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use app::model::{BookFont, NewPronunciation, WarningKind};

use container::{Container, Content, Entry};
use package::{Item, Package};
use pictures::PictureShelf;

use super::encoding::{Decoded, decode_markup};
use super::files::Files;
use super::limits::{
    MAX_DOCUMENT_BYTES, MAX_ENTRY_BYTES, MAX_STYLE_BYTES, MAX_STYLE_SHEETS, MAX_TEXT_BYTES,
};
use super::warnings::Warnings;
use super::xml::{self, Element};
use super::{ImportError, Manuscript, Source, language, typeface};
use crate::library::html::{self, Item as TextItem, Sheet};
use crate::library::manuscript::{SourceDocument, SourceTocEntry};
use crate::library::paths::{encode, join};
use crate::library::pictures::{font_type, picture_type};
use crate::library::pronunciations::{MAX_LEXICON_BYTES, lexicon};
use crate::text::language::primary_subtag;

/// Algorithms that hide fonts only (EPUB 3.3, section 4.4, and Adobe's older one).
const FONT_OBFUSCATION: [&str; 2] =
    ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];

/// How often a file that cannot be shown may name another one in its place.
const MAX_FALLBACKS: usize = 8;

/// A book of pictures has less text a page than this, in bytes.
const PICTURE_BOOK_TEXT_BYTES: usize = 500;

/// Most pronunciation lexicons that are read of a book.
const MAX_LEXICONS: usize = 8;

/// Text that a language is told by, in bytes.
const SAMPLE_BYTES: usize = 80_000;

/// Reads an EPUB, writing its pictures and typefaces to `files`. `progress` is told how much of it has
/// been read, in per cent.
pub fn read(
    file: Box<dyn Source>,
    files: Files,
    mut progress: impl FnMut(u8),
) -> Result<Manuscript, ImportError> {
    let mut container = Container::open(file)?;
    refuse_encrypted(&mut container)?;
    let mut warnings = Warnings::default();
    let package = find_package(&mut container, &mut warnings)?;
    let sheets = sheets(&mut container, &package);
    let parsed = sheets.iter().map(|(path, css)| (path.clone(), Arc::new(Sheet::parse(css))));
    let styles = parsed.collect();
    let mut book = Reader { container, package, files, warnings, styles, text_bytes: 0 };
    let toc = book.contents();
    let mut documents = book.documents(&toc, &mut progress)?;
    if documents.is_empty() {
        let why = book.warnings.finish().into_iter().next().map(|warning| warning.message);
        let why = why.unwrap_or_else(|| "its package names none".to_owned());
        let why = why.trim_end_matches('.').to_owned();
        return Err(ImportError::Epub(format!("none of its documents can be read: {why}")));
    }
    let read_by = book.overlays(&mut documents)?;
    let cover = book.cover(&documents)?;
    let is_picture_book = is_picture_book(&documents);
    for document in &mut documents {
        if is_picture_book {
            document.parsed.voice_pictures();
        } else {
            document.parsed.describe_pictures();
        }
    }
    book.pictures(&mut documents)?;
    let settled = language::settle(book.package.language.as_deref(), &sample(&documents));
    if let Some(declared) = &settled.contradicted {
        book.warnings.add(WarningKind::Language, declared);
    }
    let fonts = book.fonts(&sheets)?;
    let is_vertical = matches!(primary_subtag(&settled.language), "ja" | "zh")
        && book.package.is_right_to_left
        && sheets.iter().any(|(_, css)| css.contains("vertical-rl") || css.contains("tb-rl"));
    let lexicon = book.lexicon(&settled.language);
    let landmarks = book.landmarks();
    let Reader { package, files, warnings, .. } = book;
    Ok(Manuscript {
        title: package.title,
        authors: package.authors,
        series: package.series,
        language: settled.language,
        vertical: is_vertical,
        documents,
        toc,
        files: files.into_paths(),
        fonts,
        cover,
        landmarks,
        lexicon,
        read_by,
        warnings: warnings.finish(),
    })
}

/// Refuses books under digital rights management. Fonts may be obfuscated: the book can be read without.
fn refuse_encrypted(container: &mut Container) -> Result<(), ImportError> {
    let path = format!("{}META-INF/encryption.xml", container.folder());
    let Some(entry) = container.find(&path) else { return Ok(()) };
    let Ok(content) = container.read(entry, MAX_DOCUMENT_BYTES) else { return Ok(()) };
    let (root, _) = xml::parse(&decode_markup(&content.bytes).text);
    let is_text_hidden = root.descendants("encryptionmethod").iter().any(|method| {
        let algorithm = method.attribute("algorithm");
        algorithm.is_some_and(|algorithm| !FONT_OBFUSCATION.contains(&algorithm))
    });
    if is_text_hidden { Err(ImportError::Encrypted) } else { Ok(()) }
}

/// The package that the container names, else the first one there is.
fn find_package(
    container: &mut Container,
    warnings: &mut Warnings,
) -> Result<Package, ImportError> {
    let named = container.container_entry().and_then(|entry| {
        let content = container.read(entry, MAX_DOCUMENT_BYTES).ok()?;
        let (root, _) = xml::parse(&decode_markup(&content.bytes).text);
        let path = root.descendant("rootfile")?.attribute("full-path")?.to_owned();
        let inside = format!("{}{path}", container.folder());
        container.find(&inside).or_else(|| container.find(&path))
    });
    let Some(entry) = named.or_else(|| container.find_by_ending(".opf")) else {
        return Err(ImportError::Epub("no package document (.opf) is in it".to_owned()));
    };
    let path = container.path(entry).to_owned();
    let content = container.read(entry, MAX_DOCUMENT_BYTES).map_err(|problem| {
        ImportError::Epub(match problem {
            Unreadable::Damaged => format!("its package “{path}” is damaged"),
            Unreadable::TooLarge => {
                format!("its package “{path}” is larger than {} MB", MAX_DOCUMENT_BYTES >> 20)
            }
        })
    })?;
    let decoded = decode_markup(&content.bytes);
    let (document, is_whole) = xml::parse(&decoded.text);
    if content.is_damaged || !is_whole {
        warnings.add(WarningKind::Damaged, &path);
    }
    Package::read(&path, &document)
}

struct Reader {
    container: Container,
    package: Package,
    files: Files,
    warnings: Warnings,
    /// Style sheets by their paths.
    styles: HashMap<String, Arc<Sheet>>,
    /// Bytes of all documents so far.
    text_bytes: u64,
}

impl Reader {
    /// Linear documents in the order of the spine, then those that are only linked to (notes), so that
    /// links to them work and the voice does not pass through them on the way.
    fn documents(
        &mut self,
        toc: &[SourceTocEntry],
        progress: &mut impl FnMut(u8),
    ) -> Result<Vec<SourceDocument>, ImportError> {
        let listed: HashSet<Entry> =
            toc.iter().filter_map(|line| self.container.find(&line.path)).collect();
        let mut seen = HashSet::new();
        let (mut linear, mut linked) = (Vec::new(), Vec::new());
        let spine = self.package.reading_order();
        for (done, (item, is_linear)) in spine.iter().enumerate() {
            progress((done * 100 / spine.len()) as u8);
            let Some((item, entry)) = self.find_item(*item) else { continue };
            if !seen.insert(entry) {
                continue;
            }
            let Some(mut document) = self.document(item, entry, MAX_FALLBACKS)? else { continue };
            document.position = done as u32 + 1;
            if *is_linear || listed.contains(&entry) {
                linear.push(document);
            } else if document.parsed.speaks() {
                linked.push(document);
            }
        }
        linear.append(&mut linked);
        self.add_linked(&mut linear, &mut seen)?;
        Ok(linear)
    }

    /// Adds what the manifest has, the documents link to, and the spine does not name: notes, mostly.
    fn add_linked(
        &mut self,
        documents: &mut Vec<SourceDocument>,
        seen: &mut HashSet<Entry>,
    ) -> Result<(), ImportError> {
        let items = self.package.items.iter().enumerate();
        let unseen = items.filter(|(_, item)| item.is_markup() && !item.has_property("nav"));
        let unseen: HashMap<Entry, usize> = unseen
            .filter_map(|(index, item)| Some((self.container.find(&item.path)?, index)))
            .filter(|(entry, _)| !seen.contains(entry))
            .collect();
        if unseen.is_empty() {
            return Ok(());
        }
        let mut wanted = Vec::new();
        for document in &*documents {
            document.parsed.for_each_link(|href| {
                let entry = self.container.find(&join(&document.path, href));
                wanted.extend(entry.filter(|entry| unseen.contains_key(entry)));
            });
        }
        for entry in wanted {
            if !seen.insert(entry) {
                continue;
            }
            let document = self.document(unseen[&entry], entry, MAX_FALLBACKS)?;
            documents.extend(document.filter(|document| document.parsed.speaks()));
        }
        Ok(())
    }

    /// An item with its entry, or with that of what the package names in its place where it is not there.
    fn find_item(&mut self, item: usize) -> Option<(usize, Entry)> {
        let mut item = item;
        for _ in 0..=MAX_FALLBACKS {
            let named = &self.package.items[item];
            if let Some(entry) = self.container.find(&named.path) {
                return Some((item, entry));
            }
            self.warnings.add(WarningKind::Missing, &named.path);
            item = named.fallback?;
        }
        None
    }

    /// A document of the spine. A picture is a page with that picture; what is neither picture nor markup
    /// gives way to what the package names in its place.
    fn document(
        &mut self,
        item: usize,
        entry: Entry,
        fallbacks: usize,
    ) -> Result<Option<SourceDocument>, ImportError> {
        let path = self.container.path(entry).to_owned();
        let is_markup = self.package.items[item].is_markup();
        let limit = if is_markup { MAX_DOCUMENT_BYTES } else { MAX_ENTRY_BYTES };
        let Some(content) = self.content(entry, limit) else { return Ok(None) };
        if picture_type(&content.bytes).is_some() {
            self.files.write(&path, &content.bytes)?;
            let source = format!("<body><img src=\"/{}\" alt=\"\"/></body>", encode(&path));
            return Ok(Some(SourceDocument::parse(&path, &source)));
        }
        let other = self.package.items[item].fallback;
        if let Some(other) = other.filter(|_| !is_markup && fallbacks > 0)
            && let Some(entry) = self.container.find(&self.package.items[other].path)
        {
            return self.document(other, entry, fallbacks - 1);
        }
        let decoded = decode_markup(&content.bytes);
        if !is_markup && (decoded.is_damaged || !decoded.text.contains('<')) {
            self.warnings.add(WarningKind::Damaged, &path);
            return Ok(None);
        }
        self.text_bytes += content.bytes.len() as u64;
        if self.text_bytes > MAX_TEXT_BYTES {
            return Err(ImportError::TooMuchText);
        }
        self.warn_of_damage(&path, content.is_damaged, &decoded);
        let find_sheet = |href: &str| {
            let entry = self.container.find(&join(&path, href))?;
            self.styles.get(self.container.path(entry)).cloned()
        };
        let parsed = html::parse_styled(&decoded.text, &find_sheet);
        Ok(Some(SourceDocument::of(&path, parsed)))
    }

    fn warn_of_damage(&mut self, path: &str, is_damaged: bool, decoded: &Decoded) {
        if is_damaged {
            self.warnings.add(WarningKind::Damaged, path);
        } else if decoded.is_damaged {
            self.warnings.add(WarningKind::Characters, path);
        }
    }

    /// What an entry holds; when that cannot be read, a warning.
    fn content(&mut self, entry: Entry, limit: u64) -> Option<Content> {
        let content = self.container.read(entry, limit);
        let path = self.container.path(entry);
        match content {
            Ok(content) => return Some(content),
            Err(Unreadable::Damaged) => self.warnings.add(WarningKind::Damaged, path),
            Err(Unreadable::TooLarge) => self.warnings.add(WarningKind::TooLarge, path),
        }
        None
    }

    /// The lines of the navigation document, or of the NCX where they lead to more.
    fn contents(&mut self) -> Vec<SourceTocEntry> {
        let nav = self.package.item_with("nav").map(|item| item.path.clone());
        let nav = nav.and_then(|path| self.contents_of(&path, contents::of_navigation));
        let nav = nav.unwrap_or_default();
        if self.targets(&nav) > 1 {
            return nav;
        }
        let declared = self.package.ncx.clone().or_else(|| {
            let by_type = |item: &&Item| item.media_type == "application/x-dtbncx+xml";
            self.package.items.iter().find(by_type).map(|item| item.path.clone())
        });
        let is_there = |path: &String| self.container.find(path).is_some();
        let ncx = declared.clone().filter(is_there).or_else(|| {
            let entry = self.container.find_by_ending(".ncx")?;
            Some(self.container.path(entry).to_owned())
        });
        if let Some(missing) = declared.filter(|_| ncx.is_none() && nav.is_empty()) {
            self.warnings.add(WarningKind::Missing, &missing);
        }
        let ncx =
            ncx.and_then(|path| self.contents_of(&path, contents::of_ncx)).unwrap_or_default();
        if self.targets(&ncx) > self.targets(&nav) { ncx } else { nav }
    }

    /// What the book says of documents as a whole: covers, title pages, indexes.
    fn landmarks(&mut self) -> Vec<(String, String)> {
        let nav = self.package.item_with("nav").map(|item| item.path.clone());
        let nav = nav.and_then(|path| {
            let entry = self.container.find(&path)?;
            let content = self.container.read(entry, MAX_DOCUMENT_BYTES).ok()?;
            let (document, _) = xml::parse(&decode_markup(&content.bytes).text);
            Some(contents::landmarks(&path, &document))
        });
        let mut found = self.package.guide.clone();
        found.extend(nav.unwrap_or_default());
        // As documents have them: their own case, and nothing escaped.
        for (path, _) in &mut found {
            if let Some(entry) = self.container.find(path) {
                self.container.path(entry).clone_into(path);
            }
        }
        found
    }

    /// How words are said by the pronunciation lexicons that the book brings in its language (EPUB 3.3, section
    /// 3.2 and the note on text to speech).
    fn lexicon(&mut self, language: &str) -> Vec<NewPronunciation> {
        let lexicons = self.package.items.iter();
        let lexicons = lexicons.filter(|item| item.media_type == "application/pls+xml");
        let paths: Vec<String> =
            lexicons.map(|item| item.path.clone()).take(MAX_LEXICONS).collect();
        let mut entries = Vec::new();
        for path in paths {
            let Some(entry) = self.container.find(&path) else {
                self.warnings.add(WarningKind::Missing, &path);
                continue;
            };
            let Some(content) = self.content(entry, MAX_LEXICON_BYTES as u64) else { continue };
            let text = decode_markup(&content.bytes).text;
            match lexicon::of_book(&text, language) {
                Ok((read, is_whole)) => {
                    entries.extend(read);
                    if !is_whole || content.is_damaged {
                        self.warnings.add(WarningKind::Damaged, &path);
                    }
                }
                Err(_) => self.warnings.add(WarningKind::TooLarge, &path),
            }
        }
        entries
    }

    /// To how many places of the book these lines lead.
    fn targets(&self, lines: &[SourceTocEntry]) -> usize {
        let there = lines.iter().filter(|line| self.container.find(&line.path).is_some());
        there.map(|line| (&line.path, &line.fragment)).collect::<HashSet<_>>().len()
    }

    fn contents_of(
        &mut self,
        path: &str,
        lines: fn(&str, &Element) -> Vec<SourceTocEntry>,
    ) -> Option<Vec<SourceTocEntry>> {
        let entry = self.container.find(path)?;
        let content = self.content(entry, MAX_DOCUMENT_BYTES)?;
        let path = self.container.path(entry).to_owned();
        let (document, is_whole) = xml::parse(&decode_markup(&content.bytes).text);
        if content.is_damaged || !is_whole {
            self.warnings.add(WarningKind::Contents, &path);
        }
        Some(lines(&path, &document))
    }

    /// Writes the pictures that the documents show, and leads the documents to them.
    fn pictures(&mut self, documents: &mut [SourceDocument]) -> Result<(), ImportError> {
        let Self { container, files, warnings, .. } = self;
        let mut shelf = PictureShelf::new(container, files, warnings);
        for document in documents {
            let path = document.path.clone();
            let mut outcome = Ok(());
            document.parsed.for_each_picture(|picture| {
                if outcome.is_ok() {
                    outcome = shelf.place(&path, picture);
                }
            });
            outcome?;
        }
        Ok(())
    }

    /// The cover's path: the first picture among what the package says may be the cover, on a page that
    /// it says is, or on the first page where that is a picture.
    fn cover(&mut self, documents: &[SourceDocument]) -> Result<Option<String>, ImportError> {
        let first = documents.first().filter(|document| !document.parsed.speaks());
        let candidates: Vec<String> = self.package.covers.clone();
        let on_first = first.and_then(|page| Some(join(&page.path, page.parsed.first_picture()?)));
        for path in candidates.into_iter().chain(on_first) {
            let Some(entry) = self.container.find(&path) else { continue };
            if let Some(path) = self.cover_of(entry)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Writes the cover that an entry is, or that stands on the page that it is.
    fn cover_of(&mut self, entry: Entry) -> Result<Option<String>, ImportError> {
        let Some(content) = self.content(entry, MAX_ENTRY_BYTES) else { return Ok(None) };
        let path = self.container.path(entry).to_owned();
        if picture_type(&content.bytes).is_some() {
            if content.is_damaged {
                return Ok(None);
            }
            self.files.write(&path, &content.bytes)?;
            return Ok(Some(path));
        }
        let page = SourceDocument::parse(&path, &decode_markup(&content.bytes).text);
        let picture = page.parsed.first_picture().map(|source| join(&path, source));
        let Some(entry) = picture.and_then(|path| self.container.find(&path)) else {
            return Ok(None);
        };
        let Some(content) = self.content(entry, MAX_ENTRY_BYTES) else { return Ok(None) };
        if content.is_damaged || picture_type(&content.bytes).is_none() {
            return Ok(None);
        }
        let path = self.container.path(entry).to_owned();
        self.files.write(&path, &content.bytes)?;
        Ok(Some(path))
    }

    /// The typeface of the text, where its files are ones that a browser can read: obfuscated ones are not.
    fn fonts(&mut self, sheets: &[(String, String)]) -> Result<Vec<BookFont>, ImportError> {
        let container = &self.container;
        let find = |path: &str| container.find(path).map(|entry| container.path(entry).to_owned());
        let mut fonts = Vec::new();
        for face in typeface::faces(sheets, find) {
            let Some(entry) = self.container.find(&face.path) else { continue };
            let Ok(content) = self.container.read(entry, MAX_ENTRY_BYTES) else { continue };
            if !content.is_damaged && font_type(&content.bytes).is_some() {
                self.files.write(&face.path, &content.bytes)?;
                fonts.push(face);
            }
        }
        Ok(fonts)
    }
}

/// The style sheets: path and text.
fn sheets(container: &mut Container, package: &Package) -> Vec<(String, String)> {
    let sheets = package.items.iter().filter(|item| item.media_type == "text/css");
    let (mut found, mut left) = (Vec::new(), MAX_STYLE_BYTES);
    for item in sheets.take(MAX_STYLE_SHEETS) {
        let Some(entry) = container.find(&item.path) else { continue };
        let Ok(content) = container.read(entry, left) else { continue };
        left = left.saturating_sub(content.bytes.len() as u64);
        let path = container.path(entry).to_owned();
        found.push((path, String::from_utf8_lossy(&content.bytes).into_owned()));
    }
    found
}

/// Whether a book is one of pictures: most of its pages say nothing and show something, and the others say
/// little.
fn is_picture_book(documents: &[SourceDocument]) -> bool {
    let is_picture = |document: &&SourceDocument| {
        !document.parsed.speaks() && document.parsed.first_picture().is_some()
    };
    let pictures = documents.iter().filter(is_picture).count();
    let text: usize =
        documents.iter().flat_map(|document| document.parsed.blocks()).map(|text| text.len()).sum();
    pictures * 2 > documents.len() && text / documents.len() < PICTURE_BOOK_TEXT_BYTES
}

/// Enough text to tell the language by.
fn sample(documents: &[SourceDocument]) -> String {
    let mut text = String::new();
    for document in documents {
        for item in &document.parsed.items {
            if let TextItem::Block { inlines, .. } = item {
                text.push_str(&crate::text::markup::plain_text(inlines));
                text.push('\n');
            }
        }
        if text.len() > SAMPLE_BYTES {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests;
