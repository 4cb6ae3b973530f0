//! Who is served when.

use super::*;

async fn what_waits_is_known_by_class_and_engine(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Background, &book(1), &jobs(1, 3)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &[job_of_service(2, 0)]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    queue.enqueue(Class::Background, &book(3), &jobs(3, 1)).await.unwrap();
    let seen = async || {
        let mut lanes = bench.other.lanes().await.unwrap();
        lanes.retain(|lane| lane.sentences > 0);
        lanes.sort_by(|one, other| (&one.pool, one.class).cmp(&(&other.pool, other.class)));
        lanes
    };
    let lanes = seen().await;
    let what = |lane: &LaneStatus| (lane.pool.clone(), lane.class, lane.sentences);
    let service = Pool::of_engine(SERVICE);
    assert_eq!(
        lanes.iter().map(what).collect::<Vec<_>>(),
        [(Pool::LOCAL, Class::Background, 4), (service, Class::Chapter, 1)]
    );
    let longest = |lane: &LaneStatus| lane.longest.unwrap().as_millis();
    assert!(lanes.iter().all(|lane| (200..10_000).contains(&longest(lane))), "{lanes:?}");
    // The book that has waited longest is served, and then it is the other.
    let claim = claim(queue).await.unwrap();
    assert_eq!(number(&claim.job.book), 1);
    assert!(longest(&seen().await[0]) < longest(&lanes[0]), "{lanes:?}");
    // Whoever works says so, and what it works on.
    let current_job = format!("{}/1/0", claim.job.book);
    let heartbeat = Heartbeat { current_job, in_flight: 1 };
    queue.renew_leases(std::slice::from_ref(&claim), &heartbeat, &|_| true).await.unwrap();
    let workers = bench.other.workers().await.unwrap();
    assert_eq!(workers.len(), 1, "{workers:?}");
    assert_eq!(workers[0].heartbeat, heartbeat);
    assert!(workers[0].seen_at_ms > 0 && !workers[0].name.is_empty());
    finish(queue, made(claim)).await;
}

async fn prefetch_comes_first_and_books_take_turns(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 2)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &jobs(2, 2)).await.unwrap();
    queue.enqueue(Class::Prefetch, &book(3), &[job(3, 9)]).await.unwrap();
    assert_eq!(
        status(queue).await,
        QueueStatus { prefetch: 1, chapter: 4, books: 3, most_books: 3, ..QueueStatus::default() }
    );
    assert_eq!(drain(&bench.other).await, [(3, 9), (1, 0), (2, 0), (1, 1), (2, 1)]);
    assert_eq!(status(queue).await, QueueStatus::default());
}

async fn a_batch_is_shared_fairly(bench: &Bench) {
    let queue = &bench.one;
    for of_book in 1..=3 {
        queue.enqueue(Class::Chapter, &book(of_book), &jobs(of_book, 10)).await.unwrap();
    }
    queue.enqueue(Class::Prefetch, &book(9), &jobs(9, 2)).await.unwrap();
    let mut claims = Vec::new();
    while claims.len() < 8 {
        let room = [local(8 - claims.len())];
        let claimed = bench.other.complete_and_claim(&[], &room).await.unwrap();
        claims.extend(claimed.claims);
    }
    let count = |of_book| claims.iter().filter(|claim| claim.job.book == book(of_book)).count();
    assert_eq!([count(1), count(2), count(3), count(9)], [2, 2, 2, 2]);
    for claim in claims {
        finish(queue, made(claim)).await;
    }
}

async fn what_waits_is_not_enqueued_twice(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 3)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 5)).await.unwrap();
    assert_eq!(status(queue).await.chapter, 5);
    // What waits in the chapter lane may still be promoted.
    queue.enqueue(Class::Prefetch, &book(1), &[job(1, 4)]).await.unwrap();
    assert_eq!(drain(queue).await.first(), Some(&(1, 4)));
}

async fn what_two_enqueue_at_once_is_claimed_once(bench: &Bench) {
    let jobs = jobs(1, 250);
    let (one, other) = (&bench.one, &bench.other);
    let book = book(1);
    let enqueued = tokio::join!(
        one.enqueue(Class::Chapter, &book, &jobs),
        other.enqueue(Class::Chapter, &book, &jobs)
    );
    assert_eq!(enqueued.0.unwrap().added + enqueued.1.unwrap().added, 250);
    assert_eq!(status(one).await.chapter, 250);
    let expected: Vec<_> = (0..250).map(|sentence| (1, sentence)).collect();
    assert_eq!(drain(other).await, expected);
    assert_eq!(status(one).await, QueueStatus::default());
}

async fn the_same_audio_is_claimed_once(bench: &Bench) {
    let same = |of_book| job_saying(of_book, 0, "Yes.");
    bench.one.enqueue(Class::Prefetch, &book(1), &[same(1), same(1)]).await.unwrap();
    bench.one.enqueue(Class::Chapter, &book(2), &[same(2), job(2, 1)]).await.unwrap();
    let first = claim(&bench.one).await.unwrap();
    // While it is being made, the other book's job for it is dropped.
    assert_eq!(claim(&bench.other).await.unwrap().job.sentence, 1);
    assert!(claim(&bench.other).await.is_none());
    finish(&bench.one, made(first)).await;
}

