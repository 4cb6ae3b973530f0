//! Whose turn it is, and who may write.

use app::model::BegunInTime;

use super::figures::MEMBERS_GOAL;
use super::*;

async fn rows() -> (Rows, tempfile::TempDir) {
    let folder = tempfile::TempDir::new().unwrap();
    let database = crate::library::connect(None, folder.path()).await.unwrap();
    let book = "INSERT INTO books (id, title, authors, language, vertical, format, toc, chapters, sentences, added_at)
         VALUES ('0123456789abcdef', 'T', '[]', 'en', 0, 'txt', '[]', 99, 99, 0)";
    sqlx::query(book).execute(&database).await.unwrap();
    (Rows(database), folder)
}

async fn add(rows: &Rows, user: &str, chapter: u32, priority: i64) -> String {
    let book = "0123456789abcdef".parse().unwrap();
    let mut asking = rows.asking().await.unwrap();
    let (id, is_new) = asking.add(&new(&book, user, chapter, priority)).await.unwrap();
    assert!(is_new);
    asking.done().await.unwrap();
    // The order of those that were asked for in one millisecond is no one's business.
    tokio::time::sleep(Duration::from_millis(2)).await;
    id
}

fn new<'a>(book: &'a BookId, user: &'a str, chapter: u32, priority: i64) -> NewNarration<'a> {
    NewNarration {
        user,
        book,
        voice: "v",
        chapters: (chapter, chapter),
        priority,
        run_at: now_ms(),
        total: 3,
        done: 0,
        wanted: 10,
        max_cost: 0,
        output: NarrationOutput::None,
    }
}

#[tokio::test]
async fn the_next_is_of_the_greatest_priority_and_of_whoever_has_least() {
    let (rows, _folder) = rows().await;
    for chapter in 1..=3 {
        add(&rows, "greedy", chapter, 0).await;
    }
    add(&rows, "modest", 1, 0).await;
    add(&rows, "premium", 1, 1).await;
    let mut order = Vec::new();
    while let Some(narration) = rows.claim(2).await.unwrap() {
        order.push((narration.user, narration.first));
    }
    let order: Vec<_> = order.iter().map(|(user, chapter)| (user.as_str(), *chapter)).collect();
    // Two of one person at once, and no more.
    assert_eq!(order, [("premium", 1), ("greedy", 1), ("modest", 1), ("greedy", 2)]);
}

#[tokio::test]
async fn of_fifty_people_nobody_has_more_than_a_third() {
    const PEOPLE: usize = 50;
    const EACH: u32 = 20;
    const RUNNERS: usize = 6;
    let (rows, _folder) = rows().await;
    // Whoever comes first asks for all at once.
    for person in 0..PEOPLE {
        for chapter in 1..=EACH {
            add(&rows, &format!("p{person}"), chapter, 0).await;
        }
    }
    let (mut running, mut begun) = (Vec::<Narration>::new(), Vec::<String>::new());
    while let Some(narration) = rows.claim(RUNNERS as u16).await.unwrap() {
        begun.push(narration.user.clone());
        running.push(narration);
        let mine = |user: &str| running.iter().filter(|one| one.user == user).count();
        let most = running.iter().map(|one| mine(&one.user)).max().unwrap_or(0);
        assert!(most * 3 <= RUNNERS, "{most} of {} at once", running.len());
        if running.len() == RUNNERS {
            // They take differently long.
            let ended = running.remove(begun.len() * 7 % RUNNERS);
            rows.end(&ended, &End::Completed).await.unwrap();
        }
    }
    assert_eq!(begun.len(), PEOPLE * EACH as usize);
    // Everybody's first goes before anybody's second, and so on to the end.
    for round in begun.chunks(PEOPLE) {
        let people: HashSet<&String> = round.iter().collect();
        assert_eq!(people.len(), PEOPLE);
    }
}

#[tokio::test]
async fn those_that_are_begun_in_time_are_counted_by_whose_they_are() {
    let (rows, _folder) = rows().await;
    add(&rows, "premium", 1, 1).await;
    let late = add(&rows, "premium", 2, 1).await;
    add(&rows, "a", 1, 0).await;
    add(&rows, "a", 2, 0).await;
    let waited = MEMBERS_GOAL.as_millis() as i64 + 1;
    let long = sqlx::query("UPDATE narrations SET created_at = $1, run_at = $1 WHERE id = $2");
    long.bind(now_ms() as i64 - waited).bind(&late).execute(&rows.0).await.unwrap();
    while rows.claim(9).await.unwrap().is_some() {}
    let stats = rows.stats(Whose::everybodys()).await.unwrap();
    let counts = |of: BegunInTime| (of.goal_seconds, of.begun, of.in_time);
    assert_eq!((counts(stats.members), counts(stats.listeners)), ((600, 2, 1), (3600, 2, 2)));
}

