//! Whatever happens in whatever order.

use super::*;

/// Something that happens to a queue.
#[derive(Debug, Clone)]
enum Step {
    Enqueue {
        class: Class,
        book: u64,
        sentences: Vec<u32>,
    },
    EnqueueService {
        class: Class,
        book: u64,
        sentences: Vec<u32>,
    },
    Awaited {
        book: u64,
        sentence: u32,
        of_service: bool,
    },
    /// The listeners of a book need no more than this.
    Retain {
        book: u64,
        prefetch: Vec<u32>,
        chapter: Vec<u32>,
    },
    Claim {
        by: usize,
        local: usize,
        service: usize,
    },
    Finish {
        by: usize,
        how: How,
    },
    /// A worker dies with all it holds.
    Crash {
        by: usize,
    },
    /// A worker is frozen until its leases have run out, and then fails at all it held.
    Late {
        by: usize,
    },
    /// The leases of the dead run out; the living renew theirs.
    Expire,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Well,
    Badly,
    /// The service, if it is one, asks to be left alone for this many ms.
    Busy(u64),
    /// The service, if it is one, fails as a whole.
    Overloaded,
}

/// Sentences of the service that may be in hand at once.
const PERMITS: usize = 2;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let books = || 1..4_u64;
    let sentences = || prop::collection::vec(0..6_u32, 0..5);
    let class = prop_oneof![Just(Class::Prefetch), Just(Class::Chapter), Just(Class::Background)];
    let how = prop_oneof![
        8 => Just(How::Well),
        1 => Just(How::Badly),
        1 => (1..30_u64).prop_map(How::Busy),
        1 => Just(How::Overloaded),
    ];
    let step = prop_oneof![
        4 => (class.clone(), books(), sentences())
            .prop_map(|(class, book, sentences)| Step::Enqueue { class, book, sentences }),
        2 => (class, books(), sentences())
            .prop_map(|(class, book, sentences)| Step::EnqueueService { class, book, sentences }),
        2 => (books(), 0..6_u32, any::<bool>())
            .prop_map(|(book, sentence, of_service)| Step::Awaited { book, sentence, of_service }),
        1 => (books(), sentences(), sentences())
            .prop_map(|(book, prefetch, chapter)| Step::Retain { book, prefetch, chapter }),
        5 => (0..2_usize, 0..4_usize, 0..4_usize)
            .prop_map(|(by, local, service)| Step::Claim { by, local, service }),
        5 => (0..2_usize, how).prop_map(|(by, how)| Step::Finish { by, how }),
        1 => (0..2_usize).prop_map(|by| Step::Crash { by }),
        1 => (0..2_usize).prop_map(|by| Step::Late { by }),
        1 => Just(Step::Expire),
    ];
    prop::collection::vec(step, 1..40)
}

/// What is known of a queue from what happened to it.
struct Model<'a> {
    bench: &'a Bench,
    /// The queue as each of two workers sees it, and what each holds.
    workers: [Arc<dyn Queue>; 2],
    held: [Vec<Claim>; 2],
    /// What must be made, or be a dead letter, in the end.
    wanted: HashSet<ContentHash>,
    made: HashSet<ContentHash>,
    /// Until when the service must be left alone.
    rests_until: Option<Instant>,
}

