//! Errors of API requests.

use std::collections::BTreeMap;

/// A failed request. Proxmox puts the first line of the message into the status line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// Rejected because of the method, body or URL, before authentication. The body is text, not
    /// JSON.
    Transport {
        status: u16,
        reason: String,
        body: String,
    },
    /// Not authenticated. The body is empty and the response is delayed.
    Unauthorized(&'static str),
    /// Wrong user name, password or console ticket. The response is delayed.
    WrongPassword,
    /// No such method or path.
    NoSuchMethod { method: String, path: String },
    /// Invalid parameters, by name.
    Parameters(BTreeMap<String, String>),
    /// Permission denied. The text is appended to `Permission check failed`.
    Forbidden(String),
    /// An error in the handler. Proxmox always returns status 500 for it.
    Failed(String),
    /// A property string in a stored configuration that does not parse.
    Format(BTreeMap<String, String>),
    /// An error in the handler with a specific status.
    Status { status: u16, message: String },
    /// The node in the URL is unreachable.
    Unreachable,
}

impl ApiError {
    /// An error about one parameter.
    pub(crate) fn parameter(name: &str, problem: impl Into<String>) -> Self {
        Self::Parameters(BTreeMap::from([(name.to_owned(), problem.into())]))
    }

    /// An error in the handler.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

/// The result of a handler.
pub(crate) type Result<T> = std::result::Result<T, ApiError>;

/// A plain message is an error in the handler.
impl From<String> for ApiError {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}
