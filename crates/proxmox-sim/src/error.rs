//! What a call can fail with, and how Proxmox says so on the wire.

use std::collections::BTreeMap;

/// A call that failed. Proxmox puts the first line of the message into the status line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// Refused before anything was looked at: wrong method, body or address. Text, not JSON.
    Transport {
        status: u16,
        reason: String,
        body: String,
    },
    /// Not signed in. The body is empty and the answer is late.
    Unauthorized(&'static str),
    /// Name and password, or what stands in for it, do not belong together. The answer is late.
    WrongPassword,
    /// No such method or path.
    NoSuchMethod { method: String, path: String },
    /// Parameters that do not fit, by name.
    Parameters(BTreeMap<String, String>),
    /// Not allowed; the text goes behind `Permission check failed`.
    Forbidden(String),
    /// Anything that went wrong in the handler, which Proxmox always calls 500.
    Failed(String),
    /// A property string in a stored configuration that does not parse.
    Format(BTreeMap<String, String>),
    /// Anything that went wrong in the handler and has a status of its own.
    Status { status: u16, message: String },
    /// The node that should answer cannot be reached.
    Unreachable,
}

impl ApiError {
    /// One parameter that does not fit.
    pub(crate) fn parameter(name: &str, problem: impl Into<String>) -> Self {
        Self::Parameters(BTreeMap::from([(name.to_owned(), problem.into())]))
    }

    /// Something that went wrong in a handler.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

/// The result of a handler.
pub(crate) type Result<T> = std::result::Result<T, ApiError>;

/// Plain words are what a handler died of.
impl From<String> for ApiError {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}
