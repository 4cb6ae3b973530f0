//! The sample book that a new installation finds on its shelf: three short chapters that show how
//! Earmark is used.

use bytes::Bytes;

use super::manuscript::{Manuscript, SourceDocument, SourceTocEntry};

const CHAPTERS: [(&str, &str); 3] = [
    ("The Lamp at the Corner", include_str!("sample/1.xhtml")),
    ("A Walk with the Voice", include_str!("sample/2.xhtml")),
    ("Bring Your Own Books", include_str!("sample/3.xhtml")),
];

/// The sample book, and the bytes that stand for its file.
pub(super) fn manuscript() -> (Bytes, Manuscript) {
    let original: String = CHAPTERS.iter().map(|(_, html)| *html).collect();
    let path = |number: usize| format!("{number}.xhtml");
    let manuscript = Manuscript {
        title: "The Reading Lamp".to_owned(),
        authors: vec!["Earmark".to_owned()],
        language: "en".to_owned(),
        documents: (1..)
            .zip(CHAPTERS)
            .map(|(number, (_, html))| SourceDocument { path: path(number), html: html.to_owned() })
            .collect(),
        toc: (1..)
            .zip(CHAPTERS)
            .map(|(number, (title, _))| SourceTocEntry {
                title: title.to_owned(),
                depth: 0,
                path: path(number),
                fragment: None,
            })
            .collect(),
        ..Manuscript::default()
    };
    (original.into(), manuscript)
}
