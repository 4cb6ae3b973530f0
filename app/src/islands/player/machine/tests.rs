use super::*;

fn spot(chapter: u32, sentence: u32) -> Spot {
    Spot { chapter, sentence }
}

fn timeline(chapter: u32, count: u32) -> Event {
    let entries = (0..count)
        .map(|sentence| TimelineEntry {
            sentence,
            start_ms: u64::from(sentence) * 1000,
            duration_ms: 1000,
            words_ms: None,
            is_stored: false,
        })
        .collect();
    Event::Timeline { chapter, entries }
}

/// A player in chapter 1 of 3, playing sentence 0 of 5.
fn playing() -> Machine {
    let mut machine = Machine::new(1, 5, 3);
    machine.handle(Event::Toggle);
    machine.handle(timeline(1, 5));
    machine.handle(Event::Sounding);
    machine
}

#[test]
fn play_opens_a_stream_once() {
    let mut machine = Machine::new(2, 5, 3);
    let actions = machine.handle(Event::Toggle);
    assert_eq!(actions[..2], [Action::Open(spot(2, 0)), Action::Play]);
    assert_eq!(machine.phase, Phase::Preparing);
    machine.handle(Event::Sounding);
    assert_eq!(machine.handle(Event::Toggle), [Action::Pause]);
    assert_eq!(machine.handle(Event::Toggle), [Action::Play]);
}

#[test]
fn the_mark_follows_the_clock() {
    let mut machine = playing();
    assert_eq!(machine.handle(Event::Clock(500)), []);
    assert_eq!(
        machine.handle(Event::Clock(2100)),
        [Action::Remember(spot(1, 2)), Action::Mark { sentence: 2, following: true }]
    );
}

#[test]
fn the_page_goes_with_the_voice_into_the_next_chapter() {
    let mut machine = playing();
    let actions =
        machine.handle(Event::TimelineEnd(TimelineEnd { end_ms: 5000, next_chapter: Some(2) }));
    assert_eq!(actions, [Action::FollowTimeline(2)]);
    machine.handle(timeline(2, 4));
    let actions = machine.handle(Event::Clock(5200));
    assert_eq!(actions, [Action::Remember(spot(2, 0)), Action::Show { chapter: 2 }]);
    let actions = machine.handle(Event::Shown { chapter: 2, sentences: 4 });
    assert_eq!(actions, [Action::Mark { sentence: 0, following: true }]);
    assert_eq!(machine.phase, Phase::Playing);
}

#[test]
fn a_page_that_looks_elsewhere_stays_there() {
    let mut machine = playing();
    machine.handle(Event::LookAway);
    assert_eq!(
        machine.handle(Event::Clock(1500)),
        [Action::Remember(spot(1, 1)), Action::Mark { sentence: 1, following: false }]
    );
    machine.handle(Event::Shown { chapter: 3, sentences: 9 });
    assert_eq!(machine.handle(Event::Clock(2500)), [Action::Remember(spot(1, 2))]);
    assert_eq!(machine.handle(Event::LookBack), [Action::Show { chapter: 1 }]);
}

#[test]
fn a_jump_seeks_where_it_can_and_opens_a_stream_where_it_cannot() {
    let mut machine = playing();
    let near = Event::Jump { to: spot(1, 3), buffered_ms: Some((0, 4000)) };
    assert_eq!(machine.handle(near)[..2], [Action::Seek(3000), Action::Play]);
    let far = Event::Jump { to: spot(1, 4), buffered_ms: Some((0, 4000)) };
    assert_eq!(machine.handle(far)[..2], [Action::Open(spot(1, 4)), Action::Play]);
}

#[test]
fn skipping_stays_inside_the_book() {
    let mut machine = playing();
    let back = Event::Skip { by: -1, buffered_ms: Some((0, 9000)) };
    assert_eq!(machine.handle(back)[0], Action::Seek(0));
    machine.handle(Event::Clock(4500));
    let on = Event::Skip { by: 1, buffered_ms: Some((0, 9000)) };
    assert_eq!(machine.handle(on)[0], Action::Open(spot(2, 0)));
    assert_eq!(machine.handle(Event::SkipChapter { by: -2 }), []);
    assert_eq!(machine.handle(Event::SkipChapter { by: 1 })[0], Action::Open(spot(3, 0)));
    assert_eq!(machine.handle(Event::SkipChapter { by: 1 }), []);
}

