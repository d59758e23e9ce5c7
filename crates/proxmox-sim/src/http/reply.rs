//! Building HTTP responses in the format of Proxmox.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, PRAGMA, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL,
    SERVER, UPGRADE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::ext::ReasonPhrase;
use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

use crate::call::ApiResponse;
use crate::error::ApiError;

/// The response format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The outcome is in the HTTP status.
    Json,
    /// The HTTP status is always 200. The outcome is in the body.
    ExtJs,
}

impl Format {
    /// The format for a path.
    pub(crate) fn from_path(path: &str) -> Self {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        match (parts.next(), parts.next()) {
            (Some("api2"), Some("extjs")) => Self::ExtJs,
            _ => Self::Json,
        }
    }
}

/// The response of an injected fault.
pub(crate) fn injected(status: u16, message: &str) -> Response {
    let body = json!({ "data": null, "message": format!("{message}\n") });
    build(status, first_line(message), body.to_string().into(), true)
}

/// A successful response.
pub(crate) fn success(response: ApiResponse, format: Format) -> Response {
    let mut body = Map::new();
    body.insert("data".into(), response.data);
    if let Some(total) = response.total {
        body.insert("total".into(), total.into());
    }
    if let Some(changes) = response.changes {
        body.insert("changes".into(), changes.into());
    }
    if format == Format::ExtJs {
        body.insert("success".into(), 1.into());
    }
    build(200, "OK", Value::from(body).to_string().into(), true)
}

/// Upgrades the connection to WebSocket (RFC 6455, section 4.2.2).
pub(crate) fn upgrade(key: &str) -> Response {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(hash.finalize());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("binary"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// An error response.
pub(crate) fn failure(error: ApiError, format: Format) -> Response {
    let (status, message, errors) = match error {
        ApiError::Transport {
            status,
            reason,
            body,
        } => return build(status, &reason, body.into(), false),
        ApiError::Unauthorized(reason) => return build(401, reason, Body::empty(), false),
        ApiError::Unreachable => return build(595, "Connection refused", Body::empty(), false),
        ApiError::NoSuchMethod { method, path } => {
            let message = format!("Method '{method} {path}' not implemented");
            (501, message, None)
        }
        ApiError::Parameters(errors) => {
            let message = "Parameter verification failed.\n".to_owned();
            (400, message, Some(errors))
        }
        ApiError::WrongPassword => (401, "authentication failure\n".into(), None),
        ApiError::Forbidden(reason) if reason.is_empty() => {
            (403, "Permission check failed\n".into(), None)
        }
        ApiError::Forbidden(reason) => (403, format!("Permission check failed ({reason})\n"), None),
        ApiError::Status { status, message } => (status, message, None),
        ApiError::Failed(message) => (500, format!("{message}\n"), None),
        ApiError::Format(errors) => (500, "format error\n".into(), Some(errors)),
    };
    error_response(status, &message, errors, format)
}

fn error_response(
    status: u16,
    message: &str,
    errors: Option<BTreeMap<String, String>>,
    format: Format,
) -> Response {
    let mut body = Map::new();
    body.insert("data".into(), Value::Null);
    body.insert("message".into(), message.into());
    if let Some(errors) = errors {
        body.insert("errors".into(), json!(errors));
    }
    if format == Format::Json {
        let body = Value::from(body).to_string();
        return build(status, first_line(message), body.into(), true);
    }
    body.insert("success".into(), 0.into());
    body.insert("status".into(), status.into());
    build(200, "OK", Value::from(body).to_string().into(), true)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn build(status: u16, reason: &str, body: Body, is_json: bool) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes()) {
        response.extensions_mut().insert(reason);
    }
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("pve-api-daemon/3.0"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=0"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    if is_json {
        let kind = HeaderValue::from_static("application/json;charset=UTF-8");
        headers.insert(CONTENT_TYPE, kind);
    }
    if status >= 400 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
