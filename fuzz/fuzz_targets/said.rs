//! What is said for a sentence: without references and addresses, with what the book says of its sound, entries of a
//! pronunciation list, numerals, and the phonemes of the built-in voice
//! where its files are (`make setup`). Any text is said, in bounded time.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use app::model::{Matching, NewPronunciation, Pronunciation, PronunciationScope};
use app::preferences::{Links, Wording};
use earmark::speech::neural::phonemes::{Accent, Pronouncer};
use earmark::text::pronunciation::{OwnSound, Rules, apart, checked, pronounce, without_phonemes};
use earmark::text::references::reworded;
use earmark::text::spelling::spell_out;
use libfuzzer_sys::fuzz_target;

static VOICE: LazyLock<Option<Pronouncer>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/voices/heart");
    Pronouncer::load(&folder, Accent::American).ok()
});

fuzz_target!(|input: (u8, &str, &str, &str, &str)| {
    let (kind, written, spoken, phonemes, text) = input;
    let entry = NewPronunciation {
        written: written.to_owned(),
        spoken: spoken.to_owned(),
        phonemes: phonemes.to_owned(),
        matching: [Matching::Word, Matching::Part, Matching::Pattern][usize::from(kind) % 3],
        matches_case: kind > 127,
        scope: PronunciationScope::Book,
    };
    let entries = checked(entry).into_iter().map(|entry| Pronunciation {
        id: String::new(),
        entry,
        target: String::new(),
    });
    let rules = Rules::new(entries.collect());
    let wording = Wording {
        skips_citations: kind & 1 == 1,
        links: Links::ALL[usize::from(kind >> 1) % Links::ALL.len()],
        names_columns: false,
    };
    let text = reworded(text, wording);
    // What a book may say of the sound of a word.
    let own = OwnSound { word: written, before: usize::from(kind & 3), phonemes };
    let said = pronounce(&rules, &text, &[own]);
    let plain = without_phonemes(&said);
    let (apart, places) = apart(&said);
    assert_eq!(plain, apart);
    assert!(places.iter().all(|(place, _)| apart.get(place.clone()).is_some()));
    for language in ["en", "de", "es", "fr"] {
        spell_out(&said, language);
    }
    // As long as a sentence can be.
    if let Some(pronouncer) = &*VOICE
        && said.chars().count() <= 600
    {
        assert!(pronouncer.pieces(&said).is_ok());
    }
});
