//! A worker: claims sentences where there is room for them and makes their clips, until shutdown.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::synthesizer::{Synthesizer, broken};
use crate::queue::{Claim, Class, Finished, Heartbeat, Pool, Queue, Room, Timing};
use crate::speech::{Capacity, VoiceError, in_background};

/// While the queue is out of reach, it is tried again after this long.
const RETRY_PAUSE: Duration = Duration::from_millis(300);
/// What fails because our own stores are out of reach is handed in after this long.
const NOT_READY_PAUSE: Duration = Duration::from_secs(1);
/// Told to stop, a worker waits this long for what it is making, then hands it back.
const FINISH_LIMIT: Duration = Duration::from_secs(6);
/// Places of this machine's processors that only a sentence somebody is about to hear may take.
const KEPT_FOR_LISTENERS: usize = 1;
/// Sentences of one service that a worker has in hand at most; their clips are in memory until they are
/// handed in.
const MAX_OF_SERVICE: usize = 64;

/// What a worker works with.
pub(super) struct Worker {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) synthesizer: Synthesizer,
    /// Sentences made at once on this machine's processors; one more when somebody is about to hear it.
    pub(super) slots: usize,
    pub(super) timing: Timing,
}

/// The claims of a worker, as its leases are renewed. Cheap to clone.
#[derive(Clone, Default)]
struct Held(Arc<HeldClaims>);

#[derive(Default)]
struct HeldClaims {
    // A std mutex: held for a map operation, never across an await.
    claims: Mutex<HashMap<String, Claim>>,
    /// Tokens of those that are being handed in: the queue may have ended them, and they are not to be claimed again.
    ended: Mutex<HashSet<String>>,
    /// The queue may have given more than is here.
    has_more: Notify,
}

impl Held {
    fn claims(&self) -> MutexGuard<'_, HashMap<String, Claim>> {
        self.0.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is still being made.
    fn is_unfinished(&self, token: &str) -> bool {
        let ended = self.ended();
        self.claims().contains_key(token) && !ended.contains(token)
    }

    /// What is still being made.
    fn unfinished(&self) -> Vec<Claim> {
        let ended = self.ended();
        self.claims().values().filter(|claim| !ended.contains(&claim.token)).cloned().collect()
    }
}

/// What is being made.
#[derive(Default)]
struct InFlight {
    making: JoinSet<Finished>,
    tasks: HashMap<Id, Claim>,
    held: Held,
    /// Made, and not handed in yet.
    finished: Vec<Finished>,
    /// Counts exchanges, so that each pool of this machine is asked first in its turn.
    turn: usize,
}

