//! Serializes parameters: form fields and Proxmox's property strings. Rejects values that would
//! inject another field or property.

use std::fmt;

use crate::error::Error;

/// The parameters of one call, in order of insertion. `Debug` output hides the values, because some
/// are passwords.
#[derive(Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Params {
    pub(crate) fn set(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.set(name, u8::from(value));
    }

    pub(crate) fn opt(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    pub(crate) fn opt_flag(&mut self, name: &str, value: Option<bool>) {
        self.opt(name, value.map(u8::from));
    }

    /// Sets an optional one-line text without control characters.
    pub(crate) fn opt_line(&mut self, name: &str, value: Option<&str>) -> Result<(), Error> {
        if let Some(value) = value {
            self.set(name, one_line(name, value)?);
        }
        Ok(())
    }

    /// Sets an optional multi-line text without NUL.
    pub(crate) fn opt_text(&mut self, name: &str, value: Option<&str>) -> Result<(), Error> {
        if let Some(value) = value {
            if value.contains('\0') {
                return Err(unsendable(name, "the value contains a NUL character"));
            }
            self.set(name, value);
        }
        Ok(())
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Joins values with a separator. Rejects values that contain a separator or are empty.
pub(crate) fn joined(field: &str, values: &[String], separator: char) -> Result<String, Error> {
    for value in values {
        let cut = |c: char| matches!(c, ',' | ';') || c.is_whitespace() || c.is_control();
        if value.is_empty() || value.contains(cut) {
            return Err(unsendable(
                field,
                "an entry is empty or contains a separator",
            ));
        }
    }
    Ok(values.join(&separator.to_string()))
}

/// Rejects control characters except tab.
pub(crate) fn one_line<'a>(field: &str, value: &'a str) -> Result<&'a str, Error> {
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(unsendable(
            field,
            "the value contains a line break or another control character",
        ));
    }
    Ok(value)
}

/// A part of a property string.
pub(crate) enum PropertyPart<'a> {
    /// The value of the default key, without the key.
    Bare(&'a str),
    /// A key and its value.
    Pair(&'a str, &'a str),
}

/// Writes `value,key=value,…`. Rejects empty values, control characters, commas (which would start
/// another part), and equals signs in bare values (which would form a pair).
pub(crate) fn property_string(field: &str, parts: &[PropertyPart<'_>]) -> Result<String, Error> {
    let mut text = String::new();
    for part in parts {
        let (key, value) = match *part {
            PropertyPart::Bare(value) => (None, value),
            PropertyPart::Pair(key, value) => (Some(key), value),
        };
        let breaks = |c: char| c == ',' || c.is_control() || (key.is_none() && c == '=');
        if value.is_empty() || value.contains(breaks) {
            let name = key.map_or_else(|| field.to_owned(), |key| format!("{field}.{key}"));
            return Err(unsendable(
                &name,
                "the value is empty or contains a comma, = or a line break",
            ));
        }
        if !text.is_empty() {
            text.push(',');
        }
        if let Some(key) = key {
            if key.is_empty() || key.contains(|c: char| matches!(c, ',' | '=') || c.is_control()) {
                return Err(unsendable(field, "a key is empty or contains a separator"));
            }
            text.push_str(key);
            text.push('=');
        }
        text.push_str(value);
    }
    Ok(text)
}

/// Splits a property string from Proxmox. A value without a key has the key `None`.
pub(crate) fn property_parts(text: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((key, value)) => (Some(key), value),
            None => (None, part),
        })
}

pub(crate) fn unsendable(field: &str, reason: &str) -> Error {
    Error::InvalidArgument {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn property_string_preserves_order() {
        let parts = [
            PropertyPart::Bare("local-lvm:8"),
            PropertyPart::Pair("backup", "1"),
        ];
        assert_eq!(
            property_string("rootfs", &parts).unwrap(),
            "local-lvm:8,backup=1"
        );
        // An equals sign inside a value does not end the value.
        let parts = [PropertyPart::Pair("mp", "/a=b")];
        assert_eq!(property_string("mp0", &parts).unwrap(), "mp=/a=b");
    }

    #[test]
    fn injecting_value_is_rejected() {
        for value in ["", "a,b", "a\0b", "a\nb", "a\r"] {
            let error =
                property_string("net0", &[PropertyPart::Pair("bridge", value)]).unwrap_err();
            let Error::InvalidArgument { field, .. } = error else {
                panic!("{error:?}")
            };
            assert_eq!(field, "net0.bridge");
        }
        assert!(property_string("rootfs", &[PropertyPart::Bare("volume=x")]).is_err());
        assert!(property_string("x", &[PropertyPart::Pair("a=b", "c")]).is_err());
    }

    #[test]
    fn list_rejects_entries_with_separators() {
        let tags = |tags: &[&str]| {
            joined(
                "tags",
                &tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>(),
                ';',
            )
        };
        assert_eq!(tags(&["a", "b-c"]).unwrap(), "a;b-c");
        assert!(tags(&["a;b"]).is_err());
        assert!(tags(&["a b"]).is_err());
        assert!(tags(&[""]).is_err());
    }

    proptest! {
        #[test]
        fn property_string_round_trips(
            pairs in prop::collection::vec(("[a-z][a-z0-9_-]{0,8}", any::<String>()), 1..5)
        ) {
            let parts: Vec<_> = pairs.iter().map(|(key, value)| PropertyPart::Pair(key, value)).collect();
            if let Ok(text) = property_string("x", &parts) {
                let read: Vec<_> = property_parts(&text)
                    .map(|(key, value)| (key.unwrap_or_default().to_owned(), value.to_owned()))
                    .collect();
                prop_assert_eq!(read, pairs);
            } else {
                prop_assert!(pairs.iter().any(|(_, value)| value.is_empty()
                    || value.contains(|c: char| c == ',' || c.is_control())));
            }
        }
    }
}
