//! Which chapters are no text of the book: covers, title pages, imprints, contents, indexes, licences. A
//! listener may have them passed over, and can correct what is found here.
//!
//! Prefaces, dedications and afterwords are text: readers of audiobooks read them.

use std::ops::Range;

use app::model::{ChapterCard, Matter};

use super::Parsed;

/// What a document may say of itself (EPUB Structural Semantics Vocabulary 1.1, sections 2.2 and 2.4), or a guide
/// of it (OPF 2.0.1, section 2.6).
const KINDS: [&str; 18] = [
    "bibliography",
    "colophon",
    "copyright-page",
    "cover",
    "errata",
    "halftitle",
    "halftitlepage",
    "imprimatur",
    "imprint",
    "index",
    "landmarks",
    "loi",
    "lot",
    "other-credits",
    "revision-history",
    "seriespage",
    "title-page",
    "titlepage",
];
/// The table of contents as a page: a word of its own, since a document that merely has one in it is none.
const CONTENTS: &str = "toc";

/// What such chapters are called, in English, German, French, Spanish, Italian and Portuguese.
const TITLES: [&str; 62] = [
    "about the author",
    "about the publisher",
    "about this ebook",
    "bibliografia",
    "bibliografía",
    "bibliographie",
    "bibliography",
    "book cover",
    "colofón",
    "colophon",
    "contents",
    "copyright",
    "copyright information",
    "copyright notice",
    "copyright page",
    "couverture",
    "cover",
    "cover page",
    "créditos",
    "cubierta",
    "dank an die leser",
    "detailed contents",
    "errata",
    "frontespizio",
    "full license",
    "half title",
    "half title page",
    "impressum",
    "imprint",
    "index",
    "index of names",
    "indice",
    "indice analitico",
    "inhalt",
    "inhaltsverzeichnis",
    "list of illustrations",
    "list of tables",
    "literaturverzeichnis",
    "mentions légales",
    "namenregister",
    "newsletter",
    "newsletter sign-up",
    "notice de copyright",
    "page de titre",
    "personenregister",
    "portada",
    "portadilla",
    "página de créditos",
    "página de título",
    "register",
    "sachregister",
    "sobre el autor",
    "sommaire",
    "sommario",
    "stichwortverzeichnis",
    "sumário",
    "table des matières",
    "table of contents",
    "title page",
    "titelseite",
    "título",
    "índice",
];
/// What the titles of others begin with.
const BEGINNINGS: [&str; 12] = [
    "also by ",
    "books by ",
    "the full project gutenberg",
    "full project gutenberg",
    "project gutenberg license",
    "other books by ",
    "other titles by ",
    "praise for ",
    "transcriber's note",
    "transcriber’s note",
    "du même auteur",
    "start: full license",
];

/// Says of each chapter what it is of the book.
pub(super) fn tell(book: &Parsed<'_>, ranges: &[Range<usize>], chapters: &mut [ChapterCard]) {
    let is_apart: Vec<bool> = ranges
        .iter()
        .zip(&*chapters)
        .map(|(range, card)| is_titled_so(&card.title) || is_said_to_be_so(book, range))
        .collect();
    // A book of nothing else is read.
    let Some(first) = is_apart.iter().position(|is_apart| !is_apart) else { return };
    for (at, card) in chapters.iter_mut().enumerate() {
        card.matter = match is_apart[at] {
            false => Matter::Text,
            true if at < first => Matter::Front,
            true => Matter::Back,
        };
    }
}

fn is_titled_so(title: &str) -> bool {
    let title = title.to_lowercase();
    let title = title.trim_matches(|c: char| c.is_whitespace() || ".:*[]()".contains(c));
    TITLES.contains(&title) || BEGINNINGS.iter().any(|beginning| title.starts_with(beginning))
}

/// Whether every document that says something in a range is, by its own word or that of the book, such a page.
fn is_said_to_be_so(book: &Parsed<'_>, range: &Range<usize>) -> bool {
    let (mut at, mut says_something) = (range.start, false);
    while at < range.end {
        let document = book.items[at].0;
        let end = book.document_starts.get(document + 1).copied().unwrap_or(book.items.len());
        let end = end.min(range.end);
        if book.speaks(at..end) {
            says_something = true;
            let source = &book.manuscript.documents[document];
            let of_book = book.manuscript.landmarks.iter();
            let of_book = of_book.filter(|(path, _)| *path == source.path).map(|(_, kind)| kind);
            let is_kind = |kind: &String| KINDS.contains(&&**kind) || kind == CONTENTS;
            if !source.parsed.kinds.iter().chain(of_book).any(is_kind) {
                return false;
            }
        }
        at = end;
    }
    says_something
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_tell_what_is_no_text() {
        for title in ["Title Page", "CONTENTS.", "Inhalt", "[Index]", "Also by Jane Austen"] {
            assert!(is_titled_so(title), "{title}");
        }
        for title in [
            "Preface",
            "Contents of the Chest",
            "The Index Finger",
            "Chapter 1",
            "Register of Deaths",
        ] {
            assert!(!is_titled_so(title), "{title}");
        }
        assert!(TITLES.iter().all(|title| *title == title.to_lowercase()));
    }
}
