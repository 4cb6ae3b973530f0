//! What a book says, and how it is cut up to be read aloud: inline markup, sentences,
//! normalisation, pronunciation and hashes. Pure functions over strings; this module does no I/O.

pub mod hash;
pub mod language;
pub mod markup;
pub mod pronunciation;
pub mod quotes;
pub mod references;
pub mod sentence;
pub mod spelling;
pub mod spoken;
pub mod subtitles;
pub mod xml;
