//! The worker process of each set of namespaces, a child of [`crate::init`].

use std::{io::BufRead as _, process::ExitCode};

use anyhow::Context as _;
use serde::de::DeserializeOwned;

use crate::{host, lab};

/// The program of a set of namespaces.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Role {
    /// The lab itself, which contains all hosts.
    Lab,
    /// A host.
    Host,
}

/// Runs the worker and returns its exit code.
///
/// # Errors
/// If the worker fails.
pub fn run(role: Role) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = match role {
        Role::Lab => runtime.block_on(lab::run(read_config()?)),
        Role::Host => runtime.block_on(host::run(read_config()?)),
    };
    // A pending read of the standard input would block a regular shutdown.
    runtime.shutdown_background();
    result
}

/// Reads the configuration from the first line of the standard input. The input stays open until
/// the parent requests a stop or exits.
fn read_config<T: DeserializeOwned>() -> anyhow::Result<T> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    serde_json::from_str(&line).context("no configuration on standard input")
}
