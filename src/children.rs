//! Child processes that are given what strangers wrote: a clean environment, limits, and a group of
//! processes that ends as one.

use tokio::process::{Child, Command};

/// What a child keeps of this process's environment. Keys of services and stores are not among it.
const KEPT_VARIABLES: [&str; 7] =
    ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"];

/// What a child may take. `None` is no limit. Address space is not limited on macOS, whose kernel does not
/// enforce it, and limits set from outside are known to Linux alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory: Option<u64>,
    /// Processor time, in seconds.
    pub cpu_seconds: Option<u64>,
    /// The largest file that it may write, in bytes.
    pub file: Option<u64>,
}

/// Gives a command a clean environment and a group of its own. It ends with the future that waits for it.
pub fn isolate(command: &mut Command) {
    command.env_clear();
    command.envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
}

/// Limits a child that was just started and has been given nothing yet.
///
/// # Errors
/// When the system refuses the limits.
#[cfg(target_os = "linux")]
pub fn limit(child: &Child, limits: Limits) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};

    let Some(pid) = pid(child) else { return Ok(()) };
    let wanted = [
        (Resource::As, limits.memory),
        (Resource::Cpu, limits.cpu_seconds),
        (Resource::Fsize, limits.file),
        (Resource::Core, Some(0)),
    ];
    for (resource, most) in wanted {
        if let Some(most) = most {
            let limit = Rlimit { current: Some(most), maximum: Some(most) };
            match prlimit(Some(pid), resource, limit) {
                // It has ended already, and what became of it is known soon.
                Ok(_) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Limits a child; here the system cannot do that from outside.
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

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // A group that has ended is not there any more.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}
