//! Parameters of routes, checked: what is wrong is named.

use std::collections::HashMap;

use app::model::BookId;

use super::ApiError;

/// A query string by name.
pub type QueryMap = HashMap<String, String>;

/// A book's id. One that cannot be an id is a book that is not there.
pub fn book(text: &str) -> Result<BookId, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound("There is no such book.".to_owned()))
}

/// A chapter's number, from 1.
pub fn chapter(text: &str) -> Result<u32, ApiError> {
    match number("chapter", text)? {
        0 => Err(ApiError::NotFound("The book has no such chapter.".to_owned())),
        number => Ok(number),
    }
}

/// A whole number.
pub fn number(name: &'static str, text: &str) -> Result<u32, ApiError> {
    text.parse()
        .map_err(|_| ApiError::BadParameter { name, reason: "must be a whole number".to_owned() })
}

/// What precedes `.mp3`.
pub fn mp3_name(text: &str) -> Result<&str, ApiError> {
    text.strip_suffix(".mp3")
        .ok_or_else(|| ApiError::NotFound("The address must end in “.mp3”.".to_owned()))
}

/// The voice asked for; empty for the book's default.
pub fn voice(query: &QueryMap) -> &str {
    query.get("voice").map_or("", String::as_str)
}

/// The sentence to begin with; the first when not given. `count` is the number there are.
pub fn from(query: &QueryMap, count: usize) -> Result<usize, ApiError> {
    let Some(text) = query.get("from").filter(|text| !text.is_empty()) else {
        return Ok(0);
    };
    let from = number("from", text)? as usize;
    if from > 0 && from >= count {
        return Err(ApiError::BadParameter {
            name: "from",
            reason: format!("is past the last sentence; the chapter has {count}"),
        });
    }
    Ok(from)
}
