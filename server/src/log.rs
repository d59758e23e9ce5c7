//! The log on standard error: text or one JSON object per line. Text on standard output is for the
//! terminal and is not part of the log.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{Log, LogFormat};

/// Starts the log of this process and logs panics.
pub(crate) fn start(log: &Log) {
    let filter = EnvFilter::new(&log.filter);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let started = match log.format {
        LogFormat::Text => registry
            .with(layer.with_ansi(io::stderr().is_terminal()))
            .try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("log subscriber already set");
    }
    std::panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        let reason = info.payload_as_str().unwrap_or_default();
        tracing::error!(location, reason, "thread panicked");
    }));
}
