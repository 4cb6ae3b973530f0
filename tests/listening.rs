//! Listening, over HTTP, with the real offline voice.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{TestServer, VOICE, decoded_samples, epub};
use futures::StreamExt;
use serde_json::Value;

const RATE: u32 = 22_050;

fn book() -> Vec<u8> {
    epub(
        "Listening",
        &[
            (
                "One",
                "<h1>One</h1><p>It was quiet. Then it was not.</p><p>* * *</p><p>A third paragraph follows.</p>",
            ),
            ("Two", "<h1>Two</h1><p>The second chapter is short.</p>"),
        ],
    )
}

fn end_ms(timeline: &Value) -> u64 {
    let last = timeline.as_array().unwrap().last().unwrap();
    last["start_ms"].as_u64().unwrap() + last["duration_ms"].as_u64().unwrap()
}

async fn timeline(server: &TestServer, book: &str, chapter: u32) -> Value {
    server.json(&format!("/api/books/{book}/chapters/{chapter}/timeline?voice={VOICE}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_stream_runs_on_to_the_end_of_the_book_and_is_as_long_as_its_timeline() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", book()).await;
    assert_eq!(timeline(&server, &book, 1).await, serde_json::json!([]));

    let response = server.get(&TestServer::stream(&book, 1, "")).await;
    assert_eq!(response.headers()["content-type"], "audio/mpeg");
    assert!(response.headers().get("content-length").is_none());
    let sound = response.bytes().await.unwrap();

    let (one, two) = (timeline(&server, &book, 1).await, timeline(&server, &book, 2).await);
    let sentences: Vec<_> =
        one.as_array().unwrap().iter().map(|entry| entry["sentence"].as_u64().unwrap()).collect();
    assert_eq!(sentences, [0, 1, 2, 3, 4]);
    let told_ms = end_ms(&one) + end_ms(&two);
    let heard_ms = decoded_samples(&sound, RATE) * 1000 / u64::from(RATE);
    assert!(told_ms.abs_diff(heard_ms) <= 2, "timeline {told_ms} ms, sound {heard_ms} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_are_chosen_and_nothing_is_made_again_for_them() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", book()).await;
    let mut ends = Vec::new();
    for pauses in ["brisk", "normal", "calm"] {
        let rest = format!("&pauses={pauses}");
        let sound = server
            .get(&TestServer::stream(&book, 1, &format!("{rest}&to=book")))
            .await
            .bytes()
            .await
            .unwrap();
        let mut told = 0;
        for chapter in [1, 2] {
            let address =
                format!("/api/books/{book}/chapters/{chapter}/timeline?voice={VOICE}{rest}");
            told += end_ms(&server.json(&address).await);
        }
        let heard = decoded_samples(&sound, RATE) * 1000 / u64::from(RATE);
        assert!(told.abs_diff(heard) <= 2, "{pauses}: timeline {told} ms, sound {heard} ms");
        ends.push(told);
    }
    assert!(ends.is_sorted() && ends[2] > ends[0] + 3_000, "{ends:?}");
    let clips = server.json("/api/storage").await["total"]["clips"].clone();
    assert_eq!(clips, 6, "one clip for each sentence that is spoken");
    // What is chosen in the settings counts where nothing is said.
    let chosen = server.client.post(server.url("/settings")).form(&[("pauses", "calm")]).send();
    assert!(chosen.await.unwrap().status().is_success());
    assert_eq!(
        end_ms(&timeline(&server, &book, 1).await) + end_ms(&timeline(&server, &book, 2).await),
        ends[2]
    );
    let wrong = server.get(&TestServer::stream(&book, 1, "&pauses=none")).await;
    assert_eq!(wrong.status(), 400);
}

const NOTES: &str =
    "<aside epub:type='footnote'><p>1. This is a note.</p><p>It has two parts.</p></aside>";

fn first_of_two() -> String {
    format!("<h1>Two</h1><p>The text begins.</p>{NOTES}<p>The text goes on.</p>")
}

/// Chapters with notes, a table, a listing and a caption; the second has notes alone.
fn with_parts() -> Vec<u8> {
    let rest = "<table><caption>A caption.</caption><tr><td>Cell one</td><td>Cell two</td></tr></table>\
                <pre>let x = 1;</pre><p>The end of it.</p>";
    let first = format!("<p>The text begins.</p>{NOTES}<p>The text goes on.</p>{rest}");
    let second = format!("<h1>Notes</h1><section epub:type='endnotes'>{NOTES}</section>");
    epub("Parts", &[("One", &first), ("Two", &second), ("Three", "<p>Last words.</p>")])
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_passed_over_as_a_listener_chooses() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", with_parts()).await;
    let heard = async |chapter: u32, rest: &str| {
        let stream = TestServer::stream(&book, chapter, &format!("{rest}&to=chapter"));
        let sound = server.get(&stream).await.bytes().await.unwrap();
        let address = format!("/api/books/{book}/chapters/{chapter}/timeline?voice={VOICE}{rest}");
        let told = server.json(&address).await;
        let heard = decoded_samples(&sound, RATE) * 1000 / u64::from(RATE);
        // A timeline of the API tells of the chapter from its beginning.
        if !rest.contains("from=") {
            assert!(end_ms(&told).abs_diff(heard) <= 2, "{rest}: {told}, {heard} ms");
        }
        let spoken = told.as_array().unwrap().iter().filter(|one| one["duration_ms"] != 0);
        (heard, spoken.map(|one| one["sentence"].as_u64().unwrap()).collect::<Vec<_>>())
    };
    let skipping = "&skip=notes,tables,code,captions";
    let (without, told) = heard(1, skipping).await;
    assert_eq!(told, [0, 3, 8]);
    let clips = server.json("/api/storage").await["total"]["clips"].clone();
    assert_eq!(clips, 3, "what is passed over is not made");
    let (all, told) = heard(1, "&skip=").await;
    assert_eq!(told, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(all > without + 5_000, "{all} ms, {without} ms");

    // Whoever begins in a note hears it, and no other thing that is passed over.
    let (from_note, _) = heard(1, &format!("{skipping}&from=1")).await;
    let (from_text, _) = heard(1, &format!("{skipping}&from=3")).await;
    assert!(from_note > from_text + 1_500, "{from_note} ms, {from_text} ms");
    assert!(from_note < all - 1_500, "{from_note} ms, {all} ms");
    // A chapter of nothing else is read.
    assert_eq!(heard(2, skipping).await.1, [0, 1, 2]);

    // A stream that runs on knows it in every chapter, whatever was in those before.
    let plain = [("One", "<p>No note here.</p>"), ("Two", &first_of_two()), ("Three", NOTES)];
    let plain = server.import("plain.epub", epub("Plain", &plain)).await;
    let stream = TestServer::stream(&plain, 1, "&skip=notes&to=book");
    let sound = server.get(&stream).await.bytes().await.unwrap();
    let mut told = 0;
    // The third is nothing but notes.
    for chapter in [1, 2] {
        let address =
            format!("/api/books/{plain}/chapters/{chapter}/timeline?voice={VOICE}&skip=notes");
        told += end_ms(&server.json(&address).await);
    }
    let lasts = decoded_samples(&sound, RATE) * 1000 / u64::from(RATE);
    assert!(told.abs_diff(lasts) <= 3, "{told} ms are told, {lasts} ms heard");

    // As chosen in the settings, where nothing is said; and on the page.
    let form = [("notes", "off"), ("tables", "off"), ("code", "off"), ("captions", "off")];
    let chosen = server.client.post(server.url("/settings")).form(&form).send().await.unwrap();
    assert!(chosen.status().is_success());
    assert_eq!(heard(1, "").await.0, without);
    let page = server.client.get(server.url(&format!("/read/{book}/1")));
    let page = page.header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("data-notes=\"off\"") && page.contains("data-part=\"note\""), "{page}");
    let wrong = server.get(&TestServer::stream(&book, 1, "&skip=everything")).await;
    assert_eq!(wrong.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_read_as_is_chosen_for_it_alone() {
    let server = TestServer::start().await;
    let table = "<table><tr><th>Country</th><th>Capital</th></tr><tr><td>Peru</td><td>Lima</td></tr></table>";
    let text = format!("<p>The text begins.</p>{NOTES}{table}<p>It goes on.</p>");
    let book = server.import("one.epub", epub("One", &[("One", &text)])).await;
    let other = server.import("two.epub", epub("Two", &[("One", &text)])).await;
    let lasts = async |book: &str| {
        let chapter = format!("/api/books/{book}/chapters/1");
        server.get(&TestServer::stream(book, 1, "&to=chapter")).await.bytes().await.unwrap();
        let told = server.json(&format!("{chapter}/timeline?voice={VOICE}")).await;
        let told = told.as_array().unwrap().iter();
        told.map(|one| one["duration_ms"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let before = lasts(&book).await;
    let fields = [(format!("tables_{book}"), "headings"), (format!("notes_{book}"), "off")];
    let chosen = server.client.post(server.url("/settings")).form(&fields).send().await.unwrap();
    assert!(chosen.status().is_success());
    let now = lasts(&book).await;
    // The note, the headings of the table, and its cells.
    assert_eq!(now[1..3], [0, 0], "{now:?}");
    // Times are rounded from the beginning of the chapter on.
    let is_same = |now: &u64, before: &u64| now.abs_diff(*before) <= 1;
    assert!(now[3..5].iter().zip(&before[3..5]).all(|(now, before)| is_same(now, before)));
    assert!(now[5] > before[5] + 300 && now[6] > before[6] + 300, "{before:?}, {now:?}");
    assert_eq!(lasts(&other).await, before);
    let page = async |address: String| {
        let page = server.client.get(server.url(&address)).header("accept", "text/html");
        page.send().await.unwrap().text().await.unwrap()
    };
    let own = page(format!("/read/{book}/1")).await;
    let told = format!("data-own=\"{book} notes tables\"");
    assert!(own.contains(&told) && own.contains("data-notes=\"off\""), "{own}");
    assert!(page(format!("/read/{other}/1")).await.contains("data-notes=\"on\""));
    let chosen = page(format!("/book/{book}")).await;
    assert!(chosen.contains(&format!("name=\"tables_{book}\"")), "{chosen}");
    assert!(chosen.contains("<option value=\"headings\" selected"), "{chosen}");
    // Taken back.
    let fields = fields.map(|(name, _)| (name, ""));
    assert!(server.client.post(server.url("/settings")).form(&fields).send().await.is_ok());
    assert_eq!(lasts(&book).await, before);
}

/// A text that refers to a note in its own chapter, twice, and to one at the end of the book.
fn with_numbers() -> Vec<u8> {
    let noteref = |target: &str| format!("<a epub:type='noteref' href='{target}'>1</a>");
    let first = format!(
        "<p>The text begins.{} It goes on{}.</p><p>It refers to the first again.{}</p>\
         <aside epub:type='footnote' id='n1'><p>This is a note.</p><p>It has two parts.</p></aside>\
         <aside epub:type='footnote' id='n9'><p>Nobody refers to this.</p></aside><p>The end of it.</p>",
        noteref("#n1"),
        noteref("c2.xhtml#n2"),
        noteref("#n1"),
    );
    let notes =
        "<h1>Notes</h1><section epub:type='endnotes'><p id='n2'>The second note.</p></section>";
    epub("Numbers", &[("One", &first), ("Notes", notes), ("Three", "<p>Last words.</p>")])
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_read_at_their_number_where_a_listener_chooses() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", with_numbers()).await;
    let clip = async |chapter: u32, sentence: u32| {
        let address = format!("/audio/{book}/{chapter}/{sentence}.mp3?voice={VOICE}");
        server.get(&address).await.bytes().await.unwrap()
    };
    let at_number = "&skip=notes-at-number";
    let stream = TestServer::stream(&book, 1, &format!("{at_number}&to=chapter"));
    let sound = server.get(&stream).await.bytes().await.unwrap();
    let place = |part: &[u8]| sound.windows(part.len()).position(|window| window == part);
    // The first sentence, both sentences of its note, the second and its own; only then the rest of the text.
    let order = [(1, 0), (1, 3), (1, 4), (1, 1), (2, 1), (1, 2), (1, 5), (1, 6)];
    let mut places = Vec::new();
    for (chapter, sentence) in order {
        let clip = clip(chapter, sentence).await;
        let found = place(&clip).unwrap_or_else(|| panic!("{chapter}/{sentence} is not heard"));
        let after = &sound[found + clip.len()..];
        assert!(!after.windows(clip.len()).any(|window| window == clip), "it is heard twice");
        places.push(found);
    }
    assert!(places.is_sorted(), "{places:?}");

    // The timeline has each note with the sentence that refers to it, and tells when that one's own words begin.
    let address = format!("/api/books/{book}/chapters/1/timeline?voice={VOICE}{at_number}");
    let told = server.json(&address).await;
    let heard = decoded_samples(&sound, RATE) * 1000 / u64::from(RATE);
    assert!(end_ms(&told).abs_diff(heard) <= 2, "{told}, {heard} ms");
    let entries = told.as_array().unwrap();
    let lasting = entries.iter().filter(|one| one["duration_ms"] != 0);
    let lasting: Vec<_> = lasting.map(|one| one["sentence"].as_u64().unwrap()).collect();
    assert_eq!(lasting, [0, 1, 2, 5, 6], "a note that nobody refers to is read where it stands");
    let words = entries[0]["words_ms"].as_array().unwrap();
    assert_eq!(words.len(), 3);
    let own = decoded_samples(&clip(1, 0).await, RATE) * 1000 / u64::from(RATE);
    assert!(words[2].as_u64().unwrap() < own, "{entries:?}");
    assert!(entries[0]["duration_ms"].as_u64().unwrap() > own + 2_000, "{entries:?}");

    // A voice that runs on passes over the chapter of notes, and who opens that one hears it.
    let on = TestServer::stream(&book, 1, &format!("{at_number}&to=book"));
    let on = server.get(&on).await.bytes().await.unwrap();
    let last = format!("/api/books/{book}/chapters/3/timeline?voice={VOICE}{at_number}");
    let last = end_ms(&server.json(&last).await);
    let on = decoded_samples(&on, RATE) * 1000 / u64::from(RATE);
    assert!(on.abs_diff(heard + last) <= 3, "{on} ms, {heard} ms and {last} ms");
    let of_notes = TestServer::stream(&book, 2, &format!("{at_number}&to=chapter"));
    let of_notes = server.get(&of_notes).await.bytes().await.unwrap();
    assert!(decoded_samples(&of_notes, RATE) > u64::from(RATE));
    // And who begins in a note hears it where it stands.
    let from_note = TestServer::stream(&book, 1, &format!("{at_number}&from=3&to=chapter"));
    let from_note = server.get(&from_note).await.bytes().await.unwrap();
    assert!(from_note.starts_with(&clip(1, 3).await));

    // As chosen in the settings; each part of a note is then a subtitle of its own.
    let form = [("notes", "number")];
    let chosen = server.client.post(server.url("/settings")).form(&form).send().await.unwrap();
    assert!(chosen.status().is_success());
    let chosen = TestServer::stream(&book, 1, "&to=chapter");
    assert_eq!(server.get(&chosen).await.bytes().await.unwrap(), sound);
    let subtitles = format!("/api/books/{book}/chapters/1/subtitles?form=lrc&voice={VOICE}");
    let subtitles = server.get(&subtitles).await.text().await.unwrap();
    let lines: Vec<_> = subtitles.lines().filter_map(|line| line.split_once(']')).collect();
    let lines: Vec<_> = lines.into_iter().map(|(_, text)| text.trim()).collect();
    let begin = ["The text begins.", "This is a note.", "It has two parts.", "It goes on."];
    assert_eq!(lines[..4], begin, "{subtitles}");
}

/// Notes of a heading that is passed over, and of a cell that has nothing but their number.
#[tokio::test(flavor = "multi_thread")]
async fn no_note_is_lost_where_its_number_is_not_read() {
    let server = TestServer::start().await;
    let text = "<h1>One<a epub:type='noteref' href='#n1'>*</a></h1><p>The text.</p>\
                <table><tr><td><a epub:type='noteref' href='#n2'>2</a></td></tr></table><p>More of it.</p>\
                <aside epub:type='footnote' id='n1'><p>Of the heading.</p></aside>\
                <aside epub:type='footnote' id='n2'><p>Of the cell.</p></aside>";
    let alone = "<h1>Two<a epub:type='noteref' href='#n3'>*</a></h1>\
                 <aside epub:type='footnote' id='n3'><p>Of a page of its own.</p></aside>";
    let book = server.import("b.epub", epub("Lost", &[("One", text), ("Two", alone)])).await;
    let manner = "&skip=titles,notes-at-number&to=book";
    let sound = server.get(&TestServer::stream(&book, 1, manner)).await.bytes().await.unwrap();
    let mut places = Vec::new();
    for (chapter, sentence) in [(1, 3), (1, 1), (1, 4), (1, 2), (2, 1)] {
        let address = format!("/audio/{book}/{chapter}/{sentence}.mp3?voice={VOICE}");
        let clip = server.get(&address).await.bytes().await.unwrap();
        let mut found =
            (0..sound.len()).filter(|at| sound[*at..].starts_with(&clip)).collect::<Vec<_>>();
        assert_eq!(found.len(), 1, "{chapter}/{sentence}");
        places.append(&mut found);
    }
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_tile_the_timeline() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", book()).await;
    server.get(&TestServer::stream(&book, 1, "&to=chapter")).await.bytes().await.unwrap();
    let timeline = timeline(&server, &book, 1).await;
    let mut expected = 0;
    for entry in timeline.as_array().unwrap() {
        assert_eq!(entry["start_ms"].as_u64().unwrap(), expected);
        let duration = entry["duration_ms"].as_u64().unwrap();
        assert!(duration > 300, "{entry}");
        expected += duration;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fully_made_chapter_is_a_file_with_length_etag_and_ranges() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", book()).await;
    let address = TestServer::stream(&book, 1, "");
    server.get(&address).await.bytes().await.unwrap();

    let response = server.get(&address).await;
    let tag = response.headers()["etag"].clone();
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let whole = response.bytes().await.unwrap();
    assert_eq!(whole.len(), length);
    let told_ms = end_ms(&timeline(&server, &book, 1).await);
    assert!(told_ms.abs_diff(decoded_samples(&whole, RATE) * 1000 / u64::from(RATE)) <= 2);

    let request = |name: &str, value: &str| {
        server.client.get(server.url(&address)).header(name, value).send()
    };
    let part = request("range", "bytes=1000-1999").await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(
        part.headers()["content-range"].to_str().unwrap(),
        format!("bytes 1000-1999/{length}")
    );
    assert_eq!(part.bytes().await.unwrap(), whole.slice(1000..2000));
    let tail = request("range", "bytes=-10").await.unwrap();
    assert_eq!(tail.bytes().await.unwrap(), whole.slice(length - 10..));
    assert_eq!(request("range", "bytes=99999999-").await.unwrap().status(), 416);
    assert_eq!(request("if-none-match", tag.to_str().unwrap()).await.unwrap().status(), 304);
    let head = server.client.head(server.url(&address)).send().await.unwrap();
    assert_eq!(head.headers()["content-length"].to_str().unwrap(), length.to_string());

    // Told to go on, it does, from the same clips.
    let on = server.get(&TestServer::stream(&book, 1, "&to=book")).await.bytes().await.unwrap();
    assert!(on.len() > whole.len() && on.starts_with(&whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_pushed_while_the_stream_is_made() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", book()).await;
    let events = server.get(&format!("/listen/{book}/1/timeline?voice={VOICE}&from=1")).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let reading = tokio::spawn(async move { events.text().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!reading.is_finished(), "nothing has been made yet");
    server.get(&TestServer::stream(&book, 1, "&from=1&to=chapter")).await.bytes().await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap().unwrap();
    assert!(told.contains("\"sentence\":1,\"start_ms\":0"), "{told}");
    assert!(told.contains("event: end") && told.contains("\"next_chapter\":2"), "{told}");
    // All that sounds was made for whoever listens now; a break between scenes needs nothing. To the next it was there.
    let made = told.matches("\"is_stored\":false").count();
    assert_eq!((made, told.matches("\"is_stored\":true").count()), (3, 1), "{told}");
    let again = server.get(&format!("/listen/{book}/1/timeline?voice={VOICE}&from=1")).await;
    let again = again.text().await.unwrap();
    assert!(
        again.contains("\"is_stored\":true") && !again.contains("\"is_stored\":false"),
        "{again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sound_does_not_wait_for_the_rest() {
    let server = TestServer::start().await;
    let body: String = (0..200)
        .map(|n| format!("<p>This is paragraph number {n} of a long chapter.</p>"))
        .collect();
    let book = server.import("long.epub", epub("Long", &[("All", &body)])).await;
    let mut sound = server.get(&TestServer::stream(&book, 1, "")).await.bytes_stream();
    let first = sound.next().await.unwrap().unwrap();
    assert!(!first.is_empty());
    let made = timeline(&server, &book, 1).await.as_array().unwrap().len();
    assert!(made < 100, "{made} sentences were made before the first was sent");
    // A client that goes away costs no more: what was asked for ahead is made, and that is all.
    drop(sound);
    let mut before = usize::MAX;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let status = server.json("/health").await["queue"].clone();
        let now = timeline(&server, &book, 1).await.as_array().unwrap().len();
        if now == before && status["in_flight"] == 0 && status["prefetch"] == 0 {
            break;
        }
        before = now;
    }
    assert!(before < 150, "{before} of 200 were made for nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_outlive_a_restart_and_are_shared_between_books() {
    let server = TestServer::start().await;
    let book_id = server.import("book.epub", book()).await;
    let clip = format!("/audio/{book_id}/1/1.mp3?voice={VOICE}");
    let response = server.get(&clip).await;
    let tag = response.headers()["etag"].clone();
    let first = response.bytes().await.unwrap();
    let data = server.stop().await;

    let server = TestServer::start_on(data).await;
    assert_eq!(timeline(&server, &book_id, 1).await.as_array().unwrap().len(), 0);
    let again = server.get(&clip).await;
    assert_eq!(again.headers()["etag"], tag);
    assert_eq!(again.bytes().await.unwrap(), first);
    // The same sentence in another book is the same audio.
    let other = epub("Other", &[("Only", "<p>Something else. It was quiet. The end.</p>")]);
    let other = server.import("other.epub", other).await;
    let same = server.get(&format!("/audio/{other}/1/1.mp3?voice={VOICE}")).await;
    assert_eq!(same.headers()["etag"], tag);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_listeners_of_one_new_chapter_share_each_clip() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", book()).await;
    let address = TestServer::stream(&book, 1, "&to=chapter");
    let listeners = (0..40).map(|_| async { server.get(&address).await.bytes().await.unwrap() });
    let heard = futures::future::join_all(listeners).await;
    let lengths: Vec<_> = heard.iter().map(|sound| decoded_samples(sound, RATE)).collect();
    assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
    let clips = walk(&server.data.path().join("objects/audio"));
    assert_eq!(clips, 4, "one clip for each spoken sentence of the chapter");
}

fn walk(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { walk(&path) } else { 1 })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn page_events_make_sentences_ready() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", book()).await;
    let place = serde_json::json!({ "place": {
        "listener": "test", "book": book, "chapter": 1, "sentence": 0, "voice": VOICE
    }});
    for event in ["page_open", "chapter_open", "chapter_change"] {
        let told = server
            .client
            .post(server.url(&format!("/api/events/{event}")))
            .json(&place)
            .send()
            .await
            .unwrap();
        assert!(told.status().is_success(), "{event}: {}", told.status());
    }
    for _ in 0..100 {
        if timeline(&server, &book, 2).await.as_array().unwrap().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(timeline(&server, &book, 1).await.as_array().unwrap().len(), 5);
    assert_eq!(timeline(&server, &book, 2).await.as_array().unwrap().len(), 2);
    let mut bad = place.clone();
    bad["place"]["listener"] = "".into();
    let refused =
        server.client.post(server.url("/api/events/page_open")).json(&bad).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    bad["place"]["listener"] = "x".into();
    bad["place"]["listener"] = "lost".into();
    bad["place"]["chapter"] = 77.into();
    let missing =
        server.client.post(server.url("/api/events/page_open")).json(&bad).send().await.unwrap();
    assert_eq!(missing.status(), 404);
    // A listener who is nowhere does not keep the others from moving on.
    let url = server.url("/api/events/chapter_change");
    let moved = server.client.post(url).json(&place).send().await.unwrap();
    assert!(moved.status().is_success(), "{}", moved.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_cannot_be_read_are_refused_in_words() {
    let server = TestServer::start().await;
    let unknown = r#"{"place":{"listener":"a","book":"0123456789abcdef","chapter":1,"sentence":0,"voice":""}}"#;
    for event in ["chapter_open", "page_open", "chapter_change"] {
        for (body, expected) in [("", 400), ("{}", 400), ("no JSON", 400), (unknown, 404)] {
            let request = server.client.post(server.url(&format!("/api/events/{event}")));
            let answer =
                request.header("content-type", "application/json").body(body).send().await.unwrap();
            assert_eq!(answer.status(), expected, "{event} {body}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            let problem: serde_json::Value = answer.json().await.unwrap();
            assert!(
                problem["detail"].as_str().is_some_and(|said| said.ends_with('.')),
                "{problem}"
            );
        }
    }
}
