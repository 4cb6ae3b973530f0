//! The inline markup of one block, and its rendering with every sentence in a `<span>`.
//!
//! A sentence may cross inline elements but never a block. The renderer opens one span around everything that lies inside a single sentence and goes into an element only
//! when a boundary does, so most sentences are one span, and none breaks the nesting.

use std::fmt::Write;
use std::ops::Range;

/// A run of text or an inline element.
#[derive(Debug, Clone, PartialEq)]
pub enum Inline {
    /// Text as shown, white space already collapsed where the block collapses it.
    Text(String),
    /// An element that is already known to be safe to serve.
    Element(InlineElement),
}

/// An inline element such as `em`, `a`, `ruby` or `img`.
#[derive(Debug, Clone, PartialEq)]
pub struct InlineElement {
    /// Lower-case element name.
    pub name: String,
    /// Attributes in document order; values unescaped.
    pub attributes: Vec<(String, String)>,
    /// What it contains.
    pub children: Vec<Inline>,
    /// Shown but not spoken, and no part of a sentence: ruby text, note numbers.
    pub silent: bool,
}

impl From<InlineElement> for Inline {
    fn from(element: InlineElement) -> Self {
        Self::Element(element)
    }
}

/// Text of a block as it is split into sentences: silent elements left out, `br` as a space.
pub fn plain_text(inlines: &[Inline]) -> String {
    let mut text = String::new();
    push_text(inlines, &mut text);
    text
}

fn push_text(inlines: &[Inline], text: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text(run) => text.push_str(run),
            Inline::Element(element) if element.silent => {}
            Inline::Element(element) if element.name == "br" => text.push(' '),
            Inline::Element(element) => push_text(&element.children, text),
        }
    }
}

/// Where the lines of a block begin in its [`plain_text`], the first excepted: after each `br`.
pub fn line_ends(inlines: &[Inline]) -> Vec<usize> {
    fn collect(inlines: &[Inline], at: &mut usize, ends: &mut Vec<usize>) {
        for inline in inlines {
            match inline {
                Inline::Element(element) if element.silent => {}
                Inline::Element(element) if element.name == "br" => {
                    *at += 1;
                    ends.push(*at);
                }
                Inline::Element(element) => collect(&element.children, at, ends),
                Inline::Text(run) => *at += run.len(),
            }
        }
    }
    let mut ends = Vec::new();
    collect(inlines, &mut 0, &mut ends);
    ends
}

/// The attribute that says how an element sounds. It is for the voice; what is served does not have it.
pub const PHONEMES: &str = "ssml:ph";

/// The places in a block's [`plain_text`] that the book says the sound of, and those sounds.
pub fn phonemes(inlines: &[Inline]) -> Vec<(Range<usize>, &str)> {
    fn collect<'i>(
        inlines: &'i [Inline],
        at: &mut usize,
        found: &mut Vec<(Range<usize>, &'i str)>,
    ) {
        for inline in inlines {
            match inline {
                Inline::Element(element) if !element.silent && element.name != "br" => {
                    let start = *at;
                    let sound = element.attributes.iter().find(|(name, _)| name == PHONEMES);
                    match sound {
                        Some((_, sound)) => {
                            *at += text_len(inline);
                            found.push((start..*at, sound));
                        }
                        None => collect(&element.children, at, found),
                    }
                }
                other => *at += text_len(other),
            }
        }
    }
    let mut found = Vec::new();
    collect(inlines, &mut 0, &mut found);
    found
}

/// The places in a block's [`plain_text`] of its elements that have an id, and those ids.
pub fn ids(inlines: &[Inline]) -> Vec<(Range<usize>, &str)> {
    fn collect<'i>(
        inlines: &'i [Inline],
        at: &mut usize,
        found: &mut Vec<(Range<usize>, &'i str)>,
    ) {
        for inline in inlines {
            let start = *at;
            let end = start + text_len(inline);
            if let Inline::Element(element) = inline {
                let id = element.attributes.iter().find(|(name, _)| name == "id");
                found.extend(id.map(|(_, id)| (start..end, id.as_str())));
                if end > start {
                    collect(&element.children, at, found);
                }
            }
            *at = end;
        }
    }
    let mut found = Vec::new();
    collect(inlines, &mut 0, &mut found);
    found
}

/// The places in a block's [`plain_text`] of the links in what is silent, and where they lead.
pub fn silent_links(inlines: &[Inline]) -> Vec<(usize, &str)> {
    fn collect<'i>(
        inlines: &'i [Inline],
        at: &mut usize,
        is_silent: bool,
        found: &mut Vec<(usize, &'i str)>,
    ) {
        for inline in inlines {
            let end = *at + if is_silent { 0 } else { text_len(inline) };
            if let Inline::Element(element) = inline {
                let is_silent = is_silent || element.silent;
                let target = element.attributes.iter().find(|(name, _)| name == "href");
                found.extend(target.filter(|_| is_silent).map(|(_, href)| (*at, href.as_str())));
                collect(&element.children, at, is_silent, found);
            }
            *at = end;
        }
    }
    let mut found = Vec::new();
    collect(inlines, &mut 0, false, &mut found);
    found
}

