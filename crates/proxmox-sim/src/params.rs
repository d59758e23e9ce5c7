//! Parameters: as they were sent, and as they are after validation.

use std::collections::BTreeMap;

/// A value as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// Text, or a JSON number or boolean written as Perl would.
    Text(String),
    /// A key that was repeated, or a JSON array.
    List(Vec<String>),
    /// A JSON object, which no parameter takes.
    Object,
}

impl Raw {
    /// Adds another value under the same key.
    pub(crate) fn push(&mut self, value: String) {
        match self {
            Self::Text(first) => *self = Self::List(vec![std::mem::take(first), value]),
            Self::List(values) => values.push(value),
            Self::Object => {}
        }
    }
}

/// Parameters that passed their schema.
#[derive(Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    pub(crate) fn new(values: BTreeMap<String, String>) -> Self {
        Self(values)
    }

    /// The value, if it was given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a parameter that the schema or the address makes sure of.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Whether a boolean was given and set.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("1")
    }

    /// A whole number, if it was given.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.trim_start_matches('+').parse().ok()
    }

    /// The number of the container in the address.
    pub(crate) fn vmid(&self) -> u32 {
        self.text("vmid").parse().unwrap_or_default()
    }

    /// All names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
