//! The demo: sample data on a simulated cluster, before a real one is added.
//!
//! Everything is created by the same use cases and on behalf of the users who own it, so that jobs
//! have a real history. Each step runs once per database: a start resumes where the previous one
//! was killed, and does not restore objects that were deleted in the meantime.

mod certificates;
mod organization;
mod progress;
mod small;
mod users;

use std::time::Duration;

use model::{
    ClusterId, DomainId, Error, SiteId,
    clusters::ImportRequest,
    containers::{ContainerForm, ContainerView, EditContainer, Power},
    domains::{DomainForm, DomainSpec},
    events::Topic,
    jobs::{JobKind, JobQuery, JobState},
    names::Label,
    services::ServiceForm,
    sites::SiteForm,
    users::UserForm,
};

use self::{certificates::CertificateData, progress::Progress};
use super::{Access, parse};
use crate::{Actor, Control, clusters, containers, domains, jobs, sites};

pub use certificates::{CertificateRequest, Issuer, renew_certificates};
pub use users::{DemoAccount, list_accounts};

/// The name of the demo's cluster.
pub const CLUSTER_NAME: &str = "demo";

/// The size of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One site with three containers of the administrator.
    Small,
    /// A small organization: two sites, four people, twelve containers, certificates, and jobs with
    /// a history.
    Full,
}

/// The content of a scenario. Steps are named after the objects they create.
struct DemoContent {
    users: Vec<UserForm>,
    sites: Vec<SiteForm>,
    /// Site and its domain under `localhost`, used if this process serves such names.
    loopback: Vec<(&'static str, &'static str)>,
    /// Site and domain.
    domains: Vec<(&'static str, DomainForm)>,
    containers: Vec<ContainerData>,
    certificates: Vec<CertificateData>,
    /// Name on the cluster, site and owner of a container to import.
    imported: Option<(&'static str, &'static str, &'static str)>,
    /// Changes to containers, by site and name.
    changes: Vec<(&'static str, &'static str, Change)>,
}

/// A container to create.
struct ContainerData {
    site: &'static str,
    /// `None` for the first administrator.
    owner: Option<&'static str>,
    form: ContainerForm,
    /// Whether the creation fails, to show a failed job.
    fails: bool,
}

/// A change to a container after its creation.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Sets the memory and restarts the container if required.
    Memory(&'static str),
    Power(Power),
    Delete,
}

impl Change {
    /// The stored name of the step.
    fn step(self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Power(Power::Start) => "start",
            Self::Power(Power::Stop) => "stop",
            Self::Power(Power::Restart) => "restart",
            Self::Delete => "delete",
        }
    }
}

impl Scenario {
    fn content(self) -> DemoContent {
        match self {
            Self::Small => small::content(),
            Self::Full => organization::content(),
        }
    }
}

/// Whether all steps of the demo are done. A database that had sites before has no steps.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn is_complete(control: &Control) -> Result<bool, Error> {
    Ok(Progress::load(control).await?.is_complete())
}

/// Creates or updates the demo's cluster. Called at each start.
///
/// # Errors
/// Returns an error when the database is unavailable or the access is malformed.
pub async fn connect_cluster(control: &Control, access: Access) -> Result<ClusterId, Error> {
    super::upsert_cluster(control, CLUSTER_NAME, access).await
}

/// Runs all remaining steps and returns when all jobs of the demo have ended.
///
/// # Errors
/// Returns an error when the database or the cluster is unavailable; call it again to resume. A
/// step that fails otherwise is skipped.
pub async fn build(
    control: &Control,
    scenario: Scenario,
    cluster: ClusterId,
    issuer: &dyn Issuer,
) -> Result<(), Error> {
    let mut progress = Progress::load(control).await?;
    if progress.is_complete() {
        return Ok(());
    }
    let content = scenario.content();
    users::create(&mut progress, &content.users).await?;
    create_sites(control, &mut progress, &content, cluster).await?;
    create_containers(control, &mut progress, &content, issuer).await?;
    change_containers(control, &mut progress, &content).await?;
    progress.complete().await
}

