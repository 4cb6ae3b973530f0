//! Books as they are found, each with something wrong or unusual, read from file to chapters.

use std::io::{Cursor, Write};

use app::model::WarningKind;
use zip::write::SimpleFileOptions;

use crate::library::chapters::Chapter;
use crate::library::import::child::{Task, convert};
use crate::library::import::{ImportError, ImportedBook};

const CONTAINER: &str =
    "<container><rootfiles><rootfile full-path='OPS/p.opf'/></rootfiles></container>";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x28\0\0\0\x14\x08\x02\0\0\0";

/// A book that is put together entry by entry.
struct Book {
    metadata: String,
    manifest: String,
    spine: String,
    spine_attributes: String,
    entries: Vec<(String, Vec<u8>)>,
}

struct Read {
    book: ImportedBook,
    chapters: Vec<Chapter>,
    files: usize,
}

impl Book {
    fn new() -> Self {
        Self {
            metadata: "<dc:title>T</dc:title><dc:language>en</dc:language>".to_owned(),
            manifest: String::new(),
            spine: String::new(),
            spine_attributes: String::new(),
            entries: vec![("META-INF/container.xml".to_owned(), CONTAINER.into())],
        }
    }

    /// A document of the spine with this body.
    fn page(self, name: &str, body: &str) -> Self {
        let source =
            format!("<html xmlns:epub='http://www.idpf.org/2007/ops'><body>{body}</body></html>");
        self.spine_item(name, "application/xhtml+xml", source.as_bytes())
    }

    fn spine_item(mut self, name: &str, kind: &str, bytes: &[u8]) -> Self {
        self.spine += &format!("<itemref idref='{name}'/>");
        self.item(name, kind, "", bytes)
    }

    fn item(mut self, name: &str, kind: &str, more: &str, bytes: &[u8]) -> Self {
        self.manifest += &format!("<item id='{name}' href='{name}' media-type='{kind}' {more}/>");
        self.entry(&format!("OPS/{name}"), bytes)
    }

    fn nav(self, body: &str) -> Self {
        let source = format!("<html><body>{body}</body></html>");
        self.item("nav.xhtml", "application/xhtml+xml", "properties='nav'", source.as_bytes())
    }

    fn entry(mut self, path: &str, bytes: &[u8]) -> Self {
        self.entries.push((path.to_owned(), bytes.to_vec()));
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        let Self { metadata, manifest, spine, spine_attributes, .. } = &self;
        let package = format!(
            "<package><metadata>{metadata}</metadata><manifest>{manifest}</manifest>\
             <spine {spine_attributes}>{spine}</spine></package>"
        );
        self.entries.push(("OPS/p.opf".to_owned(), package.into_bytes()));
        zipped(&self.entries)
    }

    fn read(self) -> Read {
        read(self.bytes()).unwrap()
    }
}

