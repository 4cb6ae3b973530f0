use super::*;
use crate::library::manuscript::{SourceDocument, SourceTocEntry};

/// A composed book, all of it in memory.
#[derive(Debug, PartialEq)]
struct Composed {
    chapters: Vec<Chapter>,
    toc: Vec<TocLine>,
}

fn compose(manuscript: &Manuscript, book_id: &str) -> Composed {
    let mut chapters = Vec::new();
    let contents = super::compose(manuscript, book_id, |number, chapter| {
        assert_eq!(number as usize, chapters.len() + 1);
        chapters.push(chapter.clone());
        Ok(())
    });
    let contents = contents.unwrap();
    for (card, chapter) in contents.chapters.iter().zip(&chapters) {
        assert_eq!((&card.title, card.sentences), (&chapter.title, chapter.sentences.len() as u32));
    }
    Composed { chapters, toc: contents.toc }
}

fn manuscript(documents: &[(&str, &str)], toc: &[(&str, u32, &str)]) -> Manuscript {
    Manuscript {
        language: "en".to_owned(),
        documents: documents
            .iter()
            .map(|(path, body)| {
                SourceDocument::parse(path, &format!("<html><body>{body}</body></html>"))
            })
            .collect(),
        toc: toc
            .iter()
            .map(|(title, depth, target)| {
                let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
                SourceTocEntry {
                    title: (*title).to_owned(),
                    depth: *depth,
                    path: path.to_owned(),
                    fragment: (!fragment.is_empty()).then(|| fragment.to_owned()),
                    is_heading: false,
                }
            })
            .collect(),
        files: ["img/a b.png".to_owned()].into(),
        ..Manuscript::default()
    }
}

fn titles(composed: &Composed) -> Vec<&str> {
    composed.chapters.iter().map(|chapter| chapter.title.as_str()).collect()
}

