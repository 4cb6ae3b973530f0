//! The child process that speaks, as this one sees it: started when it is needed, ended when nobody listens,
//! and started again, ever more slowly, when it fails.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::time::Instant;

use super::worker::{Answer, MAX_SAMPLES, Request, TimedText};
use crate::children::{self, Group};
use crate::speech::registry::Places;

/// It ends when nobody has asked it anything for so long.
const IDLE_LIMIT: Duration = Duration::from_secs(600);
/// One that leaves a question unanswered for so much less than a sentence may take is stuck.
const BEFORE_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked at for these two.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// The first pause after a failure, doubled with each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A pause that those who ask wait for; for longer ones they are told.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// Questions on their way to it.
const MAX_SENT: usize = 16;

/// Why there is no sound.
#[derive(Debug, Clone, Error)]
pub enum Failure {
    /// The sentence cannot be spoken.
    #[error("{0}")]
    Refused(String),
    /// The process has ended, or cannot be started.
    #[error("{0}")]
    Ended(String),
}

/// Samples and words; or why there are none.
pub type Spoken = Result<(Vec<i16>, Vec<TimedText>), Failure>;

/// Who waits for an answer, and since when.
struct Question {
    since: Instant,
    answer: oneshot::Sender<Spoken>,
}

type Waiting = Arc<Mutex<HashMap<u64, Question>>>;

/// The child process.
pub struct VoiceProcess {
    shared: Arc<Shared>,
    serial: AtomicU64,
    /// Those whose process has ended ask again one at a time, so that a sentence which ends it takes no other
    /// with it.
    again: AsyncMutex<()>,
}

struct Shared {
    program: PathBuf,
    folder: PathBuf,
    reader: PathBuf,
    parallel: usize,
    /// The language of the first sentence, where it speaks one alone.
    first: Option<&'static str>,
    stuck_limit: Duration,
    // A std mutex: never held across an await.
    state: Mutex<State>,
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

#[derive(Clone)]
struct Running {
    requests: mpsc::Sender<Vec<u8>>,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl VoiceProcess {
    /// A process for the network in `folder`, with what is needed to read in `reader`, which loads what it needs
    /// for the language `first` at once. It is not started yet. `limit` is how long a sentence may take.
    pub fn new(
        places: &Places,
        (folder, reader): (&Path, &Path),
        first: Option<&'static str>,
        limit: Duration,
    ) -> Self {
        // More threads than processors make nothing sooner.
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let shared = Shared {
            program: places.program.clone(),
            folder: folder.to_owned(),
            reader: reader.to_owned(),
            parallel: places.parallel.clamp(1, processors + 1),
            first,
            stuck_limit: limit.saturating_sub(BEFORE_LIMIT),
            state: Mutex::default(),
        };
        Self { shared: Arc::new(shared), serial: AtomicU64::new(0), again: AsyncMutex::default() }
    }

    /// Starts it, if it does not run and nothing speaks against it.
    pub fn wake(&self) {
        let mut state = lock(&self.shared.state);
        if state.running.is_none() && state.pause().is_none() {
            match self.shared.spawn() {
                Ok(running) => state.running = Some(running),
                // Whoever has it speak is told.
                Err(error) => tracing::debug!(error, "a voice could not be started"),
            }
        }
    }

    /// Has it speak. When it ends meanwhile, another one is asked once.
    pub async fn speak(&self, text: &str, voice: &str, language: &str, speed: f32) -> Spoken {
        let id = 0;
        let mut request = Request {
            id,
            text: text.to_owned(),
            voice: voice.to_owned(),
            language: language.to_owned(),
            speed,
            only_guessed: false,
        };
        match self.ask(&mut request).await {
            Err(Failure::Ended(_)) => {
                let _alone = self.again.lock().await;
                self.ask(&mut request).await
            }
            spoken => spoken,
        }
    }

    /// Which words of a text no lexicon has, in a language.
    pub async fn guessed(&self, words: &str, language: &str) -> Result<Vec<String>, Failure> {
        let mut request = Request {
            id: 0,
            text: words.to_owned(),
            voice: String::new(),
            language: language.to_owned(),
            speed: 1.0,
            only_guessed: true,
        };
        let (_, guessed) = self.ask(&mut request).await?;
        Ok(guessed.into_iter().map(|(word, _)| word).collect())
    }

    async fn ask(&self, request: &mut Request) -> Spoken {
        let id = self.serial.fetch_add(1, Ordering::Relaxed);
        request.id = id;
        let mut line =
            serde_json::to_vec(request).map_err(|error| Failure::Refused(error.to_string()))?;
        line.push(b'\n');
        let pause = lock(&self.shared.state).pause().filter(|pause| *pause <= SHORT_PAUSE);
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let (answer, spoken) = oneshot::channel();
        let question = Question { since: Instant::now(), answer };
        let running = self.shared.enlist(id, question).map_err(Failure::Ended)?;
        let Running { requests, waiting } = running;
        let _asked = Asked { id, waiting };
        // When it has ended, so has the answer.
        let _ = requests.send(line).await;
        spoken.await.unwrap_or_else(|_| Err(Failure::Ended("it ended".to_owned())))
    }
}

impl Shared {
    /// Has a question wait at the process, which is started now if it does not run. While the state is held
    /// the process does not end, so that every question is answered.
    fn enlist(self: &Arc<Self>, id: u64, question: Question) -> Result<Running, String> {
        let mut state = lock(&self.state);
        if let (Some(pause), Some((reason, _))) = (state.pause(), &state.rest) {
            return Err(format!("{reason}; it is started again in {} s", pause.as_secs() + 1));
        }
        let running = match state.running.take() {
            Some(running) => running,
            None => self.spawn()?,
        };
        lock(&running.waiting).insert(id, question);
        state.running = Some(running.clone());
        Ok(running)
    }

