//! What English writes in figures and signs and says in words, where the lexicons do not know it or would
//! leave it out. Nothing that is said is lost: figures that no rule knows are parted from what they touch,
//! and read as numbers.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::text::spoken::roman_value;

type Say = fn(&Captures<'_>) -> String;

/// Most times that the rules are applied to what they have made; each time takes signs away.
const MOST_ROUNDS: usize = 100;

/// The rules, in the order in which they apply.
static RULES: LazyLock<Vec<(Regex, Say)>> = LazyLock::new(|| {
    let rules: [(&str, Say); 44] = [
        (r"\bhttps?://(?:www\.)?", |_| String::new()),
        (r"\[", |_| "(".to_owned()),
        (r"\]", |_| ")".to_owned()),
        // Letters that touch figures, unless they are their ends: 3rd, 1990s.
        (r"(\d)([A-Za-z]+)", |found| match &found[2] {
            "st" | "nd" | "rd" | "th" | "s" => found[0].to_owned(),
            letters => format!("{} {letters}", &found[1]),
        }),
        (r"([A-Za-z])(\d)", |found| format!("{} {}", &found[1], &found[2])),
        // Raised figures: powers after figures, else numbers of notes.
        (r"²", |_| " squared".to_owned()),
        (r"³", |_| " cubed".to_owned()),
        (r"(\d)([⁰¹⁴⁵⁶⁷⁸⁹]+)", |found| {
            format!("{} to the power of {}", &found[1], lowered(&found[2]))
        }),
        (r"[⁰¹⁴⁵⁶⁷⁸⁹]+", |_| " ".to_owned()),
        (r"(\d)\s?\^\s?(\d)", |found| format!("{} to the power of {}", &found[1], &found[2])),
        // Times of day.
        (r"\b([01]?\d|2[0-3]):([0-5]\d)\b(\s?(?:[aApP]\.[mM]\.|[aApP][mM]\b))?", time),
        (r"\b(\d{1,2})\s?([aApP])[mM]\b", |found| {
            format!("{} {}.m.", &found[1], found[2].to_lowercase())
        }),
        // Money of many figures.
        (r"([$£€])(\d[\d,.]*)\s?(k|m|bn)\b", money),
        (r"(\d)\s?%", |found| format!("{} percent", &found[1])),
        (r"(\d)\s?‰", |found| format!("{} per mille", &found[1])),
        (r"\bNo\. ?(\d)", |found| format!("Number {}", &found[1])),
        (r"\bNos\. ?(\d)", |found| format!("Numbers {}", &found[1])),
        (r"№\s?", |_| "number ".to_owned()),
        (r"#(\d)", |found| format!("number {}", &found[1])),
        (r"(\d)\s?°\s?([CF])\b", |found| {
            let scale = if &found[2] == "C" { "Celsius" } else { "Fahrenheit" };
            format!("{} degrees {scale}", &found[1])
        }),
        (r"(\d)\s?°", |found| format!("{} degrees", &found[1])),
        // Parts.
        (r"(\d)\s?([½¼¾⅓⅔⅛])", |found| format!("{} and {}", &found[1], part(&found[2]))),
        (r"[½¼¾⅓⅔⅛]", |found| part(&found[0]).to_owned()),
        (r"\b(\d{1,2})/(\d{1,2})/(\d{2,4})\b", |found| {
            format!("{} {} {}", &found[1], &found[2], &found[3])
        }),
        (r"\b(\d+)/(\d+)\b", fraction),
        // Decades: the 1990s, the ’90s, the 1900s.
        (r"\b(1\d|20)00s\b", |found| {
            if &found[1] == "20" {
                "two thousands".to_owned()
            } else {
                format!("{} hundreds", &found[1])
            }
        }),
        (r"\b(\d\d)([1-9])0s\b", |found| format!("{} {}", &found[1], decade(&found[2]))),
        (r"['’‘]?\b([1-9])0s\b", |found| decade(&found[1]).to_owned()),
        (r"(\d)\s?(km/h|mph|kg|mg|km|cm|mm|ml|lbs?|oz|ft|kB|MB|GB|kHz|MHz|Hz|kW)\b", measure),
        // Telephone numbers, ranges, and what hyphens join.
        (r"\b(\d{3})-(\d{4})\b", |found| format!("{}, {}", spaced(&found[1]), spaced(&found[2]))),
        (r"(\d)\s?–\s?(\d)", |found| format!("{} to {}", &found[1], &found[2])),
        (r"\b(\d{3,4})-(\d{2,4})\b", |found| format!("{} to {}", &found[1], &found[2])),
        (r"(\d)-(\d)", |found| format!("{} {}", &found[1], &found[2])),
        (r"(\d)\s?\+\s?(\d)", |found| format!("{} plus {}", &found[1], &found[2])),
        (r"(\d)\s?×\s?(\d)", |found| format!("{} times {}", &found[1], &found[2])),
        (r"(\d)\s?x\s?(\d)", |found| format!("{} by {}", &found[1], &found[2])),
        (r"\s?=\s?", |_| " equals ".to_owned()),
        (r"§\s?", |_| "section ".to_owned()),
        // Abbreviations that are read in other words.
        (r"&c\.", |_| "et cetera".to_owned()),
        (r"\be\. ?g\.", |_| "for example".to_owned()),
        (r"\bi\. ?e\.", |_| "that is".to_owned()),
        (r"\b(p|pp)\. ?(\d)", |found| {
            format!("{} {}", if &found[1] == "p" { "page" } else { "pages" }, &found[2])
        }),
        (r"\b([A-Z][A-Za-z]+)\s([IVXL]+)\b", roman),
        // What touches figures and is no part of them.
        (r"([/+*~_&@])(\d)", |found| format!("{} {}", &found[1], &found[2])),
    ];
    // The patterns are constants, and a test counts them.
    rules.into_iter().filter_map(|(rule, say)| Some((Regex::new(rule).ok()?, say))).collect()
});

/// Divisions of books, which are counted: Chapter Four.
const DIVISIONS: [&str; 16] = [
    "Chapter", "CHAPTER", "Book", "BOOK", "Part", "PART", "Volume", "VOLUME", "Act", "ACT",
    "Scene", "SCENE", "Canto", "Section", "Article", "Appendix",
];
/// Names of kings, queens and popes, whose numbers are ordinal: Henry the Eighth.
const RULERS: [&str; 26] = [
    "Alexander",
    "Benedict",
    "Catherine",
    "Charles",
    "Christian",
    "Clement",
    "Edward",
    "Elizabeth",
    "Francis",
    "Frederick",
    "George",
    "Gregory",
    "Gustav",
    "Henry",
    "Innocent",
    "James",
    "John",
    "Leo",
    "Louis",
    "Mary",
    "Napoleon",
    "Paul",
    "Philip",
    "Pius",
    "Richard",
    "William",
];
const ORDINALS: [&str; 25] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
];

