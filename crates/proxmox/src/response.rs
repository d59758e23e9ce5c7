//! Converts HTTP responses to results. Proxmox reports most errors as text with status 500;
//! `message` interprets the text. Does no I/O.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::Error,
    message::{ErrorKind, NO_QUORUM, classify},
};

/// A complete HTTP response.
pub(crate) struct ApiResponse {
    /// Scheme, host and port of the endpoint.
    pub address: String,
    pub status: StatusCode,
    /// The reason phrase of the status line. Responses with 401 and 595 contain no other message.
    pub reason: String,
    pub body: Vec<u8>,
}

/// The data of a successful response.
#[derive(Debug)]
pub(crate) struct ResponseData<T> {
    pub data: T,
    /// The total number of rows, if the response is one page of them.
    pub total: Option<u64>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
    #[serde(default, deserialize_with = "crate::lenient::opt_u64")]
    total: Option<u64>,
}

/// Releases before 9 send only `errors` and no `message`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    #[serde(deserialize_with = "crate::lenient::opt_text")]
    message: Option<String>,
    errors: BTreeMap<String, serde_json::Value>,
}

impl ApiResponse {
    /// Whether the call was rejected for its credentials, before anything was executed.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// Whether another node of the cluster may respond differently: this node cannot reach the node
    /// of the call, is behind a failing gateway (502 to 504), or has no quorum.
    pub(crate) fn may_differ_on_other_node(&self) -> bool {
        match self.status.as_u16() {
            502..=504 | 595..=599 => true,
            500 => {
                self.reason.contains(NO_QUORUM)
                    || String::from_utf8_lossy(&self.body).contains(NO_QUORUM)
            }
            _ => false,
        }
    }

    /// Returns the data of a success, or the error.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<ResponseData<T>, Error> {
        if self.status != StatusCode::OK {
            return Err(self.into_error());
        }
        match serde_json::from_slice::<Envelope<T>>(&self.body) {
            Ok(Envelope { data, total }) => Ok(ResponseData { data, total }),
            Err(error) => Err(Error::Protocol {
                address: self.address,
                cause: error.to_string(),
            }),
        }
    }

    fn into_error(self) -> Error {
        let status = self.status.as_u16();
        let body: ErrorBody = serde_json::from_slice(&self.body).unwrap_or_default();
        let message = clean_message(body.message.as_deref().unwrap_or(&self.reason));
        match status {
            200..=299 => {
                let cause = format!("status {status} where 200 was expected");
                Error::Protocol {
                    address: self.address,
                    cause,
                }
            }
            300..=399 => {
                let cause = format!("status {status}, a redirect: a port with TLS wants https");
                Error::Protocol {
                    address: self.address,
                    cause,
                }
            }
            401 => Error::Unauthorized { reason: message },
            403 => Error::Forbidden { message },
            400 => invalid(message, body.errors),
            595..=599 => Error::NodeUnreachable { status, message },
            _ => refused(status, message),
        }
    }
}

fn invalid(message: String, errors: BTreeMap<String, serde_json::Value>) -> Error {
    let fields: BTreeMap<String, String> = errors
        .into_iter()
        .map(|(name, message)| (name, field_message(&message)))
        .collect();
    let only = fields.values().next().filter(|_| fields.len() == 1);
    match only.map(String::as_str) {
        Some(message @ ("no such task" | "no such template" | "No such storage.")) => {
            let message = message.to_owned();
            Error::NotFound { message }
        }
        Some(message @ "Token already exists.") => {
            let message = message.to_owned();
            Error::AlreadyExists { message }
        }
        _ => Error::Invalid { message, fields },
    }
}

/// The message for one parameter has several lines; the inner ones contain the reason.
fn field_message(value: &serde_json::Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    strip_location(&lines.collect::<Vec<_>>().join(": ")).to_owned()
}

fn refused(status: u16, message: String) -> Error {
    match classify(&message).filter(|_| status == 500) {
        Some(ErrorKind::Missing) => Error::NotFound { message },
        Some(ErrorKind::Exists) => Error::AlreadyExists { message },
        Some(ErrorKind::Locked) => Error::Locked { message },
        Some(ErrorKind::Running) => Error::Running { message },
        Some(ErrorKind::NotRunning) => Error::NotRunning { message },
        Some(ErrorKind::Changed) => Error::DigestMismatch { message },
        None => Error::Refused { status, message },
    }
}

/// The first line, without the location in Proxmox's source code.
pub(crate) fn clean_message(message: &str) -> String {
    strip_location(message.trim().lines().next().unwrap_or_default().trim()).to_owned()
}

