//! Parsing query strings and bodies into named values, as Proxmox does.

use serde_json::Value;

use crate::error::ApiError;
use crate::params::{Raw, RawParams};

/// Parses a query string or a form. Proxmox splits on `&` and `;`. A key without a value is empty.
pub(crate) fn form(text: &str) -> RawParams {
    let mut sent = RawParams::new();
    for piece in text.split(['&', ';']).filter(|piece| !piece.is_empty()) {
        for (key, value) in form_urlencoded::parse(piece.as_bytes()) {
            match sent.get_mut(key.as_ref()) {
                Some(raw) => raw.push(value.into_owned()),
                None => drop(sent.insert(key.into_owned(), Raw::Text(value.into_owned()))),
            }
        }
    }
    sent
}

/// Parses a JSON object. A parameter that is `null` counts as missing.
pub(crate) fn json(bytes: &[u8]) -> Result<RawParams, ApiError> {
    if bytes.is_empty() {
        return Ok(RawParams::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members
            .into_iter()
            .filter_map(|(name, value)| Some((name, raw(value)?)))
            .collect()),
        Ok(_) => Err(parse_error("Not a HASH reference".into(), 978)),
        Err(error) => Err(parse_error(
            format!(
                "malformed JSON string, neither tag, array, object, number, string or atom, \
             at character offset {} (before \"(end of string)\")",
                error.column()
            ),
            934,
        )),
    }
}

fn parse_error(problem: String, line: u32) -> ApiError {
    let reason = format!("{problem} at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line {line}.");
    ApiError::Transport {
        status: 500,
        body: format!("{reason}\n"),
        reason,
    }
}

fn raw(value: Value) -> Option<Raw> {
    match value {
        Value::Null => None,
        Value::Array(parts) => Some(Raw::List(parts.into_iter().filter_map(scalar).collect())),
        Value::Object(_) => Some(Raw::Object),
        other => scalar(other).map(Raw::Text),
    }
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some("1".into()),
        Value::Bool(false) => Some("0".into()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_split_on_semicolons_and_collect_repeated_keys() {
        let sent = form("a=1;b=x%3By&a=2&c&env=A%3D1%00B%3D2");
        assert_eq!(sent["a"], Raw::List(vec!["1".into(), "2".into()]));
        assert_eq!(sent["b"], Raw::Text("x;y".into()));
        assert_eq!(sent["c"], Raw::Text(String::new()));
        assert_eq!(sent["env"], Raw::Text("A=1\0B=2".into()));
    }

    #[test]
    fn json_values_are_converted_as_perl_does() {
        let sent = json(br#"{"a":true,"b":12.5,"c":null,"d":["x","y"],"e":{}}"#).unwrap();
        assert_eq!(sent["a"], Raw::Text("1".into()));
        assert_eq!(sent["b"], Raw::Text("12.5".into()));
        assert!(!sent.contains_key("c"));
        assert_eq!(sent["d"], Raw::List(vec!["x".into(), "y".into()]));
        assert_eq!(sent["e"], Raw::Object);
        assert!(json(b"[]").is_err());
        assert!(json(b"{\"a\":").is_err());
    }
}
