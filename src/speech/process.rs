//! Running a voice program: text in, bytes out, within a time.
//!
//! Separate processes on purpose: libespeak-ng is not thread-safe and returns wrong audio without
//! an error, a crash takes nothing else down, and no engine's licence reaches into ours.

use std::ffi::OsStr;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, Command};

use super::background::{Ahead, give_way, is_in_background};
use super::{Program, VoiceError};
use crate::children::{self, Group, Limits};

/// How long a sentence may take. The slowest engine tried needs 1.1 s for 31 words.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// Output accepted from a program, in bytes: five minutes of 44.1 kHz mono.
const MAX_OUTPUT_BYTES: u64 = 32 * 1024 * 1024;

/// What a program may take.
#[derive(Debug, Clone, Copy)]
pub struct ProgramLimits {
    /// Memory, in bytes; not limited when there is none.
    pub memory: Option<u64>,
    /// Time for one sentence.
    pub time: Duration,
}

/// A small voice program. One with a neural network maps many gigabytes that it never uses, so the memory of
/// such is not limited.
pub const SMALL_PROGRAM: ProgramLimits =
    ProgramLimits { memory: Some(512 << 20), time: TIME_LIMIT };
/// Processor time a program may take, in seconds: on several cores for as long as a sentence may take.
const MAX_CPU_SECONDS: u64 = 120;
/// The largest file a program may write, in bytes. What they link makes large ones in memory: PulseAudio's
/// has 64 MB.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Last words kept of a program that fails, in bytes.
const MAX_COMPLAINT_BYTES: usize = 500;

/// Runs `program`, writes `input` to it and returns what it prints.
pub async fn run<A: AsRef<OsStr>>(
    program: impl Into<Program>,
    arguments: impl IntoIterator<Item = A>,
    input: &str,
    limits: ProgramLimits,
) -> Result<Vec<u8>, VoiceError> {
    let program = program.into();
    let failed = |error: std::io::Error| VoiceError::NotStarted {
        program: program.clone(),
        reason: error.to_string(),
    };
    let mut command = Command::new(&*program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    children::isolate(&mut command);
    let child = command.spawn().map_err(failed)?;
    // Killed on the way out, with all that it has started.
    let group = Group::of(&child);
    let is_patient = is_in_background();
    if is_patient {
        children::step_back(&child);
    }
    // Before it is given a stranger's text.
    let ProgramLimits { memory, time } = limits;
    let limits = Limits {
        memory,
        cpu_seconds: Some(MAX_CPU_SECONDS),
        file: Some(MAX_FILE_BYTES),
        ..Limits::default()
    };
    children::limit(&child, limits).map_err(failed)?;
    let conversing = tokio::time::timeout(time, converse(&program, child, input));
    let said = if is_patient {
        tokio::select! {
            said = conversing => said,
            never = give_way(&group) => match never {},
        }
    } else {
        let _ahead = Ahead::begin();
        conversing.await
    };
    said.map_err(|_| VoiceError::TimedOut { program: program.clone(), limit: time })?
}

async fn converse(program: &Program, mut child: Child, input: &str) -> Result<Vec<u8>, VoiceError> {
    let failed = |reason: String| VoiceError::Failed { program: program.clone(), reason };
    let (mut stdin, stdout, stderr) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin.take() {
            // A program that needs no more input may close the pipe; its exit status counts.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let (mut output, mut complaint) = (Vec::new(), Vec::new());
    let read = async {
        match stdout {
            Some(stdout) => stdout.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut output).await,
            None => Ok(0),
        }
    };
    let listen = async {
        match stderr {
            Some(stderr) => read_last(stderr, &mut complaint).await,
            None => Ok(0),
        }
    };
    let ((), read, listened) = tokio::join!(write, read, listen);
    read.and(listened).map_err(|error| failed(error.to_string()))?;
    if output.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(failed(format!("it wrote more than {} MB", MAX_OUTPUT_BYTES >> 20)));
    }
    let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint);
        let last = complaint.lines().last().unwrap_or_default();
        return Err(failed(format!("{status} {last}").trim().to_owned()));
    }
    Ok(output)
}

