use proptest::prelude::*;

use super::*;

fn split<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    split_sentences(text, LanguageRules::for_tag(language))
        .into_iter()
        .map(|range| text[range].trim())
        .collect()
}

#[test]
fn titles_initials_and_numbers_do_not_end_a_sentence() {
    for text in [
        "Dr. Watson met Mr. Holmes in St. James.",
        "It was written by J. R. R. Tolkien.",
        "See vol. 3 and pp. 4 of it.",
        "He paid $4.50 at the door.",
    ] {
        assert_eq!(split(text, "en"), [text]);
    }
}

#[test]
fn an_abbreviation_ends_a_sentence_when_a_new_one_starts() {
    assert_eq!(
        split("He joined Smith & Co. They went to Paris.", "en"),
        ["He joined Smith & Co.", "They went to Paris."]
    );
    assert_eq!(
        split("No. I will not. See No. 5 instead.", "en"),
        ["No.", "I will not.", "See No. 5 instead."]
    );
}

#[test]
fn dialogue_is_read_sentence_by_sentence() {
    assert_eq!(
        split("“Where?” he asked. “Here. Come in!” She went.", "en"),
        ["“Where?” he asked.", "“Here.", "Come in!”", "She went."]
    );
}

#[test]
fn full_width_marks_end_without_a_space() {
    assert_eq!(split("吾輩は猫である。名前はまだ無い。", "ja").len(), 2);
    assert_eq!(split("「どこ？」と彼は聞いた。", "ja").len(), 1);
}

#[test]
fn ornaments_stay_with_what_is_spoken() {
    assert_eq!(split("* * *", "en"), ["* * *"]);
    assert_eq!(split("The end. * * *", "en"), ["The end. * * *"]);
}

#[test]
fn long_sentences_are_cut_at_clauses() {
    let clause = "a clause of some length that goes on for a while, ";
    let text = format!("{}; {}.", clause.repeat(4).trim_end(), clause.repeat(4).trim_end());
    let parts = limit_length(&text, vec![0..text.len()]);
    assert!(parts.len() >= 2);
    assert!(text[parts[0].clone()].trim_end().ends_with([';', ',']));
    assert!(parts.iter().all(|part| text[part.clone()].chars().count() <= MAX_SENTENCE_CHARS));
}

#[test]
fn exactly_the_limit_is_not_cut() {
    let at_limit = "é".repeat(MAX_SENTENCE_CHARS);
    let past_limit = "é".repeat(MAX_SENTENCE_CHARS + 1);
    assert_eq!(limit_length(&at_limit, vec![0..at_limit.len()]).len(), 1);
    assert_eq!(limit_length(&past_limit, vec![0..past_limit.len()]).len(), 2);
}

proptest! {
    #[test]
    fn sentences_joined_are_the_block(text in "\\PC{0,400}", language in "en|es|ja|de|und") {
        let rules = LanguageRules::for_tag(&language);
        let sentences = split_sentences(&text, rules);
        let joined: String = sentences.iter().map(|range| &text[range.clone()]).collect();
        prop_assert_eq!(&joined, &text);
        prop_assert!(sentences.iter().all(|range| !range.is_empty()));

        let limited = limit_length(&text, sentences);
        let joined: String = limited.iter().map(|range| &text[range.clone()]).collect();
        prop_assert_eq!(&joined, &text);
        for range in limited {
            let length = text[range].chars().count();
            prop_assert!(length > 0 && length <= MAX_SENTENCE_CHARS, "{}", length);
        }
    }

    #[test]
    fn prose_like_text_never_panics(
        words in proptest::collection::vec("[A-Za-z]{1,6}[.!?…;:,)\"”]{0,3}|[0-9]{1,3}[.)]|• ?|\\. \\. \\.|Mr\\.|e\\.g\\.", 0..60)
    ) {
        let text = words.join(" ");
        let sentences = split_sentences(&text, LanguageRules::for_tag("en"));
        prop_assert_eq!(sentences.last().map_or(0, |range| range.end), text.len());
    }
}
