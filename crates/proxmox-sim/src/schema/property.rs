//! A parameter of a route, and the checks of its value.

use regex::Regex;

use super::format;
use super::object::Object;
use crate::params::Raw;

/// A named format of Proxmox such as `pve-vmid`. The error is its message.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(super) name: &'static str,
    check: fn(&str) -> std::result::Result<(), String>,
}

impl Format {
    /// Creates a named format.
    pub(crate) const fn new(
        name: &'static str,
        check: fn(&str) -> std::result::Result<(), String>,
    ) -> Self {
        Self { name, check }
    }
}

/// The type of a value.
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Enumeration(Vec<String>),
    /// Any number of strings.
    Array,
}

impl Kind {
    /// The name in Proxmox.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Text | Self::Enumeration(_) => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
        }
    }
}

/// A pattern as text and compiled.
pub(super) struct Pattern {
    pub(super) text: String,
    regex: Regex,
}

/// A parameter, or a numbered family of parameters (`net0` to `net31`).
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(super) family: Option<u32>,
    pub(crate) optional: bool,
    pub(super) kind: Kind,
    pub(super) format: Option<Format>,
    pub(super) list: bool,
    object: Option<fn() -> &'static Object>,
    pub(super) pattern: Option<Pattern>,
    pub(super) length: (usize, usize),
    pub(super) bounds: (f64, f64),
    pub(super) requires: Option<&'static str>,
}

/// A string parameter, the base of all others. Optional unless [`Property::required`] is called.
pub(crate) fn text(name: &'static str) -> Property {
    Property {
        name,
        family: None,
        optional: true,
        kind: Kind::Text,
        format: None,
        list: false,
        object: None,
        pattern: None,
        length: (0, usize::MAX),
        bounds: (f64::NEG_INFINITY, f64::INFINITY),
        requires: None,
    }
}

/// An integer.
pub(crate) fn integer(name: &'static str) -> Property {
    Property {
        kind: Kind::Integer,
        ..text(name)
    }
}

/// A number that may have a fraction.
pub(crate) fn number(name: &'static str) -> Property {
    Property {
        kind: Kind::Number,
        ..text(name)
    }
}

/// A boolean: `0` or `1`.
pub(crate) fn boolean(name: &'static str) -> Property {
    Property {
        kind: Kind::Boolean,
        ..text(name)
    }
}

/// Any number of strings.
pub(crate) fn array(name: &'static str) -> Property {
    Property {
        kind: Kind::Array,
        ..text(name)
    }
}

/// An enumeration.
pub(crate) fn choice(name: &'static str, values: &[&str]) -> Property {
    let values = values
        .iter()
        .map(|value_name| (*value_name).to_owned())
        .collect();
    Property {
        kind: Kind::Enumeration(values),
        ..text(name)
    }
}

/// A disk of a container: `rootfs` or `mpN`.
pub(crate) fn disk(name: &'static str) -> Property {
    let points = (0..=255).map(|index| format!("mp{index}"));
    let values = std::iter::once("rootfs".to_owned()).chain(points).collect();
    Property {
        kind: Kind::Enumeration(values),
        ..text(name)
    }
}

/// A disk of a container, including `unusedN`.
pub(crate) fn any_disk(name: &'static str) -> Property {
    let unused = (0..=255).map(|index| format!("unused{index}"));
    let Property { kind, .. } = disk(name);
    let values = match kind {
        Kind::Enumeration(values) => values.into_iter().chain(unused).collect(),
        _ => unused.collect(),
    };
    Property {
        kind: Kind::Enumeration(values),
        ..text(name)
    }
}

impl Property {
    /// Makes the parameter mandatory.
    pub(crate) fn required(mut self) -> Self {
        self.optional = false;
        self
    }

    /// The value must have a format.
    pub(crate) fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// The value is a list whose items must have a format.
    pub(crate) fn list(mut self, format: Format) -> Self {
        self.format = Some(format);
        self.list = true;
        self
    }

    /// The value is a property string.
    pub(crate) fn object(mut self, object: fn() -> &'static Object) -> Self {
        self.object = Some(object);
        self
    }

    /// The whole value must match a pattern. A trailing newline is allowed, as with Perl's `$`.
    pub(crate) fn pattern(mut self, pattern: &str) -> Self {
        let regex = Regex::new(&format!(r"\A(?:{pattern})\n?\z")).ok();
        let text = pattern.to_owned();
        self.pattern = regex.map(|regex| Pattern { text, regex });
        assert!(
            self.pattern.is_some(),
            "the pattern of {} does not compile",
            self.name
        );
        self
    }

    /// Minimum and maximum length in characters.
    pub(crate) fn length(mut self, min: usize, max: usize) -> Self {
        self.length = (min, max);
        self
    }

