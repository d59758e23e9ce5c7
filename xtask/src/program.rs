//! Running other programs: shown before they start, with errors that name them.
//!
//! What xtask says goes to standard error; standard output belongs to the programs it runs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::lane;

/// How often a program whose output stays open is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A line for the person who waits.
pub fn say(text: &str) {
    lane::print(&format!("xtask: {text}"));
}

/// Finds a program on PATH or among the system's own, which are not on everybody's PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let folders = std::env::join_paths(folders).ok()?;
    which::which_in_global(name, Some(folders)).ok()?.next()
}

/// Runs a command to its end with its output shown.
///
/// # Errors
/// When it cannot start or does not end well.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    if lane::current().is_some() {
        return run_lines(command, |_| {});
    }
    let shown = announce(command);
    let status = command
        .status()
        .with_context(|| format!("`{shown}` could not start"))?;
    ended_well(&shown, status)
}

/// Runs a command to its end, shows its output line by line, and hands each line to `inspect`.
///
/// # Errors
/// When it cannot start or does not end well.
pub fn run_lines(command: &mut Command, mut inspect: impl FnMut(&str)) -> anyhow::Result<()> {
    run_filtered(command, |line| {
        inspect(line);
        Some(line.to_owned())
    })
}

/// Runs a command to its end with its output shown, and returns the lines of its standard output.
///
/// # Errors
/// When it cannot start or does not end well.
pub fn lines(command: &mut Command) -> anyhow::Result<Vec<String>> {
    let shown = announce(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{shown}` could not start"))?;
    let mut lines = Vec::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.with_context(|| format!("the output of `{shown}`"))?;
            match lane::current() {
                Some(_) => lane::print(&line),
                None => writeln!(std::io::stdout(), "{line}")?,
            }
            lines.push(line);
        }
    }
    ended_well(&shown, child.wait()?)?;
    Ok(lines)
}

/// Runs a Cargo build, hands each of its messages to `inspect`, and returns the warnings of the
/// compiler and of Clippy as they would have been shown.
///
/// # Errors
/// When it cannot start or does not end well.
pub fn run_cargo(
    cargo: &mut Command,
    mut inspect: impl FnMut(&Value),
) -> anyhow::Result<Vec<String>> {
    let mut warnings = Vec::new();
    cargo.arg("--message-format=json");
    run_filtered(cargo, |line| {
        let message: Value = match line.starts_with('{') {
            true => serde_json::from_str(line).unwrap_or_default(),
            false => return Some(line.to_owned()),
        };
        inspect(&message);
        let diagnostic = message.get("message")?;
        let rendered = diagnostic.get("rendered")?.as_str()?.to_owned();
        let is_warning = diagnostic
            .get("level")
            .is_some_and(|level| level == "warning");
        // The compiler ends with a line that only counts and has no place in the source.
        let has_place = diagnostic
            .get("spans")?
            .as_array()
            .is_some_and(|spans| !spans.is_empty());
        if is_warning && has_place {
            warnings.push(rendered.clone());
        }
        Some(rendered)
    })?;
    Ok(warnings)
}

/// Runs a command to its end and shows of each line of its output what `show` makes of it.
fn run_filtered(
    command: &mut Command,
    mut show: impl FnMut(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let shown = announce(command);
    let (mut child, lines) = spawn(command)?;
    for line in lines {
        for line in show(&line).iter().flat_map(|text| text.lines()) {
            lane::print(line);
        }
    }
    ended_well(&shown, child.wait()?)
}

/// A program that has ended, or was ended.
pub struct Ended {
    /// What it printed.
    pub lines: Vec<String>,
    /// How long it ran.
    pub took: Duration,
    /// Why it did not end well.
    pub failure: Option<String>,
}

/// Runs a command quietly, and ends it when it takes longer than this. What it started itself may
/// stay.
///
/// # Errors
/// When it cannot start, or cannot be ended.
pub fn run_within(command: &mut Command, limit: Duration) -> anyhow::Result<Ended> {
    let start = Instant::now();
    let (mut child, output) = spawn(command)?;
    let mut lines = Vec::new();
    let mut ended = None;
    let is_late = loop {
        match output.recv_timeout(LOOK_EVERY) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Disconnected) => break false,
            // What it started may keep its output open: once it has ended, a quiet moment is the end.
            Err(RecvTimeoutError::Timeout) if ended.is_some() => break false,
            Err(RecvTimeoutError::Timeout) => ended = child.try_wait()?,
        }
        if start.elapsed() >= limit {
            break true;
        }
    };
    if is_late {
        child.kill()?;
    }
    let status = child.wait()?;
    let failure = match is_late {
        true => Some(format!("it took longer than {} s", limit.as_secs_f32())),
        false => (!status.success()).then(|| status.to_string()),
    };
    Ok(Ended {
        lines,
        took: start.elapsed(),
        failure,
    })
}

/// Starts a command whose output comes line by line.
fn spawn(command: &mut Command) -> anyhow::Result<(Child, mpsc::Receiver<String>)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` could not start", shown(command)))?;
    let (sender, lines) = mpsc::sync_channel(64);
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as _),
        child.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for pipe in pipes.into_iter().flatten() {
        let sender = sender.clone();
        std::thread::spawn(move || forward(pipe, &sender));
    }
    Ok((child, lines))
}

