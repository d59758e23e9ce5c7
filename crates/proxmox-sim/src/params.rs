//! Parameters of a request: raw and validated.

use std::collections::BTreeMap;

/// A raw parameter value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// Text, or a JSON number or boolean in Perl's string form.
    Text(String),
    /// A repeated key or a JSON array.
    List(Vec<String>),
    /// A JSON object, which no parameter accepts.
    Object,
}

impl Raw {
    /// Adds another value for the same key.
    pub(crate) fn push(&mut self, value: String) {
        match self {
            Self::Text(first) => *self = Self::List(vec![std::mem::take(first), value]),
            Self::List(values) => values.push(value),
            Self::Object => {}
        }
    }
}

/// Parameters as sent.
pub(crate) type RawParams = BTreeMap<String, Raw>;

/// Validated parameters.
#[derive(Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    pub(crate) fn new(values: BTreeMap<String, String>) -> Self {
        Self(values)
    }

    /// The value, if present.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a parameter that is required by the schema or the path.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Whether a boolean parameter is set.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("1")
    }

    /// An integer, if present.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.trim_start_matches('+').parse().ok()
    }

    /// The VMID in the path.
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