/// Creates the sites and their domains.
async fn create_sites(
    control: &Control,
    progress: &mut Progress,
    content: &DemoContent,
    cluster: ClusterId,
) -> Result<(), Error> {
    for form in &content.sites {
        let form = SiteForm {
            cluster: cluster.to_string(),
            ..form.clone()
        };
        let step = format!("site {}", form.name);
        progress.run(&step, create_site(control, form)).await?;
    }
    if control.loopback().is_some() {
        for (site, name) in &content.loopback {
            let step = format!("domain {name}");
            progress
                .run(&step, publish_under(control, site, name))
                .await?;
        }
    }
    for (site, form) in &content.domains {
        let step = format!("domain {}", form.name);
        let create = create_domain(control, site, form.clone());
        progress.run(&step, create).await?;
    }
    Ok(())
}

/// Creates the containers, uploads the certificates, and imports an existing container.
async fn create_containers(
    control: &Control,
    progress: &mut Progress,
    content: &DemoContent,
    issuer: &dyn Issuer,
) -> Result<(), Error> {
    for container in &content.containers {
        let step = format!("container {} {}", container.site, container.form.name);
        progress
            .run(&step, create_container(control, container))
            .await?;
    }
    for certificate in &content.certificates {
        let step = format!("certificate {}", certificate.subject());
        let upload = certificates::upload(control, issuer, certificate);
        progress.run(&step, upload).await?;
    }
    if let Some((name, site, owner)) = content.imported {
        let step = format!("import {name}");
        let import = import(control, name, site, owner);
        progress.run(&step, import).await?;
    }
    Ok(())
}

/// Waits for the containers, changes them, and waits for the last job.
async fn change_containers(
    control: &Control,
    progress: &mut Progress,
    content: &DemoContent,
) -> Result<(), Error> {
    for container in content
        .containers
        .iter()
        .filter(|container| !container.fails)
    {
        let step = format!("creation {} {}", container.site, container.form.name);
        progress
            .run(&step, finish_creation(control, container))
            .await?;
    }
    for (site, name, change) in &content.changes {
        let step = format!("change {site} {name} {}", change.step());
        progress
            .run(&step, apply(control, site, name, *change))
            .await?;
    }
    for container in &content.containers {
        let name = parse(&container.form.name)?;
        wait_until_idle(control, &parse(container.site)?, &name).await?;
    }
    Ok(())
}

async fn create_site(control: &Control, form: SiteForm) -> Result<(), Error> {
    let spec = form.parse().map_err(|fields| Error::Invalid { fields })?;
    sites::create(control, &Actor::System, spec).await.map(drop)
}

/// Makes `name` the default domain of a new site. The original domain becomes the second one.
async fn publish_under(control: &Control, site: &str, name: &str) -> Result<(), Error> {
    let actor = Actor::System;
    let site = site_id(control, site).await?;
    let mut all = domains::list(control, &actor).await?.into_iter();
    let Some(first) = all.find(|domain| domain.spec.site == site) else {
        return Ok(());
    };
    let usual = DomainSpec {
        name: parse(name)?,
        ..first.spec.clone()
    };
    domains::update(control, &actor, first.id, usual).await?;
    domains::create(control, &actor, first.spec).await.map(drop)
}

async fn create_domain(control: &Control, site: &str, form: DomainForm) -> Result<(), Error> {
    let site = site_id(control, site).await?;
    let form = DomainForm {
        site: site.to_string(),
        ..form
    };
    let spec = form.parse().map_err(|fields| Error::Invalid { fields })?;
    domains::create(control, &Actor::System, spec)
        .await
        .map(drop)
}

async fn create_container(control: &Control, data: &ContainerData) -> Result<(), Error> {
    let actor = users::get_actor(control, data.owner).await?;
    let form = ContainerForm {
        site: site_id(control, data.site).await?.to_string(),
        ..data.form.clone()
    };
    let new = form.parse().map_err(|fields| Error::Invalid { fields })?;
    containers::create(control, &actor, new).await.map(drop)
}

