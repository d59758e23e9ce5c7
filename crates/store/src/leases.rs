//! DHCP leases in a site's network, as last reported by its DHCP server.

use std::collections::BTreeMap;

use diesel::prelude::*;
use model::{
    ContainerId, SiteId, Timestamp,
    leases::{Holder, Lease, LeaseRow},
    net::Mac,
};

use crate::{
    Conn, Error, dialect,
    rows::Place,
    schema::{containers, leases},
};

/// Expiry times that differ by at most this, in milliseconds, count as equal: an agent reports the
/// remaining time of a lease, and the delay of the report varies.
const SAME_END: i64 = 120_000;
/// The maximum remaining time of a lease: about a hundred years, in milliseconds.
const LONGEST: i64 = 100 * 366 * 86_400_000;

/// The columns of a lease beside its address: MAC address, hostname, expiry.
type Known = (String, Option<String>, Option<i64>);

/// Replaces the leases of a site. Returns whether anything but expiry times changed. Two statements,
/// and one for each lease that changed.
///
/// # Errors
/// [`Error::NotFound`] when the site does not exist.
pub fn replace(c: &mut Conn, site: SiteId, now: &[Lease]) -> Result<bool, Error> {
    let of_site = leases::table.filter(leases::site_id.eq(site.0));
    let before: Vec<(String, Known)> = of_site
        .select((
            leases::address,
            (leases::mac, leases::name, leases::expires_at),
        ))
        .load(&mut c.0)?;
    let mut before: BTreeMap<String, Known> = before.into_iter().collect();
    let clock = crate::now(c)?;
    let mut changed = false;
    for lease in now {
        let address = lease.address.to_string();
        let name = lease.name.as_ref().map(ToString::to_string);
        let known = (lease.mac.to_string(), name, end(lease.left_s, clock));
        let found = before.remove(&address);
        let is_same = found
            .as_ref()
            .is_some_and(|found| (&found.0, &found.1) == (&known.0, &known.1));
        changed |= !is_same;
        if !is_same || found.as_ref().is_some_and(|found| is_later(found, &known)) {
            put(c, site, &address, &known, found.is_some())?;
        }
    }
    for address in before.keys() {
        diesel::delete(leases::table.find((site.0, address))).execute(&mut c.0)?;
        changed = true;
    }
    Ok(changed)
}

fn end(left_s: Option<u64>, clock: Timestamp) -> Option<i64> {
    let left = i64::try_from(left_s?).unwrap_or(LONGEST);
    Some(clock.0 + left.saturating_mul(1000).min(LONGEST))
}

fn is_later(found: &Known, known: &Known) -> bool {
    match (found.2, known.2) {
        (Some(before), Some(after)) => before.abs_diff(after) > SAME_END.unsigned_abs(),
        (before, after) => before != after,
    }
}

fn put(
    c: &mut Conn,
    site: SiteId,
    address: &str,
    (mac, name, until): &Known,
    there: bool,
) -> Result<(), Error> {
    let values = (
        leases::mac.eq(mac),
        leases::name.eq(name.as_deref()),
        leases::expires_at.eq(until),
    );
    if there {
        diesel::update(leases::table.find((site.0, address)))
            .set(values)
            .execute(&mut c.0)?;
        return Ok(());
    }
    diesel::insert_into(leases::table)
        .values((
            leases::site_id.eq(site.0),
            leases::address.eq(address),
            values,
        ))
        .execute(&mut c.0)
        .map_err(Error::of_insert)?;
    Ok(())
}

#[derive(Queryable)]
struct Row {
    address: String,
    mac: String,
    name: Option<String>,
    expires_at: Option<i64>,
    container: Option<(i64, String, String)>,
}

impl Row {
    fn lease(self) -> Result<LeaseRow, Error> {
        let place = Place::new("leases", &self.address);
        let holder = |(id, name, reserved): (i64, String, String)| {
            let place = Place::new("containers", &id);
            Ok::<_, Error>(Holder {
                id: ContainerId(id),
                name: place.text("name", &name)?,
                reserved: place.text("address", &reserved)?,
            })
        };
        Ok(LeaseRow {
            mac: place.text("mac", &self.mac)?,
            address: place.text("address", &self.address)?,
            name: place.optional("name", self.name.as_deref())?,
            until: self.expires_at.map(Timestamp),
            container: self.container.map(holder).transpose()?,
        })
    }
}

/// Returns the unexpired leases of a site, ordered by MAC address. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn of_site(c: &mut Conn, site: SiteId) -> Result<Vec<LeaseRow>, Error> {
    let holds = containers::site_id
        .eq(leases::site_id)
        .and(containers::mac.eq(leases::mac));
    let now = dialect::now(&c.0);
    let found: Vec<Row> = leases::table
        .left_join(containers::table.on(holds))
        .filter(leases::site_id.eq(site.0))
        .filter(
            leases::expires_at
                .is_null()
                .or(leases::expires_at.gt(now.nullable())),
        )
        .order((leases::mac, leases::address))
        .select((
            leases::address,
            leases::mac,
            leases::name,
            leases::expires_at,
            (containers::id, containers::name, containers::address).nullable(),
        ))
        .load(&mut c.0)?;
    found.into_iter().map(Row::lease).collect()
}

/// Returns the IP addresses that are leased to a MAC address on a site now. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn of_mac(c: &mut Conn, site: SiteId, mac: Mac) -> Result<Vec<std::net::Ipv4Addr>, Error> {
    let now = dialect::now(&c.0);
    let found: Vec<String> = leases::table
        .filter(leases::site_id.eq(site.0))
        .filter(leases::mac.eq(mac.to_string()))
        .filter(
            leases::expires_at
                .is_null()
                .or(leases::expires_at.gt(now.nullable())),
        )
        .order(leases::address)
        .select(leases::address)
        .load(&mut c.0)?;
    let place = Place::new("leases", &site);
    let addresses = found.iter().map(|address| place.text("address", address));
    addresses.collect()
}
