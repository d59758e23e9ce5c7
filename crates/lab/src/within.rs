//! The second process of each set of namespaces, which does the work: the first one only waits.

use std::{io::BufRead as _, process::ExitCode};

use anyhow::Context as _;
use serde::de::DeserializeOwned;

use crate::{guest, inside};

/// What is within a set of namespaces.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Role {
    /// Everything else.
    Lab,
    /// One host.
    Guest,
}

/// Does its work.
///
/// # Errors
/// Why it could not.
pub fn run(role: Role) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ended = match role {
        Role::Lab => runtime.block_on(inside::run(told()?)),
        Role::Guest => runtime.block_on(guest::run(told()?)),
    };
    // Not waited for: whoever reads the standard input does so for ever.
    runtime.shutdown_background();
    ended
}

/// The first line of the standard input. The rest of it is for its end.
fn told<T: DeserializeOwned>() -> anyhow::Result<T> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    serde_json::from_str(&line).context("what this is to be was not told")
}
