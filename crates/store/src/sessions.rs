//! Sessions. Only the hash of a session token is stored. Timestamps come from the clock of the
//! database.

use diesel::prelude::*;
use model::{
    Timestamp, UserId,
    account::{SessionId, SessionRow},
    names::Username,
    permissions::{Permit, SessionManage},
    users::Role,
};

use crate::{
    Conn, Error, dialect,
    rows::{self, RowRef},
    schema::{sessions, users},
    users::is_active,
};

/// The values of a new session.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// The user who signed in.
    pub user: UserId,
    /// The maximum lifetime from now, in milliseconds.
    pub lifetime_ms: i64,
    /// The client's address at the sign-in; truncated to 64 characters.
    pub address: String,
    /// The browser's `User-Agent`; truncated to 255 characters.
    pub user_agent: String,
}

/// A valid session and its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The user who signed in.
    pub user: UserId,
    /// The user's name.
    pub name: Username,
    /// The user's current role.
    pub role: Role,
    /// When the user signed in.
    pub created: Timestamp,
    /// When the session was last [touched](touch).
    pub last_used: Timestamp,
    /// When the session expires at the latest.
    pub expires: Timestamp,
}

/// Inserts a session.
///
/// # Errors
/// [`Error::Duplicate`] for a token that exists already, [`Error::NotFound`] when the user does
/// not exist.
pub fn insert(c: &mut Conn, new: &NewSession) -> Result<(), Error> {
    let truncate = |text: &str, max: usize| text.chars().take(max).collect::<String>();
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(&new.token_hash),
            sessions::user_id.eq(new.user.0),
            sessions::created_at.eq(dialect::now(&c.0)),
            sessions::last_seen_at.eq(dialect::now(&c.0)),
            sessions::expires_at.eq(dialect::now_plus(&c.0, new.lifetime_ms)),
            sessions::address.eq(truncate(&new.address, 64)),
            sessions::user_agent.eq(truncate(&new.user_agent, 255)),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    Ok(())
}

/// Deletes the sessions of a user that were unused for the longest, except `most`.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_surplus(c: &mut Conn, user: UserId, most: i64) -> Result<(), Error> {
    let surplus: Vec<String> = sessions::table
        .filter(sessions::user_id.eq(user.0))
        .order(sessions::last_seen_at.desc())
        .select(sessions::token_hash)
        .offset(most)
        .limit(i64::from(u16::MAX))
        .load(&mut c.0)?;
    let surplus = sessions::table.filter(sessions::token_hash.eq_any(surplus));
    diesel::delete(surplus).execute(&mut c.0)?;
    Ok(())
}

/// Returns the session with this token hash, unless it has expired or was idle for `idle_ms`, or
/// the user's account is not active. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn get_valid(
    c: &mut Conn,
    token_hash: &str,
    idle_ms: i64,
) -> Result<Option<SessionRecord>, Error> {
    type JoinedRow = (i64, String, String, i64, i64, i64);
    let row: Option<JoinedRow> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .filter(is_active(dialect::now(&c.0)))
        .filter(sessions::expires_at.gt(dialect::now(&c.0)))
        .filter(sessions::last_seen_at.gt(dialect::now_plus(&c.0, idle_ms.saturating_neg())))
        .select((
            users::id,
            users::name,
            users::role,
            sessions::created_at,
            sessions::last_seen_at,
            sessions::expires_at,
        ))
        .first(&mut c.0)
        .optional()?;
    let Some((id, name, role, created, seen, expires)) = row else {
        return Ok(None);
    };
    let row_ref = RowRef::new("users", &id);
    Ok(Some(SessionRecord {
        user: UserId(id),
        name: row_ref.parse("name", &name)?,
        role: row_ref.parse("role", &role)?,
        created: Timestamp(created),
        last_used: Timestamp(seen),
        expires: Timestamp(expires),
    }))
}

/// Sets the time of the session's last use to now.
///
/// # Errors
/// [`Error::NotFound`] when the session does not exist.
pub fn touch(c: &mut Conn, token_hash: &str) -> Result<(), Error> {
    let touched = diesel::update(sessions::table.find(token_hash))
        .set(sessions::last_seen_at.eq(dialect::now(&c.0)))
        .execute(&mut c.0)?;
    rows::ensure_found(touched)
}

/// Deletes a session. Returns whether it existed.
///
/// # Errors
/// When the database is unavailable.
pub fn delete(c: &mut Conn, token_hash: &str) -> Result<bool, Error> {
    Ok(diesel::delete(sessions::table.find(token_hash)).execute(&mut c.0)? > 0)
}

/// Deletes all sessions of a user.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_by_user(c: &mut Conn, _: Permit<SessionManage>, user: UserId) -> Result<(), Error> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user.0))).execute(&mut c.0)?;
    Ok(())
}

/// Deletes expired sessions. Returns their number.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_expired(c: &mut Conn) -> Result<usize, Error> {
    let now = dialect::now(&c.0);
    Ok(diesel::delete(sessions::table.filter(sessions::expires_at.le(now))).execute(&mut c.0)?)
}

/// Lists the valid sessions of a user, the last used first. `current` is the hash of the token of
/// the current one.
///
/// # Errors
/// When the database is unavailable.
pub fn list_by_user(
    c: &mut Conn,
    user: UserId,
    current: Option<&str>,
    idle_ms: i64,
) -> Result<Vec<SessionRow>, Error> {
    type Columns = (String, String, String, i64, i64);
    let rows: Vec<Columns> = sessions::table
        .filter(sessions::user_id.eq(user.0))
        .filter(sessions::expires_at.gt(dialect::now(&c.0)))
        .filter(sessions::last_seen_at.gt(dialect::now_plus(&c.0, idle_ms.saturating_neg())))
        .order((sessions::last_seen_at.desc(), sessions::token_hash))
        .select((
            sessions::token_hash,
            sessions::address,
            sessions::user_agent,
            sessions::created_at,
            sessions::last_seen_at,
        ))
        .load(&mut c.0)?;
    let rows = rows
        .into_iter()
        .map(|(hash, address, user_agent, created, seen)| SessionRow {
            id: SessionId::of(&hash),
            address,
            user_agent,
            created: Timestamp(created),
            last_used: Timestamp(seen),
            is_current: current == Some(&hash),
        });
    Ok(rows.collect())
}

/// Deletes a session of a user. Returns whether it existed.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_by_id(
    c: &mut Conn,
    _: Permit<SessionManage>,
    user: UserId,
    id: &SessionId,
) -> Result<bool, Error> {
    let session = sessions::table
        .filter(sessions::user_id.eq(user.0))
        .filter(sessions::token_hash.like(format!("{id}%")));
    Ok(diesel::delete(session).execute(&mut c.0)? > 0)
}

/// Deletes the sessions of a user except the one with this hash of its token.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_others(
    c: &mut Conn,
    _: Permit<SessionManage>,
    user: UserId,
    current: Option<&str>,
) -> Result<usize, Error> {
    let others = sessions::table
        .filter(sessions::user_id.eq(user.0))
        .filter(sessions::token_hash.ne(current.unwrap_or_default()));
    Ok(diesel::delete(others).execute(&mut c.0)?)
}