fn zipped(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in entries {
        writer.start_file(name.as_str(), stored).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: Vec<u8>) -> Result<Read, ImportError> {
    let work = tempfile::tempdir().unwrap();
    let id = "0123456789abcdef".parse().unwrap();
    let task = Task { work: work.path().to_owned(), name: "file.epub".to_owned(), id };
    convert(Box::new(Cursor::new(bytes)), &task, |_| {})?;
    let folder = work.path().join("book");
    let book: ImportedBook =
        serde_json::from_slice(&std::fs::read(folder.join("book.json")).unwrap()).unwrap();
    let chapter = |number: usize| {
        let bytes = std::fs::read(folder.join(format!("chapters/{number}.json"))).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let chapters = (1..=book.contents.chapters.len()).map(chapter).collect();
    let files = std::fs::read_dir(folder.join("files")).unwrap().count();
    Ok(Read { book, chapters, files })
}

impl Read {
    fn titles(&self) -> Vec<&str> {
        self.chapters.iter().map(|chapter| chapter.title.as_str()).collect()
    }

    fn toc(&self) -> Vec<(u32, &str)> {
        self.book.contents.toc.iter().map(|line| (line.depth, line.title.as_str())).collect()
    }

    fn sentences(&self, chapter: usize) -> Vec<&str> {
        self.chapters[chapter].sentences.iter().map(|sentence| sentence.text.as_str()).collect()
    }

    fn kinds(&self) -> Vec<WarningKind> {
        self.book.warnings.iter().map(|warning| warning.kind).collect()
    }
}

/// The sentences of a book of one page.
fn said(body: &str) -> Vec<String> {
    let read = Book::new().page("a.xhtml", body).read();
    read.sentences(0).into_iter().map(str::to_owned).collect()
}

#[test]
fn numbers_are_text_unless_they_stand_as_marks() {
    for (body, expected) in [
        ("<p>See page <a href='#x'>45</a> and <a href='#y'>9</a>.</p>", "See page 45 and 9."),
        ("<p>Born in <a href='#y'>1812</a> here.</p>", "Born in 1812 here."),
        (
            "<p>It fell<sup><a href='#n'>[23]</a></sup> in spring<a href='#n'><sup>*4</sup></a>.</p>",
            "It fell in spring.",
        ),
        (
            "<p>It burnt<a class='fnanchor' href='#n'>[A]</a> down<a epub:type='noteref' href='#n'>b</a>.</p>",
            "It burnt down.",
        ),
        ("<p>A note [<a href='#n'>3</a>].</p>", "A note []."),
        (
            "<p>A word<a href='#n'>12</a>, and <a href='#n'>†</a> more (<a href='#n'>iv</a>).</p>",
            "A word, and  more (iv).",
        ),
        (
            "<p>M<sup>me</sup> on the 20<sup>th</sup>, 5 m<sup>2</sup>.</p>",
            "Mme on the 20th, 5 m2.",
        ),
        (
            "<p>Pages <a href='#a'>12</a>,<a href='#b'>13</a>–<a href='#c'>15</a>.</p>",
            "Pages 12,13–15.",
        ),
        (
            "<p>Raised<span style='vertical-align: super'><a href='#n'>3</a></span> by style.</p>",
            "Raised by style.",
        ),
    ] {
        assert_eq!(said(body).join(" ").replace("  ", " "), expected.replace("  ", " "), "{body}");
    }
    assert_eq!(
        said("<p>He left at dawn.<sup>3</sup> Nobody saw.</p>"),
        ["He left at dawn.", "Nobody saw."]
    );
    let note = "<aside epub:type='footnote'><p><a href='#r'>1</a> See below.</p></aside>";
    assert_eq!(said(note), ["See below."]);
}

#[test]
fn what_is_hidden_is_not_there_and_what_is_hidden_from_the_ear_is_not_said() {
    let body = "<p style='color:red; DISPLAY : none'>No.</p><p hidden=''>No.</p>\
                <div aria-hidden='true'><p>Shown.</p></div><p>Said <span aria-hidden='true'>shown</span>.</p>\
                <nav epub:type='page-list'><ol><li>91</li></ol></nav>";
    let read = Book::new().page("a.xhtml", body).read();
    assert_eq!(read.sentences(0), ["Said ."]);
    let html = &read.chapters[0].html;
    assert!(html.contains("Shown.") && !html.contains("No.") && !html.contains("91"), "{html}");
}

#[test]
fn numbers_of_printed_pages_are_not_said() {
    for number in [
        "<span epub:type='pagebreak'>7</span>",
        "<span role='doc-pagebreak' aria-label='8'>8</span>",
        "<span class='pageNum'>[Pg 10]</span>",
        "<span class='page-number'>{12}</span>",
        "<a id='page_12'>[12]</a>",
        "<span id='p0013'>Page 13</span>",
    ] {
        assert_eq!(
            said(&format!("<p>They went to {number}the shore.</p>")),
            ["They went to the shore."],
            "{number}"
        );
    }
    assert_eq!(said("<p>One.</p><p class='pagenum'>9</p><p>Two.</p>"), ["One.", "Two."]);
    assert_eq!(said("<p id='p1812'>1812 was cold.</p>"), ["1812 was cold."]);
}

#[test]
fn pictures_and_formulas_that_are_text_are_said() {
    let letter = "<p><img class='cap' src='w.png' alt='W'/>e stayed.</p>";
    assert_eq!(said(letter), ["We stayed."]);
    assert_eq!(
        said("<p><span><img src='a.png' alt='A'/></span><small>LL</small> was dark.</p>"),
        ["ALL was dark."]
    );
    assert_eq!(
        said(
            "<p><ruby><rb><img alt='喰' src='k.png'/></rb><rt>く</rt></ruby>い<img alt='爛' src='r.png'/>れた。</p>"
        ),
        ["喰い爛れた。"]
    );
    assert_eq!(
        said("<p>A dog <img src='d.png' alt='x'/> barked.</p>"),
        ["A dog  barked."].map(|s| s.replace("  ", " "))
    );
    let math = "<p>Then <math alttext='x equals one half'><mi>x</mi><mo>=</mo><mfrac><mn>1</mn><mn>2</mn></mfrac></math> holds.</p>";
    assert_eq!(said(math), ["Then x equals one half holds."]);
    let annotated = "<p>So <math><semantics><mi>y</mi><annotation encoding='x'>y squared</annotation></semantics></math>.</p>";
    assert_eq!(said(annotated), ["So y squared."]);
}

#[test]
fn breaks_end_lines_of_headings_and_verse_and_two_end_a_paragraph() {
    assert_eq!(said("<h1>Chapter One<br/>The Fair</h1>"), ["Chapter One", "The Fair"]);
    assert_eq!(
        said("<div>A Day Out<br/> <br/>We set off<br/><br/>“Late?” she asked</div>"),
        ["A Day Out", "We set off", "“Late?” she asked"]
    );
    assert_eq!(said("<p>’Twas night,<br/>The house<br/>Was still.</p>").len(), 3);
    assert_eq!(said("<p>The Book<br/>was written by<br/>A. Writer<br/>in spring.</p>").len(), 1);
    assert_eq!(said("<p class='verse'>Roses are red<br/>violets blue</p>").len(), 2);
    let prose = "running text that goes on for longer than any line of verse ever does, on and on";
    assert_eq!(said(&format!("<p>Some {prose}<br/>and {prose}.</p>")).len(), 1);
}

#[test]
fn markup_that_is_not_html_is_read() {
    let body = "<live><p>Unknown.</p></live><details><summary>More</summary><p>Details.</p></details>\
                <form><p>Form.</p></form><p><![CDATA[A < B & C.]]></p><noscript><p>No script.</p></noscript>";
    assert_eq!(said(body), ["Unknown.", "More", "Details.", "Form.", "A < B & C.", "No script."]);
    let source = "<!DOCTYPE html [<!ENTITY hero \"Robin\">]><html><body><p>Here comes &hero;.</p></body></html>";
    let read = Book::new().spine_item("a.xhtml", "application/xhtml+xml", source.as_bytes()).read();
    assert_eq!(read.sentences(0), ["Here comes Robin."]);
}

#[test]
fn files_are_found_whatever_their_case_and_in_the_manifest_or_not() {
    let mut book =
        Book::new().page("One.xhtml", "<h1>One</h1><p><img src='../img/Dog.PNG'/> Dog.</p>");
    book.manifest = book.manifest.replace("href='One.xhtml'", "href='one%2EXHTML'");
    let read = book.entry("img/dog.png", PNG).read();
    assert_eq!(read.titles(), ["One"]);
    let html = &read.chapters[0].html;
    assert!(html.contains("/books/0123456789abcdef/files/img/dog.png"), "{html}");
    assert!(html.contains("width=\"40\"") && html.contains("height=\"20\""), "{html}");
    assert!(read.book.warnings.is_empty());
}

#[test]
fn a_book_opens_without_its_container_and_one_folder_down() {
    let whole = Book::new().page("a.xhtml", "<h1>One</h1><p>Text.</p>");
    let bytes = whole.bytes();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        std::io::copy(&mut entry, &mut content).unwrap();
        entries.push((entry.name().unwrap().into_owned(), content));
    }
    let below: Vec<_> = entries
        .iter()
        .map(|(name, content)| (format!("My Book/{name}"), content.clone()))
        .collect();
    let backslashes: Vec<_> =
        entries.iter().map(|(name, content)| (name.replace('/', "\\"), content.clone())).collect();
    let bare: Vec<_> = entries.into_iter().filter(|(name, _)| !name.starts_with("META")).collect();
    for entries in [below, backslashes, bare] {
        assert_eq!(read(zipped(&entries)).unwrap().titles(), ["One"]);
    }
}

#[test]
fn a_damaged_part_costs_that_part() {
    let body = "<p>Text.</p><p><img src='a.png' alt='A dog'/><img src='gone.png'/></p>";
    let book = Book::new().page("a.xhtml", body).item("a.png", "image/png", "", PNG);
    let mut bytes = book.bytes();
    let at = bytes.windows(PNG.len()).position(|window| window == PNG).unwrap();
    bytes[at + 20] ^= 0xff;
    let broken = read(bytes).unwrap();
    assert_eq!(broken.sentences(0), ["Text."]);
    assert!(broken.chapters[0].html.contains("A dog"));
    assert_eq!(broken.kinds(), [WarningKind::Damaged, WarningKind::Missing]);

    let mut lost = Book::new().page("a.xhtml", "<h1>One</h1>");
    lost.manifest += "<item id='b' href='b.xhtml' media-type='application/xhtml+xml'/><item id='ncx' href='toc.ncx' media-type='application/x-dtbncx+xml'/>";
    lost.spine += "<itemref idref='b'/>";
    lost.spine_attributes = "toc='ncx'".to_owned();
    let lost = lost.read();
    assert_eq!(lost.titles(), ["One"]);
    assert_eq!(lost.kinds(), [WarningKind::Missing, WarningKind::Missing]);
}

#[test]
fn a_recording_inside_is_not_read() {
    let sound = vec![7; 70 << 20];
    let read =
        Book::new().page("a.xhtml", "<p>Text.</p>").item("a.mp3", "audio/mpeg", "", &sound).read();
    assert_eq!(read.sentences(0), ["Text."]);
    assert!(read.book.warnings.is_empty());
}

#[test]
fn contents_come_from_where_they_are() {
    let pages = |book: Book| {
        book.page("1.xhtml", "<h1>The Well</h1><p>A.</p>")
            .page("2.xhtml", "<h1>The Field</h1><p>B.</p>")
            .page("3.xhtml", "<h1>The Hill</h1><p>C.</p>")
    };
    let expected = ["The Well", "The Field", "The Hill"];
    assert_eq!(pages(Book::new()).read().titles(), expected);
    let title_page = "<nav epub:type='toc'><ol><li><a href='1.xhtml'>Title</a></li></ol></nav>";
    assert_eq!(pages(Book::new().nav(title_page)).read().titles(), expected);
    let ncx: String = [(1, "Bread & Butter"), (2, "Two"), (3, "Three")]
        .map(|(n, title)| format!("<navPoint><navLabel><text>{title}</text></navLabel><content src='{n}.xhtml'/></navPoint>"))
        .concat();
    let ncx = format!("<ncx><navMap>{ncx}</navMap></ncx>");
    let no_links = "<nav epub:type='toc'><ol><li><span>One</span></li></ol></nav>";
    let read = pages(Book::new().nav(no_links))
        .item("toc.ncx", "application/x-dtbncx+xml", "", ncx.as_bytes())
        .read();
    assert_eq!(read.titles(), ["Bread & Butter", "Two", "Three"]);
}

#[test]
fn parts_without_links_stay_as_levels() {
    let nav = "<div><nav epub:type='toc'><ol><li><span>Part One</span><ol><li><a href='1.xhtml'>Chapter 1</a></li>\
               <li><a href='2.xhtml'>Chapter 2</a></li></ol></li><li><span>Part Two</span><ol>\
               <li><a href='3.xhtml'>Chapter 3</a></li></ol></li></ol></nav></div>";
    let read = Book::new()
        .nav(nav)
        .page("1.xhtml", "<p>A.</p>")
        .page("2.xhtml", "<p>B.</p>")
        .page("3.xhtml", "<p>C.</p>")
        .read();
    assert_eq!(read.titles(), ["Chapter 1", "Chapter 2", "Chapter 3"]);
    assert_eq!(
        read.toc(),
        [(0, "Part One"), (1, "Chapter 1"), (1, "Chapter 2"), (0, "Part Two"), (1, "Chapter 3")]
    );
}

#[test]
fn a_long_document_is_cut_at_its_headings() {
    let chapter =
        |n: usize| format!("<h2>Part {n}</h2><p>{}</p>", "A sentence of it. ".repeat(700));
    let body: String = (1..=10).map(chapter).collect();
    let nav = "<nav epub:type='toc'><ol><li><a href='a.xhtml'>All</a></li></ol></nav>";
    let read = Book::new().nav(nav).page("a.xhtml", &format!("<h1>All</h1>{body}")).read();
    assert_eq!(read.chapters.len(), 11);
    assert_eq!(read.titles()[10], "Part 10");
}

#[test]
fn pictures_in_the_spine_and_in_addresses_are_shown() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 30 60'><title>A map</title><rect width='3' height='3'/></svg>";
    let data = "<h1>After</h1><p><img src='data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACgAAAAUCAIAAAA='/></p>";
    let read = Book::new()
        .page("a.xhtml", "<h1>Before</h1><p>Text.</p>")
        .spine_item("p.svg", "image/svg+xml", svg.as_bytes())
        .spine_item("p.png", "image/png", PNG)
        .page("b.xhtml", data)
        .page("c.xhtml", &format!("<h1>Drawn</h1><div>{svg}</div>"))
        .read();
    assert_eq!(read.titles(), ["Before", "After", "Drawn"]);
    assert_eq!(read.sentences(0), ["Before", "Text."]);
    assert_eq!(read.files, 4);
    assert_eq!(read.chapters[0].html.matches("<img").count(), 2, "{}", read.chapters[0].html);
    assert!(read.chapters[0].html.contains("width=\"30\""), "{}", read.chapters[0].html);
    for chapter in &read.chapters[1..] {
        assert!(chapter.html.contains("/files/data/"), "{}", chapter.html);
    }
}

