//! Paths inside a book: how they are written in references, and how what they lead to is found.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use unicode_normalization::UnicodeNormalization;

/// Things by their path, found as other readers find them: by the exact path, by the path with `%20` and
/// the like decoded, then whatever the case and however accents are written, for file systems differ in
/// these and books are made on all of them.
#[derive(Debug)]
pub struct PathIndex<T> {
    exact: HashMap<String, T>,
    folded: HashMap<String, T>,
}

impl<T> Default for PathIndex<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), folded: HashMap::new() }
    }
}

impl<T: Copy> PathIndex<T> {
    /// Adds a thing under its path; the last of one path counts.
    pub fn insert(&mut self, path: &str, thing: T) {
        let path = normalise(path);
        self.folded.entry(fold(&path)).or_insert(thing);
        self.exact.insert(path, thing);
    }

    /// The thing that a path leads to.
    pub fn get(&self, path: &str) -> Option<T> {
        let path = normalise(path);
        let decoded = decode(&path);
        let exact = self.exact.get(&path).or_else(|| self.exact.get(&decoded));
        exact.or_else(|| self.folded.get(&fold(&decoded))).copied()
    }
}

/// A reference such as `../images/a.png#x` against the path of the document it stands in; its fragment and
/// query are left out.
pub fn join(document: &str, reference: &str) -> String {
    let reference = reference.split(['#', '?']).next().unwrap_or_default();
    if reference.starts_with('/') {
        return normalise(reference);
    }
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    normalise(&format!("{folder}/{reference}"))
}

/// What stands behind the `#` of a reference, decoded.
pub fn fragment(reference: &str) -> Option<String> {
    let (_, fragment) = reference.split_once('#')?;
    (!fragment.is_empty()).then(|| decode(fragment))
}

/// A path with `/` between folders and none in front, without `.`, `..` and control characters: ZIP files
/// made on Windows have `\`.
pub fn normalise(path: &str) -> String {
    let path: String = path.chars().filter(|c| !c.is_control()).collect();
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A path inside a book as it stands in an address.
pub fn encode(path: &str) -> String {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
    utf8_percent_encode(path, RESERVED).to_string()
}

/// A path as it stands in an address, as it is.
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn fold(path: &str) -> String {
    path.nfc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_found_as_other_readers_find_them() {
        let paths =
            ["Text/One.xhtml", "Text/a b.xhtml", "Text/50%25.xhtml", "Images\\caf\u{e9}.png"];
        let mut index = PathIndex::default();
        for (number, path) in paths.iter().enumerate() {
            index.insert(path, number);
        }
        for (wanted, found) in [
            ("Text/One.xhtml", Some(0)),
            ("text/one.XHTML", Some(0)),
            ("/Text/./a%20b.xhtml", Some(1)),
            ("Text/50%25.xhtml", Some(2)),
            ("Images/cafe\u{301}.png", Some(3)),
            ("Text/Two.xhtml", None),
        ] {
            assert_eq!(index.get(wanted), found, "{wanted}");
        }
    }

    #[test]
    fn references_are_relative_to_their_document() {
        assert_eq!(join("OPS/text/a.xhtml", "../img/x.png?v#y"), "OPS/img/x.png");
        assert_eq!(join("a.xhtml", "b.xhtml"), "b.xhtml");
        assert_eq!(join("OPS/a.xhtml", "/b.xhtml"), "b.xhtml");
        assert_eq!(join("a.xhtml", "../../../etc/passwd"), "etc/passwd");
        assert_eq!(fragment("a.xhtml#caf%C3%A9").as_deref(), Some("café"));
        assert_eq!(fragment("a.xhtml#"), None);
    }
}
