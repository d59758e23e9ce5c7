//! Which host of a site is its DHCP server.

use diesel::prelude::*;
use model::{
    HostId, SiteId,
    permissions::{HostManage, Permit},
};

use crate::{Conn, Error, rows, schema::hosts};

pub(super) fn get_server(c: &mut Conn, site: SiteId) -> Result<Option<i64>, Error> {
    Ok(hosts::table
        .filter(hosts::dhcp_site_id.eq(site.0))
        .select(hosts::id)
        .first(&mut c.0)
        .optional()?)
}

/// Selects a host as the next DHCP server of its site. It takes over when the current DHCP server
/// has applied `generation`, the site's next generation, which disables DHCP there. Without a
/// current DHCP server it takes over immediately.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist.
pub fn request_dhcp_handover(
    c: &mut Conn,
    _: Permit<HostManage>,
    id: HostId,
    site: SiteId,
    generation: i64,
) -> Result<(), Error> {
    diesel::update(hosts::table.filter(hosts::dhcp_handover_site_id.eq(site.0)))
        .set((
            hosts::dhcp_handover_site_id.eq(None::<i64>),
            hosts::dhcp_handover_generation.eq(None::<i64>),
        ))
        .execute(&mut c.0)?;
    let current = get_server(c, site)?;
    let of_site = hosts::table.find(id.0).filter(hosts::site_id.eq(site.0));
    let changed = match current {
        Some(current) if current == id.0 => return Ok(()),
        Some(_) => diesel::update(of_site)
            .set((
                hosts::dhcp_handover_site_id.eq(site.0),
                hosts::dhcp_handover_generation.eq(generation),
            ))
            .execute(&mut c.0)?,
        None => diesel::update(of_site)
            .set(hosts::dhcp_site_id.eq(site.0))
            .execute(&mut c.0)?,
    };
    rows::ensure_found(changed)
}

/// Makes the selected host the DHCP server of a site, if the current DHCP server has applied the
/// required generation. Returns whether the DHCP server changed.
///
/// # Errors
/// When the database is unavailable.
pub fn complete_dhcp_handover(c: &mut Conn, site: SiteId, applied: i64) -> Result<bool, Error> {
    match get_selected(c, site)? {
        Some((_, Some(required))) if applied < required => Ok(false),
        Some((next, _)) => set_server(c, site, next).map(|()| true),
        None => Ok(false),
    }
}

/// Makes the selected host the DHCP server of a site, although the current DHCP server may still
/// run.
///
/// # Errors
/// When the database is unavailable.
pub fn force_dhcp_handover(c: &mut Conn, _: Permit<HostManage>, site: SiteId) -> Result<(), Error> {
    match get_selected(c, site)? {
        Some((next, _)) => set_server(c, site, next),
        None => Ok(()),
    }
}

/// The host that takes over, and the generation that the current DHCP server must apply first.
fn get_selected(c: &mut Conn, site: SiteId) -> Result<Option<(i64, Option<i64>)>, Error> {
    Ok(hosts::table
        .filter(hosts::dhcp_handover_site_id.eq(site.0))
        .select((hosts::id, hosts::dhcp_handover_generation))
        .first(&mut c.0)
        .optional()?)
}

fn set_server(c: &mut Conn, site: SiteId, next: i64) -> Result<(), Error> {
    diesel::update(hosts::table.filter(hosts::dhcp_site_id.eq(site.0)))
        .set(hosts::dhcp_site_id.eq(None::<i64>))
        .execute(&mut c.0)?;
    diesel::update(hosts::table.find(next))
        .set((
            hosts::dhcp_site_id.eq(site.0),
            hosts::dhcp_handover_site_id.eq(None::<i64>),
            hosts::dhcp_handover_generation.eq(None::<i64>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}
