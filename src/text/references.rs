//! What stands in a text for the eye: references to sources, and addresses. A listener may have them passed
//! over, and the address of a page read as the name of its site.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use app::preferences::{Links, Wording};
use regex::{Captures, Regex};

/// Numbers in square brackets, as `[12]` and `[3, 5–7]`, with a page as in `[12, p. 34]`.
const NUMBERED: &str = r"\[\d{1,4}(?:\s?[–-]\s?\d{1,4})?(?:\s?[,;]\s?(?:pp?\.\s?|S\.\s?)?\d{1,4}(?:\s?[–-]\s?\d{1,4})?)*\]";
/// Names and a year, as `(Smith & Jones, 1999a, pp. 12–14; see Weber 2001)`.
const AUTHOR_YEAR: &str = concat!(
    r"\((?<names>(?:(?:[Ss]ee|cf\.|e\.g\.,?|vgl\.|siehe|véase|cfr?\.|voir)\s(?:also\s)?)?",
    r"\p{Lu}[\p{L}'’.-]+(?:(?:,?\s(?:&|and|und|y|et|de|von|van|der)|,)\s\p{Lu}[\p{L}'’.-]+)*(?:,?\set\sal\.)?,?\s",
    r"(?:1[5-9]|20)\d\d[a-z]?(?:\s?[:,]\s?(?:pp?\.\s?|S\.\s?)?\d{1,4}(?:\s?[–-]\s?\d{1,4})?)?",
    r"(?:;\s[^()]{1,120}?(?:1[5-9]|20)\d\d[a-z]?[^();]{0,20})*)\)",
);
/// What sends a reader back to a source named before.
const BEFORE: &str =
    r"\((?:[Ii]bid|[Ii]bidem|[Oo]p\. cit|[Ll]oc\. cit|[Ee]bd|[Ee]benda)\.?(?:,[^()]{1,30})?\)";
/// The address of a page. What ends a sentence does not belong to it.
const PAGE: &str = r#"(?:https?://|ftp://|\bwww\.)[^\s<>"“”«»—…]+"#;
/// The address of a person (RFC 5322, the forms that are used).
const MAIL: &str = r"\b[\w.+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b";

/// Months, which stand before a year as a name does: `(June 1914)` is no source.
const MONTHS: &str = "january february march april may june july august september october november december \
    januar februar märz mai juni juli oktober dezember janvier février mars avril juin juillet août septembre \
    octobre novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre \
    diciembre spring summer autumn winter easter christmas";

static CITATION: LazyLock<Regex> =
    LazyLock::new(|| compiled(&format!(r"\s?(?:{NUMBERED}|{AUTHOR_YEAR}|{BEFORE})")));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| compiled(PAGE));
/// With what it stands in, so that no empty brackets are left.
static ANY_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(&format!(r"\s?(?:\((?:{PAGE}|{MAIL})\)|<(?:{PAGE}|{MAIL})>|{PAGE}|{MAIL})"))
});

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

/// A text as the voice is given it. What is left may have nothing to be spoken.
pub fn reworded(text: &str, wording: Wording) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    // Most sentences have neither.
    if wording.skips_citations && text.contains(['[', '(']) {
        replace(&mut text, &CITATION, |found| match found.name("names") {
            Some(names) if is_month(names.as_str()) => found[0].to_owned(),
            _ => String::new(),
        });
    }
    if text.contains("://") || text.contains("www.") || text.contains('@') {
        match wording.links {
            Links::Whole => {}
            Links::Site => replace(&mut text, &ADDRESS, |found| {
                let (address, behind) = split_end(&found[0]);
                [site(address), behind].concat()
            }),
            Links::Skip => replace(&mut text, &ANY_ADDRESS, |found| {
                let (_, behind) = split_end(&found[0]);
                let is_enclosed = behind.ends_with([')', '>']) && found[0].contains(['(', '<']);
                if is_enclosed { String::new() } else { behind.to_owned() }
            }),
        }
    }
    text
}

/// What may be passed over of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// A reference to a source.
    Citation,
    /// The address of a page or of mail.
    Address,
}

/// Where such stand in a text, in turn: what [`reworded`] leaves out when it is asked to.
pub fn asides(text: &str) -> Vec<(Range<usize>, Aside)> {
    let mut found = Vec::new();
    if text.contains(['[', '(']) {
        for one in CITATION.captures_iter(text) {
            let Some(whole) = one.get(0) else { continue };
            if one.name("names").is_none_or(|names| !is_month(names.as_str())) {
                found.push((whole.range(), Aside::Citation));
            }
        }
    }
    if text.contains("://") || text.contains("www.") || text.contains('@') {
        for one in ANY_ADDRESS.find_iter(text) {
            let (address, _) = split_end(one.as_str());
            found.push((one.start()..one.start() + address.len(), Aside::Address));
        }
    }
    // The space before belongs to the text, and an address in a citation to that.
    for (place, _) in &mut found {
        let space = text[place.clone()].len() - text[place.clone()].trim_start().len();
        place.start += space;
    }
    found.sort_by_key(|(place, _)| (place.start, usize::MAX - place.end));
    let mut end = 0;
    found.retain(|(place, _)| {
        let is_new = place.start >= end && !place.is_empty();
        end = if is_new { place.end } else { end };
        is_new
    });
    found
}

