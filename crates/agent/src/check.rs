//! The real programs check a candidate before it is live, and say in their own words what they do
//! not like.
//!
//! `dnsmasq --test` does not read the lists that it can read again (hosts, reservations, options,
//! forwarders). So a throwaway dnsmasq reads them all, in namespaces of its own in which the
//! candidate lies where it would be live, and its log is read. It has no network there, and is gone
//! when this process is.

use std::{path::Path, process::Stdio, time::Duration};

use edge::Layout;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    process::{run, words},
    programs::{Name, ProgramError},
};

/// How long a check may take.
const LIMIT: Duration = Duration::from_secs(60);

/// After how long a silence the throwaway dnsmasq is asked whether it has read everything.
const ASK: Duration = Duration::from_millis(20);

/// What a program does not like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The program.
    pub program: Name,
    /// Its own words.
    pub words: String,
    /// The files that the words name, by their paths within the tree.
    pub files: Vec<String>,
}

/// Why a candidate is not known to be good.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It is not good.
    #[error("{} refuses it: {}", .0.program, .0.words)]
    Refused(Refusal),
    /// It could not be checked.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// There is none: it could not be made.
    #[error(transparent)]
    Candidate(Box<crate::apply::Error>),
}

/// Checks candidates for one host.
#[derive(Clone, Debug)]
pub struct Checker {
    /// The command `nginx`.
    pub nginx: String,
    /// The command `dnsmasq`.
    pub dnsmasq: String,
    /// How long one check may take.
    pub limit: Duration,
    live: String,
    state: String,
}

impl Checker {
    /// For a host, with the programs that are found by their names.
    pub fn new(layout: &Layout) -> Self {
        Self {
            nginx: "nginx".to_owned(),
            dnsmasq: "dnsmasq".to_owned(),
            limit: LIMIT,
            live: layout.live.to_string(),
            state: layout.state.to_string(),
        }
    }

    /// Has nginx check the candidate in this folder.
    ///
    /// # Errors
    /// When it refuses, or cannot be asked.
    pub async fn nginx(&self, candidate: &Path) -> Result<(), CheckError> {
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
            name: Name::Nginx,
            source,
        })?;
        if output.status.success() {
            return Ok(());
        }
        Err(self.refused(Name::Nginx, words(&output.stderr), candidate))
    }

    /// Has dnsmasq check the candidate in this folder, and a throwaway one read its lists.
    ///
    /// # Errors
    /// When it refuses, or cannot be asked.
    pub async fn dnsmasq(&self, candidate: &Path) -> Result<(), CheckError> {
        let name = Name::Dnsmasq;
        let log = timeout(self.limit, self.throwaway(candidate)).await;
        let log = log.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let log = log.map_err(|source| ProgramError::Run { name, source })?;
        let lists = format!("{}/", self.live);
        let said = log.lines.iter().filter_map(|line| message(line));
        let complaints: Vec<&str> = match log.end {
            End::ReadAll => said.filter(|said| is_complaint(said, &lists)).collect(),
            End::Ended => said.collect(),
        };
        match (log.end, complaints.is_empty()) {
            (End::ReadAll, true) => Ok(()),
            (End::Ended, true) => {
                let words = log.lines.join("\n");
                Err(ProgramError::Failed { name, words }.into())
            }
            (_, false) => {
                Err(self.refused(name, words(complaints.join("\n").as_bytes()), candidate))
            }
        }
    }

    /// Runs the throwaway dnsmasq until it has read everything, or has ended by itself.
    async fn throwaway(&self, candidate: &Path) -> std::io::Result<Log> {
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
        // The shell ends when nothing more comes from here, and all that it started with it.
        drop(child.stdin.take());
        child.wait().await?;
        Ok(log)
    }

    /// Where files are when they are live.
    pub(crate) fn live(&self) -> &str {
        &self.live
    }

    fn refused(&self, program: Name, words: String, candidate: &Path) -> CheckError {
        let candidate = candidate.display().to_string();
        let files = files_in(&words, &[&candidate, &self.live]);
        CheckError::Refused(Refusal {
            program,
            words,
            files,
        })
    }
}

