//! Everything of Earmark that the browser may know.
//!
//! With the feature `ssr` the crate renders pages inside the server, which it reaches through one port,
//! [`backend::Backend`]. With `reader` or `pages` it becomes the WASM of the islands of those pages, the
//! only parts of a page that move; pages and components are not in it.
//!
//! It never mentions queues, SQL, HTTP clients or sentence splitting.

// The type of a page holds the types of all its elements.
#![recursion_limit = "256"]

pub mod base;
pub mod cast;
pub mod icon;
pub mod islands;
pub mod model;
pub mod pacing;
pub mod preferences;
pub mod words;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod backend;
#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
pub mod error;
#[cfg(feature = "ssr")]
pub mod notice;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod shelf;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
mod typefaces;
#[cfg(feature = "ssr")]
pub mod ways;

#[cfg(feature = "ssr")]
pub use shell::{App, not_found, shell};

/// The WASM module, and its script, of all pages but the reader's.
pub const PAGES_MODULE: &str = "pages";

/// The same of the reader's page.
pub const READER_MODULE: &str = "reader";

/// Brings the islands of a server-rendered page to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    // In a release build the hook would be a kilobyte of every first view; the browser still names the
    // function a panic was in.
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
