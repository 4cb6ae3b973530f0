//! A document inside a book: whatever it says, its page runs no script and its sentences can be spoken.
#![no_main]

use earmark::library::chapters;
use earmark::library::manuscript::{Manuscript, SourceDocument, SourceTocEntry};
use earmark::text::sentence::MAX_SENTENCE_CHARS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|html: &str| {
    let entry = |fragment: Option<&str>| SourceTocEntry {
        title: "One".to_owned(),
        depth: 0,
        path: "a.xhtml".to_owned(),
        fragment: fragment.map(str::to_owned),
    };
    let manuscript = Manuscript {
        language: "en".to_owned(),
        documents: vec![SourceDocument { path: "a.xhtml".to_owned(), html: html.to_owned() }],
        toc: vec![entry(None), entry(Some("a")), entry(Some("b"))],
        ..Manuscript::default()
    };
    for chapter in chapters::compose(&manuscript, "0123456789abcdef").chapters {
        // Text is escaped, so what looks like a tag is one.
        assert!(!chapter.html.to_lowercase().contains("<script"));
        for sentence in &chapter.sentences {
            let length = sentence.text.chars().count();
            assert!((1..=MAX_SENTENCE_CHARS).contains(&length));
        }
    }
});
