//! Users and the resources that their containers use. Must not know what a role allows.

mod limits;
mod state;
mod usage;

use std::collections::BTreeSet;

use diesel::{dsl::count_star, prelude::*};
use model::{
    Timestamp, UserId,
    account::Profile,
    names::Username,
    page::{PAGE_ROWS, Page},
    permissions::{PasswordChange, Permit, ProfileChange, UserManage},
    users::{AccountState, DecidedState, Usage, UserRow, UserValues},
};

pub use state::{count_permanent_administrators, get_first_administrator, update_state};
pub use usage::get_usage;

pub(crate) use limits::{LimitColumns, limit};
use state::in_state;
pub(crate) use state::is_active;

use crate::{
    Conn, Error, dialect,
    dialect::{Condition, lower},
    rows::{self, RowRef},
    schema::users,
};

/// The values of a new user.
#[derive(Clone)]
pub struct NewUser {
    /// The values that an administrator can change.
    pub values: UserValues,
    /// Whether the account can be used at once.
    pub state: DecidedState,
    /// The hash of the password, in PHC form.
    pub password_hash: String,
}

/// The changed values of a user.
#[derive(Clone)]
pub struct UserUpdate {
    /// The values.
    pub values: UserValues,
    /// The hash of a new password; `None` keeps the current password.
    pub password_hash: Option<String>,
}

/// A user with the password hash, which only the sign-in may read.
#[derive(Clone)]
pub struct UserRecord {
    /// The values that may be shown.
    pub row: UserRow,
    /// The hash of the password, in PHC form.
    pub password_hash: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Row {
    id: i64,
    name: String,
    email: String,
    role: String,
    password_hash: String,
    limit_containers: Option<i64>,
    limit_cores: Option<i64>,
    limit_memory_mib: Option<i64>,
    limit_disk_gib: Option<i64>,
    created_at: i64,
    full_name: String,
    state: String,
    access_ends_at: Option<i64>,
}

#[derive(AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
struct Columns<'a> {
    name: &'a str,
    email: &'a str,
    role: &'a str,
    limit_containers: Option<i64>,
    limit_cores: Option<i64>,
    limit_memory_mib: Option<i64>,
    limit_disk_gib: Option<i64>,
    full_name: &'a str,
    access_ends_at: Option<i64>,
}

impl<'a> From<&'a UserValues> for Columns<'a> {
    fn from(values: &'a UserValues) -> Self {
        Self {
            name: values.name.as_str(),
            email: values.email.as_str(),
            role: values.role.as_str(),
            limit_containers: limit(values.limits.containers),
            limit_cores: limit(values.limits.cores),
            limit_memory_mib: limit(values.limits.memory_mib),
            limit_disk_gib: limit(values.limits.disk_gib),
            full_name: values.full_name.as_str(),
            access_ends_at: values.access_ends.map(|ends| ends.0),
        }
    }
}

impl Row {
    fn into_record(self, usage: Usage, now: Timestamp) -> Result<UserRecord, Error> {
        let row_ref = RowRef::new("users", &self.id);
        let access_ends = self.access_ends_at.map(Timestamp);
        let decided: DecidedState = row_ref.parse("state", &self.state)?;
        let limits = LimitColumns {
            containers: self.limit_containers,
            cores: self.limit_cores,
            memory_mib: self.limit_memory_mib,
            disk_gib: self.limit_disk_gib,
        };
        let row = UserRow {
            id: UserId(self.id),
            name: row_ref.parse("name", &self.name)?,
            full_name: row_ref.parse("full_name", &self.full_name)?,
            email: row_ref.parse("email", &self.email)?,
            role: row_ref.parse("role", &self.role)?,
            limits: limits.parse(row_ref)?,
            usage,
            state: decided.at(access_ends, now),
            access_ends,
            created: Timestamp(self.created_at),
        };
        Ok(UserRecord {
            row,
            password_hash: self.password_hash,
        })
    }
}

/// Inserts a user.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name.
pub fn insert(c: &mut Conn, _: Permit<UserManage>, new: &NewUser) -> Result<UserId, Error> {
    insert_row(c, new)
}

/// Inserts a user without a permit. Only [`invitations::accept`](crate::invitations::accept) may
/// use it besides [`insert`].
pub(crate) fn insert_row(c: &mut Conn, new: &NewUser) -> Result<UserId, Error> {
    let values = &new.values;
    diesel::insert_into(users::table)
        .values((
            users::name.eq(values.name.as_str()),
            users::email.eq(values.email.as_str()),
            users::role.eq(values.role.as_str()),
            users::password_hash.eq(&new.password_hash),
            users::limit_containers.eq(limit(values.limits.containers)),
            users::limit_cores.eq(limit(values.limits.cores)),
            users::limit_memory_mib.eq(limit(values.limits.memory_mib)),
            users::limit_disk_gib.eq(limit(values.limits.disk_gib)),
            users::version.eq(1),
            users::created_at.eq(dialect::now(&c.0)),
            users::full_name.eq(values.full_name.as_str()),
            users::state.eq(new.state.as_str()),
            users::access_ends_at.eq(values.access_ends.map(|ends| ends.0)),
        ))
        .execute(&mut c.0)?;
    Ok(UserId(dialect::inserted_id(&mut c.0)?))
}

