use super::*;
use crate::audio::Pcm;

/// What `Debug` leaves out of a test: an engine that only has a list.
struct Listed(Vec<Voice>);

#[async_trait]
impl Engine for Listed {
    fn name(&self) -> &str {
        "listed"
    }

    fn voices(&self) -> &[Voice] {
        &self.0
    }

    fn sample_rate(&self) -> u32 {
        22_050
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        Err(VoiceError::NoSuchVoice(utterance.voice.to_owned()))
    }
}

fn utterance<'a>(text: &'a str, voice: &'a str) -> Utterance<'a> {
    Utterance { text, context: None, voice, speed: 1.0 }
}

fn voices(languages: &[&str], preferred: Option<&str>) -> Voices {
    let list = languages
        .iter()
        .map(|language| Voice {
            id: format!("listed:{language}"),
            name: (*language).to_owned(),
            language: (*language).to_owned(),
            engine: "listed".to_owned(),
        })
        .collect();
    Voices::new(vec![Arc::new(Listed(list))], preferred.map(str::to_owned), 1)
}

#[test]
fn a_book_is_read_in_its_language() {
    let voices = voices(&["en-us", "en-gb", "de"], None);
    let of = |language: &str| voices.choose("", language).map(|voice| voice.key.voice);
    assert_eq!(of("en-GB").unwrap(), "en-gb");
    assert_eq!(of("en").unwrap(), "en-us");
    assert_eq!(of("de-AT").unwrap(), "de");
    assert_eq!(of("und").unwrap(), "en-us");
    assert!(of("ja").is_err());
}

#[test]
fn the_preferred_voice_is_used_where_it_speaks_the_language() {
    let voices = voices(&["en-us", "en-gb", "de"], Some("listed:en-gb"));
    assert_eq!(voices.choose("", "en-US").unwrap().id, "listed:en-gb");
    assert_eq!(voices.choose("", "de").unwrap().id, "listed:de");
}

#[test]
fn unknown_voices_are_refused() {
    let voices = voices(&["en-us"], None);
    for id in ["listed:xx", "other:en-us", "en-us", "listed:", ":"] {
        assert!(matches!(voices.choose(id, "en"), Err(VoiceError::NoSuchVoice(_))), "{id}");
    }
}

#[tokio::test]
async fn espeak_speaks_and_repeats_itself_exactly() {
    let engine = espeak::Espeak::find().await.expect("espeak-ng is installed by make");
    let say = async |text: &str| engine.speak(utterance(text, "en-us")).await.unwrap();
    let short = say("Yes.").await;
    let long =
        say("It was a bright cold day in April, and the clocks were striking thirteen.").await;
    assert!(long.length.samples > 3 * short.length.samples);
    assert_eq!(short, say("Yes.").await);
    let seconds = long.length.samples as f64 / f64::from(long.length.sample_rate);
    assert!((3.0..8.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn espeak_takes_brackets_for_text() {
    let engine = espeak::Espeak::find().await.expect("espeak-ng is installed by make");
    // `[[` would begin phoneme input, in which "note" is other sounds.
    let say =
        async |text: &str| engine.speak(utterance(text, "en-us")).await.unwrap().length.samples;
    let (plain, bracketed) = (say("See note one.").await, say("See [[note]] one.").await);
    assert!(bracketed >= plain, "{bracketed} < {plain}");
}

#[tokio::test]
async fn what_an_engine_has_no_words_for_passes_in_silence() {
    let wav = |samples: Vec<i16>| Ok(Pcm { samples, sample_rate: 22_050 });
    for silent in [Vec::new(), vec![0; 9_000]] {
        let clip = encoding::encode("test", 22_050, wav(silent)).await.unwrap();
        assert!((7_000..12_000).contains(&clip.length.samples));
    }
    let no_wav = encoding::encode("test", 22_050, Pcm::from_wav(Vec::new())).await.unwrap_err();
    assert!(matches!(no_wav, VoiceError::NoAudio { .. }), "{no_wav}");
}

#[tokio::test]
async fn flite_speaks_when_it_is_installed() {
    let Ok(engine) = flite::Flite::find().await else { return };
    let clip = engine.speak(utterance("“Naïve” — it’s here.", "slt")).await.unwrap();
    assert_eq!(clip.length.sample_rate, 16_000);
}
