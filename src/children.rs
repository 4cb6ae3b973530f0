//! Child processes that are given what strangers wrote: a clean environment, limits, and a group of
//! processes that ends as one.

use tokio::process::{Child, Command};

/// How far behind others a child steps back, of the 19 that there are (setpriority(2)).
#[cfg(unix)]
const PATIENT: i32 = 10;

/// What a child keeps of this process's environment. Keys of services and stores are not among it.
const KEPT_VARIABLES: [&str; 7] =
    ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"];

/// How much address space the allocator of this program reserves at once. By itself it takes 1 GB before a child has
/// limited itself, and the limit would not hold for that.
const RESERVED_AT_ONCE: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "32MiB");

/// What a process may take; `None` is no limit. Address space is not limited on macOS, whose kernel does not
/// enforce it, and nothing is on Windows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory: Option<u64>,
    /// Processor time, in seconds.
    pub cpu_seconds: Option<u64>,
    /// The largest file that it may write, in bytes.
    pub file: Option<u64>,
    /// Files that it may have open.
    pub open_files: Option<u64>,
}

#[cfg(unix)]
impl Limits {
    /// The limits as the system knows them, none above what this process may have itself. A process that
    /// is limited never leaves a core file.
    fn resources(
        self,
    ) -> impl Iterator<Item = (rustix::process::Resource, rustix::process::Rlimit)> {
        use rustix::process::{Resource, Rlimit, getrlimit};

        let wanted = [
            (Resource::As, self.memory),
            (Resource::Cpu, self.cpu_seconds),
            (Resource::Fsize, self.file),
            (Resource::Nofile, self.open_files),
            (Resource::Core, Some(0)),
        ];
        wanted.into_iter().filter_map(|(resource, most)| {
            let own = getrlimit(resource).maximum.unwrap_or(u64::MAX);
            let most = most?.min(own);
            // The hard limit of time is a second later, so that the signal says which limit it was.
            let hard =
                if resource == Resource::Cpu { most.saturating_add(1).min(own) } else { most };
            Some((resource, Rlimit { current: Some(most), maximum: Some(hard) }))
        })
    }
}

/// Limits this process, which is a child, and has it end with its parent where the system can do that.
///
/// # Errors
/// When the system refuses a limit.
#[cfg(unix)]
pub fn limit_self(limits: Limits) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    for (resource, limit) in limits.resources() {
        rustix::process::setrlimit(resource, limit)?;
    }
    Ok(())
}

/// Limits this process, which the system cannot do here.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn limit_self(_limits: Limits) -> std::io::Result<()> {
    Ok(())
}

/// Gives a command a clean environment and a group of its own. It ends with the future that waits for it.
pub fn isolate(command: &mut Command) {
    command.env_clear();
    command.env(RESERVED_AT_ONCE.0, RESERVED_AT_ONCE.1);
    command.envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
}

/// Has a child give way to all that is not as patient.
pub(crate) fn step_back(child: &Child) {
    #[cfg(unix)]
    if let Some(pid) = pid(child) {
        // That it cannot is no reason not to speak.
        let _ = rustix::process::setpriority_process(Some(pid), PATIENT);
    }
    #[cfg(not(unix))]
    let _ = child;
}

/// Has this thread give way to all that is not as patient, for good. On other systems than Linux a whole process is
/// asked for, and nothing is done.
pub(crate) fn step_back_myself() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(PATIENT);
}

/// Limits a child that was just started and has been given nothing yet.
///
/// # Errors
/// When the system refuses a limit.
#[cfg(target_os = "linux")]
pub fn limit(child: &Child, limits: Limits) -> std::io::Result<()> {
    let Some(pid) = pid(child) else { return Ok(()) };
    for (resource, limit) in limits.resources() {
        match rustix::process::prlimit(Some(pid), resource, limit) {
            // It has ended already, and what became of it is known soon.
            Ok(_) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Limits a child; only Linux can do that from outside.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn limit(_child: &Child, _limits: Limits) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn pid(child: &Child) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

/// The process group of an isolated child, which is killed when this goes: also what the child has started.
#[derive(Debug)]
pub struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    /// The group of a child that was isolated.
    pub fn of(child: &Child) -> Self {
        #[cfg(unix)]
        return Self { leader: pid(child) };
        #[cfg(not(unix))]
        {
            let _ = child;
            Self {}
        }
    }
}

/// A group of processes that pauses; it goes on when this is dropped.
#[must_use]
pub(crate) struct Paused<'g>(&'g Group);

impl Group {
    /// Has the whole group pause, where the system can do that.
    pub(crate) fn pause(&self) -> Paused<'_> {
        self.signal(false);
        Paused(self)
    }

    #[cfg(unix)]
    fn signal(&self, goes_on: bool) {
        use rustix::process::Signal;

        if let Some(leader) = self.leader {
            let signal = if goes_on { Signal::CONT } else { Signal::STOP };
            // A group that has ended is not there any more.
            let _ = rustix::process::kill_process_group(leader, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _goes_on: bool) {}
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.0.signal(true);
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // A group that has ended is not there any more.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}