fn time(found: &Captures<'_>) -> String {
    let hour = found[1].trim_start_matches('0');
    let hour = if hour.is_empty() { "0" } else { hour };
    let half = found.get(3).map(|half| half.as_str().trim_start().to_lowercase());
    let half = half.map(|half| format!(" {}.m.", &half[..1])).unwrap_or_default();
    match &found[2] {
        "00" if half.is_empty() => format!("{hour} o'clock"),
        "00" => format!("{hour}{half}"),
        minutes if minutes.starts_with('0') => format!("{hour} oh {}{half}", &minutes[1..]),
        minutes => format!("{hour} {minutes}{half}"),
    }
}

fn money(found: &Captures<'_>) -> String {
    let unit = match &found[1] {
        "$" => "dollars",
        "£" => "pounds",
        _ => "euros",
    };
    let times = match &found[3] {
        "k" => "thousand",
        "m" => "million",
        _ => "billion",
    };
    format!("{} {times} {unit}", &found[2])
}

fn part(sign: &str) -> &'static str {
    match sign {
        "½" => "a half",
        "¼" => "a quarter",
        "¾" => "three quarters",
        "⅓" => "a third",
        "⅔" => "two thirds",
        _ => "an eighth",
    }
}

fn fraction(found: &Captures<'_>) -> String {
    let (above, below) = (&found[1], &found[2]);
    let of = match below {
        "2" => "half",
        "3" => "third",
        "4" => "quarter",
        "5" => "fifth",
        "8" => "eighth",
        "10" => "tenth",
        _ => return format!("{above} over {below}"),
    };
    match above {
        "1" => format!("one {of}"),
        _ => format!("{above} {}s", of.replace("half", "halve")),
    }
}

fn decade(tens: &str) -> &'static str {
    match tens {
        "1" => "tens",
        "2" => "twenties",
        "3" => "thirties",
        "4" => "forties",
        "5" => "fifties",
        "6" => "sixties",
        "7" => "seventies",
        "8" => "eighties",
        _ => "nineties",
    }
}

fn measure(found: &Captures<'_>) -> String {
    let unit = match &found[2] {
        "km/h" => "kilometers an hour",
        "mph" => "miles an hour",
        "kg" => "kilograms",
        "mg" => "milligrams",
        "km" => "kilometers",
        "cm" => "centimeters",
        "mm" => "millimeters",
        "ml" => "milliliters",
        "lb" | "lbs" => "pounds",
        "oz" => "ounces",
        "ft" => "feet",
        "kB" => "kilobytes",
        "MB" => "megabytes",
        "GB" => "gigabytes",
        "kHz" => "kilohertz",
        "MHz" => "megahertz",
        "Hz" => "hertz",
        _ => "kilowatts",
    };
    format!("{} {unit}", &found[1])
}

fn spaced(figures: &str) -> String {
    figures.chars().map(String::from).collect::<Vec<_>>().join(" ")
}

fn lowered(raised: &str) -> String {
    let lower = |c| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|raised| raised == c);
    raised.chars().filter_map(lower).map(|figure| figure.to_string()).collect()
}