/// Updates a user.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Duplicate`] for a taken name.
pub fn update(
    c: &mut Conn,
    _: Permit<UserManage>,
    id: UserId,
    change: &UserUpdate,
) -> Result<(), Error> {
    let password = change
        .password_hash
        .as_deref()
        .map(|hash| users::password_hash.eq(hash));
    let columns = Columns::from(&change.values);
    let changed = diesel::update(users::table.find(id.0))
        .set((columns, password, users::version.eq(users::version + 1)))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Changes what users may change about their own account.
///
/// # Errors
/// [`Error::NotFound`].
pub fn update_profile(
    c: &mut Conn,
    _: Permit<ProfileChange>,
    id: UserId,
    profile: &Profile,
) -> Result<(), Error> {
    let changed = diesel::update(users::table.find(id.0))
        .set((
            users::full_name.eq(profile.full_name.as_str()),
            users::email.eq(profile.email.as_str()),
            users::version.eq(users::version + 1),
        ))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Replaces the hash of a password. Returns false if the password has another hash by now.
///
/// # Errors
/// When the database is unavailable.
pub fn replace_password(
    c: &mut Conn,
    _: Permit<PasswordChange>,
    id: UserId,
    old: &str,
    new: &str,
) -> Result<bool, Error> {
    let user = users::table.find(id.0).filter(users::password_hash.eq(old));
    let changed = diesel::update(user)
        .set((
            users::password_hash.eq(new),
            users::version.eq(users::version + 1),
        ))
        .execute(&mut c.0)?;
    Ok(changed > 0)
}

/// Deletes a user and the user's sessions.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::InUse`] while the user owns containers.
pub fn delete(c: &mut Conn, _: Permit<UserManage>, id: UserId) -> Result<(), Error> {
    rows::ensure_found(diesel::delete(users::table.find(id.0)).execute(&mut c.0)?)
}

/// Returns the names that no user has. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_missing_names(
    c: &mut Conn,
    names: &BTreeSet<Username>,
) -> Result<Vec<Username>, Error> {
    let searched: Vec<&str> = names.iter().map(Username::as_str).collect();
    let existing: BTreeSet<String> = users::table
        .filter(users::name.eq_any(searched))
        .select(users::name)
        .load(&mut c.0)?
        .into_iter()
        .collect();
    let unknown = names
        .iter()
        .filter(|name| !existing.contains(name.as_str()));
    Ok(unknown.cloned().collect())
}

/// Returns the user with this name.
///
/// # Errors
/// When the database is unavailable.
pub fn get_by_name(c: &mut Conn, name: &Username) -> Result<Option<UserRecord>, Error> {
    let row = users::table
        .filter(users::name.eq(name.as_str()))
        .select((Row::as_select(), dialect::now(&c.0)))
        .first(&mut c.0)
        .optional()?;
    add_usage(c, row)
}

/// Returns the user with this id.
///
/// # Errors
/// When the database is unavailable.
pub fn get(c: &mut Conn, id: UserId) -> Result<Option<UserRecord>, Error> {
    let row = users::table
        .find(id.0)
        .select((Row::as_select(), dialect::now(&c.0)))
        .first(&mut c.0)
        .optional()?;
    add_usage(c, row)
}

fn add_usage(c: &mut Conn, row: Option<(Row, i64)>) -> Result<Option<UserRecord>, Error> {
    let Some((row, now)) = row else {
        return Ok(None);
    };
    let usage = get_usage(c, UserId(row.id))?;
    row.into_record(usage, Timestamp(now)).map(Some)
}

/// Returns a page of the users in `state` whose username, name or email address contains `q`,
/// ordered by username.
///
/// # Errors
/// When the database is unavailable.
pub fn list(
    c: &mut Conn,
    q: &str,
    state: Option<AccountState>,
    page: u32,
) -> Result<Page<UserRow>, Error> {
    let pattern = dialect::like_pattern(q);
    let matching = |c: &Conn| -> Condition<'_, users::table> {
        let text = lower(users::name)
            .like(&pattern)
            .escape('!')
            .or(lower(users::full_name).like(&pattern).escape('!'))
            .or(lower(users::email).like(&pattern).escape('!'));
        match state {
            Some(state) => Box::new(text.and(in_state(c, state))),
            None => Box::new(text),
        }
    };
    let (page, before) = rows::page_offset(page);
    let total = users::table
        .filter(matching(c))
        .select(count_star())
        .first(&mut c.0)?;
    let rows: Vec<(Row, i64)> = users::table
        .filter(matching(c))
        .order((users::name, users::id))
        .limit(i64::from(PAGE_ROWS))
        .offset(before)
        .select((Row::as_select(), dialect::now(&c.0)))
        .load(&mut c.0)?;
    let ids: Vec<_> = rows.iter().map(|(row, _)| row.id).collect();
    let mut usages = usage::load_usages(c, &ids)?;
    let users = rows.into_iter().map(|(row, now)| {
        let usage = usages.remove(&row.id).unwrap_or_default();
        let record = row.into_record(usage, Timestamp(now));
        record.map(|record| record.row)
    });
    Ok(rows::to_page(users.collect::<Result<_, _>>()?, total, page))
}

/// Locks the user's row until the transaction ends, so that other transactions that lock it wait.
///
/// # Errors
/// [`Error::NotFound`] when the user does not exist.
pub fn lock(c: &mut Conn, id: UserId) -> Result<(), Error> {
    let locked = diesel::update(users::table.find(id.0))
        .set(users::version.eq(users::version + 1))
        .execute(&mut c.0)?;
    rows::ensure_found(locked)
}

/// Locks the rows of all users until the transaction ends, so that roles that are read afterwards
/// stay valid until the commit.
///
/// # Errors
/// When the database is unavailable.
pub fn lock_all(c: &mut Conn) -> Result<(), Error> {
    diesel::update(users::table)
        .set(users::version.eq(users::version + 1))
        .execute(&mut c.0)?;
    Ok(())
}

/// Whether any user exists.
///
/// # Errors
/// When the database is unavailable.
pub fn has_any(c: &mut Conn) -> Result<bool, Error> {
    let first: Option<i64> = users::table.select(users::id).first(&mut c.0).optional()?;
    Ok(first.is_some())
}
