//! One chapter as a page and as sentences.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;
use std::{iter, mem};

use serde::{Deserialize, Serialize};

use super::notes::{DocumentId, NoteReference, Notes, referred};
use super::overlays::Standing;
use super::tables::Tables;
use super::{Parsed, chapter_of};
use crate::library::html::{ALT_TEXT, BlockKind, Item, LOOK, MATHML, Part};
use crate::library::import::language;
use crate::library::manuscript::Manuscript;
use crate::library::overlay::Overlay;
use crate::library::paths::{encode, fragment, join};
use crate::text::language::LanguageRules;
use crate::text::markup::{self, Inline, InlineElement, Spans};
use crate::text::references::{Aside, asides};
use crate::text::sentence::{MAX_SENTENCE_CHARS, is_speakable, limit_length, split_sentences};

/// A chapter, ready to be shown and spoken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// From the table of contents, else its first heading.
    pub title: String,
    /// Sanitised HTML with sentence `n` in spans with `data-s="n"`.
    pub html: String,
    /// Its sentences in reading order; the index of a sentence is its place here.
    pub sentences: Vec<Sentence>,
    /// The sentences of the notes that the text of the book refers to, by the notes' ids on the page.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, Range<u32>>,
}

impl Chapter {
    /// Characters of all its sentences.
    pub fn characters(&self) -> usize {
        self.sentences.iter().map(|sentence| sentence.text.chars().count()).sum()
    }

    /// Which of its sentences are of notes that the text of the book refers to. One look at each note, however many
    /// a book has and however they overlap.
    pub fn referred_to(&self) -> Vec<bool> {
        let mut notes: Vec<&Range<u32>> = self.notes.values().collect();
        notes.sort_unstable_by_key(|note| note.start);
        let mut referred = vec![false; self.sentences.len()];
        let mut told = 0;
        for note in notes {
            let (from, to) = (told.max(note.start as usize), note.end as usize);
            referred.get_mut(from..to).into_iter().flatten().for_each(|one| *one = true);
            told = told.max(to);
        }
        referred
    }
}

/// What is highlighted and spoken as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentence {
    /// As shown, without silent marks.
    pub text: String,
    /// The pause after it.
    pub pause: Pause,
    /// What of the text it belongs to. Books that were read before this was told are all running text.
    #[serde(default, skip_serializing_if = "Part::is_text")]
    pub part: Part,
    /// Its language, where that is not the book's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Where it is heard in the sound that the book brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlay: Option<Overlay>,
    /// The heading of the column of the table that it begins a cell of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// Places that the book says the sound of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sounds: Vec<Sound>,
    /// The notes that it refers to, in turn. Books that were read before this was told have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<NoteReference>,
}

/// A place of a sentence, and how the book says that it sounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Bytes of the sentence's text.
    pub place: Range<usize>,
    /// In IPA.
    pub phonemes: String,
}

/// How long the voice rests after a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// Within a sentence that was cut for length.
    Clause,
    /// Between sentences of a block.
    Sentence,
    /// After a verse line or table cell.
    Line,
    /// After a paragraph.
    Paragraph,
    /// After a heading.
    Heading,
    /// After a picture that is a page.
    Picture,
    /// At the end of the chapter.
    Chapter,
}

/// Where references inside the book lead.
pub(super) struct Links<'b> {
    book_id: &'b str,
    manuscript: &'b Manuscript,
    parsed: &'b Parsed<'b>,
    ranges: &'b [Range<usize>],
    /// The notes that are referred to.
    notes: HashSet<DocumentId>,
}

impl<'b> Links<'b> {
    pub(super) fn new(
        book_id: &'b str,
        manuscript: &'b Manuscript,
        parsed: &'b Parsed<'b>,
        ranges: &'b [Range<usize>],
    ) -> Self {
        let mut links = Self { book_id, manuscript, parsed, ranges, notes: HashSet::new() };
        links.notes = referred(parsed, &links);
        links
    }

