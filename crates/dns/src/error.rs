//! Errors of DNS providers, sorted by what the caller can do.
//!
//! The messages are sentences for users and include the provider's own message. They never contain
//! secrets.

use std::time::Duration;

/// A failed provider operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The provider is unreachable or has a temporary failure. A later attempt may succeed.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
    /// The credentials are invalid or lack permission. A user has to change them.
    #[error("{message}")]
    Unauthorized {
        /// Why the credentials were rejected.
        message: String,
    },
    /// The provider has no zone for the name.
    #[error("{message}")]
    NoZone {
        /// The name and the provider.
        message: String,
    },
    /// A rate limit was hit. Send no request before it ends.
    #[error("{message}")]
    RateLimited {
        /// The provider's message.
        message: String,
        /// When to retry, if the provider sent a time.
        retry_after: Option<Duration>,
    },
    /// The provider rejected the request permanently.
    #[error("{message}")]
    Refused {
        /// The rejected request and the reason.
        message: String,
    },
}

impl DnsError {
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable {
            message: message.into(),
        }
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::Unauthorized {
            message: message.into(),
        }
    }

    pub(crate) fn no_zone(message: impl Into<String>) -> Self {
        Self::NoZone {
            message: message.into(),
        }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused {
            message: message.into(),
        }
    }

    /// Whether the same call may succeed later without a change by a user.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::RateLimited { .. })
    }
}
