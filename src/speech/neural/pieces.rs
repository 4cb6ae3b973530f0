//! Numbers of phonemes, in pieces that a network speaks well.

/// Most phonemes that are spoken at once. The voice was trained on sentences of up to 510, and fades in the
/// longest; its makers cut here.
pub(super) const MAX_PHONEMES: usize = 400;
/// Most phonemes of one word or number that are kept together.
const LONGEST_TOKEN: usize = 200;
/// Phonemes after which a sentence may be cut unheard, the best first.
const CLAUSE_ENDS: [&str; 2] = [".!?…;:—", ",\"”)"];
/// What stands before and after the phonemes.
const EDGE: i32 = 0;

/// A part of a sentence that is spoken at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Numbers of phonemes, with the edges.
    pub ids: Vec<i32>,
    /// Words, and where in `ids` each begins.
    pub words: Vec<(String, usize)>,
}

/// What a token of the text sounds like.
pub(super) struct Token {
    /// As it is written.
    pub text: String,
    /// Numbers of its phonemes.
    pub ids: Vec<i32>,
    /// The last phoneme, which may end a clause.
    pub last: Option<char>,
    /// What follows it.
    pub space: Vec<i32>,
}

impl Token {
    /// What is too long for one piece by itself, like a number of three hundred figures, in parts.
    pub fn in_parts(self) -> Vec<Self> {
        if self.ids.len() <= LONGEST_TOKEN {
            return vec![self];
        }
        let part = |ids: &[i32]| Self {
            text: self.text.clone(),
            ids: ids.to_vec(),
            last: None,
            space: Vec::new(),
        };
        self.ids.chunks(LONGEST_TOKEN).map(part).collect()
    }
}

/// The pieces of a sentence; `end` is the number of a full stop. What has no phonemes has no pieces.
pub(super) fn pieces(tokens: Vec<Token>, end: Option<i32>) -> Vec<Piece> {
    cut(tokens).into_iter().filter_map(|tokens| piece(tokens, end)).collect()
}

/// Cuts what is too long for one piece, at the last end of a clause that fits.
fn cut(mut rest: Vec<Token>) -> Vec<Vec<Token>> {
    let mut parts = Vec::new();
    loop {
        let mut count = 0;
        let fits = rest.iter().take_while(|token| {
            count += token.ids.len() + token.space.len();
            count <= MAX_PHONEMES
        });
        let fits = fits.count();
        if fits == rest.len() {
            parts.push(rest);
            return parts;
        }
        let ends = |ends: &str| {
            let is_end = |token: &Token| token.last.is_some_and(|last| ends.contains(last));
            // Not at the very beginning, where a few words would stand alone.
            rest[..fits].iter().rposition(is_end).filter(|at| *at >= fits / 4)
        };
        let at = CLAUSE_ENDS.into_iter().find_map(ends).map_or(fits, |at| at + 1).max(1);
        let later = rest.split_off(at);
        parts.push(std::mem::replace(&mut rest, later));
    }
}

/// A piece of tokens; none when nothing in them is spoken. A title or a cut that ends without a sign is
/// given one, since the voice trails off without.
fn piece(tokens: Vec<Token>, end: Option<i32>) -> Option<Piece> {
    let (mut ids, mut words) = (vec![EDGE], Vec::new());
    let mut ends_with_sign = false;
    for token in tokens {
        let is_word = token.text.chars().any(char::is_alphanumeric);
        if is_word && !token.ids.is_empty() {
            words.push((token.text, ids.len()));
            ends_with_sign = false;
        } else if !token.ids.is_empty() {
            ends_with_sign = true;
        }
        ids.extend(token.ids);
        ids.extend(token.space);
    }
    if words.is_empty() {
        return None;
    }
    if let (false, Some(end)) = (ends_with_sign, end) {
        ids.push(end);
    }
    ids.push(EDGE);
    Some(Piece { ids, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, phonemes: usize, last: char) -> Token {
        Token { text: text.to_owned(), ids: vec![7; phonemes], last: Some(last), space: vec![16] }
    }

    #[test]
    fn a_long_sentence_is_cut_at_a_clause() {
        let tokens = (0..100).map(|n| token("word", 9, if n % 7 == 3 { ',' } else { 'k' }));
        let parts = cut(tokens.collect());
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 100);
        for part in &parts {
            assert!(part.iter().map(|token| token.ids.len() + 1).sum::<usize>() <= MAX_PHONEMES);
        }
        for part in &parts[..parts.len() - 1] {
            assert_eq!(part.last().unwrap().last, Some(','));
        }
    }

    #[test]
    fn what_has_no_clauses_is_cut_between_words() {
        let parts = cut((0..100).map(|_| token("word", 9, 'k')).collect());
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 100);
        assert!(parts.iter().all(|part| part.len() <= 40));
        let parts = token("x", 5_000, 'k').in_parts();
        assert_eq!(parts.iter().map(|part| part.ids.len()).sum::<usize>(), 5_000);
        assert!(cut(parts).iter().all(|part| part.len() <= 2));
    }

    #[test]
    fn a_title_ends_like_a_sentence() {
        let title = piece(vec![token("Chapter", 3, 'k'), token("One", 2, 'k')], Some(4)).unwrap();
        assert_eq!(title.ids, [0, 7, 7, 7, 16, 7, 7, 16, 4, 0]);
        assert_eq!(title.words, [("Chapter".to_owned(), 1), ("One".to_owned(), 5)]);
        let sentence = piece(vec![token("One", 2, 'k'), token(".", 1, '.')], Some(4)).unwrap();
        assert_eq!(sentence.ids, [0, 7, 7, 16, 7, 16, 0]);
        assert!(piece(vec![token("—", 1, '—')], Some(4)).is_none());
    }
}
