//! The two hashes that address audio.
//!
//! [`SentenceHash`] names a sentence within the keys of one book and voice; [`ContentHash`] names
//! the audio itself, for every book and every listener. Both are SHA-256, shown as lower-case hex.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Everything that changes how a text sounds: an engine, what it is asked for, and the format.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VoiceKey {
    /// Which program or service speaks, e.g. `espeak-ng`.
    pub engine: String,
    /// The engine's model; engines that have one only repeat their name.
    pub model: String,
    /// The engine's name for the voice, e.g. `en-gb`.
    pub voice: String,
    /// The engine's own rate; 1 is its default. Never the listener's playback speed.
    pub speed: String,
    /// Clip format, e.g. `mp3-48k`.
    pub format: String,
}

/// What is said around a sentence and how it is to be spoken, for an engine whose sound depends on that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Context {
    /// What is spoken before; empty at the beginning of a chapter.
    pub before: Arc<str>,
    /// What is spoken after; empty at the end.
    pub after: Arc<str>,
    /// How a listener wants it spoken, in words; empty when as the engine's settings say.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub instructions: Arc<str>,
}

impl Context {
    /// What it adds to what is hashed. Instructions that nobody gave add nothing, so that clips from before there were
    /// any keep their names.
    fn parts(&self) -> impl Iterator<Item = &str> {
        let instructions = Some(&*self.instructions).filter(|given| !given.is_empty());
        [&*self.before, &*self.after].into_iter().chain(instructions)
    }
}

/// SHA-256 of a normalised sentence, or with a context, over the length-prefixed parts of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SentenceHash([u8; 32]);

/// SHA-256 over length-prefixed (text, engine, model, voice, speed, format), and with a context
/// also (before, after) and the instructions, if there are some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 32]);

impl SentenceHash {
    /// Hashes a sentence that [`normalise`](super::spoken::normalise) has returned.
    pub fn of(normalised: &str, context: Option<&Context>) -> Self {
        match context {
            None => Self(Sha256::digest(normalised.as_bytes()).into()),
            Some(context) => Self(length_prefixed([normalised].into_iter().chain(context.parts()))),
        }
    }
}

impl ContentHash {
    /// Hashes what is spoken together with who speaks it. Each part is preceded by its length in
    /// bytes as a big-endian `u64`, so that no two different inputs run together the same way.
    pub fn of(normalised: &str, context: Option<&Context>, voice: &VoiceKey) -> Self {
        let VoiceKey { engine, model, voice, speed, format } = voice;
        let around = context.into_iter().flat_map(Context::parts);
        Self(length_prefixed(
            [normalised, engine, model, voice, speed, format].into_iter().chain(around),
        ))
    }
}

fn length_prefixed<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

impl fmt::Display for SentenceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl SentenceHash {
    /// In lower-case hex.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl ContentHash {
    /// In lower-case hex.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// Not the 64 lower-case hex digits of a hash.
#[derive(Debug, thiserror::Error)]
#[error("a hash has 64 lower-case hex digits")]
pub struct InvalidHash;

impl FromStr for SentenceHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text).map(Self)
    }
}

impl FromStr for ContentHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text).map(Self)
    }
}

fn from_hex(text: &str) -> Result<[u8; 32], InvalidHash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(InvalidHash),
    };
    let digits: [u8; 64] = text.as_bytes().try_into().map_err(|_| InvalidHash)?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

/// Bytes in lower-case hex, as all our hashes are shown.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = vec![0; 2 * bytes.len()];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    // Digits are UTF-8.
    String::from_utf8(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn voice() -> VoiceKey {
        VoiceKey {
            engine: "espeak-ng".to_owned(),
            model: "espeak-ng".to_owned(),
            voice: "en-gb".to_owned(),
            speed: "1".to_owned(),
            format: "mp3-48k".to_owned(),
        }
    }

    /// Test vectors: another program that reads our keys must come to the same values.
    #[test]
    fn vectors() {
        assert_eq!(
            SentenceHash::of("It was a dark and stormy night.", None).to_string(),
            SENTENCE_VECTOR
        );
        assert_eq!(
            ContentHash::of("It was a dark and stormy night.", None, &voice()).to_string(),
            CONTENT_VECTOR
        );
        assert_eq!(
            SentenceHash::of("", None).to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    const SENTENCE_VECTOR: &str =
        "a65db223322236f5da3af4a0792189e5a2328ca085dcb242aa25d628cff356f2";
    const CONTENT_VECTOR: &str = "f9a53d2a397bfc0cfbc4448ca20e9d8c86c8f730cea9c7f798ba94186c2e4ba6";

    #[test]
    fn what_is_said_around_a_sentence_makes_it_another() {
        let context = |before: &str, after: &str| Context {
            before: before.into(),
            after: after.into(),
            ..Context::default()
        };
        let asked = Context { instructions: "a".into(), ..Context::default() };
        let of = |context: Option<&Context>| {
            (SentenceHash::of("Yes.", context), ContentHash::of("Yes.", context, &voice()))
        };
        let all = [
            of(None),
            of(Some(&context("", ""))),
            of(Some(&context("a", ""))),
            of(Some(&context("", "a"))),
            of(Some(&asked)),
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert!(one.0 != other.0 && one.1 != other.1);
            }
        }
    }

    proptest! {
        #[test]
        fn parts_never_run_together(a in "[a-z]{0,6}", b in "[a-z]{0,6}", c in "[a-z]{0,6}", d in "[a-z]{0,6}") {
            let left = ContentHash::of(&a, None, &VoiceKey { engine: b.clone(), ..voice() });
            let right = ContentHash::of(&c, None, &VoiceKey { engine: d.clone(), ..voice() });
            prop_assert_eq!(left == right, (a, b) == (c, d));
        }

        #[test]
        fn hashes_are_read_as_they_are_shown(text in ".*") {
            let (sentence, content) = (SentenceHash::of(&text, None), ContentHash::of(&text, None, &voice()));
            prop_assert_eq!(sentence.to_string().parse::<SentenceHash>().unwrap(), sentence);
            prop_assert_eq!(content.to_string().parse::<ContentHash>().unwrap(), content);
            prop_assert!(text.len() == 64 || text.parse::<ContentHash>().is_err());
        }
    }
}
