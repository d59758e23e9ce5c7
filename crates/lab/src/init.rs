//! The first process of a set of namespaces: it starts the one that does the work, takes leave of
//! whatever ends, and ends with the work. The kernel ends all others then.

use std::process::{Command, ExitCode};

use anyhow::Context as _;
use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, wait},
};

/// Runs this program with these arguments until it ends.
///
/// # Errors
/// When it cannot be started.
pub fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let own = std::env::current_exe()?;
    let child = Command::new(own).args(arguments).spawn();
    let child = Pid::from_child(&child.context("the work could not be started")?);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => {
                let code = status
                    .exit_status()
                    .and_then(|code| u8::try_from(code).ok());
                return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("the work was lost"),
        }
    }
}
