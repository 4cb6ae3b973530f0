use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Writes a dictionary of `(word, entry)`, with further forms of words by their number.
fn write(folder: &Path, name: &str, kinds: &str, words: &[(&str, &[u8])], forms: &[(&str, u32)]) {
    fs::create_dir_all(folder).unwrap();
    let (mut index, mut entries, mut syn) = (Vec::new(), Vec::new(), Vec::new());
    for (word, entry) in words {
        index.extend_from_slice(word.as_bytes());
        index.push(0);
        index.extend_from_slice(&(entries.len() as u32).to_be_bytes());
        index.extend_from_slice(&(entry.len() as u32).to_be_bytes());
        entries.extend_from_slice(entry);
    }
    for (form, number) in forms {
        syn.extend_from_slice(form.as_bytes());
        syn.push(0);
        syn.extend_from_slice(&number.to_be_bytes());
    }
    let kinds =
        if kinds.is_empty() { String::new() } else { format!("sametypesequence={kinds}\n") };
    let info = format!(
        "StarDict's dict ifo file\nversion=2.4.2\nbookname={name} dictionary\nwordcount={}\nidxfilesize={}\n{kinds}",
        words.len(),
        index.len()
    );
    fs::write(folder.join(format!("{name}.ifo")), info).unwrap();
    fs::write(folder.join(format!("{name}.idx")), index).unwrap();
    fs::write(folder.join(format!("{name}.dict")), entries).unwrap();
    if !forms.is_empty() {
        fs::write(folder.join(format!("{name}.syn")), syn).unwrap();
    }
}

/// Packs `NAME.dict` as `dictzip` does, in pieces of so many bytes.
fn pack(folder: &Path, name: &str, piece: usize) {
    let plain = fs::read(folder.join(format!("{name}.dict"))).unwrap();
    fs::remove_file(folder.join(format!("{name}.dict"))).unwrap();
    let mut packer = Compress::new(Compression::best(), false);
    let (mut packed, mut sizes) = (Vec::new(), Vec::new());
    for part in plain.chunks(piece) {
        let mut some = Vec::with_capacity(part.len() * 2 + 100);
        packer.compress_vec(part, &mut some, FlushCompress::Full).unwrap();
        sizes.push(u16::try_from(some.len()).unwrap());
        packed.extend(some);
    }
    let field: Vec<u8> = [1, u16::try_from(piece).unwrap(), sizes.len() as u16]
        .into_iter()
        .chain(sizes)
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut file = fs::File::create(folder.join(format!("{name}.dict.dz"))).unwrap();
    // Another field before that of dictzip, and a name: flags 4 and 8.
    let extra = [&b"XX\x02\x00ab"[..], b"RA", &(field.len() as u16).to_le_bytes(), &field].concat();
    file.write_all(&[0x1f, 0x8b, 8, 4 | 8, 0, 0, 0, 0, 2, 3]).unwrap();
    file.write_all(&(extra.len() as u16).to_le_bytes()).unwrap();
    file.write_all(&extra).unwrap();
    file.write_all(b"name.dict\0").unwrap();
    file.write_all(&packed).unwrap();
}

fn said(dictionaries: &Dictionaries, word: &str, language: &str) -> Vec<String> {
    dictionaries.look_up(word, language).into_iter().map(|entry| entry.html).collect()
}

#[test]
fn a_word_is_found_as_it_is_selected() {
    let folder = TempDir::new().unwrap();
    let words: [(&str, &[u8]); 3] = [
        ("Ahab", b"A captain."),
        ("sea", b"Salt & water."),
        ("whale", b"A large animal.\nNo fish."),
    ];
    write(folder.path(), "small", "m", &words, &[("leviathan", 2), ("WHALE", 2)]);
    let dictionaries = Dictionaries::find(folder.path());
    assert!(!dictionaries.is_empty());
    let whale = "<div class=\"entry lines\">A large animal.\nNo fish.</div>";
    for word in ["whale", "Whale", "WHALES", " “whale,”", "whale’s", "Leviathan"] {
        assert_eq!(said(&dictionaries, word, "en-US"), [whale], "{word}");
    }
    assert_eq!(
        said(&dictionaries, "sea", "en"),
        ["<div class=\"entry lines\">Salt &amp; water.</div>"]
    );
    for word in ["whaler's wife", "", "…", &"a".repeat(200)] {
        assert_eq!(said(&dictionaries, word, "en"), [""; 0], "{word}");
    }
    let entry = dictionaries.look_up("leviathan", "en").remove(0);
    assert_eq!((&*entry.word, &*entry.dictionary), ("whale", "small dictionary"));
    let summary = Summary { name: "small dictionary".to_owned(), words: 4, language: None };
    assert_eq!(dictionaries.examine()[0].1.as_ref().unwrap(), &summary);
}

#[test]
fn a_folder_named_after_a_language_is_for_its_books() {
    let folder = TempDir::new().unwrap();
    write(&folder.path().join("de"), "german", "m", &[("gift", b"Poison.")], &[]);
    write(folder.path(), "any", "m", &[("gift", b"A present.")], &[]);
    let dictionaries = Dictionaries::find(folder.path());
    let present = "<div class=\"entry lines\">A present.</div>";
    assert_eq!(said(&dictionaries, "Gift", "en"), [present]);
    assert_eq!(
        said(&dictionaries, "Gift", "de-AT"),
        ["<div class=\"entry lines\">Poison.</div>", present]
    );
    // A folder that a dictionary was unpacked into is of no language.
    write(&folder.path().join("stardict-small-2.4.2"), "small", "m", &[("pear", b"A fruit.")], &[]);
    let dictionaries = Dictionaries::find(folder.path());
    assert_eq!(said(&dictionaries, "pear", "fr"), ["<div class=\"entry lines\">A fruit.</div>"]);
    assert!(Dictionaries::find(&folder.path().join("nowhere")).is_empty());
}

