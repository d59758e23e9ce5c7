//! A DNS record with its state, and its row in the database.

use std::{fmt, str::FromStr};

use diesel::prelude::*;
use model::{DomainId, ProviderId, certificates::AttemptFailure};

use crate::{
    Error,
    rows::{RowRef, to_u32},
    schema::dns_records,
};

/// The state of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// To be created; not submitted to the DNS provider yet. An equal record there is unmanaged.
    Pending,
    /// Submitted to the DNS provider without a confirmed result. From here on the record is
    /// managed.
    Submitted,
    /// Created by Holdfast and present.
    Present,
    /// Present before Holdfast submitted it. It is not removed when it is no longer needed.
    Unmanaged,
    /// To be removed; possibly still present.
    Removing,
}

impl RecordState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Submitted => "submitted",
            Self::Present => "present",
            Self::Unmanaged => "unmanaged",
            Self::Removing => "removing",
        }
    }

    pub(super) fn is_managed(self) -> bool {
        matches!(self, Self::Submitted | Self::Present | Self::Removing)
    }
}

impl FromStr for RecordState {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pending" => Ok(Self::Pending),
            "submitted" => Ok(Self::Submitted),
            "present" => Ok(Self::Present),
            "unmanaged" => Ok(Self::Unmanaged),
            "removing" => Ok(Self::Removing),
            _ => Err("is not a known value"),
        }
    }
}

/// The content of a DNS record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DnsRecord {
    /// The fully qualified name, without the trailing dot.
    pub name: String,
    /// `A`, `AAAA` or `TXT`.
    pub record_type: &'static str,
    /// The value as text.
    pub value: String,
}

impl fmt::Display for DnsRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.record_type, self.value)
    }
}

/// The supported record types.
const KINDS: [&str; 3] = ["A", "AAAA", "TXT"];

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsRecordRow {
    /// The id.
    pub id: i64,
    /// The DNS provider.
    pub provider: ProviderId,
    /// The domain, for an address record; `None` for other purposes or a deleted domain.
    pub domain: Option<DomainId>,
    /// The content.
    pub record: DnsRecord,
    /// The state.
    pub state: RecordState,
    /// The number of consecutive failed attempts.
    pub failures: u32,
    /// The error of the last attempt.
    pub last_error: Option<AttemptFailure>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = dns_records)]
pub(super) struct Row {
    id: i64,
    provider_id: i64,
    domain_id: Option<i64>,
    name: String,
    record_type: String,
    value: String,
    state: String,
    failures: i64,
    last_error: Option<String>,
}

impl Row {
    pub(super) fn into_row(self) -> Result<DnsRecordRow, Error> {
        let row_ref = RowRef::new("dns_records", &self.id);
        let kind = KINDS.into_iter().find(|kind| *kind == self.record_type);
        let last_error = self
            .last_error
            .as_deref()
            .map(|text| row_ref.parse_json("last_error", text));
        Ok(DnsRecordRow {
            id: self.id,
            provider: ProviderId(self.provider_id),
            domain: self.domain_id.map(DomainId),
            state: row_ref.parse("state", &self.state)?,
            failures: to_u32(self.failures),
            last_error: last_error.transpose()?,
            record: DnsRecord {
                record_type: kind
                    .ok_or_else(|| row_ref.invalid("record_type", &"is not a known value"))?,
                name: self.name,
                value: self.value,
            },
        })
    }
}
