//! The live configuration files of a host, as its agent reported them.

use std::collections::BTreeMap;

use diesel::{
    dsl::{count_star, sum},
    prelude::*,
};
use model::HostId;

use crate::{Conn, Error, dialect::octet_length, schema::host_files};

/// The maximum number of paths in one statement.
const PATHS_PER_STATEMENT: usize = 500;

/// Replaces new or changed files and deletes removed files. Unchanged files are not written.
///
/// # Errors
/// When the database is unavailable, or the host does not exist.
pub fn update_live_files(
    c: &mut Conn,
    id: HostId,
    files: &BTreeMap<String, String>,
    removed: &[String],
) -> Result<(), Error> {
    let replaced: Vec<&String> = files.keys().chain(removed).collect();
    for paths in replaced.chunks(PATHS_PER_STATEMENT) {
        let paths: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
        diesel::delete(host_files::table)
            .filter(host_files::host_id.eq(id.0))
            .filter(host_files::path.eq_any(paths))
            .execute(&mut c.0)?;
    }
    for (path, text) in files {
        diesel::insert_into(host_files::table)
            .values((
                host_files::host_id.eq(id.0),
                host_files::path.eq(path),
                host_files::text.eq(text),
            ))
            .execute(&mut c.0)
            .map_err(Error::from_insert)?;
    }
    Ok(())
}

/// Deletes all files of a host.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_live_files(c: &mut Conn, id: HostId) -> Result<(), Error> {
    diesel::delete(host_files::table.filter(host_files::host_id.eq(id.0))).execute(&mut c.0)?;
    Ok(())
}

/// Returns the text of every live file by path. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_live_files(c: &mut Conn, id: HostId) -> Result<BTreeMap<String, String>, Error> {
    let rows: Vec<(String, String)> = host_files::table
        .filter(host_files::host_id.eq(id.0))
        .select((host_files::path, host_files::text))
        .load(&mut c.0)?;
    Ok(rows.into_iter().collect())
}

/// Returns the number of live files and their total size in bytes.
///
/// # Errors
/// When the database is unavailable.
pub fn measure_live_files(c: &mut Conn, id: HostId) -> Result<(u64, u64), Error> {
    let (count, size): (i64, Option<i64>) = host_files::table
        .filter(host_files::host_id.eq(id.0))
        .select((count_star(), sum(octet_length(host_files::text))))
        .first(&mut c.0)?;
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok((number(count), number(size.unwrap_or(0))))
}
