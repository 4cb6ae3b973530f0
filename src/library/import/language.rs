//! The language of a book: what its file says, settled against what its text is.

use super::names;
use crate::text::language::primary_subtag;

/// Letters of the text that are looked at to tell its language.
const SAMPLE_CHARS: usize = 20_000;
/// With fewer letters than this a text cannot contradict its file.
const ENOUGH_LETTERS: usize = 80;
/// With fewer letters than this it can do so only by its script.
const MANY_LETTERS: usize = 1_000;

/// With fewer letters than this the language of a passage is not told by its words.
const PASSAGE_LETTERS: usize = 120;
/// How sure that must be. Old spelling and lists of names are taken for other languages with less.
const PASSAGE_CONFIDENCE: f64 = 0.99;

/// Three-letter codes (ISO 639-2 in both its forms, and 639-3) and the two-letter code that BCP 47 asks
/// for, of the languages that have one and that books are written in.
const THREE_LETTERS: [(&str, &str); 98] = [
    ("afr", "af"),
    ("alb", "sq"),
    ("amh", "am"),
    ("ara", "ar"),
    ("arm", "hy"),
    ("aze", "az"),
    ("baq", "eu"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bos", "bs"),
    ("bul", "bg"),
    ("bur", "my"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("chi", "zh"),
    ("cmn", "zh"),
    ("cym", "cy"),
    ("cze", "cs"),
    ("dan", "da"),
    ("deu", "de"),
    ("dut", "nl"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("eus", "eu"),
    ("fas", "fa"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("fry", "fy"),
    ("geo", "ka"),
    ("ger", "de"),
    ("gle", "ga"),
    ("glg", "gl"),
    ("gre", "el"),
    ("guj", "gu"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ice", "is"),
    ("ind", "id"),
    ("isl", "is"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("kaz", "kk"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("ltz", "lb"),
    ("mac", "mk"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("may", "ms"),
    ("mkd", "mk"),
    ("mlt", "mt"),
    ("msa", "ms"),
    ("mya", "my"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nno", "nn"),
    ("nob", "nb"),
    ("nor", "no"),
    ("pan", "pa"),
    ("per", "fa"),
    ("pes", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slo", "sk"),
    ("slv", "sl"),
    ("spa", "es"),
    ("sqi", "sq"),
    ("srp", "sr"),
    ("swa", "sw"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tha", "th"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("wel", "cy"),
    ("yid", "yi"),
    ("zho", "zh"),
    ("zul", "zu"),
];

/// A book's language, and the wrong tag it was declared with, if it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled {
    /// BCP 47 tag; `und` when it cannot be told.
    pub language: String,
    /// What the file says, where the text is plainly in another language.
    pub contradicted: Option<String>,
}

/// Settles what a file declares against a sample of its text. Converters write `en` into whatever they
/// convert, so a text that is plainly in another language, or in another script, counts more.
pub fn settle(declared: Option<&str>, sample: &str) -> Settled {
    let declared = declared.and_then(canonical);
    let sample: String = sample.chars().take(SAMPLE_CHARS).collect();
    let guess = whatlang::detect(&sample);
    let named = guess.as_ref().and_then(|guess| two_letters(guess.lang().code()));
    let detected = named.filter(|_| guess.as_ref().is_some_and(whatlang::Info::is_reliable));
    let Some(declared) = declared else {
        let language = detected.unwrap_or("und").to_owned();
        return Settled { language, contradicted: None };
    };
    let letters = sample.chars().filter(|c| c.is_alphabetic()).count();
    let own = primary_subtag(&declared).to_ascii_lowercase();
    // The script is beyond doubt, also where the language is not.
    let is_other_script = is_latin(&own)
        && letters >= ENOUGH_LETTERS
        && guess.as_ref().is_some_and(|guess| guess.script() != whatlang::Script::Latin);
    let is_default = own == "en" && letters >= MANY_LETTERS;
    let contradiction = named.filter(|named| {
        !are_close(&own, named) && (is_other_script || is_default && detected == Some(*named))
    });
    match contradiction {
        Some(language) => Settled { language: language.to_owned(), contradicted: Some(declared) },
        None => Settled { language: declared, contradicted: None },
    }
}

/// The language of a passage, if it is plainly not that of the book: a long one, and beyond doubt.
pub(crate) fn of_passage(text: &str, book: &str) -> Option<String> {
    // In a language that is not known here every passage would be taken for another.
    let own = primary_subtag(book).to_ascii_lowercase();
    let is_known = whatlang::Lang::all()
        .iter()
        .any(|lang| two_letters(lang.code()).is_some_and(|code| are_close(&own, code)));
    if !is_known || text.chars().filter(|c| c.is_alphabetic()).count() < PASSAGE_LETTERS {
        return None;
    }
    let sample: String = text.chars().take(SAMPLE_CHARS).collect();
    let guess =
        whatlang::detect(&sample).filter(|guess| guess.confidence() >= PASSAGE_CONFIDENCE)?;
    let found = two_letters(guess.lang().code())?;
    (!are_close(&own, found)).then(|| found.to_owned())
}

/// The language that a passage is said to be in, if that is not the book's.
pub(crate) fn declared(tag: &str, book: &str) -> Option<String> {
    let tag = canonical(tag)?;
    (!primary_subtag(&tag).eq_ignore_ascii_case(primary_subtag(book))).then_some(tag)
}

/// Whether a document is in the language that it says: converters write `en` into whatever they convert.
pub(crate) fn is_believable(tag: &str, text: &str) -> bool {
    let guess = whatlang::detect(text).filter(whatlang::Info::is_reliable);
    let found = guess.and_then(|guess| two_letters(guess.lang().code()));
    found.is_none_or(|found| are_close(&primary_subtag(tag).to_ascii_lowercase(), found))
}

/// A tag as BCP 47 has it: `ger` is `de`, `en_US` is `en-US`; `None` for what names no language.
fn canonical(tag: &str) -> Option<String> {
    let tag = names::language(&tag.trim().replace('_', "-"));
    let primary = primary_subtag(&tag).to_ascii_lowercase();
    let names_one = (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !matches!(primary.as_str(), "und" | "mul" | "zxx" | "mis");
    if !names_one {
        return None;
    }
    let rest = &tag[primary.len()..];
    Some(match two_letters(&primary) {
        Some(short) => format!("{short}{rest}"),
        None => tag,
    })
}

fn two_letters(code: &str) -> Option<&'static str> {
    THREE_LETTERS.iter().find(|(long, _)| *long == code).map(|(_, short)| *short)
}

/// Languages that detection takes for one another.
fn are_close(one: &str, other: &str) -> bool {
    const FAMILIES: [&[&str]; 6] = [
        &["nb", "no", "nn", "da", "sv"],
        &["hr", "sr", "bs", "sl"],
        &["id", "ms", "jv"],
        &["cs", "sk"],
        &["es", "ca", "gl", "pt"],
        &["hi", "mr", "ne", "sa"],
    ];
    one == other || FAMILIES.iter().any(|family| family.contains(&one) && family.contains(&other))
}

/// Whether a language is written in Latin letters and no others.
fn is_latin(primary: &str) -> bool {
    const LATIN: [&str; 30] = [
        "af", "ca", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fr", "ga", "gl", "hu",
        "id", "is", "it", "lt", "lv", "nb", "nl", "no", "pl", "pt", "ro", "sk", "sl", "sv", "vi",
    ];
    LATIN.contains(&primary)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str = "Es war einmal ein Mann, der hatte einen Esel, welcher schon lange Jahre die Säcke in die Mühle getragen hatte, und dessen Kräfte nun zu Ende gingen.";
    const RUSSIAN: &str = "Во дворе было тихо. Старик сидел у окна и смотрел на дорогу, по которой никто не шёл, и думал о том, что было прежде.";

    fn language(declared: Option<&str>, sample: &str) -> String {
        settle(declared, sample).language
    }

    #[test]
    fn tags_are_written_one_way() {
        for (declared, expected) in [
            ("ger", "de"),
            ("eng", "en"),
            ("en_US", "en-US"),
            ("FRE-ca", "fr-ca"),
            ("grc", "grc"),
            ("en-GB", "en-GB"),
        ] {
            assert_eq!(language(Some(declared), "1"), expected);
        }
        assert_eq!(language(Some("UND"), GERMAN), "de");
        assert_eq!(language(None, "1 2 3"), "und");
        assert_eq!(language(Some("english"), GERMAN), "de");
    }

    #[test]
    fn a_wrong_tag_gives_way_to_the_text() {
        let settled = settle(Some("en-US"), RUSSIAN);
        assert_eq!(
            (settled.language.as_str(), settled.contradicted.as_deref()),
            ("ru", Some("en-US"))
        );
        assert_eq!(language(Some("en"), &GERMAN.repeat(10)), "de");
        // A short quotation does not make a book German, and only `en` is written without looking.
        assert_eq!(language(Some("en"), GERMAN), "en");
        assert_eq!(language(Some("la"), &GERMAN.repeat(10)), "la");
        assert_eq!(language(Some("ru"), &GERMAN.repeat(10)), "ru");
    }

    #[test]
    fn codes_are_in_order_and_once() {
        assert!(THREE_LETTERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
