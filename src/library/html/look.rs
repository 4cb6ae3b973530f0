//! How a book has its text look, as far as the page keeps it: where lines stand, small capitals, slope and weight,
//! first lines and insets. Typefaces, sizes, colours and the space between lines are the reader's.
//!
//! An element whose look differs from what the page would give it says so in `data-look`, in words that
//! `style/text.css` knows.

use ego_tree::NodeRef;
use scraper::node::Element;
use scraper::{ElementRef, Node};

use super::attribute;
use super::properties::{Align, Capitals, Property};
use super::sheet::Sheets;
use crate::text::language;

/// The attribute that says how an element looks.
pub const LOOK: &str = "data-look";

/// First lines that stand in or out by less are flush, in ems.
const MIN_FIRST_LINE: f32 = 0.3;
/// Paragraphs with more space between them are told apart by it, in ems.
const MAX_SPACE_BETWEEN: f32 = 0.5;
/// Smallest inset that is kept, in ems.
const MIN_INSET: f32 = 0.75;
/// The insets that the style sheet knows, in ems.
const INSETS: [u8; 7] = [1, 2, 3, 4, 6, 9, 12];
/// Elements of which a style sheet may make lines, as of verse: not those that are links or pictures.
const LINES: [&str; 9] = ["span", "cite", "em", "i", "strong", "b", "small", "time", "abbr"];
/// Elements of a container among which a heading is looked for, which a chapter begins with.
const BEGINNING: usize = 50;

/// What an element hands on to those inside of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Look {
    align: Align,
    is_italic: bool,
    is_bold: bool,
    capitals: Capitals,
    is_uppercase: bool,
    /// In ems.
    first_line: f32,
    is_right_to_left: bool,
}

/// The space around an element, in ems.
#[derive(Debug, Default)]
struct Space {
    above: f32,
    below: f32,
    /// Margins left and right, then paddings.
    margins: [f32; 2],
    paddings: [f32; 2],
}

impl Space {
    /// The space around an element that no style sheet speaks of: a line above and below a paragraph (HTML, section
    /// 15.3.3).
    fn around(name: &str) -> Self {
        let line = if name == "p" { 1.0 } else { 0.0 };
        Self { above: line, below: line, ..Self::default() }
    }

    /// Whether paragraphs follow one another without space between them.
    fn is_close(&self) -> bool {
        self.above + self.below < MAX_SPACE_BETWEEN
    }

    /// How far an element stands in where its lines begin.
    fn before(&self, is_right_to_left: bool) -> f32 {
        let side = usize::from(is_right_to_left);
        self.margins[side] + self.paddings[side]
    }
}

/// The look of an element, and the words that the page is told of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) look: Look,
    pub(super) words: Vec<String>,
    /// A piece of a paragraph that stands on lines of its own.
    pub(super) is_line: bool,
}

impl Told {
    /// What a piece of text is that has no other meaning than its look: `i`, `b` or `span`. What that says
    /// already is not told in words.
    pub(super) fn element(&mut self) -> &'static str {
        for (word, element) in [("italic", "i"), ("bold", "b")] {
            if let Some(at) = self.words.iter().position(|told| told == word) {
                self.words.remove(at);
                return element;
            }
        }
        "span"
    }
}

impl Look {
    /// What the page itself gives an element inside of one that looks like this.
    fn by_the_page(self, name: &str) -> Self {
        let mut look = self;
        match name {
            "em" | "i" | "cite" | "dfn" | "var" | "address" => look.is_italic = true,
            "b" | "strong" | "th" => look.is_bold = true,
            // Titles are set in the regular cut.
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => look.is_bold = false,
            "center" | "figure" => look.align = Align::Center,
            _ => {}
        }
        if matches!(name, "td" | "th") {
            look.align = Align::Start;
        }
        look
    }

    /// In what a whole page differs from ours.
    pub(super) fn of_page(self) -> Vec<String> {
        words(self, Self::default())
    }

    /// Lines that stand where the language has them begin anyway.
    fn settle(&mut self) {
        let usual = if self.is_right_to_left { Align::Right } else { Align::Left };
        if self.align == usual {
            self.align = Align::Start;
        }
    }
}

