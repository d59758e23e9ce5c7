//! Proxmox VE clusters and how to sign in there. The secret is encrypted in the table and bound
//! to the cluster's name.

use std::{collections::BTreeMap, fmt};

use diesel::prelude::*;
use model::{
    ClusterId,
    clusters::{ApiUrl, Fingerprint, Login},
};

use crate::{
    Conn, Error, SecretKey, dialect,
    rows::{self, Place},
    schema::{cluster_certificates, clusters},
};

/// Certificates by the address that shows them.
pub type Certificates = BTreeMap<ApiUrl, Fingerprint>;

/// A cluster as it should be. The secret cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// Its name here.
    pub name: String,
    /// Where a person said that its API is.
    pub url: ApiUrl,
    /// Who Holdfast is there.
    pub login: Login,
    /// The token's secret or the user's password, in the clear.
    pub secret: String,
    /// The certificates of that address and of others of its nodes.
    pub certificates: Certificates,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRecord {
    /// Its key.
    pub id: ClusterId,
    /// How it is reached.
    pub access: Access,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clusters)]
struct Row {
    id: i64,
    name: String,
    url: String,
    /// A token or, since passwords are taken too, a user.
    token_id: String,
    secret: String,
}

impl Row {
    fn record(self, key: &SecretKey, certificates: Certificates) -> Result<ClusterRecord, Error> {
        let place = Place::new("clusters", &self.id);
        let access = Access {
            url: place.text("url", &self.url)?,
            login: place.text("token_id", &self.token_id)?,
            secret: key.open(&sealed(&self.name), &self.secret)?,
            name: self.name,
            certificates,
        };
        let id = ClusterId(self.id);
        Ok(ClusterRecord { id, access })
    }
}

/// Where a secret is kept, which it is bound to.
fn sealed(name: &str) -> String {
    format!("clusters.secret:{name}")
}

/// Makes a cluster.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name.
pub fn insert(c: &mut Conn, key: &SecretKey, new: &Access) -> Result<ClusterId, Error> {
    diesel::insert_into(clusters::table)
        .values((
            clusters::name.eq(&new.name),
            clusters::url.eq(new.url.as_str()),
            clusters::token_id.eq(new.login.to_string()),
            clusters::secret.eq(key.seal(&sealed(&new.name), &new.secret)?),
            clusters::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)?;
    let id = ClusterId(dialect::inserted_id(&mut c.0)?);
    certify(c, id, &new.certificates)?;
    Ok(id)
}

/// Changes a cluster's name, where it is and how to sign in there.
///
/// # Errors
/// [`Error::NotFound`] when there is no such cluster, [`Error::Duplicate`] for a taken name.
pub fn update(c: &mut Conn, key: &SecretKey, id: ClusterId, access: &Access) -> Result<(), Error> {
    let changed = diesel::update(clusters::table.find(id.0))
        .set((
            clusters::name.eq(&access.name),
            clusters::url.eq(access.url.as_str()),
            clusters::token_id.eq(access.login.to_string()),
            clusters::secret.eq(key.seal(&sealed(&access.name), &access.secret)?),
        ))
        .execute(&mut c.0)?;
    // MySQL counts only rows that became others.
    if changed == 0 && !exists(c, id)? {
        return Err(Error::NotFound);
    }
    diesel::delete(cluster_certificates::table.filter(cluster_certificates::cluster_id.eq(id.0)))
        .execute(&mut c.0)?;
    certify(c, id, &access.certificates)
}

fn exists(c: &mut Conn, id: ClusterId) -> Result<bool, Error> {
    let found = clusters::table.filter(clusters::id.eq(id.0)).count();
    Ok(found.get_result::<i64>(&mut c.0)? > 0)
}

fn certify(c: &mut Conn, id: ClusterId, certificates: &Certificates) -> Result<(), Error> {
    for (url, fingerprint) in certificates {
        diesel::insert_into(cluster_certificates::table)
            .values((
                cluster_certificates::cluster_id.eq(id.0),
                cluster_certificates::url.eq(url.as_str()),
                cluster_certificates::fingerprint.eq(fingerprint.as_str()),
            ))
            .execute(&mut c.0)?;
    }
    Ok(())
}

/// Forgets a cluster.
///
/// # Errors
/// [`Error::InUse`] while it has sites.
pub fn delete(c: &mut Conn, id: ClusterId) -> Result<(), Error> {
    rows::one(diesel::delete(clusters::table.find(id.0)).execute(&mut c.0)?)
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
    records(c, key, found)
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
    Ok(records(c, key, row.into_iter().collect())?.pop())
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
    Ok(records(c, key, row.into_iter().collect())?.pop())
}

/// Adds the certificates, in one statement however many clusters there are.
fn records(c: &mut Conn, key: &SecretKey, found: Vec<Row>) -> Result<Vec<ClusterRecord>, Error> {
    let ids: Vec<i64> = found.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let vouched: Vec<(i64, String, String)> = cluster_certificates::table
        .filter(cluster_certificates::cluster_id.eq_any(&ids))
        .load(&mut c.0)?;
    let mut certificates: BTreeMap<i64, Certificates> = BTreeMap::new();
    for (id, url, fingerprint) in vouched {
        let place = Place::new("cluster_certificates", &id);
        let fingerprint = place.text("fingerprint", &fingerprint)?;
        let of = certificates.entry(id).or_default();
        of.insert(place.text("url", &url)?, fingerprint);
    }
    let records = found.into_iter().map(|row| {
        let certificates = certificates.remove(&row.id).unwrap_or_default();
        row.record(key, certificates)
    });
    records.collect()
}

/// Whether the key is the one that the secrets here were encrypted with; true when there are none.
pub(crate) fn opens(c: &mut Conn, key: &SecretKey) -> Result<bool, Error> {
    let row: Option<Row> = clusters::table
        .order(clusters::id)
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    Ok(row.is_none_or(|row| row.record(key, Certificates::new()).is_ok()))
}
