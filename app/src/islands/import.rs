//! Adding books: a button, and the whole page as a place to drop files.
//!
//! Without script the same form posts to the same address and the server answers with a page.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{DragEvent, Event, File, FileList, FormData, ProgressEvent, XmlHttpRequest};

/// How one file is coming along.
#[derive(Clone, PartialEq)]
enum Stage {
    Waiting,
    /// Per cent of it sent.
    Sending(u32),
    /// All of it sent; the server reads it.
    Reading,
    Refused(String),
}

#[derive(Clone)]
struct Upload {
    name: String,
    stage: RwSignal<Stage>,
}

/// The "Add books" button and what becomes of the files.
#[island]
pub fn ImportBooks() -> impl IntoView {
    let uploads = RwSignal::new(Vec::<Upload>::new());
    let dragging = RwSignal::new(false);
    let input = NodeRef::<leptos::html::Input>::new();
    let live = RwSignal::new(false);

    Effect::new(move |_| {
        live.set(true);
        listen_for_drops(dragging, uploads);
    });
    let choose = move |_| {
        if let Some(input) = input.get_untracked() {
            take_files(input.files(), uploads);
            input.set_value("");
        }
    };
    view! {
        <form class="import" method="post" action="/api/books" enctype="multipart/form-data"
            data-live=move || live.get().then_some("true")>
            <label class="button">
                "Add books"
                <input node_ref=input type="file" name="file" multiple accept=".epub,.txt,application/epub+zip,text/plain"
                    on:change=choose/>
            </label>
            <noscript><button class="button" type="submit">"Import"</button></noscript>
        </form>
        <div class="drop-veil" hidden=move || !dragging.get() aria-hidden="true">
            <p>"Drop books here"</p>
        </div>
        <ul class="uploads" role="status" hidden=move || uploads.with(Vec::is_empty)>
            <For each=move || uploads.get() key=|upload| upload.name.clone() let:upload>
                {upload_line(upload, uploads)}
            </For>
        </ul>
    }
}

fn upload_line(upload: Upload, uploads: RwSignal<Vec<Upload>>) -> impl IntoView {
    let Upload { name, stage } = upload;
    let shown = name.clone();
    let state = move || match stage.get() {
        Stage::Waiting => "waiting".to_owned(),
        Stage::Sending(percent) => format!("{percent} %"),
        Stage::Reading => "reading the book…".to_owned(),
        Stage::Refused(reason) => reason,
    };
    let value = move || match stage.get() {
        Stage::Sending(percent) => Some(percent.to_string()),
        _ => None,
    };
    let refused = move || matches!(stage.get(), Stage::Refused(_));
    let dismiss = move |_| {
        let name = name.clone();
        uploads.update(move |uploads| uploads.retain(|upload| upload.name != name));
    };
    view! {
        <li class:refused=refused>
            <span class="upload-name" dir="auto">{shown.clone()}</span>
            <span class="upload-state">{state}</span>
            <Show when=move || !refused()
                fallback=move || view! {
                    <button type="button" class="quiet" on:click=dismiss.clone() aria-label="Dismiss">"×"</button>
                }>
                <progress max="100" value=value></progress>
            </Show>
        </li>
    }
}

fn listen_for_drops(dragging: RwSignal<bool>, uploads: RwSignal<Vec<Upload>>) {
    let on = |name: &'static str, handle: Box<dyn Fn(DragEvent)>| {
        let handle = window_event_listener_untyped(name, move |event| {
            if let Some(drag) = event.dyn_ref::<DragEvent>() {
                handle(drag.clone());
            }
        });
        on_cleanup(move || handle.remove());
    };
    on(
        "dragover",
        Box::new(move |event| {
            event.prevent_default();
            dragging.set(true);
        }),
    );
    on(
        "dragleave",
        Box::new(move |event| {
            // Leaving the window, not an element inside it.
            if event.related_target().is_none() {
                dragging.set(false);
            }
        }),
    );
    on(
        "drop",
        Box::new(move |event| {
            event.prevent_default();
            dragging.set(false);
            take_files(event.data_transfer().and_then(|data| data.files()), uploads);
        }),
    );
}

fn take_files(files: Option<FileList>, uploads: RwSignal<Vec<Upload>>) {
    let Some(files) = files else { return };
    let mut queue = Vec::new();
    for index in 0..files.length() {
        let Some(file) = files.get(index) else { continue };
        let upload = Upload { name: file.name(), stage: RwSignal::new(Stage::Waiting) };
        uploads.update(|uploads| {
            uploads.retain(|other| other.name != upload.name);
            uploads.push(upload.clone());
        });
        queue.push((file, upload));
    }
    queue.reverse();
    send_next(queue, false);
}

/// Sends one file after another; the page is loaded anew when all are in.
fn send_next(mut queue: Vec<(File, Upload)>, any_refused: bool) {
    let Some((file, upload)) = queue.pop() else {
        if !any_refused {
            let _ = window().location().reload();
        }
        return;
    };
    let stage = upload.stage;
    send(&file, stage, move |refusal| {
        let refused = refusal.is_some();
        if let Some(reason) = refusal {
            stage.set(Stage::Refused(reason));
        } else {
            stage.set(Stage::Reading);
        }
        send_next(queue, any_refused || refused);
    });
}

/// Posts one file; `done` is told why it was refused, if it was.
fn send(file: &File, stage: RwSignal<Stage>, done: impl FnOnce(Option<String>) + 'static) {
    let (Ok(request), Ok(form)) = (XmlHttpRequest::new(), FormData::new()) else { return };
    let sent = form.append_with_blob_and_filename("file", file, &file.name()).is_ok()
        && request.open("POST", "/api/books").is_ok()
        && request.set_request_header("Accept", "application/json").is_ok();
    if let Ok(upload) = request.upload() {
        let progress = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
            let percent = (event.loaded() / event.total().max(1.0) * 100.0) as u32;
            stage.set(if percent < 100 { Stage::Sending(percent) } else { Stage::Reading });
        });
        upload.set_onprogress(Some(progress.into_js_value().unchecked_ref()));
    }
    let answered = request.clone();
    let finish = Closure::once_into_js(move |_: Event| {
        let status = answered.status().unwrap_or(0);
        done((!(200..300).contains(&status)).then(|| refusal(&answered, status)));
    });
    request.set_onloadend(Some(finish.unchecked_ref()));
    if !sent || request.send_with_opt_form_data(Some(&form)).is_err() {
        stage.set(Stage::Refused("The file could not be sent.".to_owned()));
    }
}

fn refusal(request: &XmlHttpRequest, status: u16) -> String {
    #[derive(serde::Deserialize)]
    struct Problem {
        detail: String,
    }
    let text = request.response_text().ok().flatten().unwrap_or_default();
    match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => problem.detail,
        Err(_) if status == 0 => "The server cannot be reached.".to_owned(),
        Err(_) => format!("The server answered {status}."),
    }
}