/// How an element inside of one that looks like `outer` looks.
pub(super) fn of_element(node: NodeRef<'_, Node>, outer: Look, sheets: &Sheets) -> Told {
    let Some(element) = ElementRef::wrap(node) else {
        return Told { look: outer, words: Vec::new(), is_line: false };
    };
    let mut outer = outer;
    let direction = element.attr("dir").map(str::to_ascii_lowercase);
    outer.is_right_to_left = match (direction.as_deref(), attribute(element.value(), "lang")) {
        (Some("rtl"), _) => true,
        (Some("ltr"), _) => false,
        (_, Some(tag)) => language::is_right_to_left(&tag),
        (_, None) => outer.is_right_to_left,
    };
    let name = element.value().name();
    let shown = outer.by_the_page(name);
    let (mut look, mut space, mut is_line) = (shown, Space::around(name), false);
    for declared in sheets.declared(element) {
        match declared.property {
            Property::Align(align) => look.align = align.unwrap_or(outer.align),
            Property::Italic(is_so) => look.is_italic = is_so.unwrap_or(outer.is_italic),
            Property::Bold(is_so) => look.is_bold = is_so.unwrap_or(outer.is_bold),
            Property::Capitals(it) => look.capitals = it.unwrap_or(outer.capitals),
            Property::Uppercase(is_so) => look.is_uppercase = is_so.unwrap_or(outer.is_uppercase),
            Property::Line(stands_alone) => is_line = stands_alone && LINES.contains(&name),
            Property::FirstLine(length) => look.first_line = length.unwrap_or(outer.first_line),
            Property::MarginTop(length) => space.above = length,
            Property::MarginBottom(length) => space.below = length,
            Property::MarginLeft(length) => space.margins[0] = length,
            Property::MarginRight(length) => space.margins[1] = length,
            Property::PaddingLeft(length) => space.paddings[0] = length,
            Property::PaddingRight(length) => space.paddings[1] = length,
        }
    }
    look.settle();
    if is_title(element.value()) {
        look.is_bold = shown.is_bold;
    }
    let mut words = words(look, shown);
    let (line, inset) = (first_line(name, look, &space), inset(element, look, &space));
    // Lines of verse, of a title page, of a letter's head.
    let is_apart = line == Some("hanging") || inset.is_some() || look.align != Align::Start;
    if name == "p" && is_apart && space.is_close() {
        words.push("close".to_owned());
    }
    words.extend(line.map(str::to_owned));
    words.extend(inset);
    Told { look, words, is_line }
}

/// The attribute that tells the page, where there is something to tell.
pub(super) fn attribute_of(words: &[String]) -> Option<(String, String)> {
    (!words.is_empty()).then(|| (LOOK.to_owned(), words.join(" ")))
}

