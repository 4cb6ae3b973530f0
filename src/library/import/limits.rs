//! Limits of what is read out of one file. Each has a name and a reason; what runs into one is refused
//! or left out with a word about it.

/// Largest file accepted, in bytes. Most novels have under 4 MB, illustrated books come close to 100 MB, and 20
/// hours that somebody has read aloud have 600 MB at 64 kbit/s.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024 * 1024;

/// Entries of a ZIP container; the largest of 255 EPUBs tried has 600.
pub const MAX_ENTRIES: usize = 20_000;

/// Expanded size of one entry, in bytes.
pub const MAX_ENTRY_BYTES: u64 = 64 * 1024 * 1024;

/// Size of one file of sound, in bytes: nine hours at 128 kbit/s.
pub const MAX_SOUND_BYTES: u64 = 512 * 1024 * 1024;

/// Passages of a book for which it says where they are heard.
pub const MAX_OVERLAYS: usize = 600_000;

/// Longest passage that is heard in one piece, in milliseconds: a page that is read slowly.
pub const MAX_OVERLAY_MS: u32 = 3 * 60 * 1000;

/// All sound that is read out of a container may have these bytes whatever the size of the file …
pub const ALWAYS_SOUND_BYTES: u64 = 1024 * 1024;

/// … and this many times the size of the file. Speech hardly shrinks, and pauses at a constant bit rate do.
pub const MAX_SOUND_EXPANSION: u64 = 4;

/// Expanded size of one document, package or table of contents, in bytes. A novel in one document has 2 MB.
pub const MAX_DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;

/// Expanded size of all documents, and of a plain text, in bytes. The Bible has 5 MB.
pub const MAX_TEXT_BYTES: u64 = 64 * 1024 * 1024;

/// All that is read out of a container may have this many bytes whatever the size of the file …
pub const ALWAYS_EXPANDED_BYTES: u64 = 64 * 1024 * 1024;

/// … or this many times the size of the file. Markup shrinks to a fifth, pictures hardly at all.
pub const MAX_EXPANSION: u64 = 20;

/// Elements of a package document or table of contents.
pub const MAX_XML_ELEMENTS: usize = 200_000;

/// How deep the elements of a package document or table of contents are read; deeper ones are passed over.
pub const MAX_XML_DEPTH: usize = 64;

/// Items of a package's manifest or spine.
pub const MAX_ITEMS: usize = 20_000;

/// Lines of a table of contents.
pub const MAX_CONTENTS_LINES: usize = 20_000;

/// Chapters of a book. A web novel of 3,000 chapters is the longest tried, and there are longer ones.
pub const MAX_CHAPTERS: usize = 20_000;

/// All typeset chapters of a book, in bytes. Markup is about three times the text.
pub const MAX_CHAPTERS_BYTES: u64 = 512 * 1024 * 1024;

/// Sentences of a book. A web novel of 3,000 chapters has about 300,000.
pub const MAX_SENTENCES: usize = 600_000;

/// Longest title, name of an author and line of a table of contents, in characters. What is longer is cut.
pub const MAX_NAME_CHARS: usize = 500;

/// Most authors taken from a file.
pub const MAX_AUTHORS: usize = 50;

/// Longest language tag, in characters (RFC 5646, section 4.4.1, asks for 35).
pub const MAX_LANGUAGE_CHARS: usize = 35;

/// Warnings told one by one; further ones are counted.
pub const MAX_WARNINGS: usize = 20;

/// Style sheets that are looked into for how a book is set.
pub const MAX_STYLE_SHEETS: usize = 100;

/// Size of all of them, in bytes, so that they leave room for the text. Those of publishers have some tens of
/// thousands, and a million where a typeface is in them.
pub const MAX_STYLE_BYTES: u64 = 16 * 1024 * 1024;