async fn a_sentence_someone_waits_for_goes_first(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 5)).await.unwrap();
    queue.enqueue_awaited(&job(1, 3)).await.unwrap();
    let order: Vec<_> = drain(queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [3, 0, 1, 2, 4]);
    // What is being made is not asked for again.
    queue.enqueue_awaited(&job(2, 0)).await.unwrap();
    let held = claim(queue).await.unwrap();
    assert!(bench.other.is_being_made(&held.job.content).await.unwrap());
    bench.other.enqueue_awaited(&job(2, 0)).await.unwrap();
    assert!(claim(queue).await.is_none());
    finish(queue, made(held)).await;
}

async fn who_asks_first_is_served_first(bench: &Bench) {
    let queue = &bench.one;
    for sentence in [4, 1, 3] {
        queue.enqueue_awaited(&job(1, sentence)).await.unwrap();
    }
    // Asking again gains nothing.
    queue.enqueue_awaited(&job(1, 3)).await.unwrap();
    let order: Vec<_> = drain(queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [4, 1, 3]);
}

async fn a_lane_keeps_what_is_needed(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &[job(1, 5), job(1, 7)]).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 3)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &[job_of_service(1, 9)]).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &[job(2, 0)]).await.unwrap();
    queue.enqueue_awaited(&job(1, 8)).await.unwrap();
    let version = queue.listeners(&book(1)).await.unwrap().version;
    let needed = |prefetch: &[Job], chapter: &[Job]| Needed {
        prefetch: prefetch.iter().map(|job| job.content).collect(),
        chapter: chapter.iter().map(|job| job.content).collect(),
    };
    let keep = needed(&[job(1, 7)], &[job(1, 1)]);
    assert!(bench.other.retain(&book(1), &keep, version).await.unwrap());
    let expected = QueueStatus { prefetch: 2, chapter: 2, ..status(queue).await };
    assert_eq!(status(queue).await, expected);
    let mut order = drain(queue).await;
    assert_eq!(order[..2], [(1, 8), (1, 7)], "what somebody waits for stays");
    order.sort_unstable();
    assert_eq!(order, [(1, 1), (1, 7), (1, 8), (2, 0)]);
    // What was dropped may come again.
    queue.enqueue(Class::Chapter, &book(1), &[job(1, 0), job(1, 2)]).await.unwrap();
    assert_eq!(drain(queue).await, [(1, 0), (1, 2)]);
    assert_eq!(claim_in(queue, service(9, 9)).await.map(|claim| claim.token), None);
}

async fn nothing_is_dropped_while_a_listener_moves(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 3)).await.unwrap();
    let version = queue.listeners(&book(1)).await.unwrap().version;
    let position = ListenerPosition {
        listener: "other".to_owned(),
        book: book(1),
        chapter: 1,
        sentence: 0,
        voice: String::new(),
    };
    bench.other.set_listener_position(&position).await.unwrap();
    assert!(!queue.retain(&book(1), &Needed::default(), version).await.unwrap());
    assert_eq!(drain(queue).await.len(), 3);
}

async fn a_turned_page_takes_back_what_it_asked_for(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 4)).await.unwrap();
    bench.other.withdraw(Class::Prefetch, &book(1), &[job(1, 0), job(1, 2)], None).await.unwrap();
    assert_eq!(status(queue).await.prefetch, 2);
    assert_eq!(drain(queue).await, [(1, 1), (1, 3)]);
    assert_eq!(status(queue).await, QueueStatus::default());
}

async fn a_page_that_was_turned_before_takes_nothing_back(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 2)).await.unwrap();
    let version = queue.listeners(&book(1)).await.unwrap().version;
    let position = ListenerPosition {
        listener: "other".to_owned(),
        book: book(1),
        chapter: 1,
        sentence: 0,
        voice: String::new(),
    };
    bench.other.set_listener_position(&position).await.unwrap();
    queue.withdraw(Class::Prefetch, &book(1), &jobs(1, 2), Some(version)).await.unwrap();
    assert_eq!(status(queue).await.prefetch, 2);
    queue.withdraw(Class::Prefetch, &book(1), &jobs(1, 2), Some(version + 1)).await.unwrap();
    assert_eq!(status(queue).await.prefetch, 0);
}

/// One person's sentence is withdrawn and another asks for it: that one pays, and it keeps its place in the new order.
async fn what_is_put_in_again_is_taken_as_it_was_put_in_last(bench: &Bench) {
    let queue = &bench.one;
    let of = |payer: &str, sentence| {
        let mut job = job(1, sentence);
        job.payer = Some(payer.into());
        job
    };
    let first = [of("Ada", 0), of("Ada", 1), of("Ada", 2)];
    queue.enqueue(Class::Chapter, &book(1), &first).await.unwrap();
    queue.withdraw(Class::Chapter, &book(1), &first[..2], None).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &[of("Lea", 1), of("Lea", 0)]).await.unwrap();
    let mut claimed = Vec::new();
    while let Some(claim) = claim(queue).await {
        claimed.push((claim.job.payer.as_deref().unwrap().to_owned(), claim.job.sentence));
        finish(queue, made(claim)).await;
    }
    assert_eq!(claimed, [("Ada".into(), 2), ("Lea".into(), 1), ("Lea".into(), 0)]);
}

