//! Errors of API calls, by what the caller can do about them.
//!
//! The `Display` text is for users. Proxmox's own message ([`Error::proxmox_message`]) is available
//! beside it, because an administrator can search for it. Errors never contain secrets.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Fingerprint,
    ids::{ParseError, Upid},
    message::{ErrorKind, NO_QUORUM, classify},
};

/// Why an API call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The connection failed, or broke before the response was complete.
    #[error("Proxmox at {address} is unreachable.")]
    Unreachable {
        /// Scheme, host and port of the endpoint.
        address: String,
        /// The technical cause, for the log.
        cause: String,
        /// Whether the request may have been received.
        sent: bool,
    },
    /// The endpoint responded, but cannot reach the node of the call (status 595 to 599).
    #[error("The Proxmox node is unreachable from the rest of its cluster.")]
    NodeUnreachable {
        /// The HTTP status.
        status: u16,
        /// Proxmox's message.
        message: String,
    },
    /// No response in time.
    #[error("Proxmox at {address} did not respond within {} seconds.", after.as_secs_f32())]
    Timeout {
        /// Scheme, host and port of the endpoint.
        address: String,
        /// The timeout.
        after: Duration,
        /// Whether the request may have been received.
        sent: bool,
    },
    /// The TLS handshake failed, usually because the certificate is not trusted.
    #[error(
        "The TLS connection to Proxmox at {address} failed: its certificate may not be trusted."
    )]
    Tls {
        /// Scheme, host and port of the endpoint.
        address: String,
        /// The technical cause, for the log.
        cause: String,
    },
    /// The server's certificate differs from the pinned one. Nothing was sent. Either the
    /// certificate was renewed and a user must confirm it, or the connection is intercepted.
    #[error("The certificate of Proxmox at {address} has changed. Its fingerprint is now {found}.")]
    CertificateChanged {
        /// Scheme, host and port of the endpoint.
        address: String,
        /// The pinned fingerprint.
        expected: Fingerprint,
        /// The fingerprint of the presented certificate.
        found: Fingerprint,
    },
    /// Wrong username or password, or a disabled user; Proxmox does not distinguish them. No call
    /// tries the password again for one minute.
    #[error("Proxmox rejected the password of {user}.")]
    PasswordRefused {
        /// The user, with its realm.
        user: String,
        /// Proxmox's message.
        reason: String,
    },
    /// The user has a second factor, which the client cannot provide.
    #[error(
        "The account {user} requires a second factor to sign in. Use an API token, or an account \
            without a second factor."
    )]
    SecondFactor {
        /// The user, with its realm.
        user: String,
    },
    /// Wrong or expired token, or a disabled user; Proxmox does not distinguish them. With a
    /// password: a new ticket was rejected.
    #[error("Proxmox rejected the API token or the ticket.")]
    Unauthorized {
        /// Proxmox's message.
        reason: String,
    },
    /// The user or token lacks a privilege.
    #[error("The Proxmox account lacks the permission to do this.")]
    Forbidden {
        /// Proxmox's message, which names the path and the missing privilege.
        message: String,
    },
    /// Proxmox rejected parameters.
    #[error("Proxmox rejected {}.", names(fields))]
    Invalid {
        /// Proxmox's message about the request.
        message: String,
        /// Proxmox's message for each parameter.
        fields: BTreeMap<String, String>,
    },
    /// A value was not sent, because Proxmox would interpret it differently.
    #[error("The value of {field} cannot be sent to Proxmox: {reason}.")]
    InvalidArgument {
        /// The parameter.
        field: String,
        /// The reason, without a full stop.
        reason: String,
    },
    /// The guest, volume, storage, node or task does not exist.
    #[error("The object does not exist in Proxmox.")]
    NotFound {
        /// Proxmox's message, which names it.
        message: String,
    },
    /// A guest with this VMID, or a file with this name, exists already.
    #[error("The object already exists in Proxmox.")]
    AlreadyExists {
        /// Proxmox's message, which names it.
        message: String,
    },
    /// Another operation locks the guest.
    #[error("The container is locked by another operation.")]
    Locked {
        /// Proxmox's message, which names the operation.
        message: String,
    },
    /// The container is running, and the call requires a stopped one.
    #[error("The container is running.")]
    Running {
        /// Proxmox's message.
        message: String,
    },
    /// The container is not running, and the call requires a running one.
    #[error("The container is not running.")]
    NotRunning {
        /// Proxmox's message.
        message: String,
    },
    /// The configuration has changed since its digest was read. Read it again.
    #[error("The configuration has changed in the meantime.")]
    DigestMismatch {
        /// Proxmox's message.
        message: String,
    },
    /// Any other error response.
    #[error("Proxmox rejected the request: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Proxmox's message.
        message: String,
    },
    /// A task failed.
    #[error("The task failed: {exitstatus}")]
    TaskFailed {
        /// The task.
        upid: Upid,
        /// Proxmox's message.
        exitstatus: String,
        /// The last lines of the task's log.
        log_tail: Vec<String>,
    },
    /// A task was still running when the timeout expired. It continues.
    #[error("The task was still running after {} seconds.", after.as_secs_f32())]
    StillRunning {
        /// The task.
        upid: Upid,
        /// The timeout.
        after: Duration,
    },
    /// The response is not from the Proxmox API.
    #[error(
        "The response of {address} could not be parsed. Check that the address is a Proxmox \
        VE server."
    )]
    Protocol {
        /// Scheme, host and port of the endpoint.
        address: String,
        /// Why the response is invalid, for the log.
        cause: String,
    },
}

