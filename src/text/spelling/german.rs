//! German.

use std::sync::LazyLock;

use regex::Captures;

use super::Said::{As, By};
use super::{Rules, rules_of};
use crate::text::spoken::roman_value;

/// The rules, in the order in which they apply.
pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    rules_of([
        (r"\bhttps?://(?:www\.)?", As("")),
        // Abbreviations in their words.
        (r"\bz\. ?B\.", As("zum Beispiel")),
        (r"\bd\. ?h\.", As("das heißt")),
        (r"\bu\. ?a\.", As("unter anderem")),
        (r"\bo\. ?ä\.", As("oder ähnlich")),
        (r"\bu\. ?s\. ?w\.|\busw\.", As("und so weiter")),
        (r"\bi\. ?d\. ?R\.", As("in der Regel")),
        (r"\bv\. ?Chr\.", As("vor Christus")),
        (r"\bn\. ?Chr\.", As("nach Christus")),
        (r"\bbzw\.", As("beziehungsweise")),
        (r"\bvgl\.", As("vergleiche")),
        (r"\bca\.", As("circa")),
        (r"\bevtl\.", As("eventuell")),
        (r"\bggf\.", As("gegebenenfalls")),
        (r"\bsog\.", As("sogenannt")),
        (r"\bgeb\.", As("geboren")),
        (r"\bgest\.", As("gestorben")),
        (r"\bDr\.", As("Doktor")),
        (r"\bProf\.", As("Professor")),
        (r"\bHr\. ?(\p{Lu})", As("Herr $1")),
        (r"\bHrn\. ?(\p{Lu})", As("Herrn $1")),
        (r"\bFr\. ?(\p{Lu})", As("Frau $1")),
        (r"\bSt\. ?(\p{Lu})", As("Sankt $1")),
        (r"\b(\p{Lu}\p{Ll}+)str\.", As("${1}straße")),
        (r"\bNr\. ?(\d)", As("Nummer $1")),
        (r"\bSS?\. ?(\d)", As("Seite $1")),
        (r"\bBd\. ?(\d)", As("Band $1")),
        (r"\bKap\. ?(\d)", As("Kapitel $1")),
        (r"\bAbb\. ?(\d)", As("Abbildung $1")),
        (r"\bArt\. ?(\d)", As("Artikel $1")),
        (r"\bAbs\. ?(\d)", As("Absatz $1")),
        (r"\bTel\. ?(\d)", As("Telefon $1")),
        (r"\bMio\.", As("Millionen")),
        (r"\bMrd\.", As("Milliarden")),
        // Days, and what else is counted: the stop behind a figure ends no sentence.
        (r"\b([12]\d{3})-(\d\d)-(\d\d)\b", As("$3.$2.$1")),
        (
            r"\b((?:[Aa]m|[Vv]om|[Zz]um|[Bb]eim|[Dd]em|[Dd]en|[Dd]es|[Ii]m) )?(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})\b",
            By(date),
        ),
        (
            r"\b((?:[Aa]m|[Vv]om|[Zz]um|[Bb]eim|[Dd]em|[Dd]en|[Dd]es|[Ii]m) )?(\d{1,2})\. (Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhunderts?|Kapitel|Mal|Stock|Klasse)\b",
            By(counted),
        ),
        (
            r"\b((?:[Aa]m|[Vv]om|[Zz]um|[Bb]eim|[Dd]em|[Dd]en|[Dd]es|[Ii]m) )?([XVI]+)\. (Jahrhunderts?|Kapitel)\b",
            By(counted_roman),
        ),
        (r"\bJh\.", As("Jahrhundert")),
        (
            r"\b(Ludwig|Heinrich|Friedrich|Karl|Wilhelm|Otto|Georg|Philipp|Pius|Leo|Johannes|Benedikt|Franz|Albrecht|Rudolf|Konrad|Maximilian|Gregor|Papst \p{Lu}\p{Ll}+) ([XVI]+)\.?",
            By(ruler),
        ),
        (
            r"\b(Kapitel|Band|Teil|Buch|Akt|Szene|Abschnitt|KAPITEL|TEIL|BUCH) ([XVIL]+)\b",
            By(division),
        ),
        (r"\b\d{1,3}(?:\.\d{3})+\b", By(thousands)),
        // Times of day and years.
        (r"\b([01]?\d|2[0-4])[:.]00 Uhr\b", As("$1 Uhr")),
        (r"\b([01]?\d|2[0-4])[:.]0?([1-9]\d?) Uhr\b", As("$1 Uhr $2")),
        // Without the word it may be a verse of the Bible.
        (r"\b([Uu]m|[Gg]egen|[Aa]b|[Bb]is|[Ss]eit|[Vv]on) ([01]?\d|2[0-3]):00\b", As("$1 $2 Uhr")),
        (
            r"\b([Uu]m|[Gg]egen|[Aa]b|[Bb]is|[Ss]eit|[Vv]on) ([01]?\d|2[0-3]):0?([1-9]\d?)\b",
            As("$1 $2 Uhr $3"),
        ),
        (r"\b(1[1-9])(\d\d)\s?[–-]\s?(1[1-9])(\d\d)\b", As("$1$2 bis $3$4")),
        (r"\b(1[1-9])00er\b", As("$1 hunderter")),
        (r"\b(1[1-9])00\b", As("$1 hundert")),
        (r"(^|[^\d.,])(1[1-9])0?([1-9]\d?)\b([.,]\d)?", By(year)),
        // Money, measures, signs.
        (r"(\d+),(\d\d)\s?€", As("$1 Euro $2")),
        (r"(\d)\s?€", As("$1 Euro")),
        (r"€\s?(\d+(?:[.,]\d+)*)", As("$1 Euro")),
        (r"(\d)\s?\$", As("$1 Dollar")),
        (r"\$\s?(\d+(?:[.,]\d+)*)", As("$1 Dollar")),
        (r"£\s?(\d+(?:[.,]\d+)*)", As("$1 Pfund")),
        (r"(\d)\s?%", As("$1 Prozent")),
        (r"(\d)\s?‰", As("$1 Promille")),
        (r"(\d)\s?°\s?C\b", As("$1 Grad Celsius")),
        (r"(\d)\s?°", As("$1 Grad")),
        (r"(\d)\s?(km/h|km²|m²|m³|km|cm|mm|kg|mg|ml|kW|MB|GB|kHz|MHz|Hz)(?:\b|\s|$)", By(measure)),
        (r"§§?\s?", As("Paragraph ")),
        (r"\s?&\s?", As(" und ")),
        (r"(\d)\s?½", As("$1 einhalb")),
        (r"½", As("ein halb")),
        (r"¼", As("ein Viertel")),
        (r"¾", As("drei Viertel")),
        (r"\b1/2\b", As("ein halb")),
        (r"\b([1-9])/3\b", As("$1 Drittel")),
        (r"\b([1-9])/4\b", As("$1 Viertel")),
        (r"(\d)\s?–\s?(\d)", As("$1 bis $2")),
        // Of more hyphens than one it is a number of a book or a telephone.
        (r"(^|[^\d-])(\d+)-(\d+)($|[^\d-])", As("$1$2 bis $3$4")),
        (r"(\d)\s?\+\s?(\d)", As("$1 plus $2")),
        (r"(\d)\s?[×x]\s?(\d)", As("$1 mal $2")),
        (r"([\p{L}\d)])\s?=\s?([\p{L}\d(])", As("$1 gleich $2")),
        (r"№\s?", As("Nummer ")),
    ])
});

