//! Which paragraphs of a plain text are chapter headings, in the languages that say it in words.
//!
//! `Chapter 4`, `Kapitel IV. Das Meer`, `Première partie`, `Глава первая`, `第一章 河边`. Prose may begin the
//! same way (`Part the curtains, please.`), so what follows must look like a title.

mod words;

use super::paragraphs::Paragraph;
use crate::text::spoken::roman_value;

use words::{ALONE, ALONE_EAST_ASIAN, DIVISIONS, ENGLISH_ORDINALS, NUMBER_WORDS};

/// Longest heading, in characters.
const MAX_HEADING_CHARS: usize = 80;
/// A title that follows a Chinese number without a space is no longer than this, in characters.
const MAX_JOINED_TITLE_CHARS: usize = 20;

/// Which paragraphs are chapter headings. A run of three or more of one kind is a printed table of contents.
pub(super) fn headings(paragraphs: &[Paragraph<'_>]) -> Vec<bool> {
    let numerals_count_up = numerals_count_up(paragraphs);
    let titles_count_up = titles_count_up(paragraphs);
    let mut headings: Vec<bool> = paragraphs
        .iter()
        .map(|paragraph| {
            let text = paragraph.text();
            paragraph.lines.len() <= 2
                && text.chars().count() <= MAX_HEADING_CHARS
                && (is_named_division(&text)
                    || numerals_count_up && lone_number(&text).is_some()
                    || titles_count_up && numbered_title(&text).is_some())
        })
        .collect();
    let mut start = 0;
    while start < headings.len() {
        let run = headings[start..].iter().take_while(|heading| **heading).count();
        if run > 2 && names_one_division_twice(&paragraphs[start..start + run]) {
            headings[start..start + run].fill(false);
        }
        start += run.max(1);
    }
    headings
}

/// Whether headings one below the other are of the same kind, as in a printed table of contents. Where each
/// is of another (`VOLUME I`, `BOOK FIRST`, `CHAPTER I`), a part of a part begins.
fn names_one_division_twice(headings: &[Paragraph<'_>]) -> bool {
    let kind = |paragraph: &Paragraph<'_>| {
        let text = paragraph.text().to_lowercase();
        let kind: String = text.chars().filter(|c| c.is_alphabetic() || *c == ' ').collect();
        kind.split(' ').next().unwrap_or_default().to_owned()
    };
    let mut seen = std::collections::HashSet::new();
    headings.iter().any(|heading| !seen.insert(kind(heading)))
}

/// `CHAPTER I`, `Part Two. The Sea`, `Prologue`, `Erstes Kapitel`, `第一章 河边`.
fn is_named_division(text: &str) -> bool {
    let text = text.trim_matches(|c: char| matches!(c, '_' | '*' | '=' | '#' | ' '));
    if is_east_asian_division(text) {
        return true;
    }
    let (first, rest) = word(text);
    let lower = first.to_lowercase();
    if ALONE.contains(&lower.as_str()) {
        return rest.trim().is_empty() || rest.trim_start().starts_with(['.', ':', '—', '–']);
    }
    if DIVISIONS.contains(&lower.as_str()) {
        return after_number(rest).is_some_and(is_title);
    }
    // `1. Kapitel`, `Première partie`, `Первая глава`.
    let ordinal = !ENGLISH_ORDINALS.contains(&lower.as_str())
        && (number(&lower).is_some() && rest.starts_with(['.', 'ª', 'º'])
            || NUMBER_WORDS.contains(&lower.as_str()));
    let (second, rest) = word(rest.trim_start_matches(['.', 'ª', 'º', ' ']));
    ordinal && DIVISIONS.contains(&second.to_lowercase().as_str()) && is_title(rest)
}

/// The first word of a text: letters and digits, and what comes after it. `chapter.001` is two words.
fn word(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_alphabetic() || c == '-' || c == '\'';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    if end > 0 {
        return text.split_at(end);
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// What follows the number of a division; `None` where there is no number.
fn after_number(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '.', '#', '№', ':']);
    // `Book the Second`; `the` alone numbers nothing.
    let text = text.strip_prefix("the ").or_else(|| text.strip_prefix("THE ")).unwrap_or(text);
    let (numeral, rest) = word(text);
    let lower = numeral.to_lowercase();
    let is_word = NUMBER_WORDS.contains(&lower.as_str())
        || lower.split_once('-').is_some_and(|(tens, ones)| {
            NUMBER_WORDS.contains(&tens) && NUMBER_WORDS.contains(&ones)
        });
    (is_word || number(numeral).is_some()).then_some(rest)
}

/// Whether what follows a number is a title, and not the rest of a sentence.
fn is_title(rest: &str) -> bool {
    let rest = rest.trim_end_matches([']', ' ']);
    let title = rest.trim_start();
    if title.trim_matches(['.', ':', '-', '—', '–', ' ']).is_empty() {
        return true;
    }
    if rest.starts_with(|c: char| c.is_alphanumeric()) {
        return false;
    }
    let ends_sentence = title.ends_with(['.', '!', '?', '…', ';', ',', '”', '"', '»']);
    if let Some(title) = title.strip_prefix(['.', ':', '—', '–', '-', '|']) {
        // `CHAPTER I. The Start.` is set so in old books.
        return !ends_sentence || title.split_whitespace().count() <= 8;
    }
    let title = title.trim_start_matches([',', ' ', '(', '[', '“', '"', '«', '„', '‘']);
    let begins_title = title.chars().next().is_some_and(|c| !c.is_lowercase());
    begins_title && !ends_sentence
}

/// `第一章 河边`, `第12話`, `番外 灰猫`. `第一封信` (the first letter) and `第一部分是` (the first part is) are prose.
fn is_east_asian_division(text: &str) -> bool {
    const NUMERALS: &str = "一二三四五六七八九十百千〇零两兩0123456789０１２３４５６７８９";
    const UNITS: &str = "章回节節卷部篇集幕折話话";
    let is_title = |rest: &str, may_be_joined: bool| {
        let has_stop = rest.contains(['。', '，', '！', '？', '、']);
        let is_apart =
            rest.is_empty() || rest.starts_with([' ', '\u{3000}', ':', '：', '·', '—', '-', '「']);
        is_apart && !rest.ends_with('。')
            || may_be_joined && !has_stop && rest.chars().count() <= MAX_JOINED_TITLE_CHARS
    };
    if let Some(rest) = ALONE_EAST_ASIAN.iter().find_map(|name| text.strip_prefix(name)) {
        return is_title(rest, false) || number(rest).is_some();
    }
    let Some(numbered) = text.strip_prefix('第') else { return false };
    let unit = numbered.trim_start_matches(|c| NUMERALS.contains(c));
    if unit.len() == numbered.len() {
        return false;
    }
    let mut letters = unit.chars();
    let Some(letter) = letters.next().filter(|letter| UNITS.contains(*letter)) else {
        return false;
    };
    // A chapter is hardly ever anything else; a part is often part of a sentence.
    is_title(letters.as_str(), matches!(letter, '章' | '回' | '節' | '节' | '話' | '话'))
}

/// The value of a paragraph that is nothing but a number: `IV.`, `12`.
fn lone_number(text: &str) -> Option<u32> {
    number(text.trim_end_matches('.'))
}

fn number(word: &str) -> Option<u32> {
    if (1..=4).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok();
    }
    roman_value(word)
}

