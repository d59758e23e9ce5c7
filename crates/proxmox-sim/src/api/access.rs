//! What the API says of itself.

use serde_json::json;

use crate::error::Result;
use crate::routes::{Answer, Call};

/// `GET /version`.
pub(crate) fn version(_: &Call) -> Result<Answer> {
    Ok(json!({ "version": "9.2.11", "release": "9.2", "repoid": "14a22df35955" }).into())
}
