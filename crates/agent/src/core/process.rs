//! Runs programs with a timeout, and signals running processes.

use std::{
    io,
    os::fd::OwnedFd,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use tokio::{process::Command, time::timeout};

/// The maximum number of bytes kept of a program's output.
const MAX_OUTPUT_SIZE: usize = 16 * 1024;

/// Runs a command to its end. It is killed after `limit`.
pub async fn run(line: &[String], limit: Duration) -> io::Result<Output> {
    let Some((program, arguments)) = line.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    timeout(limit, output)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Returns a program's output, truncated and trimmed for display.
pub fn display_output(bytes: &[u8]) -> String {
    let bytes = bytes.get(..MAX_OUTPUT_SIZE).unwrap_or(bytes);
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// Whether a process runs under this name (`proc_pid_stat(5)`). The name is in parentheses and may
/// contain some; the state follows it.
fn is_running_as(stat: &str, name: &str) -> bool {
    let found = stat
        .split_once('(')
        .and_then(|(_, rest)| rest.rsplit_once(") "));
    found.is_some_and(|(found, rest)| found == name && !rest.starts_with(['Z', 'X']))
}

/// A running process. The pidfd prevents confusion with another process that reuses the PID.
pub struct Process {
    pid: Pid,
    handle: OwnedFd,
}

impl Process {
    /// Finds the process of a PID file, if it runs and has this name.
    pub async fn find(pid_file: &Path, name: &str) -> Option<Self> {
        let text = tokio::fs::read_to_string(pid_file).await.ok()?;
        let pid = Pid::from_raw(text.trim().parse().ok()?)?;
        let handle = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
        let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
        let stat = tokio::fs::read_to_string(stat).await.ok()?;
        is_running_as(&stat, name).then_some(Self { pid, handle })
    }

    /// Its PID.
    pub fn pid(&self) -> String {
        self.pid.as_raw_nonzero().to_string()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.handle, signal)?)
    }

    /// The PIDs of its running children.
    pub async fn list_children(&self) -> Vec<String> {
        let pid = self.pid.as_raw_nonzero();
        let path = format!("/proc/{pid}/task/{pid}/children");
        let text = tokio::fs::read_to_string(path).await.unwrap_or_default();
        text.split_ascii_whitespace().map(str::to_owned).collect()
    }

    /// Waits for its exit, outside the event loop.
    async fn ended(&self, limit: Duration) -> io::Result<()> {
        let handle = self.handle.try_clone()?;
        let wait = move || {
            let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
            let mut ends = [PollFd::new(&handle, PollFlags::IN)];
            match poll(&mut ends, Some(&limit))? {
                0 => Err(io::ErrorKind::TimedOut.into()),
                _ => Ok(()),
            }
        };
        let waited = tokio::task::spawn_blocking(wait).await;
        waited.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Ends the process with SIGTERM, and with SIGKILL after `limit`.
    pub async fn end(&self, limit: Duration) -> io::Result<()> {
        self.signal(Signal::TERM)?;
        if self.ended(limit).await.is_ok() {
            return Ok(());
        }
        self.signal(Signal::KILL)?;
        self.ended(limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::is_running_as;

    #[test]
    fn process_is_matched_by_name_until_exit() {
        assert!(is_running_as("12 (nginx) S 1 12 12 0", "nginx"));
        assert!(!is_running_as("12 (nginx) Z 1 12 12 0", "nginx"));
        assert!(!is_running_as("12 (other) S 1 12 12 0", "nginx"));
        assert!(is_running_as("12 (a) b) R 1 12 12 0", "a) b"));
        assert!(!is_running_as("", "nginx"));
    }
}