fn words(composed: &Composed, chapter: usize) -> String {
    let sentences = &composed.chapters[chapter].sentences;
    sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn several_documents_can_be_one_chapter() {
    let composed = compose(
        &manuscript(
            &[("a", "<p>One.</p>"), ("b", "<p>Two.</p>"), ("c", "<p>Three.</p>")],
            &[("First", 0, "a"), ("Second", 0, "c")],
        ),
        "x",
    );
    assert_eq!(titles(&composed), ["First", "Second"]);
    assert_eq!(words(&composed, 0), "One. Two.");
}

#[test]
fn fragments_cut_a_document_and_containers_are_closed_and_opened() {
    let body = "<section><div id='one'><h2>I</h2><p>One.</p></div>\
                <div id='two'><h2>II</h2><p>Two.</p></div></section>";
    let composed =
        compose(&manuscript(&[("a", body)], &[("First", 0, "a#one"), ("Second", 0, "a#two")]), "x");
    assert_eq!(titles(&composed), ["First", "Second"]);
    assert_eq!(words(&composed, 1), "II Two.");
    for chapter in &composed.chapters {
        assert_eq!(chapter.html.matches("<div").count(), chapter.html.matches("</div>").count());
        assert!(chapter.html.starts_with("<section>"), "{}", chapter.html);
    }
}

#[test]
fn subsections_stay_in_their_chapter_unless_it_is_long() {
    let toc = [("Chapter", 0, "a"), ("Section", 1, "a#s"), ("Next", 0, "b")];
    let short = "<p>One.</p><p id='s'>Two.</p>";
    let composed = compose(&manuscript(&[("a", short), ("b", "<p>End.</p>")], &toc), "x");
    assert_eq!(titles(&composed), ["Chapter", "Next"]);
    assert_eq!(composed.toc[1].anchor.as_deref(), Some("d0-s"));
    assert_eq!(composed.toc[1].chapter, 1);

    let long = format!("<p>{}</p><p id='s'>Two.</p>", "Long sentence. ".repeat(8_000));
    let composed = compose(&manuscript(&[("a", &long), ("b", "<p>End.</p>")], &toc), "x");
    assert_eq!(titles(&composed), ["Chapter", "Section", "Next"]);
}

#[test]
fn chapters_under_the_books_title_are_chapters_in_every_file() {
    // As Project Gutenberg makes them: a root entry, and files cut by size.
    let first = "<h1 id='t'>Book</h1><h2 id='i'>I</h2><p>One.</p><h2 id='ii'>II</h2><p>Two.</p>";
    let second = "<h2 id='iii'>III</h2><p>Three.</p>";
    let toc = [
        ("Book", 0, "a#t"),
        ("I", 1, "a#i"),
        ("II", 1, "a#ii"),
        ("III", 1, "b#iii"),
        ("End", 0, "c"),
    ];
    let documents = [("a", first), ("b", second), ("c", "<p>End.</p>")];
    let composed = compose(&manuscript(&documents, &toc), "x");
    assert_eq!(titles(&composed), ["Book", "I", "II", "III", "End"]);
    let composed = compose(&manuscript(&documents[..1], &toc[..3]), "x");
    assert_eq!(titles(&composed), ["Book", "I", "II"]);
}

#[test]
fn front_matter_is_a_chapter_when_it_speaks() {
    let toc = [("First", 0, "b")];
    let silent = compose(&manuscript(&[("a", "<img src='x'>"), ("b", "<p>B.</p>")], &toc), "x");
    assert_eq!(titles(&silent), ["First"]);
    let spoken = compose(&manuscript(&[("a", "<h1>Foreword</h1>"), ("b", "<p>B.</p>")], &toc), "x");
    assert_eq!(titles(&spoken), ["Foreword", "First"]);
    assert_eq!(spoken.toc.len(), 2);
}

#[test]
fn a_book_without_contents_is_one_chapter() {
    let composed = compose(&manuscript(&[("a", "<h1>Only</h1><p>Text.</p>")], &[]), "x");
    assert_eq!(titles(&composed), ["Only"]);
    assert_eq!(compose(&manuscript(&[], &[]), "x").chapters.len(), 1);
}

#[test]
fn links_lead_to_chapters_and_images_to_files() {
    let body = "<p><a href='b#note'>1</a> <a href='#top'>2</a> <a href='javascript:x'>3</a>\
                <a href='https://example.org/'>4</a> <img src='img/a b.png'/><img src='no.png'/></p>";
    let composed = compose(
        &manuscript(
            &[("t/a", &format!("<div id='top'>{body}</div>")), ("t/b", "<p id='note'>N.</p>")],
            &[("A", 0, "t/a"), ("B", 0, "t/b")],
        ),
        "x",
    );
    // Relative references resolve against the document's folder.
    let html = &composed.chapters[0].html;
    for expected in [
        "href=\"/read/x/2#d1-note\"",
        "href=\"#d0-top\"",
        "href=\"https://example.org/\"",
        "src=\"/books/x/files/img/a%20b.png\"",
    ] {
        assert!(html.contains(expected), "{expected} in {html}");
    }
    assert!(!html.contains("javascript") && !html.contains("no.png"));
}

#[test]
fn pauses_follow_the_structure() {
    let composed = compose(
        &manuscript(&[("a", "<h1>Title</h1><p>One. Two.</p><div>Line</div><p>End.</p>")], &[]),
        "x",
    );
    let pauses: Vec<_> = composed.chapters[0].sentences.iter().map(|s| s.pause).collect();
    assert_eq!(
        pauses,
        [Pause::Heading, Pause::Sentence, Pause::Paragraph, Pause::Line, Pause::Chapter]
    );
}

#[test]
fn the_same_manuscript_gives_the_same_sentences() {
    let source = manuscript(&[("a", "<p>One. Two “three.” Four.</p>")], &[]);
    assert_eq!(compose(&source, "x").chapters, compose(&source, "x").chapters);
}

#[test]
fn a_picture_and_a_space_are_no_sentence() {
    let body = "<p>One.</p><p><img src='lost.png'/>&#160;</p><p>Two.</p>";
    let composed = compose(&manuscript(&[("a", body)], &[("First", 0, "a")]), "x");
    assert_eq!(words(&composed, 0), "One. Two.");
    assert_eq!(composed.chapters[0].sentences.len(), 2);
}

/// The texts of the notes that a sentence refers to.
fn notes_of(composed: &Composed, chapter: usize, sentence: usize) -> Vec<String> {
    let references = &composed.chapters[chapter].sentences[sentence].notes;
    let text = |reference: &NoteReference| {
        let chapter = &composed.chapters[reference.chapter as usize - 1];
        let range = chapter.notes[&reference.id].clone();
        let sentences = &chapter.sentences[range.start as usize..range.end as usize];
        sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    references.iter().map(text).collect()
}

#[test]
fn sentences_know_the_notes_that_they_refer_to() {
    let first = "<p>One.<a epub:type='noteref' href='#n1'>1</a> Two<sup><a href='notes#m1'>2</a></sup> it is. \
                 Three, see <a href='#n1'>there</a>.</p>\
                 <aside epub:type='footnote' id='n1'><p>First note.</p><p>It goes on.</p></aside><p>Four.</p>";
    let notes = "<h1>Notes</h1><div class='footnotes'>\
                 <p><a id='m1' href='a#r1'>2</a> Second note.</p><p>More of it.</p>\
                 <p><a id='m2' href='a#r2'>3</a> Nobody refers to it.</p>\
                 <p id='m3'>Third note.</p><p>Whose is this?</p></div>";
    let last =
        "<p>Five<a href='notes#m3'>*</a> and <a epub:type='noteref' href='gone#x'>9</a>.</p>";
    let documents = [("a", first), ("notes", notes), ("b", last)];
    let toc = [("First", 0, "a"), ("Notes", 0, "notes"), ("Last", 0, "b")];
    let composed = compose(&manuscript(&documents, &toc), "x");
    assert_eq!(notes_of(&composed, 0, 0), ["First note. It goes on."]);
    assert_eq!(notes_of(&composed, 0, 1), ["Second note. More of it."]);
    // A link in the text refers to no note, nor does a note to its own number.
    assert!(notes_of(&composed, 0, 2).is_empty());
    assert!(composed.chapters[1].sentences.iter().all(|sentence| sentence.notes.is_empty()));
    assert_eq!(notes_of(&composed, 2, 0), ["Third note. Whose is this?"]);
    assert_eq!(composed.chapters[1].notes.len(), 2);
}
