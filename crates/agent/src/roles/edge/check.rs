//! Checks a candidate with the real nginx and dnsmasq before it goes live.
//!
//! `dnsmasq --test` does not read the lists that dnsmasq reloads on SIGHUP (hosts, reservations,
//! options, forwarders). Therefore a temporary dnsmasq reads them in separate namespaces, in which
//! the candidate is mounted at the live path, and its log is parsed. It has no network and exits
//! with this process.

use std::{path::Path, process::Stdio, time::Duration};

use edge::Layout;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{dnsmasq::DNSMASQ, nginx::NGINX};
use crate::core::{
    error::{CheckError, ProgramError},
    process::{display_output, run},
    refusal::{Refusal, files_in},
};

/// The timeout of a check.
const LIMIT: Duration = Duration::from_secs(60);

/// How long the temporary dnsmasq must be quiet before it is asked whether it has read everything.
const QUERY_INTERVAL: Duration = Duration::from_millis(20);

/// Checks candidates for one host.
#[derive(Clone, Debug)]
pub struct Checker {
    /// The command `nginx`.
    pub nginx: String,
    /// The command `dnsmasq`.
    pub dnsmasq: String,
    /// The timeout of one check.
    pub limit: Duration,
    live: String,
    state: String,
}

impl Checker {
    /// Creates a checker for a host. Programs are found through `PATH`.
    pub fn new(layout: &Layout) -> Self {
        Self {
            nginx: "nginx".to_owned(),
            dnsmasq: "dnsmasq".to_owned(),
            limit: LIMIT,
            live: layout.live.to_string(),
            state: layout.state.to_string(),
        }
    }

    /// Checks the candidate in this directory with nginx.
    ///
    /// # Errors
    /// If the program refuses the candidate or cannot be run.
    pub async fn check_nginx(&self, candidate: &Path) -> Result<(), CheckError> {
        let prefix = format!("{}/nginx/", candidate.display());
        let line = [
            &self.nginx,
            "-t",
            "-e",
            "stderr",
            "-p",
            &prefix,
            "-c",
            "nginx.conf",
        ];
        let output = run(&line.map(str::to_owned), self.limit).await;
        let output = output.map_err(|source| ProgramError::Run {
            name: NGINX,
            source,
        })?;
        if output.status.success() {
            return Ok(());
        }
        Err(self.refused(NGINX, display_output(&output.stderr), candidate))
    }

    /// Checks the candidate in this directory with dnsmasq, including the lists that `--test`
    /// ignores.
    ///
    /// # Errors
    /// If the program refuses the candidate or cannot be run.
    pub async fn check_dnsmasq(&self, candidate: &Path) -> Result<(), CheckError> {
        let name = DNSMASQ;
        let log = timeout(self.limit, self.run_temporary_dnsmasq(candidate)).await;
        let log = log.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let log = log.map_err(|source| ProgramError::Run { name, source })?;
        let lists = format!("{}/", self.live);
        let messages = log.lines.iter().filter_map(|line| message(line));
        let complaints: Vec<&str> = match log.end {
            End::ReadAll => messages
                .filter(|message| is_complaint(message, &lists))
                .collect(),
            End::Ended => messages.collect(),
        };
        match (log.end, complaints.is_empty()) {
            (End::ReadAll, true) => Ok(()),
            (End::Ended, true) => {
                let message = log.lines.join("\n");
                Err(ProgramError::Failed { name, message }.into())
            }
            (_, false) => Err(self.refused(
                name,
                display_output(complaints.join("\n").as_bytes()),
                candidate,
            )),
        }
    }

