//! The parts of a page that move: the only code that is shipped as WASM.

mod import;
mod player;

pub use import::ImportBooks;
pub use player::Player;
