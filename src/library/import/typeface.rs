//! The typeface a book sets its text in, when it brings one.

use std::collections::HashMap;

use app::model::BookFont;

use crate::library::paths::join;

/// Selectors of the elements a book's text is set in, the most telling first.
const TEXT_SELECTORS: [&str; 3] = ["body", "html", "p"];

/// Files that are tried for one face.
const MAX_SOURCES: usize = 8;
/// Cuts of one family that are taken; books have four.
const MAX_FACES: usize = 16;

/// The faces of the family that the style sheets give to the text, else of the first they load.
/// `sheets` are paths and texts; `find` says which file of the book a path leads to, if any.
pub(super) fn faces(
    sheets: &[(String, String)],
    find: impl Fn(&str) -> Option<String>,
) -> Vec<BookFont> {
    let mut families: Vec<(String, BookFont)> = Vec::new();
    let mut chosen: HashMap<&str, String> = HashMap::new();
    for (path, css) in sheets {
        for (selector, body) in rules(&without_comments(css)) {
            let declared = declarations(body);
            let family = declared.get("font-family").and_then(|list| first_family(list));
            let Some(family) = family else { continue };
            if selector.eq_ignore_ascii_case("@font-face") {
                families.extend(face(path, &declared, &find).map(|face| (family, face)));
                continue;
            }
            for part in selector.split(',').map(str::trim) {
                if let Some(name) = TEXT_SELECTORS.iter().find(|name| **name == part) {
                    chosen.entry(name).or_insert_with(|| family.clone());
                }
            }
        }
    }
    let used = TEXT_SELECTORS.iter().filter_map(|name| chosen.get(name));
    let used = used.into_iter().find(|name| families.iter().any(|(family, _)| family == *name));
    let wanted = used.or(families.first().map(|(family, _)| family)).cloned();
    let faces = families.into_iter().filter(|(family, _)| Some(family) == wanted.as_ref());
    faces.map(|(_, face)| face).take(MAX_FACES).collect()
}

fn without_comments(css: &str) -> String {
    let mut plain = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    plain + rest
}

/// Selectors and what stands between their braces; rules inside of others come without them.
fn rules(css: &str) -> impl Iterator<Item = (&str, &str)> {
    css.split('}').filter_map(|rule| {
        let (head, body) = rule.rsplit_once('{')?;
        let selector = head.rsplit(['{', ';']).next().unwrap_or(head);
        Some((selector.trim(), body))
    })
}

fn declarations(body: &str) -> HashMap<String, &str> {
    body.split(';')
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
        .collect()
}

fn first_family(list: &str) -> Option<String> {
    let first = list.split(',').next()?.trim().trim_matches(['"', '\'']).trim();
    (!first.is_empty()).then(|| first.to_lowercase())
}

fn face(
    sheet: &str,
    declared: &HashMap<String, &str>,
    find: impl Fn(&str) -> Option<String>,
) -> Option<BookFont> {
    let source = declared.get("src")?;
    let path = source.split("url(").skip(1).take(MAX_SOURCES).find_map(|source| {
        let address = source.split(')').next()?.trim().trim_matches(['"', '\'']);
        find(&join(sheet, address))
    })?;
    let is_bold = declared.get("font-weight").is_some_and(|weight| {
        matches!(*weight, "bold" | "bolder")
            || weight.parse().is_ok_and(|weight: u16| weight >= 600)
    });
    let is_italic = declared
        .get("font-style")
        .is_some_and(|style| style.contains("italic") || style.contains("oblique"));
    Some(BookFont { path, is_bold, is_italic })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(css: &str) -> Vec<BookFont> {
        let files = ["fonts/a.otf", "fonts/b.otf", "fonts/c.otf"];
        let find = |path: &str| files.contains(&path).then(|| path.to_owned());
        faces(&[("styles/main.css".to_owned(), css.to_owned())], find)
    }

    #[test]
    fn the_family_of_the_text_with_all_its_cuts() {
        let css = "@charset \"utf-8\"; /* faces { } */
            @font-face { font-family: 'Head'; src: url(../fonts/a.otf) }
            @font-face { font-family: \"Text\"; src: local('x'), url('../fonts/b.otf') format('opentype'); }
            @font-face { font-family: Text; font-weight: 700; font-style: italic; src: url(../fonts/c.otf); }
            @media print { p { font-family: Head } }
            h1, body { margin: 0; font-family: Text, serif }";
        let expected = [
            BookFont { path: "fonts/b.otf".to_owned(), is_bold: false, is_italic: false },
            BookFont { path: "fonts/c.otf".to_owned(), is_bold: true, is_italic: true },
        ];
        assert_eq!(found(css), expected);
    }

    #[test]
    fn a_face_whose_file_is_not_there_is_none() {
        assert_eq!(found("@font-face { font-family: A; src: url(nowhere.otf) }"), []);
        assert_eq!(found("body { font-family: serif }"), []);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_style_sheet(css in ".{0,200}") {
            found(&css);
        }
    }
}