/// Retries a failed creation. The simulated cluster stops with its process, and its running tasks
/// fail.
async fn finish_creation(control: &Control, data: &ContainerData) -> Result<(), Error> {
    let name = parse(&data.form.name)?;
    let Some(view) = wait_until_idle(control, &parse(data.site)?, &name).await? else {
        return Ok(());
    };
    let failed = JobQuery {
        state: Some(JobState::Failed),
        container: Some(view.row.id),
        ..JobQuery::default()
    };
    let failed = jobs::list(control, &Actor::System, &failed).await?.rows;
    match failed.iter().find(|job| job.kind == JobKind::Create) {
        Some(job) => jobs::retry(control, &Actor::System, job.id, "").await,
        None => Ok(()),
    }
}

/// Imports a container of the cluster by its name.
async fn import(control: &Control, name: &str, site: &str, owner: &str) -> Result<(), Error> {
    let actor = Actor::System;
    let detail = clusters::get(control, &actor, CLUSTER_NAME).await?;
    let guest = detail
        .unmanaged
        .iter()
        .find(|guest| guest.name.as_deref() == Some(name));
    let Some(guest) = guest else {
        return Err(Error::conflict("The cluster has no such container."));
    };
    let import = ImportRequest {
        site: site_id(control, site).await?.to_string(),
        owner: owner.to_owned(),
        vmids: vec![guest.vmid],
    };
    let imported = clusters::import(control, &actor, detail.view.id, import).await?;
    let outcomes = imported.into_iter().map(|imported| imported.outcome);
    outcomes
        .collect::<Result<Vec<_>, _>>()
        .map(drop)
        .map_err(Error::conflict)
}

/// Changes a container as its owner, after its active job has ended.
async fn apply(control: &Control, site: &str, name: &str, change: Change) -> Result<(), Error> {
    let Some(view) = wait_until_idle(control, &parse(site)?, &parse(name)?).await? else {
        return Ok(());
    };
    let actor = users::get_actor(control, Some(view.row.owner.as_str())).await?;
    let id = view.row.id;
    match change {
        Change::Memory(memory) => {
            let edit = EditContainer {
                version: view.version,
                spec: model::containers::ContainerSpec {
                    memory: parse(memory)?,
                    ..view.spec
                },
                restart: true,
            };
            containers::edit(control, &actor, id, edit).await.map(drop)
        }
        Change::Power(power) => containers::power(control, &actor, id, power)
            .await
            .map(drop),
        Change::Delete => containers::delete(control, &actor, id, name)
            .await
            .map(drop),
    }
}

/// Waits until a container has no active job. Returns `None` when the container no longer exists.
async fn wait_until_idle(
    control: &Control,
    site: &Label,
    name: &Label,
) -> Result<Option<ContainerView>, Error> {
    /// Changes by jobs on another server are not published here.
    const POLL_INTERVAL: Duration = Duration::from_secs(1);
    let mut changes = control.notifier().changes();
    loop {
        let view = match containers::get(control, &Actor::System, site, name).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        if view.row.activity.is_none() {
            return Ok(Some(view));
        }
        let topics = [Topic::Container, Topic::Job];
        // The container is checked again after a change and after the timeout.
        let _ = tokio::time::timeout(POLL_INTERVAL, changes.wait_for(&topics)).await;
    }
}

async fn site_id(control: &Control, name: &str) -> Result<SiteId, Error> {
    Ok(sites::get(control, &Actor::System, &parse(name)?).await?.id)
}

async fn domain_id(control: &Control, name: &str) -> Result<DomainId, Error> {
    let all = domains::list(control, &Actor::System).await?;
    let domain = all.into_iter().find(|it| it.spec.name.as_str() == name);
    domain.map(|domain| domain.id).ok_or(Error::NotFound {
        kind: model::Kind::Domain,
    })
}

fn web(port: &str) -> ServiceForm {
    ServiceForm {
        kind: "http".into(),
        port: port.into(),
        ..ServiceForm::default()
    }
}

fn tcp(port: &str) -> ServiceForm {
    ServiceForm {
        kind: "tcp".into(),
        port: port.into(),
        ..ServiceForm::default()
    }
}
