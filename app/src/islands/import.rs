//! Adding books: a button, and the whole page as a place to drop files.
//!
//! Without script the same form posts to the same address and the server answers with a page.

mod upload;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, File, FileList, HtmlInputElement};

use super::dom;
use upload::{Progress, send};

/// Brings the "Add books" button and the place for dropping to life
/// ([`ImportForm`](crate::components::ImportForm)).
#[island]
pub fn ImportBooks() -> impl IntoView {
    // What signals belong to lives as long as the island; what runs later has no owner of its own.
    let owner = Owner::current();
    dom::in_browser(move || {
        if let Some(owner) = owner {
            bring_to_life(&owner);
        }
    });
}

/// The files that are on their way, and those about which there is something to read.
#[derive(Clone)]
struct Uploads {
    list: RwSignal<Vec<Upload>>,
    /// Whether there are books that the page does not show yet.
    has_new: RwSignal<bool>,
    owner: Owner,
}

/// A file, and how it is coming along.
#[derive(Clone)]
struct Upload {
    file: File,
    progress: RwSignal<Progress>,
}

fn bring_to_life(owner: &Owner) {
    let Some(form) = dom::one(".import") else { return };
    let uploads = owner.with(|| {
        let (list, is_over) = (RwSignal::new(Vec::new()), RwSignal::new(false));
        let uploads = Uploads { list, has_new: RwSignal::new(false), owner: owner.clone() };
        dom::shows(".drop-veil", move |veil| dom::show(veil, is_over.get()));
        dom::shows(".uploads", move |lines| dom::show(lines, !list.with(Vec::is_empty)));
        watch_drops(is_over, &uploads);
        uploads
    });
    let chosen = uploads.clone();
    dom::listen(&form, "change", move |event| {
        let input = dom::target(&event, "input[type=file]");
        if let Some(Ok(input)) = input.map(JsCast::dyn_into) {
            chosen.take_chosen(&input);
        }
    });
    dom::set(&form, "data-live", "true");
    // A file may have been chosen before anything could hear of it.
    let field = form.query_selector("input[type=file]").ok().flatten();
    if let Some(Ok(field)) = field.map(JsCast::dyn_into) {
        uploads.take_chosen(&field);
    }
}

/// The whole page takes files that are dropped.
fn watch_drops(is_over: RwSignal<bool>, uploads: &Uploads) {
    dom::listen(&window(), "dragover", move |event| {
        event.prevent_default();
        if !is_over.get_untracked() {
            is_over.set(true);
        }
    });
    dom::listen(&window(), "dragleave", move |event| {
        // Leaving the window, not an element inside it.
        if event.dyn_ref::<DragEvent>().is_some_and(|drag| drag.related_target().is_none()) {
            is_over.set(false);
        }
    });
    let uploads = uploads.clone();
    dom::listen(&window(), "drop", move |event| {
        event.prevent_default();
        is_over.set(false);
        let files = event.dyn_ref::<DragEvent>().and_then(|drag| drag.data_transfer()?.files());
        uploads.take(files);
    });
}

impl Uploads {
    fn take_chosen(&self, field: &HtmlInputElement) {
        self.take(field.files());
        field.set_value("");
    }

    fn take(&self, files: Option<FileList>) {
        let Some(files) = files.filter(|files| files.length() > 0) else { return };
        let mut queue: Vec<Upload> = (0..files.length())
            .filter_map(|index| files.get(index))
            .map(|file| self.owner.with(|| Upload { file, progress: RwSignal::default() }))
            .filter(|upload| self.owner.with(|| upload::show(self, upload)).is_some())
            .collect();
        self.list.update(|list| list.extend(queue.iter().cloned()));
        queue.reverse();
        self.send_next(queue);
    }

    /// Sends one file after another.
    fn send_next(&self, mut queue: Vec<Upload>) {
        let Some(upload) = queue.pop() else { return };
        let uploads = self.clone();
        let (file, progress) = (upload.file.clone(), upload.progress);
        send(&file, progress, move || {
            let is_added = progress.with_untracked(|at| *at == Progress::Added);
            if is_added || progress.with_untracked(|at| *at == Progress::Mended) {
                uploads.has_new.set(true);
            }
            if is_added {
                uploads.remove(&upload);
            }
            uploads.send_next(queue);
        });
    }

    /// Takes a file off the list. The page is loaded anew when nothing is to be read or waited for any more.
    fn remove(&self, upload: &Upload) {
        self.list.update(|list| list.retain(|other| other.progress != upload.progress));
        if self.list.with_untracked(Vec::is_empty) && self.has_new.get_untracked() {
            let _ = window().location().set_href(&dom::at("/"));
        }
    }
}
