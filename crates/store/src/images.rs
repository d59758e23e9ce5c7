//! Archives of the images that Holdfast pulled to the storages of clusters, per site, with the time
//! of their last use. Must not decide what to delete.

use diesel::prelude::*;
use model::{
    ClusterId, SiteId, Timestamp,
    image::TemplateName,
    names::{NodeName, StorageName},
};

use crate::{
    Conn, Error,
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

/// Inserts or replaces an archive. On a shared storage, all nodes have the same archive.
///
/// # Errors
/// [`Error::NotFound`] when the site does not exist.
pub fn record(
    c: &mut Conn,
    site: SiteId,
    image: &PulledImage,
    is_shared: bool,
) -> Result<(), Error> {
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
    let key = (
        site.0,
        image.node.as_str(),
        image.storage.as_str(),
        image.file.as_str(),
    );
    diesel::delete(pulled_images::table.find(key))
        .filter(pulled_images::used_at.eq(image.used.0))
        .execute(&mut c.0)?;
    Ok(())
}

/// Whether any site of the cluster has used the file of this name on the storage since a time. The
/// storage may be shared, so the node is ignored.
///
/// # Errors
/// When the database is unavailable.
pub fn is_used_since(
    c: &mut Conn,
    cluster: ClusterId,
    image: &PulledImage,
    since: Timestamp,
) -> Result<bool, Error> {
    let used = pulled_images::table
        .inner_join(sites::table)
        .filter(sites::cluster_id.eq(cluster.0))
        .filter(pulled_images::storage.eq(image.storage.as_str()))
        .filter(pulled_images::file.eq(image.file.as_str()))
        .filter(pulled_images::used_at.ge(since.0))
        .select(pulled_images::site_id)
        .first::<i64>(&mut c.0)
        .optional()?;
    Ok(used.is_some())
}
