//! The player's bar. It is dead until the island beside it comes to life; what its buttons ask for
//! stands in `data-do` (`islands/player/command.rs`).

use leptos::prelude::*;

use super::{Icon, data, icon};
use crate::islands::Player;
use crate::model::{BookCard, Voice};
use crate::preferences::Preferences;
use crate::words::words;

/// Minutes the sleep timer offers.
const SLEEP_MINUTES: [u32; 7] = [5, 10, 15, 30, 45, 60, 90];

/// Speeds offered as buttons, in hundredths; the slider has all.
const QUICK_RATES: [u16; 6] = [80, 100, 120, 150, 200, 300];

/// The bar at the foot of the page; `voice` is the narrator, `cast` names all who read, and `silence` says why nobody does,
/// if nobody does; `news` names the voice that books in this language are now read by, if that is news.
#[component]
pub fn PlayerBar(
    book: BookCard,
    chapter: u32,
    voice: Option<Voice>,
    cast: String,
    silence: Option<&'static str>,
    news: Option<String>,
) -> impl IntoView {
    let script = data(&words().script);
    let progress = book.progress.as_ref();
    let resume = progress.filter(|at| at.chapter == chapter).map(|at| at.sentence);
    let known_ms = progress.map(|at| at.at_ms).unwrap_or_default();
    let (author, id) = (book.byline(), book.id.to_string());
    let preferences = use_context::<Preferences>().unwrap_or_default();
    let rate = preferences.rate_in(&book.id);
    let own_rate = preferences.rates.contains_key(&id).then_some(rate);
    let words = &words().player;
    let skip = |command: &'static str, label: &'static str, keys: &'static str, shape: Icon| {
        view! {
            <button type="button" class=format!("skip-button {command}") data-do=command
                aria-keyshortcuts=keys aria-label=label title=label>
                {icon(shape)}
            </button>
        }
    };
    let said = silence.is_some().then_some("true");
    let voice_name = voice.map_or_else(|| words.choose_voice.to_owned(), |voice| voice.name);
    view! {
        <section class="player" aria-label=words.player data-phase="idle" data-book=id.clone()
            data-title=book.title.clone() data-author=author data-has-cover=book.has_cover.then_some("")
            data-chapters=book.chapters data-resume=resume data-known-ms=known_ms data-voice=cast
            data-own-rate=own_rate data-words=script>
            <audio preload="none"></audio>
            <div class="player-notice">
                {news.map(|name| voice_news(&id, &name))}
                <p class="player-state" role="status" data-said=said>{silence}</p>
                <button type="button" class="notice-button retry" data-do="retry" hidden>{words.retry}</button>
                <button type="button" class="notice-button go-there" data-do="go-there" hidden>{words.go_there}</button>
                <button type="button" class="notice-button stay-here" data-do="stay-here" hidden>{words.stay_here}</button>
            </div>
            <button type="button" class="look-back" data-do="look-back" aria-keyshortcuts="V" hidden>{words.look_back}</button>
            <div class="scrub">
                <span class="time played" aria-hidden="true"></span>
                <input type="range" class="scrubber" min="0" max="1000" value="0" step="1"
                    aria-label=words.place disabled/>
                <span class="time left" aria-hidden="true"></span>
            </div>
            <div class="player-bar">
                <div class="player-side">
                    <p class="time book-left"></p>
                    <button type="button" class="heard-wrong" data-do="heard-wrong" aria-keyshortcuts="W">{words.heard_wrong}</button>
                </div>
                <div class="player-middle">
                    {skip("chapter-back", words.chapter_back, "P Shift+ArrowLeft", Icon::ChapterBack)}
                    {skip("paragraph-back", words.paragraph_back, ",", Icon::ParagraphBack)}
                    {skip("sentence-back", words.sentence_back, "ArrowLeft", Icon::SentenceBack)}
                    <button type="button" class="play" data-do="toggle" aria-keyshortcuts="Space K" disabled=silence.is_some() aria-label=words.play>
                        {icon(Icon::Play)}
                    </button>
                    {skip("sentence-on", words.sentence_on, "ArrowRight", Icon::SentenceOn)}
                    {skip("paragraph-on", words.paragraph_on, ".", Icon::ParagraphOn)}
                    {skip("chapter-on", words.chapter_on, "N Shift+ArrowRight", Icon::ChapterOn)}
                </div>
                <div class="player-side player-choices">
                    <button type="button" class="choice speed" popovertarget="speed"
                        aria-label=format!("{}: {}", words.speed, rate_text(rate)) title=words.speed>
                        <span class="speed-value">{rate_text(rate)}</span>
                    </button>
                    <a class="choice voice" href=format!("/book/{id}/voices") data-panel
                        aria-label=format!("{}: {voice_name}", words.voice) title=words.voice>
                        {icon(Icon::Voice)}<span class="voice-name">{voice_name.clone()}</span>
                    </a>
                    <button type="button" class="choice sleep" popovertarget="sleep" aria-label=words.sleep title=words.sleep>
                        {icon(Icon::Sleep)}<span class="sleep-left"></span>
                    </button>
                </div>
            </div>
            {speed_popover(rate, own_rate.is_some().then(|| own_rate_name(&id)))}
            {sleep_popover()}
        </section>
        <Player/>
    }
}

