//! The init process (PID 1) of a PID namespace. It starts the worker process, reaps children, and
//! exits with the worker; the kernel then kills all other processes of the namespace.

use std::process::{Command, ExitCode};

use anyhow::Context as _;
use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, wait},
};

/// Runs this program with these arguments and returns its exit code.
///
/// # Errors
/// If the program cannot be started or waited for.
pub fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let executable = std::env::current_exe()?;
    let child = Command::new(executable).args(arguments).spawn();
    let child = Pid::from_child(&child.context("the worker process did not start")?);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => {
                let code = status
                    .exit_status()
                    .and_then(|code| u8::try_from(code).ok());
                return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for the worker process failed"),
        }
    }
}
