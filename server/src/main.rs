//! The program `holdfastd`: see `holdfastd --help`.

use std::{
    io::{ErrorKind, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use server::{ExitError, cli::Cli};

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe has closed it.
        Err(ExitError::Output(cause)) if cause.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            // If standard error is closed, the exit code remains.
            let _ = writeln!(std::io::stderr(), "holdfastd: {failure}");
            failure.code()
        }
    }
}
