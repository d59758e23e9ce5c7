//! Runs programs to find out what a host supports.

use std::time::Duration;

use super::process::{display_output, run};

/// The timeout of a program.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A required program is missing or failed.
#[derive(Debug, thiserror::Error)]
#[error("{program} does not respond: {message}")]
pub struct CapabilityError {
    /// The program.
    pub program: &'static str,
    /// Its error output, or why it could not be started.
    pub message: String,
}

/// The standard output and error output of a program.
///
/// # Errors
/// If the program is missing or fails.
pub(crate) async fn query(
    program: &'static str,
    arguments: &[&str],
) -> Result<(String, String), CapabilityError> {
    let mut line = vec![program.to_owned()];
    line.extend(arguments.iter().map(ToString::to_string));
    let refused = |message: String| CapabilityError { program, message };
    let result = run(&line, TIMEOUT)
        .await
        .map_err(|e| refused(e.to_string()))?;
    if !result.status.success() {
        return Err(refused(display_output(&result.stderr)));
    }
    Ok((
        display_output(&result.stdout),
        display_output(&result.stderr),
    ))
}
