//! The sheet of keys.

use leptos::prelude::*;

use crate::components::{PageTitle, SiteHead};
use crate::words::words;

/// The keys, in the order in which [`crate::words::Keys`] says what they do. The buttons that do it
/// name them in `aria-keyshortcuts`.
pub const KEYS: [&[&str]; 15] = [
    &["Space", "K"],
    &["←", "→"],
    &[",", "."],
    &["P", "N"],
    &["−", "+"],
    &["V"],
    &["W"],
    &["PgUp", "PgDn"],
    &["B"],
    &["T"],
    &["/"],
    &["A"],
    &["S"],
    &["Z"],
    &["?"],
];

/// `/keys`
#[component]
pub fn KeysPage() -> impl IntoView {
    let words = &words().keys;
    let lines = KEYS.into_iter().zip(words.does).map(|(keys, does)| {
        let keys = keys.iter().map(|key| {
            let shown = if *key == "Space" { words.space } else { key };
            view! { <kbd>{shown}</kbd> " " }
        });
        view! {
            <dt>{keys.collect_view()}</dt>
            <dd>{does}</dd>
        }
    });
    view! {
        <PageTitle text=format!("{} · Earmark", words.title)/>
        <SiteHead/>
        <main class="keys">
            <h1 data-panel-title>{words.title}</h1>
            <dl>{lines.collect_view()}</dl>
        </main>
    }
}