    /// Minimum value.
    pub(crate) fn min(mut self, min: i32) -> Self {
        self.bounds.0 = f64::from(min);
        self
    }

    /// Maximum value.
    pub(crate) fn max(mut self, max: u32) -> Self {
        self.bounds.1 = f64::from(max);
        self
    }

    /// Makes this a family of `name0` to `name{last}`.
    pub(crate) fn up_to(mut self, last: u32) -> Self {
        self.family = Some(last);
        self
    }

    /// The parameter requires another one.
    pub(crate) fn requires(mut self, other: &'static str) -> Self {
        self.requires = Some(other);
        self
    }

    /// Whether the type is boolean.
    pub(crate) fn is_boolean(&self) -> bool {
        matches!(self.kind, Kind::Boolean)
    }

    /// Whether Proxmox returns the value as a JSON number.
    pub(crate) fn is_numeric(&self) -> bool {
        matches!(self.kind, Kind::Integer | Kind::Boolean)
    }

    /// The schema of the property string, if it is one.
    pub(crate) fn as_object(&self) -> Option<&'static Object> {
        self.object.map(|object| object())
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        let Some(last) = self.family else {
            return self.name == name;
        };
        let Some(digits) = name.strip_prefix(self.name) else {
            return false;
        };
        let canonical = digits == "0" || !digits.starts_with('0');
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain && canonical && digits.parse::<u32>().is_ok_and(|index| index <= last)
    }

    /// Checks a value. `name` is the parameter's name in error messages.
    pub(crate) fn check(&self, name: &str, value: &str) -> std::result::Result<(), String> {
        self.check_type(value)?;
        self.check_format(name, value)?;
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.regex.is_match(value))
        {
            return Err("value does not match the regex pattern".into());
        }
        self.check_size(value)?;
        match &self.kind {
            Kind::Enumeration(values) if !values.iter().any(|value_name| value_name == value) => {
                Err(format!(
                    "value '{value}' does not have a value in the enumeration '{}'",
                    values.join(", ")
                ))
            }
            _ => Ok(()),
        }
    }

    fn check_type(&self, value: &str) -> std::result::Result<(), String> {
        let valid = match self.kind {
            Kind::Integer => is_integer(value),
            Kind::Number => is_number(value),
            Kind::Boolean => matches!(value, "0" | "1"),
            Kind::Text | Kind::Enumeration(_) | Kind::Array => return Ok(()),
        };
        if valid {
            Ok(())
        } else {
            let kind = self.kind.name();
            Err(format!("type check ('{kind}') failed - got '{value}'"))
        }
    }

    fn check_format(&self, name: &str, value: &str) -> std::result::Result<(), String> {
        if let Some(object) = self.as_object() {
            return object
                .parse(name, value)
                .map(drop)
                .map_err(|problem| format!("invalid format - {problem}"));
        }
        let Some(format) = self.format else {
            return Ok(());
        };
        let outcome = if self.list {
            format::split_list(value).try_for_each(format.check)
        } else {
            (format.check)(value)
        };
        outcome.map_err(|problem| format!("invalid format - {problem}\n"))
    }

    fn check_size(&self, value: &str) -> std::result::Result<(), String> {
        let (shortest, longest) = self.length;
        let length = value.chars().count();
        if length > longest {
            return Err(format!("value may only be {longest} characters long"));
        }
        if length < shortest {
            return Err(format!("value must be at least {shortest} characters long"));
        }
        if !matches!(self.kind, Kind::Integer | Kind::Number) {
            return Ok(());
        }
        let number: f64 = value.trim_start_matches('+').parse().unwrap_or(0.0);
        let (min, max) = self.bounds;
        if number > max {
            return Err(format!("value must have a maximum value of {max}"));
        }
        if number < min {
            return Err(format!("value must have a minimum value of {min}"));
        }
        Ok(())
    }

    /// Converts a raw value to a string. Repeated values of a list are joined.
    pub(super) fn flatten(&self, raw: &Raw) -> std::result::Result<String, String> {
        let kind = self.kind.name();
        match raw {
            Raw::Text(text) => Ok(text.clone()),
            Raw::List(parts) if self.list => Ok(parts.join(",")),
            Raw::List(parts) if matches!(self.kind, Kind::Array) => Ok(parts.join("\0")),
            Raw::List(_) => Err(format!("type check ('{kind}') failed - got ARRAY")),
            Raw::Object => Err(format!("type check ('{kind}') failed - got HASH")),
        }
    }
}

fn is_integer(value: &str) -> bool {
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(value: &str) -> bool {
    let starts_with_digit = value
        .trim_start_matches(['+', '-'])
        .starts_with(|first: char| first.is_ascii_digit());
    starts_with_digit && value.parse::<f64>().is_ok_and(f64::is_finite)
}