#[test]
fn skipping_in_silence_only_moves_the_place() {
    let mut machine = Machine::new(1, 5, 3);
    machine.voice_at = Some(spot(1, 2));
    let actions = machine.handle(Event::Skip { by: 1, buffered_ms: None });
    assert_eq!(
        actions,
        [Action::Remember(spot(1, 3)), Action::Mark { sentence: 3, following: true }]
    );
    assert_eq!(machine.handle(Event::Toggle)[0], Action::Open(spot(1, 3)));
}

#[test]
fn another_voice_goes_on_where_the_last_one_was() {
    let mut machine = playing();
    machine.handle(Event::Clock(3500));
    assert_eq!(machine.handle(Event::Revoice)[0], Action::Open(spot(1, 3)));
    machine.handle(Event::Toggle);
    assert_eq!(machine.handle(Event::Revoice), []);
    assert_eq!(machine.handle(Event::Toggle)[0], Action::Open(spot(1, 3)));
}

#[test]
fn a_stream_that_breaks_off_is_taken_up_again_and_the_end_is_the_end() {
    let mut machine = playing();
    machine.handle(Event::Clock(2500));
    assert_eq!(machine.handle(Event::Ended)[0], Action::Open(spot(1, 2)));
    machine.handle(timeline(1, 5));
    machine.handle(Event::TimelineEnd(TimelineEnd { end_ms: 5000, next_chapter: None }));
    machine.handle(Event::Clock(4990));
    assert_eq!(machine.handle(Event::Ended), []);
    assert_eq!(machine.phase, Phase::Finished);
}

#[test]
fn trouble_ahead_is_said_when_the_voice_gets_there() {
    let mut machine = playing();
    assert_eq!(machine.handle(Event::Trouble("no voice".to_owned())), []);
    assert_eq!(machine.phase, Phase::Playing);
    machine.handle(Event::Clock(3500));
    assert_eq!(machine.handle(Event::Ended), [Action::Close]);
    assert_eq!(machine.phase, Phase::Failed("no voice".to_owned()));
    assert_eq!(machine.handle(Event::Toggle)[0], Action::Open(spot(1, 3)));
    // The reason may come after the end.
    machine.handle(Event::Failed("broken".to_owned()));
    machine.handle(Event::Trouble("no voice".to_owned()));
    assert_eq!(machine.phase, Phase::Failed("no voice".to_owned()));
}

#[test]
fn a_reader_who_goes_on_in_silence_takes_the_voice_along() {
    let mut machine = playing();
    machine.handle(Event::Clock(2500));
    machine.handle(Event::Toggle);
    assert_eq!(machine.handle(Event::Leave), [Action::Close]);
    machine.handle(Event::Shown { chapter: 2, sentences: 4 });
    assert_eq!(machine.handle(Event::Toggle)[0], Action::Open(spot(2, 0)));
}

#[test]
fn a_failure_is_said_and_play_tries_again() {
    let mut machine = playing();
    machine.handle(Event::Clock(1500));
    assert_eq!(machine.handle(Event::Failed("no voice".to_owned())), [Action::Close]);
    assert_eq!(machine.phase, Phase::Failed("no voice".to_owned()));
    assert_eq!(machine.handle(Event::Toggle)[0], Action::Open(spot(1, 1)));
}

#[test]
fn a_timeline_that_was_lost_is_asked_for_while_the_voice_goes_on() {
    let mut machine = playing();
    let asks = |machine: &mut Machine, ms| {
        machine.handle(Event::Clock(ms)).contains(&Action::AskAnew(spot(1, 0)))
    };
    assert!(!asks(&mut machine, 6_999));
    assert!(asks(&mut machine, 7_000));
    assert!(!asks(&mut machine, 11_000));
    // Whoever waits for a slow voice, or for a sentence that cannot be made, has lost nothing.
    machine.handle(Event::Waiting);
    assert!(!asks(&mut machine, 13_000));
    machine.handle(Event::Sounding);
    assert!(asks(&mut machine, 13_000));
    machine.handle(Event::Trouble("No voice.".to_owned()));
    assert!(!asks(&mut machine, 20_000));
}
