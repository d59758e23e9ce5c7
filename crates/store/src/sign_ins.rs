//! Failed sign-ins, and browsers that have signed in before. Timestamps come from the clock of the
//! database. Must not decide how long a client waits.

use diesel::prelude::*;
use model::{Timestamp, UserId, names::Username};

use crate::{
    Conn, Error, dialect,
    schema::{known_browsers, sign_in_failures},
};

/// The failures of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// What failures are counted for, such as an account or a network.
    pub bucket: String,
    /// The number of failures.
    pub count: u32,
    /// The time of the last failure.
    pub last: Timestamp,
}

/// The failures of these buckets; buckets without failures are left out. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn, buckets: &[String]) -> Result<Vec<Failures>, Error> {
    let rows: Vec<(String, i32, i64)> = sign_in_failures::table
        .filter(sign_in_failures::bucket.eq_any(buckets))
        .select((
            sign_in_failures::bucket,
            sign_in_failures::failures,
            sign_in_failures::last_failed_at,
        ))
        .load(&mut c.0)?;
    Ok(rows
        .into_iter()
        .map(|(bucket, count, last)| Failures {
            bucket,
            count: u32::try_from(count).unwrap_or_default(),
            last: Timestamp(last),
        })
        .collect())
}

/// A failure that was recorded in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedFailure {
    /// What failures are counted for, such as an account or a network.
    pub bucket: String,
    /// The time of the failure.
    pub at: Timestamp,
    /// The time of the failure before.
    pub before: Option<Timestamp>,
}

/// Stores the number of failures of a bucket, whose failures are `before`, and the time. `account`
/// is the account that the bucket belongs to.
///
/// # Errors
/// [`Error::Unavailable`] if another request changed the bucket, so that the transaction is
/// repeated.
pub fn count(
    c: &mut Conn,
    bucket: &str,
    account: Option<&Username>,
    before: Option<&Failures>,
    count: u32,
) -> Result<RecordedFailure, Error> {
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let at = crate::now(c)?;
    let values = (
        sign_in_failures::failures.eq(number(count)),
        sign_in_failures::last_failed_at.eq(at.0),
    );
    let changed = match before {
        None => diesel::insert_into(sign_in_failures::table)
            .values((
                sign_in_failures::bucket.eq(bucket),
                sign_in_failures::account.eq(account.map(Username::as_str)),
                values,
            ))
            .execute(&mut c.0)
            .map_err(Error::from_insert),
        Some(before) => {
            let row = sign_in_failures::table
                .filter(sign_in_failures::bucket.eq(bucket))
                .filter(sign_in_failures::failures.eq(number(before.count)))
                .filter(sign_in_failures::last_failed_at.eq(before.last.0));
            Ok(diesel::update(row).set(values).execute(&mut c.0)?)
        }
    };
    match changed {
        Ok(0) | Err(Error::Duplicate(_)) => Err(Error::Unavailable {
            cause: format!("bucket {bucket} changed"),
        }),
        Err(error) => Err(error),
        Ok(_) => Ok(RecordedFailure {
            bucket: bucket.to_owned(),
            at,
            before: before.map(|before| before.last),
        }),
    }
}

/// Removes a recorded failure. The time of the failure before is restored, unless there was another
/// failure since.
///
/// # Errors
/// When the database is unavailable.
pub fn revert(c: &mut Conn, failure: &RecordedFailure) -> Result<(), Error> {
    let row = || {
        sign_in_failures::table
            .filter(sign_in_failures::bucket.eq(&failure.bucket))
            .filter(sign_in_failures::failures.gt(0))
    };
    let count = sign_in_failures::failures.eq(sign_in_failures::failures - 1);
    let unchanged = row().filter(sign_in_failures::last_failed_at.eq(failure.at.0));
    let before = failure.before.unwrap_or(failure.at);
    let restored = diesel::update(unchanged)
        .set((count, sign_in_failures::last_failed_at.eq(before.0)))
        .execute(&mut c.0)?;
    if restored == 0 {
        diesel::update(row()).set(count).execute(&mut c.0)?;
    }
    Ok(())
}