fn text_len(inline: &Inline) -> usize {
    match inline {
        Inline::Text(run) => run.len(),
        Inline::Element(element) if element.silent => 0,
        Inline::Element(element) if element.name == "br" => 1,
        Inline::Element(element) => element.children.iter().map(text_len).sum(),
    }
}

/// What the spans of a block's sentences say.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    /// The index within the chapter of the first sentence.
    pub first: u32,
    /// What besides the running text they belong to.
    pub part: Option<&'static str>,
}

/// Renders a block's inline content. `sentences` cover its [`plain_text`] in order.
///
/// The first span of sentence 7 is `<span id="s7" data-s="7">`; further ones, where it crosses an
/// element, carry `data-s` only.
pub fn render(inlines: &[Inline], sentences: &[Range<usize>], spans: Spans, html: &mut String) {
    let mut renderer =
        Renderer { sentences, spans, position: 0, open: None, last_opened: None, html };
    renderer.children(inlines);
    renderer.close();
}

/// The class of the span of a page that is a picture.
pub const PICTURE: &str = "picture";

/// Renders a picture as one sentence, whatever it says, so that it can be highlighted and rested at: one that is a
/// page, or one in a text that is described.
pub fn render_picture(inlines: &[Inline], index: u32, is_described: bool, html: &mut String) {
    // Writing to a String cannot fail.
    let _ = if is_described {
        write!(html, r#"<span id="s{index}" data-s="{index}" data-part="picture">"#)
    } else {
        write!(html, r#"<span id="s{index}" data-s="{index}" class="{PICTURE}">"#)
    };
    render(inlines, &[], Spans { first: index, part: None }, html);
    html.push_str("</span>");
}

struct Renderer<'a> {
    sentences: &'a [Range<usize>],
    spans: Spans,
    /// Bytes of plain text rendered so far.
    position: usize,
    /// The sentence whose span is open at this depth.
    open: Option<usize>,
    /// The last sentence that was given its id.
    last_opened: Option<usize>,
    html: &'a mut String,
}

impl Renderer<'_> {
    fn children(&mut self, inlines: &[Inline]) {
        for inline in inlines {
            let end = self.position + text_len(inline);
            match self.sentence_holding(self.position..end) {
                _ if end == self.position => self.whole(inline),
                Some(sentence) => {
                    self.enter(sentence);
                    self.whole(inline);
                    self.position = end;
                }
                None => self.divided(inline),
            }
        }
    }

    /// An inline that a sentence boundary cuts through.
    fn divided(&mut self, inline: &Inline) {
        match inline {
            Inline::Text(run) => {
                let end = self.position + run.len();
                let mut rest = run.as_str();
                while self.position < end {
                    let sentence = self.sentence_at(self.position);
                    let stop = sentence.map_or(end, |index| self.sentences[index].end.min(end));
                    let (piece, after) = rest.split_at(stop - self.position);
                    if let Some(index) = sentence {
                        self.enter(index);
                    }
                    escape_text(piece, self.html);
                    self.position = stop;
                    rest = after;
                }
            }
            Inline::Element(element) => {
                self.close();
                open_tag(element, self.html);
                self.children(&element.children);
                self.close();
                close_tag(element, self.html);
            }
        }
    }

    /// An inline without a boundary inside: markup as it is.
    fn whole(&mut self, inline: &Inline) {
        match inline {
            Inline::Text(run) => escape_text(run, self.html),
            Inline::Element(element) => {
                open_tag(element, self.html);
                for child in &element.children {
                    self.whole(child);
                }
                close_tag(element, self.html);
            }
        }
    }

    fn enter(&mut self, sentence: usize) {
        if self.open == Some(sentence) {
            return;
        }
        self.close();
        let index = self.spans.first + sentence as u32;
        let part =
            self.spans.part.map(|part| format!(r#" data-part="{part}""#)).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = if self.last_opened == Some(sentence) {
            write!(self.html, r#"<span data-s="{index}"{part}>"#)
        } else {
            write!(self.html, r#"<span id="s{index}" data-s="{index}"{part}>"#)
        };
        self.open = Some(sentence);
        self.last_opened = Some(sentence);
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.html.push_str("</span>");
        }
    }

    fn sentence_holding(&self, range: Range<usize>) -> Option<usize> {
        self.sentence_at(range.start).filter(|index| range.end <= self.sentences[*index].end)
    }

    fn sentence_at(&self, position: usize) -> Option<usize> {
        let index = self.sentences.partition_point(|sentence| sentence.end <= position);
        (index < self.sentences.len()).then_some(index)
    }
}

/// Writes an element's start tag.
pub fn open_tag(element: &InlineElement, html: &mut String) {
    start_tag(&element.name, &element.attributes, html);
}

/// Writes a start tag with its attributes escaped.
pub fn start_tag(name: &str, attributes: &[(String, String)], html: &mut String) {
    html.push('<');
    html.push_str(name);
    for (name, value) in attributes.iter().filter(|(name, _)| name != PHONEMES) {
        html.push(' ');
        html.push_str(name);
        html.push_str("=\"");
        escape_attribute(value, html);
        html.push('"');
    }
    html.push('>');
}

fn close_tag(element: &InlineElement, html: &mut String) {
    if !is_void(&element.name) {
        html.push_str("</");
        html.push_str(&element.name);
        html.push('>');
    }
}

/// Elements without an end tag, of those a chapter may contain.
pub fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img" | "wbr" | "col")
}

/// Escapes text content.
pub fn escape_text(text: &str, html: &mut String) {
    escape(text, html, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    });
}

