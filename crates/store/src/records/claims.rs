//! Who tells a provider of a record, and when it is told next. Of several servers one has it: a
//! conditional update decides.

use diesel::{dsl::min, prelude::*};
use model::{ProviderId, Timestamp, certificates::Trouble};

use super::{RecordRow, RecordState, Row};
use crate::{Conn, Error, rows::to_json, schema::dns_records};

/// Notes that the provider was told in vain, and when it is told again.
///
/// # Errors
/// When the database does not answer.
pub fn failed(c: &mut Conn, id: i64, trouble: &Trouble, next_try: Timestamp) -> Result<(), Error> {
    let open = [
        RecordState::Wanted.as_str(),
        RecordState::Told.as_str(),
        RecordState::Unwanted.as_str(),
    ];
    diesel::update(dns_records::table.find(id))
        .filter(dns_records::state.eq_any(open))
        .set((
            dns_records::failures.eq(dns_records::failures + 1),
            dns_records::trouble.eq(to_json(trouble)?),
            dns_records::next_try.eq(next_try.0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Has nothing of what a provider is to be told be told before a moment.
///
/// # Errors
/// When the database does not answer.
pub fn put_off(c: &mut Conn, provider: ProviderId, until: Timestamp) -> Result<(), Error> {
    diesel::update(dns_records::table)
        .filter(dns_records::provider_id.eq(provider.0))
        .filter(dns_records::next_try.lt(until.0))
        .set(dns_records::next_try.eq(until.0))
        .execute(&mut c.0)?;
    Ok(())
}

/// Has a provider be told at once of what it was told in vain.
///
/// # Errors
/// When the database does not answer.
pub fn retry(c: &mut Conn, provider: ProviderId, now: Timestamp) -> Result<(), Error> {
    diesel::update(dns_records::table)
        .filter(dns_records::provider_id.eq(provider.0))
        .filter(dns_records::failures.gt(0))
        .set((dns_records::next_try.eq(now.0), dns_records::failures.eq(0)))
        .execute(&mut c.0)?;
    Ok(())
}

/// Takes the record whose provider is to be told next, until `until`.
///
/// # Errors
/// When the database does not answer.
pub fn claim(c: &mut Conn, now: Timestamp, until: Timestamp) -> Result<Option<RecordRow>, Error> {
    macro_rules! free {
        () => {
            dns_records::next_try.le(now.0).and(
                dns_records::lease_until
                    .is_null()
                    .or(dns_records::lease_until.le(now.0)),
            )
        };
    }
    loop {
        let next: Option<i64> = dns_records::table
            .filter(free!())
            .order((dns_records::next_try, dns_records::id))
            .select(dns_records::id)
            .first(&mut c.0)
            .optional()?;
        let Some(id) = next else { return Ok(None) };
        let taken = diesel::update(dns_records::table.find(id))
            .filter(free!())
            .set(dns_records::lease_until.eq(until.0))
            .execute(&mut c.0)?;
        if taken > 0 {
            let row: Row = dns_records::table
                .find(id)
                .select(Row::as_select())
                .first(&mut c.0)?;
            return row.read().map(Some);
        }
    }
}

/// Gives a record back.
///
/// # Errors
/// When the database does not answer.
pub fn release(c: &mut Conn, id: i64) -> Result<(), Error> {
    diesel::update(dns_records::table.find(id))
        .set(dns_records::lease_until.eq(None::<i64>))
        .execute(&mut c.0)?;
    Ok(())
}

/// When the next provider is to be told.
///
/// # Errors
/// When the database does not answer.
pub fn next_due(c: &mut Conn) -> Result<Option<Timestamp>, Error> {
    let due: Option<i64> = dns_records::table
        .select(min(dns_records::next_try))
        .first(&mut c.0)?;
    Ok(due.map(Timestamp))
}
