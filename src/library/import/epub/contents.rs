//! Tables of contents: the navigation document of EPUB 3 (section 7) and the NCX of EPUB 2 (section 2.4.1).
//!
//! Contents are a convenience: whatever is wrong with them costs lines of the contents, never the book.

use super::super::xml::Element;
use crate::library::import::limits::{MAX_CONTENTS_LINES, MAX_XML_DEPTH};
use crate::library::import::names::clean;
use crate::library::manuscript::SourceTocEntry;
use crate::library::paths::{fragment, join};

/// One line as it is written: its label, depth, and what it leads to.
struct Line {
    title: String,
    depth: u32,
    target: Option<String>,
    is_heading: bool,
}

/// The lines of a navigation document that lies at `path`.
pub fn of_navigation(path: &str, document: &Element) -> Vec<SourceTocEntry> {
    let navs = document.descendants("nav");
    let is_toc = |nav: &&Element| nav.has_word("type", "toc") || nav.has_word("role", "doc-toc");
    let is_other = |nav: &Element| {
        ["landmarks", "page-list", "lot", "loi"].iter().any(|kind| nav.has_word("type", kind))
            || nav.has_word("role", "doc-pagelist")
    };
    let toc = navs.iter().copied().find(is_toc);
    let toc = toc.or_else(|| navs.iter().copied().find(|nav| !is_other(nav)));
    let mut lines = Vec::new();
    let list = toc.and_then(|nav| nav.descendant("ol").or_else(|| nav.descendant("ul")));
    if let Some(list) = list {
        list_lines(list, 0, &mut lines);
    }
    resolved(path, lines)
}

/// What the landmarks of a navigation document that lies at `path` say of whole documents, by their paths (EPUB
/// 3.3, section 7.5).
pub fn landmarks(path: &str, document: &Element) -> Vec<(String, String)> {
    let navs = document.descendants("nav");
    let Some(nav) = navs.into_iter().find(|nav| nav.has_word("type", "landmarks")) else {
        return Vec::new();
    };
    let links = nav.descendants("a").into_iter().take(MAX_CONTENTS_LINES);
    let whole = links.filter_map(|link| {
        let href = link.attribute("href").filter(|href| !href.contains('#'))?;
        Some((join(path, href), link.attribute("type")?))
    });
    let words = whole.flat_map(|(path, kinds)| {
        kinds.split_whitespace().map(move |kind| (path.clone(), kind.to_lowercase()))
    });
    words.collect()
}

/// The lines of an NCX that lies at `path`.
pub fn of_ncx(path: &str, document: &Element) -> Vec<SourceTocEntry> {
    let mut lines = Vec::new();
    if let Some(map) = document.descendant("navmap") {
        ncx_lines(map, 0, &mut lines);
    }
    resolved(path, lines)
}

fn list_lines(list: &Element, depth: u32, lines: &mut Vec<Line>) {
    for item in list.children("li") {
        let labels =
            || item.children.iter().filter(|child| !matches!(child.name.as_str(), "ol" | "ul"));
        let links = labels().flat_map(|label| {
            let inner = label.descendants("a");
            std::iter::once(label).filter(|label| label.name == "a").chain(inner)
        });
        let target = links.into_iter().find_map(|link| link.attribute("href"));
        let said = item.own_text(&["ol", "ul"]);
        if target.is_some() || labels().next().is_some() {
            lines.push(line(&said, depth, target));
        }
        for inner in item.children("ol").chain(item.children("ul")) {
            if (depth as usize) < MAX_XML_DEPTH && lines.len() < MAX_CONTENTS_LINES {
                list_lines(inner, depth + 1, lines);
            }
        }
    }
}

fn ncx_lines(point: &Element, depth: u32, lines: &mut Vec<Line>) {
    for point in point.children("navpoint") {
        let label = point.child("navlabel").map_or("", |label| &label.text);
        let target = point.child("content").and_then(|content| content.attribute("src"));
        lines.push(line(label, depth, target));
        if (depth as usize) < MAX_XML_DEPTH && lines.len() < MAX_CONTENTS_LINES {
            ncx_lines(point, depth + 1, lines);
        }
    }
}

fn line(title: &str, depth: u32, target: Option<&str>) -> Line {
    Line {
        title: clean(title),
        depth,
        target: target.map(str::to_owned),
        is_heading: target.is_none(),
    }
}

/// Lines with a target. The heading of a part, which has none, leads where the first line below it does.
fn resolved(path: &str, mut lines: Vec<Line>) -> Vec<SourceTocEntry> {
    lines.truncate(MAX_CONTENTS_LINES);
    let mut below: Option<(u32, String)> = None;
    for line in lines.iter_mut().rev() {
        if line.target.is_none() {
            line.target = below.clone().filter(|(depth, _)| *depth > line.depth).map(|(_, to)| to);
        }
        if let Some(target) = &line.target {
            below = Some((line.depth, target.clone()));
        }
    }
    let with_target = lines.into_iter().filter_map(|line| {
        let target = line.target?;
        Some(SourceTocEntry {
            title: line.title,
            depth: line.depth,
            path: if target.starts_with('#') { path.to_owned() } else { join(path, &target) },
            fragment: fragment(&target),
            is_heading: line.is_heading,
        })
    });
    with_target.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::import::epub::xml;

    fn lines(entries: &[SourceTocEntry]) -> Vec<(u32, &str, &str)> {
        entries.iter().map(|entry| (entry.depth, &*entry.title, &*entry.path)).collect()
    }

    #[test]
    fn headings_without_links_stay_as_levels() {
        let source = "<div><nav epub:type='landmarks'><ol><li><a href='x'>No</a></li></ol></nav>\
            <nav epub:type='toc'><ol><li><span>Part One</span><ol><li><a href='1.xhtml'>One</a></li>\
            <li><a href='2.xhtml#a%20b'>Two</a></li></ol></li><li><span>Nothing below</span></li></ol></nav></div>";
        let entries = of_navigation("OPS/nav.xhtml", &xml::parse(source).0);
        assert_eq!(
            lines(&entries),
            [(0, "Part One", "OPS/1.xhtml"), (1, "One", "OPS/1.xhtml"), (1, "Two", "OPS/2.xhtml")]
        );
        assert_eq!(entries[2].fragment.as_deref(), Some("a b"));
    }

    #[test]
    fn a_nav_without_a_type_will_do() {
        let source = "<nav epub:type='page-list'><ol><li><a href='p'>1</a></li></ol></nav>\
                      <nav><ul><li><p><a href='1.xhtml'>One</a></p></li></ul></nav>";
        let entries = of_navigation("nav.xhtml", &xml::parse(source).0);
        assert_eq!(lines(&entries), [(0, "One", "1.xhtml")]);
    }

    #[test]
    fn an_ncx_is_read_with_what_is_wrong_in_it() {
        let source = "<ncx><navMap><navPoint><navLabel><text>Bread & Butter</text></navLabel>\
            <content src='a.xhtml'/><navPoint><navLabel><text>In</text></navLabel><content src='a.xhtml#i'/>\
            </navPoint></navPoint><navPoint><navLabel><text>Cut";
        let entries = of_ncx("toc.ncx", &xml::parse(source).0);
        assert_eq!(lines(&entries), [(0, "Bread & Butter", "a.xhtml"), (1, "In", "a.xhtml")]);
    }
}
