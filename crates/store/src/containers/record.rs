//! A container with all related rows. Many containers are read with a fixed number of statements.

use std::{collections::HashMap, net::Ipv4Addr};

use diesel::prelude::*;
use model::{
    ClusterId, ContainerId, JobId, SiteId, Timestamp, UserId,
    containers::{ContainerSpec, ImageValues, RunningJob},
    filters::ContainerFilters,
    jobs::{JobKind, JobState},
    names::{Domain, Label, NodeName, Username},
    net::MacAddress,
    services::ServiceView,
};

use super::{env, services};
use crate::{
    Conn, Error, SecretKey,
    rows::RowRef,
    schema::{clusters, containers, jobs, sites, users},
};

/// A container with its site, owner, services and active job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRecord {
    /// The container.
    pub id: ContainerId,
    /// The site.
    pub site: SiteId,
    /// The site's name.
    pub site_name: Label,
    /// The site's internal domain.
    pub domain: Domain,
    /// The cluster.
    pub cluster: ClusterId,
    /// The cluster's name.
    pub cluster_name: String,
    /// The owner.
    pub owner: UserId,
    /// The owner's name.
    pub owner_name: Username,
    /// The name.
    pub name: Label,
    /// The desired state; its services are those of `services`, including allocated values.
    pub spec: ContainerSpec,
    /// The default values of the image or template, once known.
    pub image_defaults: Option<ImageValues>,
    /// The services, in order.
    pub services: Vec<ServiceView>,
    /// The node that the container is on, as far as Holdfast knows.
    pub node: NodeName,
    /// The VMID.
    pub vmid: u32,
    /// The MAC address.
    pub mac: MacAddress,
    /// The IP address.
    pub address: Ipv4Addr,
    /// When the container was created in Proxmox; `None` before that.
    pub provisioned: Option<Timestamp>,
    /// Whether the container should run.
    pub desired_running: bool,
    /// Whether a change takes effect only after a restart.
    pub restart_needed: bool,
    /// The interface filters.
    pub filters: ContainerFilters,
    /// Incremented with every change of the desired state.
    pub version: i64,
    /// When the container was requested.
    pub created: Timestamp,
    /// The queued or running job; a container has at most one.
    pub active_job: Option<RunningJob>,
    /// For a container that is not created in Proxmox: the newest failed or canceled creation job
    /// and its error.
    pub creation_failure: Option<(JobId, String)>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = containers)]
pub(super) struct Row {
    id: i64,
    site_id: i64,
    cluster_id: i64,
    owner_id: i64,
    name: String,
    source: String,
    cores: i32,
    memory_mib: i32,
    disk_gib: i32,
    env: String,
    entrypoint: Option<String>,
    description: Option<String>,
    image_values: Option<String>,
    node: String,
    vmid: i64,
    mac: String,
    address: String,
    provisioned_at: Option<i64>,
    desired_running: bool,
    restart_needed: bool,
    version: i64,
    created_at: i64,
    docker: bool,
    interface_filters: bool,
    filter_state: String,
}

/// The names of related rows.
#[derive(Queryable)]
pub(super) struct RelatedNames {
    site: String,
    domain: String,
    cluster: String,
    owner: String,
}

/// A row with the names of related rows and the active job.
pub(super) type JoinedRow = (Row, RelatedNames, Option<i64>, Option<String>);

/// The join of all tables that a container is read from. The job is the active one.
#[diesel::dsl::auto_type]
pub(super) fn joined() -> _ {
    containers::table
        .inner_join(sites::table)
        .inner_join(clusters::table)
        .inner_join(users::table)
        .left_join(jobs::table)
}

/// The columns of [`JoinedRow`].
macro_rules! columns {
    () => {
        (
            $crate::containers::record::Row::as_select(),
            (
                $crate::schema::sites::name,
                $crate::schema::sites::domain,
                $crate::schema::clusters::name,
                $crate::schema::users::name,
            ),
            $crate::schema::jobs::id.nullable(),
            $crate::schema::jobs::kind.nullable(),
        )
    };
}
pub(super) use columns;

/// Returns the container with this id.
///
/// # Errors
/// When the database is unavailable.
pub fn get(c: &mut Conn, id: ContainerId) -> Result<Option<ContainerRecord>, Error> {
    let row: Option<JoinedRow> = joined()
        .filter(containers::id.eq(id.0))
        .select(columns!())
        .first(&mut c.0)
        .optional()?;
    Ok(into_records(c, row.into_iter().collect())?.pop())
}

/// Returns the container with this name on a site.
///
/// # Errors
/// When the database is unavailable.
pub fn get_by_name(
    c: &mut Conn,
    site: &Label,
    name: &Label,
) -> Result<Option<ContainerRecord>, Error> {
    let row: Option<JoinedRow> = joined()
        .filter(sites::name.eq(site.as_str()))
        .filter(containers::name.eq(name.as_str()))
        .select(columns!())
        .first(&mut c.0)
        .optional()?;
    Ok(into_records(c, row.into_iter().collect())?.pop())
}

