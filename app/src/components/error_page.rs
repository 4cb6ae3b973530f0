//! The page that says what went wrong.

use leptos::prelude::*;

use super::PageTitle;
use crate::error::AppError;
use crate::words::words;

/// Sets the status of the page that is being rendered.
pub fn set_status(status: u16) {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>()
        && let Ok(status) = http::StatusCode::from_u16(status)
    {
        response.set_status(status);
    }
}

/// A page that says what went wrong and leads back to the library. Sets the response's status.
#[component]
pub fn ErrorPage(error: AppError) -> impl IntoView {
    set_status(error.status());
    let words = &words().errors;
    let heading = match error {
        AppError::NotFound(_) => words.not_found,
        AppError::Invalid(_) => words.invalid,
        AppError::Unavailable(_) | AppError::Internal => words.failed,
    };
    view! {
        <PageTitle text=format!("{heading} · Earmark")/>
        <main class="message">
            <h1>{heading}</h1>
            <p>{crate::words::error(error.to_string())}</p>
            <p><a class="button" href="/">{words.to_library}</a></p>
        </main>
    }
}