fn replace(text: &mut Cow<'_, str>, pattern: &Regex, by: impl Fn(&Captures<'_>) -> String) {
    if let Cow::Owned(changed) = pattern.replace_all(text, by) {
        *text = Cow::Owned(changed);
    }
}

fn is_month(names: &str) -> bool {
    let first = names.split([' ', ',']).next().unwrap_or_default().to_lowercase();
    MONTHS.split_ascii_whitespace().any(|month| month == first)
}

/// An address, and the signs behind it that end a sentence or close a bracket that it has not opened.
fn split_end(address: &str) -> (&str, &str) {
    let mut end =
        address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '’', '…', '*']).len();
    while address[..end].ends_with([')', ']', '}', '>']) {
        let close = address[..end].chars().next_back().unwrap_or(')');
        let open = match close {
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => '<',
        };
        if address[..end].matches(open).count() >= address[..end].matches(close).count() {
            break;
        }
        end -= close.len_utf8();
        end = address[..end].trim_end_matches(['.', ',', ';', ':', '!', '?']).len();
    }
    address.split_at(end)
}

/// The name of a site: `example.org` of `https://www.example.org:8080/books?id=1`.
fn site(address: &str) -> &str {
    let host = address.split_once("://").map_or(address, |(_, host)| host);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SKIP: Wording =
        Wording { skips_citations: true, links: Links::Skip, names_columns: false };
    const SITES: Wording =
        Wording { skips_citations: false, links: Links::Site, names_columns: false };

    #[test]
    fn references_to_sources_are_left_out() {
        for (text, said) in [
            ("It is known [12].", "It is known."),
            ("It is known [3, 5–7] and [12, p. 34] disputed.", "It is known and disputed."),
            ("So it is (Smith, 1999).", "So it is."),
            ("So it is (see Smith & Jones 1999a, pp. 12–14; Weber 2001).", "So it is."),
            ("So it is (O’Brien et al., 2004).", "So it is."),
            ("So it is (vgl. Müller und Weiß 2010, S. 5).", "So it is."),
            ("So it is (ibid., p. 7).", "So it is."),
        ] {
            assert_eq!(reworded(text, SKIP), said);
        }
        for kept in [
            "It began (June 1914) in Sarajevo.",
            "He came (in 1914) late.",
            "[He laughs] and (she said) [sic] so.",
            "The year (1914) was hard.",
            "(Smith) was there in 1999.",
        ] {
            assert_eq!(reworded(kept, SKIP), kept);
        }
        assert_eq!(reworded("It is known [12].", SITES), "It is known [12].");
    }

    #[test]
    fn addresses_are_read_by_their_site_or_not_at_all() {
        for (text, site, skipped) in [
            ("See https://www.example.org/books/1342?x=y#z.", "See example.org.", "See."),
            ("Go to www.gutenberg.org, now!", "Go to gutenberg.org, now!", "Go to, now!"),
            (
                "The wiki (https://en.wikipedia.org/wiki/Emma_(novel)) says so.",
                "The wiki (en.wikipedia.org) says so.",
                "The wiki says so.",
            ),
            (
                "Write to <jo.b+x@mail.example.org>.",
                "Write to <jo.b+x@mail.example.org>.",
                "Write to.",
            ),
            (
                "Ask me@example.org or https://user@h.example:81/",
                "Ask me@example.org or h.example",
                "Ask or",
            ),
        ] {
            assert_eq!(reworded(text, SITES), site);
            assert_eq!(reworded(text, SKIP), skipped, "{text}");
            let whole = Wording { links: Links::Whole, ..SITES };
            assert_eq!(reworded(text, whole), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_and_done_with(text in r"([(\[<]|https://|www\.|@|[a-zA-Z0-9.,;)\]> é’&–-]){0,80}") {
            for links in Links::ALL {
                for skips_citations in [false, true] {
                    let wording = Wording { skips_citations, links: *links, names_columns: false };
                    let said = reworded(&text, wording).into_owned();
                    prop_assert!(said.len() <= text.len());
                }
            }
        }
    }

    #[test]
    fn what_may_be_passed_over_has_its_place() {
        let text = "As shown [12, 14] (Smith 1999), in (June 1914), at https://a.org/x. Write to <a@b.org>.";
        let found = asides(text).into_iter();
        let found: Vec<_> = found.map(|(place, aside)| (&text[place], aside)).collect();
        assert_eq!(
            found,
            [
                ("[12, 14]", Aside::Citation),
                ("(Smith 1999)", Aside::Citation),
                ("https://a.org/x", Aside::Address),
                ("<a@b.org>", Aside::Address),
            ]
        );
    }
}