/// Removes ` at /usr/share/perl5/… line N.`, which differs between releases.
fn strip_location(line: &str) -> &str {
    let Some((message, location)) = line.rsplit_once(" at /") else {
        return line;
    };
    let number = location
        .trim_end_matches('.')
        .rsplit_once(" line ")
        .map(|(_, number)| number);
    match number {
        Some(number) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => message,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, reason: &str, body: &str) -> ApiResponse {
        ApiResponse {
            address: "https://pve1:8006".to_owned(),
            status: StatusCode::from_u16(status).unwrap(),
            reason: reason.to_owned(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn error(status: u16, reason: &str, body: &str) -> Error {
        response(status, reason, body)
            .read::<serde_json::Value>()
            .unwrap_err()
    }

    fn error_with_message(message: &str) -> Error {
        error(
            500,
            message,
            &format!("{{\"data\":null,\"message\":{message:?}}}"),
        )
    }

    #[test]
    fn response_unwraps_data_and_total() {
        let page = response(200, "OK", r#"{"total":"290","data":[1,2],"changes":1}"#);
        let page = page.read::<Vec<u8>>().unwrap();
        assert_eq!((page.data, page.total), (vec![1, 2], Some(290)));
        assert!(response(200, "OK", r#"{"data":null}"#).read::<()>().is_ok());
    }

    #[test]
    fn messages_map_to_error_variants() {
        assert!(matches!(
            error_with_message("Configuration file 'nodes/pve1/lxc/555.conf' does not exist\n"),
            Error::NotFound { .. }
        ));
        assert!(matches!(
            error_with_message("no such cluster node 'pve9'\n"),
            Error::NotFound { .. }
        ));
        assert!(matches!(
            error_with_message("CT 100 already exists on node 'pve1'\n"),
            Error::AlreadyExists { .. }
        ));
        assert!(matches!(
            error_with_message("create pool failed: pool 'p1' already exists\n"),
            Error::AlreadyExists { .. }
        ));
        assert!(matches!(
            error_with_message("delete pool failed: pool 'p1' does not exist\n"),
            Error::NotFound { .. }
        ));
        assert!(matches!(
            error_with_message("CT is locked (backup)\n"),
            Error::Locked { .. }
        ));
        assert!(matches!(
            error_with_message("CT 301 already running\n"),
            Error::Running { .. }
        ));
        assert!(matches!(
            error_with_message("unable to destroy CT 301 - container is running\n"),
            Error::Running { .. }
        ));
        assert!(matches!(
            error_with_message("VM 301 not running\n"),
            Error::NotRunning { .. }
        ));
        assert!(matches!(
            error_with_message(
                "detected modified configuration - file changed by other user? Try again.\n"
            ),
            Error::DigestMismatch { .. }
        ));
        assert!(matches!(
            error_with_message("unable to shrink disk size\n"),
            Error::Refused { status: 500, .. }
        ));
        let lock = "can't lock file '/run/lock/lxc/pve-config-100.lock' - got timeout\n";
        assert!(error_with_message(lock).is_transient());
    }

    #[test]
    fn source_location_is_stripped_from_message() {
        let lost = error_with_message(
            "missing 'arch' - internal error at /usr/share/perl5/PVE/LXC.pm line 729.\n",
        );
        assert_eq!(
            lost.proxmox_message(),
            Some("missing 'arch' - internal error")
        );
        assert_eq!(clean_message("first\nsecond"), "first");
        assert_eq!(
            clean_message("no space left at /srv"),
            "no space left at /srv"
        );
        assert_eq!(
            clean_message("failed at /srv line x."),
            "failed at /srv line x."
        );
    }

    #[test]
    fn invalid_parameters_keep_their_names() {
        let body = r#"{"data":null,"errors":{"net0":"invalid format - format error\nnet0.tag: value must have a minimum value of 1\n","memory":"type check ('integer') failed - got '1.5'"},"message":"Parameter verification failed.\n"}"#;
        let Error::Invalid { message, fields } = error(400, "Parameter verification failed.", body)
        else {
            panic!("unexpected error variant")
        };
        assert_eq!(message, "Parameter verification failed.");
        assert_eq!(
            fields["memory"],
            "type check ('integer') failed - got '1.5'"
        );
        assert_eq!(
            fields["net0"],
            "invalid format - format error: net0.tag: value must have a minimum value of 1"
        );
        let shown = error(400, "x", body).to_string();
        assert_eq!(shown, "Proxmox rejected memory, net0.");
    }

    #[test]
    fn parameter_errors_map_to_not_found() {
        let task = r#"{"errors":{"upid":"no such task"},"data":null}"#;
        assert!(matches!(
            error(400, "Parameter verification failed.", task),
            Error::NotFound { .. }
        ));
        let used = r#"{"errors":{"vmid":"VM 100 already exists"},"data":null}"#;
        assert!(matches!(
            error(400, "Parameter verification failed.", used),
            Error::Invalid { .. }
        ));
    }

    #[test]
    fn empty_body_falls_back_to_reason_phrase() {
        let away = error(595, "Connection refused", "");
        assert_eq!(away.proxmox_message(), Some("Connection refused"));
        assert!(away.is_transient() && !away.may_have_executed());
        let wrong = error(401, "Authentication failed!", "");
        assert_eq!(wrong.proxmox_message(), Some("Authentication failed!"));
        assert_eq!(
            wrong.to_string(),
            "Proxmox rejected the API token or the ticket."
        );
        let denied = "Permission check failed (/vms/100, VM.Audit)";
        assert_eq!(error(403, denied, "").proxmox_message(), Some(denied));
    }

    #[test]
    fn unexpected_responses_are_protocol_errors() {
        assert!(matches!(error(200, "OK", "<html>"), Error::Protocol { .. }));
        assert!(matches!(
            error(204, "No Content", ""),
            Error::Protocol { .. }
        ));
        assert!(matches!(error(301, "Moved", ""), Error::Protocol { .. }));
        assert!(matches!(
            error(502, "Bad Gateway", "<html>"),
            Error::Refused { status: 502, .. }
        ));
        assert!(error(502, "Bad Gateway", "<html>").is_transient());
    }
}
