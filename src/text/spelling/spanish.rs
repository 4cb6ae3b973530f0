//! Spanish.

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
        (r"\bEE\. ?UU\.", As("Estados Unidos")),
        (r"\bp\. ?ej\.", As("por ejemplo")),
        (r"\ba\. ?C\.", As("antes de Cristo")),
        (r"\bd\. ?C\.", As("después de Cristo")),
        (r"\bSr\.", As("señor")),
        (r"\bSres\.", As("señores")),
        (r"\bSra\.", As("señora")),
        (r"\bSrta\.", As("señorita")),
        (r"\bDr\.", As("doctor")),
        (r"\bDra\.", As("doctora")),
        (r"\bProf\.", As("profesor")),
        (r"(^|[^.\s]\s)D\. (\p{Lu}\p{Ll})", As("${1}don $2")),
        (r"\bD\.ª ", As("doña ")),
        (r"\bDña\.", As("doña")),
        (r"\b[UV]d\.", As("usted")),
        (r"\b[UV]ds\.", As("ustedes")),
        (r"\bSto\.", As("santo")),
        (r"\bSta\.", As("santa")),
        (r"\bAvda?\.", As("avenida")),
        (r"\bC/ ?(\p{Lu})", As("calle $1")),
        (r"\betc\.", As("etcétera")),
        (r"\bpág\. ?(\d)", As("página $1")),
        (r"\bpágs\. ?(\d)", As("páginas $1")),
        (r"\bp\. ?(\d)", As("página $1")),
        (r"\bcap\. ?(\d)", As("capítulo $1")),
        (r"\bvol\. ?(\d)", As("volumen $1")),
        (r"\bart\. ?(\d)", As("artículo $1")),
        (r"\bfig\. ?(\d)", As("figura $1")),
        (r"\btel\. ?(\d)", As("teléfono $1")),
        (r"\b[Nn]úm\. ?(\d)", As("número $1")),
        (r"\b[Nn]\.?\s?[º°]\s?(\d)", As("número $1")),
        (r"№\s?", As("número ")),
        // Ordinals.
        (r"\b(\d{1,2})\.?(º|ª|er)(?:\b|\s|$)", By(ordinal)),
        // Roman numbers of centuries, rulers and divisions.
        (r"\b([Ss]iglos?) ([XVI]+)\b", By(cardinal)),
        (
            r"\b([Cc]apítulo|CAPÍTULO|[Tt]omo|[Ll]ibro|LIBRO|[Pp]arte|PARTE|[Aa]cto|[Ee]scena) ([XVIL]+)\b",
            By(cardinal),
        ),
        (
            r"\b(Luis|Felipe|Carlos|Alfonso|Fernando|Isabel|Enrique|Juan Carlos|Juan Pablo|Pío|León|Benedicto|Jaime|Pedro|Sancho|Napoleón|Guillermo|Jorge|Federico) ([XVI]+)\b",
            By(ruler),
        ),
        // Times of day.
        (r"\b([01]?\d|2[0-4])[:.]00 ?h\b\.?", As("$1 horas")),
        (r"\b([01]?\d|2[0-3])[:.]0?([1-9]\d?) ?h\b\.?", As("$1 y $2")),
        (r"\b([01]?\d|2[0-3]):00\b", As("$1 en punto")),
        (r"\b([01]?\d|2[0-3]):0?([1-9]\d?)\b", As("$1 y $2")),
        // Money, measures, signs.
        (r"(\d)\.(\d{3})\b", As("$1$2")),
        (r"\b1\s?€", As("un euro")),
        (r"(\d+),(\d\d)\s?€", As("$1 euros con $2")),
        (r"(\d)\s?€", As("$1 euros")),
        (r"€\s?(\d+(?:[.,]\d+)*)", As("$1 euros")),
        (r"(\d)\s?\$", As("$1 dólares")),
        (r"\$\s?(\d+(?:[.,]\d+)*)", As("$1 dólares")),
        (r"£\s?(\d+(?:[.,]\d+)*)", As("$1 libras")),
        (r"(\d)\s?%", As("$1 por ciento")),
        (r"(\d)\s?‰", As("$1 por mil")),
        (r"(\d)\s?°\s?C\b", As("$1 grados Celsius")),
        (r"(\d)\s?°", As("$1 grados")),
        (r"(\d)\s?(km/h|km²|m²|m³|km|cm|mm|kg|mg|ml|kW|MB|GB|kHz|MHz|Hz)(?:\b|\s|$)", By(measure)),
        (r"§§?\s?", As("sección ")),
        (r"\s?&\s?", As(" y ")),
        (
            r"(\d+)\s?½ (horas?|semanas?|libras?|tazas?|docenas?|millas?|pulgadas?|cucharadas?|leguas?|páginas?|toneladas?|vueltas?|botellas?|arrobas?)\b",
            As("$1 $2 y media"),
        ),
        (
            r"(\d+)\s?½ (días?|meses|mes|años?|siglos?|minutos?|segundos?|kilos?|gramos?|kilómetros?|metros?|centímetros?|litros?|pies?|vasos?|puntos?|millón|millones)\b",
            As("$1 $2 y medio"),
        ),
        (r"(\d)\s?½", As("$1 y medio")),
        (
            r"½ (horas?|semanas?|libras?|tazas?|docenas?|millas?|pulgadas?|cucharadas?|leguas?|páginas?|toneladas?|vueltas?|botellas?|arrobas?)\b",
            As("media $1"),
        ),
        (r"½", As("medio")),
        (r"¼", As("un cuarto")),
        (r"¾", As("tres cuartos")),
        (r"\b([12]\d{3})-(\d\d)-(\d\d)\b", As("$3/$2/$1")),
        (r"\b(\d{1,2})/(\d{1,2})/(\d{2,4})\b", As("$1 del $2 de $3")),
        (r"\b1/2\b", As("medio")),
        (r"\b1/3\b", As("un tercio")),
        (r"\b([2-9])/3\b", As("$1 tercios")),
        (r"\b1/4\b", As("un cuarto")),
        (r"\b([2-9])/4\b", As("$1 cuartos")),
        (r"(\d)\s?–\s?(\d)", As("$1 a $2")),
        // Of more hyphens than one it is a number of a book or a telephone.
        (r"(^|[^\d-])(\d+)-(\d+)($|[^\d-])", As("$1$2 a $3$4")),
        (r"(\d)\s?\+\s?(\d)", As("$1 más $2")),
        (r"(\d)\s?[×x]\s?(\d)", As("$1 por $2")),
        (r"([\p{L}\d)])\s?=\s?([\p{L}\d(])", As("$1 igual a $2")),
    ])
});

