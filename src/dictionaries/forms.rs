//! The forms under which a dictionary may have a word that stands inflected in a text.

/// Endings, and what stands in their place in the form that dictionaries list, by language. The longer ones come
/// first. What a rule makes of a word need not exist: it is only looked up.
const ENDINGS: [(&str, &[(&str, &str)]); 6] = [
    (
        "en",
        &[
            ("’s", ""),
            ("'s", ""),
            ("iest", "y"),
            ("ies", "y"),
            ("ied", "y"),
            ("ier", "y"),
            ("ves", "f"),
            ("ing", ""),
            ("ing", "e"),
            ("est", ""),
            ("est", "e"),
            ("ed", ""),
            ("ed", "e"),
            ("es", ""),
            ("er", ""),
            ("er", "e"),
            ("ly", ""),
            ("s", ""),
        ],
    ),
    (
        "de",
        &[
            ("en", ""),
            ("en", "en"),
            ("er", ""),
            ("es", ""),
            ("em", ""),
            ("e", ""),
            ("n", ""),
            ("s", ""),
        ],
    ),
    ("es", &[("ces", "z"), ("es", ""), ("as", "o"), ("a", "o"), ("s", "")]),
    ("fr", &[("aux", "al"), ("elles", "el"), ("es", ""), ("e", ""), ("s", ""), ("x", "")]),
    ("it", &[("i", "o"), ("i", "e"), ("e", "a"), ("a", "o")]),
    ("pt", &[("ões", "ão"), ("as", "o"), ("a", "o"), ("s", "")]),
];

/// The shortest root that an ending is taken from, in letters.
const MIN_ROOT_CHARS: usize = 2;

/// A word as it stands, then what it may be a form of.
pub(super) fn of(word: &str, language: &str) -> Vec<String> {
    let lower = word.to_lowercase();
    let mut forms = vec![word.to_owned(), lower.clone()];
    let endings = ENDINGS.iter().find(|(tag, _)| *tag == language).map(|(_, endings)| *endings);
    for (ending, instead) in endings.unwrap_or_default() {
        let Some(root) = lower.strip_suffix(ending) else { continue };
        if root.chars().count() < MIN_ROOT_CHARS {
            continue;
        }
        forms.push(format!("{root}{instead}"));
        // "Stopped" is of "stop".
        if language == "en" && instead.is_empty() {
            forms.extend(without_double(root).map(str::to_owned));
        }
    }
    let mut seen = std::collections::HashSet::new();
    forms.retain(|form| seen.insert(form.clone()));
    forms
}

fn without_double(root: &str) -> Option<&str> {
    let mut letters = root.chars().rev();
    let (last, before) = (letters.next()?, letters.next()?);
    let is_double = last == before && last.is_alphabetic() && !"aeiou".contains(last);
    is_double.then(|| &root[..root.len() - last.len_utf8()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflected_words_lead_to_their_roots() {
        for (word, language, root) in [
            ("whales", "en", "whale"),
            ("Whale’s", "en", "whale"),
            ("stopped", "en", "stop"),
            ("making", "en", "make"),
            ("berries", "en", "berry"),
            ("Häuser", "de", "häus"),
            ("luces", "es", "luz"),
            ("chevaux", "fr", "cheval"),
        ] {
            assert!(of(word, language).iter().any(|form| form == root), "{word}: {root}");
        }
        assert_eq!(of("Ishmael", "xx"), ["Ishmael", "ishmael"]);
        assert_eq!(of("is", "en"), ["is"]);
    }

    proptest::proptest! {
        #[test]
        fn any_word_has_forms(word in ".{0,40}", language in "en|de|fr") {
            proptest::prop_assert!(of(&word, &language).contains(&word));
        }
    }
}