/// One to thirty-one, without their ending.
const ORDINALS: [&str; 31] = [
    "erst",
    "zweit",
    "dritt",
    "viert",
    "fünft",
    "sechst",
    "siebt",
    "acht",
    "neunt",
    "zehnt",
    "elft",
    "zwölft",
    "dreizehnt",
    "vierzehnt",
    "fünfzehnt",
    "sechzehnt",
    "siebzehnt",
    "achtzehnt",
    "neunzehnt",
    "zwanzigst",
    "einundzwanzigst",
    "zweiundzwanzigst",
    "dreiundzwanzigst",
    "vierundzwanzigst",
    "fünfundzwanzigst",
    "sechsundzwanzigst",
    "siebenundzwanzigst",
    "achtundzwanzigst",
    "neunundzwanzigst",
    "dreißigst",
    "einunddreißigst",
];

fn ordinal(value: u32) -> Option<&'static str> {
    ORDINALS.get(value.checked_sub(1)? as usize).copied()
}

/// `am 3. Mai` is said with another ending than `der 3. Mai`.
fn with_ending(before: &str, value: Option<u32>, what: &str) -> Option<String> {
    let ending = if before.is_empty() { "e" } else { "en" };
    Some(format!("{before}{}{ending} {what}", ordinal(value?)?))
}

