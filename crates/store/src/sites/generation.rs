//! The generation of a site's configuration, which every change of it increments.

use diesel::prelude::*;
use model::{ContainerId, DomainId, SiteId};

use crate::{
    Conn, Error, rows,
    schema::{containers, domains, sites},
};

/// Increments a site's generation, so that its edge hosts receive a new configuration. Returns the
/// new generation.
///
/// # Errors
/// [`Error::NotFound`] when the site does not exist.
pub fn increment_generation(c: &mut Conn, id: SiteId) -> Result<i64, Error> {
    let changed = diesel::update(sites::table.find(id.0))
        .set(sites::generation.eq(sites::generation + 1))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)?;
    get_generation(c, id)?.ok_or(Error::NotFound)
}

/// Increments the generation of a domain's site and stores it as the domain's generation. Changes
/// nothing when the domain does not exist.
pub(crate) fn increment_generation_for_domain(c: &mut Conn, id: DomainId) -> Result<(), Error> {
    let row = domains::table.find(id.0);
    let site: Option<i64> = row.select(domains::site_id).first(&mut c.0).optional()?;
    let Some(site) = site else { return Ok(()) };
    let generation = increment_generation(c, SiteId(site))?;
    diesel::update(row)
        .set(domains::generation.eq(generation))
        .execute(&mut c.0)?;
    Ok(())
}

/// Increments the generation of a container's site and stores it as the container's generation.
/// Changes nothing when the container does not exist.
pub(crate) fn increment_generation_for_container(
    c: &mut Conn,
    id: ContainerId,
) -> Result<(), Error> {
    let row = containers::table.find(id.0);
    let site: Option<i64> = row.select(containers::site_id).first(&mut c.0).optional()?;
    let Some(site) = site else { return Ok(()) };
    let generation = increment_generation(c, SiteId(site))?;
    diesel::update(row)
        .set(containers::generation.eq(generation))
        .execute(&mut c.0)?;
    Ok(())
}

/// Returns a site's generation; `None` when the site does not exist.
///
/// # Errors
/// When the database is unavailable.
pub fn get_generation(c: &mut Conn, id: SiteId) -> Result<Option<i64>, Error> {
    Ok(sites::table
        .find(id.0)
        .select(sites::generation)
        .first(&mut c.0)
        .optional()?)
}