fn is_title(element: &Element) -> bool {
    matches!(element.name(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// In what a look differs from what the page would show.
fn words(look: Look, shown: Look) -> Vec<String> {
    let mut words = Vec::new();
    let mut differs = |is_other: bool, word: &str| {
        if is_other {
            words.push(word.to_owned());
        }
    };
    let align = match look.align {
        Align::Start => "start",
        Align::Left => "left",
        Align::Center => "center",
        Align::Right => "right",
    };
    differs(look.align != shown.align, align);
    differs(look.is_italic != shown.is_italic, if look.is_italic { "italic" } else { "upright" });
    differs(look.is_bold != shown.is_bold, if look.is_bold { "bold" } else { "regular" });
    let capitals = match look.capitals {
        Capitals::None => "no-small-caps",
        Capitals::Small => "small-caps",
        Capitals::AllSmall => "all-small-caps",
    };
    differs(look.capitals != shown.capitals, capitals);
    let case = if look.is_uppercase { "uppercase" } else { "as-written" };
    differs(look.is_uppercase != shown.is_uppercase, case);
    words
}

/// How the first line of a paragraph stands. One that stands in tells paragraphs apart, unless space does.
fn first_line(name: &str, look: Look, space: &Space) -> Option<&'static str> {
    match name {
        "p" if look.first_line < -MIN_FIRST_LINE => Some("hanging"),
        "p" if look.first_line > MIN_FIRST_LINE
            && space.is_close()
            && look.align == Align::Start =>
        {
            Some("indented")
        }
        _ => None,
    }
}

/// How far a passage stands in: not the margins of a page, which hold a title too.
fn inset(element: ElementRef<'_>, look: Look, space: &Space) -> Option<String> {
    let name = element.value().name();
    if !matches!(name, "p" | "div") {
        return None;
    }
    // A line that hangs begins where it would without.
    let hangs = if name == "p" { look.first_line.min(0.0) } else { 0.0 };
    let wide = space.before(look.is_right_to_left) + hangs;
    if wide < MIN_INSET || name == "div" && holds_title(element) {
        return None;
    }
    let distance = |inset: &&u8| (f32::from(**inset) - wide).abs();
    let nearest = INSETS.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    Some(format!("inset-{nearest}"))
}

fn holds_title(element: ElementRef<'_>) -> bool {
    let beginning = element.descendants().filter_map(|node| node.value().as_element());
    beginning.take(BEGINNING).any(is_title)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::library::html::{Item, Sheet, parse_styled};
    use crate::text::markup::Inline;

    fn push_inlines(inlines: &[Inline], html: &mut String) {
        for inline in inlines {
            match inline {
                Inline::Text(text) => html.push_str(text),
                Inline::Element(element) => {
                    crate::text::markup::start_tag(&element.name, &element.attributes, html);
                    push_inlines(&element.children, html);
                    html.push_str("</>");
                }
            }
        }
    }

    /// What is kept of a body, closing tags without names.
    fn kept(css: &str, body: &str) -> String {
        let sheet = Arc::new(Sheet::parse(css));
        let source = format!(
            "<html><head><link rel='stylesheet' href='a.css'/></head><body>{body}</body></html>"
        );
        let document = parse_styled(&source, &|href| (href == "a.css").then(|| sheet.clone()));
        let mut html = String::new();
        for item in &document.items {
            match item {
                Item::Open { name, attributes } => {
                    crate::text::markup::start_tag(name, attributes, &mut html);
                }
                Item::Close => html.push_str("</>"),
                Item::Block { inlines, .. } => push_inlines(inlines, &mut html),
                _ => {}
            }
        }
        html
    }

    #[test]
    fn what_differs_from_the_page_is_told() {
        for (css, body, expected) in [
            (".c { text-align: center }", "<p class='c'>x</p>", "<p data-look=\"center\">x</>"),
            (
                "h1 { text-align: center; font-weight: bold }",
                "<h1>x</h1>",
                "<h1 data-look=\"center\">x</>",
            ),
            // What the page does anyway is not said.
            (
                "p { text-align: justify } em { font-style: italic }",
                "<p><em>x</em></p>",
                "<p><em>x</></>",
            ),
            ("p { text-align: left }", "<p>x</p>", "<p>x</>"),
            // What is inherited is said once, and what ends it where it ends.
            (
                "div { text-align: center } .l { text-align: left }",
                "<div><p>x</p><p class='l'>y</p></div>",
                "<div data-look=\"center\"><p>x</><p data-look=\"start\">y</></>",
            ),
            // Standard Ebooks has bold stand for small capitals.
            (
                "b { font-variant: small-caps; font-weight: normal }",
                "<p><b>x</b></p>",
                "<p><b data-look=\"regular small-caps\">x</></>",
            ),
            (
                "i > i { font-style: normal }",
                "<p><i>x<i>y</i></i></p>",
                "<p><i>x<i data-look=\"upright\">y</></></>",
            ),
            // A piece of text without a meaning of its own is the element that looks so.
            (".it { font-style: italic }", "<p><span class='it'>x</span></p>", "<p><i>x</></>"),
            (".b { font-weight: 700 }", "<p><span class='b'>x</span></p>", "<p><b>x</></>"),
            (
                ".b { font: italic bold 1em serif }",
                "<p><span class='b'>x</span></p>",
                "<p><i data-look=\"bold\">x</></>",
            ),
            (
                ".s { font-variant: small-caps }",
                "<p><span class='s'>x</span></p>",
                "<p><span data-look=\"small-caps\">x</></>",
            ),
        ] {
            assert_eq!(kept(css, body), expected, "{css}");
        }
    }

    #[test]
    fn paragraphs_stand_as_the_book_has_them() {
        let indented = "p { margin: 0; text-indent: 1.2em } h1 + p, .c { text-indent: 0 } .c { text-align: center }";
        assert_eq!(
            kept(indented, "<h1>t</h1><p>x</p><p>y</p><p class='c'>z</p>"),
            "<h1>t</><p>x</><p data-look=\"indented\">y</><p data-look=\"center close\">z</>"
        );
        // A paragraph that nothing else is said of has a line around it.
        assert_eq!(kept("p { text-indent: 1em }", "<p>x</p>"), "<p>x</>");
        let both = "p { margin: 1em 0; text-indent: 1.2em }";
        assert_eq!(kept(both, "<p>x</p>"), "<p>x</>");
        let verse = "p { margin: 0 } .v { padding-left: 20pt } .v p { text-indent: -20pt; margin-left: 20pt } .i { margin-left: 30% }";
        assert_eq!(
            kept(verse, "<div class='v'><p>x</p></div><p class='i'>y</p>"),
            "<div data-look=\"inset-2\"><p data-look=\"close hanging\">x</></><p data-look=\"close inset-9\">y</>"
        );
        // The margins of a page are the reader's.
        let page = "body { margin: 6em } div { margin: 0 3em }";
        assert_eq!(kept(page, "<div><h1>t</h1><p>x</p></div>"), "<div><h1>t</><p>x</></>");
    }

    #[test]
    fn lines_that_a_sheet_makes_are_lines() {
        let css = ".l { display: block } br { display: none }";
        for (body, expected) in [
            (
                "<p><span class='l'>x</span> <span class='l'>y</span></p>",
                "<p><span>x</><br></><span>y</></>",
            ),
            // Breaks that the sheet hides are not counted twice.
            (
                "<p><span class='l'>x</span><br/><span class='l'>y</span></p>",
                "<p><span>x</><br></><span>y</></>",
            ),
            ("<p>x<cite class='l'>y</cite></p>", "<p>x<br></><cite>y</></>"),
            ("<p>x<em><span class='l'>y</span></em></p>", "<p>x<em><br></><span>y</></></>"),
            ("<p>x <a class='l'>y</a></p>", "<p>x <a>y</></>"),
        ] {
            assert_eq!(kept(css, body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_said_of_the_page_is_kept() {
        let css =
            "body { text-align: center; font-style: italic; margin: 3em } p { font-style: normal }";
        assert_eq!(
            kept(css, "<h1>t</h1><p>x</p>"),
            "<div data-look=\"center italic\"><h1>t</><p data-look=\"upright\">x</></>"
        );
    }

    #[test]
    fn right_to_left_is_not_to_the_right() {
        let css = "p { text-align: right; margin-right: 2em }";
        assert_eq!(
            kept(css, "<div dir='rtl'><p>x</p></div>"),
            "<div dir=\"rtl\"><p data-look=\"inset-2\">x</></>"
        );
        assert_eq!(kept(css, "<p>x</p>"), "<p data-look=\"right\">x</>");
    }

    #[test]
    fn sheets_in_the_document_and_of_an_element_count() {
        let body = "<p style='text-align: center'>x</p>";
        assert_eq!(kept("", body), "<p data-look=\"center\">x</>");
        let source = "<head><style>p { font-style: italic }</style></head><p>x</p>";
        let document = parse_styled(source, &|_| None);
        let Item::Open { attributes, .. } = &document.items[0] else { panic!() };
        assert_eq!(attributes[0], ("data-look".to_owned(), "italic".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn any_sheet_on_any_text(css in ".{0,100}", body in ".{0,100}") {
            kept(&css, &body);
        }
    }
}
