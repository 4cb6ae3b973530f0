//! The style sheets of a book, and what they declare for an element.
//!
//! Only what a [`Look`](super::look::Look) is made of is kept of them. Selectors are matched by the library that
//! browsers match theirs with; those that may look at all siblings of an element are passed over, for a book may
//! have a hundred thousand of them.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use cssparser::{
    AtRuleParser, CowRcStr, DeclarationParser, ParseError, Parser, ParserState,
    QualifiedRuleParser, RuleBodyItemParser, RuleBodyParser, StyleSheetParser, parse_important,
};
use scraper::{ElementRef, Selector};

use super::properties::{self, Declared};

/// Most rules that are kept of one sheet; those of publishers have some hundreds.
const MAX_RULES: usize = 4_000;
/// Longest selector that is kept, in bytes.
const MAX_SELECTOR_BYTES: usize = 200;
/// Groups of rules, as `@media`, within one another.
const MAX_GROUPS: usize = 4;
/// Sheets that one document is set by.
const MAX_SHEETS: usize = 20;
/// How often selectors are matched in one document; after that its sheets say nothing more. A chapter of a novel
/// takes some ten thousand.
const MAX_MATCHES: u32 = 5_000_000;

/// A style sheet.
#[derive(Debug, Default)]
pub struct Sheet {
    rules: Vec<Rule>,
    /// Rules by what their last part asks for, so that few are matched against an element.
    by_class: HashMap<String, Vec<usize>>,
    by_id: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    others: Vec<usize>,
}

#[derive(Debug)]
struct Rule {
    selector: Selector,
    /// Ids, then classes and the like, then names (Selectors 4, section 17).
    specificity: (usize, usize, usize),
    declared: Arc<[Declared]>,
}

impl Sheet {
    /// Reads a style sheet; what cannot be read is passed over, as CSS has it.
    pub fn parse(css: &str) -> Self {
        let mut sheet = Self::default();
        let mut input = Parser::new(css);
        for rules in StyleSheetParser::new(&mut input, &mut Rules { depth: 0 }).flatten() {
            for (selectors, declared) in rules {
                sheet.add(&selectors, &declared);
            }
        }
        sheet
    }

    fn add(&mut self, selectors: &str, declared: &Arc<[Declared]>) {
        for text in parts(selectors, ',') {
            let Some(text) = usable(text) else { continue };
            let Ok(selector) = Selector::parse(&text) else { continue };
            if declared.is_empty() || self.rules.len() >= MAX_RULES {
                return;
            }
            let list = match sought(&text) {
                Sought::Class(class) => self.by_class.entry(class).or_default(),
                Sought::Id(id) => self.by_id.entry(id).or_default(),
                Sought::Name(name) => self.by_name.entry(name).or_default(),
                Sought::Any => &mut self.others,
            };
            list.push(self.rules.len());
            let specificity = specificity(&text);
            self.rules.push(Rule { selector, specificity, declared: declared.clone() });
        }
    }

    /// The rules whose last part an element fits.
    fn candidates<'s>(&'s self, element: ElementRef<'_>) -> Vec<&'s Rule> {
        let value = element.value();
        let by_class = value.classes().filter_map(|class| self.by_class.get(class));
        let lists = by_class
            .chain(value.id().and_then(|id| self.by_id.get(id)))
            .chain(self.by_name.get(value.name()))
            .chain([&self.others]);
        let mut found: Vec<usize> = lists.flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|rule| &self.rules[rule]).collect()
    }
}

/// The sheets that a document is set by, in their order.
#[derive(Debug, Default)]
pub(super) struct Sheets {
    sheets: Vec<Arc<Sheet>>,
    matches: Cell<u32>,
}

impl Sheets {
    /// The sheets that a document names and holds.
    pub(super) fn of_document(
        root: ElementRef<'_>,
        find: &dyn Fn(&str) -> Option<Arc<Sheet>>,
    ) -> Self {
        let mut sheets = Self::default();
        for element in root.descendants().filter_map(ElementRef::wrap) {
            let value = |name| element.attr(name).unwrap_or_default();
            if !is_screen(value("media")) {
                continue;
            }
            match element.value().name() {
                "link" if value("rel").trim().eq_ignore_ascii_case("stylesheet") => {
                    find(value("href")).into_iter().for_each(|sheet| sheets.add(sheet));
                }
                "style" => {
                    let css: String = element.text().collect();
                    sheets.add(Arc::new(Sheet::parse(&css)));
                }
                _ => {}
            }
        }
        sheets
    }

