//! Which elements are kept, and as what.

use scraper::node::Element;

use super::attribute;

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
    )
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

/// Elements whose content is not text of the book.
pub(super) fn is_dropped(element: &Element) -> bool {
    let is_page_number = attribute(element, "epub:type")
        .is_some_and(|kinds| kinds.split_whitespace().any(|kind| kind == "pagebreak"));
    is_page_number
        || matches!(
            element.name(),
            "script"
                | "style"
                | "template"
                | "iframe"
                | "object"
                | "embed"
                | "form"
                | "input"
                | "button"
                | "select"
                | "textarea"
                | "audio"
                | "video"
                | "canvas"
                | "noscript"
                | "link"
                | "meta"
                | "title"
                | "head"
                | "annotation"
                | "annotation-xml"
        )
}
