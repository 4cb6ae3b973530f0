//! The head of every page but the reader, and the panel that pages open in.

use leptos::prelude::*;

use super::{Icon, icon};
use crate::islands::Panels;
use crate::words::words;

/// Wordmark, and links that open in the panel. `children` stand before them.
#[component]
pub fn SiteHead(#[prop(optional)] children: Option<Children>) -> impl IntoView {
    let words = &words().site;
    view! {
        <header class="site-head">
            <a class="wordmark" href="/">"Earmark"</a>
            <nav class="site-tools" aria-label=words.settings>
                {children.map(|children| children())}
                <a class="tool" href="/keys" data-panel aria-keyshortcuts="?" aria-label=words.keys title=words.keys>
                    {icon(Icon::Keys)}
                </a>
                <a class="tool" href="/settings" data-panel aria-keyshortcuts="S" aria-label=words.settings title=words.settings>
                    {icon(Icon::Settings)}
                </a>
            </nav>
        </header>
        <Panel/>
    }
}

/// The dialog that shows other pages over this one: any link with `data-panel` opens in it. Without
/// script, the link leads to the page.
#[component]
pub fn Panel() -> impl IntoView {
    let words = &words().site;
    view! {
        <dialog id="panel" class="panel" aria-labelledby="panel-title">
            <div class="panel-head">
                <h2 id="panel-title"></h2>
                <button type="button" class="tool" data-do="close-panel" aria-label=words.close title=words.close>
                    {icon(Icon::Close)}
                </button>
            </div>
            <p class="panel-failed" role="alert" data-failed=crate::words::words().playing.failed hidden></p>
            <div class="panel-body" data-loading=words.loading></div>
        </dialog>
        <Panels/>
    }
}
