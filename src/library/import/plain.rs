//! Plain text: paragraphs out of hard-wrapped lines, chapters out of headings, and the licence of
//! Project Gutenberg set apart.

use super::encoding::{decode_text, language_or_detect};
use super::{ImportError, Manuscript};
use crate::library::manuscript::{SourceDocument, SourceTocEntry};
use crate::text::markup::escape_text;

const TEXT_PATH: &str = "text";
const LICENCE_PATH: &str = "licence";

/// A line of more characters is a whole paragraph, not a wrapped line of one.
const LONGEST_WRAPPED_LINE: usize = 120;

/// Reads a text.
pub fn read(bytes: &[u8]) -> Result<Manuscript, ImportError> {
    let text = decode_text(bytes).replace("\r\n", "\n").replace('\r', "\n");
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
    let mut documents = vec![SourceDocument { path: TEXT_PATH.to_owned(), html }];
    if let Some(licence) = parts.licence() {
        documents.push(SourceDocument { path: LICENCE_PATH.to_owned(), html: licence });
        toc.push(entry("Project Gutenberg licence", LICENCE_PATH, None));
    }
    Ok(Manuscript {
        title,
        authors: parts.field("Author").into_iter().collect(),
        language: language_or_detect(parts.language(), || parts.body.to_owned()),
        documents,
        toc,
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
        value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
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

/// Lines that belong together, trimmed.
struct Paragraph<'t> {
    lines: Vec<&'t str>,
    /// Lines stand as they are: verse, addresses, lists.
    keeps_lines: bool,
}

impl Paragraph<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            // A hyphen at a line's end joins the words; it was there before the line was broken.
            if !(text.is_empty() || text.ends_with('-') && !text.ends_with("--")) {
                text.push(' ');
            }
            text.push_str(line);
        }
        text
    }

    fn html(&self) -> String {
        let mut html = String::from("<p>");
        if self.keeps_lines {
            for (index, line) in self.lines.iter().enumerate() {
                if index > 0 {
                    html.push_str("<br/>");
                }
                emphasise(line, &mut html);
            }
        } else {
            emphasise(&self.text(), &mut html);
        }
        html.push_str("</p>\n");
        html
    }
}

fn paragraphs(text: &str) -> Vec<Paragraph<'_>> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut lengths: Vec<usize> =
        lines.iter().map(|line| line.chars().count()).filter(|length| *length > 0).collect();
    lengths.sort_unstable();
    let width = lengths.get(lengths.len() * 9 / 10).copied().unwrap_or(0);
    let is_wrapped = width <= LONGEST_WRAPPED_LINE && lines.iter().any(|line| line.is_empty());
    if !is_wrapped {
        let lines = lines.into_iter().map(str::trim).filter(|line| !line.is_empty());
        return lines.map(|line| Paragraph { lines: vec![line], keeps_lines: false }).collect();
    }
    lines
        .split(|line| line.trim().is_empty())
        .filter(|lines| !lines.is_empty())
        .map(|lines| {
            let shortest_full = width * 3 / 4;
            let is_short = lines.iter().all(|line| line.chars().count() < shortest_full);
            let is_indented = lines.iter().all(|line| line.starts_with([' ', '\t']));
            let keeps_lines = lines.len() > 1 && is_short && (is_indented || lines.len() > 2);
            Paragraph { lines: lines.iter().map(|line| line.trim()).collect(), keeps_lines }
        })
        .collect()
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

/// Which paragraphs are chapter headings. A run of three or more is a printed table of contents.
fn headings(paragraphs: &[Paragraph<'_>]) -> Vec<bool> {
    let numerals_count_up = numerals_count_up(paragraphs);
    let mut headings: Vec<bool> = paragraphs
        .iter()
        .map(|paragraph| {
            let text = paragraph.text();
            paragraph.lines.len() <= 2
                && text.chars().count() <= 80
                && (is_named_division(&text) || numerals_count_up && lone_number(&text).is_some())
        })
        .collect();
    let mut start = 0;
    while start < headings.len() {
        let run = headings[start..].iter().take_while(|heading| **heading).count();
        if run > 2 {
            headings[start..start + run].fill(false);
        }
        start += run.max(1);
    }
    headings
}

/// `CHAPTER I`, `Part Two. The Sea`, `Prologue`.
fn is_named_division(text: &str) -> bool {
    const NUMBERED: [&str; 18] = [
        "chapter",
        "part",
        "book",
        "volume",
        "canto",
        "act",
        "scene",
        "stave",
        "letter",
        "chapitre",
        "livre",
        "partie",
        "capítulo",
        "parte",
        "libro",
        "kapitel",
        "teil",
        "capitolo",
    ];
    const ALONE: [&str; 11] = [
        "prologue",
        "epilogue",
        "preface",
        "introduction",
        "foreword",
        "afterword",
        "conclusion",
        "dedication",
        "appendix",
        "prólogo",
        "epílogo",
    ];
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default().to_lowercase();
    let second = words.next();
    let bare = first.trim_end_matches(['.', ':']);
    if ALONE.contains(&bare) {
        return second.is_none() || first.len() != bare.len();
    }
    NUMBERED.contains(&bare) && second.is_some_and(is_ordinal)
}

fn is_ordinal(word: &str) -> bool {
    const WORDS: [&str; 22] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve", "the", "first", "second", "third", "fourth", "fifth", "sixth", "seventh",
        "eighth", "last",
    ];
    let word = word.trim_end_matches(['.', ':', ',', '—', '-', ']']);
    number(word).is_some() || WORDS.contains(&word.to_lowercase().as_str())
}

/// The value of a paragraph that is nothing but a number: `IV.`, `12`.
fn lone_number(text: &str) -> Option<u32> {
    number(text.trim_end_matches('.'))
}

fn number(word: &str) -> Option<u32> {
    if word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok();
    }
    crate::text::spoken::roman_value(word)
}

/// Whether lone numbers number the chapters: they go 1, 2, 3 from the first on.
fn numerals_count_up(paragraphs: &[Paragraph<'_>]) -> bool {
    let numbers: Vec<u32> = paragraphs
        .iter()
        .filter(|paragraph| paragraph.lines.len() == 1)
        .filter_map(|paragraph| lone_number(paragraph.lines[0]))
        .collect();
    numbers.len() > 1 && numbers.iter().zip(1..).all(|(number, expected)| *number == expected)
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
    SourceTocEntry { title: title.to_owned(), depth: 0, path: path.to_owned(), fragment }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::library::chapters::compose;

    fn composed(text: &str) -> Vec<(String, String)> {
        let manuscript = read(text.as_bytes()).unwrap();
        let chapters = compose(&manuscript, "x").chapters;
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
        assert!(manuscript.documents[0].html.contains("Twas brillig<br/>and the toves"));
    }

    #[test]
    fn one_paragraph_a_line_without_blank_lines() {
        let manuscript = read("One line.\nAnother line.\n".as_bytes()).unwrap();
        assert_eq!(manuscript.documents[0].html.matches("<p>").count(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
            if let Ok((_, manuscript)) = super::super::read(&bytes, "x.txt") {
                prop_assert!(!compose(&manuscript, "x").chapters.is_empty());
            }
        }
    }
}