/// Forgets the failures of an account, for all networks and browsers.
///
/// # Errors
/// When the database is unavailable.
pub fn forget_account(c: &mut Conn, account: &Username) -> Result<(), Error> {
    let rows = sign_in_failures::table.filter(sign_in_failures::account.eq(account.as_str()));
    diesel::delete(rows).execute(&mut c.0)?;
    Ok(())
}

/// Forgets one bucket.
///
/// # Errors
/// When the database is unavailable.
pub fn forget(c: &mut Conn, bucket: &str) -> Result<(), Error> {
    let row = sign_in_failures::table.filter(sign_in_failures::bucket.eq(bucket));
    diesel::delete(row).execute(&mut c.0)?;
    Ok(())
}

/// Whether a browser has signed in to this account before.
///
/// # Errors
/// When the database is unavailable.
pub fn is_known_browser(c: &mut Conn, token_hash: &str, user: UserId) -> Result<bool, Error> {
    let rows = known_browsers::table
        .filter(known_browsers::token_hash.eq(token_hash))
        .filter(known_browsers::user_id.eq(user.0));
    Ok(rows.count().get_result::<i64>(&mut c.0)? > 0)
}

/// Records that a browser has signed in. Of each user's browsers the last `most` are kept.
///
/// # Errors
/// [`Error::Duplicate`] for a token that exists already.
pub fn insert_known_browser(
    c: &mut Conn,
    token_hash: &str,
    user: UserId,
    most: i64,
) -> Result<(), Error> {
    let surplus: Vec<String> = known_browsers::table
        .filter(known_browsers::user_id.eq(user.0))
        .order(known_browsers::last_sign_in_at.desc())
        .select(known_browsers::token_hash)
        .offset(most - 1)
        .limit(i64::from(u16::MAX))
        .load(&mut c.0)?;
    let surplus = known_browsers::table.filter(known_browsers::token_hash.eq_any(surplus));
    diesel::delete(surplus).execute(&mut c.0)?;
    diesel::insert_into(known_browsers::table)
        .values((
            known_browsers::token_hash.eq(token_hash),
            known_browsers::user_id.eq(user.0),
            known_browsers::last_sign_in_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    Ok(())
}

/// Records another sign-in of a known browser.
///
/// # Errors
/// When the database is unavailable.
pub fn touch_known_browser(c: &mut Conn, token_hash: &str) -> Result<(), Error> {
    let row = known_browsers::table.filter(known_browsers::token_hash.eq(token_hash));
    diesel::update(row)
        .set(known_browsers::last_sign_in_at.eq(dialect::now(&c.0)))
        .execute(&mut c.0)?;
    Ok(())
}

/// Forgets all browsers of a user.
///
/// # Errors
/// When the database is unavailable.
pub fn forget_browsers(c: &mut Conn, user: UserId) -> Result<(), Error> {
    let rows = known_browsers::table.filter(known_browsers::user_id.eq(user.0));
    diesel::delete(rows).execute(&mut c.0)?;
    Ok(())
}

/// Deletes failures older than `failures_ms`, and browsers that have not signed in for
/// `browsers_ms`. Returns the number of deleted rows.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_expired(c: &mut Conn, failures_ms: i64, browsers_ms: i64) -> Result<usize, Error> {
    let old = sign_in_failures::last_failed_at.lt(dialect::now_plus(&c.0, -failures_ms));
    let failures = diesel::delete(sign_in_failures::table.filter(old)).execute(&mut c.0)?;
    let old = known_browsers::last_sign_in_at.lt(dialect::now_plus(&c.0, -browsers_ms));
    let browsers = diesel::delete(known_browsers::table.filter(old)).execute(&mut c.0)?;
    Ok(failures + browsers)
}
