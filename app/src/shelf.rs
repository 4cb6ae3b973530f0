//! What the library page shows of the library, and in which order.

use crate::model::BookCard;
use crate::preferences::{Show, Sort};

fn is_shown(show: Show, book: &BookCard) -> bool {
    match show {
        Show::All => true,
        Show::Unread => book.percent.is_none(),
        Show::Begun => book.percent.is_some_and(|percent| percent < 100),
        Show::Finished => book.percent.is_some_and(|percent| percent >= 100),
    }
}

/// The books to show, in order. `books` come the last read first; every word of `find` must be in
/// the title or the authors, whatever its case.
pub fn arrange(books: Vec<BookCard>, find: &str, show: Show, sort: Sort) -> Vec<BookCard> {
    let wanted: Vec<String> = find.split_whitespace().map(str::to_lowercase).collect();
    let says = |book: &BookCard| {
        let name = format!("{} {}", book.title, book.byline()).to_lowercase();
        wanted.iter().all(|word| name.contains(word))
    };
    let mut books: Vec<BookCard> =
        books.into_iter().filter(|book| is_shown(show, book) && says(book)).collect();
    match sort {
        Sort::Recent => {}
        Sort::Title => books.sort_by_cached_key(filed),
        Sort::Author => books.sort_by_cached_key(|book| {
            (book.authors.first().map(|author| surname(author)), filed(book))
        }),
        Sort::Added => books.sort_by_key(|book| std::cmp::Reverse(book.added_ms)),
    }
    books
}

/// A title as it is filed: without the article of its language.
fn filed(book: &BookCard) -> String {
    let title = book.title.to_lowercase();
    let language = book.language.split(['-', '_']).next().unwrap_or_default();
    let articles: &[&str] = match language.to_ascii_lowercase().as_str() {
        "en" => &["the ", "a ", "an "],
        "es" => &["el ", "la ", "los ", "las ", "un ", "una "],
        "de" => &["der ", "die ", "das ", "ein ", "eine "],
        "fr" => &["le ", "la ", "les ", "l’", "l'", "un ", "une "],
        "it" => &["il ", "lo ", "la ", "i ", "gli ", "le ", "l’", "l'", "un ", "uno ", "una "],
        "pt" => &["o ", "a ", "os ", "as ", "um ", "uma "],
        "nl" => &["de ", "het ", "een "],
        _ => &[],
    };
    let plain = articles.iter().find_map(|article| title.strip_prefix(article));
    plain.unwrap_or(&title).to_owned()
}

/// The last word of a name first.
fn surname(name: &str) -> String {
    let name = name.to_lowercase();
    match name.rsplit_once(' ') {
        Some((first, last)) => format!("{last} {first}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(title: &str, author: &str, percent: Option<u32>, added_ms: u64) -> BookCard {
        BookCard {
            id: match "0123456789abcdef".parse() {
                Ok(id) => id,
                Err(error) => unreachable!("{error}"),
            },
            title: title.to_owned(),
            authors: vec![author.to_owned()],
            language: "en".to_owned(),
            has_cover: false,
            cover_widths: Vec::new(),
            revision: 0,
            chapters: 1,
            sentences: 10,
            added_ms,
            percent,
            progress: None,
            is_own: false,
            read_by: None,
            series: None,
        }
    }

    fn titles(find: &str, show: Show, sort: Sort) -> Vec<String> {
        let books = vec![
            book("The Waste Land", "T. S. Eliot", Some(100), 1),
            book("Moby-Dick", "Herman Melville", Some(40), 3),
            book("A Study in Scarlet", "Arthur Conan Doyle", None, 2),
        ];
        arrange(books, find, show, sort).into_iter().map(|book| book.title).collect()
    }

    #[test]
    fn orders() {
        assert_eq!(titles("", Show::All, Sort::Recent)[0], "The Waste Land");
        let by_title = ["Moby-Dick", "A Study in Scarlet", "The Waste Land"];
        assert_eq!(titles("", Show::All, Sort::Title), by_title);
        let by_author = ["A Study in Scarlet", "The Waste Land", "Moby-Dick"];
        assert_eq!(titles("", Show::All, Sort::Author), by_author);
        let by_date = ["Moby-Dick", "A Study in Scarlet", "The Waste Land"];
        assert_eq!(titles("", Show::All, Sort::Added), by_date);
    }

    #[test]
    fn choices() {
        assert_eq!(titles("", Show::Unread, Sort::Recent), ["A Study in Scarlet"]);
        assert_eq!(titles("", Show::Begun, Sort::Recent), ["Moby-Dick"]);
        assert_eq!(titles("", Show::Finished, Sort::Recent), ["The Waste Land"]);
        assert_eq!(titles("doyle STUDY", Show::All, Sort::Recent), ["A Study in Scarlet"]);
        assert!(titles("doyle moby", Show::All, Sort::Recent).is_empty());
    }
}
