//! French.

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
        (r"(^|[^.\s]\s)M\. (\p{Lu})", As("${1}Monsieur $2")),
        (r"\bMM\. ", As("Messieurs ")),
        (r"\bMme\b\.?", As("Madame")),
        (r"\bMmes\b\.?", As("Mesdames")),
        (r"\bMlle\b\.?", As("Mademoiselle")),
        (r"\bMlles\b\.?", As("Mesdemoiselles")),
        (r"\bMgr\b\.?", As("Monseigneur")),
        (r"\bDr\b\.?", As("Docteur")),
        (r"\bPr\b\.? (\p{Lu})", As("Professeur $1")),
        (r"\bSt[ -](\p{Lu})", As("Saint $1")),
        (r"\bSte[ -](\p{Lu})", As("Sainte $1")),
        (r"\bav\. ?J\.?-?C\.", As("avant Jésus-Christ")),
        (r"\bapr?\. ?J\.?-?C\.", As("après Jésus-Christ")),
        (r"\bp\. ?ex\.", As("par exemple")),
        (r"\bc\.-à-d\.", As("c’est-à-dire")),
        (r"\betc\.", As("et cetera")),
        (r"\bpp?\. ?(\d)", As("page $1")),
        (r"\bchap\. ?(\d)", As("chapitre $1")),
        (r"\bvol\. ?(\d)", As("volume $1")),
        (r"\bart\. ?(\d)", As("article $1")),
        (r"\bfig\. ?(\d)", As("figure $1")),
        (r"\btél\. ?:? ?(\d)", As("téléphone $1")),
        (r"\b[Nn][º°]s?\s?(\d)", As("numéro $1")),
        (r"№\s?", As("numéro ")),
        // Ordinals, in figures and Roman.
        (r"\b1ers?\b", As("premier")),
        (r"\b1(?:ère|re)s?\b", As("première")),
        (r"\b(\d{1,2})(?:e|è|ème|ième)\b", By(ordinal)),
        (r"\bIer\b", As("premier")),
        (r"\bI(?:ère|re)\b", As("première")),
        (r"\b([XVI]+)(?:e|ème)\b", By(roman_ordinal)),
        (
            r"\b([Cc]hapitre|CHAPITRE|[Tt]ome|TOME|[Ll]ivre|LIVRE|[Pp]artie|PARTIE|[Aa]cte|ACTE|[Ss]cène|SCÈNE|Louis|Henri|Charles|François|Napoléon|Philippe|Pie|Léon|Benoît|Jean-Paul|Frédéric|Guillaume|Georges) ([XVIL]+)\b",
            By(cardinal),
        ),
        // Times of day.
        (r"\b([01]?\d|2[0-4])\s?h\s?0?([1-9]\d?)\b", As("$1 heures $2")),
        (r"\b([01]?\d|2[0-4])\s?h(?:\s?00)?\b", As("$1 heures")),
        // Without the word it may be a verse of the Bible.
        (r"([Àà]|[Vv]ers|[Dd]ès) ([01]?\d|2[0-3]):00\b", As("$1 $2 heures")),
        (r"([Àà]|[Vv]ers|[Dd]ès) ([01]?\d|2[0-3]):0?([1-9]\d?)\b", As("$1 $2 heures $3")),
        // Money, measures, signs.
        (r"\b\d{1,3}(?:[ \u{a0}\u{202f}]\d{3})+\b", By(thousands)),
        (r"(\d+),(\d\d)\s?€", As("$1 euros $2")),
        (r"(\d)\s?€", As("$1 euros")),
        (r"€\s?(\d+(?:[.,]\d+)*)", As("$1 euros")),
        (r"(\d)\s?\$", As("$1 dollars")),
        (r"\$\s?(\d+(?:[.,]\d+)*)", As("$1 dollars")),
        (r"£\s?(\d+(?:[.,]\d+)*)", As("$1 livres")),
        (r"(\d)\s?%", As("$1 pour cent")),
        (r"(\d)\s?‰", As("$1 pour mille")),
        (r"(\d)\s?°\s?C\b", As("$1 degrés Celsius")),
        (r"(\d)\s?°", As("$1 degrés")),
        (r"(\d)\s?(km/h|km²|m²|m³|km|cm|mm|kg|mg|ml|kW|Mo|Go|kHz|MHz|Hz)(?:\b|\s|$)", By(measure)),
        (r"§§?\s?", As("paragraphe ")),
        (r"\s?&\s?", As(" et ")),
        (
            r"(\d+)\s?½ (heures?|livres?|tasses?|années?|journées?|semaines?|minutes?|secondes?|lieues?|tonnes?|pages?|bouteilles?|douzaines?)\b",
            As("$1 $2 et demie"),
        ),
        (
            r"(\d+)\s?½ (kilomètres?|mètres?|centimètres?|litres?|kilos?|grammes?|ans?|mois|jours?|siècles?|verres?|pouces?|pieds?|francs?|euros?|millions?|milliards?|points?)\b",
            As("$1 $2 et demi"),
        ),
        (r"(\d)\s?½", As("$1 et demi")),
        (r"(?:\bune )?½ heure\b", As("une demi-heure")),
        (r"½", As("un demi")),
        (r"¼", As("un quart")),
        (r"¾", As("trois quarts")),
        (r"\b([12]\d{3})-(\d\d)-(\d\d)\b", As("$3/$2/$1")),
        (r"\b(\d{1,2})/(\d{1,2})/(\d{2,4})\b", As("$1 $2 $3")),
        (r"\b1/2\b", As("un demi")),
        (r"\b1/3\b", As("un tiers")),
        (r"\b([2-9])/3\b", As("$1 tiers")),
        (r"\b1/4\b", As("un quart")),
        (r"\b([2-9])/4\b", As("$1 quarts")),
        (r"(\d)\s?–\s?(\d)", As("$1 à $2")),
        // Of more hyphens than one it is a number of a book or a telephone.
        (r"(^|[^\d-])(\d+)-(\d+)($|[^\d-])", As("$1$2 à $3$4")),
        (r"(\d)\s?\+\s?(\d)", As("$1 plus $2")),
        (r"(\d)\s?[×x]\s?(\d)", As("$1 fois $2")),
        (r"([\p{L}\d)])\s?=\s?([\p{L}\d(])", As("$1 égale $2")),
    ])
});