/// One to ten, which is as far as speakers count by them.
const ORDINALS: [&str; 10] = [
    "primero", "segundo", "tercero", "cuarto", "quinto", "sexto", "séptimo", "octavo", "noveno",
    "décimo",
];

fn ordinal(found: &Captures<'_>) -> String {
    let value = found[1].parse::<usize>().unwrap_or(0);
    let space = if found[0].ends_with(char::is_whitespace) { " " } else { "" };
    let Some(word) = value.checked_sub(1).and_then(|at| ORDINALS.get(at)) else {
        return format!("{value}{space}");
    };
    let said = match &found[2] {
        "ª" => format!("{}a", word.trim_end_matches('o')),
        "er" => word.trim_end_matches('o').to_owned(),
        _ => (*word).to_owned(),
    };
    format!("{said}{space}")
}

fn cardinal(found: &Captures<'_>) -> String {
    match roman_value(&found[2]) {
        Some(value) => format!("{} {value}", &found[1]),
        None => found[0].to_owned(),
    }
}

/// Felipe II is the second, Luis XIV is fourteen.
fn ruler(found: &Captures<'_>) -> String {
    let name = &found[1];
    let Some(value) = roman_value(&found[2]) else { return found[0].to_owned() };
    let Some(word) = ORDINALS.get(value as usize - 1) else { return format!("{name} {value}") };
    let is_queen = name == "Isabel";
    format!("{name} {}", if is_queen { word.replace('o', "a") } else { (*word).to_owned() })
}

fn measure(found: &Captures<'_>) -> String {
    let unit = match &found[2] {
        "km/h" => "kilómetros por hora",
        "km²" => "kilómetros cuadrados",
        "m²" => "metros cuadrados",
        "m³" => "metros cúbicos",
        "km" => "kilómetros",
        "cm" => "centímetros",
        "mm" => "milímetros",
        "kg" => "kilos",
        "mg" => "miligramos",
        "ml" => "mililitros",
        "kW" => "kilovatios",
        "MB" => "megabytes",
        "GB" => "gigabytes",
        "kHz" => "kilohercios",
        "MHz" => "megahercios",
        _ => "hercios",
    };
    let space = if found[0].ends_with(char::is_whitespace) { " " } else { "" };
    format!("{} {unit}{space}", &found[1])
}