/// Says once that another voice than before reads books in a language.
fn voice_news(book: &str, name: &str) -> impl IntoView + use<> {
    let words = words();
    view! {
        <div class="voice-news">
            <p>{(words.listening.another_voice)(name)}</p>
            <a class="notice-button" href=format!("/book/{book}/voices") data-panel>{words.listening.choose}</a>
            <button type="button" class="notice-button" data-do="dismiss">{words.site.close}</button>
        </div>
    }
}

/// The preference that is the speed of one book.
fn own_rate_name(book: &str) -> String {
    format!("rate_{book}")
}

/// Speeds to choose from; `own` is the preference they are for, if the book has a speed of its own.
fn speed_popover(rate: u16, own: Option<String>) -> impl IntoView {
    let words = &words().player;
    let step = |by: &'static str, label: &'static str, keys: &'static str, sign: &'static str| {
        view! {
            <button type="button" data-do="rate-by" data-value=by aria-keyshortcuts=keys aria-label=label>{sign}</button>
        }
    };
    let is_own = if own.is_some() { "true" } else { "false" };
    let name = own.unwrap_or_else(|| "rate".to_owned());
    view! {
        <div id="speed" popover class="popover">
            <h2>{words.speed}</h2>
            <div class="rate-row">
                {step("-1", words.slower, "- <", "−")}
                <input type="range" class="rate" data-preference="rate" name=name min="50" max="300" step="5"
                    value=rate aria-label=words.speed/>
                {step("1", words.faster, "Plus >", "+")}
            </div>
            <div class="quick-row">
                {QUICK_RATES
                    .map(|rate| {
                        view! {
                            <button type="button" data-do="rate" data-value=rate>{rate_text(rate)}</button>
                        }
                    })
                    .collect_view()}
            </div>
            <button type="button" class="own-rate" data-do="own-rate" aria-pressed=is_own>{words.own_rate}</button>
        </div>
    }
}

fn sleep_popover() -> impl IntoView {
    let words = &words().player;
    let choice = |value: String, label: String| {
        view! {
            <li><button type="button" data-do="sleep" data-value=value aria-pressed="false">{label}</button></li>
        }
    };
    view! {
        <div id="sleep" popover class="popover">
            <h2>{words.sleep}</h2>
            <ul role="list" class="popover-list">
                {SLEEP_MINUTES
                    .map(|minutes| choice(minutes.to_string(), (words.sleep_minutes)(minutes)))
                    .collect_view()}
                {choice("chapter".to_owned(), words.sleep_chapter.to_owned())}
                {choice("off".to_owned(), words.sleep_off.to_owned())}
                <li class="sleep-longer" hidden>
                    <button type="button" data-do="sleep-longer" aria-keyshortcuts="Z">{words.sleep_longer}</button>
                </li>
            </ul>
        </div>
    }
}

/// A speed as people write it: `1.25×`.
fn rate_text(rate: u16) -> String {
    format!("{}×", f64::from(rate) / 100.0)
}
