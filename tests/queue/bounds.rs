//! What no queue grows beyond, and what Redis forgets.

use super::*;

async fn the_number_of_books_is_bounded(kind: Kind) {
    let bench = kind.bench().await;
    let enqueue = async |of_book: u64| {
        bench.one.enqueue(Class::Chapter, &book(of_book), &[job(of_book, 0)]).await
    };
    for of_book in 0..MAX_BOOKS as u64 {
        enqueue(of_book).await.unwrap();
    }
    let one_more = MAX_BOOKS as u64;
    assert_eq!(enqueue(one_more).await, Err(QueueError::TooManyBooks));
    let refused = bench.one.enqueue_awaited(&job(one_more, 0)).await;
    assert_eq!(refused, Err(QueueError::TooManyBooks));
    // Those that are there go on.
    bench.one.enqueue(Class::Chapter, &book(7), &[job(7, 1)]).await.unwrap();
    let full = status(&bench.one).await;
    assert_eq!((full.chapter, full.most_books), (MAX_BOOKS + 1, MAX_BOOKS));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_limit_to_books() {
    the_number_of_books_is_bounded(Kind::Memory).await;
    the_number_of_books_is_bounded(Kind::redis()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgot_the_scripts_is_told_them_again() {
    let server = Arc::new(RedisServer::start());
    let bench = Kind::Redis(Arc::clone(&server)).bench().await;
    for sentences in [3, 5] {
        assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
        bench.one.enqueue(Class::Chapter, &book(1), &jobs(1, sentences)).await.unwrap();
    }
    assert_eq!(status(&bench.one).await.chapter, 5);
    let lane = server.cli(&["KEYS", "*queue:tts:chapter:*"]);
    assert_eq!(server.cli(&["LLEN", &lane]), "5", "nothing is left there twice");
    let expected: Vec<_> = (0..5).map(|sentence| (1, sentence)).collect();
    assert_eq!(drain(&bench.other).await, expected);
}

/// A reader goes back and forth between pages while nobody speaks.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_is_no_longer_than_what_waits_in_it() {
    let server = Arc::new(RedisServer::start());
    let bench = Kind::Redis(Arc::clone(&server)).bench().await;
    for _ in 0..20 {
        bench.one.enqueue(Class::Prefetch, &book(1), &jobs(1, 5)).await.unwrap();
        bench.one.withdraw(Class::Prefetch, &book(1), &jobs(1, 4), None).await.unwrap();
    }
    let lane = server.cli(&["KEYS", "*queue:tts:prefetch:*"]);
    let length: usize = server.cli(&["LLEN", &lane]).parse().unwrap();
    assert!(length <= 5, "{length}");
}

/// As when the answer to a claim was lost in a way that nobody thought of.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_holds_is_not_being_made() {
    let server = Arc::new(RedisServer::start());
    let bench = Kind::Redis(Arc::clone(&server)).bench().await;
    bench.one.enqueue(Class::Chapter, &book(1), &jobs(1, 2)).await.unwrap();
    let held = claim(&bench.one).await.unwrap();
    let making = server.cli(&["KEYS", "*queue:tts:making"]);
    let lost = job(1, 1).content.to_string();
    server.cli(&["HSET", &making, &lost, "1-0123456789ab:7"]);
    keep_up(&bench.one, std::slice::from_ref(&held)).await;
    assert!(bench.other.is_being_made(&held.job.content).await.unwrap());
    assert!(!bench.other.is_being_made(&job(1, 1).content).await.unwrap());
}