fn escape_attribute(value: &str, html: &mut String) {
    escape(value, html, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '"' => Some("&quot;"),
        _ => None,
    });
}

fn escape(text: &str, html: &mut String, entity: impl Fn(char) -> Option<&'static str>) {
    for c in text.chars() {
        match entity(c) {
            Some(entity) => html.push_str(entity),
            None => html.push(c),
        }
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "one sentence is one range")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(run: &str) -> Inline {
        Inline::Text(run.to_owned())
    }

    fn element(name: &str, silent: bool, children: Vec<Inline>) -> Inline {
        Inline::Element(InlineElement {
            name: name.to_owned(),
            attributes: vec![],
            children,
            silent,
        })
    }

    fn rendered(inlines: &[Inline], sentences: &[Range<usize>]) -> String {
        let mut html = String::new();
        render(inlines, sentences, Spans { first: 4, part: None }, &mut html);
        html
    }

    #[test]
    fn a_sentence_around_whole_elements_is_one_span() {
        let inlines = [text("It was "), element("em", false, vec![text("not")]), text(" so.")];
        assert_eq!(
            rendered(&inlines, &[0..14]),
            r#"<span id="s4" data-s="4">It was <em>not</em> so.</span>"#
        );
    }

    #[test]
    fn a_boundary_inside_an_element_closes_and_opens_spans() {
        let inlines = [text("A "), element("i", false, vec![text("b. C")]), text(" d.")];
        assert_eq!(
            rendered(&inlines, &[0..5, 5..9]),
            concat!(
                r#"<span id="s4" data-s="4">A </span>"#,
                r#"<i><span data-s="4">b. </span><span id="s5" data-s="5">C</span></i>"#,
                r#"<span data-s="5"> d.</span>"#
            )
        );
    }

    #[test]
    fn silent_elements_are_shown_inside_the_span_and_not_counted() {
        let inlines = [text("Word"), element("sup", true, vec![text("12")]), text(".")];
        assert_eq!(plain_text(&inlines), "Word.");
        assert_eq!(
            rendered(&inlines, &[0..5]),
            r#"<span id="s4" data-s="4">Word<sup>12</sup>.</span>"#
        );
    }

    #[test]
    fn text_and_attributes_are_escaped() {
        let link = Inline::Element(InlineElement {
            name: "a".to_owned(),
            attributes: vec![("href".to_owned(), "\"><script>".to_owned())],
            children: vec![text("<b> & co")],
            silent: false,
        });
        let html = rendered(&[link], &[0..8]);
        assert!(html.contains("&quot;>&lt;script>") && html.contains("&lt;b&gt; &amp; co"));
    }

    fn inline() -> impl Strategy<Value = Inline> {
        let leaf = "[a-z .<&]{0,8}".prop_map(Inline::Text);
        leaf.prop_recursive(3, 24, 4, |inner| {
            (prop::collection::vec(inner, 0..4), any::<bool>())
                .prop_map(|(children, silent)| element("i", silent, children))
        })
    }

    proptest! {
        #[test]
        fn each_sentence_has_one_id_and_tags_nest(
            inlines in prop::collection::vec(inline(), 0..6),
            cuts in prop::collection::vec(1usize..12, 0..8),
        ) {
            let plain = plain_text(&inlines);
            let mut sentences = Vec::new();
            let mut start = 0_usize;
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let end = start.saturating_add(cut).min(plain.len());
                if end > start {
                    sentences.push(start..end);
                }
                start = end;
            }
            let html = rendered(&inlines, &sentences);
            for index in 0..sentences.len() {
                let id = format!(r#"id="s{}""#, index + 4);
                prop_assert_eq!(html.matches(&id).count(), 1);
            }
            prop_assert_eq!(html.matches("<span").count(), html.matches("</span>").count());
            prop_assert_eq!(html.matches("<i>").count(), html.matches("</i>").count());
        }
    }
}
