//! The sample book that a new installation finds on its shelf: three short chapters that show how
//! Earmark is used.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::import::ImportError;

const CHAPTERS: [(&str, &str); 3] = [
    ("The Lamp at the Corner", include_str!("sample/1.xhtml")),
    ("A Walk with the Voice", include_str!("sample/2.xhtml")),
    ("Bring Your Own Books", include_str!("sample/3.xhtml")),
];

const CONTAINER: &str = "<?xml version=\"1.0\"?>
<container version=\"1.0\" xmlns=\"urn:oasis:names:tc:opendocument:xmlns:container\"><rootfiles>
<rootfile full-path=\"package.opf\" media-type=\"application/oebps-package+xml\"/></rootfiles></container>
";

/// The sample book as a file: the same bytes each time, and so the same book.
pub(super) fn epub() -> Result<Vec<u8>, ImportError> {
    let numbered = || (1..).zip(CHAPTERS);
    let manifest: String = numbered()
        .map(|(n, _)| {
            format!("<item id=\"c{n}\" href=\"{n}.xhtml\" media-type=\"application/xhtml+xml\"/>\n")
        })
        .collect();
    let spine: String = numbered().map(|(n, _)| format!("<itemref idref=\"c{n}\"/>\n")).collect();
    let lines: String = numbered()
        .map(|(n, (title, _))| format!("<li><a href=\"{n}.xhtml\">{title}</a></li>\n"))
        .collect();
    let package = format!(
        "<?xml version=\"1.0\"?>
<package xmlns=\"http://www.idpf.org/2007/opf\" version=\"3.0\" unique-identifier=\"id\">
<metadata xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:identifier id=\"id\">urn:earmark:sample</dc:identifier>
<dc:title>The Reading Lamp</dc:title><dc:creator>Earmark</dc:creator><dc:language>en</dc:language>
<meta property=\"dcterms:modified\">2026-11-26T00:00:00Z</meta></metadata>
<manifest><item id=\"nav\" href=\"nav.xhtml\" properties=\"nav\" media-type=\"application/xhtml+xml\"/>
{manifest}</manifest>
<spine>{spine}</spine></package>
"
    );
    let navigation = format!(
        "<html xmlns=\"http://www.w3.org/1999/xhtml\" xmlns:epub=\"http://www.idpf.org/2007/ops\">
<head><title>Contents</title></head><body><nav epub:type=\"toc\"><ol>
{lines}</ol></nav></body></html>
"
    );
    let mut entries = vec![
        ("mimetype".to_owned(), "application/epub+zip".to_owned()),
        ("META-INF/container.xml".to_owned(), CONTAINER.to_owned()),
        ("package.opf".to_owned(), package),
        ("nav.xhtml".to_owned(), navigation),
    ];
    entries.extend(numbered().map(|(n, (_, text))| (format!("{n}.xhtml"), text.to_owned())));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        // Stored as it is, and without a time.
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file(name, options).map_err(std::io::Error::from)?;
        writer.write_all(content.as_bytes())?;
    }
    Ok(writer.finish().map_err(std::io::Error::from)?.into_inner())
}