impl Model<'_> {
    async fn apply(&mut self, step: Step) {
        let jobs = |of_book: u64, sentences: &[u32]| -> Vec<Job> {
            sentences.iter().map(|sentence| job(of_book, *sentence)).collect()
        };
        match step {
            Step::Enqueue { class, book: number, sentences } => {
                self.enqueue(class, number, jobs(number, &sentences)).await;
            }
            Step::EnqueueService { class, book, sentences } => {
                let jobs = sentences.iter().map(|sentence| job_of_service(book, *sentence));
                self.enqueue(class, book, jobs.collect()).await;
            }
            Step::Awaited { book, sentence, of_service } => {
                let one = if of_service { job_of_service } else { job };
                let first = one(book, sentence);
                self.wanted.insert(first.content);
                self.bench.other.enqueue_awaited(&first).await.unwrap();
            }
            Step::Retain { book: number, prefetch, chapter } => {
                // What waited may be wanted no more.
                for sentence in 0..6 {
                    self.wanted.remove(&job(number, sentence).content);
                    self.wanted.remove(&job_of_service(number, sentence).content);
                }
                let contents = |sentences: &[u32]| {
                    jobs(number, sentences).iter().map(|job| job.content).collect()
                };
                let needed = Needed { prefetch: contents(&prefetch), chapter: contents(&chapter) };
                let version = self.bench.one.listeners(&book(number)).await.unwrap().version;
                assert!(self.bench.one.retain(&book(number), &needed, version).await.unwrap());
                // A page asks for what it needs after that.
                self.enqueue(Class::Prefetch, number, jobs(number, &prefetch)).await;
                self.enqueue(Class::Chapter, number, jobs(number, &chapter)).await;
            }
            Step::Claim { by, local, service } => self.claim(by, local, service).await,
            Step::Finish { by, how } => {
                if let Some(claim) = self.held[by].pop() {
                    self.finish(by, claim, how).await;
                }
            }
            Step::Crash { by } => {
                self.held[by].clear();
                self.replace(by).await;
            }
            Step::Late { by } => {
                let late = std::mem::take(&mut self.held[by]);
                let frozen = Arc::clone(&self.workers[by]);
                self.replace(by).await;
                self.expire().await;
                for claim in late {
                    finish(&frozen, failed(claim)).await;
                }
            }
            Step::Expire => self.expire().await,
        }
    }

    async fn enqueue(&mut self, class: Class, of_book: u64, jobs: Vec<Job>) {
        self.wanted.extend(jobs.iter().map(|job| job.content));
        self.bench.one.enqueue(class, &book(of_book), &jobs).await.unwrap();
    }

    /// A worker that died is followed by another; in memory there is none to follow.
    async fn replace(&mut self, by: usize) {
        if let Some(site) = &self.bench.site {
            self.workers[by] = site.join(&Arc::default(), &self.bench.shutdown).await;
        }
    }

    async fn claim(&mut self, by: usize, local_room: usize, service_room: usize) {
        let rooms = [local(local_room), service(service_room, PERMITS)];
        let claims = self.workers[by].complete_and_claim(&[], &rooms).await.unwrap().claims;
        let of_service = |claim: &&Claim| claim.job.pool() != Pool::LOCAL;
        let service_claims = claims.iter().filter(of_service).count();
        assert!(service_claims <= service_room && claims.len() - service_claims <= local_room);
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            assert_eq!(service_claims, 0, "a resting engine was claimed for");
        }
        let is_ahead = |claim: &Claim| matches!(claim.class, Class::Chapter | Class::Background);
        if claims.iter().any(|claim| is_ahead(claim) && claim.job.pool() == Pool::LOCAL) {
            let lanes = self.workers[by].lanes().await.unwrap();
            let is_before = |lane: &&LaneStatus| {
                let is_urgent = matches!(lane.class, Class::Awaited | Class::Prefetch);
                lane.pool == Pool::LOCAL && is_urgent && lane.sentences > 0
            };
            assert_eq!(
                lanes.iter().find(is_before),
                None,
                "a chapter sentence was claimed before a prefetch sentence"
            );
        }
        for claim in claims {
            let holders = self.held.iter().flatten();
            let same = holders.filter(|held| held.job.content == claim.job.content).count();
            assert_eq!(same, 0, "the same audio is being made twice");
            self.held[by].push(claim);
        }
        let in_hand = self.held.iter().flatten().filter(of_service).count();
        assert!(in_hand <= PERMITS, "{in_hand} in the hands of a service that accepts {PERMITS}");
    }

    async fn finish(&mut self, by: usize, claim: Claim, how: How) {
        let is_service = claim.job.pool() != Pool::LOCAL;
        let finished = match how {
            How::Well => {
                self.made.insert(claim.job.content);
                made(claim)
            }
            How::Busy(ms) if is_service => {
                let until = Instant::now() + Duration::from_millis(ms.max(200));
                self.rests_until = self.rests_until.max(Some(until));
                failed_with(claim, busy(ms))
            }
            How::Overloaded if is_service => failed_with(claim, overloaded()),
            How::Badly | How::Busy(_) | How::Overloaded => failed(claim),
        };
        finish(&self.workers[by], finished).await;
    }

    async fn expire(&self) {
        for _ in 0..5 {
            tokio::time::sleep(MODEL_TIMING.lease / 4).await;
            for by in 0..2 {
                keep_up(&self.workers[by], &self.held[by]).await;
            }
        }
    }

    /// Works until nothing is left.
    async fn settle(mut self) {
        for by in 0..2 {
            while let Some(claim) = self.held[by].pop() {
                self.finish(by, claim, How::Well).await;
            }
        }
        let rooms = [local(5), service(5, PERMITS)];
        for _ in 0..120 {
            let claimed = self.workers[0].complete_and_claim(&[], &rooms).await.unwrap();
            let is_idle = claimed.claims.is_empty() && !claimed.more;
            for claim in claimed.claims {
                self.finish(0, claim, How::Well).await;
            }
            let status = status(&self.workers[0]).await;
            if status == (QueueStatus { dead: status.dead, ..QueueStatus::default() }) {
                break;
            }
            if is_idle {
                tokio::time::sleep(MODEL_TIMING.lease / 8).await;
                keep_up(&self.workers[0], &[]).await;
            }
        }
        let dead = self.bench.one.dead_letters().await.unwrap();
        self.made.extend(dead.iter().map(|letter| letter.job.content));
        let status = status(&self.bench.one).await;
        assert_eq!(status, QueueStatus { dead: dead.len(), ..QueueStatus::default() });
        let lost: Vec<_> = self.wanted.difference(&self.made).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
    }
}

/// Whatever happens in whatever order: nothing that is wanted is lost, no audio is being made
/// twice, no chapter sentence goes before a prefetch sentence, no engine has more in hand than it accepts or
/// is asked while it rests, and in the end nothing is left over.
fn promises_hold_in_any_order(kind: Kind, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config =
        Config { cases, max_shrink_iters: 50, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let bench = kind.bench_with(MODEL_TIMING).await;
                let workers = [Arc::clone(&bench.one), Arc::clone(&bench.other)];
                let (held, wanted, made) = Default::default();
                let mut model =
                    Model { bench: &bench, workers, held, wanted, made, rests_until: None };
                for step in steps {
                    model.apply(step).await;
                }
                model.settle().await;
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn in_any_order_in_this_process() {
    promises_hold_in_any_order(Kind::Memory, 40);
}

#[test]
fn in_any_order_on_a_redis_server() {
    promises_hold_in_any_order(Kind::redis(), 40);
}

#[test]
fn in_any_order_on_a_redis_cluster() {
    promises_hold_in_any_order(Kind::cluster(), 12);
}
