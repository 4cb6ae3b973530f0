//! Engines of limited room, that rest and come back.

use super::*;

async fn an_engine_has_no_more_in_hand_than_it_accepts(bench: &Bench) {
    let all: Vec<_> = (0..6).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    bench.one.enqueue(Class::Chapter, &book(1), &jobs(1, 1)).await.unwrap();
    let first = claim_in(&bench.one, service(1, 2)).await.unwrap();
    let second = claim_in(&bench.other, service(1, 2)).await.unwrap();
    assert!(claim_in(&bench.other, service(4, 2)).await.is_none(), "of all workers together");
    // Nobody else is kept waiting.
    let own = claim(&bench.other).await.unwrap();
    assert_eq!(own.job, job(1, 0));
    finish(&bench.one, made(first)).await;
    assert!(claim_in(&bench.other, service(4, 2)).await.is_some());
    for claim in [own, second] {
        finish(&bench.other, made(claim)).await;
    }
}

async fn an_engine_that_asks_for_it_rests_and_one_sentence_tries_it(bench: &Bench) {
    let all: Vec<_> = (0..3).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    let held = claim_in(&bench.one, service(1, 4)).await.unwrap();
    finish(&bench.one, failed_with(held, busy(300))).await;
    assert!(bench.other.rest(SERVICE).await.unwrap().is_some_and(|rest| rest.error == busy(300)));
    assert!(claim_in(&bench.other, service(4, 4)).await.is_none(), "it rests for all");
    let asked = bench.other.enqueue_awaited(&job_of_service(1, 1)).await.unwrap();
    assert!(matches!(asked, Asked::Resting(_)), "{asked:?}");
    tokio::time::sleep(Duration::from_millis(350)).await;
    let rooms = [service(4, 4)];
    let mut probes = bench.other.complete_and_claim(&[], &rooms).await.unwrap().claims;
    assert_eq!(probes.len(), 1, "exactly one tries");
    assert!(claim_in(&bench.one, service(4, 4)).await.is_none());
    let probe = probes.remove(0);
    assert_eq!(probe.tries, 0, "nothing counted as a try");
    finish(&bench.other, made(probe)).await;
    assert!(bench.one.rest(SERVICE).await.unwrap().is_none());
    let claimed = bench.one.complete_and_claim(&[], &rooms).await.unwrap().claims;
    assert_eq!(claimed.len(), 2, "it is back");
    assert!(claimed.iter().all(|claim| claim.tries == 0));
}

async fn an_engine_that_rests_from_now_on_is_not_claimed_for_in_the_same_exchange(bench: &Bench) {
    let all: Vec<_> = (0..3).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    let held = claim_in(&bench.one, service(1, 1)).await.unwrap();
    let finished = [failed_with(held, busy(60_000))];
    let claimed = bench.one.complete_and_claim(&finished, &[service(1, 4)]).await.unwrap();
    assert!(claimed.claims.is_empty(), "{:?}", claimed.claims);
}