#[tokio::test]
async fn whoever_waits_for_long_is_not_put_off_for_ever() {
    let (rows, _folder) = rows().await;
    let patient = add(&rows, "patient", 1, 0).await;
    let long_ago = now_ms() as i64 - LONG_WAIT.as_millis() as i64 - 1;
    let waited = sqlx::query("UPDATE narrations SET run_at = $1 WHERE id = $2");
    waited.bind(long_ago).bind(&patient).execute(&rows.0).await.unwrap();
    add(&rows, "premium", 1, 1).await;
    assert_eq!(rows.claim(1).await.unwrap().unwrap().id, patient);
}

#[tokio::test]
async fn whoever_was_taken_for_dead_writes_nothing_any_more() {
    let (rows, _folder) = rows().await;
    add(&rows, "a", 1, 0).await;
    let first = rows.claim(1).await.unwrap().unwrap();
    assert!(rows.claim(1).await.unwrap().is_none());
    let expired = sqlx::query("UPDATE narrations SET lease_until = 1");
    expired.execute(&rows.0).await.unwrap();
    let second = rows.claim(1).await.unwrap().unwrap();
    assert_eq!((second.id.as_str(), second.attempts), (first.id.as_str(), 2));
    let progress = Progress { total: 3, done: 2, ..Progress::default() };
    assert_eq!(rows.progress(&first, &progress, "").await.unwrap(), None);
    rows.end(&first, &End::Failed("late".to_owned())).await.unwrap();
    assert_eq!(rows.progress(&second, &progress, "").await.unwrap(), Some(None));
    // What a person asks for in the last moment is done, though the server stops.
    assert!(rows.wish(&second.id, Whose::own("a"), Wish::Cancel).await.unwrap());
    let card = rows.cards(Whose::own("a"), None, None).await.unwrap().remove(0);
    assert_eq!((card.state, card.done, card.percent), (NarrationState::Running, 2, 66));
    rows.end(&second, &End::Released).await.unwrap();
    let card = rows.cards(Whose::own("a"), None, None).await.unwrap().remove(0);
    assert_eq!(card.state, NarrationState::Cancelled);
    assert!(card.finished_at_ms.is_some());
}

#[tokio::test]
async fn one_that_does_not_get_on_is_tried_three_times() {
    let (rows, _folder) = rows().await;
    add(&rows, "a", 1, 0).await;
    for attempt in 1..=MAX_ATTEMPTS {
        let narration = rows.claim(1).await.unwrap().unwrap();
        assert_eq!(narration.attempts, attempt);
        rows.end(&narration, &End::Again("stuck".to_owned(), Duration::ZERO)).await.unwrap();
    }
    assert!(rows.claim(1).await.unwrap().is_none());
    let card = rows.cards(Whose::own("a"), None, None).await.unwrap().remove(0);
    assert_eq!((card.state, card.error.as_str()), (NarrationState::Failed, "stuck"));
    // A server that stops has not tried.
    let mut asking = rows.asking().await.unwrap();
    assert!(asking.retry(&card.id, Whose::own("a")).await.unwrap());
    asking.done().await.unwrap();
    let narration = rows.claim(1).await.unwrap().unwrap();
    rows.end(&narration, &End::Released).await.unwrap();
    assert_eq!(rows.claim(1).await.unwrap().unwrap().attempts, 1);
}

#[tokio::test]
async fn two_who_ask_at_once_do_not_both_have_what_is_left() {
    let (rows, _folder) = rows().await;
    let ask = async |chapter: u32| {
        let mut asking = rows.asking().await.unwrap();
        let is_first = asking.waiting("a").await.unwrap() == 0;
        tokio::time::sleep(Duration::from_millis(100)).await;
        if is_first {
            let book = "0123456789abcdef".parse().unwrap();
            asking.add(&new(&book, "a", chapter, 0)).await.unwrap();
            asking.done().await.unwrap();
        }
        is_first
    };
    let (one, other) = tokio::join!(ask(1), ask(2));
    assert!(one != other, "{one} {other}");
}

#[tokio::test]
async fn a_night_costs_no_more_than_it_may_and_one_server_makes_ahead() {
    let (rows, _folder) = rows().await;
    let night = chrono::NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
    assert!(rows.hold_night(night, "one").await.unwrap());
    assert!(!rows.hold_night(night, "other").await.unwrap());
    assert!(rows.hold_night(night, "one").await.unwrap());
    assert!(rows.spend(night, 60, 100).await.unwrap());
    assert!(!rows.spend(night, 60, 100).await.unwrap());
    rows.give_back(night, 60).await.unwrap();
    assert!(rows.spend(night, 100, 100).await.unwrap());
    // It has died; what it has spent stays spent.
    sqlx::query("UPDATE nights SET held_until = 1").execute(&rows.0).await.unwrap();
    assert!(rows.hold_night(night, "other").await.unwrap());
    assert!(!rows.spend(night, 1, 100).await.unwrap());
    let next = night.succ_opt().unwrap();
    assert!(rows.hold_night(next, "one").await.unwrap());
    assert!(rows.spend(next, 100, 100).await.unwrap());
}
