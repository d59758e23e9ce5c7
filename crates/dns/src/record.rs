//! DNS records, and validation of names and values: accepted text needs no escaping at any
//! provider.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use hickory_proto::rr::{
    Name, RData,
    rdata::{A, AAAA, TXT},
};

use crate::DnsError;

/// A record: a name with one value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// The absolute name, in lower case and without a trailing dot. Labels may begin with `_`.
    pub name: String,
    /// The value.
    pub value: RecordValue,
}

/// The value of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordValue {
    /// Text: 1 to 255 printable ASCII characters without quotes and backslashes.
    Txt(String),
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
}

impl RecordValue {
    /// The record type's name.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Txt(_) => "TXT",
            Self::A(_) => "A",
            Self::Aaaa(_) => "AAAA",
        }
    }

    /// The value of an address record; `None` for other types.
    pub(crate) fn from_rdata(data: &RData) -> Option<Self> {
        match data {
            RData::A(A(v4)) => Some(Self::A(*v4)),
            RData::AAAA(AAAA(v6)) => Some(Self::Aaaa(*v6)),
            _ => None,
        }
    }
}

impl From<IpAddr> for RecordValue {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::A(v4),
            IpAddr::V6(v6) => Self::Aaaa(v6),
        }
    }
}

impl fmt::Display for RecordValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Txt(text) => f.write_str(text),
            Self::A(v4) => v4.fmt(f),
            Self::Aaaa(v6) => v6.fmt(f),
        }
    }
}

/// A validated record in wire types (RFC 1035, section 3).
#[derive(Clone, Debug)]
pub(crate) struct WireRecord {
    pub(crate) name: Name,
    pub(crate) data: RData,
}

impl Record {
    /// Validates the record and converts it to wire types.
    pub(crate) fn to_wire(&self) -> Result<WireRecord, DnsError> {
        let data = match &self.value {
            RecordValue::Txt(text) => {
                let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
                if !(1..=255).contains(&text.len()) || !text.chars().all(is_plain) {
                    return Err(DnsError::refused(
                        "A TXT record must have 1 to 255 printable characters, without quotes and \
                            backslashes.",
                    ));
                }
                RData::TXT(TXT::new(vec![text.clone()]))
            }
            RecordValue::A(v4) => RData::A(A(*v4)),
            RecordValue::Aaaa(v6) => RData::AAAA(AAAA(*v6)),
        };
        Ok(WireRecord {
            name: parse_name(&self.name)?,
            data,
        })
    }
}

/// Parses a name in the form of [`Record::name`].
pub(crate) fn parse_name(text: &str) -> Result<Name, DnsError> {
    let refusal = || DnsError::refused(format!("{text:?} is not a DNS name."));
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    // A label does not begin or end with a hyphen (RFC 952).
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(is_plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() > 253 || !text.split('.').all(is_label) {
        return Err(refusal());
    }
    Name::from_labels(text.split('.').map(str::as_bytes)).map_err(|_| refusal())
}

/// Formats a name in the form that [`parse_name`] accepts.
pub(crate) fn format_name(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};
    use proptest::prelude::*;

    use super::*;

    fn txt(name: &str, text: &str) -> Record {
        Record {
            name: name.into(),
            value: RecordValue::Txt(text.into()),
        }
    }

    #[test]
    fn hostnames_and_challenge_names_are_valid() {
        let long = format!("{}.example.org", "a".repeat(63));
        for good in [
            "example.org",
            "_acme-challenge.www.example.org",
            "a.b-c.x0",
            &long,
        ] {
            assert_eq!(format_name(&parse_name(good).unwrap()), good);
        }
        let label = format!("{}.example.org", "a".repeat(64));
        let whole = ["a".repeat(63).as_str(); 4].join(".");
        for bad in [
            "", ".", "a..b", "a.", ".a", "A.b", "a b", "*.a", "a\\.b", "ä.b", "-", "a.-b", "a-.b",
            &label, &whole,
        ] {
            assert!(parse_name(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn accepted_name_is_unambiguous_on_the_wire(text in "\\PC{0,80}|[a-z0-9._\\\\ \"@*-]{0,80}") {
            let Ok(name) = parse_name(&text) else { return Ok(()) };
            let labels: Vec<&str> = text.split('.').collect();
            prop_assert_eq!(usize::from(name.num_labels()), labels.len());
            prop_assert_eq!(name.to_ascii(), format!("{text}."));
            let bytes = name.to_bytes().unwrap();
            prop_assert_eq!(Name::from_bytes(&bytes).unwrap(), name);
        }

        #[test]
        fn accepted_text_is_unambiguous_on_the_wire(text in "\\PC{0,300}|[ -~]{0,300}|[\"\\\\;() a-z]{0,20}|[\\x00-\\x1f]{1,4}") {
            let Ok(wire) = txt("_acme-challenge.example.org", &text).to_wire() else { return Ok(()) };
            let RData::TXT(data) = &wire.data else { panic!("{wire:?}") };
            prop_assert_eq!(data.txt_data.len(), 1);
            prop_assert_eq!(&data.txt_data[0][..], text.as_bytes());
            prop_assert!(!text.contains(['"', '\\', '\n', '\r', '\0']));
        }
    }
}
