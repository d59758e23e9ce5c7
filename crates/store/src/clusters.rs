//! Proxmox VE clusters and how to sign in there. The secret is encrypted in the table and bound
//! to the cluster's name.

use std::fmt;

use diesel::prelude::*;
use model::ClusterId;

use crate::{Conn, Error, SecretKey, dialect, rows, schema::clusters};

/// A new cluster.
#[derive(Clone)]
pub struct NewCluster {
    /// Its name here.
    pub name: String,
    /// Where its API is.
    pub url: String,
    /// The API token's name.
    pub token_id: String,
    /// The API token's secret.
    pub secret: String,
}

/// A cluster with its secret in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterRecord {
    /// The cluster.
    pub id: ClusterId,
    /// Its name here.
    pub name: String,
    /// Where its API is.
    pub url: String,
    /// The API token's name.
    pub token_id: String,
    /// The API token's secret.
    pub secret: String,
}

impl fmt::Debug for ClusterRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterRecord")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clusters)]
struct Row {
    id: i64,
    name: String,
    url: String,
    token_id: String,
    secret: String,
}

impl Row {
    fn record(self, key: &SecretKey) -> Result<ClusterRecord, Error> {
        Ok(ClusterRecord {
            id: ClusterId(self.id),
            secret: key.open(&place(&self.name), &self.secret)?,
            name: self.name,
            url: self.url,
            token_id: self.token_id,
        })
    }
}

/// Where a secret is kept, which it is bound to.
fn place(name: &str) -> String {
    format!("clusters.secret:{name}")
}

/// Makes a cluster.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name.
pub fn insert(c: &mut Conn, key: &SecretKey, new: &NewCluster) -> Result<ClusterId, Error> {
    diesel::insert_into(clusters::table)
        .values((
            clusters::name.eq(&new.name),
            clusters::url.eq(&new.url),
            clusters::token_id.eq(&new.token_id),
            clusters::secret.eq(key.seal(&place(&new.name), &new.secret)?),
            clusters::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)?;
    Ok(ClusterId(dialect::inserted_id(&mut c.0)?))
}

/// Changes where a cluster is and how to sign in there.
///
/// # Errors
/// [`Error::NotFound`] when there is no such cluster.
pub fn set_access(
    c: &mut Conn,
    key: &SecretKey,
    id: ClusterId,
    url: &str,
    token_id: &str,
    secret: &str,
) -> Result<(), Error> {
    let name: String = clusters::table
        .find(id.0)
        .select(clusters::name)
        .first(&mut c.0)?;
    let changed = diesel::update(clusters::table.find(id.0))
        .set((
            clusters::url.eq(url),
            clusters::token_id.eq(token_id),
            clusters::secret.eq(key.seal(&place(&name), secret)?),
        ))
        .execute(&mut c.0)?;
    rows::one(changed)
}

/// All clusters, by name.
///
/// # Errors
/// [`Error::Internal`] when a secret does not open.
pub fn list(c: &mut Conn, key: &SecretKey) -> Result<Vec<ClusterRecord>, Error> {
    let found: Vec<Row> = clusters::table
        .order(clusters::name)
        .select(Row::as_select())
        .load(&mut c.0)?;
    found.into_iter().map(|row| row.record(key)).collect()
}

/// The cluster of a key.
///
/// # Errors
/// [`Error::Internal`] when its secret does not open.
pub fn get(c: &mut Conn, key: &SecretKey, id: ClusterId) -> Result<Option<ClusterRecord>, Error> {
    let row: Option<Row> = clusters::table
        .find(id.0)
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    row.map(|row| row.record(key)).transpose()
}

/// The cluster of a name.
///
/// # Errors
/// [`Error::Internal`] when its secret does not open.
pub fn by_name(c: &mut Conn, key: &SecretKey, name: &str) -> Result<Option<ClusterRecord>, Error> {
    let row: Option<Row> = clusters::table
        .filter(clusters::name.eq(name))
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    row.map(|row| row.record(key)).transpose()
}

/// Whether the key is the one that the secrets here were encrypted with; true when there are none.
pub(crate) fn opens(c: &mut Conn, key: &SecretKey) -> Result<bool, Error> {
    let row: Option<Row> = clusters::table
        .order(clusters::id)
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    Ok(row.is_none_or(|row| row.record(key).is_ok()))
}
