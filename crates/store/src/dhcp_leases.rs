//! DHCP leases in a site's network, as last reported by its DHCP server.

use std::collections::BTreeMap;

use diesel::prelude::*;
use model::{
    ContainerId, SiteId, Timestamp,
    dhcp_leases::{Lease, LeaseContainer, LeaseRow},
    net::MacAddress,
};

use crate::{
    Conn, Error, dialect,
    rows::RowRef,
    schema::{containers, dhcp_leases},
};

/// Expiry times that differ by at most this, in milliseconds, count as equal: an agent reports the
/// remaining time of a lease, and the delay of the report varies.
const EXPIRY_TOLERANCE_MS: i64 = 120_000;
/// The maximum remaining time of a lease: about a hundred years, in milliseconds.
const MAX_REMAINING_MS: i64 = 100 * 366 * 86_400_000;

/// The columns of a lease beside its address: MAC address, hostname, expiry.
type LeaseColumns = (String, Option<String>, Option<i64>);

/// Replaces the leases of a site. Returns whether anything but expiry times changed. Two
/// statements, and one for each lease that changed.
///
/// # Errors
/// [`Error::NotFound`] when the site does not exist.
pub fn replace(c: &mut Conn, site: SiteId, reported: &[Lease]) -> Result<bool, Error> {
    let of_site = dhcp_leases::table.filter(dhcp_leases::site_id.eq(site.0));
    let before: Vec<(String, LeaseColumns)> = of_site
        .select((
            dhcp_leases::address,
            (dhcp_leases::mac, dhcp_leases::name, dhcp_leases::expires_at),
        ))
        .load(&mut c.0)?;
    let mut before: BTreeMap<String, LeaseColumns> = before.into_iter().collect();
    let now = crate::now(c)?;
    let mut changed = false;
    for lease in reported {
        let address = lease.address.to_string();
        let name = lease.name.as_ref().map(ToString::to_string);
        let columns = (lease.mac.to_string(), name, expiry(lease.remaining_s, now));
        let stored = before.remove(&address);
        let is_same = stored
            .as_ref()
            .is_some_and(|stored| (&stored.0, &stored.1) == (&columns.0, &columns.1));
        changed |= !is_same;
        if !is_same
            || stored
                .as_ref()
                .is_some_and(|stored| expiry_differs(stored, &columns))
        {
            write(c, site, &address, &columns, stored.is_some())?;
        }
    }
    for address in before.keys() {
        diesel::delete(dhcp_leases::table.find((site.0, address))).execute(&mut c.0)?;
        changed = true;
    }
    Ok(changed)
}

fn expiry(remaining_s: Option<u64>, now: Timestamp) -> Option<i64> {
    let left = i64::try_from(remaining_s?).unwrap_or(MAX_REMAINING_MS);
    Some(now.0 + left.saturating_mul(1000).min(MAX_REMAINING_MS))
}

fn expiry_differs(stored: &LeaseColumns, columns: &LeaseColumns) -> bool {
    match (stored.2, columns.2) {
        (Some(before), Some(after)) => before.abs_diff(after) > EXPIRY_TOLERANCE_MS.unsigned_abs(),
        (before, after) => before != after,
    }
}

fn write(
    c: &mut Conn,
    site: SiteId,
    address: &str,
    (mac, name, until): &LeaseColumns,
    exists: bool,
) -> Result<(), Error> {
    let values = (
        dhcp_leases::mac.eq(mac),
        dhcp_leases::name.eq(name.as_deref()),
        dhcp_leases::expires_at.eq(until),
    );
    if exists {
        diesel::update(dhcp_leases::table.find((site.0, address)))
            .set(values)
            .execute(&mut c.0)?;
        return Ok(());
    }
    diesel::insert_into(dhcp_leases::table)
        .values((
            dhcp_leases::site_id.eq(site.0),
            dhcp_leases::address.eq(address),
            values,
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
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
    fn into_row(self) -> Result<LeaseRow, Error> {
        let row_ref = RowRef::new("dhcp_leases", &self.address);
        let parse_container = |(id, name, reserved): (i64, String, String)| {
            let row_ref = RowRef::new("containers", &id);
            Ok::<_, Error>(LeaseContainer {
                id: ContainerId(id),
                name: row_ref.parse("name", &name)?,
                reserved: row_ref.parse("address", &reserved)?,
            })
        };
        Ok(LeaseRow {
            mac: row_ref.parse("mac", &self.mac)?,
            address: row_ref.parse("address", &self.address)?,
            name: row_ref.parse_optional("name", self.name.as_deref())?,
            until: self.expires_at.map(Timestamp),
            container: self.container.map(parse_container).transpose()?,
        })
    }
}

/// Returns the unexpired leases of a site, ordered by MAC address. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_by_site(c: &mut Conn, site: SiteId) -> Result<Vec<LeaseRow>, Error> {
    let same_mac = containers::site_id
        .eq(dhcp_leases::site_id)
        .and(containers::mac.eq(dhcp_leases::mac));
    let now = dialect::now(&c.0);
    let rows: Vec<Row> = dhcp_leases::table
        .left_join(containers::table.on(same_mac))
        .filter(dhcp_leases::site_id.eq(site.0))
        .filter(
            dhcp_leases::expires_at
                .is_null()
                .or(dhcp_leases::expires_at.gt(now.nullable())),
        )
        .order((dhcp_leases::mac, dhcp_leases::address))
        .select((
            dhcp_leases::address,
            dhcp_leases::mac,
            dhcp_leases::name,
            dhcp_leases::expires_at,
            (containers::id, containers::name, containers::address).nullable(),
        ))
        .load(&mut c.0)?;
    rows.into_iter().map(Row::into_row).collect()
}

/// Returns the IP addresses that are leased to a MAC address on a site now. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_addresses_by_mac(
    c: &mut Conn,
    site: SiteId,
    mac: MacAddress,
) -> Result<Vec<std::net::Ipv4Addr>, Error> {
    let now = dialect::now(&c.0);
    let rows: Vec<String> = dhcp_leases::table
        .filter(dhcp_leases::site_id.eq(site.0))
        .filter(dhcp_leases::mac.eq(mac.to_string()))
        .filter(
            dhcp_leases::expires_at
                .is_null()
                .or(dhcp_leases::expires_at.gt(now.nullable())),
        )
        .order(dhcp_leases::address)
        .select(dhcp_leases::address)
        .load(&mut c.0)?;
    let row_ref = RowRef::new("dhcp_leases", &site);
    let addresses = rows.iter().map(|address| row_ref.parse("address", address));
    addresses.collect()
}
