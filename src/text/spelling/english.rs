//! English: for engines and lexicons that do not know these forms, or would leave them out.

use std::sync::LazyLock;

use regex::Captures;

use super::{Rules, Said, rules_of};
use crate::text::spoken::roman_value;

type Say = fn(&Captures<'_>) -> String;

/// The rules, in the order in which they apply.
pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let rules: [(&str, Say); 49] = [
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
        (r"½ (an?|the)\b", |found| format!("half {}", &found[1])),
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
        // Days as ISO 8601 writes them, telephone numbers, ranges, and what hyphens join.
        (r"\b([12]\d{3})-(\d\d)-(\d\d)\b", day),
        (r"\b(?:(\d)-)?(\d{3})-(\d{3})-(\d{4})\b", |found| {
            let first = found.get(1).map_or(String::new(), |first| format!("{}, ", first.as_str()));
            format!("{first}{}, {}, {}", spaced(&found[2]), spaced(&found[3]), spaced(&found[4]))
        }),
        (r"\b(\d{3})-(\d{4})\b", |found| format!("{}, {}", spaced(&found[1]), spaced(&found[2]))),
        (r"(\d)\s?–\s?(\d)", |found| format!("{} to {}", &found[1], &found[2])),
        (r"\b(\d{3,4})-(\d{2,4})\b", |found| format!("{} to {}", &found[1], &found[2])),
        (r"(\d)-(\d)", |found| format!("{} {}", &found[1], &found[2])),
        (r"(\d)\s?\+\s?(\d)", |found| format!("{} plus {}", &found[1], &found[2])),
        (r"(\d)\s?×\s?(\d)", |found| format!("{} times {}", &found[1], &found[2])),
        (r"(\d)\s?x\s?(\d)", |found| format!("{} by {}", &found[1], &found[2])),
        (r"([\p{L}\d)])\s?=\s?([\p{L}\d(])", |found| format!("{} equals {}", &found[1], &found[2])),
        (r"§\s?", |_| "section ".to_owned()),
        // Abbreviations that are read in other words.
        (r"\b(Rev|Gen|Col|Capt|Lt|Sgt|Maj|Cpl|Prof|Gov|Sen|Hon|Adm)\.\s(\p{Lu})", |found| {
            format!("{} {}", title(&found[1]), &found[2])
        }),
        // Behind a name; the stop of one that ends the sentence ends it still. “Sr. García” is Spanish.
        (r"(\p{Ll},? )(Jr|Sr|Esq)\.($| \p{Lu})?", |found| {
            let behind = found.get(3).map_or("", |behind| behind.as_str());
            match (&found[2], behind) {
                ("Sr", name) if !name.is_empty() => found[0].to_owned(),
                (short, "") if found.get(3).is_some() => format!("{}{}.", &found[1], title(short)),
                (short, behind) => format!("{}{}{behind}", &found[1], title(short)),
            }
        }),
        (r"&c\.", |_| "et cetera".to_owned()),
        (r"\be\. ?g\.", |_| "for example".to_owned()),
        (r"\bi\. ?e\.", |_| "that is".to_owned()),
        (r"\b(p|pp)\. ?(\d)", |found| {
            format!("{} {}", if &found[1] == "p" { "page" } else { "pages" }, &found[2])
        }),
        (r"\b([A-Z][A-Za-z]+)\s(?:([IVX])(\.\s[A-Z][a-z])|([IVXL]+)\b)", roman),
        // What touches figures and is no part of them.
        (r"([/+*~_&@])(\d)", |found| format!("{} {}", &found[1], &found[2])),
    ];
    rules_of(rules.map(|(rule, say)| (rule, Said::By(say))))
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

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day of the calendar; what is none is read figure by figure.
fn day(found: &Captures<'_>) -> String {
    let (month, day) = (found[2].parse().unwrap_or(0_usize), found[3].parse().unwrap_or(0_usize));
    let month = month.checked_sub(1).and_then(|month| MONTHS.get(month));
    let ordinal = match day {
        0 | 32.. => None,
        1 | 21 | 31 => Some("st"),
        2 | 22 => Some("nd"),
        3 | 23 => Some("rd"),
        _ => Some("th"),
    };
    match (month, ordinal) {
        (Some(month), Some(ordinal)) => format!("{month} {day}{ordinal}, {}", &found[1]),
        _ => [&found[1], &found[2], &found[3]].map(spaced).join(", "),
    }
}

fn title(short: &str) -> &'static str {
    match short {
        "Rev" => "Reverend",
        "Gen" => "General",
        "Col" => "Colonel",
        "Capt" => "Captain",
        "Lt" => "Lieutenant",
        "Sgt" => "Sergeant",
        "Maj" => "Major",
        "Cpl" => "Corporal",
        "Prof" => "Professor",
        "Gov" => "Governor",
        "Sen" => "Senator",
        "Hon" => "Honorable",
        "Adm" => "Admiral",
        "Jr" => "Junior",
        "Sr" => "Senior",
        _ => "Esquire",
    }
}

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
    if let (Some(number), Some(behind)) = (found.get(2), found.get(3)) {
        // “John V. Lindsay” has an initial, “Chapter V. Down the Hole” a number.
        let value = roman_value(number.as_str()).filter(|_| DIVISIONS.contains(&name));
        return match value {
            Some(value) => format!("{name} {value}{}", behind.as_str()),
            None => found[0].to_owned(),
        };
    }
    match roman_value(&found[4]) {
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
