//! Leases on observing clusters, and the last observation of each cluster for the other processes.
//!
//! The process that holds the lease polls the cluster. The other processes read the observation
//! here; a read also requests that the owner keeps storing it. Timestamps come from the clock of
//! the database.

use diesel::prelude::*;
use model::{ClusterId, Timestamp};

use crate::{
    Conn, Error, dialect,
    lease::{held_for, is_free, is_held, released},
    schema::cluster_observations,
};

/// Which process observes a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observer {
    /// This process holds the lease.
    ThisProcess {
        /// Whether another process requests the observations.
        is_requested: bool,
    },
    /// Another process holds the lease.
    OtherProcess,
}

/// Claims or renews the lease on observing a cluster for `lease_ms`, unless another process holds
/// it.
///
/// # Errors
/// When the database is unavailable.
pub fn claim(
    c: &mut Conn,
    cluster: ClusterId,
    owner: &str,
    lease_ms: i64,
) -> Result<Observer, Error> {
    let claimable = cluster_observations::lease_owner
        .eq(owner)
        .or(is_free!(c, cluster_observations));
    let row = cluster_observations::table.filter(cluster_observations::cluster_id.eq(cluster.0));
    let claimed = diesel::update(row.filter(claimable))
        .set(held_for!(c, cluster_observations, owner, lease_ms))
        .execute(&mut c.0)?;
    if claimed == 0 && !insert_row(c, cluster, owner, lease_ms)? {
        return Ok(Observer::OtherProcess);
    }
    let requested = row.filter(cluster_observations::requested_until.gt(dialect::now(&c.0)));
    let shared = requested.count().get_result::<i64>(&mut c.0)? > 0;
    Ok(Observer::ThisProcess {
        is_requested: shared,
    })
}

/// Renews the lease on observing a cluster for `lease_ms` from now. Returns false when the lease
/// was lost.
///
/// # Errors
/// When the database is unavailable.
pub fn renew_lease(
    c: &mut Conn,
    cluster: ClusterId,
    owner: &str,
    lease_ms: i64,
) -> Result<bool, Error> {
    let row = cluster_observations::table.filter(cluster_observations::cluster_id.eq(cluster.0));
    let renewed = diesel::update(row.filter(is_held!(c, cluster_observations, owner)))
        .set(held_for!(c, cluster_observations, owner, lease_ms))
        .execute(&mut c.0)?;
    Ok(renewed > 0)
}

/// Claims the lease even when another process holds it, for a process with newer connection
/// settings of the cluster. The previous owner then counts as requesting the observations.
///
/// # Errors
/// When the database is unavailable.
pub fn claim_forced(
    c: &mut Conn,
    cluster: ClusterId,
    owner: &str,
    lease_ms: i64,
) -> Result<Observer, Error> {
    let until = dialect::now_plus(&c.0, lease_ms);
    let row = cluster_observations::table.filter(cluster_observations::cluster_id.eq(cluster.0));
    let other = row.filter(cluster_observations::lease_owner.ne(owner));
    let taken_over = diesel::update(other)
        .set((
            held_for!(c, cluster_observations, owner, lease_ms),
            cluster_observations::requested_until.eq(&until),
        ))
        .execute(&mut c.0)?;
    match taken_over {
        0 => claim(c, cluster, owner, lease_ms),
        _ => Ok(Observer::ThisProcess { is_requested: true }),
    }
}

/// Inserts the row of a cluster. Returns false when it exists.
fn insert_row(c: &mut Conn, cluster: ClusterId, owner: &str, lease_ms: i64) -> Result<bool, Error> {
    let row = cluster_observations::table.filter(cluster_observations::cluster_id.eq(cluster.0));
    if row.count().get_result::<i64>(&mut c.0)? > 0 {
        return Ok(false);
    }
    diesel::insert_into(cluster_observations::table)
        .values((
            cluster_observations::cluster_id.eq(cluster.0),
            held_for!(c, cluster_observations, owner, lease_ms),
            cluster_observations::requested_until.eq(0),
        ))
        .execute(&mut c.0)?;
    Ok(true)
}

/// Releases all leases of a process, so that another process can continue immediately.
///
/// # Errors
/// When the database is unavailable.
pub fn release_all(c: &mut Conn, owner: &str) -> Result<(), Error> {
    diesel::update(cluster_observations::table.filter(cluster_observations::lease_owner.eq(owner)))
        .set(released!(cluster_observations))
        .execute(&mut c.0)?;
    Ok(())
}

/// Stores an observation of a cluster, or the error, for the other processes. Returns false and
/// changes nothing when `owner` does not hold the lease.
///
/// # Errors
/// When the database is unavailable.
pub fn store(
    c: &mut Conn,
    cluster: ClusterId,
    owner: &str,
    observation: &str,
) -> Result<bool, Error> {
    let row = cluster_observations::table
        .filter(cluster_observations::cluster_id.eq(cluster.0))
        .filter(is_held!(c, cluster_observations, owner));
    let stored = diesel::update(row)
        .set((
            cluster_observations::observation.eq(observation),
            cluster_observations::observed_at.eq(dialect::now(&c.0).nullable()),
        ))
        .execute(&mut c.0)?;
    Ok(stored > 0)
}

/// Returns the last observation of a cluster and its time. Also updates the row: requests that the
/// owner of the lease stores observations for `requested_ms` from now.
///
/// # Errors
/// When the database is unavailable.
pub fn request_and_get(
    c: &mut Conn,
    cluster: ClusterId,
    requested_ms: i64,
) -> Result<Option<(Timestamp, String)>, Error> {
    let row = cluster_observations::table.filter(cluster_observations::cluster_id.eq(cluster.0));
    diesel::update(row)
        .set(cluster_observations::requested_until.eq(dialect::now_plus(&c.0, requested_ms)))
        .execute(&mut c.0)?;
    let stored: Option<(Option<i64>, Option<String>)> = row
        .select((
            cluster_observations::observed_at,
            cluster_observations::observation,
        ))
        .first(&mut c.0)
        .optional()?;
    let (at, observation) = stored.unwrap_or_default();
    Ok(at.map(Timestamp).zip(observation))
}
