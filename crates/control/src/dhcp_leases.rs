//! DHCP leases in a site's network: reports from its edge hosts, and containers whose lease differs
//! from their reserved address.

use std::{collections::BTreeSet, net::Ipv4Addr};

use model::{
    ContainerId, Error, SiteId, UserId,
    dhcp_leases::{Lease, LeaseRow, MAX_LEASES},
    events::{Event, Topic},
    permissions::{Permit, SiteRead},
};

use store::Conn;

use crate::{Actor, Control, failure::StoreResultExt as _, hosts::Agent};

/// Lists the current leases of a site by MAC address: of containers and of unknown devices
/// ([`LeaseRow::is_unknown`]).
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list(control: &Control, actor: &Actor, site: SiteId) -> Result<Vec<LeaseRow>, Error> {
    let _: Permit<SiteRead> = actor.permit()?;
    let rows = control
        .store()
        .read(move |c| store::dhcp_leases::list_by_site(c, site))
        .await;
    rows.into_model("list DHCP leases")
}

/// Replaces the leases of a site with those that an agent reports. Ignores reports of a host that
/// is not the DHCP server, because its leases are outdated.
///
/// # Errors
/// [`Error::Invalid`] for more leases than an agent may report, [`Error::WrongCredentials`] when
/// the host was deleted.
pub async fn report(control: &Control, agent: &Agent, leases: Vec<Lease>) -> Result<(), Error> {
    if leases.len() > MAX_LEASES {
        let message = format!("Report at most {MAX_LEASES} leases at once.");
        return Err(Error::invalid_field("leases", message));
    }
    let (id, site) = (agent.id, agent.site);
    let result = control
        .store()
        .write(move |c| match store::hosts::get(c, id)? {
            Some(record) if record.row.dhcp.is_serving() => {
                replace_leases(c, site, &leases).map(Some)
            }
            Some(_) => Ok(Some(None)),
            None => Ok(None),
        })
        .await
        .into_model("store DHCP leases")?;
    let Some(affected) = result.ok_or(Error::WrongCredentials)? else {
        return Ok(());
    };
    let notifier = control.notifier();
    notifier.publish_to_operators(Event::of(Topic::Site, site.0));
    for (container, owner) in affected {
        control.notifier().publish_container(container, owner);
    }
    Ok(())
}

/// The containers whose displayed address changes, with their owners; `None` when the leases are
/// unchanged.
type Affected = Option<Vec<(ContainerId, UserId)>>;

fn replace_leases(c: &mut Conn, site: SiteId, leases: &[Lease]) -> Result<Affected, store::Error> {
    let before = wrong_addresses(c, site)?;
    if !store::dhcp_leases::replace(c, site, leases)? {
        return Ok(None);
    }
    let after = wrong_addresses(c, site)?;
    let differ: BTreeSet<ContainerId> = before
        .symmetric_difference(&after)
        .map(|(container, _)| *container)
        .collect();
    let owner = |id: ContainerId| {
        let record = store::containers::get(c, id)?;
        Ok(record.map(|record| (id, record.owner)))
    };
    let owners: Result<Vec<Option<_>>, store::Error> = differ.into_iter().map(owner).collect();
    Ok(Some(owners?.into_iter().flatten().collect()))
}

/// The containers that leased another address than their reserved one.
fn wrong_addresses(
    c: &mut Conn,
    site: SiteId,
) -> Result<BTreeSet<(ContainerId, Ipv4Addr)>, store::Error> {
    let rows = store::dhcp_leases::list_by_site(c, site)?.into_iter();
    let wrong_addresses = rows.filter(|row| row.mismatch_message().is_some());
    Ok(wrong_addresses
        .filter_map(|row| Some((row.container?.id, row.address)))
        .collect())
}
