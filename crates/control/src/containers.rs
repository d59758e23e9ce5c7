//! Containers: list, show, create, edit, start, stop and delete.

mod change;
mod create;
mod detail;
mod publication;
mod reserve;
mod reserved_names;
mod services;
pub(crate) mod templates;

use model::{
    ClusterId, ContainerId, Error, Kind,
    containers::{
        ContainerQuery, ContainerRow, ContainerView, CreateOptions, CreationFailure, DockerSupport,
        Drift, SiteOption, Status,
    },
    domains::{DomainOption, DomainRow},
    names::{Domain, Label, NodeName},
    page::Page,
    permissions::{ContainerCreate, ContainerList, ContainerManage, ContainerRead, Permit},
    services::{ServiceEndpoint, ServiceKind, ServiceView},
    users::{Limits, Usage},
};
use store::containers::{ContainerFilter, ContainerRecord};

pub use change::{delete, edit, power};
pub use create::create;
pub(crate) use create::reserve_other_vmid;
pub use detail::get_detail;

use crate::{
    Actor, Control, domains::may_publish, failure::StoreResultExt as _, status::status, suggest,
};

/// Returns a page of the containers that the actor may see.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn list(
    control: &Control,
    actor: &Actor,
    query: &ContainerQuery,
) -> Result<Page<ContainerRow>, Error> {
    let _: Permit<ContainerList> = actor.permit()?;
    let filter = ContainerFilter {
        owner: actor.owner_filter::<ContainerRead>(),
        site: query.site.clone(),
        query: query.q.trim().to_owned(),
        sort: query.sort,
        page: query.page.max(1),
    };
    let page = match query.status {
        None => {
            control
                .store()
                .read(move |c| store::containers::list(c, &filter))
                .await
        }
        Some(status) => return list_with_status(control, filter, status).await,
    };
    Ok(page
        .into_model("list containers")?
        .map(|record| row(control, &record)))
}

/// Filters by status in memory because the status is computed, not stored; then reads one page of
/// rows.
async fn list_with_status(
    control: &Control,
    filter: ContainerFilter,
    expected: Status,
) -> Result<Page<ContainerRow>, Error> {
    let page = filter.page;
    let summaries = control
        .store()
        .read(move |c| store::containers::list_summaries(c, &filter))
        .await
        .into_model("list container summaries")?;
    let ids: Vec<ContainerId> = summaries
        .into_iter()
        .filter(|c| {
            status(
                c.is_created,
                c.active_job_kind,
                control.observer().observed_state(c.cluster, c.vmid),
            ) == expected
        })
        .map(|c| c.id)
        .collect();
    let Page { rows, total, page } = Page::of(ids, page);
    let records = control
        .store()
        .read(move |c| store::containers::list_by_ids(c, &rows))
        .await
        .into_model("list containers by status")?;
    let rows = records.iter().map(|record| row(control, record)).collect();
    Ok(Page { rows, total, page })
}

/// Returns a container by the names of its site and itself.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist or the actor may not see it.
pub async fn get(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
) -> Result<ContainerView, Error> {
    let (site, name) = (site.clone(), name.clone());
    let (record, domains, publications, waits, leases) = control
        .store()
        .read(move |c| {
            let Some(record) = store::containers::get_by_name(c, &site, &name)? else {
                return Ok(None);
            };
            let domains = store::domains::list_by_site(c, record.site)?;
            let publications = publication::load(c, &record)?;
            let waits = store::certificates::list_waits(c, record.id)?;
            let leases = store::dhcp_leases::list_addresses_by_mac(c, record.site, record.mac)?;
            Ok(Some((record, domains, publications, waits, leases)))
        })
        .await
        .into_model("get container")?
        .ok_or(Error::not_found(Kind::Container))?;
    let _: Permit<ContainerRead> = actor.permit_owned(record.owner, Kind::Container)?;
    let own = record.address;
    let has_own = leases.contains(&own);
    Ok(ContainerView {
        leased_address: leases.into_iter().find(|_| !has_own),
        publications,
        certificate_waits: waits
            .into_iter()
            .map(|wait| (wait.service, wait.until))
            .collect(),
        ..view(control, record, usable(actor, &domains))
    })
}

/// Returns the choices of the form for a new container.
///
/// # Errors
/// Returns an error when the database is unavailable. An unreachable cluster offers no templates.
pub async fn create_options(control: &Control, actor: &Actor) -> Result<CreateOptions, Error> {
    let _: Permit<ContainerCreate> = actor.permit()?;
    let me = actor.me().map(|me| me.id);
    let (sites, domains, hosts, limits, usage) = control
        .store()
        .read(move |c| {
            let (sites, mut domains) = (store::sites::list(c)?, store::domains::list(c)?);
            domains.sort_by_key(|domain| domain.id);
            let hosts = store::hosts::list(c)?;
            let Some(me) = me else {
                return Ok((sites, domains, hosts, Limits::default(), Usage::default()));
            };
            let user = store::users::get(c, me)?.ok_or(store::Error::NotFound)?;
            Ok((sites, domains, hosts, user.row.limits, user.row.usage))
        })
        .await
        .into_model("load container options")?;
    let mut offered = Vec::new();
    for site in sites {
        let node = control.observer().least_loaded_node(site.spec.cluster);
        let templates = match &node {
            Some(node) => control.0.templates.list(control, &site.spec, node).await,
            None => Vec::new(),
        };
        offered.push(SiteOption {
            docker: docker(control, site.spec.cluster).await,
            has_host: hosts
                .iter()
                .any(|host| host.row.site == site.id && host.row.facts.is_some()),
            id: site.id,
            name: site.spec.name,
            domain: site.spec.domain,
            domains: usable(actor, domains.iter().filter(|d| d.spec.site == site.id))
                .into_iter()
                .map(|name| DomainOption {
                    entry: control.entry_point(&name),
                    name,
                })
                .collect(),
            node,
            templates,
            ports: site.spec.ports,
            registries: site.spec.registries,
        });
    }
    let default = SiteOption::default_first(&offered).first().copied();
    let suggested_name = suggest_name(control, default).await?;
    Ok(CreateOptions {
        suggested_name,
        sites: offered,
        limits,
        usage,
    })
}

