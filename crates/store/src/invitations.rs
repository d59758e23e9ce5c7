//! Invitations that have not been accepted. Only the hash of an invitation's token is stored.

use diesel::prelude::*;
use model::{
    InvitationId, Timestamp, UserId,
    invitations::{InvitationRow, InvitationSpec},
    page::{PAGE_ROWS, Page},
    permissions::{InvitationManage, Permit},
};

use crate::{
    Conn, Error, dialect,
    rows::{self, RowRef},
    schema::{invitations, users},
    users::{LimitColumns, NewUser, insert_row, limit},
};

/// The values of a new invitation.
#[derive(Clone)]
pub struct NewInvitation {
    /// What the invited person gets.
    pub spec: InvitationSpec,
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// The administrator who invites.
    pub inviter: UserId,
    /// The lifetime from now, in milliseconds.
    pub lifetime_ms: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations)]
struct Row {
    id: i64,
    email: String,
    role: String,
    limit_containers: Option<i64>,
    limit_cores: Option<i64>,
    limit_memory_mib: Option<i64>,
    limit_disk_gib: Option<i64>,
    access_ends_at: Option<i64>,
    created_at: i64,
    expires_at: i64,
}

impl Row {
    fn into_model(self, (inviter_id, inviter): (i64, String)) -> Result<InvitationRow, Error> {
        let inviter_ref = RowRef::new("users", &inviter_id);
        let row_ref = RowRef::new("invitations", &self.id);
        let limits = LimitColumns {
            containers: self.limit_containers,
            cores: self.limit_cores,
            memory_mib: self.limit_memory_mib,
            disk_gib: self.limit_disk_gib,
        };
        Ok(InvitationRow {
            id: InvitationId(self.id),
            spec: InvitationSpec {
                email: row_ref.parse("email", &self.email)?,
                role: row_ref.parse("role", &self.role)?,
                limits: limits.parse(row_ref)?,
                access_ends: self.access_ends_at.map(Timestamp),
            },
            invited_by: inviter_ref.parse("name", &inviter)?,
            created: Timestamp(self.created_at),
            expires: Timestamp(self.expires_at),
        })
    }
}

/// Inserts an invitation.
///
/// # Errors
/// [`Error::NotFound`] when the inviter does not exist.
pub fn insert(
    c: &mut Conn,
    _: Permit<InvitationManage>,
    new: &NewInvitation,
) -> Result<InvitationId, Error> {
    let spec = &new.spec;
    diesel::insert_into(invitations::table)
        .values((
            invitations::token_hash.eq(&new.token_hash),
            invitations::email.eq(spec.email.as_str()),
            invitations::role.eq(spec.role.as_str()),
            invitations::limit_containers.eq(limit(spec.limits.containers)),
            invitations::limit_cores.eq(limit(spec.limits.cores)),
            invitations::limit_memory_mib.eq(limit(spec.limits.memory_mib)),
            invitations::limit_disk_gib.eq(limit(spec.limits.disk_gib)),
            invitations::access_ends_at.eq(spec.access_ends.map(|ends| ends.0)),
            invitations::inviter_id.eq(new.inviter.0),
            invitations::created_at.eq(dialect::now(&c.0)),
            invitations::expires_at.eq(dialect::now_plus(&c.0, new.lifetime_ms)),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    Ok(InvitationId(dialect::inserted_id(&mut c.0)?))
}

/// Returns a page of the invitations, newest first.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn, page: u32) -> Result<Page<InvitationRow>, Error> {
    let (page, before) = rows::page_offset(page);
    let total = invitations::table.count().get_result(&mut c.0)?;
    let rows: Vec<(Row, (i64, String))> = invitations::table
        .inner_join(users::table)
        .order(invitations::id.desc())
        .limit(i64::from(PAGE_ROWS))
        .offset(before)
        .select((Row::as_select(), (users::id, users::name)))
        .load(&mut c.0)?;
    let rows = rows
        .into_iter()
        .map(|(row, inviter)| row.into_model(inviter));
    Ok(rows::to_page(rows.collect::<Result<_, _>>()?, total, page))
}

/// Returns the invitation.
///
/// # Errors
/// When the database is unavailable.
pub fn get(c: &mut Conn, id: InvitationId) -> Result<Option<InvitationRow>, Error> {
    let row: Option<(Row, (i64, String))> = invitations::table
        .inner_join(users::table)
        .filter(invitations::id.eq(id.0))
        .select((Row::as_select(), (users::id, users::name)))
        .first(&mut c.0)
        .optional()?;
    row.map(|(row, inviter)| row.into_model(inviter))
        .transpose()
}

/// Returns the invitation with this token hash and the inviter, unless it has expired.
///
/// # Errors
/// When the database is unavailable.
pub fn get_valid(c: &mut Conn, token_hash: &str) -> Result<Option<(InvitationRow, UserId)>, Error> {
    let row: Option<(Row, (i64, String))> = invitations::table
        .inner_join(users::table)
        .filter(invitations::token_hash.eq(token_hash))
        .filter(invitations::expires_at.gt(dialect::now(&c.0)))
        .select((Row::as_select(), (users::id, users::name)))
        .first(&mut c.0)
        .optional()?;
    row.map(|(row, inviter)| {
        let id = UserId(inviter.0);
        Ok((row.into_model(inviter)?, id))
    })
    .transpose()
}

/// Creates the account of an invitation and deletes the invitation; `None` if it is not valid any
/// more. Its token takes the place of a permit.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name.
pub fn accept(c: &mut Conn, token_hash: &str, new: &NewUser) -> Result<Option<UserId>, Error> {
    let valid = invitations::table
        .filter(invitations::token_hash.eq(token_hash))
        .filter(invitations::expires_at.gt(dialect::now(&c.0)));
    match diesel::delete(valid).execute(&mut c.0)? {
        0 => Ok(None),
        _ => insert_row(c, new).map(Some),
    }
}

/// Deletes an invitation. Returns whether it existed.
///
/// # Errors
/// When the database is unavailable.
pub fn delete(c: &mut Conn, _: Permit<InvitationManage>, id: InvitationId) -> Result<bool, Error> {
    Ok(diesel::delete(invitations::table.find(id.0)).execute(&mut c.0)? > 0)
}

/// Deletes the invitations that expired more than `age_ms` ago. Returns their number.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_expired(c: &mut Conn, age_ms: i64) -> Result<usize, Error> {
    let before = dialect::now_plus(&c.0, age_ms.saturating_neg());
    let expired = invitations::table.filter(invitations::expires_at.lt(before));
    Ok(diesel::delete(expired).execute(&mut c.0)?)
}