/// A Roman number after a division or a ruler.
fn roman(found: &Captures<'_>) -> String {
    let name = &found[1];
    let value = roman_value(&found[2]);
    match value {
        Some(value) if DIVISIONS.contains(&name) => format!("{name} {value}"),
        // “John I” is most often John, and the one who speaks.
        Some(value) if value > 1 && RULERS.contains(&name) => {
            match ORDINALS.get(value as usize - 1) {
                Some(ordinal) => format!("{name} the {ordinal}"),
                None => found[0].to_owned(),
            }
        }
        _ => found[0].to_owned(),
    }
}

/// The text with what has to be spelled out spelled out.
pub fn spell_out(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    // What one rule makes another may take; of `1–2–3` one round takes every other sign.
    for _ in 0..MOST_ROUNDS {
        let mut is_done = true;
        for (rule, say) in RULES.iter() {
            if let Cow::Owned(spelled) = rule.replace_all(&text, say)
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

    #[test]
    fn every_rule_is_a_rule() {
        assert_eq!(RULES.len(), 44);
    }

    #[test]
    fn figures_and_signs_are_spelled_out() {
        for (written, said) in [
            ("The 8:35 was late.", "The 8 35 was late."),
            ("At 7:00 p.m. it rang.", "At 7 p.m. it rang."),
            ("At 7:00 it rang.", "At 7 o'clock it rang."),
            ("At 12:05 it rang.", "At 12 oh 5 it rang."),
            ("1:23:45", "1 23 45"),
            ("at 10am", "at 10 a.m."),
            ("at 9:30PM", "at 9 30 p.m."),
            ("20% less", "20 percent less"),
            ("0.5 %", "0.5 percent"),
            ("5 ‰", "5 per mille"),
            ("$2.50", "$2.50"),
            ("£3m", "3 million pounds"),
            ("$1.5bn", "1.5 billion dollars"),
            ("€20k", "20 thousand euros"),
            ("Open No. 5 now.", "Open Number 5 now."),
            ("Nos. 5 and 6", "Numbers 5 and 6"),
            ("No. I will not.", "No. I will not."),
            ("№ 5", "number 5"),
            ("#5", "number 5"),
            ("20 °C outside", "20 degrees Celsius outside"),
            ("451 °F", "451 degrees Fahrenheit"),
            ("Turn 90° left.", "Turn 90 degrees left."),
            ("2½ miles", "2 and a half miles"),
            ("½ a mile", "a half a mile"),
            ("¾ full", "three quarters full"),
            ("3/4 full", "3 quarters full"),
            ("1/2", "one half"),
            ("3/2", "3 halves"),
            ("22/7", "22 over 7"),
            ("12/25/1999", "12 25 1999"),
            ("the 1990s", "the 19 nineties"),
            ("the ’60s", "the sixties"),
            ("the 1900s", "the 19 hundreds"),
            ("the 2000s", "the two thousands"),
            ("10kg", "10 kilograms"),
            ("5 km", "5 kilometers"),
            ("60 mph", "60 miles an hour"),
            ("100 km/h", "100 kilometers an hour"),
            ("6 ft", "6 feet"),
            ("call 555-0199", "call 5 5 5, 0 1 9 9"),
            ("pages 12–15", "pages 12 to 15"),
            ("1866-1870", "1866 to 1870"),
            ("1–2–3", "1 to 2 to 3"),
            ("50-50", "50 50"),
            ("twenty-one", "twenty-one"),
            ("1+1=2", "1 plus 1 equals 2"),
            ("2 × 2", "2 times 2"),
            ("4x4", "4 by 4"),
            ("x = y", "x equals y"),
            ("10^6", "10 to the power of 6"),
            ("10⁶", "10 to the power of 6"),
            ("5 m²", "5 m squared"),
            ("a word¹ with a note", "a word  with a note"),
            ("§ 4", "section 4"),
            ("rings, &c.", "rings, et cetera"),
            ("e.g. this", "for example this"),
            ("i.e. that", "that is that"),
            ("p. 12", "page 12"),
            ("pp. 12–15", "pages 12 to 15"),
            ("Chapter IV", "Chapter 4"),
            ("BOOK XLII", "BOOK 42"),
            ("Henry VIII", "Henry the eighth"),
            ("Louis XIV’s", "Louis the fourteenth’s"),
            ("Peter and I went.", "Peter and I went."),
            ("It was John I saw.", "It was John I saw."),
            ("Vitamin C", "Vitamin C"),
            ("the 3rd of May, 1866", "the 3rd of May, 1866"),
            ("1,250,000", "1,250,000"),
            ("B2B", "B 2 B"),
            ("[1]", "(1)"),
            ("3D", "3 D"),
        ] {
            assert_eq!(spell_out(written), said, "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_is_spelled_out_stays(text in "(.|[0-9:–°½=§²⁶/+×x^ -]|No\\. ?|[aApP]m|IV|Henry |Chapter )*") {
            let once = spell_out(&text).into_owned();
            prop_assert_eq!(spell_out(&once), once.as_str());
        }
    }
}