/// Reads to the end, or the program would be killed for writing more, and keeps the last bytes: the reason
/// comes last.
async fn read_last(mut stderr: ChildStderr, last: &mut Vec<u8>) -> io::Result<usize> {
    let mut some = [0; 4096];
    loop {
        let count = stderr.read(&mut some).await?;
        if count == 0 {
            return Ok(last.len());
        }
        last.extend_from_slice(&some[..count]);
        let excess = last.len().saturating_sub(MAX_COMPLAINT_BYTES);
        last.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::in_background;

    #[tokio::test]
    async fn text_goes_in_and_output_comes_back() {
        assert_eq!(run("cat", ["-"], "naïve", SMALL_PROGRAM).await.unwrap(), "naïve".as_bytes());
    }

    #[tokio::test]
    async fn a_missing_program_says_so() {
        let error = run("earmark-no-such-program", [""; 0], "", SMALL_PROGRAM).await.unwrap_err();
        assert!(matches!(error, VoiceError::NotStarted { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_failing_program_is_quoted() {
        let error =
            run("sh", ["-c", "echo no voice >&2; exit 3"], "x", SMALL_PROGRAM).await.unwrap_err();
        assert!(error.in_full().contains("no voice"), "{error}");
    }

    #[tokio::test]
    async fn a_talkative_program_is_read_to_the_end_and_its_last_words_are_kept() {
        let chatter = "for n in $(seq 20000); do echo line $n >&2; done; ";
        let well = run("sh", ["-c", &format!("{chatter} echo sound")], "", SMALL_PROGRAM).await;
        assert_eq!(well.unwrap(), b"sound\n");
        let ill = ["-c", &format!("{chatter} echo the reason >&2; exit 1")];
        let error = run("sh", ill, "", SMALL_PROGRAM).await.unwrap_err();
        assert!(error.in_full().contains("the reason"), "{error}");
    }

    #[tokio::test]
    async fn a_program_knows_nothing_of_ours_and_is_limited() {
        let said = run("sh", ["-c", "env; ulimit -c; ulimit -t; ulimit -v"], "", SMALL_PROGRAM)
            .await
            .unwrap();
        let said = String::from_utf8(said).unwrap();
        // Cargo has put this into the environment of the test.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert!(said.contains("PATH=") && !said.contains("CARGO"), "{said}");
        if cfg!(target_os = "linux") {
            assert!(said.ends_with("0\n120\n524288\n"), "{said}");
        }
    }

    #[tokio::test]
    async fn what_a_program_has_started_ends_with_it() {
        let told = run("sh", ["-c", "sleep 600 >/dev/null 2>&1 & echo $!"], "", SMALL_PROGRAM)
            .await
            .unwrap();
        let pid = String::from_utf8(told).unwrap();
        let alive = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            state.is_ok_and(|state| !state.contains(") Z "))
        };
        let mut looks = 0;
        while alive() && looks < 100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            looks += 1;
        }
        assert!(!alive());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_nobody_listens_for_steps_back() {
        // Its nice value is the 19th field (proc(5)); the sleep is longer than it takes to set it.
        let asked = ["-c", "sleep 0.2; cut -d' ' -f19 /proc/self/stat"];
        let listened = run("sh", asked, "", SMALL_PROGRAM).await.unwrap();
        let patient = in_background(run("sh", asked, "", SMALL_PROGRAM)).await.unwrap();
        let number =
            |said: Vec<u8>| String::from_utf8(said).unwrap().trim().parse::<i32>().unwrap();
        assert_eq!(number(patient) - number(listened), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_program_is_stopped() {
        let error = run("sleep", ["600"], "", SMALL_PROGRAM).await.unwrap_err();
        assert!(matches!(error, VoiceError::TimedOut { .. }), "{error}");
    }
}