    /// The document of the book that a reference leads to; `None` for what is outside of it.
    fn document(&self, from: usize, href: &str) -> Option<usize> {
        if href.starts_with('#') {
            return Some(from);
        }
        let path = join(&self.manuscript.documents[from].path, href);
        self.parsed.documents.get(&path)
    }

    /// The place in the book that a reference leads to.
    pub(super) fn anchor(&self, from: usize, href: &str) -> Option<DocumentId> {
        if scheme(href).is_some() {
            return None;
        }
        let place = (self.document(from, href)?, fragment(href)?);
        self.parsed.anchors.contains_key(&(place.0, place.1.as_str())).then_some(place)
    }

    /// The note that a reference leads to.
    fn note(&self, from: usize, href: &str) -> Option<NoteReference> {
        let (document, id) = self.anchor(from, href).filter(|place| self.notes.contains(place))?;
        let at = *self.parsed.anchors.get(&(document, id.as_str()))?;
        let chapter = chapter_of(self.ranges, at) as u32;
        Some(NoteReference { chapter, id: page_id(document, &id) })
    }

    /// The address of a picture, if the book has it. The importer has made references to pictures paths
    /// inside the book.
    fn picture(&self, path: &str) -> Option<String> {
        self.manuscript
            .files
            .contains(path)
            .then(|| format!("/books/{}/files/{}", self.book_id, encode(path)))
    }

    /// The address a link leads to; `None` for what is not in the book and not on the web.
    fn target(&self, document: usize, chapter: u32, href: &str) -> Option<String> {
        if let Some(scheme) = scheme(href) {
            let scheme = scheme.to_ascii_lowercase();
            return matches!(scheme.as_str(), "http" | "https" | "mailto").then(|| href.to_owned());
        }
        let target = self.document(document, href)?;
        let id = fragment(href);
        let at = id.as_deref().and_then(|id| self.parsed.anchors.get(&(target, id)).copied());
        let to = chapter_of(self.ranges, at.unwrap_or(self.parsed.document_starts[target])) as u32;
        let id = id.filter(|_| at.is_some()).map(|id| format!("#{}", page_id(target, &id)));
        let id = id.unwrap_or_default();
        Some(if to == chapter && !id.is_empty() {
            id
        } else {
            format!("/read/{}/{to}{id}", self.book_id)
        })
    }
}

/// What stands before the colon of an address that is none of the book's own.
fn scheme(href: &str) -> Option<&str> {
    let before_path = href.split(['/', '#', '?']).next().unwrap_or_default();
    before_path.split_once(':').map(|(scheme, _)| scheme)
}

/// The id an element of a book's document has on our page: unique over the documents of a chapter,
/// and never one of the page's own.
pub(super) fn page_id(document: usize, id: &str) -> String {
    format!("d{document}-{}", id.replace(char::is_whitespace, "_"))
}

/// Typesets the items of one chapter; `before` are the containers that opened in an earlier chapter and
/// still stand open here.
pub(super) fn chapter(
    book: &Parsed<'_>,
    range: Range<usize>,
    before: &[usize],
    number: u32,
    title: String,
    links: &Links<'_>,
    language: &str,
) -> Chapter {
    let mut setter = Typesetter {
        links,
        number,
        rules: LanguageRules::for_tag(language),
        language,
        open: Vec::new(),
        languages: Vec::new(),
        html: String::new(),
        sentences: Vec::new(),
        standing: Standing::default(),
        notes: Notes::default(),
        tables: Tables::default(),
        references: Vec::new(),
    };
    let mut part = None;
    let mut documents = Vec::new();
    for at in before.iter().copied().chain(range) {
        let (document, item) = book.items[at];
        if part != Some(document) {
            if part.is_some() {
                setter.end_part();
            }
            setter.begin_part(book, document);
            part = Some(document);
            documents.push(document);
        }
        setter.item(document, (at, item));
    }
    setter.end_part();
    setter.lay_overlays(&documents);
    if let Some(last) = setter.sentences.last_mut() {
        last.pause = Pause::Chapter;
    }
    let notes = setter.notes.finish(setter.sentences.len() as u32);
    Chapter { title, html: sanitise(&setter.html), sentences: setter.sentences, notes }
}

