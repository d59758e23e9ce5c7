//! Environment variables of a container, within the limits of Proxmox VE. Must not interpret any
//! variable.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::Invalid,
    names::is_word,
    text::{by_text, debug_only_fields, is_refused_control, text_value},
};

/// The maximum number of variables of a container.
const MAX_VARS: usize = 100;

/// The maximum size of a value in bytes.
const MAX_VALUE: usize = 32 * 1024;

/// The name of a variable: letters, digits and underscores, at most 128; does not start with a
/// digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvName(String);
text_value!(EnvName);

impl FromStr for EnvName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        if text.len() > 128 || !is_word(text, first, |c| first(c) || c.is_ascii_digit()) {
            return Err(Invalid::new(
                "Enter a name of 1 to 128 letters, digits and underscores that does not start with a digit.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// An environment variable. Its value is stored unchanged, including leading and trailing spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawEnvVar")]
pub struct EnvVar {
    name: EnvName,
    value: String,
}

debug_only_fields!(EnvVar { name });

/// A variable before validation.
#[derive(Deserialize)]
struct RawEnvVar {
    name: EnvName,
    value: String,
}

impl TryFrom<RawEnvVar> for EnvVar {
    type Error = Invalid;

    fn try_from(raw: RawEnvVar) -> Result<Self, Invalid> {
        Self::new(raw.name, raw.value)
    }
}

impl EnvVar {
    /// Creates a variable.
    ///
    /// # Errors
    /// The value is longer than 32 KiB, or contains control characters other than tab. Proxmox VE
    /// refuses these, including line breaks.
    pub fn new(name: EnvName, value: impl Into<String>) -> Result<Self, Invalid> {
        let value = value.into();
        if value.len() > MAX_VALUE {
            return Err(Invalid::new(format!(
                "The value of {name} is too long. Enter at most 32 KiB."
            )));
        }
        if value.chars().any(is_refused_control) {
            return Err(Invalid::new(format!(
                "The value of {name} must be one line without control characters."
            )));
        }
        Ok(Self { name, value })
    }

    /// The name.
    pub fn name(&self) -> &EnvName {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FromStr for EnvVar {
    type Err = Invalid;

    /// Parses `NAME=value`; everything after the first `=` is the value.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (name, value) = text
            .split_once('=')
            .ok_or(Invalid::new("Enter a variable as NAME=value."))?;
        Self::new(name.parse()?, value)
    }
}

impl fmt::Display for EnvVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// Up to 100 variables with unique names, in the order of entry. Serialized as a list of `{name,
/// value}`, in forms as lines of `NAME=value`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<EnvVar>", into = "Vec<EnvVar>")]
pub struct EnvVars(Vec<EnvVar>);
by_text!(EnvVars);

impl EnvVars {
    /// The value of the variable `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|var| var.name.as_str() == name)
            .map(EnvVar::value)
    }

    /// The variables, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, EnvVar> {
        self.0.iter()
    }

    /// The number of variables.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a EnvVars {
    type Item = &'a EnvVar;
    type IntoIter = std::slice::Iter<'a, EnvVar>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<Vec<EnvVar>> for EnvVars {
    type Error = Invalid;

    fn try_from(vars: Vec<EnvVar>) -> Result<Self, Invalid> {
        let mut names: Vec<&EnvName> = vars.iter().map(EnvVar::name).collect();
        names.sort_unstable();
        if let Some([duplicate, _]) = names.array_windows().find(|[a, b]| a == b) {
            return Err(Invalid::new(format!(
                "{duplicate} is set more than once. Remove the duplicate."
            )));
        }
        if vars.len() > MAX_VARS {
            return Err(too_many());
        }
        Ok(Self(vars))
    }
}

impl From<EnvVars> for Vec<EnvVar> {
    fn from(vars: EnvVars) -> Self {
        vars.0
    }
}

fn too_many() -> Invalid {
    Invalid::new(format!("Enter at most {MAX_VARS} variables."))
}

impl FromStr for EnvVars {
    type Err = Invalid;

    /// Parses lines of `NAME=value`. Blank lines and lines that start with `#` are skipped.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut vars = Vec::new();
        let mut lines_by_name = BTreeMap::new();
        for (line, number) in text.split('\n').zip(1_usize..) {
            // Browsers submit the lines of a text area with CR LF.
            let line = line.strip_suffix('\r').unwrap_or(line);
            if matches!(line.trim_ascii_start().chars().next(), None | Some('#')) {
                continue;
            }
            let var: EnvVar = line
                .parse()
                .map_err(|reason: Invalid| Invalid::new(format!("Line {number}: {reason}")))?;
            if let Some(earlier) = lines_by_name.insert(var.name.clone(), number) {
                return Err(Invalid::new(format!(
                    "Line {number}: {} is already set on line {earlier}.",
                    var.name
                )));
            }
            vars.push(var);
            if vars.len() > MAX_VARS {
                return Err(too_many());
            }
        }
        Ok(Self(vars))
    }
}

impl fmt::Display for EnvVars {
    /// Writes one `NAME=value` per line, without a line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, var) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            var.fmt(f)?;
        }
        Ok(())
    }
}