fn counted(found: &Captures<'_>) -> String {
    let before = found.get(1).map_or("", |before| before.as_str());
    with_ending(before, found[2].parse().ok(), &found[3]).unwrap_or_else(|| found[0].to_owned())
}

fn counted_roman(found: &Captures<'_>) -> String {
    let before = found.get(1).map_or("", |before| before.as_str());
    let said = with_ending(before, roman_value(&found[2]), &found[3]);
    said.unwrap_or_else(|| found[0].to_owned())
}

fn date(found: &Captures<'_>) -> String {
    let part = |at: usize| ordinal(found[at].parse().ok()?);
    // “am zwölften dritten”, but “zwölfter dritter”.
    let (before, ending) = found.get(1).map_or(("", "er"), |before| (before.as_str(), "en"));
    match (part(2), part(3)) {
        (Some(day), Some(month)) => {
            format!("{before}{day}{ending} {month}{ending} {}", &found[4])
        }
        _ => found[0].to_owned(),
    }
}

fn ruler(found: &Captures<'_>) -> String {
    match roman_value(&found[2]).and_then(ordinal) {
        Some(ordinal) => {
            let mut letters = ordinal.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            format!("{} der {first}{}e", &found[1], letters.as_str())
        }
        None => found[0].to_owned(),
    }
}

fn division(found: &Captures<'_>) -> String {
    match roman_value(&found[2]) {
        Some(value) => format!("{} {value}", &found[1]),
        None => found[0].to_owned(),
    }
}

/// Figures in groups of three, as one number.
fn thousands(found: &Captures<'_>) -> String {
    found[0].replace('.', "")
}

/// 1866 is eighteen hundred and sixty-six. What has more figures is no year.
fn year(found: &Captures<'_>) -> String {
    let before = &found[1];
    if found.get(4).is_some() || found[0].len() != before.len() + 4 {
        return found[0].to_owned();
    }
    format!("{before}{} hundert {}", &found[2], &found[3])
}

fn measure(found: &Captures<'_>) -> String {
    let unit = match &found[2] {
        "km/h" => "Kilometer pro Stunde",
        "km²" => "Quadratkilometer",
        "m²" => "Quadratmeter",
        "m³" => "Kubikmeter",
        "km" => "Kilometer",
        "cm" => "Zentimeter",
        "mm" => "Millimeter",
        "kg" => "Kilogramm",
        "mg" => "Milligramm",
        "ml" => "Milliliter",
        "kW" => "Kilowatt",
        "MB" => "Megabyte",
        "GB" => "Gigabyte",
        "kHz" => "Kilohertz",
        "MHz" => "Megahertz",
        _ => "Hertz",
    };
    let space = if found[0].ends_with(char::is_whitespace) { " " } else { "" };
    format!("{} {unit}{space}", &found[1])
}
