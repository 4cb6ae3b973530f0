//! What sentence splitting must know about a language, as data.
//!
//! Each language is a file. Lists are lower case and without the final stop; an abbreviation of
//! several parts keeps its inner stops and loses its inner spaces (`z.b`, `т.е`), and where it is
//! also written with spaces its parts stand in the lists by themselves. A lower-case letter after
//! the stop continues the sentence anyway, so the lists matter only before capitals, digits and
//! quotation marks. They are small on purpose: a word belongs here only when a sentence seldom
//! ends with it, or when the word after it tells.

mod de;
mod en;
mod es;
mod fr;
mod it;
mod ja;
mod nl;
mod pl;
mod pt;
mod ru;
mod uk;
mod vi;
mod zh;

/// One language's abbreviations and the words that tell a new sentence from an old one.
#[derive(Debug)]
pub struct LanguageRules {
    /// Primary language subtag (BCP 47).
    pub tag: &'static str,
    /// Always followed by more of the same sentence: titles before a name (`Mr. Smith`).
    pub titles: &'static [&'static str],
    /// May end a sentence; it does when a [starter](Self::starters) follows (`& Co. They …`).
    pub soft: &'static [&'static str],
    /// Abbreviations only in front of a number (`p. 55`, `Nov. 12`); a plain word otherwise.
    pub before_number: &'static [&'static str],
    /// These abbreviations may end a sentence when they stand right after a number
    /// (`в 1999 г.`, `w 2005 r.`). There they are treated as [soft](Self::soft), whatever the
    /// other lists say; elsewhere the other lists decide.
    pub after_number: &'static [&'static str],
    /// These words stand before an ordinal number that is written with a full stop
    /// (`am 3. Juni`, `der 1. Offizier`). The list is empty where articles do not tell an ordinal.
    pub before_ordinal: &'static [&'static str],
    /// These words follow an ordinal number that is written with a full stop, though they are
    /// capitalised in the text (`im 19. Jahrhundert`, `bis 3. Oktober`).
    pub after_ordinal: &'static [&'static str],
    /// Capitalised words that begin a sentence far more often than they stand inside one.
    pub starters: &'static [&'static str],
    /// Prepositions of a time phrase that opens a sentence (`At 5 a.m. Mr. Smith …`).
    pub time_prepositions: &'static [&'static str],
    /// What may follow a closing quotation mark inside a sentence, in scripts without case
    /// (`「どこ？」と彼は聞いた`).
    pub after_quote: &'static [&'static str],
}

impl LanguageRules {
    /// The rules for a BCP 47 tag such as `en-GB`; rules without any list when unknown.
    pub fn for_tag(tag: &str) -> &'static Self {
        let primary = primary_subtag(tag);
        LANGUAGES.iter().find(|rules| rules.tag.eq_ignore_ascii_case(primary)).unwrap_or(&UNKNOWN)
    }
}

/// `en` of `en-GB` or `en_GB`.
pub fn primary_subtag(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

/// Whether a text has the form of a tag (BCP 47, section 2.1), whatever it names.
pub fn is_tag(text: &str) -> bool {
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|letter| letter.is_ascii_alphanumeric())
    };
    primary_subtag(text).bytes().all(|letter| letter.is_ascii_alphabetic())
        && text.split('-').all(is_part)
}

/// Chinese and Japanese letters and their punctuation, which have no spaces between them.
pub fn is_east_asian(c: char) -> bool {
    matches!(u32::from(c), 0x3000..=0x30ff | 0x3400..=0x9fff | 0xff00..=0xffef)
}

/// Whether the language is written from right to left.
pub fn is_right_to_left(tag: &str) -> bool {
    matches!(
        primary_subtag(tag).to_ascii_lowercase().as_str(),
        "ar" | "he" | "fa" | "ur" | "yi" | "dv" | "ps" | "syr" | "ckb"
    )
}

/// What a language starts from: every list is empty.
const NONE: LanguageRules = LanguageRules {
    tag: "und",
    titles: &[],
    soft: &[],
    before_number: &[],
    after_number: &[],
    before_ordinal: &[],
    after_ordinal: &[],
    starters: &[],
    time_prepositions: &[],
    after_quote: &[],
};

/// Abbreviations most European languages share: degrees, initial-like forms, references.
const UNKNOWN: LanguageRules = LanguageRules {
    titles: &[
        "dr", "dra", "drs", "prof", "doc", "ing", "mgr", "st", "ste", "sv", "mr", "mrs", "ms",
        "mme", "mlle", "hr", "sr", "sra", "rev", "gen", "sgt", "e.g", "i.e", "t.ex", "bl.a", "tzv",
        "vs",
    ],
    soft: &[
        "etc", "osv", "usw", "atd", "itd", "stb", "co", "ltd", "inc", "jr", "al", "ibid", "chr",
    ],
    before_number: &[
        "p", "pp", "no", "nr", "n°", "nº", "vol", "fig", "cf", "art", "cap", "ch", "chap", "kap",
        "s", "sid", "str", "tab", "t", "tel", "jan", "feb", "mar", "apr", "jun", "jul", "aug",
        "sep", "sept", "oct", "okt", "nov", "dec",
    ],
    ..NONE
};

static LANGUAGES: [LanguageRules; 13] = [
    de::RULES,
    en::RULES,
    es::RULES,
    fr::RULES,
    it::RULES,
    ja::RULES,
    nl::RULES,
    pl::RULES,
    pt::RULES,
    ru::RULES,
    uk::RULES,
    vi::RULES,
    zh::RULES,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_does_not_matter() {
        assert_eq!(LanguageRules::for_tag("en-GB").tag, "en");
        assert_eq!(LanguageRules::for_tag("ES_mx").tag, "es");
        assert_eq!(LanguageRules::for_tag("tlh").tag, "und");
        assert_eq!(LanguageRules::for_tag("").tag, "und");
    }

    #[test]
    fn right_to_left_scripts() {
        assert!(is_right_to_left("ar"));
        assert!(is_right_to_left("he-IL"));
        assert!(!is_right_to_left("en"));
    }
}
