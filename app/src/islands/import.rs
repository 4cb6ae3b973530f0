//! Adding books: a button, and the whole page as a place to drop files.
//!
//! Without script the same form posts to the same address and the server answers with a page.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{
    DragEvent, Event, File, FileList, FormData, HtmlElement, HtmlInputElement, ProgressEvent,
    XmlHttpRequest,
};

use super::dom::{self, Json};

/// Brings the "Add books" button and the place for dropping to life
/// ([`ImportForm`](crate::components::ImportForm)).
#[island]
pub fn ImportBooks() -> impl IntoView {
    dom::in_browser(|| {
        let words = dom::one(".import").and_then(|form| form.get_attribute("data-words"));
        if let Some(words) = words.and_then(|words| Json::parse(&words)) {
            bring_to_life(words);
        }
    });
}

fn bring_to_life(words: Json) {
    let (Some(form), Some(veil)) = (dom::one(".import"), dom::one(".drop-veil")) else { return };
    let (chosen, early) = (words.clone(), words.clone());
    dom::listen(&form, "change", move |event| {
        let Some(Ok(input)) =
            dom::target(&event, "input[type=file]").map(JsCast::dyn_into::<HtmlInputElement>)
        else {
            return;
        };
        take_files(input.files(), &chosen);
        input.set_value("");
    });
    let shown = veil.clone();
    dom::listen(&window(), "dragover", move |event| {
        event.prevent_default();
        dom::show(&shown, true);
    });
    let left = veil.clone();
    dom::listen(&window(), "dragleave", move |event| {
        // Leaving the window, not an element inside it.
        if event.dyn_ref::<DragEvent>().is_some_and(|drag| drag.related_target().is_none()) {
            dom::show(&left, false);
        }
    });
    dom::listen(&window(), "drop", move |event| {
        event.prevent_default();
        dom::show(&veil, false);
        let files = event.dyn_ref::<DragEvent>().and_then(|drag| drag.data_transfer()?.files());
        take_files(files, &words);
    });
    dom::set(&form, "data-live", "true");
    // A file may have been chosen before anything could hear of it.
    let field = form.query_selector("input[type=file]").ok().flatten();
    if let Some(Ok(field)) = field.map(JsCast::dyn_into::<HtmlInputElement>)
        && let Some(files) = field.files().filter(|files| files.length() > 0)
    {
        take_files(Some(files), &early);
        field.set_value("");
    }
}

fn take_files(files: Option<FileList>, words: &Json) {
    let Some(files) = files else { return };
    let mut queue: Vec<(File, Line)> = (0..files.length())
        .filter_map(|index| files.get(index))
        .filter_map(|file| Some((file.clone(), Line::new(&file.name(), words)?)))
        .collect();
    queue.reverse();
    send_next(queue, false, words.clone());
}

/// Sends one file after another; the page is loaded anew when all are in, unless something is to be read
/// about one of them.
fn send_next(mut queue: Vec<(File, Line)>, any_words: bool, words: Json) {
    let Some((file, line)) = queue.pop() else {
        if !any_words {
            let _ = window().location().set_href(&dom::at("/"));
        }
        return;
    };
    let shown = line.clone();
    send(&file, &line, &words.clone(), move |outcome| {
        let has_words = match &outcome {
            Outcome::Added => {
                shown.item.remove();
                false
            }
            Outcome::Mended => {
                shown.finish("mended", &words.text("left_out").unwrap_or_default());
                true
            }
            Outcome::Refused(reason) => {
                shown.finish("refused", reason);
                true
            }
        };
        send_next(queue, any_words || has_words, words);
    });
}

/// What became of a file.
enum Outcome {
    Added,
    /// Added, with parts left out or mended.
    Mended,
    /// Not added, and why.
    Refused(String),
}

/// How one file is coming along.
#[derive(Clone)]
struct Line {
    item: HtmlElement,
    state: HtmlElement,
    bar: HtmlElement,
    dismiss: String,
}

impl Line {
    fn new(name: &str, words: &Json) -> Option<Self> {
        let list = dom::one(".uploads")?;
        let make = |tag: &str, class: &str| {
            let element: HtmlElement = document().create_element(tag).ok()?.dyn_into().ok()?;
            element.set_class_name(class);
            Some(element)
        };
        let (item, title) = (make("li", "")?, make("span", "upload-name")?);
        let (state, bar) = (make("span", "upload-state")?, make("progress", "")?);
        title.set_text_content(Some(name));
        dom::set(&title, "dir", "auto");
        state.set_text_content(words.text("waiting").as_deref());
        dom::set(&bar, "max", "100");
        dom::set(&bar, "aria-label", name);
        for child in [&title, &state, &bar] {
            item.append_child(child).ok()?;
        }
        list.append_child(&item).ok()?;
        dom::show(&list, true);
        Some(Self { item, state, bar, dismiss: words.text("dismiss").unwrap_or_default() })
    }

