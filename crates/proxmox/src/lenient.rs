//! Deserializers for Proxmox's loose types: numbers as strings, booleans as 0 and 1, strings that
//! look like numbers as numbers. An optional value that cannot be parsed counts as missing, because
//! one odd measurement must not hide a whole cluster. For responses only.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(u8::from(*yes).to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(crate) fn as_f64(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

fn as_u64(value: &Value) -> Option<u64> {
    let exact = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(yes) => Some(u64::from(*yes)),
        _ => None,
    };
    // Sizes may be written as 1.5e9. Negative sizes are ignored. The cast saturates.
    exact.or_else(|| {
        as_f64(value)
            .filter(|number| *number >= 0.0)
            .map(|number| number as u64)
    })
}

pub(crate) fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match text.trim() {
            "1" | "on" | "yes" | "true" => Some(true),
            "" | "0" | "off" | "no" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A required string; numbers are accepted.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    as_text(&value).ok_or_else(|| de::Error::custom(format!("a string was expected, not {value}")))
}

/// An optional string. An empty string counts as missing.
pub(crate) fn opt_text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(as_text(&Value::deserialize(d)?).filter(|text| !text.is_empty()))
}

/// A required count or size.
pub(crate) fn u64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    as_u64(&value).ok_or_else(|| de::Error::custom(format!("a number was expected, not {value}")))
}

/// An optional count or size.
pub(crate) fn opt_u64<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    Ok(as_u64(&Value::deserialize(d)?))
}

/// An optional small count.
pub(crate) fn opt_u32<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    Ok(as_u64(&Value::deserialize(d)?).and_then(|number| u32::try_from(number).ok()))
}

/// An optional measurement.
pub(crate) fn opt_f64<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    Ok(as_f64(&Value::deserialize(d)?))
}

/// A boolean; a missing or unreadable value is `false`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    Ok(as_bool(&Value::deserialize(d)?).unwrap_or(false))
}

/// A list: an array, or a string with Proxmox's separators.
pub(crate) fn list<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    let value = Value::deserialize(d)?;
    if let Value::Array(entries) = &value {
        return Ok(entries.iter().filter_map(as_text).collect());
    }
    Ok(as_text(&value)
        .map(|text| split_list(&text))
        .unwrap_or_default())
}

/// The default for a missing, null or unreadable value.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T>(d: D) -> Result<T, D::Error>
where
    T: Default + serde::de::DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(d)?).unwrap_or_default())
}

fn split_list(text: &str) -> Vec<String> {
    let parted = text.split(|c: char| c == ',' || c == ';' || c == '\0' || c.is_whitespace());
    parted
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Loose {
        #[serde(default, deserialize_with = "opt_u64")]
        size: Option<u64>,
        #[serde(default, deserialize_with = "opt_f64")]
        cpu: Option<f64>,
        #[serde(default, deserialize_with = "flag")]
        active: bool,
        #[serde(default, deserialize_with = "opt_text")]
        name: Option<String>,
        #[serde(default, deserialize_with = "list")]
        tags: Vec<String>,
    }

    fn read(json: &str) -> Loose {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn strings_and_numbers_are_equivalent() {
        let strings = read(
            r#"{"size":"4096","cpu":"0.25","active":"1","name":"12","tags":"a;b, c","more":[1]}"#,
        );
        let numbers = read(r#"{"size":4096.0,"cpu":0.25,"active":1,"name":12,"tags":"a b c"}"#);
        assert_eq!(strings, numbers);
        assert_eq!(strings.size, Some(4096));
        assert!(strings.active);
        assert_eq!(strings.name.as_deref(), Some("12"));
        assert_eq!(strings.tags, ["a", "b", "c"]);
    }

    #[test]
    fn list_accepts_array() {
        assert_eq!(read(r#"{"tags":["a b",2,null]}"#).tags, ["a b", "2"]);
    }

    #[test]
    fn unreadable_values_count_as_missing() {
        let missing = read("{}");
        assert_eq!(
            missing,
            read(r#"{"size":null,"cpu":null,"active":null,"name":"","tags":""}"#)
        );
        assert_eq!(
            missing,
            read(r#"{"size":"x","cpu":"nan","active":{},"name":[],"tags":null}"#)
        );
        assert_eq!(missing.size, None);
        assert_eq!(read(r#"{"size":-1}"#).size, None);
    }
}
