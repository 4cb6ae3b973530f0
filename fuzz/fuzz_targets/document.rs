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
        is_heading: false,
    };
    let mut document = SourceDocument::parse("a.xhtml", html);
    document.parsed.voice_pictures();
    let manuscript = Manuscript {
        language: "en".to_owned(),
        documents: vec![document],
        toc: vec![entry(None), entry(Some("a")), entry(Some("b"))],
        ..Manuscript::default()
    };
    let composed = chapters::compose(&manuscript, "0123456789abcdef", |_, chapter| {
        // Text is escaped, so what looks like a tag is one.
        assert!(!chapter.html.to_lowercase().contains("<script"));
        for sentence in &chapter.sentences {
            let length = sentence.text.chars().count();
            assert!(length <= MAX_SENTENCE_CHARS);
            // Only a page that is a picture may have nothing to say.
            assert!(length > 0 || chapter.html.contains("class=\"picture\""));
        }
        Ok(())
    });
    assert!(composed.is_ok());
});
