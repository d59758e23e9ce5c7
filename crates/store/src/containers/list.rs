//! Lists of containers, filtered and sorted by the database, with a fixed number of statements.

use std::collections::HashMap;

use diesel::{
    dsl::{IntoBoxed, count_star},
    prelude::*,
};
use model::{
    ClusterId, ContainerId, UserId,
    containers::{Sort, SortKey},
    jobs::JobKind,
    names::{Label, NodeName},
    page::{PAGE_ROWS, Page},
};

use super::record::{ContainerRecord, JoinedRow, columns, into_records, joined};
use crate::{
    Conn, Error,
    dialect::{self, MultiBackend, lower},
    rows::{self, RowRef},
    schema::{containers, jobs, sites, users},
};

/// The filter and order of a list of containers.
#[derive(Clone, Debug, Default)]
pub struct ContainerFilter {
    /// Only containers of this user.
    pub owner: Option<UserId>,
    /// Only containers of this site.
    pub site: Option<Label>,
    /// Only containers whose name, owner's name, image or template, or address contains this text,
    /// ignoring case.
    pub query: String,
    /// The order; equal values are ordered by id.
    pub sort: Sort,
    /// The page number, from 1.
    pub page: u32,
}

/// The values of a container that its status is computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSummary {
    /// The container.
    pub id: ContainerId,
    /// The cluster.
    pub cluster: ClusterId,
    /// The VMID.
    pub vmid: u32,
    /// Whether the container was created in Proxmox.
    pub is_created: bool,
    /// The node.
    pub node: NodeName,
    /// The kind of the queued or running job.
    pub active_job_kind: Option<JobKind>,
}

type Query<'a> = IntoBoxed<'a, joined, MultiBackend>;

fn filtered(filter: &ContainerFilter) -> Query<'_> {
    let mut query = joined().into_boxed::<MultiBackend>();
    if let Some(owner) = filter.owner {
        query = query.filter(containers::owner_id.eq(owner.0));
    }
    if let Some(site) = &filter.site {
        query = query.filter(sites::name.eq(site.as_str()));
    }
    if !filter.query.trim().is_empty() {
        let pattern = dialect::like_pattern(&filter.query);
        query = query.filter(
            lower(containers::name)
                .like(pattern.clone())
                .escape('!')
                .or(lower(users::name).like(pattern.clone()).escape('!'))
                .or(lower(containers::source).like(pattern.clone()).escape('!'))
                .or(containers::address.like(pattern).escape('!')),
        );
    }
    query
}

fn sorted(query: Query<'_>, sort: Sort) -> Query<'_> {
    macro_rules! by {
        ($column:expr) => {
            if sort.down {
                query.order(($column.desc(), containers::id.desc()))
            } else {
                query.order(($column.asc(), containers::id.asc()))
            }
        };
    }
    match sort.key {
        SortKey::Name => by!(containers::name),
        SortKey::Created => by!(containers::created_at),
        SortKey::Owner => by!(users::name),
        SortKey::Memory => by!(containers::memory_mib),
        SortKey::Address => by!(containers::address_number),
    }
}

/// Returns a page of containers. Four statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn, filter: &ContainerFilter) -> Result<Page<ContainerRecord>, Error> {
    let (page, before) = rows::page_offset(filter.page);
    let total: i64 = filtered(filter).select(count_star()).first(&mut c.0)?;
    let rows: Vec<JoinedRow> = sorted(filtered(filter), filter.sort)
        .select(columns!())
        .limit(i64::from(PAGE_ROWS))
        .offset(before)
        .load(&mut c.0)?;
    Ok(rows::to_page(into_records(c, rows)?, total, page))
}

/// Returns all containers that match a filter, in its order, without paging. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_summaries(
    c: &mut Conn,
    filter: &ContainerFilter,
) -> Result<Vec<ContainerSummary>, Error> {
    type SummaryColumns = (i64, i64, i64, Option<i64>, String, Option<String>);
    let rows: Vec<SummaryColumns> = sorted(filtered(filter), filter.sort)
        .select((
            containers::id,
            containers::cluster_id,
            containers::vmid,
            containers::provisioned_at,
            containers::node,
            jobs::kind.nullable(),
        ))
        .load(&mut c.0)?;
    let summaries = rows
        .into_iter()
        .map(|(id, cluster, vmid, made_at, node, kind)| {
            let row_ref = RowRef::new("containers", &id);
            Ok(ContainerSummary {
                id: ContainerId(id),
                cluster: ClusterId(cluster),
                vmid: row_ref.convert_number("vmid", vmid)?,
                is_created: made_at.is_some(),
                node: row_ref.parse("node", &node)?,
                active_job_kind: row_ref.parse_optional("activity", kind.as_deref())?,
            })
        });
    summaries.collect()
}

/// Returns the containers with these ids, in the order of the ids, omitting those that do not
/// exist.
///
/// # Errors
/// When the database is unavailable.
pub fn list_by_ids(c: &mut Conn, ids: &[ContainerId]) -> Result<Vec<ContainerRecord>, Error> {
    let mut records = HashMap::new();
    // SQLite accepts at most 32766 bound values in a statement.
    for chunk in ids.chunks(10_000) {
        let keys: Vec<i64> = chunk.iter().map(|id| id.0).collect();
        let rows: Vec<JoinedRow> = joined()
            .filter(containers::id.eq_any(keys))
            .select(columns!())
            .load(&mut c.0)?;
        records.extend(
            into_records(c, rows)?
                .into_iter()
                .map(|record| (record.id, record)),
        );
    }
    Ok(ids.iter().filter_map(|id| records.remove(id)).collect())
}
