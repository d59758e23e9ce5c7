//! What can go wrong between us and Proxmox, sorted by what the caller can do about it.
//!
//! The sentences are for people; Proxmox's own words ([`Error::words`]) stand beside them, because
//! an administrator can look those up. No secret is ever part of an error.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Fingerprint,
    answer::{Meaning, NO_QUORUM, meaning},
    ids::{Malformed, Upid},
};

/// Why a call to Proxmox gave no answer of use.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke before the answer was complete.
    #[error("Proxmox at {address} cannot be reached.")]
    Unreachable {
        /// Scheme, host and port that were tried.
        address: String,
        /// What the network said, for the log.
        cause: String,
        /// Whether the request may have arrived all the same.
        sent: bool,
    },
    /// The Proxmox that was asked is there, but cannot reach the node that the call is about
    /// (status 595 to 599).
    #[error("The Proxmox node cannot be reached by the rest of its cluster.")]
    NodeUnreachable {
        /// The HTTP status.
        status: u16,
        /// Proxmox's words.
        words: String,
    },
    /// No answer in time.
    #[error("Proxmox at {address} did not answer within {} seconds.", after.as_secs_f32())]
    Timeout {
        /// Scheme, host and port that were tried.
        address: String,
        /// How long we waited.
        after: Duration,
        /// Whether the request may have arrived all the same.
        sent: bool,
    },
    /// The connection could not be made safe: most often the certificate is not trusted.
    #[error("No safe connection to Proxmox at {address}: its certificate may not be trusted.")]
    Tls {
        /// Scheme, host and port that were tried.
        address: String,
        /// What the TLS library said, for the log.
        cause: String,
    },
    /// The server has another certificate than the one that was confirmed. Nothing was sent. Either
    /// it was renewed, and a person has to confirm the new one, or somebody stands between.
    #[error(
        "The certificate of Proxmox at {address} is not the one that was confirmed. It now has the \
         fingerprint {found}."
    )]
    CertificateChanged {
        /// Scheme, host and port that were tried.
        address: String,
        /// The fingerprint that was confirmed.
        expected: Fingerprint,
        /// The fingerprint of the certificate that was shown.
        found: Fingerprint,
    },
    /// The user name or the password is wrong, or the account is disabled; Proxmox does not say
    /// which. For a minute, no call tries it again.
    #[error("Proxmox did not accept the password of {user}.")]
    PasswordRefused {
        /// The account, with its realm.
        user: String,
        /// Proxmox's words.
        reason: String,
    },
    /// The account has a second factor, which nobody is there to give.
    #[error(
        "The account {user} needs a second factor to sign in. Use an API token, or an account \
         without one."
    )]
    SecondFactor {
        /// The account, with its realm.
        user: String,
    },
    /// The token is wrong, expired, or its user is disabled; Proxmox does not say which. With a
    /// password: the ticket was refused right after it was given.
    #[error("Proxmox did not accept the API token or the ticket.")]
    Unauthorized {
        /// Proxmox's words.
        reason: String,
    },
    /// The token or account is right, but may not do this.
    #[error("The account at Proxmox is not allowed to do this.")]
    Forbidden {
        /// Proxmox's words, which name the path and the privilege that is missing.
        message: String,
    },
    /// Proxmox refused parameters.
    #[error("Proxmox did not accept {}.", names(fields))]
    Invalid {
        /// Proxmox's words about the whole.
        message: String,
        /// Proxmox's words for each parameter.
        fields: BTreeMap<String, String>,
    },
    /// A value was not sent, because it would have meant something else there.
    #[error("The value of {field} cannot be sent to Proxmox: {reason}.")]
    Unsendable {
        /// The parameter.
        field: String,
        /// What is wrong with it, without a full stop.
        reason: String,
    },
    /// The guest, volume, storage, node or task does not exist.
    #[error("Proxmox does not have it.")]
    NotFound {
        /// Proxmox's words, which name it.
        words: String,
    },
    /// A guest with this number, or a file with this name, is already there.
    #[error("Proxmox already has it.")]
    AlreadyExists {
        /// Proxmox's words, which name it.
        words: String,
    },
    /// Another operation holds the guest.
    #[error("The container is locked by another operation.")]
    Locked {
        /// Proxmox's words, which name the operation.
        words: String,
    },
    /// The container runs, and the call is for one that does not.
    #[error("The container is running.")]
    Running {
        /// Proxmox's words.
        words: String,
    },
    /// The container does not run, and the call is for one that does.
    #[error("The container is not running.")]
    NotRunning {
        /// Proxmox's words.
        words: String,
    },
    /// The configuration is no longer the one whose digest was given. Read it again.
    #[error("The configuration was changed by somebody else.")]
    Changed {
        /// Proxmox's words.
        words: String,
    },
    /// Any other answer that is not a success.
    #[error("Proxmox refused: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Proxmox's words.
        message: String,
    },
    /// A task ended, and not well.
    #[error("The task failed: {exitstatus}")]
    TaskFailed {
        /// The task.
        upid: Upid,
        /// Proxmox's words.
        exitstatus: String,
        /// The last lines of its log.
        log_tail: Vec<String>,
    },
    /// A task had not ended when we stopped waiting. It runs on.
    #[error("The task was still running after {} seconds.", after.as_secs_f32())]
    StillRunning {
        /// The task.
        upid: Upid,
        /// How long we waited.
        after: Duration,
    },
    /// The answer is not one of the Proxmox API.
    #[error("The answer of {address} could not be understood. Is it a Proxmox VE server?")]
    Protocol {
        /// Scheme, host and port that answered.
        address: String,
        /// What was wrong with it, for the log.
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
    /// What Proxmox itself said: one line, without the place in its source code.
    pub fn words(&self) -> Option<&str> {
        let words = match self {
            Self::Unauthorized { reason: words }
            | Self::PasswordRefused { reason: words, .. }
            | Self::Forbidden { message: words }
            | Self::NodeUnreachable { words, .. }
            | Self::NotFound { words }
            | Self::AlreadyExists { words }
            | Self::Locked { words }
            | Self::Running { words }
            | Self::NotRunning { words }
            | Self::Changed { words }
            | Self::Refused { message: words, .. }
            | Self::TaskFailed {
                exitstatus: words, ..
            } => words,
            Self::Invalid { message, fields } => fields.values().next().unwrap_or(message),
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Tls { .. }
            | Self::CertificateChanged { .. }
            | Self::SecondFactor { .. }
            | Self::Unsendable { .. }
            | Self::StillRunning { .. }
            | Self::Protocol { .. } => return None,
        };
        Some(words.as_str()).filter(|words| !words.is_empty())
    }

    /// What happened technically, for the log, where the sentence does not say it.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unreachable { cause, .. }
            | Self::Tls { cause, .. }
            | Self::Protocol { cause, .. } => Some(cause),
            _ => self.words(),
        }
    }

    /// Whether the same call may well work later, with nobody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NodeUnreachable { .. }
            | Self::Timeout { .. }
            | Self::Locked { .. } => true,
            Self::Refused { status, message } => {
                matches!(status, 502..=504) || message.contains(NO_QUORUM)
            }
            Self::TaskFailed { exitstatus, .. } => meaning(exitstatus) == Some(Meaning::Locked),
            _ => false,
        }
    }

    /// Whether the call says that the thing does not exist, at once or by the end of its task.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound { .. } => true,
            Self::TaskFailed { exitstatus, .. } => meaning(exitstatus) == Some(Meaning::Missing),
            _ => false,
        }
    }

    /// Whether Proxmox may be doing what was asked although there is no answer. A write must not be
    /// repeated then before looking.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } | Self::Timeout { sent, .. } => *sent,
            // The hop between the nodes broke; the node itself may have got the call.
            Self::NodeUnreachable { status, .. } => *status != 595,
            Self::StillRunning { .. } | Self::Protocol { .. } => true,
            _ => false,
        }
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        let reason = format!("{:?} is not {}", malformed.value, malformed.what);
        Self::Unsendable {
            field: "a value".to_owned(),
            reason,
        }
    }
}
