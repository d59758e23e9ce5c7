//! Controls nginx and dnsmasq on this host: whether they run, reload and restart, through systemd
//! if it runs and by PID files otherwise.
//!
//! Reloading a program that does not run starts it.

use std::{fmt, io, path::PathBuf, time::Duration};

use edge::Layout;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::process::{Process, display_output, run};

/// The timeout of a reload. If another program holds a port, nginx retries for 2.5 seconds before
/// it gives up.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How often the result is polled. Neither program notifies about it.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Whether systemd runs this host (`sd_booted(3)`).
pub fn is_systemd() -> bool {
    std::path::Path::new("/run/systemd/system").is_dir()
}

/// A program of an edge host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The web server.
    Nginx,
    /// Names and addresses.
    Dnsmasq,
}

impl Name {
    /// The name of its process and its systemd unit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Dnsmasq => "dnsmasq",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an operation on a program failed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The program or systemctl could not be run, or timed out.
    #[error("{name} could not be run: {source}")]
    Run {
        /// The program.
        name: Name,
        /// The I/O error.
        source: io::Error,
    },
    /// The program refused.
    #[error("{name}: {message}")]
    Failed {
        /// The program.
        name: Name,
        /// The program's message.
        message: String,
    },
}

/// How a program is controlled.
#[derive(Clone, Debug)]
pub enum Control {
    /// systemd, by the unit of the program's name.
    Systemd {
        /// The command `systemctl`.
        systemctl: String,
    },
    /// The agent, by this command line, which returns once the program runs in the background.
    Command(Vec<String>),
}

impl Control {
    /// systemd, with the `systemctl` in `PATH`.
    pub fn systemd() -> Self {
        Self::Systemd {
            systemctl: "systemctl".to_owned(),
        }
    }
}

/// A program on this host.
#[derive(Clone, Debug)]
pub struct Program {
    name: Name,
    pid_file: PathBuf,
    error_log: PathBuf,
    control: Control,
    timeout: Duration,
}

impl Program {
    /// The nginx of a host.
    pub fn nginx(layout: &Layout, control: Control) -> Self {
        Self::new(Name::Nginx, layout, control)
    }

    /// The dnsmasq of a host. Its PID file is `dnsmasq.pid` beside nginx's.
    pub fn dnsmasq(layout: &Layout, control: Control) -> Self {
        Self::new(Name::Dnsmasq, layout, control)
    }

    fn new(name: Name, layout: &Layout, control: Control) -> Self {
        Self {
            name,
            pid_file: PathBuf::from(format!("{}/{name}.pid", layout.run)),
            error_log: PathBuf::from(format!("{}/error.log", layout.log)),
            control,
            timeout: TIMEOUT,
        }
    }

    /// The program's name.
    pub fn name(&self) -> Name {
        self.name
    }

    /// Whether the program runs.
    pub async fn is_running(&self) -> bool {
        match &self.control {
            Control::Systemd { systemctl } => {
                let line = [systemctl, "is-active", "--quiet", self.name.as_str()];
                let output = run(&line.map(str::to_owned), self.timeout).await;
                output.is_ok_and(|output| output.status.success())
            }
            Control::Command(_) => self.process().await.is_some(),
        }
    }

    /// Whether a process of the program exists. Cheap: reads two files.
    pub async fn has_process(&self) -> bool {
        self.process().await.is_some()
    }

    /// Reloads the program. For nginx this covers all files, and the result is known afterwards.
    ///
    /// # Errors
    /// If the program refuses its files, with its message. It then continues with the previous files.
    pub async fn reload(&self) -> Result<(), ProgramError> {
        let Some(process) = self.process().await else {
            return self.start().await;
        };
        let log = self.log_length().await;
        let workers = process.children().await;
        match &self.control {
            Control::Systemd { .. } => self.systemctl("reload-or-restart").await?,
            Control::Command(_) => self.run_error(process.signal(Signal::HUP))?,
        }
        match self.name {
            Name::Nginx => self.has_reloaded(&workers, log).await,
            // The temporary dnsmasq of the check has read these lists without an error.
            Name::Dnsmasq => Ok(()),
        }
    }

