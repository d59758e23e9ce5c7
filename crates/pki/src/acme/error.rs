//! Errors of the ACME client, sorted by what the caller can do. The messages are for users; the
//! CA's own message is in [`AcmeError::detail`], because administrators can search for it. Errors
//! never contain secrets.

use model::Timestamp;

use super::{http::ExchangeError, problem, retry};
use crate::text;

/// A failed ACME operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcmeError {
    /// The CA is unreachable, has an internal error, or sends an invalid response: a later attempt
    /// may succeed.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
        /// The CA's or the network's message.
        detail: Option<String>,
    },
    /// A rate limit was hit: earlier attempts do not help.
    #[error("{message}")]
    RateLimited {
        /// The earliest time of the next attempt, if the CA sent one.
        until: Option<Timestamp>,
        /// What happened.
        message: String,
        /// The CA's message, which names the limit.
        detail: Option<String>,
    },
    /// The CA refused the request: a user has to correct something.
    #[error("{message}")]
    Refused {
        /// The reason.
        kind: RefusalKind,
        /// What happened and what to do.
        message: String,
        /// The CA's message.
        detail: Option<String>,
    },
    /// The solver could not publish the challenge responses. The CA was not asked to validate.
    #[error("{message}")]
    ChallengeNotPublished {
        /// The message of the [`super::Solver`].
        message: String,
    },
    /// The TLS certificate of the directory is not trusted. Nothing was sent.
    #[error("{message}")]
    Untrusted {
        /// What to do.
        message: String,
        /// Why the certificate is not trusted.
        detail: Option<String>,
    },
    /// The CA does not know the account, or it was deactivated: create another.
    #[error("The CA no longer has this ACME account.")]
    AccountGone,
}

impl AcmeError {
    /// The message of the CA, or of the network layer.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Unavailable { detail, .. }
            | Self::RateLimited { detail, .. }
            | Self::Refused { detail, .. }
            | Self::Untrusted { detail, .. } => detail.as_deref(),
            Self::ChallengeNotPublished { .. } | Self::AccountGone => None,
        }
    }
}

/// The reason of a refusal: the error types of RFC 8555, section 6.7, grouped by remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// A DNS lookup of a name failed (`dns`).
    Dns,
    /// The CA could not connect to a name's host (`connection`).
    Connection,
    /// The challenge response is wrong (`unauthorized`, `incorrectResponse`).
    WrongResponse,
    /// TLS with a name's host failed (`tls`).
    Tls,
    /// A CAA record forbids it (`caa`, RFC 8659).
    Caa,
    /// The CA does not issue for this name (`rejectedIdentifier`).
    Name,
    /// The CA does not issue for this kind of name (`unsupportedIdentifier`).
    NameKind,
    /// The CA does not offer the challenge type for a name.
    NoChallenge,
    /// An external account binding is required or wrong (`externalAccountRequired`).
    ExternalAccount,
    /// A user has to act on the CA's website (`userActionRequired`).
    UserAction,
    /// The CA rejects the contact address (`invalidContact`, `unsupportedContact`).
    Contact,
    /// The account is not authorized (`unauthorized` without a name).
    Account,
    /// The CA rejects the request (`malformed`, `badCSR`, `orderNotReady` and others).
    Request,
    /// Any other error type.
    Other,
}

/// Converts an error of the library. The message includes the name if one is known.
pub(super) fn from_acme(error: instant_acme::Error, name: Option<&str>) -> AcmeError {
    match error {
        instant_acme::Error::Api(problem) => problem::to_error(&problem, None, name),
        instant_acme::Error::Other(cause) => match cause.downcast::<ExchangeError>() {
            Ok(error) => from_exchange(*error, name),
            Err(cause) => invalid_response(&cause.to_string()),
        },
        instant_acme::Error::Timeout(_) => timed_out(),
        other => invalid_response(&other.to_string()),
    }
}

fn from_exchange(error: ExchangeError, name: Option<&str>) -> AcmeError {
    match error {
        ExchangeError::Network(cause) => unavailable("The CA is unreachable.", &cause),
        ExchangeError::Untrusted(cause) => untrusted(&cause),
        ExchangeError::Redirect(location) => unavailable(
            "The CA redirects its directory to another URL. Use that URL.",
            &location,
        ),
        ExchangeError::InvalidResponse(reason) => invalid_response(&reason),
        ExchangeError::Problem {
            problem,
            status,
            retry_after,
        } => match status {
            // Let's Encrypt responds with 503 and `Retry-After` while it is overloaded.
            429 | 503 if retry_after.is_some() => problem::rate_limited(&problem, retry_after),
            429 => problem::rate_limited(&problem, None),
            500.. => unavailable(
                "The CA reported an internal error.",
                &problem::detail(&problem).unwrap_or_else(|| format!("status {status}")),
            ),
            _ => problem::to_error(&problem, retry_after, name),
        },
        ExchangeError::Status {
            status,
            retry_after,
            text,
        } => match status {
            429 => rate_limited(retry_after, Some(text)),
            503 if retry_after.is_some() => rate_limited(retry_after, Some(text)),
            500.. => unavailable(
                "The CA reported an internal error.",
                &format!("status {status}: {text}"),
            ),
            _ => invalid_response(&format!("status {status}: {text}")),
        },
    }
}

/// The CA is unavailable; `detail` is the message of the CA or the network.
pub(super) fn unavailable(message: &str, detail: &str) -> AcmeError {
    AcmeError::Unavailable {
        message: message.to_owned(),
        detail: Some(text::sanitize(detail, 1000)).filter(|detail| !detail.is_empty()),
    }
}

/// The CA sent a response that is no valid ACME.
pub(super) fn invalid_response(reason: &str) -> AcmeError {
    unavailable(
        "The CA's response is not ACME. Check that the URL is an ACME directory.",
        reason,
    )
}

/// The CA did not finish before the order's timeout.
pub(super) fn timed_out() -> AcmeError {
    AcmeError::Unavailable {
        message: "The CA did not finish in time.".to_owned(),
        detail: None,
    }
}

/// A rate limit. The end is the later of the header's and the message's.
pub(super) fn rate_limited(
    retry_after: Option<std::time::Duration>,
    detail: Option<String>,
) -> AcmeError {
    let named = detail.as_deref().and_then(retry::parse_retry_time);
    let until = named.max(retry_after.map(retry::from_now));
    let message = match until {
        Some(until) => format!(
            "The CA's rate limit is reached. Retry after {}.",
            until.rfc3339()
        ),
        None => "The CA's rate limit is reached.".to_owned(),
    };
    AcmeError::RateLimited {
        until,
        message,
        detail,
    }
}

/// A refusal by this client, before any request.
pub(super) fn refused(message: String) -> AcmeError {
    AcmeError::Refused {
        kind: RefusalKind::Other,
        message,
        detail: None,
    }
}

/// The directory's TLS certificate is not trusted.
pub(super) fn untrusted(cause: &str) -> AcmeError {
    AcmeError::Untrusted {
        message: "The TLS certificate of the CA's directory is not trusted. For a private CA, \
            paste its root certificates."
            .to_owned(),
        detail: Some(text::sanitize(cause, 1000)),
    }
}