#[test]
fn markup_is_made_safe() {
    let folder = TempDir::new().unwrap();
    let evil =
        b"<b>Bold</b><script>alert(1)</script><a href='javascript:x'>link</a><img src=x onerror=y>";
    write(folder.path(), "html", "h", &[("word", evil)], &[]);
    let mixed = b"tw\xc9\x99\0hA <i>word</i>.\0Wabc";
    write(folder.path(), "mixed", "", &[("word", mixed)], &[]);
    write(folder.path(), "two", "tm", &[("word", b"p\0A <word>.")], &[]);
    let expected = [
        "<div class=\"entry\"><b>Bold</b>link</div>",
        "<div class=\"entry phonetic\">wə</div><div class=\"entry\">A <i>word</i>.</div>",
        "<div class=\"entry phonetic\">p</div><div class=\"entry lines\">A &lt;word&gt;.</div>",
    ];
    assert_eq!(said(&Dictionaries::find(folder.path()), "word", "en"), expected);
}

#[test]
fn packed_dictionaries_are_read_from_the_middle() {
    let folder = TempDir::new().unwrap();
    let entries: Vec<(String, Vec<u8>)> = (0..500)
        .map(|n| (format!("word{n:03}"), format!("Entry {n}. ").repeat(n % 40 + 1).into_bytes()))
        .collect();
    let words: Vec<(&str, &[u8])> =
        entries.iter().map(|(word, entry)| (&**word, &**entry)).collect();
    write(folder.path(), "packed", "m", &words, &[]);
    pack(folder.path(), "packed", 1000);
    let dictionaries = Dictionaries::find(folder.path());
    for (word, entry) in &entries {
        let text = String::from_utf8_lossy(entry);
        let html = format!("<div class=\"entry lines\">{}</div>", text.trim());
        assert_eq!(said(&dictionaries, word, "xx"), [html], "{word}");
    }
}

#[test]
fn what_cannot_be_read_says_why_and_hides_no_other() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "a", "m", &[("word", b"x")], &[]);
    write(folder.path(), "good", "m", &[("word", b"Good.")], &[]);
    fs::write(folder.path().join("a.idx"), b"word").unwrap();
    fs::write(folder.path().join("b.ifo"), b"Something else").unwrap();
    write(folder.path(), "c", "m", &[("word", b"x")], &[]);
    fs::remove_file(folder.path().join("c.dict")).unwrap();
    fs::write(folder.path().join("c.dict.dz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 1]).unwrap();
    // The entry lies beyond the end.
    write(folder.path(), "d", "m", &[("word", b"x")], &[]);
    fs::write(folder.path().join("d.dict"), b"").unwrap();
    let dictionaries = Dictionaries::find(folder.path());
    assert_eq!(said(&dictionaries, "word", "en"), ["<div class=\"entry lines\">Good.</div>"]);
    let examined = dictionaries.examine();
    let why: Vec<_> =
        examined.iter().map(|(_, it)| it.as_ref().err().map(ToString::to_string)).collect();
    assert!(why[0].as_ref().unwrap().contains("does not end"), "{why:?}");
    assert!(why[1].as_ref().unwrap().contains(".ifo"), "{why:?}");
    assert!(why[2].as_ref().unwrap().contains("gunzip"), "{why:?}");
    assert!(why[3].is_none() && why[4].is_none(), "{why:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_files_are_read_or_refused(
        index in prop::collection::vec(any::<u8>(), 0..200),
        entries in prop::collection::vec(any::<u8>(), 0..200),
        kinds in "[a-zA-Z]{0,3}",
        is_packed: bool,
    ) {
        let folder = TempDir::new().unwrap();
        write(folder.path(), "a", &kinds, &[("x", b"y")], &[("z", 7)]);
        fs::write(folder.path().join("a.idx"), [b"x\0\0\0\0\0\0\0\0\x20", &index[..]].concat()).unwrap();
        if is_packed {
            fs::remove_file(folder.path().join("a.dict")).unwrap();
            let head = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 2, 3];
            fs::write(folder.path().join("a.dict.dz"), [&head[..], &entries].concat()).unwrap();
        } else {
            fs::write(folder.path().join("a.dict"), entries).unwrap();
        }
        Dictionaries::find(folder.path()).look_up("x", "en");
    }

    #[test]
    fn any_pieces_are_unpacked_or_refused(sizes in prop::collection::vec(any::<u16>(), 0..8), rest in prop::collection::vec(any::<u8>(), 0..100)) {
        let folder = TempDir::new().unwrap();
        write(folder.path(), "a", "m", &[("x", b"yyyyyyyyyyyyyyyy")], &[]);
        fs::remove_file(folder.path().join("a.dict")).unwrap();
        let field: Vec<u8> = sizes.into_iter().flat_map(u16::to_le_bytes).collect();
        let extra = [&b"RA"[..], &(field.len() as u16).to_le_bytes(), &field].concat();
        let head = [&[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 2, 3][..], &(extra.len() as u16).to_le_bytes(), &extra];
        fs::write(folder.path().join("a.dict.dz"), [&head.concat()[..], &rest].concat()).unwrap();
        Dictionaries::find(folder.path()).look_up("x", "en");
    }
}