/// Adds services and failures to rows, with two statements for all of them.
pub(super) fn into_records(
    c: &mut Conn,
    rows: Vec<JoinedRow>,
) -> Result<Vec<ContainerRecord>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = rows.iter().map(|(row, ..)| row.id).collect();
    let mut services = services::list_by_containers(c, &ids)?;
    let mut failures = load_failures(c, &ids)?;
    let records = rows.into_iter().map(|row| {
        let id = row.0.id;
        let services = services.remove(&id).unwrap_or_default();
        let mut record = into_record(&c.1, row, services)?;
        record.creation_failure = failures
            .remove(&id)
            .filter(|_| record.provisioned.is_none());
        Ok(record)
    });
    records.collect()
}

fn load_failures(c: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, (JobId, String)>, Error> {
    type FailedJob = (i64, Option<i64>, String, Option<String>);
    let failed_jobs: Vec<FailedJob> = jobs::table
        .inner_join(containers::table.on(jobs::container_id.eq(containers::id.nullable())))
        .filter(containers::id.eq_any(ids))
        .filter(containers::provisioned_at.is_null())
        .filter(jobs::kind.eq(JobKind::Create.as_str()))
        .filter(jobs::state.eq_any([JobState::Failed.as_str(), JobState::Canceled.as_str()]))
        .order(jobs::id)
        .select((jobs::id, jobs::container_id, jobs::state, jobs::error))
        .load(&mut c.0)?;
    // The jobs are ordered by id, so in the map the newest replaces older ones.
    let newest = failed_jobs
        .into_iter()
        .filter_map(|(job, container, state, error)| {
            let canceled = state == JobState::Canceled.as_str();
            let reason =
                error.or_else(|| canceled.then(|| "The creation was canceled.".to_owned()))?;
            Some((container?, (JobId(job), reason)))
        });
    Ok(newest.collect())
}

fn into_record(
    key: &SecretKey,
    row: JoinedRow,
    services: Vec<ServiceView>,
) -> Result<ContainerRecord, Error> {
    let (row, names, job, job_kind) = row;
    let row_ref = RowRef::new("containers", &row.id);
    let spec = ContainerSpec {
        source: row_ref.parse("source", &row.source)?,
        cores: row_ref.checked_number::<_, u32, _>("cores", row.cores)?,
        memory: row_ref.checked_number::<_, u32, _>("memory_mib", row.memory_mib)?,
        disk: row_ref.checked_number::<_, u32, _>("disk_gib", row.disk_gib)?,
        docker: row.docker,
        env: env::open(key, row_ref, env::ENV, &row.mac, &row.env)?,
        entrypoint: row_ref.parse_optional("entrypoint", row.entrypoint.as_deref())?,
        description: row_ref.parse_optional("description", row.description.as_deref())?,
        services: services.iter().map(ServiceView::spec).collect(),
    };
    Ok(ContainerRecord {
        id: ContainerId(row.id),
        site: SiteId(row.site_id),
        site_name: RowRef::new("sites", &row.site_id).parse("name", &names.site)?,
        domain: RowRef::new("sites", &row.site_id).parse("domain", &names.domain)?,
        cluster: ClusterId(row.cluster_id),
        cluster_name: names.cluster,
        owner: UserId(row.owner_id),
        owner_name: RowRef::new("users", &row.owner_id).parse("name", &names.owner)?,
        name: row_ref.parse("name", &row.name)?,
        spec,
        image_defaults: row
            .image_values
            .map(|stored| env::open(key, row_ref, env::IMAGE_VALUES, &row.mac, &stored))
            .transpose()?,
        services,
        node: row_ref.parse("node", &row.node)?,
        vmid: row_ref.convert_number("vmid", row.vmid)?,
        mac: row_ref.parse("mac", &row.mac)?,
        address: row_ref.parse("address", &row.address)?,
        provisioned: row.provisioned_at.map(Timestamp),
        desired_running: row.desired_running,
        restart_needed: row.restart_needed,
        filters: ContainerFilters {
            managed: row.interface_filters,
            state: row_ref.parse("filter_state", &row.filter_state)?,
        },
        version: row.version,
        created: Timestamp(row.created_at),
        active_job: to_activity(job, job_kind)?,
        creation_failure: None,
    })
}

fn to_activity(job: Option<i64>, kind: Option<String>) -> Result<Option<RunningJob>, Error> {
    let Some((job, kind)) = job.zip(kind) else {
        return Ok(None);
    };
    let kind = RowRef::new("jobs", &job).parse("kind", &kind)?;
    Ok(Some(RunningJob {
        job: JobId(job),
        kind,
    }))
}