async fn background_comes_last(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Background, &book(1), &jobs(1, 2)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &jobs(2, 1)).await.unwrap();
    queue.enqueue(Class::Prefetch, &book(3), &jobs(3, 1)).await.unwrap();
    queue.enqueue_awaited(&job(4, 0)).await.unwrap();
    assert_eq!(status(queue).await.background, 2);
    assert_eq!(drain(queue).await, [(4, 0), (3, 0), (2, 0), (1, 0), (1, 1)]);
}

async fn a_place_is_kept_for_whoever_listens(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 5)).await.unwrap();
    let room = Room { ahead: 2, ..local(3) };
    let claimed = queue.complete_and_claim(&[], std::slice::from_ref(&room)).await.unwrap();
    assert_eq!(claimed.claims.len(), 2);
    let last = Room { ahead: 0, ..local(1) };
    assert!(claim_in(queue, last.clone()).await.is_none());
    queue.enqueue_awaited(&job(2, 0)).await.unwrap();
    assert_eq!(claim_in(queue, last).await.unwrap().job.book, book(2));
    queue.release(&claimed.claims).await.unwrap();
}

async fn pools_of_one_machine_share_its_places(bench: &Bench) {
    let queue = &bench.one;
    let of_service: Vec<Job> = (0..5).map(|sentence| job_of_service(2, sentence)).collect();
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 5)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &of_service).await.unwrap();
    let shared = |pool, any, ahead| Room { ahead, shares: true, ..Room::of(pool, any) };
    let rooms = |any, ahead| {
        [shared(Pool::LOCAL, any, ahead), shared(Pool::of_engine(SERVICE), any, ahead)]
    };
    let claimed = queue.complete_and_claim(&[], &rooms(3, 2)).await.unwrap().claims;
    assert_eq!(claimed.len(), 2);
    // The third place is for whoever listens, in whichever pool.
    queue.enqueue_awaited(&job_of_service(3, 0)).await.unwrap();
    let urgent = queue.complete_and_claim(&[], &rooms(1, 0)).await.unwrap().claims;
    assert_eq!(urgent.iter().map(|claim| number(&claim.job.book)).collect::<Vec<_>>(), [3]);
    queue.release(&[claimed, urgent].concat()).await.unwrap();
}

async fn a_full_lane_refuses_and_keeps_what_it_has(bench: &Bench) {
    let many = jobs(1, MAX_LANE_JOBS as u32 + 1);
    let enqueued = bench.one.enqueue(Class::Chapter, &book(1), &many).await.unwrap();
    assert_eq!(enqueued, Enqueued { added: MAX_LANE_JOBS, is_full: true });
    assert_eq!(status(&bench.one).await.chapter, MAX_LANE_JOBS);
    let version = bench.one.listeners(&book(1)).await.unwrap().version;
    assert!(bench.one.retain(&book(1), &Needed::default(), version).await.unwrap());
    assert_eq!(status(&bench.one).await.chapter, 0);
    assert!(claim(&bench.one).await.is_none());
}

async fn an_idle_worker_wakes_when_work_arrives(bench: &Bench) {
    let worker = tokio::spawn({
        let queue = Arc::clone(&bench.other);
        async move {
            loop {
                if let Some(claim) = claim(&queue).await {
                    finish(&queue, made(claim.clone())).await;
                    return claim.job.sentence;
                }
                queue.work(&[local(1)]).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 4)]).await.unwrap();
    let woken = tokio::time::timeout(Duration::from_millis(500), worker).await;
    assert_eq!(woken.expect("woken, not by its own timer").unwrap(), 4);
}

promises!(
    what_waits_is_known_by_class_and_engine,
    prefetch_comes_first_and_books_take_turns,
    a_batch_is_shared_fairly,
    what_waits_is_not_enqueued_twice,
    what_two_enqueue_at_once_is_claimed_once,
    the_same_audio_is_claimed_once,
    a_sentence_someone_waits_for_goes_first,
    who_asks_first_is_served_first,
    a_lane_keeps_what_is_needed,
    nothing_is_dropped_while_a_listener_moves,
    a_turned_page_takes_back_what_it_asked_for,
    a_page_that_was_turned_before_takes_nothing_back,
    what_is_put_in_again_is_taken_as_it_was_put_in_last,
    background_comes_last,
    a_place_is_kept_for_whoever_listens,
    pools_of_one_machine_share_its_places,
    a_full_lane_refuses_and_keeps_what_it_has,
    an_idle_worker_wakes_when_work_arrives,
);
