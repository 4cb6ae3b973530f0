//! The only code that is shipped to the browser.
//!
//! Islands bring markup to life that components have rendered: they find their elements, listen, and
//! change attributes and text. What the server has written is not written a second time in WASM,
//! which would cost every first view tens of kilobytes.

mod dom;
mod import;
mod keep;
mod live;
mod narrations;
mod panels;
mod player;

pub use import::ImportBooks;
pub use keep::{KeepBook, KeptBooks};
pub use live::Live;
pub use narrations::NarrationList;
pub use panels::Panels;
#[cfg(feature = "ssr")]
pub(crate) use player::controls;
pub use player::{Player, Silence, Start};