impl Worker {
    /// Runs until `shutdown`; what is being made is finished or handed back.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let mut in_flight = InFlight::default();
        let upkeep = CancellationToken::new();
        let renewing = renew_leases(Arc::clone(&self.queue), in_flight.held.clone(), self.timing);
        let renewing = tokio::spawn(upkeep.clone().run_until_cancelled_owned(renewing));
        let recovering = recover(Arc::clone(&self.queue), self.timing);
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(recovering));
        while !shutdown.is_cancelled() {
            // Here no answer of the queue is on its way.
            if in_flight.held.0.has_more.notified().now_or_never().is_some() {
                self.adopt(&mut in_flight).await;
            }
            let rooms = self.rooms(&in_flight);
            let has_room = rooms.iter().any(|room| room.any > 0);
            let mut more = false;
            if has_room || !in_flight.finished.is_empty() {
                match self.queue.complete_and_claim(&in_flight.finished, &rooms).await {
                    Ok(claimed) => {
                        in_flight.forget_finished();
                        in_flight.turn = in_flight.turn.wrapping_add(1);
                        more = claimed.more;
                        for claim in claimed.claims {
                            self.begin(&mut in_flight, claim);
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the queue cannot be asked");
                        in_flight.held.0.has_more.notify_one();
                        tokio::time::sleep(RETRY_PAUSE).await;
                        continue;
                    }
                }
            }
            if more {
                tokio::task::yield_now().await;
                continue;
            }
            let rooms = self.rooms(&in_flight);
            let has_room = rooms.iter().any(|room| room.any > 0);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {}
                Some(made) = in_flight.making.join_next_with_id() => in_flight.finish(made),
                () = self.queue.work(&rooms), if has_room => {}
                () = in_flight.held.0.has_more.notified() => in_flight.held.0.has_more.notify_one(),
            }
            while let Some(made) = in_flight.making.try_join_next_with_id() {
                in_flight.finish(made);
            }
        }
        self.finish_all(&mut in_flight).await;
        // What is handed back must not be taken again by a renewal.
        upkeep.cancel();
        let _ = renewing.await;
        self.hand_back(in_flight).await;
    }

    /// Where there is room for how many sentences. A service has as much as it accepts; all others share
    /// this machine's processors.
    fn rooms(&self, in_flight: &InFlight) -> Vec<Room> {
        let mut of_pool: HashMap<Pool, usize> = HashMap::new();
        // What is handed in makes room; if that fails, nothing is claimed either.
        for claim in in_flight.tasks.values() {
            *of_pool.entry(claim.job.pool()).or_default() += 1;
        }
        let capacities = self.synthesizer.voices.capacities();
        let used = |pool: &Pool| of_pool.get(pool).copied().unwrap_or(0);
        let is_local = |capacity: &Capacity| !matches!(capacity, Capacity::InAll(_));
        let local_engines =
            capacities.iter().filter(|(_, capacity)| is_local(capacity)).map(|(name, _)| name);
        let local_used: usize = local_engines
            .map(|name| used(&Pool::of_engine(name)))
            .chain([used(&Pool::LOCAL)])
            .sum();
        let any = (self.slots + KEPT_FOR_LISTENERS).saturating_sub(local_used);
        let ahead = self.slots.saturating_sub(local_used);
        let here = Room { pool: Pool::LOCAL, any, ahead, limit: None, shares: true };
        let (mut rooms, mut services) = (vec![here], Vec::new());
        for (name, capacity) in capacities {
            let pool = Pool::of_engine(&name);
            let used = used(&pool);
            match capacity {
                Capacity::Shared => {}
                Capacity::InProcess(most) => {
                    let free = most.saturating_sub(used);
                    let (any, ahead) = (any.min(free), ahead.min(free));
                    rooms.push(Room { pool, any, ahead, limit: None, shares: true });
                }
                Capacity::InAll(most) => {
                    let free = most.min(MAX_OF_SERVICE).saturating_sub(used);
                    services.push(Room { limit: Some(most), ..Room::of(pool, free) });
                }
            }
        }
        let first = in_flight.turn % rooms.len();
        rooms.rotate_left(first);
        rooms.append(&mut services);
        rooms
    }

    /// Takes up what this worker was given and did not hear of.
    async fn adopt(&self, in_flight: &mut InFlight) {
        let held: HashSet<String> = in_flight.held.claims().keys().cloned().collect();
        match self.queue.adopt(&held).await {
            Ok(claims) => {
                for claim in claims {
                    tracing::info!(
                        token = claim.token,
                        "a claim whose answer was lost is taken up"
                    );
                    self.begin(in_flight, claim);
                }
            }
            Err(error) => tracing::debug!(%error, "the queue cannot be asked"),
        }
    }

    fn begin(&self, in_flight: &mut InFlight, claim: Claim) {
        in_flight.held.claims().insert(claim.token.clone(), claim.clone());
        let synthesizer = self.synthesizer.clone();
        let of_task = claim.clone();
        let task = in_flight.making.spawn(async move {
            // A panic in an engine costs its sentence, not the worker.
            let making = async {
                match claim.class {
                    Class::Background => in_background(synthesizer.make(&claim.job)).await,
                    Class::Awaited | Class::Prefetch | Class::Chapter => {
                        synthesizer.make(&claim.job).await
                    }
                }
            };
            let made = AssertUnwindSafe(making).catch_unwind().await;
            let outcome = made.unwrap_or_else(|_| Err(broken("the worker panicked")));
            if let Err(error) = &outcome {
                let (book, chapter, sentence) =
                    (&claim.job.book, claim.job.chapter, claim.job.sentence);
                let error = error.in_full();
                tracing::warn!(%book, chapter, sentence, error, "a sentence could not be spoken");
            }
            if outcome.as_ref().is_err_and(VoiceError::is_not_ready) {
                // Or a whole lane would fail at the speed of an error.
                tokio::time::sleep(NOT_READY_PAUSE).await;
            }
            Finished { claim, outcome }
        });
        in_flight.tasks.insert(task.id(), of_task);
    }

    /// Waits for what is being made, for a while.
    async fn finish_all(&self, in_flight: &mut InFlight) {
        let deadline = Instant::now() + FINISH_LIMIT;
        while let Ok(Some(made)) =
            tokio::time::timeout_at(deadline, in_flight.making.join_next_with_id()).await
        {
            in_flight.finish(made);
        }
        in_flight.making.abort_all();
    }

    /// Hands in what is made, and gives the rest back.
    async fn hand_back(&self, mut in_flight: InFlight) {
        if self.queue.complete_and_claim(&in_flight.finished, &[]).await.is_ok() {
            in_flight.forget_finished();
        }
        let held: Vec<Claim> = in_flight.held.claims().drain().map(|(_, claim)| claim).collect();
        if let Err(error) = self.queue.release(&held).await {
            tracing::warn!(%error, "work was left to be found by others");
        }
    }
}

impl InFlight {
    fn finish(&mut self, made: Result<(Id, Finished), JoinError>) {
        let finished = match made {
            Ok((id, finished)) => {
                self.tasks.remove(&id);
                finished
            }
            // Panics are caught inside; only the runtime's end aborts a task.
            Err(error) => {
                tracing::error!(%error, "a task was lost");
                let Some(claim) = self.tasks.remove(&error.id()) else { return };
                Finished { claim, outcome: Err(broken("a task of the worker was lost")) }
            }
        };
        self.held.ended().insert(finished.claim.token.clone());
        self.finished.push(finished);
    }

    /// What was handed in is held no more.
    fn forget_finished(&mut self) {
        for finished in self.finished.drain(..) {
            self.held.claims().remove(&finished.claim.token);
            self.held.ended().remove(&finished.claim.token);
        }
    }
}

/// Renews what a worker holds, whatever else it is doing.
async fn renew_leases(queue: Arc<dyn Queue>, held: Held, timing: Timing) {
    let mut tick = tokio::time::interval(timing.renewal);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = queue.reconnected() => {}
        }
        let claims = held.unfinished();
        let current_job = claims.first().map_or_else(String::new, |claim| {
            format!("{}/{}/{}", claim.job.book, claim.job.chapter, claim.job.sentence)
        });
        let heartbeat = Heartbeat { current_job, in_flight: claims.len() };
        let is_held = |token: &str| held.is_unfinished(token);
        match queue.renew_leases(&claims, &heartbeat, &is_held).await {
            Ok(false) => {}
            Ok(true) => held.0.has_more.notify_one(),
            Err(error) => {
                tracing::debug!(%error, "leases cannot be renewed");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Looks after what other workers have left.
async fn recover(queue: Arc<dyn Queue>, timing: Timing) {
    let mut tick = tokio::time::interval(timing.renewal);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = queue.recover().await {
            tracing::debug!(%error, "what others left cannot be looked after");
        }
    }
}
