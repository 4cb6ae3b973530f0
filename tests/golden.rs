//! The golden rules of sentence splitting: our own in `golden/`, and where the shared corpus is present
//! those of others and a real novel.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

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

/// Cases of one language: the sentences that a text, which is their lines with spaces between them, has.
fn own_cases(file: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(file).unwrap();
    let blocks = text.split("\n\n").map(|block| {
        let lines = block.lines().filter(|line| !line.starts_with("# ") && !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    });
    blocks.filter(|lines| !lines.is_empty()).collect()
}

#[test]
fn each_language_has_rules_of_its_own() {
    let mut wrong = Vec::new();
    for language in ["en", "es", "de", "fr", "it", "pt", "nl", "pl", "ru", "uk"] {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{language}.txt"));
        let cases = own_cases(&file);
        assert!(cases.iter().map(Vec::len).sum::<usize>() >= 20, "{language} has too few");
        for expected in cases {
            let text = expected.join(" ");
            let found: Vec<_> = split_sentences(&text, LanguageRules::for_tag(language))
                .into_iter()
                .map(|range| text[range].trim().to_owned())
                .collect();
            if found != expected {
                wrong.push(format!("{language}: {expected:#?}\nfound {found:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases\n{}", wrong.len(), wrong.join("\n"));
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
