//! DNS records that Holdfast manages at DNS providers. A record is stored here before it is created
//! at the DNS provider, so that every created record can be removed later.

mod desired;
mod leases;
mod record;

use diesel::prelude::*;
use model::{CertificateId, DomainId, ProviderId, Timestamp, domains::RecordFailure};
use record::Row;

use crate::{Conn, Error, dialect, rows::RowRef, schema::dns_records};

pub use desired::{DomainAddressRecords, list_address_records};
pub use leases::{
    claim, delay_provider, next_due_in_ms, record_failure, release, renew_lease, retry_failed,
};
pub use record::{DnsRecord, DnsRecordRow, RecordState};

/// The states of records that Holdfast has not submitted to the DNS provider.
const UNMANAGED_STATES: [&str; 2] = [
    RecordState::Pending.as_str(),
    RecordState::Unmanaged.as_str(),
];

/// The maximum number of records with errors that are returned.
const MAX_ERRORS: i64 = 20;

/// The purpose of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPurpose {
    /// The address of a hostname under a domain.
    Address(DomainId),
    /// The DNS-01 challenge for a certificate.
    Challenge(CertificateId),
}

/// Inserts a record, or updates the row with the same content. The record is due at `next_attempt`;
/// `None` for a challenge, which the caller submits itself. A managed record stays managed.
///
/// # Errors
/// [`Error::NotFound`] when the DNS provider does not exist.
pub fn upsert_desired(
    c: &mut Conn,
    provider: ProviderId,
    purpose: RecordPurpose,
    record: &DnsRecord,
    next_attempt: Option<Timestamp>,
) -> Result<i64, Error> {
    let (domain, certificate) = match purpose {
        RecordPurpose::Address(domain) => (Some(domain.0), None),
        RecordPurpose::Challenge(certificate) => (None, Some(certificate.0)),
    };
    let existing = find_equal(c, provider, record)?;
    let is_managed = existing.is_some_and(|(_, state)| state.is_managed());
    let state = match purpose {
        RecordPurpose::Address(_) if !is_managed => RecordState::Pending,
        RecordPurpose::Address(_) | RecordPurpose::Challenge(_) => RecordState::Submitted,
    };
    let columns = (
        dns_records::domain_id.eq(domain),
        dns_records::certificate_id.eq(certificate),
        dns_records::state.eq(state.as_str()),
        dns_records::next_attempt_at.eq(next_attempt.map(|at| at.0)),
        dns_records::failures.eq(0),
        dns_records::last_error.eq(None::<String>),
    );
    if let Some((id, _)) = existing {
        diesel::update(dns_records::table.find(id))
            .set(columns)
            .execute(&mut c.0)?;
        return Ok(id);
    }
    diesel::insert_into(dns_records::table)
        .values((
            dns_records::provider_id.eq(provider.0),
            dns_records::name.eq(&record.name),
            dns_records::record_type.eq(record.record_type),
            dns_records::value.eq(&record.value),
            dns_records::created_at.eq(dialect::now(&c.0)),
            columns,
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    Ok(dialect::inserted_id(&mut c.0)?)
}

fn find_equal(
    c: &mut Conn,
    provider: ProviderId,
    record: &DnsRecord,
) -> Result<Option<(i64, RecordState)>, Error> {
    let row: Option<(i64, String)> = dns_records::table
        .filter(dns_records::provider_id.eq(provider.0))
        .filter(dns_records::name.eq(&record.name))
        .filter(dns_records::record_type.eq(record.record_type))
        .filter(dns_records::value.eq(&record.value))
        .select((dns_records::id, dns_records::state))
        .first(&mut c.0)
        .optional()?;
    let equal = row.map(|(id, state)| {
        let row_ref = RowRef::new("dns_records", &id);
        Ok((id, row_ref.parse("state", &state)?))
    });
    equal.transpose()
}

/// Marks a record for removal now. An unmanaged record is only deleted from the database.
///
/// # Errors
/// When the database is unavailable.
pub fn mark_for_removal(c: &mut Conn, id: i64, now: Timestamp) -> Result<(), Error> {
    diesel::delete(
        dns_records::table
            .filter(dns_records::id.eq(id))
            .filter(dns_records::state.eq_any(UNMANAGED_STATES)),
    )
    .execute(&mut c.0)?;
    diesel::update(dns_records::table.find(id))
        .set((
            dns_records::state.eq(RecordState::Removing.as_str()),
            dns_records::next_attempt_at.eq(now.0),
            dns_records::failures.eq(0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Marks the challenge records for a certificate for removal.
///
/// # Errors
/// When the database is unavailable.
pub fn mark_challenges_for_removal(
    c: &mut Conn,
    certificate: CertificateId,
    now: Timestamp,
) -> Result<(), Error> {
    diesel::update(dns_records::table.filter(dns_records::certificate_id.eq(certificate.0)))
        .set((
            dns_records::state.eq(RecordState::Removing.as_str()),
            dns_records::next_attempt_at.eq(now.0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Marks a record as submitted, before it is sent to the DNS provider. Returns false when the
/// record is no longer to be created.
///
/// # Errors
/// When the database is unavailable.
pub fn mark_submitted(c: &mut Conn, id: i64) -> Result<bool, Error> {
    let submitted = diesel::update(dns_records::table.find(id))
        .filter(dns_records::state.eq(RecordState::Pending.as_str()))
        .set(dns_records::state.eq(RecordState::Submitted.as_str()))
        .execute(&mut c.0)?;
    Ok(submitted > 0)
}

/// Marks a record as present at the DNS provider: as managed if it was submitted, otherwise as
/// unmanaged.
///
/// # Errors
/// When the database is unavailable.
pub fn mark_present(c: &mut Conn, id: i64) -> Result<(), Error> {
    let transitions = [
        // Another process may have marked the record first.
        (RecordState::Unmanaged, RecordState::Unmanaged),
        (RecordState::Present, RecordState::Present),
        (RecordState::Pending, RecordState::Unmanaged),
        (RecordState::Submitted, RecordState::Present),
    ];
    for (before, after) in transitions {
        diesel::update(dns_records::table.find(id))
            .filter(dns_records::state.eq(before.as_str()))
            .set((
                dns_records::state.eq(after.as_str()),
                dns_records::next_attempt_at.eq(None::<i64>),
                dns_records::failures.eq(0),
                dns_records::last_error.eq(None::<String>),
            ))
            .execute(&mut c.0)?;
    }
    Ok(())
}

/// Deletes the row of a removed record, unless the record is needed again meanwhile. Equal records
/// of other DNS providers are checked again, because both may serve the same zone.
///
/// # Errors
/// When the database is unavailable.
pub fn finish_removal(c: &mut Conn, row: &DnsRecordRow, now: Timestamp) -> Result<(), Error> {
    diesel::delete(
        dns_records::table
            .filter(dns_records::id.eq(row.id))
            .filter(dns_records::state.eq(RecordState::Removing.as_str())),
    )
    .execute(&mut c.0)?;
    let transitions = [
        (RecordState::Unmanaged, RecordState::Pending),
        (RecordState::Present, RecordState::Submitted),
    ];
    for (before, after) in transitions {
        diesel::update(dns_records::table)
            .filter(dns_records::name.eq(&row.record.name))
            .filter(dns_records::record_type.eq(row.record.record_type))
            .filter(dns_records::value.eq(&row.record.value))
            .filter(dns_records::state.eq(before.as_str()))
            .set((
                dns_records::state.eq(after.as_str()),
                dns_records::next_attempt_at.eq(now.0),
            ))
            .execute(&mut c.0)?;
    }
    Ok(())
}

/// Returns the address records of a domain that have an error, ordered by name, at most 20.
///
/// # Errors
/// When the database is unavailable.
pub fn list_errors(c: &mut Conn, domain: DomainId) -> Result<Vec<RecordFailure>, Error> {
    let rows: Vec<(Row, Option<i64>)> = dns_records::table
        .filter(dns_records::domain_id.eq(domain.0))
        .filter(dns_records::last_error.is_not_null())
        .order((dns_records::name, dns_records::record_type, dns_records::id))
        .limit(MAX_ERRORS)
        .select((Row::as_select(), dns_records::next_attempt_at))
        .load(&mut c.0)?;
    let last_errors = rows.into_iter().map(|(row, next_attempt)| {
        let DnsRecordRow {
            record, last_error, ..
        } = row.into_row()?;
        Ok(last_error.map(|last_error| RecordFailure {
            name: record.name,
            kind: record.record_type.to_owned(),
            value: record.value,
            last_error,
            next_attempt: next_attempt.map(Timestamp),
        }))
    });
    last_errors.filter_map(Result::transpose).collect()
}

/// Whether a DNS provider has managed records. Records whose last attempt failed do not
/// count, because they may never have been created.
///
/// # Errors
/// When the database is unavailable.
pub fn has_records(c: &mut Conn, provider: ProviderId) -> Result<bool, Error> {
    let first: Option<i64> = dns_records::table
        .filter(dns_records::provider_id.eq(provider.0))
        .filter(dns_records::state.ne_all(UNMANAGED_STATES))
        .filter(dns_records::failures.eq(0))
        .select(dns_records::id)
        .first(&mut c.0)
        .optional()?;
    Ok(first.is_some())
}

/// Deletes the rows of a DNS provider's unmanaged records, and of those whose last attempt failed.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn delete_unmanaged(c: &mut Conn, provider: ProviderId) -> Result<(), Error> {
    diesel::delete(
        dns_records::table
            .filter(dns_records::provider_id.eq(provider.0))
            .filter(
                dns_records::state
                    .eq_any(UNMANAGED_STATES)
                    .or(dns_records::failures.gt(0)),
            ),
    )
    .execute(&mut c.0)?;
    Ok(())
}

/// Returns records that are not marked for removal although their domain or certificate was
/// deleted.
///
/// # Errors
/// When the database is unavailable.
pub fn list_orphans(c: &mut Conn) -> Result<Vec<i64>, Error> {
    Ok(dns_records::table
        .filter(dns_records::domain_id.is_null())
        .filter(dns_records::certificate_id.is_null())
        .filter(dns_records::state.ne(RecordState::Removing.as_str()))
        .select(dns_records::id)
        .load(&mut c.0)?)
}
