//! The states of accounts, and the administrators that an organization needs.

use diesel::{expression::SqlLiteral, prelude::*, sql_types::BigInt};
use model::{
    UserId,
    permissions::{Permit, UserManage},
    users::{AccountState, DecidedState, Role},
};

use crate::{Conn, Error, dialect, dialect::Condition, rows, schema::users};

/// Whether an account is active at `now`.
#[diesel::dsl::auto_type(no_type_alias)]
pub(crate) fn is_active(now: SqlLiteral<BigInt>) -> _ {
    let lasts = users::access_ends_at
        .is_null()
        .or(users::access_ends_at.assume_not_null().gt(now));
    let active: &'static str = DecidedState::Active.as_str();
    users::state.eq(active).and(lasts)
}

/// The users in this state.
pub(super) fn in_state(c: &Conn, state: AccountState) -> Condition<'static, users::table> {
    let is = |state: DecidedState| users::state.eq(state.as_str());
    let ends = users::access_ends_at;
    let now = dialect::now(&c.0);
    match state {
        AccountState::Pending => Box::new(is(DecidedState::Pending)),
        AccountState::Suspended => Box::new(is(DecidedState::Suspended)),
        AccountState::Active => Box::new(is_active(now)),
        AccountState::Expired => Box::new(
            is(DecidedState::Active)
                .and(ends.is_not_null())
                .and(ends.assume_not_null().le(now)),
        ),
    }
}

/// Approves, suspends or reactivates a user.
///
/// # Errors
/// [`Error::NotFound`].
pub fn update_state(
    c: &mut Conn,
    _: Permit<UserManage>,
    id: UserId,
    state: DecidedState,
) -> Result<(), Error> {
    let changed = diesel::update(users::table.find(id.0))
        .set((
            users::state.eq(state.as_str()),
            users::version.eq(users::version + 1),
        ))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Returns the number of active administrators whose accounts do not expire.
///
/// # Errors
/// When the database is unavailable.
pub fn count_permanent_administrators(c: &mut Conn) -> Result<u64, Error> {
    let number: i64 = users::table
        .filter(users::role.eq(Role::Administrator.as_str()))
        .filter(users::state.eq(DecidedState::Active.as_str()))
        .filter(users::access_ends_at.is_null())
        .count()
        .get_result(&mut c.0)?;
    Ok(u64::from(rows::to_u32(number)))
}

/// Returns the active administrator with the lowest id.
///
/// # Errors
/// When the database is unavailable.
pub fn get_first_administrator(c: &mut Conn) -> Result<Option<UserId>, Error> {
    let id = users::table
        .filter(users::role.eq(Role::Administrator.as_str()))
        .filter(is_active(dialect::now(&c.0)))
        .order(users::id)
        .select(users::id)
        .first(&mut c.0)
        .optional()?;
    Ok(id.map(UserId))
}
