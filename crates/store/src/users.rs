//! Users and the resources that their containers use. Must not know what a role allows.

use std::collections::{BTreeSet, HashMap};

use diesel::{
    dsl::{count_star, sum},
    prelude::*,
};
use model::{
    Timestamp, UserId,
    names::{EmailAddress, Username},
    page::{PAGE_ROWS, Page},
    permissions::{PasswordChange, Permit, UserManage},
    users::{Limits, Role, Usage, UserRow},
};

use crate::{
    Conn, Error, dialect,
    dialect::{Condition, lower},
    rows::{self, RowRef},
    schema::{containers, users},
};

/// The values of a new user.
#[derive(Clone)]
pub struct NewUser {
    /// The name for signing in.
    pub name: Username,
    /// The email address.
    pub email: EmailAddress,
    /// The role.
    pub role: Role,
    /// The most that the user's containers may use together.
    pub limits: Limits,
    /// The hash of the password, in PHC form.
    pub password_hash: String,
}

/// The changed values of a user.
#[derive(Clone)]
pub struct UserUpdate {
    /// The name for signing in.
    pub name: Username,
    /// The email address.
    pub email: EmailAddress,
    /// The role.
    pub role: Role,
    /// The most that the user's containers may use together.
    pub limits: Limits,
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
}

impl Row {
    fn into_record(self, usage: Usage) -> Result<UserRecord, Error> {
        let row_ref = RowRef::new("users", &self.id);
        let limit = |column, number: Option<i64>| {
            number
                .map(|number| row_ref.convert_number::<u32, _>(column, number))
                .transpose()
        };
        let row = UserRow {
            id: UserId(self.id),
            name: row_ref.parse("name", &self.name)?,
            email: row_ref.parse("email", &self.email)?,
            role: row_ref.parse("role", &self.role)?,
            limits: Limits {
                containers: limit("limit_containers", self.limit_containers)?,
                cores: limit("limit_cores", self.limit_cores)?,
                memory_mib: limit("limit_memory_mib", self.limit_memory_mib)?,
                disk_gib: limit("limit_disk_gib", self.limit_disk_gib)?,
            },
            usage,
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
    let limit = |limit: Option<u32>| limit.map(i64::from);
    diesel::insert_into(users::table)
        .values((
            users::name.eq(new.name.as_str()),
            users::email.eq(new.email.as_str()),
            users::role.eq(new.role.as_str()),
            users::password_hash.eq(&new.password_hash),
            users::limit_containers.eq(limit(new.limits.containers)),
            users::limit_cores.eq(limit(new.limits.cores)),
            users::limit_memory_mib.eq(limit(new.limits.memory_mib)),
            users::limit_disk_gib.eq(limit(new.limits.disk_gib)),
            users::version.eq(1),
            users::created_at.eq(dialect::now(&c.0)),
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
    let limit = |limit: Option<u32>| limit.map(i64::from);
    let columns = Columns {
        name: change.name.as_str(),
        email: change.email.as_str(),
        role: change.role.as_str(),
        limit_containers: limit(change.limits.containers),
        limit_cores: limit(change.limits.cores),
        limit_memory_mib: limit(change.limits.memory_mib),
        limit_disk_gib: limit(change.limits.disk_gib),
    };
    let password = change
        .password_hash
        .as_deref()
        .map(|hash| users::password_hash.eq(hash));
    let changed = diesel::update(users::table.find(id.0))
        .set((columns, password, users::version.eq(users::version + 1)))
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
        .select(Row::as_select())
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
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    add_usage(c, row)
}

fn add_usage(c: &mut Conn, row: Option<Row>) -> Result<Option<UserRecord>, Error> {
    let Some(row) = row else { return Ok(None) };
    let usage = get_usage(c, UserId(row.id))?;
    row.into_record(usage).map(Some)
}

/// Returns a page of the users whose name or email address contains `q`, ordered by name.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn, q: &str, page: u32) -> Result<Page<UserRow>, Error> {
    let pattern = dialect::like_pattern(q);
    let matching = || -> Condition<'_, users::table> {
        let name = lower(users::name).like(&pattern).escape('!');
        Box::new(name.or(lower(users::email).like(&pattern).escape('!')))
    };
    let (page, before) = rows::page_offset(page);
    let total = users::table
        .filter(matching())
        .select(count_star())
        .first(&mut c.0)?;
    let rows: Vec<Row> = users::table
        .filter(matching())
        .order((users::name, users::id))
        .limit(i64::from(PAGE_ROWS))
        .offset(before)
        .select(Row::as_select())
        .load(&mut c.0)?;
    let mut usages = load_usages(c, &rows.iter().map(|row| row.id).collect::<Vec<_>>())?;
    let users = rows.into_iter().map(|row| {
        let usage = usages.remove(&row.id).unwrap_or_default();
        row.into_record(usage).map(|record| record.row)
    });
    Ok(rows::to_page(users.collect::<Result<_, _>>()?, total, page))
}

/// Returns the resources that a user's containers use together.
///
/// # Errors
/// When the database is unavailable.
pub fn get_usage(c: &mut Conn, id: UserId) -> Result<Usage, Error> {
    Ok(load_usages(c, &[id.0])?.remove(&id.0).unwrap_or_default())
}

fn load_usages(c: &mut Conn, owners: &[i64]) -> Result<HashMap<i64, Usage>, Error> {
    type Sums = (i64, i64, Option<i64>, Option<i64>, Option<i64>);
    let rows: Vec<Sums> = containers::table
        .filter(containers::owner_id.eq_any(owners))
        .group_by(containers::owner_id)
        .select((
            containers::owner_id,
            count_star(),
            sum(containers::cores),
            sum(containers::memory_mib),
            sum(containers::disk_gib),
        ))
        .load(&mut c.0)?;
    let sum = |number: Option<i64>| rows::to_u32(number.unwrap_or(0));
    let usage = rows
        .into_iter()
        .map(|(owner, number, cores, memory, disk)| {
            let usage = Usage {
                containers: rows::to_u32(number),
                cores: sum(cores),
                memory_mib: sum(memory),
                disk_gib: sum(disk),
            };
            (owner, usage)
        });
    Ok(usage.collect())
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

/// Returns the number of administrators.
///
/// # Errors
/// When the database is unavailable.
pub fn count_administrators(c: &mut Conn) -> Result<u64, Error> {
    let number: i64 = users::table
        .filter(users::role.eq(Role::Administrator.as_str()))
        .count()
        .get_result(&mut c.0)?;
    Ok(u64::from(rows::to_u32(number)))
}

/// Returns the administrator with the lowest id.
///
/// # Errors
/// When the database is unavailable.
pub fn get_first_administrator(c: &mut Conn) -> Result<Option<UserId>, Error> {
    let id = users::table
        .filter(users::role.eq(Role::Administrator.as_str()))
        .order(users::id)
        .select(users::id)
        .first(&mut c.0)
        .optional()?;
    Ok(id.map(UserId))
}

/// Whether any user exists.
///
/// # Errors
/// When the database is unavailable.
pub fn has_any(c: &mut Conn) -> Result<bool, Error> {
    let first: Option<i64> = users::table.select(users::id).first(&mut c.0).optional()?;
    Ok(first.is_some())
}