/// What runs in the namespaces, as their first process: the candidate ($1) lies at the live path
/// ($2), the state ($3) is empty, and dnsmasq ($4) reads both. Each line from outside has it tell
/// its numbers. When no more can come, the shell ends, and with it all that it started.
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
    /// It has read everything.
    ReadAll,
    /// It ended before it had.
    Ended,
}

/// Reads what it says. It answers a signal only once it has read its lists, because it sees to one
/// thing after the other; one that comes in the moment after its start it does not hear at all, so
/// that it is asked until it answers.
async fn read_log(child: &mut Child) -> std::io::Result<Log> {
    let broken = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    let (Some(stderr), Some(stdin)) = (child.stderr.take(), child.stdin.as_mut()) else {
        return Err(broken());
    };
    let mut from = BufReader::new(stderr).lines();
    let (mut lines, mut is_started) = (Vec::new(), false);
    let end = loop {
        let Ok(line) = timeout(ASK, from.next_line()).await else {
            if is_started {
                stdin.write_all(b"\n").await?;
            }
            continue;
        };
        let Some(line) = line?.filter(|line| line != "holdfast-ended") else {
            break End::Ended;
        };
        let said = message(&line).unwrap_or_default();
        if said.starts_with("queries forwarded ") {
            break End::ReadAll;
        }
        is_started |= said.starts_with("started, version ");
        lines.push(line);
    };
    Ok(Log { lines, end })
}

/// What dnsmasq says in a line; none when another program says it, or nothing is wrong.
fn message(line: &str) -> Option<&str> {
    let line = line.strip_prefix("dnsmasq")?;
    let (_, said) = line.split_once(": ")?;
    (said != "syntax check OK.").then_some(said)
}

/// Whether dnsmasq does not like something: it names a file for anything else than having read it,
/// or begins as its complaints do.
fn is_complaint(said: &str, lists: &str) -> bool {
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
    let names = said.contains(lists) && !said.starts_with("read ");
    let lower = said.to_ascii_lowercase();
    names || BEGIN.iter().any(|begin| lower.starts_with(begin))
}

/// The files below any of these folders that words name, by their paths there, each once.
pub(crate) fn files_in(words: &str, roots: &[&str]) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for root in roots {
        for found in words.split(&format!("{root}/")).skip(1) {
            let end = |c: char| !c.is_ascii_alphanumeric() && !"._-/".contains(c);
            let path = found.split(end).next().unwrap_or_default();
            let path = path.trim_end_matches('.').to_owned();
            if !path.is_empty() && !files.contains(&path) {
                files.push(path);
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::{files_in, is_complaint};

    #[test]
    fn words_name_files() {
        let words = "nginx: [emerg] unknown directive \"a\" in /b/1/nginx/services/w-1.example.org.conf:3\n\
                     bad address at /b/live/dnsmasq/hosts line 3\n\
                     read /b/live/dnsmasq/hosts, again";
        let named = ["nginx/services/w-1.example.org.conf", "dnsmasq/hosts"];
        assert_eq!(files_in(words, &["/b/1", "/b/live"]), named);
        assert!(files_in("nothing in /etc/nginx/nginx.conf", &["/b/1"]).is_empty());
    }

    #[test]
    fn complaints_are_told_from_what_it_always_says() {
        for said in [
            "bad address at /b/live/dnsmasq/hosts line 3",
            "duplicate dhcp-host IP address 10.20.0.100 at line 3 of /b/live/dnsmasq/reservations",
            "Cannot resolve server name at line 2 of /b/live/dnsmasq/forwarders",
            "failed to load names from /b/live/dnsmasq/hosts: No such file or directory",
        ] {
            assert!(is_complaint(said, "/b/live/"), "{said}");
        }
        for said in [
            "read /b/live/dnsmasq/hosts - 1 names",
            "warning: interface eth1 does not currently exist",
            "warning: no upstream servers configured",
            "using nameserver 192.0.2.1#53",
            "DHCP, static leases only on 10.20.0.0, lease time 1h",
        ] {
            assert!(!is_complaint(said, "/b/live/"), "{said}");
        }
    }
}
