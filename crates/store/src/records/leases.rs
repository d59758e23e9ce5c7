//! Leases of DNS records and the time of their next attempt. A conditional update decides which of
//! several processes gets the lease.

use diesel::{dsl::min, prelude::*};
use model::{ProviderId, Timestamp, certificates::AttemptFailure};

use super::{DnsRecordRow, RecordState, Row};
use crate::{Conn, Error, rows::to_json, schema::dns_records};

/// Stores a failed attempt and the time of the next one.
///
/// # Errors
/// When the database is unavailable.
pub fn record_failure(
    c: &mut Conn,
    id: i64,
    trouble: &AttemptFailure,
    next_try: Timestamp,
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
            dns_records::last_error.eq(to_json(trouble)?),
            dns_records::next_attempt_at.eq(next_try.0),
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
pub fn retry_failed(c: &mut Conn, provider: ProviderId, now: Timestamp) -> Result<(), Error> {
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

/// Claims the record that has been due longest and whose lease is free, until `until`.
///
/// # Errors
/// When the database is unavailable.
pub fn claim(
    c: &mut Conn,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<DnsRecordRow>, Error> {
    macro_rules! free {
        () => {
            dns_records::next_attempt_at.le(now.0).and(
                dns_records::lease_until
                    .is_null()
                    .or(dns_records::lease_until.le(now.0)),
            )
        };
    }
    loop {
        let next: Option<i64> = dns_records::table
            .filter(free!())
            .order((dns_records::next_attempt_at, dns_records::id))
            .select(dns_records::id)
            .first(&mut c.0)
            .optional()?;
        let Some(id) = next else { return Ok(None) };
        let claimed = diesel::update(dns_records::table.find(id))
            .filter(free!())
            .set(dns_records::lease_until.eq(until.0))
            .execute(&mut c.0)?;
        if claimed > 0 {
            let row: Row = dns_records::table
                .find(id)
                .select(Row::as_select())
                .first(&mut c.0)?;
            return row.into_row().map(Some);
        }
    }
}

/// Releases the lease of a record.
///
/// # Errors
/// When the database is unavailable.
pub fn release(c: &mut Conn, id: i64) -> Result<(), Error> {
    diesel::update(dns_records::table.find(id))
        .set(dns_records::lease_until.eq(None::<i64>))
        .execute(&mut c.0)?;
    Ok(())
}

/// Returns when the next record is due.
///
/// # Errors
/// When the database is unavailable.
pub fn next_due(c: &mut Conn) -> Result<Option<Timestamp>, Error> {
    let due: Option<i64> = dns_records::table
        .select(min(dns_records::next_attempt_at))
        .first(&mut c.0)?;
    Ok(due.map(Timestamp))
}
