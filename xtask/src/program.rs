//! Runs other programs. Each command is printed before it starts, and errors contain the command.
//!
//! xtask prints to standard error. Standard output is reserved for the programs that it runs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::labeled_output;

/// Polling interval for the exit of a program whose output stays open.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Prints a progress line.
pub fn say(text: &str) {
    labeled_output::print(&format!("xtask: {text}"));
}

/// Finds a program on PATH or in the sbin directories, which are not on every user's PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let folders = std::env::join_paths(folders).ok()?;
    which::which_in_global(name, Some(folders)).ok()?.next()
}

/// Runs a command to its end and shows its output.
///
/// # Errors
/// If the command cannot start or exits unsuccessfully.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    if labeled_output::label().is_some() {
        return run_lines(command, |_| {});
    }
    let command_line = announce(command);
    let status = command
        .status()
        .with_context(|| format!("`{command_line}` could not start"))?;
    check_status(&command_line, status)
}

/// Runs a command to its end, shows its output and passes each line to `inspect`.
///
/// # Errors
/// If the command cannot start or exits unsuccessfully.
pub fn run_lines(command: &mut Command, mut inspect: impl FnMut(&str)) -> anyhow::Result<()> {
    run_filtered(command, |line| {
        inspect(line);
        Some(line.to_owned())
    })
}

/// Runs a command to its end, shows its output and returns the lines of its standard output.
///
/// # Errors
/// If the command cannot start or exits unsuccessfully.
pub fn lines(command: &mut Command) -> anyhow::Result<Vec<String>> {
    let command_line = announce(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{command_line}` could not start"))?;
    let mut lines = Vec::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.with_context(|| format!("the output of `{command_line}`"))?;
            match labeled_output::label() {
                Some(_) => labeled_output::print(&line),
                None => writeln!(std::io::stdout(), "{line}")?,
            }
            lines.push(line);
        }
    }
    check_status(&command_line, child.wait()?)?;
    Ok(lines)
}

/// Runs a Cargo build, passes each of its messages to `inspect` and returns the rendered warnings
/// of the compiler and of Clippy.
///
/// # Errors
/// If the command cannot start or exits unsuccessfully.
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
        // The final summary with the number of warnings has no source location.
        let has_location = diagnostic
            .get("spans")?
            .as_array()
            .is_some_and(|spans| !spans.is_empty());
        if is_warning && has_location {
            warnings.push(rendered.clone());
        }
        Some(rendered)
    })?;
    Ok(warnings)
}

/// Runs a command to its end and shows its output as transformed by `show`.
fn run_filtered(
    command: &mut Command,
    mut show: impl FnMut(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let command_line = announce(command);
    let (mut child, lines) = spawn(command)?;
    for line in lines {
        for line in show(&line).iter().flat_map(|text| text.lines()) {
            labeled_output::print(line);
        }
    }
    check_status(&command_line, child.wait()?)
}

/// The result of a program that exited or was killed.
pub struct ProgramOutput {
    /// The lines of its output.
    pub lines: Vec<String>,
    /// The run time.
    pub took: Duration,
    /// The reason of a failure.
    pub failure: Option<String>,
}

/// Runs a command without showing its output and kills it after the time limit. Its child processes
/// are not killed.
///
/// # Errors
/// If the command cannot start or cannot be killed.
pub fn run_within(command: &mut Command, limit: Duration) -> anyhow::Result<ProgramOutput> {
    let start = Instant::now();
    let (mut child, output) = spawn(command)?;
    let mut lines = Vec::new();
    let mut ended = None;
    let is_late = loop {
        match output.recv_timeout(POLL_INTERVAL) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Disconnected) => break false,
            // Child processes may keep the output open, so the loop ends at the first timeout after
            // exit.
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
        true => Some(format!("timed out after {} s", limit.as_secs_f32())),
        false => (!status.success()).then(|| status.to_string()),
    };
    Ok(ProgramOutput {
        lines,
        took: start.elapsed(),
        failure,
    })
}

/// Starts a command and returns its output as a channel of lines.
fn spawn(command: &mut Command) -> anyhow::Result<(Child, mpsc::Receiver<String>)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` could not start", format_command(command)))?;
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

/// Forwards a program's lines until its output is closed. Invalid UTF-8 is replaced.
fn forward(pipe: impl Read, sender: &mpsc::SyncSender<String>) {
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if sender.send(line).is_err() {
            return;
        }
    }
}

fn announce(command: &Command) -> String {
    let command_line = format_command(command);
    labeled_output::print(&format!("$ {command_line}"));
    command_line
}

fn check_status(command_line: &str, status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("`{command_line}` failed ({status})");
    }
    Ok(())
}

/// Runs a command without showing its output and returns its standard output.
///
/// # Errors
/// If the command cannot start or exits unsuccessfully. The error contains its standard error.
pub fn output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let command_line = format_command(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{command_line}` could not start"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{command_line}` failed ({}): {}",
            output.status,
            message.trim()
        );
    }
    Ok(output.stdout)
}

/// Runs a command without showing its output and returns whether it succeeded. A missing program
/// counts as a failure.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn format_command(command: &Command) -> String {
    let mut program = command.get_program();
    if std::env::var_os("CARGO").is_some_and(|cargo| cargo == program) {
        program = OsStr::new("cargo");
    }
    let args = std::iter::once(program).chain(command.get_args());
    args.map(quoted).collect::<Vec<_>>().join(" ")
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

/// A Cargo installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cargo {
    /// The Cargo that started xtask.
    Default,
    /// Debian's second toolchain (rustc-web, cargo-web), always at /usr/bin.
    Debian,
}

impl Cargo {
    /// Creates a command for this Cargo.
    ///
    /// Removes variables that `cargo run` sets for its child process. With them the build would
    /// differ from the developer's own `cargo build` and compile everything twice. Debian's
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
    fn printed_command_is_quoted_for_a_shell() {
        let mut command = Command::new("apt-get");
        command.args(["install", "a b", "it's", ""]);
        assert_eq!(
            format_command(&command),
            r"apt-get install 'a b' 'it'\''s' ''"
        );
    }

    #[test]
    fn failure_contains_status_and_standard_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no room >&2; exit 3"]);
        let error = output(&mut command).expect_err("exit 3").to_string();
        assert!(
            error.contains("no room") && error.contains("exit status: 3"),
            "{error}"
        );
    }

    #[test]
    fn debian_cargo_does_not_inherit_rustup_environment() {
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
