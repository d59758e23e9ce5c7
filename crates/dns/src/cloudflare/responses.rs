//! Responses of Cloudflare's API and the meaning of its error codes.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{DnsError, RecordValue, http::ApiResponse};

/// Error codes for a token that is invalid, expired, or lacks a permission.
const UNAUTHORIZED: [i64; 6] = [1000, 6003, 6111, 9106, 9109, 10000];

/// Error codes for an unknown zone.
const NO_ZONE: [i64; 2] = [7000, 7003];

/// The envelope of every response.
#[derive(Deserialize)]
struct Envelope<T> {
    success: bool,
    #[serde(default = "Vec::new")]
    errors: Vec<ErrorEntry>,
    result: Option<T>,
    result_info: Option<PageInfo>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_chain: Vec<ErrorEntry>,
}

impl ErrorEntry {
    fn with_chain(&self) -> Vec<&Self> {
        let mut all = vec![self];
        all.extend(self.error_chain.iter().flat_map(Self::with_chain));
        all
    }
}

/// The page of a list.
#[derive(Clone, Copy, Default, Deserialize)]
struct PageInfo {
    #[serde(default)]
    page: u32,
    #[serde(default)]
    total_pages: u32,
}

/// A result, with its page if it is a list.
pub(super) struct Page<T> {
    pub(super) result: T,
    info: PageInfo,
}

impl<T> Page<T> {
    pub(super) fn is_last(&self) -> bool {
        self.info.page >= self.info.total_pages
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

/// A record in the API.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ApiRecord {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    content: String,
}

impl ApiRecord {
    /// The value; `None` for unsupported types. Cloudflare returns TXT content as it was sent, with
    /// or without quotes.
    pub(super) fn value(&self) -> Option<RecordValue> {
        let text = self.content.as_str();
        match self.kind.as_str() {
            "TXT" => {
                let inside = text
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'));
                Some(RecordValue::Txt(inside.unwrap_or(text).to_owned()))
            }
            "A" => text.parse().ok().map(RecordValue::A),
            "AAAA" => text.parse().ok().map(RecordValue::Aaaa),
            _ => None,
        }
    }
}

/// A failed call with Cloudflare's error codes.
#[derive(Debug)]
pub(super) struct ApiError {
    codes: Vec<i64>,
    error: DnsError,
}

impl ApiError {
    pub(super) fn has_code(&self, codes: &[i64]) -> bool {
        self.codes.iter().any(|code| codes.contains(code))
    }
}

impl From<DnsError> for ApiError {
    fn from(error: DnsError) -> Self {
        Self {
            codes: Vec::new(),
            error,
        }
    }
}

impl From<ApiError> for DnsError {
    fn from(error: ApiError) -> Self {
        error.error
    }
}

/// Parses a response.
pub(super) fn parse_response<T: DeserializeOwned>(
    response: &ApiResponse,
) -> Result<Page<T>, ApiError> {
    let invalid = || {
        DnsError::refused(format!(
            "The response is not from Cloudflare's API (HTTP {}).",
            response.status
        ))
    };
    // The result of an error response is ignored; its type may differ.
    let envelope: Envelope<serde_json::Value> =
        serde_json::from_slice(&response.body).map_err(|_| invalid())?;
    if !envelope.success || !response.status.is_success() {
        return Err(api_error(response.status.as_u16(), &envelope.errors));
    }
    let result = envelope.result.unwrap_or_default();
    Ok(Page {
        result: serde_json::from_value(result).map_err(|_| invalid())?,
        info: envelope.result_info.unwrap_or_default(),
    })
}

fn api_error(status: u16, errors: &[ErrorEntry]) -> ApiError {
    let all: Vec<&ErrorEntry> = errors.iter().flat_map(ErrorEntry::with_chain).collect();
    let codes: Vec<i64> = all.iter().map(|entry| entry.code).collect();
    let messages: Vec<String> = all
        .iter()
        .map(|entry| {
            let message = entry.message.trim().trim_end_matches('.');
            format!("{message} ({})", entry.code)
        })
        .collect();
    let message = match messages.is_empty() {
        true => format!("HTTP {status}"),
        false => messages.join("; "),
    };
    let has = |known: &[i64]| codes.iter().any(|code| known.contains(code));
    let error = if matches!(status, 401 | 403) || has(&UNAUTHORIZED) {
        DnsError::unauthorized(format!(
            "Cloudflare rejected the token. Check that it is valid and has Zone Read and DNS \
                Edit. Cloudflare says: {message}."
        ))
    } else if has(&NO_ZONE) {
        DnsError::no_zone(format!("Cloudflare has no such zone: {message}."))
    } else {
        DnsError::refused(format!("Cloudflare rejected the request: {message}."))
    };
    ApiError { codes, error }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn response(status: u16, body: &str) -> ApiResponse {
        ApiResponse {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.into(),
        }
    }

    fn error(status: u16, body: &str) -> DnsError {
        let parsed = parse_response::<Vec<Zone>>(&response(status, body));
        parsed.err().unwrap().into()
    }

    #[test]
    fn error_codes_map_to_error_kinds() {
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
            DnsError::refused("Cloudflare rejected the request: No (81053).")
        );
        for body in ["", "<html>", "[]", "{}", r#"{"success":true,"result":7}"#] {
            assert!(
                matches!(error(200, body), DnsError::Refused { .. }),
                "{body}"
            );
        }
    }

    #[test]
    fn error_chain_is_part_of_the_message() {
        let body = r#"{"success":false,"errors":[{"code":6003,"message":"Invalid request headers",
            "error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}]}"#;
        let message = error(400, body).to_string();
        assert!(
            message.contains("Invalid format for Authorization header (6111)"),
            "{message}"
        );
    }

    #[test]
    fn txt_content_is_parsed_with_and_without_quotes() {
        let record = |kind: &str, content: &str| ApiRecord {
            id: String::new(),
            name: String::new(),
            kind: kind.into(),
            content: content.into(),
        };
        for content in ["\"abc\"", "abc"] {
            assert_eq!(
                record("TXT", content).value(),
                Some(RecordValue::Txt("abc".into()))
            );
        }
        assert_eq!(
            record("A", "192.0.2.1").value(),
            Some(RecordValue::A([192, 0, 2, 1].into()))
        );
        assert_eq!(record("CNAME", "example.org").value(), None);
    }
}
