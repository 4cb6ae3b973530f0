//! Plain text: paragraphs out of hard-wrapped lines, chapters out of headings, and the licence of
//! Project Gutenberg set apart.

mod headings;
mod paragraphs;

use app::model::WarningKind;

use super::encoding::decode_text;
use super::limits::MAX_TEXT_BYTES;
use super::names::clean;
use super::warnings::Warnings;
use super::{ImportError, Manuscript, language};
use crate::library::manuscript::{SourceDocument, SourceTocEntry};
use crate::text::markup::escape_text;

use headings::headings;
use paragraphs::{Paragraph, paragraphs};

const TEXT_PATH: &str = "text";
const LICENCE_PATH: &str = "licence";

/// Reads a text.
pub fn read(bytes: &[u8]) -> Result<Manuscript, ImportError> {
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(ImportError::TooMuchText);
    }
    let decoded = decode_text(bytes);
    let mut warnings = Warnings::default();
    if decoded.is_damaged {
        warnings.add(WarningKind::Characters, "text");
    }
    let text = decoded.text.replace("\r\n", "\n").replace('\r', "\n");
    let parts = Parts::of(&text);
    let paragraphs = paragraphs(parts.body);
    if !paragraphs.iter().any(|paragraph| paragraph.text().chars().any(char::is_alphanumeric)) {
        return Err(ImportError::NoText);
    }
    let title = parts.field("Title").unwrap_or_default();
    let mut toc = Vec::new();
    let mut html = String::from("<html><head><title>");
    escape_text(&title, &mut html);
    html.push_str("</title></head><body>");
    write_chapters(&paragraphs, &mut html, &mut toc);
    html.push_str("</body></html>");
    let mut documents = vec![SourceDocument::parse(TEXT_PATH, &html)];
    if let Some(licence) = parts.licence() {
        documents.push(SourceDocument::parse(LICENCE_PATH, &licence));
        toc.push(entry("Project Gutenberg licence", LICENCE_PATH, None));
    }
    Ok(Manuscript {
        title,
        authors: parts.field("Author").into_iter().collect(),
        language: language::settle(parts.language(), parts.body).language,
        documents,
        toc,
        warnings: warnings.finish(),
        ..Manuscript::default()
    })
}

/// A text and what Project Gutenberg puts around it.
struct Parts<'t> {
    header: &'t str,
    body: &'t str,
    footer: &'t str,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Self {
        let whole = Self { header: "", body: text, footer: "" };
        let Some((header, rest)) = split_at_marker(text, "START OF") else {
            return whole;
        };
        let (body, footer) = split_at_marker(rest, "END OF").unwrap_or((rest, ""));
        Self { header, body, footer }
    }

    /// `Title: …` of the header.
    fn field(&self, name: &str) -> Option<String> {
        let value = self.header.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(clean).filter(|value| !value.is_empty())
    }

    fn language(&self) -> Option<&'static str> {
        const NAMES: [(&str, &str); 10] = [
            ("English", "en"),
            ("French", "fr"),
            ("German", "de"),
            ("Spanish", "es"),
            ("Italian", "it"),
            ("Portuguese", "pt"),
            ("Dutch", "nl"),
            ("Finnish", "fi"),
            ("Chinese", "zh"),
            ("Japanese", "ja"),
        ];
        let name = self.field("Language")?;
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, tag)| *tag)
    }

    fn licence(&self) -> Option<String> {
        let blocks = [self.header, self.footer].map(|part| {
            paragraphs(part).iter().map(|paragraph| paragraph.html()).collect::<String>()
        });
        let blocks = blocks.concat();
        (!blocks.is_empty()).then(|| {
            format!("<html><body><h2>Project Gutenberg licence</h2>{blocks}</body></html>")
        })
    }
}

