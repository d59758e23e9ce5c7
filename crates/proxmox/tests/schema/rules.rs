//! Checks of a call against Proxmox's API schema.

use regex::Regex;
use serde_json::{Map, Value};
use test_servers::reference;

use crate::calls::RecordedCall;

/// Proxmox's API schema.
pub(crate) struct Schema {
    /// The methods of release 9.2 for containers, with parameters.
    calls: Vec<Value>,
    /// All methods of release 9.1, with method and path only.
    older: Vec<Value>,
}

impl Schema {
    /// Reads the schema, if available.
    pub(crate) fn read() -> Option<Self> {
        let read = |name: &str| {
            let text = reference::read(name)?;
            Some(serde_json::from_str::<Value>(&text).unwrap())
        };
        Some(Self {
            calls: read("pve-schema.json")?["endpoints"]
                .as_array()
                .unwrap()
                .clone(),
            older: read("pve-methods.json")?.as_array().unwrap().clone(),
        })
    }

    /// The violations of a call.
    pub(crate) fn violations(&self, call: &RecordedCall) -> Vec<String> {
        let Some((endpoint, in_path)) = self.find(call) else {
            return vec![format!("no such call: {} {}", call.method, call.path)];
        };
        let empty = Map::new();
        let described = endpoint["parameters"]["properties"]
            .as_object()
            .unwrap_or(&empty);
        let sent: Vec<_> = in_path.iter().chain(&call.params).collect();
        let has = |name: &str| sent.iter().any(|(sent, _)| sent == name);
        let mut violations = Vec::new();
        let same = |older: &Value| {
            ["method", "path"]
                .iter()
                .all(|key| older[key] == endpoint[key])
        };
        if !self.older.iter().any(same) {
            violations.push("release 9.1 does not have it".to_owned());
        }
        // Only signing in requires no token.
        if endpoint["allowtoken"] != 1 && call.path != "/access/ticket" {
            violations.push("it is not for tokens".to_owned());
        }
        for (name, property) in described {
            if !name.contains('[') && !is_optional(property) && !has(name) {
                violations.push(format!("{name} is missing"));
            }
        }
        for (name, value) in &sent {
            match described.get(name).or_else(|| described.get(&family(name))) {
                None => violations.push(format!("{name} is not described")),
                Some(property) => {
                    let needs = property["requires"].as_str().filter(|needed| !has(needed));
                    violations.extend(needs.map(|needed| format!("{name} needs {needed}")));
                    let mismatch =
                        mismatch(property, value).map(|why| format!("{name}={value}: {why}"));
                    violations.extend(mismatch);
                }
            }
        }
        violations
    }

    /// The method and path template of a call; `None` if the schema does not contain it.
    pub(crate) fn name(&self, call: &RecordedCall) -> Option<String> {
        let (endpoint, _) = self.find(call)?;
        let path = endpoint["path"].as_str()?;
        Some(format!("{} {path}", call.method))
    }

    /// The schema of a call, and the parameters in its path.
    fn find(&self, call: &RecordedCall) -> Option<(&Value, Vec<(String, String)>)> {
        let matching = self.calls.iter().filter_map(|endpoint| {
            let same = endpoint["method"] == call.method.as_str();
            let in_path = in_path(endpoint["path"].as_str()?, &call.path).filter(|_| same)?;
            Some((endpoint, in_path))
        });
        // Literal path segments have precedence over parameters.
        matching.min_by_key(|(_, in_path)| in_path.len())
    }
}

fn in_path(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), parts(path));
    if template.len() != path.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (expected, part) in template.into_iter().zip(path) {
        match expected.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
            Some(name) => parameters.push((name.to_owned(), part)),
            None if expected == part => {}
            None => return None,
        }
    }
    Some(parameters)
}

fn parts(path: &str) -> Vec<String> {
    path.split('/')
        .map(|part| {
            percent_encoding::percent_decode_str(part)
                .decode_utf8()
                .unwrap()
                .into_owned()
        })
        .collect()
}

/// The schema describes `net0` as `net[n]`.
fn family(name: &str) -> String {
    format!("{}[n]", name.trim_end_matches(|c: char| c.is_ascii_digit()))
}

fn is_optional(property: &Value) -> bool {
    matches!(number(&property["optional"]), Some(optional) if optional != 0.0)
}

/// Some numbers in the schema are strings.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The reason why a value does not fit the schema.
fn mismatch(property: &Value, value: &str) -> Option<String> {
    let kind = property["type"].as_str().unwrap_or("string");
    let is_valid = match kind {
        "integer" => value.parse::<i64>().is_ok(),
        "number" => value.parse::<f64>().is_ok(),
        "boolean" => matches!(value, "0" | "1"),
        _ => true,
    };
    if !is_valid {
        return Some(format!("it is not of type {kind}"));
    }
    let is_within = |value: f64, min_key: &str, max_key: &str| {
        number(&property[min_key]).is_none_or(|bound| value >= bound)
            && number(&property[max_key]).is_none_or(|bound| value <= bound)
    };
    let size = value.chars().count() as f64;
    if !is_within(size, "minLength", "maxLength") {
        return Some("it is too short or too long".to_owned());
    }
    let measure = value.parse::<f64>().ok();
    if measure.is_some_and(|measure| !is_within(measure, "minimum", "maximum")) {
        return Some("it is too small or too large".to_owned());
    }
    let allowed = property["enum"].as_array();
    if allowed.is_some_and(|values| !values.iter().any(|allowed_value| allowed_value == value)) {
        return Some("it is not one of the allowed values".to_owned());
    }
    if let Some(pattern) = property["x-pattern-portable"].as_str() {
        let pattern = Regex::new(pattern).unwrap();
        if !pattern.is_match(value) {
            return Some(format!("it does not match {pattern}"));
        }
    }
    property["format"]
        .as_object()
        .and_then(|keys| mismatch_in_parts(keys, value))
}

/// The same for the parts of a property string.
fn mismatch_in_parts(keys: &Map<String, Value>, value: &str) -> Option<String> {
    let default = keys
        .iter()
        .find(|(_, property)| number(&property["default_key"]) == Some(1.0))
        .map(|(key, _)| key.as_str());
    let mut keys_present = Vec::new();
    for part in value.split(',') {
        let (key, value) = match part.split_once('=') {
            Some(pair) => pair,
            None => (default?, part),
        };
        let Some(property) = keys.get(key) else {
            return Some(format!("{key} is no key of it"));
        };
        if let Some(why) = mismatch(property, value) {
            return Some(format!("{key}: {why}"));
        }
        keys_present.push(key);
    }
    let missing = keys.iter().find(|(key, property)| {
        !is_optional(property)
            && property["alias"].is_null()
            && !keys_present.contains(&key.as_str())
    });
    missing.map(|(key, _)| format!("{key} is missing"))
}
