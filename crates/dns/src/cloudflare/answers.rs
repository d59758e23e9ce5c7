//! What Cloudflare's API answers, and what its refusals mean.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{DnsError, Value, http::Answer};

/// The codes with which it says that the token is none, is not valid any more, or may not do this.
const UNAUTHORIZED: [i64; 6] = [1000, 6003, 6111, 9106, 9109, 10000];

/// The codes with which it says that there is no such zone.
const NO_ZONE: [i64; 2] = [7000, 7003];

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope<T> {
    success: bool,
    #[serde(default = "Vec::new")]
    errors: Vec<Complaint>,
    result: Option<T>,
    result_info: Option<Place>,
}

#[derive(Deserialize)]
struct Complaint {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_chain: Vec<Complaint>,
}

impl Complaint {
    fn with_chain(&self) -> Vec<&Self> {
        let mut all = vec![self];
        all.extend(self.error_chain.iter().flat_map(Self::with_chain));
        all
    }
}

/// Which page of a list it is.
#[derive(Clone, Copy, Default, Deserialize)]
struct Place {
    #[serde(default)]
    page: u32,
    #[serde(default)]
    total_pages: u32,
}

/// What an answer carries, and whether more of a list follows.
pub(super) struct Page<T> {
    pub(super) result: T,
    place: Place,
}

impl<T> Page<T> {
    pub(super) fn is_last(&self) -> bool {
        self.place.page >= self.place.total_pages
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: String,
}

impl Zone {
    pub(super) fn is_active(&self) -> bool {
        self.status == "active"
    }
}

/// A record that is kept there.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    content: String,
}

impl Kept {
    /// Its value; none for types that are not ours. Texts come back as they were sent, and others
    /// send them without quotes.
    pub(super) fn value(&self) -> Option<Value> {
        let text = self.content.as_str();
        match self.kind.as_str() {
            "TXT" => {
                let inside = text
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'));
                Some(Value::Txt(inside.unwrap_or(text).to_owned()))
            }
            "A" => text.parse().ok().map(Value::A),
            "AAAA" => text.parse().ok().map(Value::Aaaa),
            _ => None,
        }
    }
}

/// Why a call was not done, with Cloudflare's codes.
#[derive(Debug)]
pub(super) struct Refusal {
    codes: Vec<i64>,
    error: DnsError,
}

impl Refusal {
    pub(super) fn has(&self, codes: &[i64]) -> bool {
        self.codes.iter().any(|code| codes.contains(code))
    }
}

impl From<DnsError> for Refusal {
    fn from(error: DnsError) -> Self {
        Self {
            codes: Vec::new(),
            error,
        }
    }
}

impl From<Refusal> for DnsError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

/// Reads an answer.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<Page<T>, Refusal> {
    let odd = || {
        DnsError::refused(format!(
            "The answer is not one of Cloudflare's API (HTTP {}).",
            answer.status
        ))
    };
    // What a refusal carries beside its errors does not count, and is not always of the type.
    let envelope: Envelope<serde_json::Value> =
        serde_json::from_slice(&answer.body).map_err(|_| odd())?;
    if !envelope.success || !answer.status.is_success() {
        return Err(refusal(answer.status.as_u16(), &envelope.errors));
    }
    let result = envelope.result.unwrap_or_default();
    Ok(Page {
        result: serde_json::from_value(result).map_err(|_| odd())?,
        place: envelope.result_info.unwrap_or_default(),
    })
}

fn refusal(status: u16, errors: &[Complaint]) -> Refusal {
    let all: Vec<&Complaint> = errors.iter().flat_map(Complaint::with_chain).collect();
    let codes: Vec<i64> = all.iter().map(|complaint| complaint.code).collect();
    let words: Vec<String> = all
        .iter()
        .map(|complaint| {
            let message = complaint.message.trim().trim_end_matches('.');
            format!("{message} ({})", complaint.code)
        })
        .collect();
    let words = match words.is_empty() {
        true => format!("HTTP {status}"),
        false => words.join("; "),
    };
    let has = |known: &[i64]| codes.iter().any(|code| known.contains(code));
    let error = if matches!(status, 401 | 403) || has(&UNAUTHORIZED) {
        DnsError::unauthorized(format!(
            "Cloudflare does not take the token, or it may not do this: it needs Zone Read and DNS \
             Edit. Cloudflare says: {words}."
        ))
    } else if has(&NO_ZONE) {
        DnsError::no_zone(format!("Cloudflare does not know the zone: {words}."))
    } else {
        DnsError::refused(format!("Cloudflare refused: {words}."))
    };
    Refusal { codes, error }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.into(),
        }
    }

    fn error(status: u16, body: &str) -> DnsError {
        let read = read::<Vec<Zone>>(&answer(status, body));
        read.err().unwrap().into()
    }

    #[test]
    fn a_refusal_is_told_by_what_can_be_done_about_it() {
        let wrapped = |code: i64| {
            format!(
                r#"{{"success":false,"errors":[{{"code":{code},"message":"No."}}],"messages":[],"result":null}}"#
            )
        };
        for (status, code) in [(403, 10000), (403, 9109), (400, 6003), (401, 1000)] {
            let error = error(status, &wrapped(code));
            assert!(matches!(error, DnsError::Unauthorized { .. }), "{error:?}");
        }
        assert!(matches!(
            error(404, &wrapped(7003)),
            DnsError::NoZone { .. }
        ));
        let refused = error(400, &wrapped(81053));
        assert_eq!(
            refused,
            DnsError::refused("Cloudflare refused: No (81053).")
        );
        for body in ["", "<html>", "[]", "{}", r#"{"success":true,"result":7}"#] {
            assert!(
                matches!(error(200, body), DnsError::Refused { .. }),
                "{body}"
            );
        }
    }

    #[test]
    fn what_an_error_was_caused_by_is_said_too() {
        let body = r#"{"success":false,"errors":[{"code":6003,"message":"Invalid request headers",
            "error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}]}"#;
        let words = error(400, body).to_string();
        assert!(
            words.contains("Invalid format for Authorization header (6111)"),
            "{words}"
        );
    }

    #[test]
    fn a_text_is_read_with_quotes_and_without() {
        let kept = |kind: &str, content: &str| Kept {
            id: String::new(),
            name: String::new(),
            kind: kind.into(),
            content: content.into(),
        };
        for content in ["\"abc\"", "abc"] {
            assert_eq!(kept("TXT", content).value(), Some(Value::Txt("abc".into())));
        }
        assert_eq!(
            kept("A", "192.0.2.1").value(),
            Some(Value::A([192, 0, 2, 1].into()))
        );
        assert_eq!(kept("CNAME", "example.org").value(), None);
    }
}