/// Whether lone numbers number the chapters: they go 1, 2, 3 from the first on.
fn numerals_count_up(paragraphs: &[Paragraph<'_>]) -> bool {
    let numbers: Vec<u32> = paragraphs
        .iter()
        .filter(|paragraph| paragraph.lines.len() == 1)
        .filter_map(|paragraph| lone_number(paragraph.lines[0]))
        .collect();
    numbers.len() > 1 && numbers.iter().zip(1..).all(|(number, expected)| *number == expected)
}

/// The number of a title such as `I. A SCANDAL IN BOHEMIA` or `2. The Road`.
fn numbered_title(text: &str) -> Option<u32> {
    let (numeral, title) = text.split_once(". ")?;
    let is_title = title.chars().next().is_some_and(|c| !c.is_lowercase())
        && title.chars().count() <= 60
        && !title.ends_with(['.', '!', '?', '…', ';', ',', ':', '”', '"']);
    number(numeral).filter(|_| is_title)
}

/// Whether numbered titles number the chapters: at least three, 1, 2, 3 from the first on, with text between
/// them. One below the other they are a list.
fn titles_count_up(paragraphs: &[Paragraph<'_>]) -> bool {
    let numbered =
        paragraphs.iter().enumerate().filter(|(_, paragraph)| paragraph.lines.len() == 1);
    let found: Vec<(usize, u32)> = numbered
        .filter_map(|(at, paragraph)| Some((at, numbered_title(paragraph.lines[0])?)))
        .collect();
    found.len() >= 3
        && found.iter().zip(1..).all(|((_, number), expected)| *number == expected)
        && found.windows(2).all(|pair| pair[1].0 > pair[0].0 + 1)
}

#[cfg(test)]
mod tests {
    use super::is_named_division;

    #[test]
    fn chapters_are_headed_in_many_languages() {
        for heading in [
            "CHAPTER I",
            "Chapter One",
            "Chapter twenty-one: The Long Way",
            "CHAPTER I. The Start.",
            "chapter.001 The Well",
            "Chapter1",
            "Book the Second",
            "Part Two",
            "Act II, Scene 3",
            "Letter 4 To Mrs. Saville",
            "Prologue",
            "Epilogue: Ten Years Later",
            "Capítulo primero",
            "Capítulo II. En el camino",
            "Primera parte",
            "Chapitre premier",
            "Deuxième partie",
            "CHAPITRE XII",
            "Erstes Kapitel",
            "1. Kapitel",
            "Kapitel 3: Der Fluss",
            "Teil II",
            "Capitolo primo",
            "Parte seconda",
            "Livro Terceiro",
            "Глава 1",
            "Глава первая. Утро",
            "ЧАСТЬ ВТОРАЯ",
            "Эпилог",
            "Hoofdstuk 5",
            "Rozdział IV",
            "第一章 河边",
            "第12章大雪",
            "第三話",
            "第二部",
            "番外 灰猫",
            "番外1",
            "プロローグ",
        ] {
            assert!(is_named_division(heading), "{heading}");
        }
    }

    #[test]
    fn prose_that_begins_like_a_heading_is_prose() {
        for prose in [
            "Book the tickets.",
            "Part the curtains, please.",
            "Chapter 5 was the longest of them all.",
            "Part one of the plan failed.",
            "Book one ticket",
            "Act one way and think another.",
            "Letter by letter",
            "Prologue to the war, it was called.",
            "Un livre est un livre.",
            "Teil der Antwort war das nicht.",
            "Часть людей ушла.",
            "Глава семьи молчал.",
            "Die erste Szene war kurz.",
            "第一封信",
            "第一部分是他写的。",
            "第一章写得很好，大家都这么说。",
            "Zwei Teile",
        ] {
            assert!(!is_named_division(prose), "{prose}");
        }
    }
}
