//! What can be done with selected text.

use leptos::prelude::*;

use crate::words::words;

/// A toolbar that the reader shows beside a selection.
#[component]
pub fn SelectionMenu() -> impl IntoView {
    let words = &words().reader;
    let does = [
        ("highlight", words.highlight),
        ("note", words.note),
        ("read-selection", words.read_from_here),
        ("say-as", words.say_as),
        ("passage", words.read_otherwise),
        ("copy", words.copy),
        ("look-up", words.look_up),
        ("share", words.share),
    ];
    view! {
        <div class="selection-menu" role="toolbar" aria-label=words.selection hidden>
            {does
                .map(|(command, label)| {
                    view! { <button type="button" data-do=command>{label}</button> }
                })
                .collect_view()}
        </div>
    }
}
