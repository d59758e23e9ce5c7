//! Authorities that give certificates, and our account with each. Keys and credentials are encrypted
//! in the table and bound to the authority's name and directory.

use std::fmt;

use diesel::prelude::*;
use model::{
    AuthorityId,
    authorities::{AuthorityRow, AuthoritySpec},
    certificates::Issuance,
    names::Domain,
};

use crate::{
    Conn, Error, SecretKey, dialect,
    rows::{self, Place},
    schema::{authorities, domain_issuance, domains},
};

/// The most authorities that are listed.
const MOST: i64 = 500;

/// An authority with what only Holdfast itself may see.
#[derive(Clone)]
pub struct AuthorityRecord {
    /// What may be shown.
    pub row: AuthorityRow,
    /// The key of the account that ours is bound to.
    pub binding_key: Option<String>,
    /// Our account's credentials.
    pub credentials: Option<String>,
}

impl fmt::Debug for AuthorityRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorityRecord")
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = authorities)]
struct Row {
    id: i64,
    name: String,
    directory: String,
    email: Option<String>,
    binding: Option<String>,
    binding_key: Option<String>,
    roots: Option<String>,
    account: Option<String>,
    credentials: Option<String>,
}

impl Row {
    fn row(&self, domains: Vec<Domain>) -> Result<AuthorityRow, Error> {
        let place = Place::new("authorities", &self.id);
        Ok(AuthorityRow {
            id: AuthorityId(self.id),
            name: place.text("name", &self.name)?,
            directory: place.text("directory", &self.directory)?,
            email: place.optional("email", self.email.as_deref())?,
            binding: place.optional("binding", self.binding.as_deref())?,
            roots: place.optional("roots", self.roots.as_deref())?,
            account: self.account.clone(),
            domains,
        })
    }

    fn record(self, key: &SecretKey, domains: Vec<Domain>) -> Result<AuthorityRecord, Error> {
        let row = self.row(domains)?;
        let open = |what: &str, sealed: Option<&str>| {
            let place = place(what, row.directory.as_str());
            sealed.map(|sealed| key.open(&place, sealed)).transpose()
        };
        Ok(AuthorityRecord {
            binding_key: open("binding_key", self.binding_key.as_deref())?,
            credentials: open("credentials", self.credentials.as_deref())?,
            row,
        })
    }
}

/// Where a secret is kept: it is good for one directory and for no other.
fn place(what: &str, directory: &str) -> String {
    format!("authorities.{what}:{directory}")
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = authorities, treat_none_as_null = true)]
struct Columns {
    name: String,
    directory: String,
    email: Option<String>,
    binding: Option<String>,
    roots: Option<String>,
}

impl From<&AuthoritySpec> for Columns {
    fn from(spec: &AuthoritySpec) -> Self {
        Self {
            name: spec.name.to_string(),
            directory: spec.directory.to_string(),
            email: spec.email.as_ref().map(ToString::to_string),
            binding: spec.binding.as_ref().map(ToString::to_string),
            roots: spec.roots.as_ref().map(ToString::to_string),
        }
    }
}

fn sealed_key(key: &SecretKey, spec: &AuthoritySpec) -> Result<Option<String>, Error> {
    let place = place("binding_key", spec.directory.as_str());
    let sealed = spec
        .binding_key
        .as_ref()
        .map(|secret| key.seal(&place, secret.reveal()));
    sealed.transpose()
}

