//! What the service worker shows when a page is neither on the device nor within reach.

use leptos::prelude::*;

use crate::components::{PageTitle, SiteHead};
use crate::islands::KeptBooks;
use crate::words::words;

/// `/offline`
#[component]
pub fn OfflinePage() -> impl IntoView {
    let words = &words().errors;
    view! {
        <PageTitle text=format!("{} · Earmark", words.offline)/>
        <SiteHead/>
        <main class="message">
            <h1>{words.offline}</h1>
            <p>{words.offline_hint}</p>
            <KeptBooks/>
        </main>
    }
}