/// The containers that stand open at a place, found by walking on from the place before.
#[derive(Default)]
pub(super) struct OpenContainers {
    open: Vec<usize>,
    next: usize,
}

impl OpenContainers {
    /// Indexes of the containers open at `at`, which is not before the last place asked for.
    pub(super) fn at(&mut self, book: &Parsed<'_>, at: usize) -> Vec<usize> {
        for index in self.next..at {
            match book.items[index].1 {
                Item::Open { .. } => self.open.push(index),
                Item::Close => drop(self.open.pop()),
                _ => {}
            }
        }
        self.next = at;
        self.open.clone()
    }
}

struct Typesetter<'b> {
    links: &'b Links<'b>,
    number: u32,
    rules: &'static LanguageRules,
    /// The book's.
    language: &'b str,
    /// Names of open containers.
    open: Vec<String>,
    /// The language in each of them, where it is not the book's.
    languages: Vec<Option<String>>,
    html: String,
    sentences: Vec<Sentence>,
    /// Where things stand in the text, for what is heard of it.
    standing: Standing,
    notes: Notes,
    tables: Tables,
    /// What has been referred to before the first sentence.
    references: Vec<NoteReference>,
}

impl Typesetter<'_> {
    /// A document in another language than the book says so to the browser.
    fn begin_part(&mut self, book: &Parsed<'_>, document: usize) {
        self.languages.clear();
        if let Some(tag) = book.languages[document] {
            let is_told = language::is_believable(tag, &book.beginning(document));
            let other = language::declared(tag, self.language).filter(|_| is_told);
            self.languages.push(other);
            markup::start_tag("div", &[("lang".to_owned(), tag.to_owned())], &mut self.html);
            self.open.push("div".to_owned());
        }
    }

    fn end_part(&mut self) {
        while let Some(name) = self.open.pop() {
            self.end_tag(&name);
        }
        self.standing.end();
    }

    /// Whether the book brings the sound of passages of a document.
    fn is_heard(&self, document: usize) -> bool {
        !self.links.manuscript.documents[document].heard.is_empty()
    }

    fn lay_overlays(&mut self, documents: &[usize]) {
        let sources = &self.links.manuscript.documents;
        let passages = documents.iter().flat_map(|document| {
            sources[*document].heard.iter().map(|passage| (*document, passage))
        });
        let laid = self.standing.lay(passages);
        for (sentence, overlay) in self.sentences.iter_mut().zip(laid) {
            sentence.overlay = overlay;
        }
    }

    fn item(&mut self, document: usize, (at, item): (usize, &Item)) {
        match item {
            Item::Open { name, attributes } => {
                let own_id =
                    attributes.iter().find(|(name, _)| name == "id").map(|(_, id)| id.clone());
                let attributes = self.page_attributes(document, attributes);
                markup::start_tag(name, &attributes, &mut self.html);
                self.open.push(name.clone());
                self.tables.open(name, &attributes);
                // A note that begins with its first paragraph may have more of them.
                if let Some(id) = own_id.as_ref().filter(|_| name != "p") {
                    self.notes.opens(&page_id(document, id), self.open.len());
                }
                let id = own_id.filter(|_| self.is_heard(document));
                self.standing.open(id.map(|id| (document, id)));
                let outer = self.languages.last().cloned().flatten();
                let own = attributes.iter().find(|(name, _)| name == "lang");
                self.languages.push(match own {
                    Some((_, tag)) => language::declared(tag, self.language),
                    None => outer,
                });
            }
            // A close without its open belongs to a container of the chapter before.
            Item::Close => {
                if let Some(name) = self.open.pop() {
                    self.end_tag(&name);
                    self.tables.close(&name);
                    self.languages.pop();
                    self.standing.close();
                    self.notes.close(self.sentences.len() as u32, self.open.len());
                }
            }
            // Ids are written with their elements; anchors only say where they are.
            Item::Anchor(id) => {
                // Of several with one id the first is what links lead to.
                let first = self.links.parsed.anchors.get(&(document, id.as_str()));
                if first == Some(&at) && self.links.notes.contains(&(document, id.clone())) {
                    let in_paragraph = self.open.last().is_some_and(|name| name == "p");
                    let depth = self.open.len() - usize::from(in_paragraph);
                    self.notes.announce(page_id(document, id), depth);
                }
            }
            Item::Rule => self.html.push_str("<hr>"),
            Item::Gap => self.html.push_str("<br><br>"),
            Item::Block { inlines, kind, part, has_lines } => {
                self.block(document, inlines, (*kind, *part), *has_lines);
            }
        }
    }

    fn block(
        &mut self,
        document: usize,
        inlines: &[Inline],
        (kind, part): (BlockKind, Part),
        has_lines: bool,
    ) {
        let ids = if self.is_heard(document) { markup::ids(inlines) } else { Vec::new() };
        let ids = ids.into_iter().map(|(place, id)| ((document, id.to_owned()), place));
        let silent = markup::silent_links(inlines);
        let is_numbered = silent.first().is_some_and(|(place, _)| *place == 0);
        let of_text = silent.into_iter().filter(|_| part != Part::Note);
        let references = of_text.filter_map(|(place, href)| {
            let note = self.links.note(document, href)?;
            Some((place, note))
        });
        // Numbers that stand alone before the first sentence belong to it.
        let before = mem::take(&mut self.references).into_iter().map(|note| (0, note));
        let references: Vec<(usize, NoteReference)> = before.chain(references).collect();
        let inlines = with_asides(self.page_inlines(document, inlines));
        // Same bytes, so ranges hold for the text shown (preformatted text keeps its lines).
        let text = markup::plain_text(&inlines).replace(['\n', '\t', '\r'], " ");
        let first = self.sentences.len() as u32;
        // A picture and a space that does not break have nothing to highlight, unless it is a page.
        let is_page = kind == BlockKind::Picture && inlines.iter().any(shows_picture);
        if is_page && text.chars().count() <= MAX_SENTENCE_CHARS {
            // A page of a book of pictures has what it says beside the picture; others keep that in it.
            let said = description(&inlines).filter(|_| !part.is_text() && text.trim().is_empty());
            markup::render_picture(&inlines, first, said.is_some(), &mut self.html);
            let pause = if said.is_some() { Pause::Paragraph } else { Pause::Picture };
            let text = said.unwrap_or(text.trim()).to_owned();
            let language = self.languages.last().cloned().flatten();
            self.notes.block(first, part, is_numbered);
            self.standing.add(iter::once(0..text.len().max(1)), ids);
            let (overlay, heading, sounds) = (None, None, Vec::new());
            let notes = references.into_iter().map(|(_, note)| note).collect();
            let said = Sentence { text, pause, part, language, overlay, heading, sounds, notes };
            self.sentences.push(said);
            return;
        }
        if text.trim().is_empty() {
            // Those that stand alone later, as in a cell of a table, to the one before.
            let last = self.sentences.last_mut().map(|last| &mut last.notes);
            last.unwrap_or(&mut self.references)
                .extend(references.into_iter().map(|(_, note)| note));
            markup::render(&inlines, &[], Spans { first, part: None }, &mut self.html);
            return;
        }
        let is_told = self.languages.last().cloned().flatten();
        let language = is_told
            .or_else(|| language::declared(only_language(&inlines)?, self.language))
            .or_else(|| language::of_passage(&text, self.language));
        let lines = if has_lines { markup::line_ends(&inlines) } else { Vec::new() };
        let whole = self.sentences_of(&text, &lines);
        let ends: HashSet<usize> = whole.iter().map(|sentence| sentence.end).collect();
        let ranges = limit_length(&text, whole);
        let sounds = markup::phonemes(&inlines);
        let spans = Spans { first, part: part_name(part) };
        markup::render(&inlines, &ranges, spans, &mut self.html);
        self.notes.block(first, part, is_numbered);
        self.standing.add(ranges.iter().cloned(), ids);
        let mut heading = self.tables.text(&text);
        let mut references = references.into_iter().peekable();
        self.sentences.extend(ranges.iter().map(|range| {
            Sentence {
                text: text[range.clone()].trim().to_owned(),
                pause: if range.end == text.len() {
                    pause_after(kind)
                } else if lines.contains(&range.end) {
                    Pause::Line
                } else if ends.contains(&range.end) {
                    Pause::Sentence
                } else {
                    Pause::Clause
                },
                part,
                language: language.clone(),
                overlay: None,
                heading: heading.take(),
                sounds: sounds_in(&text, range, &sounds),
                // A number right behind a sentence belongs to it, and what follows the last one to that.
                notes: iter::from_fn(|| {
                    references.next_if(|(place, _)| *place <= range.end || range.end == text.len())
                })
                .map(|(_, note)| note)
                .collect(),
            }
        }));
    }

    /// The sentences of a block whose lines end at `lines`. A line that says nothing goes with the one
    /// before it.
    fn sentences_of(&self, text: &str, lines: &[usize]) -> Vec<Range<usize>> {
        let mut sentences: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        for end in lines.iter().copied().chain([text.len()]) {
            let line = &text[start..end];
            if !is_speakable(line) {
                match sentences.last_mut() {
                    Some(last) => last.end = end,
                    // With the line that follows.
                    None if end < text.len() => continue,
                    None => sentences.push(start..end),
                }
            } else {
                let inside = split_sentences(line, self.rules).into_iter();
                sentences.extend(inside.map(|range| start + range.start..start + range.end));
            }
            start = end;
        }
        sentences
    }

    /// A copy of a block's content with references that work on our page.
    fn page_inlines(&self, document: usize, inlines: &[Inline]) -> Vec<Inline> {
        inlines
            .iter()
            .filter_map(|inline| match inline {
                Inline::Text(text) => Some(Inline::Text(text.clone())),
                Inline::Element(element) => {
                    let attributes = self.page_attributes(document, &element.attributes);
                    let is_lost_image =
                        element.name == "img" && !attributes.iter().any(|(name, _)| name == "src");
                    (!is_lost_image).then(|| {
                        Inline::Element(InlineElement {
                            name: element.name.clone(),
                            attributes,
                            children: self.page_inlines(document, &element.children),
                            silent: element.silent,
                        })
                    })
                }
            })
            .collect()
    }

    fn page_attributes(
        &self,
        document: usize,
        attributes: &[(String, String)],
    ) -> Vec<(String, String)> {
        attributes
            .iter()
            .filter_map(|(name, value)| {
                let value = match name.as_str() {
                    "id" => page_id(document, value),
                    "href" => self.links.target(document, self.number, value)?,
                    "src" => self.links.picture(value)?,
                    _ => value.clone(),
                };
                Some((name.clone(), value))
            })
            .collect()
    }

    fn end_tag(&mut self, name: &str) {
        self.html.push_str("</");
        self.html.push_str(name);
        self.html.push('>');
    }
}