    fn add(&mut self, sheet: Arc<Sheet>) {
        if self.sheets.len() < MAX_SHEETS && !sheet.rules.is_empty() {
            self.sheets.push(sheet);
        }
    }

    /// What is declared for an element, the strongest last.
    pub(super) fn declared(&self, element: ElementRef<'_>) -> Vec<Declared> {
        let mut fitting = Vec::new();
        for sheet in &self.sheets {
            if self.matches.get() >= MAX_MATCHES {
                break;
            }
            let candidates = sheet.candidates(element);
            self.matches.set(self.matches.get().saturating_add(candidates.len() as u32));
            for rule in candidates {
                if rule.selector.matches(&element) {
                    fitting.push(rule);
                }
            }
        }
        fitting.sort_by_key(|rule| rule.specificity);
        let by_sheets = fitting.into_iter().flat_map(|rule| rule.declared.iter().copied());
        let own = element.attr("style").filter(|style| style.len() <= MAX_SELECTOR_BYTES * 10);
        let own = own.map(declarations).unwrap_or_default();
        let mut all: Vec<Declared> = by_sheets.chain(own).collect();
        all.sort_by_key(|declared| declared.is_important);
        all
    }
}

/// The declarations of a `style` attribute.
fn declarations(style: &str) -> Vec<Declared> {
    let mut input = Parser::new(style);
    RuleBodyParser::new(&mut input, &mut Declarations).flatten().flatten().collect()
}

/// Pieces of a list, separated by a sign that stands in no brackets and no quotation marks.
fn parts(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, sign) in text.char_indices() {
        match sign {
            _ if quote == Some(sign) => quote = None,
            _ if quote.is_some() => {}
            '"' | '\'' => quote = Some(sign),
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if sign == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + sign.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A selector as it is matched here, unless matching it may take long: by looking at all siblings, or at all that
/// an element stands in again and again. Attributes with a prefix are in the tree by the name that the file has, so
/// `epub|type` is meant literally.
fn usable(selector: &str) -> Option<String> {
    const SLOW: [&str; 5] = [":has", ":nth", "-of-type", ":last-child", ":only-child"];
    let selector = selector.trim();
    let plain = selector
        .to_ascii_lowercase()
        .replace("epub\\:type", "epub|type")
        .replace("~=", "=")
        .replace(", ", ",");
    let is_slow = SLOW.iter().any(|part| plain.contains(part))
        || plain.contains(['~', '\\'])
        || brackets(&plain).any(|inner| inner.contains(['(', ' ', '>', '+', '\t', '\n', '\r']))
        || selector.len() > MAX_SELECTOR_BYTES;
    (!is_slow && !selector.is_empty()).then(|| selector.replace("epub|type", "epub\\:type"))
}

/// What stands behind each round bracket that opens, up to one that closes.
fn brackets(selector: &str) -> impl Iterator<Item = &str> {
    selector.match_indices('(').map(|(at, _)| {
        let inner = &selector[at + 1..];
        inner.split(')').next().unwrap_or(inner)
    })
}

/// What the last part of a selector asks for, as far as one can tell at a glance.
#[derive(Debug, PartialEq)]
enum Sought {
    Class(String),
    Id(String),
    Name(String),
    Any,
}

fn sought(selector: &str) -> Sought {
    let last = last_part(selector);
    let is_plain = |name: &str| {
        let is_letter = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        !name.is_empty() && name.chars().all(is_letter)
    };
    let simple = last.split([':', '[']).next().unwrap_or_default();
    if let Some((_, rest)) = simple.split_once('#') {
        let id = rest.split('.').next().unwrap_or_default();
        return if is_plain(id) { Sought::Id(id.to_owned()) } else { Sought::Any };
    }
    if let Some((_, rest)) = simple.split_once('.') {
        let class = rest.split('.').next().unwrap_or_default();
        return if is_plain(class) { Sought::Class(class.to_owned()) } else { Sought::Any };
    }
    if is_plain(simple) { Sought::Name(simple.to_ascii_lowercase()) } else { Sought::Any }
}

/// The part of a selector behind its last combinator.
fn last_part(selector: &str) -> &str {
    let pieces = [' ', '>', '+', '\t', '\n', '\r'];
    pieces.iter().fold(selector, |rest, sign| parts(rest, *sign).pop().unwrap_or_default())
}

/// How much a selector outweighs others (Selectors 4, section 17), by its signs: what `:not` and `:is` hold counts
/// and they themselves do not.
fn specificity(selector: &str) -> (usize, usize, usize) {
    let selector = selector.to_ascii_lowercase();
    // An attribute counts once, whatever its value says.
    let (mut plain, mut attributes) = (String::new(), 0);
    for (index, part) in selector.split('[').enumerate() {
        let rest =
            if index == 0 { part } else { part.split_once(']').map_or("", |(_, rest)| rest) };
        attributes += usize::from(index > 0);
        plain.push_str(rest);
    }
    let plain = plain.replace(":not(", "(").replace(":is(", "(").replace("::", ":");
    let count = |sign| plain.matches(sign).count();
    let names = plain
        .split([' ', '>', '+', '\t', '\n', '\r', '(', ','])
        .filter(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()));
    (count('#'), count('.') + count(':') + attributes, names.count())
}

/// Rules with their selectors; a group for a kind of device holds several.
struct Rules {
    /// How many groups it stands in.
    depth: usize,
}

type Found = Vec<(String, Arc<[Declared]>)>;

impl<'i> QualifiedRuleParser<'i> for Rules {
    type Prelude = String;
    type QualifiedRule = Found;
    type Error = ();

    fn parse_prelude(&mut self, input: &mut Parser<'i>) -> Result<String, ParseError<()>> {
        Ok(rest(input))
    }

    fn parse_block(
        &mut self,
        selectors: String,
        _start: &ParserState,
        input: &mut Parser<'i>,
    ) -> Result<Found, ParseError<()>> {
        let declared = RuleBodyParser::new(input, &mut Declarations).flatten().flatten().collect();
        Ok(vec![(selectors, declared)])
    }
}

impl<'i> AtRuleParser<'i> for Rules {
    type Prelude = ();
    type AtRule = Found;
    type Error = ();

    fn parse_prelude(
        &mut self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i>,
    ) -> Result<(), ParseError<()>> {
        let for_whom = rest(input);
        // What is meant for one reading program, for paper or for a dark page is not meant for ours.
        let is_ours =
            self.depth < MAX_GROUPS && name.eq_ignore_ascii_case("media") && is_screen(&for_whom);
        if is_ours { Ok(()) } else { Err(ParseError::unexpected_token()) }
    }

    fn parse_block(
        &mut self,
        (): (),
        _start: &ParserState,
        input: &mut Parser<'i>,
    ) -> Result<Found, ParseError<()>> {
        let mut inside = Rules { depth: self.depth + 1 };
        let rules = RuleBodyParser::new(input, &mut inside).flatten().flatten().collect();
        Ok(rules)
    }
}

impl DeclarationParser<'_> for Rules {
    type Declaration = Found;
    type Error = ();
}