#[test]
fn a_book_of_pictures_is_read_by_what_they_say() {
    let read = Book::new()
        .page("1.xhtml", "<div><img src='1.png' alt='A fox looks up'/></div>")
        .page("2.xhtml", "<div><img src='2.png' alt=''/></div>")
        .page("3.xhtml", "<div><img src='3.png' alt='3.png'/></div>")
        .item("1.png", "image/png", "", PNG)
        .item("2.png", "image/png", "", PNG)
        .item("3.png", "image/png", "", PNG)
        .read();
    assert_eq!(read.sentences(0), ["A fox looks up", "", ""]);
    let html = &read.chapters[0].html;
    for n in 0..3 {
        assert_eq!(html.matches(&format!("id=\"s{n}\"")).count(), 1, "{html}");
    }
    assert_eq!(html.matches("<img").count(), 3);
    assert_eq!(read.book.cover.as_deref(), Some("OPS/1.png"));
}

#[test]
fn a_book_without_text_or_pictures_is_refused_and_so_is_one_that_is_encrypted() {
    assert!(matches!(
        read(Book::new().page("a.xhtml", "<p> </p>").bytes()),
        Err(ImportError::NoText)
    ));
    assert!(matches!(read(Book::new().bytes()), Err(ImportError::Epub(_))));
    let encrypted = |method: &str| {
        let source = format!(
            "<encryption><EncryptedData><EncryptionMethod Algorithm = '{method}' /></EncryptedData></encryption>"
        );
        Book::new()
            .page("a.xhtml", "<p>Text.</p>")
            .entry("META-INF/encryption.xml", source.as_bytes())
            .bytes()
    };
    assert!(matches!(
        read(encrypted("http://www.w3.org/2001/04/xmlenc#aes128-cbc")),
        Err(ImportError::Encrypted)
    ));
    assert!(read(encrypted("http://www.idpf.org/2008/embedding")).is_ok());
}

#[test]
fn a_wrong_language_is_settled_against_the_text() {
    let russian = "<p>Во дворе было тихо. Старик сидел у окна и смотрел на дорогу, по которой никто не шёл.</p>";
    let mut book = Book::new().page("a.xhtml", &russian.repeat(3));
    book.metadata = "<dc:title>T</dc:title><dc:language>en-US</dc:language>".to_owned();
    let read = book.read();
    assert_eq!((read.book.language.as_str(), read.kinds()), ("ru", vec![WarningKind::Language]));
}

#[test]
fn names_are_shown_as_they_are_and_turn_nothing_around() {
    let mut book = Book::new().page("a.xhtml", "<h1>One</h1>");
    book.metadata =
        "<dc:title>Evil\u{202e}txt &lt;/title>\u{1}</dc:title><dc:creator>\u{2066}A</dc:creator>\
                     <dc:language>en'><x></dc:language>"
            .to_owned();
    let read = book.read();
    assert_eq!(read.book.title, "Eviltxt </title>");
    assert_eq!(read.book.authors, ["A"]);
    assert!(read.book.language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
}