/// Sends a program's lines on until it ends. Bytes that are no UTF-8 are replaced.
fn forward(pipe: impl Read, sender: &mpsc::SyncSender<String>) {
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if sender.send(line).is_err() {
            return;
        }
    }
}

fn announce(command: &Command) -> String {
    let shown = shown(command);
    lane::print(&format!("$ {shown}"));
    shown
}

fn ended_well(shown: &str, status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a command quietly and returns what it printed.
///
/// # Errors
/// When it cannot start or does not end well; its own words are part of the error.
pub fn output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let shown = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{shown}` could not start"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed ({}): {}", output.status, words.trim());
    }
    Ok(output.stdout)
}

/// Whether a quiet run of the command ends well. A program that is not there is a no.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let mut program = command.get_program();
    if std::env::var_os("CARGO").is_some_and(|cargo| cargo == program) {
        program = OsStr::new("cargo");
    }
    let words = std::iter::once(program).chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Which Cargo is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cargo {
    /// The one that started xtask.
    Default,
    /// Debian's second toolchain (rustc-web, cargo-web), always at /usr/bin.
    Debian,
}

impl Cargo {
    /// A command of this Cargo.
    ///
    /// `cargo run` tells its child about itself in the environment; a build under other settings
    /// than the developer's own `cargo build` would compile everything twice, and Debian's
    /// compiler must not load rustup's libraries.
    pub fn command(self) -> Command {
        let mut command = match self {
            Self::Default => {
                Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            }
            Self::Debian => Command::new("/usr/bin/cargo"),
        };
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        if self == Self::Debian {
            for name in [
                "RUSTUP_TOOLCHAIN",
                "LD_LIBRARY_PATH",
                "CARGO",
                "RUSTC",
                "RUSTDOC",
            ] {
                command.env_remove(name);
            }
            let path = std::env::var_os("PATH").unwrap_or_default();
            let folders =
                std::iter::once(PathBuf::from("/usr/bin")).chain(std::env::split_paths(&path));
            if let Ok(path) = std::env::join_paths(folders) {
                command.env("PATH", path);
            }
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let mut command = Command::new("apt-get");
        command.args(["install", "a b", "it's", ""]);
        assert_eq!(shown(&command), r"apt-get install 'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_failure_names_the_program_and_repeats_its_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no room >&2; exit 3"]);
        let error = output(&mut command).expect_err("exit 3").to_string();
        assert!(
            error.contains("no room") && error.contains("exit status: 3"),
            "{error}"
        );
    }

    #[test]
    fn debians_cargo_does_not_inherit_rustups_libraries() {
        let command = Cargo::Debian.command();
        let removed = |name: &str| command.get_envs().any(|(n, v)| n == name && v.is_none());
        assert!(removed("LD_LIBRARY_PATH") && removed("RUSTUP_TOOLCHAIN"));
        let path = command
            .get_envs()
            .find(|(n, _)| *n == "PATH")
            .and_then(|(_, v)| v);
        assert!(
            path.expect("a PATH")
                .to_string_lossy()
                .starts_with("/usr/bin:")
        );
    }
}
