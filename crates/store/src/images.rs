//! Archives of the images that Holdfast pulled to the storages of clusters, per site, with the time
//! of their last use. Must not decide what to delete.

use diesel::prelude::*;
use model::{
    ClusterId, SiteId, Timestamp,
    image::TemplateName,
    names::{NodeName, StorageName},
};

use crate::{
    Conn, Error, dialect,
    rows::RowRef,
    schema::{pulled_images, sites},
};

/// The archive of a pulled image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledImage {
    /// The node that pulled the image or used the archive last.
    pub node: NodeName,
    /// The storage.
    pub storage: StorageName,
    /// The file name.
    pub file: TemplateName,
    /// The size in bytes.
    pub size: u64,
    /// When a container of the site was last created from the archive.
    pub used: Timestamp,
}

fn key(site: SiteId, image: &PulledImage) -> (i64, &str, &str, &str) {
    let (node, storage) = (image.node.as_str(), image.storage.as_str());
    (site.0, node, storage, image.file.as_str())
}

/// Lists the archives of a site, the least recently used first.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn, site: SiteId) -> Result<Vec<PulledImage>, Error> {
    let rows: Vec<(String, String, String, i64, i64)> = pulled_images::table
        .filter(pulled_images::site_id.eq(site.0))
        .order((pulled_images::used_at, pulled_images::file))
        .select((
            pulled_images::node,
            pulled_images::storage,
            pulled_images::file,
            pulled_images::size,
            pulled_images::used_at,
        ))
        .load(&mut c.0)?;
    let images = rows.into_iter().map(|(node, storage, file, size, used)| {
        let id = format!("{site}, {node}, {storage}, {file}");
        let row_ref = RowRef::new("pulled_images", &id);
        Ok(PulledImage {
            node: row_ref.parse("node", &node)?,
            storage: row_ref.parse("storage", &storage)?,
            file: row_ref.parse("file", &file)?,
            size: row_ref.convert_number("size", size)?,
            used: Timestamp(used),
        })
    });
    images.collect()
}

