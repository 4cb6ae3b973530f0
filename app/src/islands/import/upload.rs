//! One file on its way: its line in the list, and the request that sends it.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, File, FormData, HtmlElement, Node, ProgressEvent, XmlHttpRequest};

use super::super::dom::{self, Json};
use super::{Upload, Uploads};
use crate::words::Importing;

/// How a file is coming along.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Progress {
    /// Others are sent before it.
    #[default]
    Waiting,
    /// So many hundredths of it are sent.
    Sending(u64),
    /// The server has it, and reads others before it.
    Queued,
    /// The server has read so many hundredths of it.
    Reading(u64),
    /// It is put on the shelf.
    Storing,
    /// It is there.
    Added,
    /// It is there, with parts left out or mended.
    Mended,
    /// It is not there, and why.
    Refused(String),
}

impl Progress {
    /// Whether nothing more will become of it.
    fn is_over(&self) -> bool {
        matches!(self, Self::Added | Self::Mended | Self::Refused(_))
    }

    fn said(&self) -> String {
        let words = words();
        match self {
            Self::Waiting => words.waiting.to_owned(),
            Self::Sending(percent) => format!("{percent} %"),
            Self::Queued => words.queued.to_owned(),
            Self::Reading(percent) => (words.reading)(*percent),
            Self::Storing => words.storing.to_owned(),
            Self::Added => String::new(),
            Self::Mended => words.left_out.to_owned(),
            Self::Refused(reason) => reason.clone(),
        }
    }

    /// What the style sheet knows the line by.
    fn class(&self) -> &'static str {
        match self {
            Self::Mended => "mended",
            Self::Refused(_) => "refused",
            _ => "",
        }
    }

    /// What the server says it is doing.
    fn told(event: &str, data: &Json) -> Option<Self> {
        Some(match event {
            "waiting" => Self::Queued,
            "reading" => Self::Reading(data.number("percent")),
            "storing" => Self::Storing,
            "done" if data.get("warnings").is_some_and(|list| list.number("length") > 0) => {
                Self::Mended
            }
            "done" => Self::Added,
            "refused" => Self::Refused(data.text("detail").unwrap_or_default()),
            _ => return None,
        })
    }
}

fn words() -> &'static Importing {
    Importing::of(&dom::language())
}

/// Adds a file's line to the list on the page, and keeps it as the file is coming along. It goes when the file is in the list
/// no more.
pub fn show(uploads: &Uploads, upload: &Upload) -> Option<()> {
    let line = line()?;
    let part = |selector: &str| line.query_selector(selector).ok()??.dyn_into::<HtmlElement>().ok();
    let (name, state) = (part(".upload-name")?, part(".upload-state")?);
    let (bar, dismiss) = (part("progress")?, part("button")?);
    dom::write(&name, &upload.file.name());
    dom::set(&bar, "aria-label", &upload.file.name());
    let (others, dismissed) = (uploads.clone(), upload.clone());
    dom::listen(&dismiss, "click", move |_| others.remove(&dismissed));
    dom::one(".uploads")?.append_child(&line).ok()?;
    let (list, progress, shown) = (uploads.list, upload.progress, line.clone());
    dom::always(move || {
        progress.with(|at| {
            shown.set_class_name(at.class());
            dom::write(&state, &at.said());
            dom::show(&bar, !at.is_over());
            dom::show(&dismiss, at.is_over());
            match at {
                Progress::Sending(percent) | Progress::Reading(percent) => {
                    dom::set(&bar, "value", &percent.to_string());
                }
                _ => drop(bar.remove_attribute("value")),
            }
        });
    });
    dom::always(move || {
        if !list.with(|list| list.iter().any(|upload| upload.progress == progress)) {
            line.remove();
        }
    });
    Some(())
}

/// A line as the server has written it.
fn line() -> Option<HtmlElement> {
    let template = dom::property(&dom::one(".upload-line")?.into(), "content")?;
    let line = template.dyn_into::<Node>().ok()?.first_child()?;
    line.clone_node_with_deep(true).ok()?.dyn_into().ok()
}

/// Posts a file, and says in its signal what becomes of it; `done` is called when that is over. The answer is a stream of
/// events, which say how far the server is.
pub fn send(file: &File, progress: RwSignal<Progress>, done: impl FnOnce() + 'static) {
    let Some((request, form)) = request(file) else {
        progress.set(Progress::Refused(words().unsendable.to_owned()));
        done();
        return;
    };
    if let Ok(upload) = request.upload() {
        let sending = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
            let percent = (event.loaded() / event.total().max(1.0) * 100.0) as u64;
            let is_sent = percent >= 100;
            progress.set(if is_sent { Progress::Queued } else { Progress::Sending(percent) });
        });
        upload.set_onprogress(Some(sending.into_js_value().unchecked_ref()));
    }
    let answering = request.clone();
    let answer = Closure::<dyn Fn(Event)>::new(move |_: Event| {
        if let Some(told) = last_told(&answering).filter(|told| !told.is_over()) {
            progress.set(told);
        }
    });
    request.set_onprogress(Some(answer.into_js_value().unchecked_ref()));
    let answered = request.clone();
    let finish = Closure::once_into_js(move |_: Event| {
        let told = last_told(&answered).filter(Progress::is_over);
        progress.set(told.unwrap_or_else(|| Progress::Refused(refusal(&answered))));
        done();
    });
    request.set_onloadend(Some(finish.unchecked_ref()));
    // A request that is open and was not sent before can be sent.
    let _ = request.send_with_opt_form_data(Some(&form));
}

/// The request for a file, as the form sends it that is there without script.
fn request(file: &File) -> Option<(XmlHttpRequest, FormData)> {
    let (request, form) = (XmlHttpRequest::new().ok()?, FormData::new().ok()?);
    form.append_with_blob_and_filename("file", file, &file.name()).ok()?;
    if dom::one(".import input[name=only_me]:checked").is_some() {
        form.append_with_str("only_me", "on").ok()?;
    }
    request.open("POST", &dom::at("/api/books")).ok()?;
    request.set_request_header("Accept", "text/event-stream").ok()?;
    request.set_request_header("Accept-Language", &dom::language()).ok()?;
    Some((request, form))
}

/// What the last event says that has come in whole.
fn last_told(request: &XmlHttpRequest) -> Option<Progress> {
    let text = request.response_text().ok().flatten()?;
    let (whole, _) = text.rsplit_once("\n\n")?;
    // Comments keep the connection open and say nothing.
    let event = whole.rsplit("\n\n").find(|event| event.starts_with("event:"))?;
    let (name, data) = event.split_once("\ndata:")?;
    Progress::told(name.strip_prefix("event:")?.trim(), &Json::parse(data.trim())?)
}

/// Why a request was not even answered with events.
fn refusal(request: &XmlHttpRequest) -> String {
    let text = request.response_text().ok().flatten().unwrap_or_default();
    match Json::parse(&text).and_then(|problem| problem.text("detail")) {
        Some(detail) => detail,
        None => match request.status().unwrap_or(0) {
            0 | 200 => words().unreachable.to_owned(),
            status => format!("HTTP {status}"),
        },
    }
}