/// Makes an authority.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name.
pub fn insert(c: &mut Conn, key: &SecretKey, spec: &AuthoritySpec) -> Result<AuthorityId, Error> {
    diesel::insert_into(authorities::table)
        .values((
            Columns::from(spec),
            authorities::binding_key.eq(sealed_key(key, spec)?),
            authorities::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)?;
    Ok(AuthorityId(dialect::inserted_id(&mut c.0)?))
}

/// Changes an authority. With another directory or another binding it is another account, which is
/// made when the next certificate is asked for.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Duplicate`] for a taken name.
pub fn update(
    c: &mut Conn,
    key: &SecretKey,
    id: AuthorityId,
    spec: &AuthoritySpec,
) -> Result<(), Error> {
    let before = record(c, key, id)?.ok_or(Error::NotFound)?;
    let moved = before.row.directory != spec.directory;
    diesel::update(authorities::table.find(id.0))
        .set(Columns::from(spec))
        .execute(&mut c.0)?;
    if spec.binding_key.is_some() || spec.binding.is_none() || moved {
        diesel::update(authorities::table.find(id.0))
            .set(authorities::binding_key.eq(sealed_key(key, spec)?))
            .execute(&mut c.0)?;
    }
    let is_another = moved || before.row.binding != spec.binding || spec.binding_key.is_some();
    if let (true, Some(account)) = (is_another, &before.row.account) {
        forget_account(c, id, account)?;
    }
    Ok(())
}

/// Forgets this account of ours, unless it is another already: the next one is made when it is
/// needed.
///
/// # Errors
/// When the database does not answer.
pub fn forget_account(c: &mut Conn, id: AuthorityId, account: &str) -> Result<(), Error> {
    diesel::update(authorities::table.find(id.0))
        .filter(authorities::account.eq(account))
        .set((
            authorities::account.eq(None::<String>),
            authorities::credentials.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Keeps a new account's address and credentials, unless another server was quicker: then that one
/// has it, and nothing is changed.
///
/// # Errors
/// When the database does not answer.
pub fn set_account(
    c: &mut Conn,
    key: &SecretKey,
    authority: &AuthorityRow,
    account: &str,
    credentials: &str,
) -> Result<(), Error> {
    let place = place("credentials", authority.directory.as_str());
    let sealed = key.seal(&place, credentials)?;
    diesel::update(authorities::table.find(authority.id.0))
        .filter(authorities::directory.eq(authority.directory.as_str()))
        .filter(authorities::credentials.is_null())
        .set((
            authorities::account.eq(account),
            authorities::credentials.eq(sealed),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Deletes an authority.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::InUse`] while domains have their certificates from it.
pub fn delete(c: &mut Conn, id: AuthorityId) -> Result<(), Error> {
    rows::one(diesel::delete(authorities::table.find(id.0)).execute(&mut c.0)?)
}

/// All authorities by name, at most 500. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn list(c: &mut Conn) -> Result<Vec<AuthorityRow>, Error> {
    let rows: Vec<Row> = authorities::table
        .order((authorities::name, authorities::id))
        .limit(MOST)
        .select(Row::as_select())
        .load(&mut c.0)?;
    let named: Vec<(i64, String)> = domain_issuance::table
        .inner_join(domains::table)
        .filter(domain_issuance::authority_id.is_not_null())
        .order(domains::name)
        .select((
            domain_issuance::authority_id.assume_not_null(),
            domains::name,
        ))
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|row| {
            let of = named.iter().filter(|(id, _)| *id == row.id);
            let domains = of.map(|(id, name)| Place::new("domains", id).text("name", name));
            row.row(domains.collect::<Result<_, _>>()?)
        })
        .collect()
}

/// One authority, with its secrets but without its domains.
///
/// # Errors
/// When the database does not answer, or a secret does not open.
pub fn record(
    c: &mut Conn,
    key: &SecretKey,
    id: AuthorityId,
) -> Result<Option<AuthorityRecord>, Error> {
    let row: Option<Row> = authorities::table
        .find(id.0)
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    row.map(|row| row.record(key, Vec::new())).transpose()
}

/// Whether there is the authority that a domain is to have its certificates from.
///
/// # Errors
/// When the database does not answer.
pub fn is_there(c: &mut Conn, issuance: Issuance) -> Result<bool, Error> {
    let Some(id) = issuance.authority() else {
        return Ok(true);
    };
    let found = authorities::table.find(id.0).count();
    Ok(found.get_result::<i64>(&mut c.0)? > 0)
}
