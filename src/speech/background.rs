//! Sentences that nobody listens for: what makes them steps back behind all others.
//!
//! Its programs are patient (nice), and pause while a program or encoder of others is at work: two that share a
//! processor's caches slow each other down however patient one of them is.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::children::{self, Group};

/// A sentence that nobody listens for pauses no longer than this in all, or listeners who follow one another would
/// keep it for ever. One of another takes some 20 ms.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many sentences are being spoken or encoded in this process that come before those.
static AHEAD: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

tokio::task_local! {
    /// Set while a sentence is made that nobody listens for.
    static IN_BACKGROUND: ();
}

/// Makes a sentence that nobody listens for.
pub async fn in_background<T>(making: impl Future<Output = T>) -> T {
    IN_BACKGROUND.scope((), making).await
}

/// Whether a sentence is being made that nobody listens for.
pub(super) fn is_in_background() -> bool {
    IN_BACKGROUND.try_with(|()| ()).is_ok()
}

/// A sentence that comes before those that nobody listens for, while it is being made.
pub(super) struct Ahead;

impl Ahead {
    pub(super) fn begin() -> Self {
        AHEAD.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        AHEAD.send_modify(|count| *count -= 1);
    }
}

/// Has a program that nobody listens for pause whenever others are ahead. It ends with whoever waits for the program.
pub(super) async fn give_way(program: &Group) -> Infallible {
    give_way_to(AHEAD.subscribe(), program).await
}

async fn give_way_to(mut ahead: watch::Receiver<usize>, program: &Group) -> Infallible {
    let mut left = PATIENCE;
    // The sender is never gone.
    while !left.is_zero() && ahead.wait_for(|count| *count > 0).await.is_ok() {
        let paused = program.pause();
        let since = Instant::now();
        let _ = timeout(left, ahead.wait_for(|count| *count == 0)).await;
        drop(paused);
        left = left.saturating_sub(since.elapsed());
    }
    std::future::pending().await
}

/// Computes something that takes some milliseconds, away from the threads that answer requests.
///
/// # Errors
/// When it panics, or the system has no thread for it.
pub(super) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    if !is_in_background() {
        let _ahead = Ahead::begin();
        return tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string());
    }
    let mut ahead = AHEAD.subscribe();
    let _ = timeout(PATIENCE, ahead.wait_for(|count| *count == 0)).await;
    // A thread of its own, for one that has stepped back cannot come forward again. Starting it takes some
    // microseconds, and there are no more of them than permits.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let started = std::thread::Builder::new().name("background".to_owned()).spawn(move || {
        children::step_back_myself();
        let _ = sender.send(work());
    });
    started.map_err(|error| error.to_string())?;
    receiver.await.map_err(|_| "the computation broke off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far this thread has stepped back.
    #[cfg(target_os = "linux")]
    fn niceness() -> i32 {
        // The nice value is the 19th field (proc(5)); the name before it is in brackets and has no space here.
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.split(' ').nth(18).unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_nobody_listens_for_is_computed_behind_all_else() {
        let before = niceness();
        assert_eq!(compute(niceness).await, Ok(before));
        assert!(in_background(compute(niceness)).await.unwrap() > before);
        // Nobody else is put back by it.
        assert_eq!(compute(niceness).await, Ok(before));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_program_that_nobody_listens_for_pauses_while_others_are_ahead() {
        // Others in this test program are not those that are ahead.
        let ahead = watch::Sender::new(0);
        let mut command = tokio::process::Command::new("sleep");
        command.arg("60");
        children::isolate(&mut command);
        let program = command.spawn().unwrap();
        let stat = format!("/proc/{}/stat", program.id().unwrap());
        let group = Group::of(&program);
        let is_paused = || std::fs::read_to_string(&stat).unwrap().contains(") T ");
        let watching = async {
            for (count, expected) in [(1, true), (2, true), (0, false), (1, true)] {
                ahead.send_replace(count);
                let settled = async {
                    while is_paused() != expected {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                timeout(Duration::from_secs(10), settled).await.unwrap();
            }
            // Its patience ends, though the other is still there.
            while is_paused() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            never = give_way_to(ahead.subscribe(), &group) => match never {},
            watched = timeout(Duration::from_secs(20), watching) => watched.unwrap(),
        }
    }

    #[tokio::test]
    async fn what_breaks_off_is_an_error() {
        assert!(in_background(compute(|| panic!("on purpose"))).await.is_err());
    }
}
