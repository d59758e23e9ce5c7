//! Interface filters: Proxmox's firewall on the interfaces of containers. It keeps a container to
//! its own addresses and, if the site says so, closes its ports for all but the edge hosts.
//!
//! What changes the filters only marks the containers in the same transaction; [`queue_due`] then
//! queues a job for each, as soon as no other job is working on it.

pub(crate) mod firewall;

use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use model::{
    ContainerId, Error, JobId, Kind, SiteId, UserId,
    containers::ContainerSource,
    events::{Event, Topic},
    filters::{FirewallStatus, PortAccess, SiteIsolation},
    jobs::JobKind,
    net::Cidr,
    permissions::{ContainerManage, InterfaceFilterRemove, Permit, SiteManage},
};
use store::{Conn, Unique};

use crate::{Actor, Control, clusters, failure::StoreResultExt as _, jobs};

/// How long to wait for the cluster's firewall options.
const STATUS_TIMEOUT: Duration = Duration::from_secs(5);

/// The most jobs that one pass queues.
const MAX_JOBS: i64 = 20;

/// Returns whether the containers of a site are isolated from each other. Queries the cluster.
///
/// # Errors
/// [`Error::Forbidden`] unless the actor is an administrator, [`Error::NotFound`] when the site
/// does not exist.
pub async fn get_isolation(
    control: &Control,
    actor: &Actor,
    site: SiteId,
) -> Result<SiteIsolation, Error> {
    let _: Permit<SiteManage> = actor.permit()?;
    let (record, counts) = control
        .store()
        .read(move |c| {
            let Some(record) = store::sites::get(c, site)? else {
                return Ok(None);
            };
            Ok(Some((record, store::containers::count_filters(c, site)?)))
        })
        .await
        .into_model("get site isolation")?
        .ok_or(Error::not_found(Kind::Site))?;
    let firewall = match control.get_client(record.spec.cluster).await {
        Ok(Some(client)) => {
            let status = clusters::firewall::get_status(&client);
            let status = tokio::time::timeout(STATUS_TIMEOUT, status).await;
            status.unwrap_or(FirewallStatus::Unreachable)
        }
        _ => FirewallStatus::Unreachable,
    };
    Ok(SiteIsolation {
        site,
        port_access: record.spec.port_access,
        counts,
        firewall,
    })
}

/// Sets the interface filters of all containers of a site, except imported ones without managed
/// filters. Jobs do this in the background.
///
/// # Errors
/// [`Error::Forbidden`] unless the actor is an administrator, [`Error::NotFound`] when the site
/// does not exist.
pub async fn set_for_site(control: &Control, actor: &Actor, site: SiteId) -> Result<(), Error> {
    let permit: Permit<SiteManage> = actor.permit()?;
    control
        .store()
        .write(move |c| {
            if store::sites::lock(c, site)?.is_none() {
                return Ok(Err(Error::not_found(Kind::Site)));
            }
            store::containers::require_filters(c, permit, site)?;
            Ok(Ok(()))
        })
        .await
        .into_model("require interface filters")??;
    publish_site(control, site);
    Ok(())
}

/// Turns the interface filters of an imported container on or off. A job does this in the
/// background.
///
/// # Errors
/// [`Error::NotFound`] unless the actor may manage the container; [`Error::Forbidden`] when its
/// owner turns filters off, which protect other users' containers; [`Error::Conflict`] for a
/// container that was not imported; [`Error::TooManyRequests`] after too many jobs.
pub async fn set_for_container(
    control: &Control,
    actor: &Actor,
    id: ContainerId,
    on: bool,
) -> Result<(), Error> {
    let (record, permit) = crate::containers::authorize(control, actor, id).await?;
    if record.spec.source != ContainerSource::Imported {
        let message = "Containers that Holdfast created always have interface filters.";
        return Err(Error::conflict(message));
    }
    let removal: Option<Permit<InterfaceFilterRemove>> = match on {
        true => None,
        false => Some(actor.permit()?),
    };
    let requester = actor.clone();
    control
        .store()
        .write(move |c| {
            let allowance = match jobs::JobAllowance::obtain(c, &requester)? {
                Ok(allowance) => allowance,
                Err(refusal) => return Ok(Err(refusal)),
            };
            match removal {
                Some(removal) => store::containers::turn_filters_off(c, removal, id)?,
                None => store::containers::turn_filters_on(c, permit, id)?,
            }
            allowance.record(c)?;
            Ok(Ok(()))
        })
        .await
        .into_model("set interface filters")??;
    control.notifier().publish_container(id, record.owner);
    control
        .notifier()
        .publish(Event::of(Topic::Site, record.site.0));
    control.0.workers.notify();
    Ok(())
}