/// Two to twenty-one.
const ORDINALS: [&str; 20] = [
    "deuxième",
    "troisième",
    "quatrième",
    "cinquième",
    "sixième",
    "septième",
    "huitième",
    "neuvième",
    "dixième",
    "onzième",
    "douzième",
    "treizième",
    "quatorzième",
    "quinzième",
    "seizième",
    "dix-septième",
    "dix-huitième",
    "dix-neuvième",
    "vingtième",
    "vingt et unième",
];

/// Figures in groups of three, as one number.
fn thousands(found: &Captures<'_>) -> String {
    found[0].split(char::is_whitespace).collect()
}

fn spelled(value: Option<u32>) -> Option<&'static str> {
    ORDINALS.get(value?.checked_sub(2)? as usize).copied()
}

fn ordinal(found: &Captures<'_>) -> String {
    spelled(found[1].parse().ok()).map_or_else(|| found[0].to_owned(), str::to_owned)
}

fn roman_ordinal(found: &Captures<'_>) -> String {
    spelled(roman_value(&found[1])).map_or_else(|| found[0].to_owned(), str::to_owned)
}

fn cardinal(found: &Captures<'_>) -> String {
    match roman_value(&found[2]) {
        // Charles L. is no king.
        Some(value) if &found[2] != "L" => format!("{} {value}", &found[1]),
        _ => found[0].to_owned(),
    }
}

fn measure(found: &Captures<'_>) -> String {
    let unit = match &found[2] {
        "km/h" => "kilomètres à l’heure",
        "km²" => "kilomètres carrés",
        "m²" => "mètres carrés",
        "m³" => "mètres cubes",
        "km" => "kilomètres",
        "cm" => "centimètres",
        "mm" => "millimètres",
        "kg" => "kilos",
        "mg" => "milligrammes",
        "ml" => "millilitres",
        "kW" => "kilowatts",
        "Mo" => "mégaoctets",
        "Go" => "gigaoctets",
        "kHz" => "kilohertz",
        "MHz" => "mégahertz",
        _ => "hertz",
    };
    let space = if found[0].ends_with(char::is_whitespace) { " " } else { "" };
    format!("{} {unit}{space}", &found[1])
}