    fn spawn(self: &Arc<Self>) -> Result<Running, String> {
        let mut command = Command::new(&self.program);
        command.arg("voice-worker").arg(&self.folder).arg(&self.reader);
        command.args(["--parallel", &self.parallel.to_string()]);
        if let Some(first) = self.first {
            command.args(["--first", first]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        children::isolate(&mut command);
        // Of address space, which is limited, glibc would take 64 MB for each thread.
        command.env("MALLOC_ARENA_MAX", "2");
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no input or output".to_owned());
        };
        let (requests, lines) = mpsc::channel(MAX_SENT);
        tokio::spawn(write(stdin, lines));
        let waiting = Waiting::default();
        tokio::spawn(attend(Arc::downgrade(self), child, stdout, Arc::clone(&waiting)));
        Ok(Running { requests, waiting })
    }

    /// Notes that the process has ended by itself.
    fn ended(&self, reason: &str) {
        tracing::warn!(reason, "the voice has ended");
        let mut state = lock(&self.state);
        state.running = None;
        state.failures = state.failures.saturating_add(1);
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(state.failures.min(16) - 1);
        state.rest = Some((reason.to_owned(), Instant::now() + pause.min(LONGEST_PAUSE)));
    }
}

/// Writes questions, each whole: who asks may go away in the middle.
async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() {
            // It has ended, which whoever reads its answers says.
            return;
        }
    }
}

/// Hands out the answers of a process, until it ends or is not needed any more.
async fn attend(shared: Weak<Shared>, mut child: Child, stdout: ChildStdout, waiting: Waiting) {
    // Killed on the way out.
    let _group = Group::of(&child);
    let mut reading = Box::pin(read_answer(BufReader::new(stdout)));
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    let mut busy = Instant::now();
    let reason = loop {
        tokio::select! {
            (stdout, answer) = &mut reading => {
                let (id, spoken) = match answer {
                    Ok(answer) => answer,
                    Err(reason) => break reason,
                };
                reading = Box::pin(read_answer(stdout));
                busy = Instant::now();
                if let Some(question) = lock(&waiting).remove(&id) {
                    // Who asked may have gone away.
                    let _ = question.answer.send(spoken);
                }
                if let Some(shared) = shared.upgrade() {
                    let mut state = lock(&shared.state);
                    (state.failures, state.rest) = (0, None);
                }
            }
            _ = look.tick() => {
                let Some(shared) = shared.upgrade() else { return };
                let mut state = lock(&shared.state);
                let oldest = lock(&waiting).values().map(|question| question.since).min();
                match oldest {
                    Some(since) if since.elapsed() > shared.stuck_limit => {
                        break "it does not answer".to_owned();
                    }
                    Some(_) => busy = Instant::now(),
                    // Whoever asks from now on finds that it does not run.
                    None if busy.elapsed() > IDLE_LIMIT => {
                        state.running = None;
                        return;
                    }
                    None => {}
                }
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_millis(200), child.wait()).await;
    let reason = match ended {
        Ok(Ok(status)) => format!("{reason} ({status})"),
        _ => reason,
    };
    if let Some(shared) = shared.upgrade() {
        shared.ended(&reason);
    }
    let left: Vec<_> = lock(&waiting).drain().collect();
    for (_, question) in left {
        let _ = question.answer.send(Err(Failure::Ended(reason.clone())));
    }
}

type Read = Result<(u64, Spoken), String>;

/// Reads an answer, and gives back what it read from.
async fn read_answer(mut stdout: BufReader<ChildStdout>) -> (BufReader<ChildStdout>, Read) {
    let answer = read_one(&mut stdout).await;
    (stdout, answer)
}

async fn read_one(stdout: &mut BufReader<ChildStdout>) -> Read {
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
