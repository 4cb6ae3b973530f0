//! The book as an EPUB that reads itself aloud: its text with a recording, and when each sentence is heard (EPUB 3.3,
//! section 9, media overlays).
//!
//! What apps do not agree on decides its form: MP3, which both EPUBCheck and Apple's apps take; one line for each
//! sentence, and sentences that follow one another without a gap, as some apps stop at each; names in ASCII.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::PathBuf;

use app::model::BookDetails;
use quick_xml::escape::escape;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::pieces::{Piece, Sender, send, write_archive};
use super::{Contents, PackError, Packer, Part};
use crate::library::LibraryError;
use crate::library::xhtml::{self, References, Survey};
use crate::text::hash::hex;
use crate::text::language::is_tag;
use crate::text::subtitles::Cue;
use crate::text::xml::allowed;
use crate::time::rfc3339;

/// What says where the package is.
const CONTAINER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles><rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>
"#;
/// How the sentence that is heard looks. The class is what most apps set when a book names none (EPUB 3.3,
/// section 9.3.2.4).
const STYLE: &str = concat!(
    "\
body { line-height: 1.5; }
img { max-width: 100%; }
.block { display: block; }
blockquote { margin: 1em 2em; }
.-epub-media-overlay-active { background-color: #ffe9a8; color: #1d1d1d; }
figure { text-align: center; }
p[data-look~=\"close\"] { margin-top: 0; margin-bottom: 0; }
p[data-look~=\"indented\"] { margin-top: 0; margin-bottom: 0; text-indent: 1.4em; }
",
    include_str!("../../../style/look.css")
);

/// A chapter of the book as the EPUB has it.
struct Document {
    number: u32,
    title: String,
    /// When its sentences are heard; nothing for a chapter that nobody reads.
    cues: Vec<Cue>,
    /// How long it lasts.
    milliseconds: u64,
    survey: Survey,
}

/// A file of the package.
struct Picture {
    name: String,
    kind: &'static str,
    /// Its path inside the book that was imported.
    path: String,
}

impl Packer<'_> {
    /// The chapters with all their text, and the sound of those that are heard.
    pub(super) async fn read_aloud(
        &self,
        work: &TempDir,
        contents: Contents<'_>,
    ) -> Result<PathBuf, PackError> {
        let Contents { card, book, range, cover, parts, .. } = &contents;
        let mut documents = Vec::new();
        for chapter in book.chapters.iter().filter(|chapter| range.contains(&chapter.number)) {
            let text = self.library.chapter(&card.id, chapter.number).await?;
            let part = parts.iter().find(|part| part.number == chapter.number);
            documents.push(Document {
                number: chapter.number,
                title: chapter.title.clone(),
                cues: part.map(tiled).unwrap_or_default(),
                milliseconds: part.map_or(0, |part| part.recording.duration().as_millis() as u64),
                survey: xhtml::survey(card.id.as_str(), &text.html)?,
            });
        }
        let pictures = self.pictures(book, &documents).await?;
        let path = work.path().join("book.epub");
        let (sender, writing) = write_archive(path.clone());
        // First and as it is, so that it is found at a fixed place (OCF, section 4.3).
        put(&sender, "mimetype", "application/epub+zip").await;
        put(&sender, "META-INF/container.xml", CONTAINER).await;
        put(&sender, "book/package.opf", &package(&contents, &documents, &pictures)).await;
        put(&sender, "book/nav.xhtml", &navigation(&contents, &documents)).await;
        put(&sender, "book/style.css", STYLE).await;
        if let Some((kind, bytes)) = cover {
            send(&sender, Piece::Begins(format!("book/{}", cover_name(kind)))).await;
            send(&sender, Piece::Bytes(bytes.clone())).await;
        }
        for picture in &pictures {
            send(&sender, Piece::Begins(format!("book/{}", picture.name))).await;
            let bytes = self.library.file(&card.id, &picture.path).await?;
            send(&sender, Piece::Bytes(bytes)).await;
        }
        self.put_documents(&sender, &contents, documents, &pictures).await?;
        for part in contents.parts {
            send(&sender, Piece::Begins(format!("book/{}.mp3", stem(part.number)))).await;
            self.send_sound(&sender, part.recording).await?;
        }
        drop(sender);
        writing.await??;
        Ok(path)
    }

    /// The text of the chapters, and when their sentences are heard.
    async fn put_documents(
        &self,
        sender: &Sender,
        contents: &Contents<'_>,
        documents: Vec<Document>,
        pictures: &[Picture],
    ) -> Result<(), PackError> {
        let card = contents.card;
        let pictures: HashMap<String, String> =
            pictures.iter().map(|picture| (picture.path.clone(), picture.name.clone())).collect();
        for document in &documents {
            if !document.cues.is_empty() {
                let name = format!("book/{}.smil", stem(document.number));
                put(sender, &name, &overlay(document)).await;
            }
        }
        let titles: Vec<_> =
            documents.iter().map(|document| (document.number, document.title.clone())).collect();
        let chapters: HashMap<u32, Survey> =
            documents.into_iter().map(|document| (document.number, document.survey)).collect();
        for (number, title) in titles {
            let text = self.library.chapter(&card.id, number).await?;
            let references = References {
                book: card.id.as_str(),
                chapter: number,
                chapters: &chapters,
                pictures: &pictures,
            };
            let body = xhtml::body(&text.html, &references)?;
            let page = page(&card.language, &title, &body);
            put(sender, &format!("book/{}", xhtml::document_name(number)), &page).await;
        }
        Ok(())
    }

    /// The pictures that the chapters show, as far as they are there and an EPUB can have them.
    async fn pictures(
        &self,
        book: &BookDetails,
        documents: &[Document],
    ) -> Result<Vec<Picture>, PackError> {
        let mut found: Vec<Picture> = Vec::new();
        let mut seen = HashSet::new();
        for path in documents.iter().flat_map(|document| &document.survey.pictures) {
            if !seen.insert(path) {
                continue;
            }
            let bytes = match self.library.file(&book.card.id, path).await {
                Ok(bytes) => bytes,
                Err(LibraryError::NoSuchFile) => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(kind) = xhtml::picture_kind(&bytes) else { continue };
            let name = format!("p{:04}.{}", found.len() + 1, ending(kind));
            found.push(Picture { name, kind, path: path.clone() });
        }
        Ok(found)
    }
}

async fn put(sender: &Sender, name: &str, text: &str) {
    send(sender, Piece::Begins(name.to_owned())).await;
    send(sender, Piece::Bytes(text.to_owned().into())).await;
}

/// The sentences of a chapter, each until the next begins.
fn tiled(part: &Part) -> Vec<Cue> {
    let mut cues = part.cues.clone();
    // The sentence stays marked while a note that it refers to is heard.
    cues.dedup_by_key(|cue| cue.sentence);
    let end = part.recording.duration().as_millis() as u64;
    let begins: Vec<u64> = cues.iter().skip(1).map(|cue| cue.start_ms).chain([end]).collect();
    for (cue, next) in cues.iter_mut().zip(begins) {
        cue.end_ms = next;
    }
    if let Some(first) = cues.first_mut() {
        first.start_ms = 0;
    }
    // What is shorter than a millisecond nobody hears, and is no time of an overlay.
    cues.retain(|cue| cue.end_ms > cue.start_ms);
    cues
}

/// What the files of a chapter are called, without what they end in.
fn stem(chapter: u32) -> String {
    xhtml::document_name(chapter).trim_end_matches(".xhtml").to_owned()
}

fn cover_name(kind: &str) -> String {
    format!("cover.{}", ending(kind))
}

fn ending(kind: &str) -> &str {
    match kind.trim_start_matches("image/") {
        "jpeg" => "jpg",
        "svg+xml" => "svg",
        kind => kind,
    }
}

fn plain(text: &str) -> String {
    escape(allowed(text)).into_owned()
}

/// A time as overlays have it.
fn clock(ms: u64) -> String {
    format!("{}.{:03}s", ms / 1000, ms % 1000)
}

/// A language as XML takes it; “und” says that it is not known, or not written as one.
fn language_of(language: &str) -> &str {
    if is_tag(language) { language } else { "und" }
}

fn page(language: &str, title: &str, body: &str) -> String {
    let (language, title) = (plain(language_of(language)), plain(title));
    let title = if title.trim().is_empty() { "\u{2042}".to_owned() } else { title };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="{language}" xml:lang="{language}">
<head><title>{title}</title><link rel="stylesheet" type="text/css" href="style.css"/></head>
<body>{body}</body>
</html>
"#
    )
}

fn navigation(contents: &Contents<'_>, documents: &[Document]) -> String {
    let mut lines = String::new();
    for document in documents {
        let title = plain(document.title.trim());
        let title = if title.is_empty() { document.number.to_string() } else { title };
        let name = xhtml::document_name(document.number);
        let _ = writeln!(lines, r#"<li><a href="{name}">{title}</a></li>"#);
    }
    let body = format!(r#"<nav epub:type="toc" id="toc"><ol>{lines}</ol></nav>"#);
    page(&contents.card.language, &contents.card.title, &body)
}

/// When each sentence of a chapter is heard.
fn overlay(document: &Document) -> String {
    let (text, sound) = (xhtml::document_name(document.number), stem(document.number));
    let mut pars = String::new();
    for Cue { sentence, start_ms, end_ms, .. } in &document.cues {
        let (id, begin, end) = (xhtml::sentence_id(*sentence), clock(*start_ms), clock(*end_ms));
        let _ = writeln!(
            pars,
            r##"<par id="p{sentence}"><text src="{text}#{id}"/><audio src="{sound}.mp3" clipBegin="{begin}" clipEnd="{end}"/></par>"##
        );
    }
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<smil xmlns="http://www.w3.org/ns/SMIL" xmlns:epub="http://www.idpf.org/2007/ops" version="3.0"><body><seq id="all" epub:textref="{text}">
{pars}</seq></body></smil>
"#
    )
}

/// Lists all that is in the EPUB, and says what the book is.
fn package(contents: &Contents<'_>, documents: &[Document], pictures: &[Picture]) -> String {
    let Contents { card, voice_name, cover, .. } = contents;
    let (mut manifest, mut spine, mut facts) = (String::new(), String::new(), String::new());
    let mut total = 0;
    for document in documents {
        let Document { number, cues, milliseconds, survey, .. } = document;
        let (stem, name) = (stem(*number), xhtml::document_name(*number));
        let formulas = if survey.has_formulas { r#" properties="mathml""# } else { "" };
        let mut overlay = String::new();
        if !cues.is_empty() {
            total += milliseconds;
            overlay = format!(r#" media-overlay="{stem}-overlay""#);
            let length = clock(*milliseconds);
            let _ = writeln!(
                facts,
                r##"<meta property="media:duration" refines="#{stem}-overlay">{length}</meta>"##
            );
            let _ = writeln!(
                manifest,
                r#"<item id="{stem}-overlay" href="{stem}.smil" media-type="application/smil+xml"/>
<item id="{stem}-sound" href="{stem}.mp3" media-type="audio/mpeg"/>"#
            );
        }
        let _ = writeln!(
            manifest,
            r#"<item id="{stem}" href="{name}" media-type="application/xhtml+xml"{formulas}{overlay}/>"#
        );
        let _ = writeln!(spine, r#"<itemref idref="{stem}"/>"#);
    }
    for (number, Picture { name, kind, .. }) in pictures.iter().enumerate() {
        let _ =
            writeln!(manifest, r#"<item id="picture{number}" href="{name}" media-type="{kind}"/>"#);
    }
    if let Some((kind, _)) = cover {
        let name = cover_name(kind);
        let _ = writeln!(
            manifest,
            r#"<item id="cover" href="{name}" media-type="{kind}" properties="cover-image"/>"#
        );
    }
    for author in card.authors.iter().filter(|author| !author.trim().is_empty()) {
        let _ = writeln!(facts, "<dc:creator>{}</dc:creator>", plain(author));
    }
    let (title, language) = (plain(&card.title), plain(language_of(&card.language)));
    let (narrator, length) = (plain(voice_name), clock(total));
    let identifier = identifier(contents, total);
    // When the book came to be here: the same book in the same voice is the same file.
    let modified = rfc3339(card.added_ms);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="{language}">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{identifier}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:language>{language}</dc:language>
<meta property="dcterms:modified">{modified}</meta>
<meta property="media:duration">{length}</meta>
<meta property="media:narrator">{narrator}</meta>
<meta property="media:active-class">-epub-media-overlay-active</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">auditory</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessModeSufficient">auditory</meta>
<meta property="schema:accessibilityFeature">synchronizedAudioText</meta>
<meta property="schema:accessibilityHazard">none</meta>
{facts}</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="style" href="style.css" media-type="text/css"/>
{manifest}</manifest>
<spine>
{spine}</spine>
</package>
"#
    )
}

/// Names this edition: the book, who reads it, which chapters and how long they last.
fn identifier(contents: &Contents<'_>, milliseconds: u64) -> String {
    let Contents { card, voice, range, .. } = contents;
    let facts = format!("{}/{voice}/{}-{}/{milliseconds}", card.id, range.start(), range.end());
    format!("urn:earmark:{}", hex(&Sha256::digest(facts)[..16]))
}