/// The same content with what may be passed over in an element of its own, for the style sheet to dim.
fn with_asides(inlines: Vec<Inline>) -> Vec<Inline> {
    let mut apart = Vec::with_capacity(inlines.len());
    for inline in inlines {
        match inline {
            Inline::Element(mut element) => {
                element.children = with_asides(element.children);
                apart.push(Inline::Element(element));
            }
            Inline::Text(text) => {
                let mut from = 0;
                for (place, aside) in asides(&text) {
                    apart.push(Inline::Text(text[from..place.start].to_owned()));
                    let name = match aside {
                        Aside::Citation => "citation",
                        Aside::Address => "address",
                    };
                    apart.push(Inline::Element(InlineElement {
                        name: "span".to_owned(),
                        attributes: vec![("data-part".to_owned(), name.to_owned())],
                        children: vec![Inline::Text(text[place.clone()].to_owned())],
                        silent: false,
                    }));
                    from = place.end;
                }
                apart.push(Inline::Text(text[from..].to_owned()));
            }
        }
    }
    apart.retain(|inline| !matches!(inline, Inline::Text(text) if text.is_empty()));
    apart
}

/// The sounds of a sentence that stands at `range` of its block's text. What is cut through has none.
fn sounds_in(text: &str, range: &Range<usize>, sounds: &[(Range<usize>, &str)]) -> Vec<Sound> {
    let shown = &text[range.clone()];
    let start = range.start + shown.len() - shown.trim_start().len();
    let end = start + shown.trim().len();
    let inside = sounds.iter().filter(|(place, _)| start <= place.start && place.end <= end);
    let sound = |(place, phonemes): &(Range<usize>, &str)| Sound {
        place: place.start - start..place.end - start,
        phonemes: (*phonemes).to_owned(),
    };
    inside.map(sound).collect()
}

