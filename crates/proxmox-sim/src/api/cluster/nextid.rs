//! `/cluster/nextid`.

use serde_json::Value;

use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GET",
        "/cluster/nextid",
        vec![lxc::vmid("vmid")],
        next_id,
    )]
}

/// `GET /cluster/nextid`. The response is a string, and the VMID is not reserved.
fn next_id(call: &Call) -> Result<ApiResponse> {
    let requested = call
        .params
        .number("vmid")
        .and_then(|vmid| u32::try_from(vmid).ok());
    let free = call.core.read(|state| match requested {
        Some(vmid) if state.containers.contains_key(&vmid) => Err(ApiError::parameter(
            "vmid",
            format!("VM {vmid} already exists"),
        )),
        Some(vmid) => Ok(vmid),
        None => (100..1_000_000)
            .find(|vmid| !state.containers.contains_key(vmid))
            .ok_or_else(|| ApiError::failed("unable to get any free VMID")),
    })?;
    Ok(Value::from(free.to_string()).into())
}
