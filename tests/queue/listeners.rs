//! Where people listen, and how far what they asked for has come.

use super::*;

async fn listeners_are_known_to_all(bench: &Bench) {
    let place = |listener: &str, chapter| ListenerPosition {
        listener: listener.to_owned(),
        book: book(1),
        chapter,
        sentence: 0,
        voice: String::new(),
    };
    for (listener, chapter) in [("a", 1), ("b", 5), ("a", 2)] {
        bench.one.set_listener_position(&place(listener, chapter)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let known = bench.other.listeners(&book(1)).await.unwrap();
    assert_eq!(known.positions, [place("a", 2), place("b", 5)]);
    assert_eq!(known.version, 3);
    assert!(bench.other.listeners(&book(2)).await.unwrap().positions.is_empty());
}

async fn a_request_tells_how_far_it_has_come(bench: &Bench) {
    let queue = &bench.one;
    assert_eq!(queue.request("r").await.unwrap(), None);
    let mut jobs = jobs(1, 4);
    for job in &mut jobs {
        job.request = Some("r".into());
    }
    // The first is being made for somebody else.
    queue.enqueue_awaited(&job(1, 0)).await.unwrap();
    let held = claim(queue).await.unwrap();
    let total = |total| ProgressDelta { total: Some(total), ..ProgressDelta::default() };
    queue.record_progress("r", total(9)).await.unwrap();
    let added = queue.enqueue(Class::Chapter, &book(1), &jobs).await.unwrap().added;
    queue.record_progress("r", total(added)).await.unwrap();
    let known = queue.request("r").await.unwrap().unwrap();
    assert_eq!((known.status.as_str(), known.progress, known.started_at), ("queued", 0, None));
    let mut claims = bench.other.complete_and_claim(&[], &[local(4)]).await.unwrap().claims;
    assert_eq!(claims.len(), 3, "what is being made is dropped, and done");
    finish(&bench.other, made(claims.remove(0))).await;
    let known = queue.request("r").await.unwrap().unwrap();
    assert_eq!((known.status.as_str(), known.progress), ("processing", 50));
    assert!(known.started_at.is_some() && known.worker_id.is_some());
    for claim in claims {
        finish(&bench.other, made(claim)).await;
    }
    finish(queue, made(held)).await;
    let known = queue.request("r").await.unwrap().unwrap();
    assert_eq!((known.status.as_str(), known.progress), ("completed", 100));
    assert!(known.completed_at >= known.started_at);
}

promises!(listeners_are_known_to_all, a_request_tells_how_far_it_has_come,);
