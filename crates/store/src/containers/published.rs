//! A site's containers as its edge hosts need them: names, addresses and what each offers.

use std::net::Ipv4Addr;

use diesel::prelude::*;
use model::{SiteId, names::Label, net::Mac, services::ServiceView};

use super::services;
use crate::{Conn, Error, rows::Place, schema::containers};

/// A container in its site's network. Its address is its own before it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteHost {
    /// Its name.
    pub name: Label,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address.
    pub mac: Mac,
    /// What it offers.
    pub services: Vec<ServiceView>,
}

/// All containers of a site, by name. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn of_site(c: &mut Conn, site: SiteId) -> Result<Vec<SiteHost>, Error> {
    let found: Vec<(i64, String, String, String)> = containers::table
        .filter(containers::site_id.eq(site.0))
        .order(containers::name)
        .select((
            containers::id,
            containers::name,
            containers::address,
            containers::mac,
        ))
        .load(&mut c.0)?;
    let mut offered = services::of_site(c, site)?;
    let hosts = found.into_iter().map(|(id, name, address, mac)| {
        let place = Place::new("containers", &id);
        Ok(SiteHost {
            name: place.text("name", &name)?,
            address: place.text("address", &address)?,
            mac: place.text("mac", &mac)?,
            services: offered.remove(&id).unwrap_or_default(),
        })
    });
    hosts.collect()
}
