//! Why an authority gave no answer of use, sorted by what the caller can do about it. The sentences
//! are for people; the authority's own words stand beside them ([`AcmeError::detail`]), because an
//! administrator can look those up. No secret is ever part of an error.

use model::Timestamp;

use super::{http::Fault, problem, retry};
use crate::text;

/// Why an authority gave no answer of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcmeError {
    /// It cannot be reached, has trouble of its own, or does not make sense: trying later may help.
    #[error("{words}")]
    Away {
        /// What happened.
        words: String,
        /// What was said about it.
        detail: Option<String>,
    },
    /// It was asked too often: trying before that moment does not help.
    #[error("{words}")]
    Limited {
        /// From when it may be asked again, where it said so.
        until: Option<Timestamp>,
        /// What happened.
        words: String,
        /// The authority's words, which name the limit.
        detail: Option<String>,
    },
    /// It does not give what was asked for: somebody has to put something right.
    #[error("{words}")]
    Refused {
        /// Why.
        kind: Refusal,
        /// What happened and what to do.
        words: String,
        /// The authority's words.
        detail: Option<String>,
    },
    /// What it wanted to find could not be put where it looks. It was not asked to look.
    #[error("{words}")]
    Unsolved {
        /// The words of the [`super::Solver`].
        words: String,
    },
    /// The directory's own certificate is not one that is believed. Nothing was told to it.
    #[error("{words}")]
    Untrusted {
        /// What to do.
        words: String,
        /// What is wrong with the certificate.
        detail: Option<String>,
    },
    /// The authority does not know the account (any more), or it was closed: make another.
    #[error("The authority does not know our account any more.")]
    AccountGone,
}

impl AcmeError {
    /// The words of the authority, or of the network on the way there.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Away { detail, .. }
            | Self::Limited { detail, .. }
            | Self::Refused { detail, .. }
            | Self::Untrusted { detail, .. } => detail.as_deref(),
            Self::Unsolved { .. } | Self::AccountGone => None,
        }
    }
}

/// Why an authority refuses: the types of RFC 8555, section 6.7, by what to do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A name could not be looked up (`dns`).
    Dns,
    /// A name's host could not be reached (`connection`).
    Connection,
    /// What was found there is not the proof (`unauthorized`, `incorrectResponse`).
    Proof,
    /// A name's host has trouble with TLS (`tls`).
    Tls,
    /// A CAA record forbids it (`caa`, RFC 8659).
    Caa,
    /// It gives nothing for this name (`rejectedIdentifier`).
    Name,
    /// It gives nothing for this kind of name (`unsupportedIdentifier`).
    NameKind,
    /// It offers no such proof for a name.
    NoChallenge,
    /// An external account is needed, or the one given is wrong (`externalAccountRequired`).
    Binding,
    /// Somebody has to do something on its pages (`userActionRequired`).
    UserAction,
    /// It does not take the address of mail (`invalidContact`, `unsupportedContact`).
    Contact,
    /// Our account may not do this (`unauthorized` without a name).
    Account,
    /// It does not take what we sent (`malformed`, `badCSR`, `orderNotReady` and others).
    Request,
    /// Something else.
    Other,
}

/// The error that one of the library is. Where a name is known, the sentence has it.
pub(super) fn of(error: instant_acme::Error, name: Option<&str>) -> AcmeError {
    match error {
        instant_acme::Error::Api(problem) => problem::of(&problem, None, name),
        instant_acme::Error::Other(cause) => match cause.downcast::<Fault>() {
            Ok(fault) => of_fault(*fault, name),
            Err(cause) => nonsense(&cause.to_string()),
        },
        instant_acme::Error::Timeout(_) => slow(),
        other => nonsense(&other.to_string()),
    }
}

fn of_fault(fault: Fault, name: Option<&str>) -> AcmeError {
    match fault {
        Fault::Network(cause) => away("The authority cannot be reached.", &cause),
        Fault::Untrusted(cause) => untrusted(&cause),
        Fault::Elsewhere(place) => away(
            "The authority's directory is elsewhere now. Use that address.",
            &place,
        ),
        Fault::Nonsense(what) => nonsense(&what),
        Fault::Problem {
            problem,
            status,
            after,
        } => match status {
            // Let's Encrypt answers 503 and says when to come again while it has too much to do.
            429 | 503 if after.is_some() => problem::limited(&problem, after),
            429 => problem::limited(&problem, None),
            500.. => away(
                "The authority has trouble of its own.",
                &problem::detail(&problem).unwrap_or_else(|| format!("status {status}")),
            ),
            _ => problem::of(&problem, after, name),
        },
        Fault::Status {
            status,
            after,
            text,
        } => match status {
            429 => limited(after, Some(text)),
            503 if after.is_some() => limited(after, Some(text)),
            500.. => away(
                "The authority has trouble of its own.",
                &format!("status {status}: {text}"),
            ),
            _ => nonsense(&format!("status {status}: {text}")),
        },
    }
}

/// An authority that is away, in words and those of others.
pub(super) fn away(words: &str, detail: &str) -> AcmeError {
    AcmeError::Away {
        words: words.to_owned(),
        detail: Some(text::plain(detail, 1000)).filter(|detail| !detail.is_empty()),
    }
}

/// An answer that makes no sense.
pub(super) fn nonsense(what: &str) -> AcmeError {
    away(
        "The authority answers in a way that is not understood. See that the address is one of an ACME directory.",
        what,
    )
}

/// An authority that does not come to an end.
pub(super) fn slow() -> AcmeError {
    AcmeError::Away {
        words: "The authority did not come to an end in time.".to_owned(),
        detail: None,
    }
}

/// Too many requests, until a moment that was said somewhere.
pub(super) fn limited(after: Option<std::time::Duration>, detail: Option<String>) -> AcmeError {
    let told = detail.as_deref().and_then(retry::moment_in);
    let until = told.max(after.map(retry::from_now));
    let words = match until {
        Some(until) => format!(
            "The authority was asked too often. It may be asked again from {} on.",
            until.rfc3339()
        ),
        None => "The authority was asked too often.".to_owned(),
    };
    AcmeError::Limited {
        until,
        words,
        detail,
    }
}

/// A refusal of our own, before anything is asked.
pub(super) fn refused(words: String) -> AcmeError {
    AcmeError::Refused {
        kind: Refusal::Other,
        words,
        detail: None,
    }
}

/// A directory that is not believed.
pub(super) fn untrusted(cause: &str) -> AcmeError {
    AcmeError::Untrusted {
        words: "The certificate of the authority's directory is not one that is believed. If the authority is your own, paste its root certificates.".to_owned(),
        detail: Some(text::plain(cause, 1000)),
    }
}
