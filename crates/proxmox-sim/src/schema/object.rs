//! Property strings such as `name=eth0,bridge=vmbr0`: several properties in one parameter.
//!
//! A property string is split on commas into `key=value` pairs, or one bare value for the default
//! key. Empty parts are skipped and nothing is trimmed. It is written with the default key first,
//! then required keys, then the others, each group sorted.

use std::collections::BTreeMap;

use super::{MISSING, Property, UNKNOWN};

/// The properties of a property string, by key.
pub(crate) type Parts = BTreeMap<String, String>;

/// Why a property string is invalid.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It cannot be split into properties.
    Syntax(String),
    /// Invalid or missing properties, by key.
    Parts(BTreeMap<String, String>),
}

/// The schema of a property string.
pub(crate) struct Object {
    default_key: Option<&'static str>,
    properties: Vec<Property>,
}

impl Object {
    /// Creates a schema without a default key.
    pub(crate) fn new(properties: Vec<Property>) -> Self {
        Self {
            default_key: None,
            properties,
        }
    }

    /// Creates a schema in which a bare value belongs to `key`.
    pub(crate) fn with_default(key: &'static str, properties: Vec<Property>) -> Self {
        Self {
            default_key: Some(key),
            properties,
        }
    }

    /// The key that a bare value belongs to.
    pub(crate) fn default_key(&self) -> Option<&'static str> {
        self.default_key
    }

    /// The allowed properties.
    pub(crate) fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// Parses the property string of the parameter `name`. The error is the text after `invalid
    /// format - `.
    pub(crate) fn parse(&self, name: &str, value: &str) -> Result<Parts, String> {
        self.read(value).map_err(|problem| match problem {
            Problem::Syntax(text) => text,
            Problem::Parts(problems) => {
                let mut text = "format error\n".to_owned();
                for (key, problem) in problems {
                    text.push_str(&format!("{name}.{key}: {problem}\n"));
                }
                text
            }
        })
    }

    /// Parses a property string.
    pub(crate) fn read(&self, value: &str) -> Result<Parts, Problem> {
        let mut parts = self.split(value).map_err(Problem::Syntax)?;
        let mut problems = BTreeMap::new();
        for (key, part) in &mut parts {
            let Some(property) = self.properties.iter().find(|p| p.is_named(key)) else {
                problems.insert(key.clone(), UNKNOWN.to_owned());
                continue;
            };
            if property.is_boolean() {
                *part = boolean(part).to_owned();
            }
            if let Err(problem) = property.check(key, part) {
                problems.insert(key.clone(), problem);
            }
        }
        for property in self.properties.iter().filter(|property| !property.optional) {
            if !parts.contains_key(property.name) {
                problems.insert(property.name.to_owned(), MISSING.to_owned());
            }
        }
        if problems.is_empty() {
            Ok(parts)
        } else {
            Err(Problem::Parts(problems))
        }
    }

    fn split(&self, value: &str) -> Result<Parts, String> {
        let mut parts = Parts::new();
        for part in value.split(',').filter(|part| !part.is_empty()) {
            let (key, value) = match part.split_once('=') {
                Some(("", _)) => {
                    return Err("missing key in comma-separated list property\n".into());
                }
                Some((key, value)) => (key, value),
                None => match self.default_key {
                    Some(key) => (key, part),
                    None => return Err(NO_DEFAULT.into()),
                },
            };
            if parts.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(format!(
                    "duplicate key in comma-separated list property: {key}\n"
                ));
            }
        }
        Ok(parts)
    }

    /// Writes properties in the order of Proxmox.
    pub(crate) fn write(&self, parts: &Parts) -> String {
        let required = |key: &str| self.properties.iter().any(|p| p.name == key && !p.optional);
        let mut keys: Vec<&String> = parts.keys().collect();
        keys.sort_by_key(|key| (self.default_key != Some(key.as_str()), !required(key)));
        keys.iter()
            .filter_map(|key| Some((key, parts.get(*key)?)))
            .map(|(key, value)| {
                if self.default_key == Some(key.as_str()) {
                    value.clone()
                } else {
                    format!("{key}={value}")
                }
            })
            .collect::<Vec<_>>()
            .join(",")
    }
}

const NO_DEFAULT: &str = "value without key, but schema does not define a default key\n";

/// Normalizes a boolean, which may be a word in property strings.
fn boolean(value: &str) -> &str {
    match value.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => "1",
        "0" | "off" | "no" | "false" => "0",
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::super::lxc;
    use proptest::prelude::*;

    #[test]
    fn default_key_and_required_keys_are_written_first() {
        let object = lxc::mount_point();
        let parts = object
            .parse("mp0", "backup=yes,mp=/data,local-lvm:vm-1-disk-0")
            .unwrap();
        assert_eq!(
            object.write(&parts),
            "local-lvm:vm-1-disk-0,mp=/data,backup=1"
        );
    }

    proptest! {
        #[test]
        fn parser_accepts_any_text_without_panic(text in "\\PC{0,60}") {
            let _ = lxc::network().parse("net0", &text);
            let _ = lxc::rootfs().parse("rootfs", &text);
        }

        #[test]
        fn written_property_string_parses_to_same_parts(
            name in "[a-z]{1,8}", tag in 1u32..4095, mtu in 64u32..65536, gw in any::<[u8; 4]>(),
        ) {
            let gw = std::net::Ipv4Addr::from(gw);
            let text = format!("tag={tag},mtu={mtu},gw={gw},name={name},ip=dhcp");
            let parts = lxc::network().parse("net0", &text).unwrap();
            let written = lxc::network().write(&parts);
            prop_assert!(written.starts_with("name="));
            prop_assert_eq!(lxc::network().parse("net0", &written), Ok(parts));
        }
    }
}