/// Requires the filters of a site's containers again after an edge host has joined, left or moved
/// to another address, if they depend on edge hosts.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn follow_edge_hosts(c: &mut Conn, site: SiteId) -> Result<(), store::Error> {
    let spec = store::sites::get(c, site)?.map(|site| site.spec);
    if spec.is_some_and(|spec| spec.port_access == PortAccess::Edge) {
        store::containers::refresh_filters(c, site)?;
    }
    Ok(())
}

/// Publishes that the filters of a site's containers may change, and wakes a worker.
pub(crate) fn publish_site(control: &Control, site: SiteId) {
    control.notifier().publish(Event::of(Topic::Site, site.0));
    control.0.workers.notify();
}

/// The addresses of a site's edge hosts within its network.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn list_edge_hosts(
    c: &mut Conn,
    site: SiteId,
    network: &Cidr,
) -> Result<BTreeSet<Ipv4Addr>, store::Error> {
    let hosts = store::hosts::list_by_site(c, site)?.into_iter();
    let addresses = hosts.filter_map(|host| Some(host.row.facts?.address));
    Ok(addresses
        .filter(|address| network.contains(*address))
        .collect())
}

/// Queues a job for containers whose filters have to be set or removed, and which have no other
/// job. Each requirement queues one job: a job that fails is not repeated.
///
/// # Errors
/// When the database is unavailable.
pub(crate) async fn queue_due(control: &Control) -> Result<(), Error> {
    let list = |c: &mut Conn| store::containers::list_due_filters(c, MAX_JOBS);
    let due = control.store().read(list).await;
    for id in due.into_model("list due interface filters")? {
        match control.store().write(move |c| queue(c, id)).await {
            Ok(Some((job, owner))) => {
                jobs::publish_job(control, job, owner);
                control.notifier().publish_container(id, owner);
            }
            // Another process or another job came first. The end of the job wakes this worker.
            Ok(None) | Err(store::Error::Duplicate(Unique::ActiveJob)) => {}
            // Other containers and other jobs are not affected.
            Err(error) => {
                tracing::warn!(container = %id, %error, "interface filter job failed to queue")
            }
        }
    }
    Ok(())
}

fn queue(c: &mut Conn, id: ContainerId) -> Result<Option<(JobId, UserId)>, store::Error> {
    if !store::containers::claim_due_filters(c, id)? {
        return Ok(None);
    }
    let Some(record) = store::containers::get(c, id)? else {
        return Ok(None);
    };
    let owner = record.owner;
    let site = store::sites::get(c, record.site)?;
    let permit: Result<Permit<ContainerManage>, _> =
        Actor::System.permit_owned(owner, Kind::Container);
    let (Some(site), Ok(permit)) = (site, permit) else {
        return Ok(None);
    };
    let job = jobs::NewJob {
        kind: JobKind::Filters,
        container: id,
        name: &record.name,
        site: &site,
        owner,
        source: &record.spec.source,
        allowance: jobs::JobAllowance::UNLIMITED,
    };
    let job = jobs::queue(c, permit, &Actor::System, &job, jobs::Args::default())?;
    Ok(Some((job, owner)))
}
