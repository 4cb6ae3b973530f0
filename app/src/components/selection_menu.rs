//! What can be done with selected text.

use leptos::prelude::*;

use crate::model::HighlightColour;
use crate::words::words;

/// A toolbar that the reader shows beside a selection.
#[component]
pub fn SelectionMenu() -> impl IntoView {
    let (notes, words) = (&words().notes, &words().reader);
    let does = [
        ("note", words.note),
        ("read-selection", words.read_from_here),
        ("say-as", words.say_as),
        ("passage", words.read_otherwise),
        ("copy", words.copy),
        ("look-up", words.look_up),
        ("share", words.share),
    ];
    // The first is that of the button with the word.
    let colours = HighlightColour::ALL.iter().zip(notes.colours).skip(1).map(|(colour, name)| {
        let (colour, label) = (colour.name(), format!("{}: {name}", words.highlight));
        view! {
            <button type="button" class="swatch" data-do="highlight" data-value=colour aria-label=label title=name>
                <span class=format!("noted-{colour}")></span>
            </button>
        }
    });
    view! {
        <div class="selection-menu" role="toolbar" aria-label=words.selection hidden>
            <button type="button" data-do="highlight">{words.highlight}</button>
            {colours.collect_view()}
            {does
                .map(|(command, label)| {
                    view! { <button type="button" data-do=command>{label}</button> }
                })
                .collect_view()}
        </div>
    }
}
