//! Creates or removes one record at its DNS provider.

use std::time::Duration;

use store::{
    Conn,
    dns_records::{DnsRecord, DnsRecordRow, RecordState},
};

use super::renewal;
use crate::{Control, background::Lease, failure::StoreResultExt as _};

/// The time limit for updating one record at a provider.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(45);

pub(super) async fn update(
    control: &Control,
    provider: &Result<Box<dyn dns::Provider>, String>,
    row: &DnsRecordRow,
    lease: &Lease,
) -> Result<(), UpdateError> {
    let provider = provider.as_ref().map_err(Clone::clone)?.as_ref();
    let update = apply(control, provider, row, lease);
    let update = tokio::time::timeout(UPDATE_TIMEOUT, update).await;
    update.unwrap_or_else(|_| {
        Err(UpdateError {
            message: "The DNS provider did not respond in time.".to_owned(),
            pause: Some(Duration::ZERO),
        })
    })
}

async fn apply(
    control: &Control,
    provider: &dyn dns::Provider,
    row: &DnsRecordRow,
    lease: &Lease,
) -> Result<(), UpdateError> {
    let record = record(&row.record)?;
    match row.state {
        RecordState::Removing => {
            lease.confirm(&renewal(control, row)).await;
            Ok(provider.remove(&record).await?)
        }
        RecordState::Present | RecordState::Unmanaged => Ok(()),
        RecordState::Pending | RecordState::Submitted => {
            lease.wait_until_usable().await;
            let existing = provider.addresses(&record.name).await?;
            if existing.contains(&record.value) {
                return Ok(());
            }
            let mut conflicting_values = existing
                .iter()
                .filter(|value| is_same_kind(value, &record.value));
            if let Some(conflicting) = conflicting_values.next() {
                // Another record exists; the name may resolve elsewhere on purpose.
                return Err(UpdateError::from(format!(
                    "{} resolves to {}, in a record that Holdfast did not create. Delete that \
                        record at the DNS provider.",
                    record.name,
                    format_value(conflicting)
                )));
            }
            if mark_submitted(control, row, lease).await? {
                provider.add(&record).await?;
            }
            Ok(())
        }
    }
}

/// Stores that Holdfast creates the record before it does, so that the record is removed even if
/// this process stops, and renews the lease. Returns `false` when the record is no longer desired;
/// ends the work here when the lease is lost.
async fn mark_submitted(
    control: &Control,
    row: &DnsRecordRow,
    lease: &Lease,
) -> Result<bool, UpdateError> {
    let is_marked = row.state == RecordState::Submitted;
    let (id, owner, term) = (row.id, lease.owner(), lease.term_ms());
    let write = move |c: &mut Conn| {
        if !store::dns_records::renew_lease(c, id, &owner, term)? {
            return Ok(None);
        }
        match is_marked {
            true => Ok(Some(true)),
            false => store::dns_records::mark_submitted(c, id).map(Some),
        }
    };
    let marked = control
        .store()
        .write(write)
        .await
        .into_model("mark DNS record as submitted");
    match marked.map_err(|error| UpdateError::from(error.to_string()))? {
        Some(is_desired) => Ok(is_desired),
        None => lease.end().await,
    }
}

/// Why a provider has not made a change.
#[derive(Clone)]
pub(super) struct UpdateError {
    pub(super) message: String,
    /// The shortest pause before the next request to this provider. `None` if requests for other
    /// records may succeed.
    pub(super) pause: Option<Duration>,
}

impl From<String> for UpdateError {
    fn from(message: String) -> Self {
        Self {
            message,
            pause: None,
        }
    }
}

impl From<dns::DnsError> for UpdateError {
    fn from(error: dns::DnsError) -> Self {
        let pause = match &error {
            dns::DnsError::RateLimited { retry_after, .. } => Some(retry_after.unwrap_or_default()),
            dns::DnsError::Unavailable { .. } => Some(Duration::ZERO),
            dns::DnsError::Unauthorized { .. }
            | dns::DnsError::NoZone { .. }
            | dns::DnsError::Refused { .. } => None,
        };
        Self {
            message: error.to_string(),
            pause,
        }
    }
}

fn is_same_kind(a: &dns::RecordValue, b: &dns::RecordValue) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn format_value(value: &dns::RecordValue) -> String {
    match value {
        dns::RecordValue::A(address) => address.to_string(),
        dns::RecordValue::Aaaa(address) => address.to_string(),
        dns::RecordValue::Txt(text) => text.clone(),
    }
}

fn record(stored: &DnsRecord) -> Result<dns::Record, UpdateError> {
    let wrong = || UpdateError::from(format!("The record {stored} cannot be parsed."));
    let value = match stored.record_type {
        "A" => dns::RecordValue::A(stored.value.parse().map_err(|_| wrong())?),
        "AAAA" => dns::RecordValue::Aaaa(stored.value.parse().map_err(|_| wrong())?),
        _ => dns::RecordValue::Txt(stored.value.clone()),
    };
    Ok(dns::Record {
        name: stored.name.clone(),
        value,
    })
}