/// The domains that the actor may publish under.
fn usable<'a>(actor: &Actor, domains: impl IntoIterator<Item = &'a DomainRow>) -> Vec<Domain> {
    let may = domains
        .into_iter()
        .filter(|domain| may_publish(actor, &domain.spec.publishers));
    may.map(|domain| domain.spec.name.clone()).collect()
}

/// Whether containers on a cluster can run Docker.
async fn docker(control: &Control, cluster: ClusterId) -> DockerSupport {
    // Loads the cluster if another server has just added it.
    let is_known = control.get_client(cluster).await.is_ok_and(|c| c.is_some());
    let docker = is_known.then(|| control.0.clients.docker(cluster));
    docker
        .flatten()
        .unwrap_or_else(|| DockerSupport::Unsupported {
            reason: "The container's cluster no longer exists.".to_owned(),
        })
}

async fn suggest_name(control: &Control, site: Option<&SiteOption>) -> Result<Label, Error> {
    let site = site.map(|site| site.name.clone());
    let free = control
        .store()
        .read(move |c| {
            let Some(site) = site else {
                return Ok(suggest::name(|_| false));
            };
            let taken = store::containers::list_names(c, &site)?;
            Ok(suggest::name(|name| taken.contains(name)))
        })
        .await
        .into_model("suggest container name")?;
    free.ok_or_else(|| Error::conflict("No free name was found. Enter a name."))
}

pub(crate) fn row(control: &Control, record: &ContainerRecord) -> ContainerRow {
    let observed = control
        .observer()
        .observed_state(record.cluster, record.vmid);
    ContainerRow {
        id: record.id,
        name: record.name.clone(),
        site: record.site_name.clone(),
        domain: record.domain.clone(),
        status: status(
            record.provisioned.is_some(),
            record.active_job.map(|a| a.kind),
            observed,
        ),
        activity: record.active_job,
        owner: record.owner_name.clone(),
        address: record.address,
        link: record
            .services
            .iter()
            .find(|service| service.kind() == ServiceKind::Http)
            .map(|service| with_entry(control, service.clone()).public_address(&record.domain)),
        has_external_ports: record
            .services
            .iter()
            .any(|service| service.published.external().is_some()),
        created: record.created,
    }
}

/// Sets the entry point of the service's domain.
fn with_entry(control: &Control, mut service: ServiceView) -> ServiceView {
    if let ServiceEndpoint::Http { domain, .. } = &service.published {
        service.entry = control.entry_point(domain);
    }
    service
}

fn view(control: &Control, record: ContainerRecord, domains: Vec<Domain>) -> ContainerView {
    let can_retry = record.active_job.is_none();
    let creation_failure = record
        .creation_failure
        .clone()
        .map(|(job, message)| CreationFailure {
            job,
            message,
            can_retry,
        });
    let (observed_at, last_error) = control.observer().freshness(record.cluster);
    let drift = drift(control, &record);
    ContainerView {
        row: row(control, &record),
        version: record.version,
        spec: record.spec,
        services: record
            .services
            .into_iter()
            .map(|service| with_entry(control, service))
            .collect(),
        publications: Vec::new(),
        certificate_waits: Vec::new(),
        domains,
        cluster: record.cluster_name,
        drift,
        node: record.node,
        vmid: record.vmid,
        mac: record.mac,
        leased_address: None,
        filters: record.filters,
        desired_running: record.desired_running,
        restart_needed: record.restart_needed,
        observed: control.observer().usage(record.cluster, record.vmid),
        observed_at,
        last_error,
        creation_failure,
    }
}

/// Changes to a container that were made in Proxmox. Ignored while a job is working on the
/// container or before it has been created.
fn drift(control: &Control, record: &ContainerRecord) -> Vec<Drift> {
    if record.provisioned.is_none() || record.active_job.is_some() {
        return Vec::new();
    }
    let Some(guest) = control.observer().container(record.cluster, record.vmid) else {
        return Vec::new();
    };
    let moved = guest
        .node
        .parse()
        .ok()
        .filter(|node: &NodeName| *node != record.node)
        .map(|to| Drift::Moved { to });
    let renamed = guest
        .name
        .filter(|name| !name.eq_ignore_ascii_case(record.name.as_str()))
        .map(|to| Drift::Renamed { to });
    moved.into_iter().chain(renamed).collect()
}

/// Decides whether the actor may change a container. Returns the container with the permit.
pub(crate) async fn authorize(
    control: &Control,
    actor: &Actor,
    id: ContainerId,
) -> Result<(ContainerRecord, Permit<ContainerManage>), Error> {
    let record = control
        .store()
        .read(move |c| store::containers::get(c, id))
        .await
        .into_model("get container by id")?
        .ok_or(Error::not_found(Kind::Container))?;
    let permit = actor.permit_owned(record.owner, Kind::Container)?;
    Ok((record, permit))
}