    fn sending(&self, percent: u32) {
        dom::write(&self.state, &format!("{percent} %"));
        dom::set(&self.bar, "value", &percent.to_string());
    }

    /// What the server says it is doing.
    fn at(&self, event: &str, data: &Json, words: &Json) {
        let percent = data.number("percent");
        let name = match event {
            "waiting" => "queued",
            "reading" => "reading",
            "storing" => "storing",
            _ => return,
        };
        let text = words.text(name).unwrap_or_default().replace("{}", &percent.to_string());
        dom::write(&self.state, &text);
        if event == "reading" {
            dom::set(&self.bar, "value", &percent.to_string());
        } else {
            let _ = self.bar.remove_attribute("value");
        }
    }

    /// Stays with words about the file, until it is dismissed.
    fn finish(&self, class: &str, words: &str) {
        self.item.set_class_name(class);
        dom::write(&self.state, words);
        let Some(Ok(button)) =
            document().create_element("button").ok().map(JsCast::dyn_into::<HtmlElement>)
        else {
            return;
        };
        button.set_class_name("quiet");
        button.set_text_content(Some("×"));
        dom::set(&button, "type", "button");
        dom::set(&button, "aria-label", &self.dismiss);
        let item = self.item.clone();
        dom::listen(&button, "click", move |_| {
            item.remove();
            if let Some(list) = dom::one(".uploads") {
                dom::show(&list, list.child_element_count() > 0);
            }
        });
        let _ = self.bar.replace_with_with_node_1(&button);
    }
}

/// Posts one file; `done` is told what became of it. The answer is a stream of events, which say how far
/// the server is.
fn send(file: &File, line: &Line, words: &Json, done: impl FnOnce(Outcome) + 'static) {
    let (Ok(request), Ok(form)) = (XmlHttpRequest::new(), FormData::new()) else { return };
    // As the form has it that is there without script.
    let is_own = dom::one(".import input[name=only_me]:checked").is_some();
    let sent = form.append_with_blob_and_filename("file", file, &file.name()).is_ok()
        && (!is_own || form.append_with_str("only_me", "on").is_ok())
        && request.open("POST", &dom::at("/api/books")).is_ok()
        && request.set_request_header("Accept", "text/event-stream").is_ok();
    if let Ok(upload) = request.upload() {
        let (line, words) = (line.clone(), words.clone());
        let progress = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
            let percent = (event.loaded() / event.total().max(1.0) * 100.0) as u32;
            if percent < 100 {
                line.sending(percent);
            } else if let Some(nothing) = Json::parse("{}") {
                line.at("waiting", &nothing, &words);
            }
        });
        upload.set_onprogress(Some(progress.into_js_value().unchecked_ref()));
    }
    let (answering, shown, said) = (request.clone(), line.clone(), words.clone());
    let progress = Closure::<dyn Fn(Event)>::new(move |_: Event| {
        if let Some((event, data)) = last_event(&answering) {
            shown.at(&event, &data, &said);
        }
    });
    request.set_onprogress(Some(progress.into_js_value().unchecked_ref()));
    let (answered, unreachable) = (request.clone(), words.text("unreachable").unwrap_or_default());
    let finish = Closure::once_into_js(move |_: Event| done(outcome(&answered, unreachable)));
    request.set_onloadend(Some(finish.unchecked_ref()));
    if !sent || request.send_with_opt_form_data(Some(&form)).is_err() {
        line.finish("refused", &words.text("unsendable").unwrap_or_default());
    }
}

/// The last event that has come in whole: its name and data.
fn last_event(request: &XmlHttpRequest) -> Option<(String, Json)> {
    let text = request.response_text().ok().flatten()?;
    let (whole, _) = text.rsplit_once("\n\n")?;
    // Comments keep the connection open and say nothing.
    let event = whole.rsplit("\n\n").find(|event| event.starts_with("event:"))?;
    let (name, data) = event.split_once("\ndata:")?;
    Some((name.strip_prefix("event:")?.trim().to_owned(), Json::parse(data.trim())?))
}

fn outcome(request: &XmlHttpRequest, unreachable: String) -> Outcome {
    match last_event(request) {
        Some((event, book)) if event == "done" => {
            let has_warnings = book.get("warnings").is_some_and(|list| list.number("length") > 0);
            if has_warnings { Outcome::Mended } else { Outcome::Added }
        }
        Some((event, problem)) if event == "refused" => {
            Outcome::Refused(problem.text("detail").unwrap_or_default())
        }
        _ => Outcome::Refused(refusal(request, unreachable)),
    }
}

/// Why a request was not even answered with events.
fn refusal(request: &XmlHttpRequest, unreachable: String) -> String {
    let text = request.response_text().ok().flatten().unwrap_or_default();
    match Json::parse(&text).and_then(|problem| problem.text("detail")) {
        Some(detail) => detail,
        None => match request.status().unwrap_or(0) {
            0 | 200 => unreachable,
            status => format!("HTTP {status}"),
        },
    }
}