fn names(fields: &BTreeMap<String, String>) -> String {
    if fields.is_empty() {
        return "the parameters".to_owned();
    }
    fields.keys().cloned().collect::<Vec<_>>().join(", ")
}

impl Error {
    /// Proxmox's message: one line, without the location in its source code.
    pub fn proxmox_message(&self) -> Option<&str> {
        let message = match self {
            Self::Unauthorized { reason: message }
            | Self::PasswordRefused {
                reason: message, ..
            }
            | Self::Forbidden { message }
            | Self::NodeUnreachable { message, .. }
            | Self::NotFound { message }
            | Self::AlreadyExists { message }
            | Self::Locked { message }
            | Self::Running { message }
            | Self::NotRunning { message }
            | Self::DigestMismatch { message }
            | Self::Refused { message, .. }
            | Self::TaskFailed {
                exitstatus: message,
                ..
            } => message,
            Self::Invalid { message, fields } => fields.values().next().unwrap_or(message),
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Tls { .. }
            | Self::CertificateChanged { .. }
            | Self::SecondFactor { .. }
            | Self::InvalidArgument { .. }
            | Self::StillRunning { .. }
            | Self::Protocol { .. } => return None,
        };
        Some(message.as_str()).filter(|message| !message.is_empty())
    }

    /// The technical cause, for the log, where the `Display` text does not contain it.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unreachable { cause, .. }
            | Self::Tls { cause, .. }
            | Self::Protocol { cause, .. } => Some(cause),
            _ => self.proxmox_message(),
        }
    }

    /// Whether the same call may succeed later without any change by a user.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NodeUnreachable { .. }
            | Self::Timeout { .. }
            | Self::Locked { .. } => true,
            Self::Refused { status, message } => {
                matches!(status, 502..=504) || message.contains(NO_QUORUM)
            }
            Self::TaskFailed { exitstatus, .. } => classify(exitstatus) == Some(ErrorKind::Locked),
            _ => false,
        }
    }

    /// Whether the object does not exist, according to the call or its task.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound { .. } => true,
            Self::TaskFailed { exitstatus, .. } => classify(exitstatus) == Some(ErrorKind::Missing),
            _ => false,
        }
    }

    /// Whether Proxmox may have executed the call despite the error. A write must not be repeated
    /// without checking.
    pub fn may_have_executed(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } | Self::Timeout { sent, .. } => *sent,
            // The connection between the nodes broke; the node may have received the call.
            Self::NodeUnreachable { status, .. } => *status != 595,
            Self::StillRunning { .. } | Self::Protocol { .. } => true,
            _ => false,
        }
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        let reason = format!("{:?} is not {}", error.value, error.expected);
        Self::InvalidArgument {
            field: "a value".to_owned(),
            reason,
        }
    }
}
