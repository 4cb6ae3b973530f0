//! The golden rules of sentence splitting and a real novel, where the shared corpus is present.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use earmark::text::language::LanguageRules;
use earmark::text::sentence::{MAX_SENTENCE_CHARS, limit_length, split_sentences};
use serde::Deserialize;

use common::shared;

#[derive(Deserialize)]
struct Case {
    set: String,
    lang: String,
    text: String,
    exp: Vec<String>,
}

#[test]
fn golden_rules_are_met() {
    let Some(file) = shared("sentences/golden.jsonl") else { return };
    let cases = std::fs::read_to_string(file).unwrap();
    let (mut english, mut spanish) = (0, 0);
    for case in cases.lines().map(|line| serde_json::from_str::<Case>(line).unwrap()) {
        let got: Vec<_> = split_sentences(&case.text, LanguageRules::for_tag(&case.lang))
            .into_iter()
            .map(|range| case.text[range].trim().to_owned())
            .collect();
        let expected: Vec<_> = case.exp.iter().map(|sentence| sentence.trim().to_owned()).collect();
        if got == expected {
            *(if case.lang == "en" { &mut english } else { &mut spanish }) += 1;
        } else {
            eprintln!("{}: {expected:?}\n   got {got:?}", case.set);
        }
    }
    println!("{english}/48 English, {spanish}/30 Spanish");
    assert!(english >= 48, "{english} of 48 English rules");
    assert!(spanish >= 29, "{spanish} of 30 Spanish rules");
}

#[test]
fn no_sentence_of_a_novel_is_too_long_to_follow() {
    let Some(file) = shared("books/metamorphosis-gutenberg.txt") else { return };
    let file = std::fs::read_to_string(file).unwrap();
    let (novel, _licence) = file.split_once("*** END OF").unwrap();
    let rules = LanguageRules::for_tag("en");
    for paragraph in novel.replace('\r', "").split("\n\n") {
        let text = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let sentences = split_sentences(&text, rules);
        for sentence in &sentences {
            let length = text[sentence.clone()].chars().count();
            assert!(length <= 600, "{length}: {}", &text[sentence.clone()]);
        }
        for part in limit_length(&text, sentences) {
            assert!(text[part].chars().count() <= MAX_SENTENCE_CHARS);
        }
    }
}
