//! Environment variables of containers and those of their images, encrypted in the table and bound
//! to the container's MAC address, which is unique and does not change.

use diesel::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Conn, Error, SecretKey,
    rows::{self, RowRef},
    schema::containers,
};

/// The column with the container's variables.
pub(super) const ENV: &str = "env";
/// The column with the defaults of the image or template.
pub(super) const IMAGE_VALUES: &str = "image_values";

/// The start of an encrypted value. A value without it is the JSON of an earlier version.
const PREFIX: &str = "sealed:";

/// How many rows are encrypted with one query.
const BATCH: i64 = 100;

/// The encryption context of a container's column.
fn secret_context(column: &str, mac: &str) -> String {
    format!("containers.{column}:{mac}")
}

/// Encrypts a value for the column.
pub(super) fn seal(
    key: &SecretKey,
    column: &str,
    mac: &str,
    value: &impl Serialize,
) -> Result<String, Error> {
    seal_json(key, column, mac, &rows::to_json(value)?)
}

fn seal_json(key: &SecretKey, column: &str, mac: &str, json: &str) -> Result<String, Error> {
    let sealed = key.seal(&secret_context(column, mac), json)?;
    Ok(format!("{PREFIX}{sealed}"))
}

/// Reads the column: an encrypted value, or the JSON of an earlier version.
pub(super) fn open<T: DeserializeOwned>(
    key: &SecretKey,
    row_ref: RowRef<'_>,
    column: &str,
    mac: &str,
    stored: &str,
) -> Result<T, Error> {
    match stored.strip_prefix(PREFIX) {
        Some(sealed) => {
            row_ref.parse_json(column, &key.open(&secret_context(column, mac), sealed)?)
        }
        None => row_ref.parse_json(column, stored),
    }
}

/// Encrypts the values that an earlier version stored as JSON. Processes may do this at the same
/// time. Returns the number of values.
pub(crate) fn encrypt_plain(c: &mut Conn) -> Result<usize, Error> {
    type Row = (i64, String, String, Option<String>);
    let (mut count, mut last) = (0, 0);
    let encrypted = format!("{PREFIX}%");
    loop {
        let plain: Vec<Row> = containers::table
            .filter(containers::id.gt(last))
            .filter(
                containers::env
                    .not_like(&encrypted)
                    .or(containers::image_values.not_like(&encrypted)),
            )
            .order(containers::id)
            .limit(BATCH)
            .select((
                containers::id,
                containers::mac,
                containers::env,
                containers::image_values,
            ))
            .load(&mut c.0)?;
        for (id, mac, env, image_values) in &plain {
            let row = containers::table.find(id);
            if !env.starts_with(PREFIX) {
                count += diesel::update(row)
                    .filter(containers::env.eq(env))
                    .set(containers::env.eq(seal_json(&c.1, ENV, mac, env)?))
                    .execute(&mut c.0)?;
            }
            if let Some(json) = image_values.as_ref().filter(|it| !it.starts_with(PREFIX)) {
                let sealed = seal_json(&c.1, IMAGE_VALUES, mac, json)?;
                count += diesel::update(row)
                    .filter(containers::image_values.eq(json))
                    .set(containers::image_values.eq(sealed))
                    .execute(&mut c.0)?;
            }
        }
        match plain.last() {
            Some((id, ..)) => last = *id,
            None => return Ok(count),
        }
    }
}
