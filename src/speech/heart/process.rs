//! The child process that speaks, as this one sees it: started when it is needed, ended when nobody listens,
//! and started again, ever more slowly, when it fails.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::Instant;

use super::worker::{Answer, Request, TimedText};
use crate::children::{self, Group};

/// It ends when nobody has asked it anything for so long.
const IDLE_LIMIT: Duration = Duration::from_secs(600);
/// The first pause after a failure, doubled with each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A pause that those who ask wait for; for longer ones they are told.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// Samples of a sentence that are accepted: five minutes.
const MAX_SAMPLES: usize = 300 * 24_000;

/// Why there is no sound.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The sentence cannot be spoken.
    Refused(String),
    /// The process has ended, or cannot be started.
    Ended(String),
}

/// Samples and words; or why there are none.
pub type Spoken = Result<(Vec<i16>, Vec<TimedText>), Failure>;

/// Those who wait for an answer.
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Spoken>>>>;

/// The child process.
pub struct VoiceProcess {
    shared: Arc<Shared>,
    serial: AtomicU64,
}

struct Shared {
    program: PathBuf,
    folder: PathBuf,
    parallel: usize,
    state: AsyncMutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// Times it ended by itself since it last spoke.
    failures: u32,
    /// Why, and when it may be started again.
    rest: Option<(String, Instant)>,
}

impl State {
    /// How long it is not started again.
    fn pause(&self) -> Option<Duration> {
        let (_, until) = self.rest.as_ref().filter(|_| self.running.is_none())?;
        until.checked_duration_since(Instant::now())
    }
}

struct Running {
    stdin: ChildStdin,
    waiting: Waiting,
}

/// Takes back a question that nobody waits for any more.
struct Asked {
    id: u64,
    waiting: Waiting,
}

impl Drop for Asked {
    fn drop(&mut self) {
        lock(&self.waiting).remove(&self.id);
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Spoken>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl VoiceProcess {
    /// A process of `program` for the voice in `folder`, which speaks so many sentences at once. It is not
    /// started yet.
    pub fn new(program: PathBuf, folder: &Path, parallel: usize) -> Self {
        let state = AsyncMutex::default();
        let shared = Shared { program, folder: folder.to_owned(), parallel, state };
        Self { shared: Arc::new(shared), serial: AtomicU64::new(0) }
    }

    /// Has it speak. When it ends meanwhile, another one is asked once.
    pub async fn speak(&self, text: &str, speed: f32) -> Spoken {
        match self.ask(text, speed).await {
            Err(Failure::Ended(_)) => self.ask(text, speed).await,
            spoken => spoken,
        }
    }

    async fn ask(&self, text: &str, speed: f32) -> Spoken {
        let ended = |reason: String| Failure::Ended(reason);
        let id = self.serial.fetch_add(1, Ordering::Relaxed);
        let request = Request { id, text: text.to_owned(), speed };
        let mut line = serde_json::to_vec(&request).map_err(|error| ended(error.to_string()))?;
        line.push(b'\n');
        let (sender, receiver) = oneshot::channel();
        let _asked = {
            let mut state = self.shared.state.lock().await;
            if let Some(pause) = state.pause().filter(|pause| *pause <= SHORT_PAUSE) {
                drop(state);
                tokio::time::sleep(pause).await;
                state = self.shared.state.lock().await;
            }
            let running = self.shared.start(&mut state).map_err(ended)?;
            lock(&running.waiting).insert(id, sender);
            let asked = Asked { id, waiting: Arc::clone(&running.waiting) };
            // Requests are short, and the process always reads. If it is gone, its end says why.
            let _ = running.stdin.write_all(&line).await;
            asked
        };
        receiver.await.unwrap_or_else(|_| Err(ended("it ended".to_owned())))
    }
}

impl Shared {
    /// The process, started now if it does not run.
    fn start<'a>(self: &Arc<Self>, state: &'a mut State) -> Result<&'a mut Running, String> {
        if state.running.is_none() {
            if let (Some(pause), Some((reason, _))) = (state.pause(), &state.rest) {
                return Err(format!("{reason}; it is started again in {} s", pause.as_secs() + 1));
            }
            state.running = Some(self.spawn()?);
        }
        state.running.as_mut().ok_or_else(|| "it does not run".to_owned())
    }

    fn spawn(self: &Arc<Self>) -> Result<Running, String> {
        let mut command = Command::new(&self.program);
        command.arg("voice-worker").arg(&self.folder);
        command.args(["--parallel", &self.parallel.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        children::isolate(&mut command);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no input or output".to_owned());
        };
        let waiting = Waiting::default();
        tokio::spawn(attend(Arc::downgrade(self), child, stdout, Arc::clone(&waiting)));
        Ok(Running { stdin, waiting })
    }
}

/// Hands out the answers of a process, until it ends or is not needed any more.
async fn attend(shared: Weak<Shared>, mut child: Child, stdout: ChildStdout, waiting: Waiting) {
    // Killed on the way out.
    let _group = Group::of(&child);
    let mut stdout = BufReader::new(stdout);
    let reason = loop {
        match tokio::time::timeout(IDLE_LIMIT, read_answer(&mut stdout)).await {
            Ok(Ok((id, spoken))) => {
                if let Some(sender) = lock(&waiting).remove(&id) {
                    // Who asked may have gone away.
                    let _ = sender.send(spoken);
                }
                if let Some(shared) = shared.upgrade() {
                    let mut state = shared.state.lock().await;
                    (state.failures, state.rest) = (0, None);
                }
            }
            Ok(Err(reason)) => break reason,
            Err(_) => {
                let Some(shared) = shared.upgrade() else { return };
                let mut state = shared.state.lock().await;
                // Nobody can ask while the state is held.
                if lock(&waiting).is_empty() {
                    state.running = None;
                    return;
                }
                break "it does not answer".to_owned();
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_millis(200), child.wait()).await;
    let reason = match ended {
        Ok(Ok(status)) => format!("{reason} ({status})"),
        _ => reason,
    };
    if let Some(shared) = shared.upgrade() {
        tracing::warn!(reason, "the voice has ended");
        let mut state = shared.state.lock().await;
        state.running = None;
        state.failures = state.failures.saturating_add(1);
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(state.failures.min(16) - 1);
        state.rest = Some((reason.clone(), Instant::now() + pause.min(LONGEST_PAUSE)));
    }
    let left: Vec<_> = lock(&waiting).drain().collect();
    for (_, sender) in left {
        let _ = sender.send(Err(Failure::Ended(reason.clone())));
    }
}

async fn read_answer(stdout: &mut BufReader<ChildStdout>) -> Result<(u64, Spoken), String> {
    let mut line = Vec::new();
    let count = stdout.read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
    if count == 0 {
        return Err("it ended".to_owned());
    }
    let answer: Answer = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
    if answer.samples > MAX_SAMPLES {
        return Err("it said too much".to_owned());
    }
    let mut bytes = vec![0; 2 * answer.samples];
    stdout.read_exact(&mut bytes).await.map_err(|error| error.to_string())?;
    let pairs = bytes.as_chunks::<2>().0;
    let samples = pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    let spoken = match answer.error {
        Some(reason) => Err(Failure::Refused(reason)),
        None => Ok((samples, answer.words)),
    };
    Ok((answer.id, spoken))
}