impl RuleBodyItemParser<'_, Found, ()> for Rules {
    fn parse_declarations(&self) -> bool {
        false
    }

    fn parse_qualified(&self) -> bool {
        true
    }
}

/// Whether a sheet or group of rules is for every screen.
fn is_screen(media: &str) -> bool {
    media.split(',').any(|one| {
        let one = one.trim();
        let kinds = ["", "all", "screen", "only screen", "only all"];
        kinds.iter().any(|name| one.eq_ignore_ascii_case(name))
    })
}

/// What an input has left, as it is written.
fn rest(input: &mut Parser<'_>) -> String {
    let start = input.position();
    while input.next_including_whitespace_and_comments().is_ok() {}
    let written = input.slice_from(start);
    // A comment separates nothing in a selector.
    let mut plain = String::with_capacity(written.len());
    let mut left = written;
    while let Some((before, comment)) = left.split_once("/*") {
        plain.push_str(before);
        left = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    plain + left
}

struct Declarations;

impl<'i> DeclarationParser<'i> for Declarations {
    type Declaration = Vec<Declared>;
    type Error = ();

    fn parse_value(
        &mut self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i>,
        _start: &ParserState,
    ) -> Result<Vec<Declared>, ParseError<()>> {
        let found = properties::parse(&name.to_ascii_lowercase(), input);
        let is_important = input.try_parse(parse_important).is_ok();
        Ok(found.into_iter().map(|property| Declared { property, is_important }).collect())
    }
}

impl AtRuleParser<'_> for Declarations {
    type Prelude = ();
    type AtRule = Vec<Declared>;
    type Error = ();
}

impl QualifiedRuleParser<'_> for Declarations {
    type Prelude = ();
    type QualifiedRule = Vec<Declared>;
    type Error = ();
}

