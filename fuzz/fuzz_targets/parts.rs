//! The parts of an EPUB, each hostile by itself, in a container that is whole: package, contents, a document,
//! a style sheet and a picture.
#![no_main]

use std::cell::RefCell;
use std::io::{Cursor, Write};

use earmark::library::import::child::{Task, convert};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const CONTAINER: &str =
    "<container><rootfiles><rootfile full-path='p.opf'/></rootfiles></container>";
const PACKAGE: &str = "<package><metadata><dc:title>T</dc:title></metadata><manifest>\
    <item id='n' href='nav.xhtml' properties='nav'/><item id='x' href='toc.ncx'/><item id='a' href='a.xhtml'/>\
    <item id='s' href='s.css' media-type='text/css'/><item id='i' href='i' properties='cover-image'/></manifest>\
    <spine toc='x'><itemref idref='a'/><itemref idref='i'/></spine></package>";

thread_local! {
    /// The folder of the one task there is at a time.
    static WORK: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Package (the usual one when empty), contents of both kinds, a document, a style sheet, a picture.
type Parts<'a> = (&'a str, &'a str, &'a str, &'a [u8], &'a str, &'a [u8]);

fuzz_target!(|parts: Parts<'_>| {
    let (package, nav, ncx, document, sheet, picture) = parts;
    let package = if package.is_empty() { PACKAGE } else { package };
    let entries: [(&str, &[u8]); 7] = [
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("p.opf", package.as_bytes()),
        ("nav.xhtml", nav.as_bytes()),
        ("toc.ncx", ncx.as_bytes()),
        ("a.xhtml", document),
        ("s.css", sheet.as_bytes()),
        ("i", picture),
    ];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in entries {
        if writer.start_file(name, stored).is_err() || writer.write_all(content).is_err() {
            return;
        }
    }
    let Ok(file) = writer.finish() else { return };
    WORK.with_borrow_mut(|work| {
        let Some(folder) = work.take().or_else(|| tempfile::tempdir().ok()) else { return };
        let Ok(id) = "0123456789abcdef".parse() else { return };
        let task = Task { work: folder.path().to_owned(), name: "book".to_owned(), id };
        let _ = convert(Box::new(file), &task, |_| {});
        *work = Some(folder);
    });
});