/// Inserts or replaces an archive. On a shared storage, all nodes have the same archive. Returns
/// false and changes nothing while a process deletes the archive.
///
/// # Errors
/// [`Error::NotFound`] when the site does not exist.
pub fn record(
    c: &mut Conn,
    site: SiteId,
    image: &PulledImage,
    is_shared: bool,
) -> Result<bool, Error> {
    let cluster = lock_cluster(c, site)?;
    let deleting = pulled_images::table
        .inner_join(sites::table)
        .filter(sites::cluster_id.eq(cluster))
        .filter(pulled_images::storage.eq(image.storage.as_str()))
        .filter(pulled_images::file.eq(image.file.as_str()))
        .filter(pulled_images::deletion_until.gt(dialect::now(&c.0).nullable()))
        .select(pulled_images::node)
        .load::<String>(&mut c.0)?;
    if deleting
        .iter()
        .any(|node| is_shared || node == image.node.as_str())
    {
        return Ok(false);
    }
    let same_file = pulled_images::table
        .filter(pulled_images::site_id.eq(site.0))
        .filter(pulled_images::storage.eq(image.storage.as_str()))
        .filter(pulled_images::file.eq(image.file.as_str()));
    if is_shared {
        diesel::delete(same_file).execute(&mut c.0)?;
    } else {
        let same_node = same_file.filter(pulled_images::node.eq(image.node.as_str()));
        diesel::delete(same_node).execute(&mut c.0)?;
    }
    diesel::insert_into(pulled_images::table)
        .values((
            pulled_images::site_id.eq(site.0),
            pulled_images::node.eq(image.node.as_str()),
            pulled_images::storage.eq(image.storage.as_str()),
            pulled_images::file.eq(image.file.as_str()),
            pulled_images::size.eq(i64::try_from(image.size).unwrap_or(i64::MAX)),
            pulled_images::used_at.eq(image.used.0),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    Ok(true)
}

/// Locks the cluster of a site until the transaction ends, so that no archive of the cluster is
/// recorded or claimed for deletion meanwhile.
fn lock_cluster(c: &mut Conn, site: SiteId) -> Result<i64, Error> {
    let cluster: i64 = sites::table
        .find(site.0)
        .select(sites::cluster_id)
        .first(&mut c.0)?;
    crate::clusters::lock_row(c, ClusterId(cluster))?;
    Ok(cluster)
}

/// What a process may do with an archive that it intends to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionClaim {
    /// Delete the file. Until `ms` have passed, no other process uses or deletes it.
    Claimed,
    /// Keep the file: another site of the cluster has used it since.
    UsedByOtherSite,
    /// Keep the file and the row: the site has used the archive, or another process deletes it.
    Changed,
}

/// Claims the deletion of an archive for `ms`, unless it has been used since it was listed, or by
/// another site since `since`.
///
/// # Errors
/// When the database is unavailable.
pub fn claim_deletion(
    c: &mut Conn,
    site: SiteId,
    image: &PulledImage,
    since: Timestamp,
    ms: i64,
) -> Result<DeletionClaim, Error> {
    let cluster = ClusterId(lock_cluster(c, site)?);
    if is_used_since(c, (cluster, site), image, since)? {
        return Ok(DeletionClaim::UsedByOtherSite);
    }
    let is_free = pulled_images::deletion_until
        .is_null()
        .or(pulled_images::deletion_until.le(dialect::now(&c.0).nullable()));
    let claimed = diesel::update(pulled_images::table.find(key(site, image)))
        .filter(pulled_images::used_at.eq(image.used.0))
        .filter(is_free)
        .set(pulled_images::deletion_until.eq(dialect::now_plus(&c.0, ms).nullable()))
        .execute(&mut c.0)?;
    Ok(match claimed {
        0 => DeletionClaim::Changed,
        _ => DeletionClaim::Claimed,
    })
}

/// Ends the claim of a deletion that failed.
///
/// # Errors
/// When the database is unavailable.
pub fn release_deletion(c: &mut Conn, site: SiteId, image: &PulledImage) -> Result<(), Error> {
    diesel::update(pulled_images::table.find(key(site, image)))
        .set(pulled_images::deletion_until.eq(None::<i64>))
        .execute(&mut c.0)?;
    Ok(())
}

/// Stores the size of an archive.
///
/// # Errors
/// When the database is unavailable.
pub fn set_size(c: &mut Conn, site: SiteId, image: &PulledImage) -> Result<(), Error> {
    let size = i64::try_from(image.size).unwrap_or(i64::MAX);
    diesel::update(pulled_images::table.find(key(site, image)))
        .set(pulled_images::size.eq(size))
        .execute(&mut c.0)?;
    Ok(())
}

/// Whether Holdfast pulled the archive for any site of the cluster. On a shared storage, all nodes
/// have the same archive.
///
/// # Errors
/// When the database is unavailable.
pub fn is_pulled(
    c: &mut Conn,
    cluster: ClusterId,
    image: &PulledImage,
    is_shared: bool,
) -> Result<bool, Error> {
    let mut rows = pulled_images::table
        .inner_join(sites::table)
        .filter(sites::cluster_id.eq(cluster.0))
        .filter(pulled_images::storage.eq(image.storage.as_str()))
        .filter(pulled_images::file.eq(image.file.as_str()))
        .select(pulled_images::site_id)
        .into_boxed();
    if !is_shared {
        rows = rows.filter(pulled_images::node.eq(image.node.as_str()));
    }
    Ok(rows.first::<i64>(&mut c.0).optional()?.is_some())
}

/// Deletes the row of an archive, unless the archive has been used since it was listed.
///
/// # Errors
/// When the database is unavailable.
pub fn delete(c: &mut Conn, site: SiteId, image: &PulledImage) -> Result<(), Error> {
    diesel::delete(pulled_images::table.find(key(site, image)))
        .filter(pulled_images::used_at.eq(image.used.0))
        .execute(&mut c.0)?;
    Ok(())
}

/// Whether another site of the cluster has used the file of this name on the storage since a time.
/// The storage may be shared, so the node is ignored.
fn is_used_since(
    c: &mut Conn,
    (cluster, site): (ClusterId, SiteId),
    image: &PulledImage,
    since: Timestamp,
) -> Result<bool, Error> {
    let used = pulled_images::table
        .inner_join(sites::table)
        .filter(sites::cluster_id.eq(cluster.0))
        .filter(sites::id.ne(site.0))
        .filter(pulled_images::storage.eq(image.storage.as_str()))
        .filter(pulled_images::file.eq(image.file.as_str()))
        .filter(pulled_images::used_at.ge(since.0))
        .select(pulled_images::site_id)
        .first::<i64>(&mut c.0)
        .optional()?;
    Ok(used.is_some())
}
