//! Why a form was refused, on the page that it stands on.

use leptos::prelude::*;

use crate::notice::notice;

/// Why the form that was sent last was refused, if it was.
#[component]
pub fn Refusal() -> impl IntoView {
    let why = notice();
    (!why.is_empty()).then(|| view! { <p class="refusal" role="alert">{why}</p> })
}
