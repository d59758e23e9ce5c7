//! The interface filters of containers, and the containers whose filters a job has to change.

use diesel::{dsl::count_star, prelude::*};
use model::{
    ContainerId, SiteId,
    filters::{FilterCounts, FilterState},
    permissions::{ContainerManage, InterfaceFilterRemove, Permit, SiteManage},
};

use crate::{
    Conn, Error, rows,
    schema::{containers, jobs},
};

/// Requires that a job sets the filters of all containers of a site that have managed filters, on
/// behalf of a user. Returns their number.
///
/// # Errors
/// When the database is unavailable.
pub fn require_filters(c: &mut Conn, _: Permit<SiteManage>, site: SiteId) -> Result<usize, Error> {
    refresh_filters(c, site)
}

/// As [`require_filters`], after a change of the site's hosts.
///
/// # Errors
/// When the database is unavailable.
pub fn refresh_filters(c: &mut Conn, site: SiteId) -> Result<usize, Error> {
    Ok(diesel::update(containers::table)
        .filter(containers::site_id.eq(site.0))
        .filter(containers::interface_filters.eq(true))
        .set(containers::filter_state.eq(FilterState::Due.as_str()))
        .execute(&mut c.0)?)
}

/// Requires that a job sets the filters of a container, now and after changes of the site.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist.
pub fn turn_filters_on(
    c: &mut Conn,
    _: Permit<ContainerManage>,
    id: ContainerId,
) -> Result<(), Error> {
    set_filters_managed(c, id, true)
}

/// Requires that a job removes the filters of a container.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist.
pub fn turn_filters_off(
    c: &mut Conn,
    _: Permit<InterfaceFilterRemove>,
    id: ContainerId,
) -> Result<(), Error> {
    set_filters_managed(c, id, false)
}

fn set_filters_managed(c: &mut Conn, id: ContainerId, managed: bool) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set((
            containers::interface_filters.eq(managed),
            containers::filter_state.eq(FilterState::Due.as_str()),
        ))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Lists containers that exist on their cluster, have no active job, and whose filters a job has to
/// set or remove; at most `limit`. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_due_filters(c: &mut Conn, limit: i64) -> Result<Vec<ContainerId>, Error> {
    let due: Vec<i64> = containers::table
        .left_join(jobs::table)
        .filter(containers::filter_state.eq(FilterState::Due.as_str()))
        .filter(containers::provisioned_at.is_not_null())
        .filter(jobs::id.nullable().is_null())
        .order(containers::id)
        .limit(limit)
        .select(containers::id)
        .load(&mut c.0)?;
    Ok(due.into_iter().map(ContainerId).collect())
}

/// Marks filters that a job has to set or remove as being applied. Returns false when another
/// process did so.
///
/// # Errors
/// When the database is unavailable.
pub fn claim_due_filters(c: &mut Conn, id: ContainerId) -> Result<bool, Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .filter(containers::filter_state.eq(FilterState::Due.as_str()))
        .set(containers::filter_state.eq(FilterState::Applying.as_str()))
        .execute(&mut c.0)?;
    Ok(changed > 0)
}

/// Marks the filters as being applied. A change from now on requires another job. Call this before
/// reading what the filters depend on.
///
/// # Errors
/// When the database is unavailable.
pub fn begin_filters(c: &mut Conn, id: ContainerId) -> Result<(), Error> {
    diesel::update(containers::table.find(id.0))
        .set(containers::filter_state.eq(FilterState::Applying.as_str()))
        .execute(&mut c.0)?;
    Ok(())
}

/// Stores the state of filters that were applied, unless a change since then requires another job.
///
/// # Errors
/// When the database is unavailable.
pub fn finish_filters(c: &mut Conn, id: ContainerId, state: FilterState) -> Result<(), Error> {
    diesel::update(containers::table.find(id.0))
        .filter(containers::filter_state.eq(FilterState::Applying.as_str()))
        .set(containers::filter_state.eq(state.as_str()))
        .execute(&mut c.0)?;
    Ok(())
}

/// Counts the containers of a site with and without filters. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn count_filters(c: &mut Conn, site: SiteId) -> Result<FilterCounts, Error> {
    let counts: Vec<(bool, String, i64)> = containers::table
        .filter(containers::site_id.eq(site.0))
        .filter(containers::provisioned_at.is_not_null())
        .group_by((containers::interface_filters, containers::filter_state))
        .select((
            containers::interface_filters,
            containers::filter_state,
            count_star(),
        ))
        .load(&mut c.0)?;
    let sum = |matches: &dyn Fn(bool, &str) -> bool| {
        let matching = counts
            .iter()
            .filter(|(managed, state, _)| matches(*managed, state));
        rows::to_u32(matching.map(|(_, _, count)| count).sum())
    };
    Ok(FilterCounts {
        containers: sum(&|_, _| true),
        filtered: sum(&|managed, state| managed && state == FilterState::Set.as_str()),
        unmanaged: sum(&|managed, _| !managed),
    })
}
