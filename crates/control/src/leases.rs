//! DHCP leases in a site's network: reports from its edge hosts, and containers whose lease differs
//! from their reserved address.

use std::{collections::BTreeSet, net::Ipv4Addr};

use model::{
    ContainerId, Error, SiteId, UserId,
    events::{Event, Topic},
    leases::{Lease, LeaseRow, MOST},
};

use store::Conn;

use crate::{Actor, Control, agents::Agent, failure::Told as _, hub::Audience};

/// Lists the current leases of a site by MAC address: of containers and of unknown devices
/// ([`LeaseRow::is_unknown`]).
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn of_site(
    control: &Control,
    actor: &Actor,
    site: SiteId,
) -> Result<Vec<LeaseRow>, Error> {
    actor.require_operator()?;
    let found = control
        .store()
        .read(move |c| store::leases::of_site(c, site))
        .await;
    found.told("leases")
}

/// Replaces the leases of a site with those that an agent reports. Ignores reports of an agent that
/// is not the DHCP server, because its leases are outdated.
///
/// # Errors
/// [`Error::Invalid`] for more leases than an agent may report, [`Error::WrongCredentials`] when
/// the agent was deleted.
pub async fn tell(control: &Control, agent: &Agent, leases: Vec<Lease>) -> Result<(), Error> {
    if leases.len() > MOST {
        let message = format!("At most {MOST} leases are told of at once.");
        return Err(Error::field("leases", message));
    }
    let (id, site) = (agent.id, agent.site);
    let noted = control
        .store()
        .write(move |c| match store::agents::get(c, id)? {
            Some(found) if found.row.dhcp.gives() => note(c, site, &leases).map(Some),
            Some(_) => Ok(Some(None)),
            None => Ok(None),
        })
        .await
        .told("leases")?;
    let Some(concerned) = noted.ok_or(Error::WrongCredentials)? else {
        return Ok(());
    };
    let hub = control.hub();
    hub.tell(Event::of(Topic::Site, site.0), Audience::Operators);
    for (container, owner) in concerned {
        crate::containers::tell(control, container, owner);
    }
    Ok(())
}

/// The containers whose displayed address changes, with their owners; `None` when the leases are
/// unchanged.
type Concerned = Option<Vec<(ContainerId, UserId)>>;

fn note(c: &mut Conn, site: SiteId, leases: &[Lease]) -> Result<Concerned, store::Error> {
    let before = wrong(c, site)?;
    if !store::leases::replace(c, site, leases)? {
        return Ok(None);
    }
    let after = wrong(c, site)?;
    let differ: BTreeSet<ContainerId> = before
        .symmetric_difference(&after)
        .map(|(container, _)| *container)
        .collect();
    let owner = |id: ContainerId| {
        let found = store::containers::get(c, id)?;
        Ok(found.map(|found| (id, found.owner)))
    };
    let owners: Result<Vec<Option<_>>, store::Error> = differ.into_iter().map(owner).collect();
    Ok(Some(owners?.into_iter().flatten().collect()))
}

/// The containers that leased another address than their reserved one.
fn wrong(c: &mut Conn, site: SiteId) -> Result<BTreeSet<(ContainerId, Ipv4Addr)>, store::Error> {
    let rows = store::leases::of_site(c, site)?.into_iter();
    let wrong = rows.filter(|row| row.wrong().is_some());
    Ok(wrong
        .filter_map(|row| Some((row.container?.id, row.address)))
        .collect())
}
