//! IDs of guests and tasks, parsed at the boundary of the crate.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A value that does not have Proxmox's format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}.")]
pub struct ParseError {
    /// The expected kind of value, with its article.
    pub expected: &'static str,
    /// The value.
    pub value: String,
}

impl ParseError {
    pub(crate) fn new(expected: &'static str, value: impl Into<String>) -> Self {
        Self {
            expected,
            value: value.into(),
        }
    }
}

/// The VMID of a guest, 100 to 999999999. Containers and virtual machines share one range in the
/// cluster, and a VMID is unused again as soon as its guest is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Vmid(u32);

impl Vmid {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Vmid {
    type Error = ParseError;

    fn try_from(number: u32) -> Result<Self, ParseError> {
        if (100..=999_999_999).contains(&number) {
            Ok(Self(number))
        } else {
            Err(ParseError::new(
                "a VMID (100 to 999999999)",
                number.to_string(),
            ))
        }
    }
}

impl From<Vmid> for u32 {
    fn from(vmid: Vmid) -> Self {
        vmid.0
    }
}

impl FromStr for Vmid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        text.parse::<u32>()
            .ok()
            .filter(|_| plain)
            .and_then(|number| Self::try_from(number).ok())
            .ok_or_else(|| ParseError::new("a VMID (100 to 999999999)", text))
    }
}

impl fmt::Display for Vmid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Accepts JSON numbers and strings.
impl<'de> Deserialize<'de> for Vmid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = crate::lenient::text(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The UPID of a task: `UPID:node:pid:pstart:starttime:type:id:user:`, numbers in hexadecimal. It
/// contains the task's node, so nothing else is needed to query the task.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Upid {
    text: String,
    started: u64,
}

impl Upid {
    /// The UPID as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The task's node.
    pub fn node(&self) -> &str {
        self.part(1)
    }

    /// When the task started, in seconds since 1970 by the node's clock.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// The kind of task, such as `vzcreate`.
    pub fn kind(&self) -> &str {
        self.part(5)
    }

    /// The task's object: a VMID, a file, a storage, or empty. A colon is encoded as `%3A`.
    pub fn id(&self) -> &str {
        self.part(6)
    }

    /// The user or token that started the task.
    pub fn user(&self) -> &str {
        self.part(7)
    }

    fn part(&self, index: usize) -> &str {
        self.text.split(':').nth(index).unwrap_or_default()
    }
}

impl FromStr for Upid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        start_of_task(text)
            .map(|started| Self {
                text: text.to_owned(),
                started,
            })
            .ok_or_else(|| ParseError::new("a UPID", text))
    }
}

/// The start time of a valid UPID.
fn start_of_task(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    if parts.next() != Some("UPID") || !is_node_name(parts.next()?) {
        return None;
    }
    hex(parts.next()?, 8..=8)?;
    hex(parts.next()?, 8..=9)?;
    let started = hex(parts.next()?, 8..=8)?;
    let (kind, id, user) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next() == Some("") && parts.next().is_none();
    let fields = [kind, id, user].into_iter().all(is_field) && !kind.is_empty();
    (whole && fields && !user.is_empty()).then_some(started)
}

fn hex(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let right = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    right.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

fn is_field(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '/')
}

/// Whether a text is a valid node name: letters, digits and inner hyphens.
pub(crate) fn is_node_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Debug for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Serialize for Upid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Upid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn upid_exposes_its_parts() {
        let text = "UPID:pve-1:00001638:000599F5:6B00BC42:ociregistrypull:nginx_1.27.tar:root@pam!holdfast:";
        let upid: Upid = text.parse().unwrap();
        assert_eq!(upid.as_str(), text);
        assert_eq!(upid.node(), "pve-1");
        assert_eq!(upid.started(), 0x6B00_BC42);
        assert_eq!(upid.kind(), "ociregistrypull");
        assert_eq!(upid.id(), "nginx_1.27.tar");
        assert_eq!(upid.user(), "root@pam!holdfast");
    }

    #[test]
    fn upid_accepts_nine_digit_pstart_and_empty_id() {
        assert!(
            "UPID:a:00001638:1000599F5:6B00BC42:startall::root@pam:"
                .parse::<Upid>()
                .is_ok()
        );
    }

    #[test]
    fn malformed_upids_are_rejected() {
        for text in [
            "",
            "UPID:pve1:00001638:000599F5:6B00BC42:vzcreate:100:root@pam",
            "UPID:pve1:00001638:000599F5:6B00BC42:vzcreate:100:root@pam::",
            "UPID:pve1:00001638:000599F5:6B00BC42:vzcreate:100:root@pam:x",
            "UPID:pve1:1638:000599F5:6B00BC42:vzcreate:100:root@pam:",
            "UPID:pve1:0000163G:000599F5:6B00BC42:vzcreate:100:root@pam:",
            "UPID:pve1:00001638:000599F5:6B00BC42::100:root@pam:",
            "UPID:../../x:00001638:000599F5:6B00BC42:vzcreate:100:root@pam:",
            "UPID:pve1:00001638:000599F5:6B00BC42:vzcreate:1/0:root@pam:",
            "UPID:-pve:00001638:000599F5:6B00BC42:vzcreate:100:root@pam:",
        ] {
            assert!(text.parse::<Upid>().is_err(), "{text}");
        }
    }

    #[test]
    fn vmid_enforces_range_and_format() {
        assert_eq!("100".parse::<Vmid>().unwrap().get(), 100);
        assert_eq!(
            Vmid::try_from(999_999_999).unwrap().to_string(),
            "999999999"
        );
        for text in ["99", "1000000000", "0100", "+200", "", "12a", "99999999999"] {
            assert!(text.parse::<Vmid>().is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Vmid>("\"101\"").unwrap().get(), 101);
        assert_eq!(serde_json::from_str::<Vmid>("101").unwrap().get(), 101);
        assert!(serde_json::from_str::<Vmid>("99").is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_preserves_text(text in "(UPID:)?[ -~\u{e9}]{0,60}") {
            if let Ok(upid) = text.parse::<Upid>() {
                prop_assert_eq!(upid.as_str(), text);
            }
        }

        #[test]
        fn generated_upids_parse(
            node in "[A-Za-z0-9]([A-Za-z0-9-]{0,8}[A-Za-z0-9])?",
            pid in 0u32..,
            started in 0u32..,
            kind in "[a-z]{1,12}",
            id in "[^:\\s/\\x00-\\x1f\\x7f-\\x9f]{0,12}",
        ) {
            let text = format!("UPID:{node}:{pid:08X}:{pid:08X}:{started:08X}:{kind}:{id}:root@pam!t1:");
            let upid: Upid = text.parse().unwrap();
            prop_assert_eq!(upid.started(), u64::from(started));
            prop_assert_eq!(upid.node(), node);
            prop_assert_eq!(upid.id(), id);
        }
    }
}
