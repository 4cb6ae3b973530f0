use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::timeout;

use super::*;
use crate::text::hash::VoiceKey;
use crate::voices::VoiceError;

fn book(number: u64) -> BookId {
    format!("{number:016x}").parse().unwrap()
}

fn job(of_book: u64, sentence: u32) -> Job {
    job_saying(of_book, sentence, &format!("Book {of_book}, sentence {sentence}."))
}

fn job_saying(of_book: u64, sentence: u32, text: &str) -> Job {
    let voice = VoiceKey {
        engine: "e".to_owned(),
        model: "m".to_owned(),
        voice: "v".to_owned(),
        speed: "1".to_owned(),
        format: "f".to_owned(),
    };
    Job {
        book: book(of_book),
        chapter: 1,
        sentence,
        text: text.into(),
        content: ContentHash::of(text, &voice),
        voice: Arc::new(voice),
    }
}

async fn claim(queue: &MemoryQueue) -> Option<Claim> {
    timeout(Duration::from_millis(50), queue.claim()).await.ok()
}

async fn drain(queue: &MemoryQueue) -> Vec<(u64, u32)> {
    let mut order = Vec::new();
    while let Some(claim) = claim(queue).await {
        let number = u64::from_str_radix(claim.job.book.as_str(), 16).unwrap();
        order.push((number, claim.job.sentence));
        queue.finish(claim, Ok(())).await;
    }
    order
}

#[tokio::test(start_paused = true)]
async fn prefetch_comes_first_and_books_take_turns() {
    let queue = MemoryQueue::default();
    let jobs = |of_book| (0..2).map(|sentence| job(of_book, sentence)).collect::<Vec<_>>();
    queue.enqueue(Class::Chapter, &book(1), jobs(1)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), jobs(2)).await.unwrap();
    queue.enqueue(Class::Prefetch, &book(3), vec![job(3, 9)]).await.unwrap();
    assert_eq!(drain(&queue).await, [(3, 9), (1, 0), (2, 0), (1, 1), (2, 1)]);
    assert_eq!(queue.status().await.unwrap(), QueueStatus::default());
}

#[tokio::test(start_paused = true)]
async fn the_same_audio_is_claimed_once() {
    let queue = MemoryQueue::default();
    let same = |of_book| job_saying(of_book, 0, "Yes.");
    queue.enqueue(Class::Prefetch, &book(1), vec![same(1), same(1)]).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), vec![same(2), job(2, 1)]).await.unwrap();
    let first = claim(&queue).await.unwrap();
    // While it is being made, the other book's job for it is dropped.
    assert_eq!(claim(&queue).await.unwrap().job.sentence, 1);
    assert!(claim(&queue).await.is_none());
    queue.finish(first, Ok(())).await;
}

#[tokio::test(start_paused = true)]
async fn everyone_who_waits_is_told_how_it_ended() {
    let queue = MemoryQueue::default();
    let wanted = job(1, 0);
    let (one, two) =
        (queue.wait(wanted.content).await.unwrap(), queue.wait(wanted.content).await.unwrap());
    queue.enqueue_first(wanted).await.unwrap();
    let claimed = claim(&queue).await.unwrap();
    let error = VoiceError::NoSuchVoice("x".to_owned());
    queue.finish(claimed, Err(error.clone())).await;
    assert_eq!(one.landed().await, Err(error.clone()));
    assert_eq!(two.landed().await, Err(error));
}

#[tokio::test(start_paused = true)]
async fn a_sentence_someone_waits_for_goes_first() {
    let queue = MemoryQueue::default();
    let jobs = (0..5).map(|sentence| job(1, sentence)).collect();
    queue.enqueue(Class::Prefetch, &book(1), jobs).await.unwrap();
    queue.enqueue_first(job(1, 3)).await.unwrap();
    let order: Vec<_> = drain(&queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [3, 0, 1, 2, 4]);
}

#[tokio::test(start_paused = true)]
async fn rebuilding_replaces_only_that_book() {
    let queue = MemoryQueue::default();
    queue.enqueue(Class::Chapter, &book(1), vec![job(1, 0), job(1, 1)]).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), vec![job(2, 0)]).await.unwrap();
    queue.rebuild(&book(1), vec![job(1, 7)], vec![job(1, 8)]).await.unwrap();
    assert_eq!(drain(&queue).await, [(1, 7), (2, 0), (1, 8)]);
}

