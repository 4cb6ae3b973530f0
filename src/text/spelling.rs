//! What a language writes in figures, signs and abbreviations and says in words, for engines that get it wrong:
//! espeak-ng, and natural voices. A file of data for each language.
//!
//! Nothing that is said is lost: figures that no rule knows are left to the engine. The rules take away what they
//! find, so that a text that has been spelled out stays as it is.

mod english;
mod french;
mod german;
mod spanish;

use std::borrow::Cow;

use regex::{Captures, Regex};

use super::language::primary_subtag;

/// Most times that the rules are applied to what they have made; each time takes signs away.
const MOST_ROUNDS: usize = 100;

/// What is said for a form.
enum Said {
    /// Words, with `$1` for a group.
    As(&'static str),
    /// What this makes of it.
    By(fn(&Captures<'_>) -> String),
}

/// The rules of a language, in the order in which they apply.
type Rules = Vec<(Regex, Said)>;

/// The rules of patterns. The patterns are constants, and a test sees to it that each is one.
fn rules_of<'r>(rules: impl IntoIterator<Item = (&'r str, Said)>) -> Rules {
    rules.into_iter().filter_map(|(rule, said)| Some((Regex::new(rule).ok()?, said))).collect()
}

/// The text with what has to be spelled out spelled out, if the language has rules.
pub fn spell_out<'t>(text: &'t str, language: &str) -> Cow<'t, str> {
    let rules = match primary_subtag(language).to_ascii_lowercase().as_str() {
        "en" => &english::RULES,
        "de" => &german::RULES,
        "es" => &spanish::RULES,
        "fr" => &french::RULES,
        _ => return Cow::Borrowed(text),
    };
    let mut text = Cow::Borrowed(text);
    // What one rule makes another may take; of `1–2–3` one round takes every other sign.
    for _ in 0..MOST_ROUNDS {
        let mut is_done = true;
        for (rule, said) in rules.iter() {
            let spelled = match said {
                Said::As(words) => rule.replace_all(&text, *words),
                Said::By(say) => rule.replace_all(&text, say),
            };
            if let Cow::Owned(spelled) = spelled
                && spelled != text
            {
                (text, is_done) = (spelled.into(), false);
            }
        }
        if is_done {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOLDEN: [(&str, &str); 4] = [
        ("en", include_str!("../../tests/golden/spelling.en.tsv")),
        ("de", include_str!("../../tests/golden/spelling.de.tsv")),
        ("es", include_str!("../../tests/golden/spelling.es.tsv")),
        ("fr", include_str!("../../tests/golden/spelling.fr.tsv")),
    ];

    #[test]
    fn figures_signs_and_abbreviations_are_said_in_words() {
        let mut wrong = Vec::new();
        for (language, rows) in GOLDEN {
            assert!(rows.lines().count() >= 60, "{language}: {}", rows.lines().count());
            for row in rows.lines() {
                let (written, said) = row.split_once('\t').unwrap();
                let spelled = spell_out(written, language);
                if spelled != said {
                    wrong.push(format!("{language}: {written} → {spelled}, not {said}"));
                }
                assert_eq!(spell_out(&spelled, language), spelled, "{written}");
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_rule_is_a_rule() {
        let counts = [&english::RULES, &german::RULES, &spanish::RULES, &french::RULES];
        assert_eq!(counts.map(|rules| rules.len()), [49, 76, 75, 69]);
    }

    proptest! {
        #[test]
        fn what_is_spelled_out_stays(
            text in "(.|[0-9:–°½=§²⁶/+×x^%€$ .-]|No\\. ?|[aApP]m|XIV|IV|Henry |Chapter |Nr\\. |z\\. ?B\\.|\
                     n\\.º |Sr\\. |M\\. |siglo |Louis |Ludwig |am |e |h |Uhr|Mai| km)*",
            at in 0..GOLDEN.len(),
        ) {
            let language = GOLDEN[at].0;
            let once = spell_out(&text, language).into_owned();
            prop_assert_eq!(spell_out(&once, language), once.as_str());
        }
    }
}
