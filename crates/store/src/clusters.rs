//! Proxmox VE clusters and their credentials. The secret is encrypted in the table and bound to the
//! cluster's name.

use std::{collections::BTreeMap, fmt};

use diesel::prelude::*;
use model::{
    ClusterId,
    clusters::{ApiUrl, ClusterAccount},
    fingerprint::Fingerprint,
    permissions::{ClusterManage, Permit},
};

use crate::{
    Conn, Error, SecretKey, dialect,
    rows::{self, RowRef},
    schema::{cluster_certificates, clusters},
};

/// Pinned certificate fingerprints by API URL.
pub type PinnedCertificates = BTreeMap<ApiUrl, Fingerprint>;

/// The connection settings of a cluster. `Debug` omits the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// The name of the cluster in Holdfast.
    pub name: String,
    /// The API URL that the administrator entered.
    pub url: ApiUrl,
    /// The API token or user that Holdfast signs in with.
    pub account: ClusterAccount,
    /// The token's secret or the user's password, in plain text.
    pub secret: String,
    /// The pinned certificates of this URL and of the cluster's other nodes.
    pub pinned_certificates: PinnedCertificates,
}

impl fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// A cluster with its connection settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRecord {
    /// The id.
    pub id: ClusterId,
    /// The connection settings.
    pub connection: ConnectionSettings,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clusters)]
struct Row {
    id: i64,
    name: String,
    url: String,
    /// An API token id, or a username that signs in with a password.
    token_id: String,
    secret: String,
}

impl Row {
    fn into_record(
        self,
        key: &SecretKey,
        certificates: PinnedCertificates,
    ) -> Result<ClusterRecord, Error> {
        let row_ref = RowRef::new("clusters", &self.id);
        let access = ConnectionSettings {
            url: row_ref.parse("url", &self.url)?,
            account: row_ref.parse("token_id", &self.token_id)?,
            secret: key.open(&secret_context(&self.name), &self.secret)?,
            name: self.name,
            pinned_certificates: certificates,
        };
        let id = ClusterId(self.id);
        Ok(ClusterRecord {
            id,
            connection: access,
        })
    }
}

/// The encryption context of a secret, which binds it to the cluster's name.
fn secret_context(name: &str) -> String {
    format!("clusters.secret:{name}")
}

/// Inserts a cluster.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name.
pub fn insert(
    c: &mut Conn,
    _: Permit<ClusterManage>,
    key: &SecretKey,
    new: &ConnectionSettings,
) -> Result<ClusterId, Error> {
    diesel::insert_into(clusters::table)
        .values((
            clusters::name.eq(&new.name),
            clusters::url.eq(new.url.as_str()),
            clusters::token_id.eq(new.account.to_string()),
            clusters::secret.eq(key.seal(&secret_context(&new.name), &new.secret)?),
            clusters::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)?;
    let id = ClusterId(dialect::inserted_id(&mut c.0)?);
    insert_certificates(c, id, &new.pinned_certificates)?;
    Ok(id)
}

/// Updates a cluster's name and connection settings.
///
/// # Errors
/// [`Error::NotFound`] when the cluster does not exist, [`Error::Duplicate`] for a taken name.
pub fn update(
    c: &mut Conn,
    _: Permit<ClusterManage>,
    key: &SecretKey,
    id: ClusterId,
    access: &ConnectionSettings,
) -> Result<(), Error> {
    let changed = diesel::update(clusters::table.find(id.0))
        .set((
            clusters::name.eq(&access.name),
            clusters::url.eq(access.url.as_str()),
            clusters::token_id.eq(access.account.to_string()),
            clusters::secret.eq(key.seal(&secret_context(&access.name), &access.secret)?),
        ))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)?;
    diesel::delete(cluster_certificates::table.filter(cluster_certificates::cluster_id.eq(id.0)))
        .execute(&mut c.0)?;
    insert_certificates(c, id, &access.pinned_certificates)
}

fn insert_certificates(
    c: &mut Conn,
    id: ClusterId,
    certificates: &PinnedCertificates,
) -> Result<(), Error> {
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

/// Locks a cluster until the transaction ends, so that other transactions that lock it wait.
pub(crate) fn lock_row(c: &mut Conn, id: ClusterId) -> Result<(), Error> {
    diesel::update(clusters::table.find(id.0))
        .set(clusters::created_at.eq(clusters::created_at))
        .execute(&mut c.0)?;
    Ok(())
}

/// Deletes a cluster.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::InUse`] while the cluster has sites.
pub fn delete(c: &mut Conn, _: Permit<ClusterManage>, id: ClusterId) -> Result<(), Error> {
    rows::ensure_found(diesel::delete(clusters::table.find(id.0)).execute(&mut c.0)?)
}

/// Returns all clusters, ordered by name.
///
/// # Errors
/// [`Error::Internal`] when a secret does not decrypt.
pub fn list(c: &mut Conn, key: &SecretKey) -> Result<Vec<ClusterRecord>, Error> {
    let rows: Vec<Row> = clusters::table
        .order(clusters::name)
        .select(Row::as_select())
        .load(&mut c.0)?;
    load_records(c, key, rows)
}

/// Returns the cluster with this id.
///
/// # Errors
/// [`Error::Internal`] when the secret does not decrypt.
pub fn get(c: &mut Conn, key: &SecretKey, id: ClusterId) -> Result<Option<ClusterRecord>, Error> {
    let row: Option<Row> = clusters::table
        .find(id.0)
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    Ok(load_records(c, key, row.into_iter().collect())?.pop())
}

/// Returns the cluster with this name.
///
/// # Errors
/// [`Error::Internal`] when the secret does not decrypt.
pub fn get_by_name(
    c: &mut Conn,
    key: &SecretKey,
    name: &str,
) -> Result<Option<ClusterRecord>, Error> {
    let row: Option<Row> = clusters::table
        .filter(clusters::name.eq(name))
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    Ok(load_records(c, key, row.into_iter().collect())?.pop())
}

/// Adds the pinned certificates to clusters, with one statement for all of them.
fn load_records(
    c: &mut Conn,
    key: &SecretKey,
    rows: Vec<Row>,
) -> Result<Vec<ClusterRecord>, Error> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let pins: Vec<(i64, String, String)> = cluster_certificates::table
        .filter(cluster_certificates::cluster_id.eq_any(&ids))
        .load(&mut c.0)?;
    let mut certificates: BTreeMap<i64, PinnedCertificates> = BTreeMap::new();
    for (id, url, fingerprint) in pins {
        let row_ref = RowRef::new("cluster_certificates", &id);
        let fingerprint = row_ref.parse("fingerprint", &fingerprint)?;
        let pinned = certificates.entry(id).or_default();
        pinned.insert(row_ref.parse("url", &url)?, fingerprint);
    }
    let complete = rows.into_iter().map(|row| {
        let certificates = certificates.remove(&row.id).unwrap_or_default();
        row.into_record(key, certificates)
    });
    complete.collect()
}

/// Whether the key decrypts the stored secrets; true when there are no clusters.
pub(crate) fn accepts_key(c: &mut Conn, key: &SecretKey) -> Result<bool, Error> {
    let row: Option<Row> = clusters::table
        .order(clusters::id)
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    Ok(row.is_none_or(|row| row.into_record(key, PinnedCertificates::new()).is_ok()))
}
