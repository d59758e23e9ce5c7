//! Errors of DNS providers, sorted by what the caller can do.
//!
//! The messages are sentences for users and include the provider's own message. They never contain
//! secrets.

use std::time::Duration;

/// A failed provider operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The provider is unreachable or has a temporary failure. A later attempt may succeed.
    #[error("{words}")]
    Away {
        /// What happened.
        words: String,
    },
    /// The credentials are invalid or lack permission. A user has to change them.
    #[error("{words}")]
    Unauthorized {
        /// What is wrong with the credentials.
        words: String,
    },
    /// The provider has no zone for the name.
    #[error("{words}")]
    NoZone {
        /// The name and the provider.
        words: String,
    },
    /// A rate limit was hit. Send no request before it ends.
    #[error("{words}")]
    Limited {
        /// The provider's message.
        words: String,
        /// When to retry, if the provider sent a time.
        retry_after: Option<Duration>,
    },
    /// The provider rejected the request permanently.
    #[error("{words}")]
    Refused {
        /// What was rejected and why.
        words: String,
    },
}

impl DnsError {
    pub(crate) fn unavailable(words: impl Into<String>) -> Self {
        Self::Away {
            words: words.into(),
        }
    }

    pub(crate) fn unauthorized(words: impl Into<String>) -> Self {
        Self::Unauthorized {
            words: words.into(),
        }
    }

    pub(crate) fn no_zone(words: impl Into<String>) -> Self {
        Self::NoZone {
            words: words.into(),
        }
    }

    pub(crate) fn refused(words: impl Into<String>) -> Self {
        Self::Refused {
            words: words.into(),
        }
    }

    /// Whether the same call may succeed later without a change by a user.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Limited { .. })
    }
}
