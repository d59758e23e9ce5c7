//! Problem documents (RFC 7807) of authorities, and what they mean for people. Must not know how they
//! came.

use std::time::Duration;

use instant_acme::{Identifier, Problem};

use super::{
    error::{self, AcmeError, Refusal},
    http::Fault,
};
use crate::text;

/// What stands before the types of RFC 8555.
const PREFIX: &str = "urn:ietf:params:acme:error:";

/// Whether an error is a problem of this type.
pub(super) fn is(error: &instant_acme::Error, kind: &str) -> bool {
    found(error).is_some_and(|problem| short(problem.r#type.as_deref()) == kind)
}

/// The problem that an error is, if it is one.
pub(super) fn found(error: &instant_acme::Error) -> Option<&Problem> {
    match error {
        instant_acme::Error::Api(problem) => Some(problem),
        instant_acme::Error::Other(cause) => match cause.downcast_ref() {
            Some(Fault::Problem { problem, .. }) => Some(problem),
            _ => None,
        },
        _ => None,
    }
}

/// The type without what stands before it.
fn short(kind: Option<&str>) -> &str {
    let kind = kind.unwrap_or_default();
    kind.strip_prefix(PREFIX).unwrap_or(kind)
}

/// The authority's words, with those about each name.
pub(super) fn detail(problem: &Problem) -> Option<String> {
    let own = problem.detail.clone().or_else(|| problem.r#type.clone());
    let parts = problem.subproblems.iter().filter_map(|part| {
        let words = part.detail.as_deref()?;
        Some(match part.identifier.as_ref() {
            Some(Identifier::Dns(name)) => format!("{name}: {words}"),
            _ => words.to_owned(),
        })
    });
    let all: Vec<String> = own.into_iter().chain(parts).collect();
    Some(text::plain(&all.join(" — "), 1000)).filter(|words| !words.is_empty())
}

/// Too many requests, in the problem's words.
pub(super) fn limited(problem: &Problem, after: Option<Duration>) -> AcmeError {
    error::limited(after, detail(problem))
}

/// What a problem means. `after` is how long it is to be waited, `name` what it is about.
pub(super) fn of(problem: &Problem, after: Option<Duration>, name: Option<&str>) -> AcmeError {
    // Of several problems at once, the first is as good as any to begin with.
    let part = problem.subproblems.first();
    let about = part.and_then(|part| match part.identifier.as_ref()? {
        Identifier::Dns(name) => Some(text::plain(name, 260)),
        _ => None,
    });
    let kind = part
        .and_then(|part| part.r#type.as_deref())
        .or(problem.r#type.as_deref());
    let name = about.as_deref().or(name);
    let detail = detail(problem);
    match short(kind) {
        "rateLimited" => error::limited(after, detail),
        "accountDoesNotExist" => AcmeError::AccountGone,
        "unauthorized" if name.is_none() && is_closed(detail.as_deref()) => AcmeError::AccountGone,
        "serverInternal" => error::away(
            "The authority has trouble of its own.",
            &detail.unwrap_or_default(),
        ),
        "badNonce" => error::away(
            "The authority refused its own nonces again and again.",
            &detail.unwrap_or_default(),
        ),
        other => {
            let (kind, words) = meaning(other, name);
            AcmeError::Refused {
                kind,
                words,
                detail,
            }
        }
    }
}

/// Whether the words are about an account that was closed: its state is `deactivated` or `revoked`
/// (RFC 8555, section 7.1.6), and no type of problem says so.
fn is_closed(detail: Option<&str>) -> bool {
    let words = detail.unwrap_or_default().to_ascii_lowercase();
    let is_revoked = words.contains("status") && words.contains("\"revoked\"");
    words.contains("account") && (words.contains("deactivated") || is_revoked)
}

fn meaning(kind: &str, name: Option<&str>) -> (Refusal, String) {
    let host = name.unwrap_or("the name");
    match kind {
        "dns" => (
            Refusal::Dns,
            format!(
                "The authority could not look up {host} in DNS: its records are missing, wrong or not public."
            ),
        ),
        "connection" => (
            Refusal::Connection,
            format!(
                "The authority could not reach {host}. Its address has to lead to an edge host, and port 80 has to be open for the authority."
            ),
        ),
        "unauthorized" | "incorrectResponse" if name.is_some() => (
            Refusal::Proof,
            format!(
                "The authority looked for the proof that {host} is ours and found something else: the name leads to another host, or its record is old or not there yet."
            ),
        ),
        "unauthorized" => (
            Refusal::Account,
            "The authority does not allow this to our account.".to_owned(),
        ),
        "tls" => (
            Refusal::Tls,
            format!("The authority could not speak TLS with {host}."),
        ),
        "caa" => (
            Refusal::Caa,
            format!(
                "A CAA record forbids this authority to give certificates for {host}. Add the authority to the record, or choose another."
            ),
        ),
        "rejectedIdentifier" => (
            Refusal::Name,
            format!("The authority gives no certificates for {host}, by its own rules."),
        ),
        "unsupportedIdentifier" => (
            Refusal::NameKind,
            format!("The authority gives no certificates for names such as {host}."),
        ),
        _ => meaning_of_request(kind),
    }
}

/// The types that are about what we sent, and not about a name.
fn meaning_of_request(kind: &str) -> (Refusal, String) {
    let (kind, words) = match kind {
        "externalAccountRequired" => (
            Refusal::Binding,
            "The authority wants an external account. Give the id and the key that its pages show.",
        ),
        "userActionRequired" => (
            Refusal::UserAction,
            "The authority wants somebody to do something on its pages first, such as to agree to its new terms.",
        ),
        "invalidContact" | "unsupportedContact" => (
            Refusal::Contact,
            "The authority does not take this address of mail. Use another.",
        ),
        "badCSR" => (
            Refusal::Request,
            "The authority does not take the request for the certificate.",
        ),
        "orderNotReady" => (
            Refusal::Request,
            "The authority says that the names are not proved yet.",
        ),
        "malformed"
        | "badPublicKey"
        | "badSignatureAlgorithm"
        | "badRevocationReason"
        | "alreadyReplaced"
        | "alreadyRevoked" => (
            Refusal::Request,
            "The authority does not take what was sent.",
        ),
        _ => (Refusal::Other, "The authority refuses."),
    };
    (kind, words.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(value: serde_json::Value) -> Problem {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_type_of_the_rfc_has_words_of_its_own() {
        // RFC 8555, section 6.7, without those that are no refusals.
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
            let full = problem(json!({ "type": format!("{PREFIX}{kind}"), "detail": "its words" }));
            let error = of(&full, None, Some("web.example.org"));
            let AcmeError::Refused {
                kind: refusal,
                words,
                detail,
            } = &error
            else {
                panic!("{kind}: {error:?}");
            };
            assert_ne!(*refusal, Refusal::Other, "{kind}");
            assert!(words.ends_with('.'), "{words}");
            assert_eq!(detail.as_deref(), Some("its words"));
            assert_eq!(error.to_string(), *words);
        }
        let new = problem(json!({ "type": "urn:ietf:params:acme:error:new" }));
        let error = of(&new, None, None);
        assert_eq!(error.to_string(), "The authority refuses.");
        assert_eq!(error.detail(), Some("urn:ietf:params:acme:error:new"));
    }

    #[test]
    fn a_problem_of_one_name_is_told_with_it() {
        let full = problem(json!({
            "type": "urn:ietf:params:acme:error:malformed",
            "detail": "Some of the identifiers requested were rejected",
            "subproblems": [{
                "type": "urn:ietf:params:acme:error:rejectedIdentifier",
                "detail": "This CA will not issue for\n\"example.net\"",
                "identifier": { "type": "dns", "value": "example.net" }
            }]
        }));
        let error = of(&full, None, None);
        assert!(
            matches!(
                &error,
                AcmeError::Refused {
                    kind: Refusal::Name,
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
    fn a_closed_account_is_gone() {
        for (kind, words) in [
            ("accountDoesNotExist", "unknown"),
            (
                "unauthorized",
                "Account is not valid, has status \"deactivated\"",
            ),
        ] {
            let full = problem(json!({ "type": format!("{PREFIX}{kind}"), "detail": words }));
            assert_eq!(of(&full, None, None), AcmeError::AccountGone);
        }
    }
}
