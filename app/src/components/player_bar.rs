//! The player's bar: what surrounds its controls (`islands/player/controls.rs`), and the buttons that show nothing.
//! What these ask for stands in `data-do` (`islands/player/commands.rs`).

use leptos::prelude::*;

use super::{Icon, data, icon};
use crate::islands::controls::fold::FoldButton;
use crate::islands::controls::notice::Notice;
use crate::islands::controls::play::PlayButton;
use crate::islands::controls::scrubber::{BookLeft, Scrubber};
use crate::islands::controls::sleep::SleepControl;
use crate::islands::controls::speed::SpeedControl;
use crate::islands::controls::stored::StoredMark;
use crate::islands::controls::voice::VoiceControl;
use crate::islands::controls::way_back::WayBackButton;
use crate::islands::{Player, Silence, Start};
use crate::model::{BookCard, Voice};
use crate::preferences::{Preferences, plain_language};
use crate::words::words;

/// The bar at the foot of the page; `voice` is the narrator, `cast` names all who read, and `silence` says why nobody does,
/// if nobody does; `news` names the voice that books in this language are now read by, if that is news.
#[component]
pub fn PlayerBar(
    book: BookCard,
    chapter: u32,
    voice: Option<Voice>,
    cast: String,
    silence: Option<Silence>,
    news: Option<String>,
) -> impl IntoView {
    let progress = book.progress.as_ref();
    let preferences = use_context::<Preferences>().unwrap_or_default();
    let id = book.id.to_string();
    let start = Start {
        book: id.clone(),
        title: book.title.clone(),
        author: book.byline(),
        has_cover: book.has_cover,
        chapters: book.chapters,
        resume: progress.filter(|at| at.chapter == chapter).map(|at| at.sentence),
        known_ms: progress.map(|at| at.at_ms).unwrap_or_default(),
        cast,
        voice_name: voice.map(|voice| voice.name).unwrap_or_default(),
        rate: preferences.rate_in(&book.id, &book.language),
        language: plain_language(&book.language),
        language_rate: preferences.rates.get(&plain_language(&book.language)).copied(),
        own_rate: preferences.rates.get(&id).copied(),
        silence,
    };
    let words = &words().player;
    let skip = |command: &'static str, label: &'static str, keys: &'static str, shape: Icon| {
        view! {
            <button type="button" class=format!("skip-button {command}") data-do=command
                aria-keyshortcuts=keys aria-label=label title=label>
                {icon(shape)}
            </button>
        }
    };
    let (name, is_silent) = (start.voice_name.clone(), start.cast.is_empty());
    let said = silence.map(|silence| silence.said(&crate::words::words().playing));
    view! {
        <section class="player" aria-label=words.player data-phase="idle" data-folded data-book=id.clone()
            data-voice=start.cast.clone() data-start=data(&start)>
            <audio preload="none"></audio>
            <Notice book=id.clone() said news/>
            <WayBackButton/>
            <Scrubber/>
            <div class="player-bar">
                <FoldButton/>
                <div class="player-side">
                    <BookLeft/>
                    <button type="button" class="heard-wrong" data-do="heard-wrong" aria-keyshortcuts="W" title=words.heard_wrong>
                        {icon(Icon::HeardWrong)}<span>{words.heard_wrong}</span>
                    </button>
                </div>
                <div class="player-middle">
                    {skip("chapter-back", words.chapter_back, "P Shift+ArrowLeft", Icon::ChapterBack)}
                    {skip("paragraph-back", words.paragraph_back, ",", Icon::ParagraphBack)}
                    {skip("sentence-back", words.sentence_back, "ArrowLeft", Icon::SentenceBack)}
                    <PlayButton is_silent/>
                    {skip("sentence-on", words.sentence_on, "ArrowRight", Icon::SentenceOn)}
                    {skip("paragraph-on", words.paragraph_on, ".", Icon::ParagraphOn)}
                    {skip("chapter-on", words.chapter_on, "N Shift+ArrowRight", Icon::ChapterOn)}
                </div>
                <div class="player-side player-choices">
                    <SpeedControl start=start.clone()/>
                    <VoiceControl book=id.clone() name/>
                    <StoredMark/>
                    <SleepControl/>
                </div>
            </div>
        </section>
        <Player/>
    }
}
