//! The text of a block: sentences cover it exactly, in every language.
#![no_main]

use earmark::text::language::LanguageRules;
use earmark::text::sentence::{limit_length, split_sentences};
use earmark::text::spoken::normalise;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (language, text) = input;
    let tags = ["en", "es", "de", "fr", "it", "pt", "nl", "pl", "ru", "uk", "ja", "ar", "und"];
    let tag = tags[usize::from(language) % tags.len()];
    let sentences = split_sentences(text, LanguageRules::for_tag(tag));
    for sentences in [sentences.clone(), limit_length(text, sentences)] {
        let mut end = 0;
        for sentence in sentences {
            assert_eq!(sentence.start, end);
            assert!(!sentence.is_empty());
            end = sentence.end;
        }
        assert_eq!(end, text.len());
    }
    normalise(text);
});