async fn an_outage_makes_no_dead_letters(bench: &Bench) {
    let all: Vec<_> = (0..20).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    let mut asked = 0;
    for _ in 0..30 {
        for claim in bench.one.complete_and_claim(&[], &[service(4, 4)]).await.unwrap().claims {
            asked += 1;
            finish(&bench.one, failed_with(claim, overloaded())).await;
        }
        keep_up(&bench.one, &[]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked <= MAX_FAILURES + 10, "it was asked {asked} times");
    assert_eq!(status(&bench.one).await.dead, 0);
    // It is back, and everything is spoken.
    let mut spoken = HashSet::new();
    for _ in 0..200 {
        for claim in bench.one.complete_and_claim(&[], &[service(4, 4)]).await.unwrap().claims {
            spoken.insert(claim.job.sentence);
            finish(&bench.one, made(claim)).await;
        }
        keep_up(&bench.one, &[]).await;
        if spoken.len() == 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(spoken.len(), 20);
}

/// A probe may find that its clip is there: the engine was not asked, and is tried again by one sentence alone.
async fn a_clip_that_was_there_says_nothing_of_its_engine(bench: &Bench) {
    let all: Vec<_> = (0..4).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    let held = claim_in(&bench.one, service(1, 4)).await.unwrap();
    finish(&bench.one, failed_with(held, busy(200))).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    let rooms = [service(4, 4)];
    let claims = bench.other.complete_and_claim(&[], &rooms).await.unwrap().claims;
    let [probe] = &claims[..] else { panic!("exactly one tries") };
    let there = Made { clip: Bytes::from_static(b"clip"), by_engine: false };
    let finished = [Finished { claim: probe.clone(), outcome: Ok(there) }];
    let claims = bench.other.complete_and_claim(&finished, &rooms).await.unwrap().claims;
    assert_eq!(claims.len(), 1, "again one alone");
    let claims = bench.one.complete_and_claim(&[made(claims[0].clone())], &rooms).await;
    assert_eq!(claims.unwrap().claims.len(), 2, "it is back");
}

async fn a_wrong_key_parks_the_engine_until_it_is_mended(bench: &Bench) {
    let refused = VoiceError::Refused { engine: SERVICE.to_owned(), reason: String::new() };
    bench.one.enqueue(Class::Chapter, &book(1), &[job_of_service(1, 0)]).await.unwrap();
    let held = claim_in(&bench.one, service(1, 1)).await.unwrap();
    finish(&bench.one, failed_with(held, refused.clone())).await;
    assert_eq!(bench.other.rest(SERVICE).await.unwrap().unwrap().error, refused);
    assert_eq!(status(&bench.one).await.dead, 0);
    bench.other.end_rest(SERVICE).await.unwrap();
    assert_eq!(claim_in(&bench.one, service(1, 1)).await.unwrap().tries, 0);
}

async fn a_late_failure_is_no_news(bench: &Bench) {
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    let late = claim(&bench.other).await.unwrap();
    tokio::time::sleep(TIMING.lease + TIMING.renewal).await;
    keep_up(&bench.one, &[]).await;
    let again = claim(&bench.one).await.unwrap();
    finish(&bench.other, failed(late)).await;
    keep_up(&bench.one, std::slice::from_ref(&again)).await;
    assert!(bench.one.is_being_made(&again.job.content).await.unwrap());
    assert_eq!(status(&bench.one).await.retry, 0);
    finish(&bench.one, made(again)).await;
}

async fn nothing_waits_for_an_engine_that_is_no_more(bench: &Bench) {
    for of_book in [1, 2] {
        let all: Vec<_> = (0..6).map(|sentence| job_of_service(of_book, sentence)).collect();
        bench.one.enqueue(Class::Chapter, &book(of_book), &all[..3]).await.unwrap();
        bench.one.enqueue(Class::Prefetch, &book(of_book), &all[3..]).await.unwrap();
    }
    bench.one.enqueue(Class::Chapter, &book(1), &jobs(1, 1)).await.unwrap();
    // One of each kind: failed and to be tried again, and in hand.
    let held = claim_in(&bench.one, service(1, 4)).await.unwrap();
    finish(&bench.one, failed(held)).await;
    let held = claim_in(&bench.one, service(1, 4)).await.unwrap();
    bench.other.forget(SERVICE).await.unwrap();
    finish(&bench.one, made(held)).await;
    let left = status(&bench.one).await;
    assert_eq!((left.chapter, left.prefetch, left.retry, left.books), (1, 0, 0, 1));
    assert!(claim_in(&bench.one, service(4, 4)).await.is_none());
    assert_eq!(drain(&bench.one).await, [(1, 0)], "other voices are not concerned");
    // It may come back.
    bench.one.enqueue(Class::Chapter, &book(1), &[job_of_service(1, 0)]).await.unwrap();
    assert!(claim_in(&bench.other, service(1, 1)).await.is_some());
}

promises!(
    an_engine_has_no_more_in_hand_than_it_accepts,
    an_engine_that_asks_for_it_rests_and_one_sentence_tries_it,
    an_engine_that_rests_from_now_on_is_not_claimed_for_in_the_same_exchange,
    an_outage_makes_no_dead_letters,
    a_clip_that_was_there_says_nothing_of_its_engine,
    a_wrong_key_parks_the_engine_until_it_is_mended,
    a_late_failure_is_no_news,
    nothing_waits_for_an_engine_that_is_no_more,
);