/// The language of the one element that a block consists of, if it says so.
fn only_language(inlines: &[Inline]) -> Option<&str> {
    let mut filled = inlines.iter().filter(|one| match one {
        Inline::Text(text) => !text.trim().is_empty(),
        Inline::Element(_) => true,
    });
    let (Some(Inline::Element(element)), None) = (filled.next(), filled.next()) else {
        return None;
    };
    let own = element.attributes.iter().find(|(name, _)| name == "lang");
    own.map(|(_, tag)| tag.as_str()).or_else(|| only_language(&element.children))
}

/// What a picture that is described says of itself.
fn description(inlines: &[Inline]) -> Option<&str> {
    inlines.iter().find_map(|inline| match inline {
        Inline::Element(element) if element.name == "img" => {
            let alt = element.attributes.iter().find(|(name, _)| name == "alt");
            alt.map(|(_, alt)| alt.trim()).filter(|alt| !alt.is_empty())
        }
        Inline::Element(element) => description(&element.children),
        Inline::Text(_) => None,
    })
}

fn shows_picture(inline: &Inline) -> bool {
    match inline {
        Inline::Element(element) => {
            element.name == "img" || element.children.iter().any(shows_picture)
        }
        Inline::Text(_) => false,
    }
}

/// What the style sheet knows a part by, to dim it when it is passed over.
fn part_name(part: Part) -> Option<&'static str> {
    match part {
        Part::Text => None,
        Part::Note => Some("note"),
        Part::Table => Some("table"),
        Part::Code => Some("code"),
        Part::Caption => Some("caption"),
        Part::Picture => Some("picture"),
        Part::Heading => Some("heading"),
    }
}

