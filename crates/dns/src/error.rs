//! What can go wrong between us and a provider, sorted by what the caller can do about it.
//!
//! The words are sentences for people, with the provider's own beside ours. No secret is ever part
//! of them.

use std::time::Duration;

/// Why a provider did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// It cannot be reached, or cannot do it now. The same call may well work later.
    #[error("{words}")]
    Away {
        /// What happened.
        words: String,
    },
    /// The token, key or password is not accepted, or may not do this. Somebody has to change it.
    #[error("{words}")]
    Unauthorized {
        /// What is wrong with it.
        words: String,
    },
    /// No zone there holds the name.
    #[error("{words}")]
    NoZone {
        /// Which was looked for, and where.
        words: String,
    },
    /// Too much was asked of it. Nothing may be asked before that time is over.
    #[error("{words}")]
    Limited {
        /// What it said.
        words: String,
        /// How long it wants to be left alone; none when it does not say.
        retry_after: Option<Duration>,
    },
    /// It was understood and will not be done.
    #[error("{words}")]
    Refused {
        /// What was refused and why.
        words: String,
    },
}

impl DnsError {
    pub(crate) fn away(words: impl Into<String>) -> Self {
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

    /// Whether the same call may well work later, with nobody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Limited { .. })
    }
}
