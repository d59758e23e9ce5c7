//! `/interfaces`: IP addresses that the real host of a container observed, for setups in which
//! containers run outside the simulator.

use std::net::IpAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlError, Outcome, Shared, read, wire};
use crate::handle::{Interfaces, InterfacesError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InterfacesReport {
    vmid: u32,
    interfaces: Vec<Interface>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Interface {
    hwaddr: String,
    /// With prefix lengths: `10.20.0.100/16`.
    addresses: Vec<String>,
}

/// `POST /interfaces`. Returns the changed container.
pub(super) async fn report(
    State(handle): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome<Json<Value>> {
    let InterfacesReport { vmid, interfaces } = read::<InterfacesReport>(&headers, &body)?;
    if handle.container(vmid).is_none() {
        return Err(ControlError::NotFound(format!(
            "container {vmid} does not exist"
        )));
    }
    let mut reported = Interfaces::new();
    for Interface { hwaddr, addresses } in interfaces {
        let all: Result<Vec<_>, _> = addresses.iter().map(|text| address(text)).collect();
        let all = all.map_err(ControlError::Invalid)?;
        if reported.insert(hwaddr.to_ascii_lowercase(), all).is_some() {
            return Err(ControlError::Invalid(format!(
                "duplicate MAC address {hwaddr}"
            )));
        }
    }
    let result = handle.set_interfaces(vmid, &reported);
    result.map_err(|problem| match &problem {
        InterfacesError::NotRunning(_) => ControlError::Conflict(problem.to_string()),
        InterfacesError::NoInterface { .. } => ControlError::Invalid(problem.to_string()),
    })?;
    let now = handle.container(vmid).as_ref().map(wire::container);
    Ok(Json(json!({ "container": now })))
}

fn address(text: &str) -> Result<(IpAddr, u8), String> {
    let invalid =
        || format!("`{text}` is not an IP address with a prefix length, such as 10.20.0.9/16");
    let (ip, prefix) = text.split_once('/').ok_or_else(invalid)?;
    let ip: IpAddr = ip.parse().map_err(|_| invalid())?;
    let prefix: u8 = prefix.parse().map_err(|_| invalid())?;
    let longest = if ip.is_ipv4() { 32 } else { 128 };
    (prefix <= longest)
        .then_some((ip, prefix))
        .ok_or_else(invalid)
}
