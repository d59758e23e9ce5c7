//! Maps ACME problem documents (RFC 7807) to errors with messages for users. Must not know the
//! transport.

use std::time::Duration;

use instant_acme::{Identifier, Problem};

use super::{
    error::{self, AcmeError, RefusalKind},
    http::ExchangeError,
};
use crate::text;

/// Prefix of the error types of RFC 8555.
const PREFIX: &str = "urn:ietf:params:acme:error:";

/// Whether an error is a problem of this type.
pub(super) fn is_type(error: &instant_acme::Error, kind: &str) -> bool {
    problem_of(error).is_some_and(|problem| strip_prefix(problem.r#type.as_deref()) == kind)
}

/// The problem document of an error, if there is one.
pub(super) fn problem_of(error: &instant_acme::Error) -> Option<&Problem> {
    match error {
        instant_acme::Error::Api(problem) => Some(problem),
        instant_acme::Error::Other(cause) => match cause.downcast_ref() {
            Some(ExchangeError::Problem { problem, .. }) => Some(problem),
            _ => None,
        },
        _ => None,
    }
}

/// The error type without [`PREFIX`].
fn strip_prefix(kind: Option<&str>) -> &str {
    let kind = kind.unwrap_or_default();
    kind.strip_prefix(PREFIX).unwrap_or(kind)
}

/// The CA's message, followed by the messages of the subproblems.
pub(super) fn detail(problem: &Problem) -> Option<String> {
    let own = problem.detail.clone().or_else(|| problem.r#type.clone());
    let parts = problem.subproblems.iter().filter_map(|part| {
        let message = part.detail.as_deref()?;
        Some(match part.identifier.as_ref() {
            Some(Identifier::Dns(name)) => format!("{name}: {message}"),
            _ => message.to_owned(),
        })
    });
    let all: Vec<String> = own.into_iter().chain(parts).collect();
    Some(text::sanitize(&all.join(" — "), 1000)).filter(|message| !message.is_empty())
}

/// A rate limit, with the message of the problem.
pub(super) fn rate_limited(problem: &Problem, retry_after: Option<Duration>) -> AcmeError {
    error::rate_limited(retry_after, detail(problem))
}

/// Converts a problem document. `retry_after` is the header's value, `name` the domain that the
/// request was about.
pub(super) fn to_error(
    problem: &Problem,
    retry_after: Option<Duration>,
    name: Option<&str>,
) -> AcmeError {
    // Only the first of several subproblems is reported.
    let first = problem.subproblems.first();
    let identifier = first.and_then(|problem| match problem.identifier.as_ref()? {
        Identifier::Dns(name) => Some(text::sanitize(name, 260)),
        _ => None,
    });
    let kind = first
        .and_then(|problem| problem.r#type.as_deref())
        .or(problem.r#type.as_deref());
    let name = identifier.as_deref().or(name);
    let detail = detail(problem);
    match strip_prefix(kind) {
        "rateLimited" => error::rate_limited(retry_after, detail),
        "accountDoesNotExist" => AcmeError::AccountGone,
        "unauthorized" if name.is_none() && is_closed(detail.as_deref()) => AcmeError::AccountGone,
        "serverInternal" => error::unavailable(
            "The CA reported an internal error.",
            &detail.unwrap_or_default(),
        ),
        "badNonce" => error::unavailable(
            "The CA repeatedly rejected its own nonces.",
            &detail.unwrap_or_default(),
        ),
        other => {
            let (kind, message) = describe(other, name);
            AcmeError::Refused {
                kind,
                message,
                detail,
            }
        }
    }
}

/// Whether the message is about a closed account: its status is `deactivated` or `revoked` (RFC
/// 8555, section 7.1.6), for which there is no error type.
fn is_closed(detail: Option<&str>) -> bool {
    let message = detail.unwrap_or_default().to_ascii_lowercase();
    let is_revoked = message.contains("status") && message.contains("\"revoked\"");
    message.contains("account") && (message.contains("deactivated") || is_revoked)
}

fn describe(kind: &str, name: Option<&str>) -> (RefusalKind, String) {
    let host = name.unwrap_or("the name");
    match kind {
        "dns" => (
            RefusalKind::Dns,
            format!(
                "The CA could not resolve {host}. Check that its DNS records exist and are public."
            ),
        ),
        "connection" => (
            RefusalKind::Connection,
            format!(
                "The CA could not connect to {host}. Check that the name resolves to an edge host \
                    and that port 80 is open."
            ),
        ),
        "unauthorized" | "incorrectResponse" if name.is_some() => (
            RefusalKind::WrongResponse,
            format!(
                "The CA received a wrong challenge response for {host}. Check that the name \
                    resolves to an edge host or that its TXT record is current."
            ),
        ),
        "unauthorized" => (
            RefusalKind::Account,
            "The CA does not allow this for the ACME account.".to_owned(),
        ),
        "tls" => (
            RefusalKind::Tls,
            format!("The CA could not establish a TLS connection with {host}."),
        ),
        "caa" => (
            RefusalKind::Caa,
            format!(
                "A CAA record forbids this CA to issue certificates for {host}. Add the CA to the \
                    record, or choose another CA."
            ),
        ),
        "rejectedIdentifier" => (
            RefusalKind::Name,
            format!("The CA's policy forbids certificates for {host}."),
        ),
        "unsupportedIdentifier" => (
            RefusalKind::NameKind,
            format!("The CA does not issue certificates for names such as {host}."),
        ),
        _ => describe_request_error(kind),
    }
}

/// Error types about the request itself, not about a name.
fn describe_request_error(kind: &str) -> (RefusalKind, String) {
    let (kind, message) = match kind {
        "externalAccountRequired" => (
            RefusalKind::ExternalAccount,
            "The CA requires an external account. Enter the key ID and the HMAC key from the CA's \
                website.",
        ),
        "userActionRequired" => (
            RefusalKind::UserAction,
            "The CA requires an action on its website first, such as agreeing to new terms.",
        ),
        "invalidContact" | "unsupportedContact" => (
            RefusalKind::Contact,
            "The CA rejected the email address. Use another.",
        ),
        "badCSR" => (
            RefusalKind::Request,
            "The CA rejected the certificate request.",
        ),
        "orderNotReady" => (
            RefusalKind::Request,
            "The CA reports that the names are not validated yet.",
        ),
        "malformed"
        | "badPublicKey"
        | "badSignatureAlgorithm"
        | "badRevocationReason"
        | "alreadyReplaced"
        | "alreadyRevoked" => (
            RefusalKind::Request,
            "The CA rejected the request as malformed.",
        ),
        _ => (RefusalKind::Other, "The CA rejected the request."),
    };
    (kind, message.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(value: serde_json::Value) -> Problem {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_rfc_8555_error_type_has_a_message() {
        // RFC 8555, section 6.7, without the types that are no refusals.
        let kinds = [
            "badCSR",
            "badPublicKey",
            "badRevocationReason",
            "badSignatureAlgorithm",
            "caa",
            "connection",
            "dns",
            "externalAccountRequired",
            "incorrectResponse",
            "invalidContact",
            "malformed",
            "orderNotReady",
            "rejectedIdentifier",
            "tls",
            "unauthorized",
            "unsupportedContact",
            "unsupportedIdentifier",
            "userActionRequired",
        ];
        for kind in kinds {
            let full =
                problem(json!({ "type": format!("{PREFIX}{kind}"), "detail": "its message" }));
            let error = to_error(&full, None, Some("web.example.org"));
            let AcmeError::Refused {
                kind: refusal,
                message,
                detail,
            } = &error
            else {
                panic!("{kind}: {error:?}");
            };
            assert_ne!(*refusal, RefusalKind::Other, "{kind}");
            assert!(message.ends_with('.'), "{message}");
            assert_eq!(detail.as_deref(), Some("its message"));
            assert_eq!(error.to_string(), *message);
        }
        let new = problem(json!({ "type": "urn:ietf:params:acme:error:new" }));
        let error = to_error(&new, None, None);
        assert_eq!(error.to_string(), "The CA rejected the request.");
        assert_eq!(error.detail(), Some("urn:ietf:params:acme:error:new"));
    }

    #[test]
    fn subproblem_error_names_the_domain() {
        let full = problem(json!({
            "type": "urn:ietf:params:acme:error:malformed",
            "detail": "Some of the identifiers requested were rejected",
            "subproblems": [{
                "type": "urn:ietf:params:acme:error:rejectedIdentifier",
                "detail": "This CA will not issue for\n\"example.net\"",
                "identifier": { "type": "dns", "value": "example.net" }
            }]
        }));
        let error = to_error(&full, None, None);
        assert!(
            matches!(
                &error,
                AcmeError::Refused {
                    kind: RefusalKind::Name,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains("example.net"), "{error}");
        assert_eq!(
            error.detail(),
            Some(
                "Some of the identifiers requested were rejected — example.net: This CA will not issue for \"example.net\""
            )
        );
    }

    #[test]
    fn deactivated_account_is_reported_as_gone() {
        for (kind, message) in [
            ("accountDoesNotExist", "unknown"),
            (
                "unauthorized",
                "Account is not valid, has status \"deactivated\"",
            ),
        ] {
            let full = problem(json!({ "type": format!("{PREFIX}{kind}"), "detail": message }));
            assert_eq!(to_error(&full, None, None), AcmeError::AccountGone);
        }
    }
}
