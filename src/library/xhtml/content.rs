//! Which elements may stand where (HTML, section 3.2.5): books put them as they like, and EPUBs do not.

/// Elements without content (HTML, section 13.1.2), as far as chapters have them.
const VOID: [&str; 4] = ["br", "hr", "img", "wbr"];
/// Elements that stand in a line of text.
const INLINE: [&str; 26] = [
    "a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "del", "em", "i", "img", "ins", "kbd",
    "mark", "q", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "u",
];
/// Elements that hold text alone, and what stands in it.
const HOLDING_TEXT: [&str; 8] = ["h1", "h2", "h3", "h4", "h5", "h6", "p", "pre"];
/// Elements that hold what their place holds.
const TRANSPARENT: [&str; 3] = ["a", "del", "ins"];

/// Where an element stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<'a> {
    /// The element around it, as it was written; nothing for the body.
    pub(super) parent: &'a str,
    /// Whether that is somewhere in a line of text.
    pub(super) is_in_text: bool,
    /// Whether the table around it has a caption already.
    pub(super) has_caption: bool,
    /// Whether the table around it has rows already.
    pub(super) has_rows: bool,
}

/// What an element is written as.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown<'a> {
    /// Its name; nothing when only what is in it is written.
    pub(super) name: &'a str,
    /// What is written around it, from the outside in.
    pub(super) around: &'static [&'static str],
}

/// Whether an element has no content.
pub(super) fn is_void(name: &str) -> bool {
    VOID.contains(&name) || name == "col"
}

/// Whether what stands in an element stands in a line of text.
pub(super) fn holds_text(name: &str, place: Place<'_>) -> bool {
    let is_inline = INLINE.contains(&name) && !TRANSPARENT.contains(&name);
    place.is_in_text || is_inline || HOLDING_TEXT.contains(&name)
}

/// What an element is written as where it stands. What HTML has no more is what it looked like, and what may not stand
/// there is something that may.
pub(super) fn shown<'a>(name: &'a str, place: Place<'_>, has_direction: bool) -> Shown<'a> {
    let plain = |name| Shown { name, around: &[] };
    let name = match name {
        "acronym" => "abbr",
        "big" | "rb" | "rtc" | "time" => "span",
        "bdo" if !has_direction => "span",
        "dfn" => "i",
        "strike" => "s",
        "tt" => "code",
        "var" => "i",
        name => name,
    };
    if place.is_in_text {
        let stands = INLINE.contains(&name) || name == "wbr" || name == "math";
        return match name {
            "rt" if place.parent != "ruby" => plain("span"),
            "hr" => plain("br"),
            _ if stands => plain(name),
            _ => plain("span"),
        };
    }
    if ["ul", "ol"].contains(&place.parent) && name != "li" {
        return Shown {
            name: shown(name, Place { parent: "li", ..place }, has_direction).name,
            around: &["li"],
        };
    }
    let fits = match name {
        "li" => ["ul", "ol"].contains(&place.parent),
        "tr" => ["tbody", "thead"].contains(&place.parent),
        "td" | "th" => place.parent == "tr",
        "tbody" | "thead" | "tfoot" | "caption" => place.parent == "table",
        "rt" => place.parent == "ruby",
        _ => true,
    };
    match name {
        // How wide columns are is a matter of style.
        "col" | "colgroup" => plain(""),
        "rt" if !fits => plain("span"),
        "tr" if place.parent == "table" => Shown { name, around: &["tbody"] },
        "address" | "center" | "dd" | "dl" | "dt" | "figcaption" | "figure" | "footer"
        | "header" | "hgroup" | "main" => plain("div"),
        _ if !fits => plain("div"),
        "tfoot" => plain("tbody"),
        "thead" if place.has_rows => plain("tbody"),
        "caption" if place.has_caption || place.has_rows => {
            Shown { name: "td", around: &["tbody", "tr"] }
        }
        name => plain(name),
    }
}

/// Whether an element stands in lines of its own.
pub(super) fn is_block(name: &str) -> bool {
    !INLINE.contains(&name)
        && !["acronym", "big", "dfn", "rb", "rtc", "strike", "time", "tt", "var", "wbr"]
            .contains(&name)
}

/// Whether a ruby whose content begins here says how something is read.
pub(super) fn has_reading(rest: &str) -> bool {
    rest.split("</ruby>").next().is_some_and(|content| content.contains("<rt"))
}