    /// Stops the program if it runs, and starts it.
    ///
    /// # Errors
    /// If the program does not start, with its message. It is then not running.
    pub async fn restart(&self) -> Result<(), ProgramError> {
        if let Control::Systemd { .. } = self.control {
            return self.systemctl("restart").await;
        }
        if let Some(process) = self.process().await {
            self.run_error(process.end(self.timeout).await)?;
        }
        self.start().await
    }

    async fn process(&self) -> Option<Process> {
        Process::find(&self.pid_file, self.name.as_str()).await
    }

    async fn start(&self) -> Result<(), ProgramError> {
        let line = match &self.control {
            Control::Systemd { .. } => return self.systemctl("restart").await,
            Control::Command(line) => line,
        };
        self.command(line).await?;
        // The daemon writes its PID file shortly after the command returns.
        let until = Instant::now() + self.timeout;
        while !self.is_up().await {
            if Instant::now() > until {
                let message = format!("no running process matches {}", self.pid_file.display());
                return Err(self.failed(message));
            }
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Whether the program runs and handles signals: nginx does once it has a worker.
    async fn is_up(&self) -> bool {
        match self.process().await {
            Some(process) => self.name == Name::Dnsmasq || !process.children().await.is_empty(),
            None => false,
        }
    }

    async fn systemctl(&self, verb: &str) -> Result<(), ProgramError> {
        let Control::Systemd { systemctl } = &self.control else {
            return Ok(());
        };
        let line = [systemctl, verb, self.name.as_str()];
        self.command(&line.map(str::to_owned)).await
    }

    async fn command(&self, line: &[String]) -> Result<(), ProgramError> {
        let output = self.run_error(run(line, self.timeout).await)?;
        if output.status.success() {
            return Ok(());
        }
        let message = display_output(&output.stderr);
        Err(self.failed(if message.is_empty() {
            output.status.to_string()
        } else {
            message
        }))
    }

    /// Waits until nginx has reloaded. nginx logs the result; if the log cannot be written, new
    /// workers indicate success.
    async fn has_reloaded(&self, before: &[String], log: u64) -> Result<(), ProgramError> {
        let until = Instant::now() + self.timeout;
        loop {
            let Some(process) = self.process().await else {
                // nginx has exited. If the new files are the cause, the start fails with a message.
                return self.start().await;
            };
            let is_timed_out = Instant::now() > until;
            match parse_reload_log(&self.log_since(log).await) {
                ReloadResult::Done => return Ok(()),
                ReloadResult::Refused(message) => return Err(self.failed(message)),
                ReloadResult::None if is_timed_out => {
                    let workers = process.children().await;
                    let is_new = workers.iter().any(|worker| !before.contains(worker));
                    let message = "the reload had no effect";
                    return is_new
                        .then_some(())
                        .ok_or_else(|| self.failed(message.to_owned()));
                }
                ReloadResult::None => sleep(POLL_INTERVAL).await,
            }
        }
    }

    async fn log_length(&self) -> u64 {
        let found = tokio::fs::metadata(&self.error_log).await;
        found.map_or(0, |found| found.len())
    }

    /// The log after this offset; the whole log if it was rotated.
    async fn log_since(&self, place: u64) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
        let read = async {
            let mut file = tokio::fs::File::open(&self.error_log).await?;
            let place = match file.metadata().await?.len() {
                length if length < place => 0,
                _ => place,
            };
            file.seek(io::SeekFrom::Start(place)).await?;
            let mut bytes = Vec::new();
            file.take(256 * 1024).read_to_end(&mut bytes).await?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
        read.await.unwrap_or_default()
    }

    fn run_error<T>(&self, result: io::Result<T>) -> Result<T, ProgramError> {
        let name = self.name;
        result.map_err(|source| ProgramError::Run { name, source })
    }

    fn failed(&self, message: String) -> ProgramError {
        let name = self.name;
        ProgramError::Failed { name, message }
    }
}

/// The result of a reload, as far as the log shows it.
#[derive(Debug, PartialEq, Eq)]
enum ReloadResult {
    /// nginx has reloaded.
    Done,
    /// nginx keeps its previous configuration; with its message.
    Refused(String),
    /// No result yet: nginx retries several times if a port is in use.
    None,
}

/// Parses the log after the reload was requested.
fn parse_reload_log(log: &str) -> ReloadResult {
    let complete = log.rsplit_once('\n').map_or("", |(complete, _)| complete);
    // Earlier lines belong to something else, such as a recent start.
    let Some((_, since)) = complete.split_once(": reconfiguring\n") else {
        return ReloadResult::None;
    };
    let mut lines: Vec<&str> = Vec::new();
    for line in since.lines() {
        if line.ends_with(": start worker processes") {
            return ReloadResult::Done;
        }
        let Some((_, message)) = line.split_once("[emerg] ") else {
            continue;
        };
        let message = message.split_once(": ").map_or(message, |(_, rest)| rest);
        if !lines.contains(&message) {
            lines.push(message);
        }
        if !message.starts_with("bind() to ") {
            return ReloadResult::Refused(lines.join("\n"));
        }
    }
    ReloadResult::None
}

#[cfg(test)]
mod tests {
    use super::{ReloadResult, parse_reload_log};

    const RELOAD_LOG: &str = "2026/11/26 01:26:21 [notice] 26#26: start worker processes\n\
        2026/11/26 01:26:22 [notice] 26#26: signal 1 (SIGHUP) received from 1, reconfiguring\n\
        2026/11/26 01:26:22 [notice] 26#26: reconfiguring\n";
    const PORT_IN_USE_LOG: &str = "2026/11/26 01:26:22 [emerg] 26#26: bind() to 0.0.0.0:2000 failed (98: Address already in use)\n\
        2026/11/26 01:26:22 [notice] 26#26: try again to bind() after 500ms\n\
        2026/11/26 01:26:22 [emerg] 26#26: bind() to 0.0.0.0:2000 failed (98: Address already in use)\n";

    #[test]
    fn new_workers_after_reload_mean_success() {
        assert_eq!(parse_reload_log(RELOAD_LOG), ReloadResult::None);
        let log =
            format!("{RELOAD_LOG}2026/11/26 01:26:22 [notice] 26#26: start worker processes\n");
        assert_eq!(parse_reload_log(&log), ReloadResult::Done);
    }

    #[test]
    fn port_in_use_is_refusal_only_after_retries() {
        let log = format!("{RELOAD_LOG}{PORT_IN_USE_LOG}");
        assert_eq!(parse_reload_log(&log), ReloadResult::None);
        let freed = format!("{log}2026/11/26 01:26:23 [notice] 26#26: start worker processes\n");
        assert_eq!(parse_reload_log(&freed), ReloadResult::Done);
        let log = format!("{log}2026/11/26 01:26:22 [emerg] 26#26: still could not bind()\n");
        let message =
            "bind() to 0.0.0.0:2000 failed (98: Address already in use)\nstill could not bind()";
        assert_eq!(
            parse_reload_log(&log),
            ReloadResult::Refused(message.to_owned())
        );
    }

    #[test]
    fn incomplete_log_line_is_ignored() {
        let whole = format!(
            "{RELOAD_LOG}2026/11/26 01:26:22 [emerg] 6#6: unknown directive \"a\" in /b:1\n"
        );
        assert_eq!(parse_reload_log(whole.trim_end()), ReloadResult::None);
        let message = "unknown directive \"a\" in /b:1".to_owned();
        assert_eq!(parse_reload_log(&whole), ReloadResult::Refused(message));
        let other = format!("{RELOAD_LOG}2026/11/26 01:26:22 [error] 6#6: *1 connect() failed\n");
        assert_eq!(parse_reload_log(&other), ReloadResult::None);
    }
}