fn pause_after(kind: BlockKind) -> Pause {
    match kind {
        BlockKind::Heading => Pause::Heading,
        BlockKind::Paragraph => Pause::Paragraph,
        BlockKind::Line => Pause::Line,
        BlockKind::Picture => Pause::Picture,
    }
}

/// The walk has copied only what it knows; this is the second lock on the door, by the library
/// whose whole task it is.
fn sanitise(html: &str) -> String {
    static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
        let mut cleaner = ammonia::Builder::default();
        cleaner
            .add_tags([
                "section",
                "main",
                "address",
                "nav",
                "figure",
                "figcaption",
                "aside",
                "header",
                "footer",
                "article",
                "rb",
                "rtc",
            ])
            .add_tags(MATHML)
            .add_generic_attributes(["id", "data-s", "data-part", LOOK, "dir", "lang"])
            .add_tag_attributes("ol", ["reversed", "type"])
            .add_tag_attributes("li", ["value"])
            .add_tag_attributes("math", ["display", "aria-hidden"])
            .add_allowed_classes("span", [ALT_TEXT, markup::PICTURE])
            .url_schemes(["http", "https", "mailto"].into())
            .link_rel(Some("noopener noreferrer"))
            .set_tag_attribute_value("img", "loading", "lazy");
        cleaner
    });
    CLEANER.clean(html).to_string()
}
