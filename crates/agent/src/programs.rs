//! nginx and dnsmasq as they run on this host: whether they do, and having them read their files
//! anew, through systemd where it runs and by their process ids where not.
//!
//! A program that does not run is started by whatever would make it read its files.

use std::{fmt, io, path::PathBuf, time::Duration};

use edge::Layout;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::process::{Process, run, words};

/// How long a program may take until it has read its files: with a port that another program holds,
/// nginx tries for 2.5 seconds before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked whether it has. Neither program tells anybody.
const LOOK: Duration = Duration::from_millis(10);

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
    /// What it is called, as a process and as a unit.
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

/// Why a program could not be had to do something.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It, or what controls it, could not be run, or did not end in time.
    #[error("{name} could not be run: {source}")]
    Run {
        /// The program.
        name: Name,
        /// What the system says.
        source: io::Error,
    },
    /// It said no.
    #[error("{name}: {words}")]
    Failed {
        /// The program.
        name: Name,
        /// Its own words.
        words: String,
    },
}

/// Who starts a program.
#[derive(Clone, Debug)]
pub enum Control {
    /// systemd, by the unit of the program's name.
    Systemd {
        /// The command `systemctl`.
        systemctl: String,
    },
    /// We, by this command line, which returns once the program runs in the background.
    Command(Vec<String>),
}

impl Control {
    /// systemd, by its usual command.
    pub fn systemd() -> Self {
        Self::Systemd {
            systemctl: "systemctl".to_owned(),
        }
    }
}

/// A program as it runs here.
#[derive(Clone, Debug)]
pub struct Program {
    name: Name,
    pid_file: PathBuf,
    error_log: PathBuf,
    control: Control,
    patience: Duration,
}

impl Program {
    /// The nginx of a host.
    pub fn nginx(layout: &Layout, control: Control) -> Self {
        Self::new(Name::Nginx, layout, control)
    }

    /// The dnsmasq of a host. Its process id is in `dnsmasq.pid` beside nginx's.
    pub fn dnsmasq(layout: &Layout, control: Control) -> Self {
        Self::new(Name::Dnsmasq, layout, control)
    }

    fn new(name: Name, layout: &Layout, control: Control) -> Self {
        Self {
            name,
            pid_file: PathBuf::from(format!("{}/{name}.pid", layout.run)),
            error_log: PathBuf::from(format!("{}/error.log", layout.log)),
            control,
            patience: PATIENCE,
        }
    }

    /// Which it is.
    pub fn name(&self) -> Name {
        self.name
    }

    /// Whether it runs.
    pub async fn is_running(&self) -> bool {
        match &self.control {
            Control::Systemd { systemctl } => {
                let line = [systemctl, "is-active", "--quiet", self.name.as_str()];
                let output = run(&line.map(str::to_owned), self.patience).await;
                output.is_ok_and(|output| output.status.success())
            }
            Control::Command(_) => self.process().await.is_some(),
        }
    }

    /// Whether there is a process of it, whoever started that: a look at two files.
    pub async fn has_process(&self) -> bool {
        self.process().await.is_some()
    }

    /// Makes it read again what it can read while it runs. For nginx that is all, and it is known
    /// afterwards whether it did.
    ///
    /// # Errors
    /// When it refuses, with its words; it then goes on with what it had.
    pub async fn reload(&self) -> Result<(), ProgramError> {
        let Some(process) = self.process().await else {
            return self.start().await;
        };
        let log = self.length_of_log().await;
        let workers = process.children().await;
        match &self.control {
            Control::Systemd { .. } => self.systemctl("reload-or-restart").await?,
            Control::Command(_) => self.told(process.signal(Signal::HUP))?,
        }
        match self.name {
            Name::Nginx => self.has_reloaded(&workers, log).await,
            // Its lists were read by another one before, without complaint.
            Name::Dnsmasq => Ok(()),
        }
    }

