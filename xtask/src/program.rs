//! Running other programs: shown before they start, with errors that name them.
//!
//! What xtask says goes to standard error; standard output belongs to the programs it runs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// A line for the person who waits.
pub fn say(text: &str) {
    eprintln!("xtask: {text}");
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
    let shown = shown(command);
    eprintln!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("`{shown}` could not start"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a command to its end with its output shown, and returns the lines of its standard output.
///
/// # Errors
/// When it cannot start, does not end well, or prints something other than text.
pub fn lines(command: &mut Command) -> anyhow::Result<Vec<String>> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{shown}` could not start"))?;
    let mut lines = Vec::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.with_context(|| format!("the output of `{shown}`"))?;
            writeln!(std::io::stdout(), "{line}")?;
            lines.push(line);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(lines)
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
