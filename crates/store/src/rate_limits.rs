//! Rate limits, in one row for each user and limit, and for each registered domain. Timestamps come
//! from the clock of the database. Must not decide what is allowed.

use diesel::prelude::*;
use model::{Timestamp, UserId};

use crate::{
    Conn, Error,
    schema::{domain_rate_limits, rate_limits},
};

/// When the whole budget of the limit with this key is available to the user again; `None` if it is
/// unused.
///
/// # Errors
/// When the database is unavailable.
pub fn get(c: &mut Conn, user: UserId, key: &str) -> Result<Option<Timestamp>, Error> {
    let full_at: Option<i64> = rate_limits::table
        .find((user.0, key))
        .select(rate_limits::full_at)
        .first(&mut c.0)
        .optional()?;
    Ok(full_at.map(Timestamp))
}

/// Replaces the time `before` that [`get`] returned.
///
/// # Errors
/// [`Error::Unavailable`] if another request changed the row, so that the transaction is repeated;
/// [`Error::NotFound`] when the user does not exist.
pub fn replace(
    c: &mut Conn,
    user: UserId,
    key: &str,
    before: Option<Timestamp>,
    full_at: Timestamp,
) -> Result<(), Error> {
    let changed = match before {
        None => diesel::insert_into(rate_limits::table)
            .values((
                rate_limits::user_id.eq(user.0),
                rate_limits::key.eq(key),
                rate_limits::full_at.eq(full_at.0),
            ))
            .execute(&mut c.0)
            .map_err(Error::from_insert),
        Some(before) => {
            let row = rate_limits::table.find((user.0, key));
            let row = row.filter(rate_limits::full_at.eq(before.0));
            let set = rate_limits::full_at.eq(full_at.0);
            Ok(diesel::update(row).set(set).execute(&mut c.0)?)
        }
    };
    ensure_unchanged(changed)
}

fn ensure_unchanged(changed: Result<usize, Error>) -> Result<(), Error> {
    match changed {
        Ok(0) | Err(Error::Duplicate(_)) => Err(Error::unavailable("the rate limit changed")),
        changed => changed.map(drop),
    }
}

/// When the whole budget of a registered domain is available again; `None` if it is unused.
///
/// # Errors
/// When the database is unavailable.
pub fn get_domain(c: &mut Conn, domain: &str) -> Result<Option<Timestamp>, Error> {
    let full_at: Option<i64> = domain_rate_limits::table
        .find(domain)
        .select(domain_rate_limits::full_at)
        .first(&mut c.0)
        .optional()?;
    Ok(full_at.map(Timestamp))
}

/// Replaces the time `before` that [`get_domain`] returned.
///
/// # Errors
/// [`Error::Unavailable`] if another process changed the row, so that the transaction is repeated.
pub fn replace_domain(
    c: &mut Conn,
    domain: &str,
    before: Option<Timestamp>,
    full_at: Timestamp,
) -> Result<(), Error> {
    let full_at = domain_rate_limits::full_at.eq(full_at.0);
    ensure_unchanged(match before {
        None => diesel::insert_into(domain_rate_limits::table)
            .values((domain_rate_limits::domain.eq(domain), full_at))
            .execute(&mut c.0)
            .map_err(Error::from_insert),
        Some(before) => {
            let row = domain_rate_limits::table.find(domain);
            let row = row.filter(domain_rate_limits::full_at.eq(before.0));
            Ok(diesel::update(row).set(full_at).execute(&mut c.0)?)
        }
    })
}
