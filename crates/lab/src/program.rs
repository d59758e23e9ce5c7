//! Runs other programs.

use std::{
    fs::File,
    path::Path,
    process::{ExitCode, ExitStatus, Stdio},
};

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

/// Runs a command line and waits for its end.
///
/// # Errors
/// If the command fails. The error contains its standard error.
pub async fn run(line: &[&str]) -> anyhow::Result<()> {
    let mut command = command(line);
    let output = command.output().await.with_context(|| display_line(line))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}`: {}: {}",
            display_line(line),
            output.status,
            message.trim()
        );
    }
    Ok(())
}

/// Runs command lines one after another.
///
/// # Errors
/// If a command fails. Later commands are not run.
pub async fn run_all<S: AsRef<str>>(lines: &[S]) -> anyhow::Result<()> {
    for line in lines {
        let args: Vec<&str> = line.as_ref().split(' ').collect();
        run(&args).await?;
    }
    Ok(())
}

/// Starts a program that is killed when the returned `Child` is dropped. Its output is appended to
/// `outside.log` in the directory.
///
/// # Errors
/// If the program cannot be started.
pub fn start(folder: &Path, line: &[&str]) -> anyhow::Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("outside.log"))?;
    command(line)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| display_line(line))
}

/// Converts the exit status of a child to an exit code of this program. A child that was killed by
/// a signal counts as a failure.
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

fn display_line(line: &[&str]) -> String {
    let first_line = |word: &&str| word.lines().next().unwrap_or_default().to_owned();
    line.iter().map(first_line).collect::<Vec<_>>().join(" ")
}