    /// Runs the temporary dnsmasq until it has read everything or exits.
    async fn run_temporary_dnsmasq(&self, candidate: &Path) -> std::io::Result<Log> {
        let mut child = Command::new("unshare")
            .args([
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["sh", "-c", THROWAWAY, "sh"])
            .arg(candidate)
            .args([&self.live, &self.state, &self.dnsmasq])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let log = read_log(&mut child).await?;
        // The shell exits at the end of its input, and so does everything it started.
        drop(child.stdin.take());
        child.wait().await?;
        Ok(log)
    }

    fn refused(&self, program: &'static str, message: String, candidate: &Path) -> CheckError {
        let candidate = candidate.display().to_string();
        let files = files_in(&message, &[&candidate, &self.live]);
        CheckError::Refused(Refusal {
            program,
            message,
            files,
        })
    }
}

/// The script of the first process in the namespaces: mounts the candidate ($1) at the live path
/// ($2) and an empty state directory ($3), and starts dnsmasq ($4). Each line on standard input
/// makes dnsmasq print its statistics. At the end of input the shell exits, and with it everything
/// it started.
const THROWAWAY: &str = r#"
base=$(dirname "$2")
settings="$2/dnsmasq/dnsmasq.conf"
{
    (
        set -e
        cd "$1"
        mount -t tmpfs -o mode=755 none "$base"
        mkdir "$2"
        mount -c --bind . "$2"
        cd /
        mkdir -p "$3"
        mount -t tmpfs -o mode=755 none "$3"
        "$4" --test --conf-file="$settings"
        exec "$4" --keep-in-foreground --log-facility=- --pid-file="$base/pid" \
            --conf-file="$settings"
    )
    echo holdfast-ended >&2
} &
while read -r _; do kill -USR1 "$(cat "$base/pid")"; done
"#;

struct Log {
    lines: Vec<String>,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    /// dnsmasq has read everything.
    ReadAll,
    /// dnsmasq exited before it had read everything.
    Ended,
}

/// Reads dnsmasq's log. dnsmasq handles a signal only after it has read its lists, because it is
/// single-threaded. A signal right after its start is lost, so the signal is repeated until dnsmasq
/// responds.
async fn read_log(child: &mut Child) -> std::io::Result<Log> {
    let broken = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    let (Some(stderr), Some(stdin)) = (child.stderr.take(), child.stdin.as_mut()) else {
        return Err(broken());
    };
    let mut from = BufReader::new(stderr).lines();
    let (mut lines, mut is_started) = (Vec::new(), false);
    let end = loop {
        let Ok(line) = timeout(QUERY_INTERVAL, from.next_line()).await else {
            if is_started {
                stdin.write_all(b"\n").await?;
            }
            continue;
        };
        let Some(line) = line?.filter(|line| line != "holdfast-ended") else {
            break End::Ended;
        };
        let message_text = message(&line).unwrap_or_default();
        if message_text.starts_with("queries forwarded ") {
            break End::ReadAll;
        }
        is_started |= message_text.starts_with("started, version ");
        lines.push(line);
    };
    Ok(Log { lines, end })
}

/// The message in a log line; none if another program wrote the line or it reports success.
fn message(line: &str) -> Option<&str> {
    let line = line.strip_prefix("dnsmasq")?;
    let (_, message_text) = line.split_once(": ")?;
    (message_text != "syntax check OK.").then_some(message_text)
}

/// Whether a message is an error: it names a file without reporting that it was read, or starts
/// like an error.
fn is_complaint(message_text: &str, lists: &str) -> bool {
    const BEGIN: [&str; 11] = [
        "bad ",
        "cannot ",
        "can't ",
        "duplicate ",
        "error ",
        "failed ",
        "ignoring ",
        "illegal ",
        "invalid ",
        "missing ",
        "unknown ",
    ];
    let names = message_text.contains(lists) && !message_text.starts_with("read ");
    let lower = message_text.to_ascii_lowercase();
    names || BEGIN.iter().any(|begin| lower.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::is_complaint;

    #[test]
    fn errors_are_distinguished_from_routine_messages() {
        for message_text in [
            "bad address at /b/live/dnsmasq/hosts line 3",
            "duplicate dhcp-host IP address 10.20.0.100 at line 3 of /b/live/dnsmasq/reservations",
            "Cannot resolve server name at line 2 of /b/live/dnsmasq/forwarders",
            "failed to load names from /b/live/dnsmasq/hosts: No such file or directory",
        ] {
            assert!(is_complaint(message_text, "/b/live/"), "{message_text}");
        }
        for message_text in [
            "read /b/live/dnsmasq/hosts - 1 names",
            "warning: interface eth1 does not currently exist",
            "warning: no upstream servers configured",
            "using nameserver 192.0.2.1#53",
            "DHCP, static leases only on 10.20.0.0, lease time 1h",
        ] {
            assert!(!is_complaint(message_text, "/b/live/"), "{message_text}");
        }
    }
}
