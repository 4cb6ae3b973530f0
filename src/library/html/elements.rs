//! Which elements are kept, and as what.

use scraper::ElementRef;
use scraper::node::Element;

use super::attribute;

/// Elements within one another that may each be the whole page.
const MAX_PAGE_DEPTH: usize = 4;

/// MathML (Core, section 2.1.4) that a chapter may contain.
pub const MATHML: [&str; 24] = [
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "mtext",
    "mspace",
    "mfrac",
    "msqrt",
    "mroot",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mtable",
    "mtr",
    "mtd",
    "mstyle",
    "mpadded",
    "mphantom",
    "mfenced",
    "menclose",
];

/// Elements that hold blocks.
pub(super) fn is_container(name: &str) -> bool {
    matches!(
        name,
        "section"
            | "article"
            | "div"
            | "blockquote"
            | "ul"
            | "ol"
            | "li"
            | "dl"
            | "dt"
            | "dd"
            | "table"
            | "thead"
            | "tbody"
            | "tfoot"
            | "tr"
            | "td"
            | "th"
            | "caption"
            | "figure"
            | "figcaption"
            | "aside"
            | "header"
            | "footer"
            | "pre"
            | "p"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "address"
            | "main"
            | "nav"
            | "center"
            | "hgroup"
            | "form"
            | "fieldset"
            | "legend"
            | "details"
            | "summary"
    )
}

/// What a container is on our page: what a form or a folded section holds is text like any other.
pub(super) fn shown_as(name: &str) -> &str {
    match name {
        "form" | "fieldset" | "legend" | "details" | "summary" => "div",
        name => name,
    }
}

/// Elements inside a block.
pub(super) fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "bdi"
            | "bdo"
            | "br"
            | "cite"
            | "code"
            | "del"
            | "dfn"
            | "em"
            | "i"
            | "img"
            | "ins"
            | "kbd"
            | "mark"
            | "q"
            | "rp"
            | "rt"
            | "ruby"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "u"
            | "var"
            | "wbr"
    ) || MATHML.contains(&name)
}

/// Elements whose content is not text of the book, or is not to be seen.
pub(super) fn is_dropped(element: &Element) -> bool {
    is_hidden(element)
        || has_kind(element, "pagebreak")
        || element.name() == "nav"
            && (has_kind(element, "landmarks") || has_kind(element, "page-list"))
        || matches!(
            element.name(),
            "script"
                | "style"
                | "template"
                | "iframe"
                | "embed"
                | "input"
                | "button"
                | "select"
                | "textarea"
                | "audio"
                | "video"
                | "canvas"
                | "link"
                | "meta"
                | "title"
                | "head"
                | "annotation"
                | "annotation-xml"
                | "epub:case"
                | "ops:case"
        )
}

/// What a book hides from everybody.
fn is_hidden(element: &Element) -> bool {
    // An attribute without a value counts: `hidden=""`.
    element.attr("hidden").is_some()
        || has_style(element, "display:none")
        || has_style(element, "visibility:hidden")
}

/// What a book hides from the ear alone.
pub(super) fn is_hidden_from_the_ear(element: &Element) -> bool {
    attribute(element, "aria-hidden").is_some_and(|value| value == "true")
}

/// Raised above the line, as references to notes are.
pub(super) fn is_raised(element: &Element) -> bool {
    element.name() == "sup" || has_style(element, "vertical-align:super")
}

/// Whether an element says that it is of a kind, by `epub:type` or by the role of the same name (Digital
/// Publishing WAI-ARIA Module, section 4).
pub(super) fn has_kind(element: &Element, kind: &str) -> bool {
    let has = |name: &str, wanted: &str| {
        attribute(element, name).is_some_and(|words| {
            words.split_whitespace().any(|word| word.eq_ignore_ascii_case(wanted))
        })
    };
    has("epub:type", kind) || has("role", &format!("doc-{kind}"))
}

/// What a page says it is: the words of `epub:type` of its body, and of the element that is all it holds.
pub(super) fn kinds_of_page(body: ElementRef<'_>) -> Vec<String> {
    let mut kinds = Vec::new();
    let mut page = Some(body);
    for _ in 0..MAX_PAGE_DEPTH {
        let Some(element) = page else { break };
        let own = attribute(element.value(), "epub:type").unwrap_or_default();
        kinds.extend(own.split_whitespace().map(str::to_lowercase));
        let mut children = element.child_elements();
        page = children.next().filter(|_| children.next().is_none());
    }
    kinds
}

/// Whether one of an element's classes is among these, whatever its case and hyphens.
pub(super) fn has_class(element: &Element, classes: &[&str]) -> bool {
    element.classes().any(|class| {
        let plain: String = class
            .chars()
            .filter(|c| !matches!(c, '-' | '_'))
            .flat_map(char::to_lowercase)
            .collect();
        classes.contains(&plain.as_str())
    })
}

fn has_style(element: &Element, declaration: &str) -> bool {
    element.attr("style").is_some_and(|style| {
        let style: String =
            style.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
        style.split(';').any(|part| part.trim_end_matches("!important") == declaration)
    })
}

/// Classes of the numbers of printed pages and lines.
const NUMBER_CLASSES: [&str; 13] = [
    "pagenum",
    "pagenumber",
    "pageno",
    "pagebreak",
    "pgnum",
    "pgno",
    "pageid",
    "printpage",
    "folio",
    "lnum",
    "linenum",
    "linenumber",
    "lineno",
];

/// Whether an element is the number of a printed page or line: by its class, or because its id is that of
/// a page and it holds nothing but the page's number.
pub(super) fn is_page_number(element: &Element, text: &str) -> bool {
    // A number is short; a class may also stand on what holds the page.
    if text.chars().count() > 24 {
        return false;
    }
    let is_heading = matches!(element.name(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
    if is_heading {
        return false;
    }
    // The same classes also stand for a page that begins: what they hold must be a number.
    if has_class(element, &NUMBER_CLASSES) {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let is_number = |word: &str| {
            matches!(word.to_lowercase().as_str(), "page" | "pg" | "p" | "s" | "seite" | "pag")
                || word.chars().all(|c| c.is_ascii_digit())
                || word.chars().all(|c| "ivxlcdmIVXLCDM".contains(c))
                || word.chars().next().is_some_and(|c| c.is_ascii_digit())
        };
        return words.into_iter().all(is_number);
    }
    // A paragraph with the id of a paragraph is text.
    if !matches!(element.name(), "a" | "span") {
        return false;
    }
    let Some(id) = attribute(element, "id").or_else(|| attribute(element, "name")) else {
        return false;
    };
    let id = id.to_lowercase();
    let number = ["page", "pg", "p"].iter().find_map(|prefix| id.strip_prefix(prefix));
    let Some(number) = number.map(|number| number.trim_start_matches(['-', '_', '.'])) else {
        return false;
    };
    let said =
        text.trim_matches(|c: char| c.is_whitespace() || "[](){}<>|-–—".contains(c)).to_lowercase();
    let said = ["page", "pg.", "pg", "p."]
        .iter()
        .find_map(|word| said.strip_prefix(word))
        .unwrap_or(&said);
    let said = said.trim().trim_start_matches('0');
    let number = number.trim_start_matches('0');
    let is_number = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || "ivxlcdm".contains(c))
    };
    is_number(number) && said == number
}
