//! Controls a program on this host: whether it runs, reload and restart, through systemd if it runs
//! and by a PID file otherwise.
//!
//! Reloading a program that does not run starts it.

use std::{io, path::PathBuf, time::Duration};

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{
    error::ProgramError,
    process::{Process, display_output, run},
};

/// The timeout of a start, reload or restart.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How often the result is polled. Programs do not notify about it.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Whether systemd runs this host (`sd_booted(3)`).
pub fn is_systemd() -> bool {
    std::path::Path::new("/run/systemd/system").is_dir()
}

/// What starts, reloads and restarts a program.
#[derive(Clone, Debug)]
pub enum ServiceManager {
    /// systemd, by the unit of the program's name.
    Systemd {
        /// The command `systemctl`.
        systemctl: String,
    },
    /// The agent, by this command line, which returns once the program runs in the background.
    Command(Vec<String>),
}

impl ServiceManager {
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
    name: &'static str,
    pid_file: PathBuf,
    service_manager: ServiceManager,
    has_workers: bool,
    timeout: Duration,
}

impl Program {
    /// A program whose process and systemd unit have this name.
    pub fn new(name: &'static str, pid_file: PathBuf, service_manager: ServiceManager) -> Self {
        Self {
            name,
            pid_file,
            service_manager,
            has_workers: false,
            timeout: TIMEOUT,
        }
    }

    /// The program is up only once it has a child process.
    #[must_use]
    pub fn with_workers(mut self) -> Self {
        self.has_workers = true;
        self
    }

    /// The program's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the program runs.
    pub async fn is_running(&self) -> bool {
        match &self.service_manager {
            ServiceManager::Systemd { systemctl } => {
                let line = [systemctl, "is-active", "--quiet", self.name];
                let output = run(&line.map(str::to_owned), self.timeout).await;
                output.is_ok_and(|output| output.status.success())
            }
            ServiceManager::Command(_) => self.find_process().await.is_some(),
        }
    }

    /// Whether a process of the program exists. Cheap: reads two files.
    pub async fn has_process(&self) -> bool {
        self.find_process().await.is_some()
    }

    /// Makes the program read its files again. Does not wait for the result.
    ///
    /// # Errors
    /// If the program does not start, or cannot be signaled.
    pub async fn reload(&self) -> Result<(), ProgramError> {
        match self.find_process().await {
            Some(process) => self.request_reload(&process).await,
            None => self.start().await,
        }
    }

    /// Requests a reload of a running program.
    pub(crate) async fn request_reload(&self, process: &Process) -> Result<(), ProgramError> {
        match &self.service_manager {
            ServiceManager::Systemd { .. } => self.systemctl("reload-or-restart").await,
            ServiceManager::Command(_) => self.run_error(process.signal(Signal::HUP)),
        }
    }

    /// Stops the program if it runs, and starts it.
    ///
    /// # Errors
    /// If the program does not start, with its message. It is then not running.
    pub async fn restart(&self) -> Result<(), ProgramError> {
        if let ServiceManager::Systemd { .. } = self.service_manager {
            return self.systemctl("restart").await;
        }
        if let Some(process) = self.find_process().await {
            self.run_error(process.end(self.timeout).await)?;
        }
        self.start().await
    }

    /// The running process of the program.
    pub(crate) async fn find_process(&self) -> Option<Process> {
        Process::find(&self.pid_file, self.name).await
    }

    /// Starts the program, and waits until it is up.
    pub(crate) async fn start(&self) -> Result<(), ProgramError> {
        let line = match &self.service_manager {
            ServiceManager::Systemd { .. } => return self.systemctl("restart").await,
            ServiceManager::Command(line) => line,
        };
        self.command(line).await?;
        // The daemon writes its PID file shortly after the command returns.
        let until = self.deadline();
        while !self.is_up().await {
            if Instant::now() > until {
                let message = format!("no running process in {}", self.pid_file.display());
                return Err(self.failed(message));
            }
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Whether the program runs and handles signals.
    async fn is_up(&self) -> bool {
        match self.find_process().await {
            Some(process) => !self.has_workers || !process.list_children().await.is_empty(),
            None => false,
        }
    }

    async fn systemctl(&self, verb: &str) -> Result<(), ProgramError> {
        let ServiceManager::Systemd { systemctl } = &self.service_manager else {
            return Ok(());
        };
        let line = [systemctl, verb, self.name];
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

    fn run_error<T>(&self, result: io::Result<T>) -> Result<T, ProgramError> {
        let name = self.name;
        result.map_err(|source| ProgramError::Run { name, source })
    }

    /// The time after which an operation has failed.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    pub(crate) fn failed(&self, message: String) -> ProgramError {
        let name = self.name;
        ProgramError::Failed { name, message }
    }
}