    /// Ends it, where it runs, and starts it.
    ///
    /// # Errors
    /// When it does not start, with its words; it does not run then.
    pub async fn restart(&self) -> Result<(), ProgramError> {
        if let Control::Systemd { .. } = self.control {
            return self.systemctl("restart").await;
        }
        if let Some(process) = self.process().await {
            self.told(process.end(self.patience).await)?;
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
        // The one that runs in the background writes its file a moment later.
        let until = Instant::now() + self.patience;
        while !self.is_up().await {
            if Instant::now() > until {
                let words = format!("it does not run as {} says", self.pid_file.display());
                return Err(self.failed(words));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Whether it runs, and hears when it is told something: nginx does once it has a worker.
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
        let output = self.told(run(line, self.patience).await)?;
        if output.status.success() {
            return Ok(());
        }
        let said = words(&output.stderr);
        Err(self.failed(if said.is_empty() {
            output.status.to_string()
        } else {
            said
        }))
    }

    /// Whether nginx has begun anew. It says so in its log; where that is full, its new workers do.
    async fn has_reloaded(&self, before: &[String], log: u64) -> Result<(), ProgramError> {
        let until = Instant::now() + self.patience;
        loop {
            let Some(process) = self.process().await else {
                // It has ended meanwhile; if these files are why, it says so when it starts.
                return self.start().await;
            };
            let is_late = Instant::now() > until;
            match answer(&self.log_since(log).await) {
                Answer::Done => return Ok(()),
                Answer::Refused(words) => return Err(self.failed(words)),
                Answer::None if is_late => {
                    let workers = process.children().await;
                    let is_new = workers.iter().any(|worker| !before.contains(worker));
                    let words = "it did not read its files again";
                    return is_new
                        .then_some(())
                        .ok_or_else(|| self.failed(words.to_owned()));
                }
                Answer::None => sleep(LOOK).await,
            }
        }
    }

    async fn length_of_log(&self) -> u64 {
        let found = tokio::fs::metadata(&self.error_log).await;
        found.map_or(0, |found| found.len())
    }

    /// What was written to the log after this place; all of it when the log is another one now.
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

    fn told<T>(&self, result: io::Result<T>) -> Result<T, ProgramError> {
        let name = self.name;
        result.map_err(|source| ProgramError::Run { name, source })
    }

    fn failed(&self, words: String) -> ProgramError {
        let name = self.name;
        ProgramError::Failed { name, words }
    }
}

/// What nginx makes of being told to read its files again.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It has.
    Done,
    /// It goes on with its old files, and these are its words.
    Refused(String),
    /// Nothing yet: it tries several times for a port that is taken.
    None,
}

/// Reads its log from where it was before it was told.
fn answer(log: &str) -> Answer {
    let complete = log.rsplit_once('\n').map_or("", |(complete, _)| complete);
    // Whatever comes before belongs to something else, such as its start a moment ago.
    let Some((_, since)) = complete.split_once(": reconfiguring\n") else {
        return Answer::None;
    };
    let mut lines: Vec<&str> = Vec::new();
    for line in since.lines() {
        if line.ends_with(": start worker processes") {
            return Answer::Done;
        }
        let Some((_, said)) = line.split_once("[emerg] ") else {
            continue;
        };
        let said = said.split_once(": ").map_or(said, |(_, said)| said);
        if !lines.contains(&said) {
            lines.push(said);
        }
        if !said.starts_with("bind() to ") {
            return Answer::Refused(lines.join("\n"));
        }
    }
    Answer::None
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer};

    const TOLD: &str = "2026/11/26 01:26:21 [notice] 26#26: start worker processes\n\
        2026/11/26 01:26:22 [notice] 26#26: signal 1 (SIGHUP) received from 1, reconfiguring\n\
        2026/11/26 01:26:22 [notice] 26#26: reconfiguring\n";
    const TAKEN: &str = "2026/11/26 01:26:22 [emerg] 26#26: bind() to 0.0.0.0:2000 failed (98: Address already in use)\n\
        2026/11/26 01:26:22 [notice] 26#26: try again to bind() after 500ms\n\
        2026/11/26 01:26:22 [emerg] 26#26: bind() to 0.0.0.0:2000 failed (98: Address already in use)\n";

    #[test]
    fn new_workers_are_an_answer_once_it_was_told() {
        assert_eq!(answer(TOLD), Answer::None);
        let log = format!("{TOLD}2026/11/26 01:26:22 [notice] 26#26: start worker processes\n");
        assert_eq!(answer(&log), Answer::Done);
    }

    #[test]
    fn a_port_that_is_taken_is_no_refusal_until_nginx_gives_up() {
        let log = format!("{TOLD}{TAKEN}");
        assert_eq!(answer(&log), Answer::None);
        let freed = format!("{log}2026/11/26 01:26:23 [notice] 26#26: start worker processes\n");
        assert_eq!(answer(&freed), Answer::Done);
        let log = format!("{log}2026/11/26 01:26:22 [emerg] 26#26: still could not bind()\n");
        let words =
            "bind() to 0.0.0.0:2000 failed (98: Address already in use)\nstill could not bind()";
        assert_eq!(answer(&log), Answer::Refused(words.to_owned()));
    }

    #[test]
    fn half_a_line_says_nothing_yet() {
        let whole =
            format!("{TOLD}2026/11/26 01:26:22 [emerg] 6#6: unknown directive \"a\" in /b:1\n");
        assert_eq!(answer(whole.trim_end()), Answer::None);
        let words = "unknown directive \"a\" in /b:1".to_owned();
        assert_eq!(answer(&whole), Answer::Refused(words));
        let other = format!("{TOLD}2026/11/26 01:26:22 [error] 6#6: *1 connect() failed\n");
        assert_eq!(answer(&other), Answer::None);
    }
}
