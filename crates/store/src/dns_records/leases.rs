//! Leases of DNS records and the time of their next attempt.

use diesel::prelude::*;
use model::{
    ProviderId, Timestamp,
    certificates::AttemptFailure,
    permissions::{Permit, ProviderManage},
};

use super::{DnsRecordRow, RecordState, Row};
use crate::{
    Conn, Error,
    lease::{claim_first, held_for, is_free, is_held, next_due_in_ms, released},
    rows::to_json,
    schema::dns_records,
};

/// Stores a failed attempt and the time of the next one.
///
/// # Errors
/// When the database is unavailable.
pub fn record_failure(
    c: &mut Conn,
    id: i64,
    last_error: &AttemptFailure,
    next_attempt: Timestamp,
) -> Result<(), Error> {
    let unsettled = [
        RecordState::Pending.as_str(),
        RecordState::Submitted.as_str(),
        RecordState::Removing.as_str(),
    ];
    diesel::update(dns_records::table.find(id))
        .filter(dns_records::state.eq_any(unsettled))
        .set((
            dns_records::failures.eq(dns_records::failures + 1),
            dns_records::last_error.eq(to_json(last_error)?),
            dns_records::next_attempt_at.eq(next_attempt.0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Delays all attempts at a DNS provider until `until`.
///
/// # Errors
/// When the database is unavailable.
pub fn delay_provider(c: &mut Conn, provider: ProviderId, until: Timestamp) -> Result<(), Error> {
    diesel::update(dns_records::table)
        .filter(dns_records::provider_id.eq(provider.0))
        .filter(dns_records::next_attempt_at.lt(until.0))
        .set(dns_records::next_attempt_at.eq(until.0))
        .execute(&mut c.0)?;
    Ok(())
}

/// Makes the records of a DNS provider whose last attempt failed due now.
///
/// # Errors
/// When the database is unavailable.
pub fn retry_failed(
    c: &mut Conn,
    _: Permit<ProviderManage>,
    provider: ProviderId,
    now: Timestamp,
) -> Result<(), Error> {
    diesel::update(dns_records::table)
        .filter(dns_records::provider_id.eq(provider.0))
        .filter(dns_records::failures.gt(0))
        .set((
            dns_records::next_attempt_at.eq(now.0),
            dns_records::failures.eq(0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Claims the record that has been due longest and whose lease is free, for `lease_ms`.
/// The owner identifies one attempt, not one process.
///
/// # Errors
/// When the database is unavailable.
pub fn claim(
    c: &mut Conn,
    owner: &str,
    now: Timestamp,
    lease_ms: i64,
) -> Result<Option<DnsRecordRow>, Error> {
    let id = claim_first!(
        c,
        dns_records,
        dns_records::next_attempt_at
            .le(now.0)
            .and(is_free!(c, dns_records)),
        (dns_records::next_attempt_at, dns_records::id),
        held_for!(c, dns_records, owner, lease_ms)
    );
    let Some(id) = id else { return Ok(None) };
    let row: Row = dns_records::table
        .find(id)
        .select(Row::as_select())
        .first(&mut c.0)?;
    row.into_row().map(Some)
}

/// Renews the lease of a record for `lease_ms` from now. Returns false when the lease was lost.
///
/// # Errors
/// When the database is unavailable.
pub fn renew_lease(c: &mut Conn, id: i64, owner: &str, lease_ms: i64) -> Result<bool, Error> {
    let renewed = diesel::update(dns_records::table.find(id))
        .filter(is_held!(c, dns_records, owner))
        .set(held_for!(c, dns_records, owner, lease_ms))
        .execute(&mut c.0)?;
    Ok(renewed > 0)
}

/// Releases the lease of a record, if `owner` holds it.
///
/// # Errors
/// When the database is unavailable.
pub fn release(c: &mut Conn, id: i64, owner: &str) -> Result<(), Error> {
    diesel::update(dns_records::table.find(id))
        .filter(dns_records::lease_owner.eq(owner))
        .set(released!(dns_records))
        .execute(&mut c.0)?;
    Ok(())
}

/// Returns in how many milliseconds after `now` the next record can be claimed if its lease is not
/// renewed; `None` when no record is due.
///
/// # Errors
/// When the database is unavailable.
pub fn next_due_in_ms(c: &mut Conn, now: Timestamp) -> Result<Option<i64>, Error> {
    next_due_in_ms!(c, dns_records, now)
}
