//! The files that a page's text is set in. Each is named to the browser at once, for one that is found late is not
//! shown before the next page (`scripts/fonts.mjs` makes them and writes their rules).

use crate::preferences::Typeface;

/// Elements whose text browsers slope.
const SLOPED: [&str; 7] = ["<em", "<i>", "<i ", "<cite", "<dfn", "<var", "<address"];
/// Elements whose text browsers set bold.
const BOLD: [&str; 4] = ["<strong", "<b>", "<b ", "<th"];

/// Those of them that are in the files for all pages.
const COMMON_BEYOND_ASCII: &str = "£\u{ad}·×àçèéêïôöü";

fn family(face: Typeface) -> &'static str {
    match face {
        Typeface::Serif | Typeface::Book | Typeface::Own => "literata",
        Typeface::Sans => "source-sans-3",
        Typeface::Legible => "atkinson-hyperlegible",
    }
}

/// The file that most of a page is set in.
pub fn first(face: Typeface) -> String {
    format!("/fonts/{}-common-400-normal.woff2", family(face))
}

/// What else the text of a chapter needs, as HTML.
pub fn others(face: Typeface, html: &str) -> Vec<String> {
    let has = |elements: &[&str]| elements.iter().any(|element| html.contains(element));
    // Letters of western languages with accents, and the signs beside them.
    let is_accented = |letter: char| {
        matches!(
            letter,
            '\u{a1}'..='\u{ff}' | 'Œ' | 'œ' | '‚' | '„' | '‐' | '‑' | '†' | '•' | '€' | '™'
        ) && !COMMON_BEYOND_ASCII.contains(letter)
    };
    // What the book's style sheets had sloped or bold (`data-look`).
    let looks = || html.split("data-look=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let looks_so = |wanted| looks().any(|look| look.split(' ').any(|word| word == wanted));
    let (is_sloped, is_bold) = (has(&SLOPED) || looks_so("italic"), has(&BOLD) || looks_so("bold"));
    let has_accents = html.chars().any(is_accented);
    let cuts = [
        (is_sloped, "common-400-italic"),
        (is_bold, "common-700-normal"),
        (has_accents, "latin-400-normal"),
        (has_accents && is_sloped, "latin-400-italic"),
        (has_accents && is_bold, "latin-700-normal"),
    ];
    let cuts = cuts.into_iter().filter(|(is_needed, _)| *is_needed);
    cuts.map(|(_, cut)| format!("/fonts/{}-{cut}.woff2", family(face))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_chapter_needs_is_named() {
        assert!(others(Typeface::Serif, "<p>“Call me Ishmael,” said the attaché.</p>").is_empty());
        let needed = others(Typeface::Serif, "<p><em>Así</em> and <b>bold</b></p>");
        let accents = ["latin-400-normal", "latin-400-italic", "latin-700-normal"];
        assert_eq!(others(Typeface::Serif, "<p data-look=\"center bold\">x</p>").len(), 1);
        assert_eq!(others(Typeface::Serif, "<p data-look=\"bold italic\">x</p>").len(), 2);
        let names = [&["common-400-italic", "common-700-normal"][..], &accents].concat();
        let names = names.iter().map(|name| format!("/fonts/literata-{name}.woff2"));
        assert_eq!(needed, names.collect::<Vec<_>>());
    }

    #[test]
    fn all_of_them_are_in_the_style_sheet() {
        let sheet = include_str!("../../style/fonts.css");
        for face in Typeface::ALL {
            let named = others(*face, "<em>á</em><b></b>").into_iter().chain([first(*face)]);
            for file in named {
                assert!(sheet.contains(&format!("\"..{file}\"")), "{file}");
            }
        }
    }
}
