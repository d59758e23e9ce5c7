//! Environment variables of containers, encrypted in the table and bound to the container's MAC
//! address, which is unique and does not change.

use diesel::prelude::*;
use model::env::EnvVars;

use crate::{
    Conn, Error, SecretKey,
    rows::{self, RowRef},
    schema::containers,
};

/// The start of an encrypted value. A value without it is the JSON of an earlier version.
const PREFIX: &str = "sealed:";

/// How many rows are encrypted with one query.
const BATCH: i64 = 100;

/// The encryption context of a container's variables.
fn secret_context(mac: &str) -> String {
    format!("containers.env:{mac}")
}

/// Encrypts variables for the column.
pub(super) fn seal(key: &SecretKey, mac: &str, env: &EnvVars) -> Result<String, Error> {
    seal_json(key, mac, &rows::to_json(env)?)
}

fn seal_json(key: &SecretKey, mac: &str, json: &str) -> Result<String, Error> {
    Ok(format!("{PREFIX}{}", key.seal(&secret_context(mac), json)?))
}

/// Reads the column: an encrypted value, or the JSON of an earlier version.
pub(super) fn open(
    key: &SecretKey,
    row_ref: RowRef<'_>,
    mac: &str,
    stored: &str,
) -> Result<EnvVars, Error> {
    match stored.strip_prefix(PREFIX) {
        Some(sealed) => row_ref.parse_json("env", &key.open(&secret_context(mac), sealed)?),
        None => row_ref.parse_json("env", stored),
    }
}

/// Encrypts the variables that an earlier version stored as JSON. Processes may do this at the same
/// time. Returns the number of rows.
pub(crate) fn encrypt_plain(c: &mut Conn) -> Result<usize, Error> {
    let (mut count, mut last) = (0, 0);
    loop {
        let plain: Vec<(i64, String, String)> = containers::table
            .filter(containers::id.gt(last))
            .filter(containers::env.not_like(format!("{PREFIX}%")))
            .order(containers::id)
            .limit(BATCH)
            .select((containers::id, containers::mac, containers::env))
            .load(&mut c.0)?;
        for (id, mac, json) in &plain {
            let sealed = seal_json(&c.1, mac, json)?;
            count += diesel::update(containers::table.find(id))
                .filter(containers::env.eq(json))
                .set(containers::env.eq(sealed))
                .execute(&mut c.0)?;
        }
        match plain.last() {
            Some((id, ..)) => last = *id,
            None => return Ok(count),
        }
    }
}