impl RuleBodyItemParser<'_, Vec<Declared>, ()> for Declarations {
    fn parse_declarations(&self) -> bool {
        true
    }

    fn parse_qualified(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use scraper::Html;

    use super::super::properties::{Align, Property};
    use super::*;

    fn aligned(css: &str, html: &str) -> Option<Align> {
        let mut sheets = Sheets::default();
        sheets.add(Arc::new(Sheet::parse(css)));
        let html = Html::parse_document(html);
        let wanted = Selector::parse("#x").unwrap();
        let element = html.select(&wanted).next().unwrap();
        sheets.declared(element).into_iter().rev().find_map(|declared| match declared.property {
            Property::Align(align) => align,
            _ => None,
        })
    }

    #[test]
    fn the_strongest_rule_wins() {
        let html = "<div class='a'><p id='x' class='b c' title='a.b.c.d #e'>x</p></div>";
        for (css, align) in [
            ("p { text-align: center } p { text-align: right }", Some(Align::Right)),
            (".b { text-align: center } p { text-align: right }", Some(Align::Center)),
            ("div.a > p { text-align: center } .b { text-align: right }", Some(Align::Center)),
            ("#x { text-align: center } .a .b.c { text-align: right }", Some(Align::Center)),
            ("p { text-align: center !important } #x { text-align: right }", Some(Align::Center)),
            ("/* p */ h1, /* , */ p.c { text-align: center }", Some(Align::Center)),
            ("p:first-letter, p::before { text-align: center }", None),
            ("@media amzn-kf8 { p { text-align: center } }", None),
            ("@media print { p { text-align: center } }", None),
            ("@media screen { p { text-align: center } }", Some(Align::Center)),
            (
                "@import 'x.css'; @font-face { src: url(x) } p{text-align:center",
                Some(Align::Center),
            ),
            ("} p { text-align: center }", None),
            ("@media only screen { p { text-align: center } }", Some(Align::Center)),
            (
                "p.b.c { text-align: center } [class~='b'] { text-align: right }",
                Some(Align::Center),
            ),
            ("p:not(.z) { text-align: center } p.b { text-align: right }", Some(Align::Right)),
            (
                "p.b.c { text-align: center } p[title='a.b.c.d #e'] { text-align: right }",
                Some(Align::Center),
            ),
            ("p { nonsense; text-align: middle; text-align: center }", Some(Align::Center)),
        ] {
            assert_eq!(aligned(css, html), align, "{css}");
        }
        let own = "<p id='x' style='text-align: right; color: red'>x</p>";
        assert_eq!(aligned("p { text-align: center }", own), Some(Align::Right));
    }

    #[test]
    fn what_a_part_of_the_text_is_called_can_be_asked_for() {
        let html = "<p id='x' epub:type='z3998:signature x'>x</p>";
        let css = "@namespace epub 'http://www.idpf.org/2007/ops';
            [epub|type~=\"z3998:signature\"] { text-align: right }";
        assert_eq!(aligned(css, html), Some(Align::Right));
    }

    #[test]
    fn what_may_take_long_is_not_matched() {
        for slow in [
            "p:HAS(b)",
            "p:nth-child(2)",
            "p ~ p",
            "p:n\\74h-child(2)",
            ":is(* :is(* b))",
            ":not(:not(b))",
            "p:Only-Of-Type",
            "",
        ] {
            assert_eq!(usable(slow), None, "{slow}");
        }
        assert_eq!(usable(" p:not(.a):first-child ").as_deref(), Some("p:not(.a):first-child"));
        assert_eq!(usable("a[epub|type~='x y']").as_deref(), Some("a[epub\\:type~='x y']"));
        // Groups in groups without end.
        Sheet::parse(&"@media{".repeat(100_000));
    }

    #[test]
    fn a_selector_is_found_by_its_last_part() {
        for (selector, expected) in [
            ("div p.a.b", Sought::Class("a".to_owned())),
            ("div > P", Sought::Name("p".to_owned())),
            ("p#c:first-child", Sought::Id("c".to_owned())),
            ("p:not(.a, .b)", Sought::Name("p".to_owned())),
            (".x *", Sought::Any),
            ("[epub\\:type~=\"a b\"]", Sought::Any),
        ] {
            assert_eq!(sought(selector), expected, "{selector}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_style_sheet(css in ".{0,200}") {
            Sheet::parse(&css);
            declarations(&css);
        }

        #[test]
        fn anything_like_a_style_sheet_is_read(
            css in "([a-z.#*:>+ ~,(\\[\\]){}\"'@;!/*-]|text-align|center|:not|margin|1em){0,60}"
        ) {
            aligned(&css, "<p id='x' class='a'>x</p>");
        }
    }
}