#[tokio::test(start_paused = true)]
async fn a_full_lane_refuses_and_keeps_what_it_has() {
    let queue = MemoryQueue::default();
    let jobs: Vec<_> = (0..=MAX_LANE_JOBS as u32).map(|sentence| job(1, sentence)).collect();
    let refused = queue.enqueue(Class::Chapter, &book(1), jobs).await;
    assert_eq!(refused, Err(QueueError::LaneFull));
    assert_eq!(queue.status().await.unwrap().chapter, MAX_LANE_JOBS);
}

#[tokio::test(start_paused = true)]
async fn waiters_who_have_gone_do_not_count() {
    let queue = MemoryQueue::default();
    let content = job(1, 0).content;
    let mut waiting = Vec::new();
    for _ in 0..100 {
        waiting.push(queue.wait(content).await.unwrap());
    }
    assert_eq!(queue.status().await.unwrap().waiters, 100);
    drop(waiting);
    assert_eq!(queue.status().await.unwrap().waiters, 0);
    let _waiter = queue.wait(content).await.unwrap();
    assert_eq!(queue.status().await.unwrap().waiters, 1);
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_wakes_when_work_arrives() {
    let queue = Arc::new(MemoryQueue::default());
    let worker = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.claim().await.job.sentence }
    });
    tokio::task::yield_now().await;
    queue.enqueue(Class::Chapter, &book(1), vec![job(1, 4)]).await.unwrap();
    assert_eq!(worker.await.unwrap(), 4);
}

#[derive(Debug, Clone)]
enum Step {
    Enqueue { class: Class, book: u64, sentences: Vec<u32> },
    First { book: u64, sentence: u32 },
    Claim,
    Finish,
}

fn step() -> impl Strategy<Value = Step> {
    let books = 1..4_u64;
    prop_oneof![
        (any::<bool>(), books.clone(), prop::collection::vec(0..6_u32, 0..5)).prop_map(
            |(urgent, book, sentences)| Step::Enqueue {
                class: if urgent { Class::Prefetch } else { Class::Chapter },
                book,
                sentences
            }
        ),
        (books, 0..6_u32).prop_map(|(book, sentence)| Step::First { book, sentence }),
        Just(Step::Claim),
        Just(Step::Finish),
    ]
}

proptest! {
    /// Whatever happens in whatever order: nothing waiting is lost, no audio is being made twice,
    /// and no chapter sentence is claimed while a prefetch sentence waits.
    #[test]
    fn promises_hold_in_any_order(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let queue = MemoryQueue::default();
            let mut held: Vec<Claim> = Vec::new();
            let mut wanted: HashSet<ContentHash> = HashSet::new();
            for step in steps {
                match step {
                    Step::Enqueue { class, book: number, sentences } => {
                        let jobs: Vec<_> = sentences.into_iter().map(|sentence| job(number, sentence)).collect();
                        wanted.extend(jobs.iter().map(|job| job.content));
                        queue.enqueue(class, &book(number), jobs).await.unwrap();
                    }
                    Step::First { book, sentence } => {
                        let first = job(book, sentence);
                        wanted.insert(first.content);
                        queue.enqueue_first(first).await.unwrap();
                    }
                    Step::Claim => {
                        let before = queue.status().await.unwrap();
                        if let Some(claimed) = claim(&queue).await {
                            assert!(held.iter().all(|other| other.job.content != claimed.job.content));
                            let after = queue.status().await.unwrap();
                            assert!(after.chapter == before.chapter || after.prefetch == 0);
                            held.push(claimed);
                        }
                    }
                    Step::Finish => if let Some(claimed) = held.pop() {
                        wanted.remove(&claimed.job.content);
                        queue.finish(claimed, Ok(())).await;
                    }
                }
            }
            for claimed in held {
                wanted.remove(&claimed.job.content);
                queue.finish(claimed, Ok(())).await;
            }
            while let Some(claimed) = claim(&queue).await {
                wanted.remove(&claimed.job.content);
                queue.finish(claimed, Ok(())).await;
            }
            assert!(wanted.is_empty());
            assert_eq!(queue.status().await.unwrap(), QueueStatus::default());
        });
    }
}