/// Splits around a line like `*** START OF THE PROJECT GUTENBERG EBOOK … ***`.
fn split_at_marker<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let upper = line.trim_start();
        if upper.starts_with("***") && upper.contains(word) && upper.contains("PROJECT GUTENBERG") {
            return Some((&text[..at], &text[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

/// Writes chapters under ids `c1`, `c2`, … and their entries.
fn write_chapters(paragraphs: &[Paragraph<'_>], html: &mut String, toc: &mut Vec<SourceTocEntry>) {
    let headings: Vec<bool> = headings(paragraphs);
    let mut index = 0;
    while index < paragraphs.len() {
        if !headings[index] {
            html.push_str(&paragraphs[index].html());
            index += 1;
            continue;
        }
        // `PART ONE` and `CHAPTER I` right below it begin one chapter.
        let run = headings[index..].iter().take_while(|heading| **heading).count();
        let id = format!("c{}", toc.len() + 1);
        let mut titles = Vec::new();
        html.push_str(&format!("<section id=\"{id}\">"));
        for paragraph in &paragraphs[index..index + run] {
            let title = paragraph.text();
            html.push_str("<h2>");
            emphasise(&title, html);
            html.push_str("</h2>");
            titles.push(title);
        }
        html.push_str("</section>\n");
        toc.push(entry(&titles.join(" · "), TEXT_PATH, Some(id)));
        index += run;
    }
}

/// `_word_`, the convention of plain text, as emphasis; everything else escaped.
fn emphasise(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some((before, inside, after)) = emphasis(rest) {
        escape_text(before, html);
        html.push_str("<em>");
        escape_text(inside, html);
        html.push_str("</em>");
        rest = after;
    }
    escape_text(rest, html);
}

fn emphasis(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('_')?;
    let (inside, after) = rest.split_once('_')?;
    let is_mark = !before.ends_with(char::is_alphanumeric)
        && !after.starts_with(char::is_alphanumeric)
        && !inside.is_empty()
        && !inside.starts_with(' ');
    is_mark.then_some((before, inside, after))
}

fn entry(title: &str, path: &str, fragment: Option<String>) -> SourceTocEntry {
    SourceTocEntry {
        title: clean(title),
        depth: 0,
        path: path.to_owned(),
        fragment,
        is_heading: false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::library::chapters::{Chapter, compose};
    use crate::library::html::Item;
    use crate::text::markup::line_ends;

    fn composed(text: &str) -> Vec<(String, String)> {
        let manuscript = read(text.as_bytes()).unwrap();
        let mut chapters = Vec::new();
        let keep = |_: u32, chapter: &Chapter| {
            chapters.push(chapter.clone());
            Ok(())
        };
        compose(&manuscript, "x", keep).unwrap();
        chapters
            .into_iter()
            .map(|chapter| {
                let text: Vec<_> = chapter.sentences.into_iter().map(|s| s.text).collect();
                (chapter.title, text.join(" "))
            })
            .collect()
    }

    #[test]
    fn wrapped_lines_are_joined() {
        let chapters = composed(
            "It was the best of times, it was\nthe worst of times. An ever-\npresent thing.\n\nNext.\n",
        );
        assert_eq!(
            chapters[0].1,
            "It was the best of times, it was the worst of times. An ever-present thing. Next."
        );
    }

    #[test]
    fn chapters_are_found_and_a_printed_contents_is_not_mistaken_for_them() {
        let text = "THE BOOK\n\nCHAPTER I\n\nCHAPTER II\n\nCHAPTER III\n\nStart.\n\nCHAPTER I\n\nOne is here.\n\nCHAPTER II\n\nTwo is here.\n";
        let titles: Vec<_> = composed(text).into_iter().map(|(title, _)| title).collect();
        assert_eq!(titles[1..], ["CHAPTER I", "CHAPTER II"]);
    }

    #[test]
    fn lone_numerals_number_chapters_only_when_they_count_up() {
        let text = "I\n\nFirst part.\n\nII\n\nSecond part.\n\nIII\n\nThird part.\n";
        assert_eq!(composed(text).len(), 3);
        assert_eq!(composed("I\n\nFirst part.\n\nV\n\nNot a chapter.\n").len(), 1);
    }

    #[test]
    fn the_gutenberg_licence_is_set_apart() {
        let text = "The Project Gutenberg eBook of X\n\nTitle: A Tale\nAuthor: A. Writer\nLanguage: English\n\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\n\nCHAPTER I\n\nText of _the_ tale.\n\n*** END OF THE PROJECT GUTENBERG EBOOK X ***\n\nLicence terms.\n";
        let manuscript = read(text.as_bytes()).unwrap();
        assert_eq!((manuscript.title.as_str(), manuscript.language.as_str()), ("A Tale", "en"));
        assert_eq!(manuscript.authors, ["A. Writer"]);
        let chapters = composed(text);
        assert_eq!(chapters.len(), 2);
        assert!(chapters[0].1.contains("Text of the tale.") && !chapters[0].1.contains("Licence"));
        assert!(chapters[1].1.contains("Licence terms."));
    }

    #[test]
    fn verse_keeps_its_lines() {
        let prose = "A long line of prose that fills the whole measure of the page.\n".repeat(8);
        let text = format!("{prose}\n    Twas brillig\n    and the toves\n\n{prose}");
        let manuscript = read(text.as_bytes()).unwrap();
        let broken = manuscript.documents[0].parsed.items.iter().any(|item| match item {
            Item::Block { inlines, has_lines, .. } => *has_lines && line_ends(inlines).len() == 1,
            _ => false,
        });
        assert!(broken);
    }

    #[test]
    fn one_paragraph_a_line_without_blank_lines() {
        let manuscript = read("One line.\nAnother line.\n".as_bytes()).unwrap();
        assert_eq!(manuscript.documents[0].parsed.blocks().count(), 2);
    }

    #[test]
    fn lines_that_are_wrapped_are_joined_however_paragraphs_are_told() {
        let indents = "  The mill stood by the water and had not turned for\na year or more. Nobody knew why it had stopped so\nsuddenly one day.\n  Then it turned again, and all of the village came\nto see the wheel go round and round.\n";
        let paragraphs = composed(indents);
        assert_eq!(paragraphs[0].1.matches('.').count(), 3);
        let blocks =
            |text: &str| read(text.as_bytes()).unwrap().documents[0].parsed.blocks().count();
        assert_eq!(blocks(indents), 2);
        let short_lines = "The mill stood by the water and had not turned for a\nyear or more, and nobody knew why it had stopped at\nall, or whether anybody in the village beyond had a\nreason to know.\nThen one day it turned again and all came to see the\nwheel go round and round and round in the light that\nfell on the water in the late hour of a long day and\nwent home.\n";
        assert_eq!(blocks(short_lines), 2);
    }

    #[test]
    fn chinese_lines_are_joined_without_a_space() {
        let text = "　　老人坐在河边，看着水慢慢地流过去，什么也没\n说。\n　　后来他站起来，沿着小路往回走，天已经黑了，\n风也起了。\n";
        assert!(composed(text)[0].1.contains("什么也没说。"), "{:?}", composed(text));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
            if let Ok(manuscript) = read(&bytes) {
                let contents = compose(&manuscript, "x", |_, _| Ok(())).unwrap();
                prop_assert!(!contents.chapters.is_empty());
            }
        }
    }
}
