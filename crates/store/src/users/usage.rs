//! The resources that the containers of users use.

use std::collections::HashMap;

use diesel::{
    dsl::{count_star, sum},
    prelude::*,
};
use model::{UserId, users::Usage};

use crate::{Conn, Error, rows, schema::containers};

/// Returns the resources that a user's containers use together.
///
/// # Errors
/// When the database is unavailable.
pub fn get_usage(c: &mut Conn, id: UserId) -> Result<Usage, Error> {
    Ok(load_usages(c, &[id.0])?.remove(&id.0).unwrap_or_default())
}

pub(super) fn load_usages(c: &mut Conn, owners: &[i64]) -> Result<HashMap<i64, Usage>, Error> {
    type Sums = (i64, i64, Option<i64>, Option<i64>, Option<i64>);
    let rows: Vec<Sums> = containers::table
        .filter(containers::owner_id.eq_any(owners))
        .group_by(containers::owner_id)
        .select((
            containers::owner_id,
            count_star(),
            sum(containers::cores),
            sum(containers::memory_mib),
            sum(containers::disk_gib),
        ))
        .load(&mut c.0)?;
    let sum = |number: Option<i64>| rows::to_u32(number.unwrap_or(0));
    let usage = rows
        .into_iter()
        .map(|(owner, number, cores, memory, disk)| {
            let usage = Usage {
                containers: rows::to_u32(number),
                cores: sum(cores),
                memory_mib: sum(memory),
                disk_gib: sum(disk),
            };
            (owner, usage)
        });
    Ok(usage.collect())
}
