//! Workers that die, and sentences that fail.

use super::*;

async fn what_a_dead_worker_held_comes_back(bench: &Bench) {
    let dead = &bench.other;
    bench.one.enqueue(Class::Prefetch, &book(1), &jobs(1, 2)).await.unwrap();
    let held = claim(dead).await.unwrap();
    assert_eq!(held.tries, 0);
    // A living one keeps what it renews.
    for _ in 0..6 {
        tokio::time::sleep(TIMING.lease / 3).await;
        keep_up(dead, std::slice::from_ref(&held)).await;
    }
    assert_eq!(status(&bench.one).await.in_flight, 1);
    tokio::time::sleep(TIMING.lease + TIMING.renewal).await;
    keep_up(&bench.one, &[]).await;
    let again = claim(&bench.one).await.unwrap();
    assert_eq!((again.job.sentence, again.tries), (0, 1), "at the head, and it counts");
    // The late one harms nobody: its result is kept or not, the other's lock stays.
    finish(dead, made(held.clone())).await;
    bench.one.enqueue_awaited(&held.job).await.unwrap();
    assert_eq!(claim(&bench.one).await.unwrap().job.sentence, 1);
}

async fn a_worker_that_was_away_loses_no_job(bench: &Bench) {
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    let away = claim(&bench.other).await.unwrap();
    tokio::time::sleep(TIMING.lease + TIMING.renewal).await;
    keep_up(&bench.one, &[]).await;
    // It is back, goes on as if nothing had been, and fails.
    keep_up(&bench.other, std::slice::from_ref(&away)).await;
    let taken_over = claim(&bench.one).await;
    finish(&bench.other, failed(away)).await;
    let claim = match taken_over {
        Some(claim) => claim,
        None => {
            tokio::time::sleep(TIMING.retry * 2 + TIMING.renewal).await;
            keep_up(&bench.one, &[]).await;
            claim(&bench.one).await.expect("it is tried again")
        }
    };
    finish(&bench.one, made(claim)).await;
    assert_eq!(status(&bench.one).await, QueueStatus::default());
}

async fn what_has_ended_is_not_taken_again_by_a_renewal(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    let held = claim(queue).await.unwrap();
    finish(queue, failed(held.clone())).await;
    // The renewal had begun before that.
    let held = std::slice::from_ref(&held);
    queue.renew_leases(held, &Heartbeat::default(), &|_| false).await.unwrap();
    assert!(!bench.other.is_being_made(&held[0].job.content).await.unwrap());
    assert_eq!(status(queue).await, QueueStatus { retry: 1, ..QueueStatus::default() });
}

async fn a_job_that_kills_its_workers_is_a_dead_letter(bench: &Bench) {
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    for tries in 0..MAX_TRIES {
        let held = claim(&bench.other).await.expect("it comes back");
        assert_eq!(held.tries, tries);
        tokio::time::sleep(TIMING.lease + TIMING.renewal).await;
        keep_up(&bench.one, &[]).await;
    }
    assert!(claim(&bench.one).await.is_none());
    assert_eq!(bench.one.dead_letters().await.unwrap().len(), 1);
    assert_eq!(status(&bench.one).await, QueueStatus { dead: 1, ..QueueStatus::default() });
    // It is remembered, so that it ends no more workers.
    let asked = bench.other.enqueue_awaited(&job(1, 0)).await.unwrap();
    assert!(matches!(asked, Asked::Refused(_)), "{asked:?}");
    let again = bench.other.enqueue(Class::Chapter, &book(1), &jobs(1, 2)).await.unwrap();
    assert_eq!(again.added, 1);
    assert_eq!(claim(&bench.one).await.unwrap().job.sentence, 1);
    // Unless an operator wants it so.
    assert_eq!(bench.one.requeue_dead(None).await.unwrap(), 1);
    assert_eq!(claim(&bench.one).await.unwrap().job.sentence, 0);
}

async fn a_failed_job_is_tried_again_and_then_a_dead_letter(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    for tries in 0..MAX_TRIES {
        let claimed = claim(queue).await.expect("it comes back");
        assert_eq!(claimed.tries, tries);
        finish(queue, failed(claimed)).await;
        keep_up(queue, &[]).await;
        assert!(claim(queue).await.is_none(), "not at once");
        tokio::time::sleep(TIMING.retry * 2_u32.pow(u32::from(tries)) + TIMING.renewal).await;
        keep_up(queue, &[]).await;
    }
    assert!(claim(queue).await.is_none());
    let dead = bench.other.dead_letters().await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (&dead[0].job, &dead[0].error, dead[0].class),
        (&job(1, 0), &trouble(), Class::Chapter)
    );
    assert_eq!(queue.requeue_dead(Some(&book(2))).await.unwrap(), 0);
    assert_eq!(queue.requeue_dead(Some(&book(1))).await.unwrap(), 1);
    let mut claimed = claim(queue).await.unwrap();
    assert_eq!(claimed.tries, 0);
    assert!(queue.dead_letters().await.unwrap().is_empty());
    // Thrown away, it is as if it had not been asked for.
    for tries in 1..=MAX_TRIES {
        finish(queue, failed(claimed.clone())).await;
        tokio::time::sleep(TIMING.retry * 2_u32.pow(u32::from(tries) - 1) + TIMING.renewal).await;
        keep_up(queue, &[]).await;
        claimed = claim(queue).await.unwrap_or(claimed);
    }
    assert_eq!(bench.other.discard_dead().await.unwrap(), 1);
    assert_eq!(status(queue).await, QueueStatus::default());
    assert_eq!(queue.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap().added, 1);
}

async fn a_job_that_is_given_up_is_not_tried_again(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Background, &book(1), &jobs(1, 2)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &[job(1, 2)]).await.unwrap();
    for _ in 0..3 {
        finish(queue, failed(claim(queue).await.unwrap())).await;
    }
    bench.other.give_up(&book(1), &jobs(1, 3)).await.unwrap();
    // What others asked for is tried again.
    tokio::time::sleep(TIMING.retry + TIMING.renewal).await;
    keep_up(queue, &[]).await;
    assert_eq!(drain(queue).await, [(1, 2)]);
}

/// Our own database is out of reach for a while: nothing is a dead letter for that, and no engine is taken to be well.
async fn what_our_own_stores_fail_at_is_no_try(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    for _ in 0..=MAX_TRIES {
        let claimed = claim(queue).await.expect("it comes back");
        assert_eq!(claimed.tries, 0);
        let error = VoiceError::NotReady { reason: "No.".to_owned() };
        finish(queue, failed_with(claimed, error)).await;
        tokio::time::sleep(TIMING.retry + TIMING.renewal).await;
        keep_up(queue, &[]).await;
    }
    assert!(queue.dead_letters().await.unwrap().is_empty());
}

async fn what_is_released_counts_no_try(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 3)).await.unwrap();
    let held = vec![claim(queue).await.unwrap(), claim(queue).await.unwrap()];
    queue.release(&held).await.unwrap();
    assert_eq!(status(queue).await.in_flight, 0);
    let order: Vec<_> = drain(queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [0, 1, 2]);
}

promises!(
    what_a_dead_worker_held_comes_back,
    a_worker_that_was_away_loses_no_job,
    what_has_ended_is_not_taken_again_by_a_renewal,
    a_job_that_kills_its_workers_is_a_dead_letter,
    a_failed_job_is_tried_again_and_then_a_dead_letter,
    a_job_that_is_given_up_is_not_tried_again,
    what_our_own_stores_fail_at_is_no_try,
    what_is_released_counts_no_try,
);
