//! Limits as columns of users and invitations.

use model::users::Limits;

use crate::{Error, rows::RowRef};

/// The columns of limits; null means unlimited.
pub(crate) struct LimitColumns {
    pub(crate) containers: Option<i64>,
    pub(crate) cores: Option<i64>,
    pub(crate) memory_mib: Option<i64>,
    pub(crate) disk_gib: Option<i64>,
}

impl LimitColumns {
    pub(crate) fn parse(self, row_ref: RowRef<'_>) -> Result<Limits, Error> {
        let limit = |column, number: Option<i64>| {
            number
                .map(|number| row_ref.convert_number::<u32, _>(column, number))
                .transpose()
        };
        Ok(Limits {
            containers: limit("limit_containers", self.containers)?,
            cores: limit("limit_cores", self.cores)?,
            memory_mib: limit("limit_memory_mib", self.memory_mib)?,
            disk_gib: limit("limit_disk_gib", self.disk_gib)?,
        })
    }
}

/// The column of a limit.
pub(crate) fn limit(limit: Option<u32>) -> Option<i64> {
    limit.map(i64::from)
}
