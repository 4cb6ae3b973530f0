//! The only code that is shipped to the browser.
//!
//! Islands bring markup to life that components have rendered: they find their elements, listen, and
//! change attributes and text. What the server has written is not written a second time in WASM,
//! which would cost every first view tens of kilobytes.
//!
//! They are two modules (see `Cargo.toml`): `reader` for the page of a chapter, `pages` for all others.

// Each module uses a part of what both have; the rest of it does not get into the WASM.
#![cfg_attr(
    not(any(feature = "ssr", all(feature = "reader", feature = "pages"))),
    allow(dead_code, reason = "shared by two modules, each of which needs a part")
)]

mod dom;
#[cfg(feature = "pages")]
mod drafts;
#[cfg(any(feature = "ssr", feature = "pages"))]
mod events;
#[cfg(any(feature = "ssr", feature = "pages"))]
mod import;
#[cfg(any(feature = "ssr", feature = "pages"))]
mod keep;
mod keys;
#[cfg(any(feature = "ssr", feature = "pages"))]
mod live;
#[cfg(any(feature = "ssr", feature = "pages"))]
mod narrations;
#[cfg(all(feature = "pages", not(feature = "reader")))]
mod next;
mod offline;
mod panel;
mod panels;
#[cfg(any(feature = "ssr", feature = "pages"))]
mod passkeys;
#[cfg(any(feature = "ssr", feature = "reader"))]
mod player;
mod preferences;

#[cfg(any(feature = "ssr", feature = "pages"))]
pub use import::ImportBooks;
#[cfg(any(feature = "ssr", feature = "pages"))]
pub use keep::{KeepBook, KeptBooks};
#[cfg(any(feature = "ssr", feature = "pages"))]
pub use live::Live;
#[cfg(any(feature = "ssr", feature = "pages"))]
pub use narrations::NarrationList;
pub use panels::Panels;
#[cfg(any(feature = "ssr", feature = "pages"))]
pub use passkeys::Passkeys;
#[cfg(feature = "ssr")]
pub(crate) use player::controls;
#[cfg(any(feature = "ssr", feature = "reader"))]
pub use player::{Player, Silence, Start};
