//! Standard output of the commands.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use crate::ExitError;

/// Prints a line on standard output.
pub(crate) fn print(line: impl Display) -> Result<(), ExitError> {
    print_now(format_args!("{line}\n"))
}

/// Prints text, which includes its line ends, on standard output and flushes it.
pub(crate) fn print_now(text: impl Display) -> Result<(), ExitError> {
    let mut out = io::stdout().lock();
    write!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(ExitError::Output)
}
