//! Who observes a cluster for all servers, and what it last heard for those who do not.
//!
//! The holder of the lease asks the cluster; the others read its answer here, and say by reading
//! that they want it kept. Times are the database's.

use diesel::prelude::*;
use model::{ClusterId, Timestamp};

use crate::{Conn, Error, dialect, schema::observations};

/// Whether this server observes a cluster now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It does; `shared` when another server wants to know what it hears.
    Ours {
        /// Whether another server wants the answer.
        shared: bool,
    },
    /// Another server does.
    Others,
}

/// Takes or keeps the lease on observing a cluster for `lease_ms`, unless another server has it.
///
/// # Errors
/// When the database does not answer.
pub fn take(c: &mut Conn, cluster: ClusterId, holder: &str, lease_ms: i64) -> Result<Turn, Error> {
    let (now, until) = (dialect::now(&c.0), dialect::now_plus(&c.0, lease_ms));
    let mine = observations::holder
        .eq(holder)
        .or(observations::lease_until.le(now));
    let row = observations::table.filter(observations::cluster_id.eq(cluster.0));
    let taken = diesel::update(row.filter(mine))
        .set((
            observations::holder.eq(holder),
            observations::lease_until.eq(until),
        ))
        .execute(&mut c.0)?;
    if taken == 0 && !begin(c, cluster, holder, lease_ms)? {
        // MySQL counts a row that stayed as it was as none.
        let who: String = row.select(observations::holder).first(&mut c.0)?;
        if who != holder {
            return Ok(Turn::Others);
        }
    }
    let wanted = row.filter(observations::wanted_until.gt(dialect::now(&c.0)));
    let shared = wanted.count().get_result::<i64>(&mut c.0)? > 0;
    Ok(Turn::Ours { shared })
}

/// Takes the lease from whoever has it, for a server that knows better how to reach the cluster.
/// Who had it wants to know what is heard from now on.
///
/// # Errors
/// When the database does not answer.
pub fn take_over(
    c: &mut Conn,
    cluster: ClusterId,
    holder: &str,
    lease_ms: i64,
) -> Result<Turn, Error> {
    let until = dialect::now_plus(&c.0, lease_ms);
    let row = observations::table.filter(observations::cluster_id.eq(cluster.0));
    let theirs = diesel::update(row.filter(observations::holder.ne(holder)))
        .set((
            observations::holder.eq(holder),
            observations::lease_until.eq(&until),
            observations::wanted_until.eq(&until),
        ))
        .execute(&mut c.0)?;
    match theirs {
        0 => take(c, cluster, holder, lease_ms),
        _ => Ok(Turn::Ours { shared: true }),
    }
}

/// Makes the row of a cluster that nobody has observed yet; false when there is one.
fn begin(c: &mut Conn, cluster: ClusterId, holder: &str, lease_ms: i64) -> Result<bool, Error> {
    let row = observations::table.filter(observations::cluster_id.eq(cluster.0));
    if row.count().get_result::<i64>(&mut c.0)? > 0 {
        return Ok(false);
    }
    diesel::insert_into(observations::table)
        .values((
            observations::cluster_id.eq(cluster.0),
            observations::holder.eq(holder),
            observations::lease_until.eq(dialect::now_plus(&c.0, lease_ms)),
            observations::wanted_until.eq(0),
        ))
        .execute(&mut c.0)?;
    Ok(true)
}

/// Gives the lease back, so that another server goes on at once.
///
/// # Errors
/// When the database does not answer.
pub fn give_back(c: &mut Conn, holder: &str) -> Result<(), Error> {
    diesel::update(observations::table.filter(observations::holder.eq(holder)))
        .set(observations::lease_until.eq(0))
        .execute(&mut c.0)?;
    Ok(())
}

/// Keeps what a cluster answered, or why it did not, for the other servers.
///
/// # Errors
/// When the database does not answer.
pub fn keep(c: &mut Conn, cluster: ClusterId, holder: &str, answer: &str) -> Result<(), Error> {
    let row = observations::table
        .filter(observations::cluster_id.eq(cluster.0))
        .filter(observations::holder.eq(holder));
    diesel::update(row)
        .set((
            observations::answer.eq(answer),
            observations::answered_at.eq(dialect::now(&c.0).nullable()),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// What the observing server last heard and when, and asks it for `want_ms` more to keep it.
///
/// # Errors
/// When the database does not answer.
pub fn read(
    c: &mut Conn,
    cluster: ClusterId,
    want_ms: i64,
) -> Result<Option<(Timestamp, String)>, Error> {
    let row = observations::table.filter(observations::cluster_id.eq(cluster.0));
    diesel::update(row)
        .set(observations::wanted_until.eq(dialect::now_plus(&c.0, want_ms)))
        .execute(&mut c.0)?;
    let found: Option<(Option<i64>, Option<String>)> = row
        .select((observations::answered_at, observations::answer))
        .first(&mut c.0)
        .optional()?;
    let (at, answer) = found.unwrap_or_default();
    Ok(at.map(Timestamp).zip(answer))
}
