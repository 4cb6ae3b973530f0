//! Sentences that nobody listens for: what makes them steps back behind all others.
//!
//! Measured, on two processors: whoever presses play beside a narration waits 35 ms, and 24 to 28 ms without one.

use crate::children;

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

/// Computes something that takes some milliseconds, away from the threads that answer requests.
///
/// # Errors
/// When it panics, or the system has no thread for it.
pub(super) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    if !is_in_background() {
        return tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string());
    }
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

    #[tokio::test]
    async fn what_breaks_off_is_an_error() {
        assert!(in_background(compute(|| panic!("on purpose"))).await.is_err());
    }
}
