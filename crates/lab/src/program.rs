//! Running other programs.

use std::{
    fs::File,
    path::Path,
    process::{ExitCode, ExitStatus, Stdio},
};

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

/// Runs a command line to its end.
///
/// # Errors
/// When it does not end well; its own words are part of the error.
pub async fn run(line: &[&str]) -> anyhow::Result<()> {
    let mut command = command(line);
    let output = command.output().await.with_context(|| words(line))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}`: {}: {}", words(line), output.status, said.trim());
    }
    Ok(())
}

/// Runs command lines one after another.
///
/// # Errors
/// At the first that does not end well.
pub async fn run_all<S: AsRef<str>>(lines: &[S]) -> anyhow::Result<()> {
    for line in lines {
        let words: Vec<&str> = line.as_ref().split(' ').collect();
        run(&words).await?;
    }
    Ok(())
}

/// Starts a program that ends with whoever holds it. What it says goes to a file in this folder, for
/// whoever looks for why something outside does not answer.
///
/// # Errors
/// When it cannot be started.
pub fn start(folder: &Path, line: &[&str]) -> anyhow::Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("outside.log"))?;
    command(line)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| words(line))
}

/// What this program exits with when its result is that of another one. One that was ended by a signal
/// has failed.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

fn command(line: &[&str]) -> Command {
    let (program, arguments) = line.split_first().unwrap_or((&"true", &[]));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

fn words(line: &[&str]) -> String {
    let short = |word: &&str| word.lines().next().unwrap_or_default().to_owned();
    line.iter().map(short).collect::<Vec<_>>().join(" ")
}
