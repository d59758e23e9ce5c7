//! Sign-ins. The token itself never comes here, only its hash. All moments are the database's.

use diesel::prelude::*;
use model::{Timestamp, UserId, names::Username, users::Role};

use crate::{
    Conn, Error, dialect,
    rows::{self, Place},
    schema::{sessions, users},
};

/// A new session.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// Whose it is.
    pub user: UserId,
    /// When it ends at the latest, in milliseconds from now.
    pub lifetime_ms: i64,
    /// Where the person signed in from.
    pub address: String,
    /// What the browser calls itself; cut after 255 characters.
    pub agent: String,
}

/// A session that has not ended, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The account.
    pub user: UserId,
    /// Its name.
    pub name: Username,
    /// Its role now.
    pub role: Role,
    /// When the person signed in.
    pub created: Timestamp,
    /// When the session was last [touched](touch).
    pub seen: Timestamp,
    /// When it ends at the latest.
    pub expires: Timestamp,
}

/// Begins a session.
///
/// # Errors
/// [`Error::Duplicate`] for a token that is there already, [`Error::NotFound`] when the account
/// is gone.
pub fn insert(c: &mut Conn, new: &NewSession) -> Result<(), Error> {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(&new.token_hash),
            sessions::user_id.eq(new.user.0),
            sessions::created_at.eq(dialect::now(&c.0)),
            sessions::seen_at.eq(dialect::now(&c.0)),
            sessions::expires_at.eq(dialect::now_plus(&c.0, new.lifetime_ms)),
            sessions::address.eq(cut(&new.address, 64)),
            sessions::agent.eq(cut(&new.agent, 255)),
        ))
        .execute(&mut c.0)
        .map_err(Error::of_insert)?;
    Ok(())
}

/// The session of a token, unless it has ended or was idle for `idle_ms`. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn find(c: &mut Conn, token_hash: &str, idle_ms: i64) -> Result<Option<SessionRecord>, Error> {
    type Found = (i64, String, String, i64, i64, i64);
    let found: Option<Found> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(dialect::now(&c.0)))
        .filter(sessions::seen_at.gt(dialect::now_plus(&c.0, idle_ms.saturating_neg())))
        .select((
            users::id,
            users::name,
            users::role,
            sessions::created_at,
            sessions::seen_at,
            sessions::expires_at,
        ))
        .first(&mut c.0)
        .optional()?;
    let Some((id, name, role, created, seen, expires)) = found else {
        return Ok(None);
    };
    let place = Place::new("users", &id);
    Ok(Some(SessionRecord {
        user: UserId(id),
        name: place.text("name", &name)?,
        role: place.text("role", &role)?,
        created: Timestamp(created),
        seen: Timestamp(seen),
        expires: Timestamp(expires),
    }))
}

/// Notes that the session was used now.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub fn touch(c: &mut Conn, token_hash: &str) -> Result<(), Error> {
    let touched = diesel::update(sessions::table.find(token_hash))
        .set(sessions::seen_at.eq(dialect::now(&c.0)))
        .execute(&mut c.0)?;
    rows::one(touched)
}

/// Ends a session; whether there was one.
///
/// # Errors
/// When the database does not answer.
pub fn delete(c: &mut Conn, token_hash: &str) -> Result<bool, Error> {
    Ok(diesel::delete(sessions::table.find(token_hash)).execute(&mut c.0)? > 0)
}

/// Ends a person's sessions, but not the one of the token hash `except`.
///
/// # Errors
/// When the database does not answer.
pub fn delete_of(c: &mut Conn, user: UserId, except: Option<&str>) -> Result<(), Error> {
    // No hash is empty, so without an exception all go.
    diesel::delete(sessions::table)
        .filter(sessions::user_id.eq(user.0))
        .filter(sessions::token_hash.ne(except.unwrap_or_default()))
        .execute(&mut c.0)?;
    Ok(())
}

/// Takes away sessions that have ended; how many.
///
/// # Errors
/// When the database does not answer.
pub fn delete_expired(c: &mut Conn) -> Result<usize, Error> {
    let now = dialect::now(&c.0);
    Ok(diesel::delete(sessions::table.filter(sessions::expires_at.le(now))).execute(&mut c.0)?)
}
