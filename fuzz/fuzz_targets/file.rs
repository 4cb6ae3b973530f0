//! A file that somebody offers as a book: all that the child process does with it, or a refusal.
#![no_main]

use std::cell::RefCell;
use std::io::Cursor;

use earmark::library::import::child::{Task, convert};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

thread_local! {
    /// The folder of the one task there is at a time.
    static WORK: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

fuzz_target!(|bytes: &[u8]| {
    WORK.with_borrow_mut(|work| {
        let Some(folder) = work.take().or_else(|| tempfile::tempdir().ok()) else { return };
        let Ok(id) = "0123456789abcdef".parse() else { return };
        let task = Task { work: folder.path().to_owned(), name: "book".to_owned(), id };
        let _ = convert(Box::new(Cursor::new(bytes.to_vec())), &task, |_| {});
        *work = Some(folder);
    });
});
