//! `/conditions`: lasting conditions, and restarting a node.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlError, Outcome, Shared, read, wire};
use crate::handle::Handle;

/// The requested changes; at least one is required.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionsRequest {
    quorum: Option<bool>,
    dhcp: Option<wire::Dhcp>,
    certificate: Option<Certificate>,
    restart: Option<Restart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Certificate {
    Renew,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restart {
    node: String,
    downtime_ms: u64,
}

/// `GET /conditions`.
pub(super) async fn show(State(handle): Shared) -> Json<Value> {
    Json(to_json(&handle))
}

fn to_json(handle: &Handle) -> Value {
    json!({
        "quorum": handle.is_quorate(),
        "dhcp": wire::Dhcp::from(handle.dhcp()),
        "fingerprint": handle.fingerprint(),
    })
}

/// `POST /conditions`. If any change is invalid, none is applied.
pub(super) async fn change(
    State(handle): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome<Json<Value>> {
    let request = read::<ConditionsRequest>(&headers, &body)?;
    let dhcp = request.dhcp.map(crate::Dhcp::try_from).transpose();
    let dhcp = dhcp.map_err(ControlError::Invalid)?;
    let restart = match request.restart {
        Some(Restart { node, .. }) if !handle.has_node(&node) => {
            return Err(ControlError::NotFound(format!(
                "node {node} does not exist"
            )));
        }
        Some(Restart { node, downtime_ms }) => Some((
            node,
            wire::time(downtime_ms).map_err(ControlError::Invalid)?,
        )),
        None => None,
    };
    if request.quorum.is_none()
        && dhcp.is_none()
        && request.certificate.is_none()
        && restart.is_none()
    {
        let message = "at least one of quorum, dhcp, certificate and restart is required";
        return Err(ControlError::Invalid(message.into()));
    }
    if let Some(Certificate::Renew) = request.certificate {
        let renewed = handle.renew_certificate();
        let renewed = renewed.map_err(|error| ControlError::Failed(error.to_string()))?;
        if renewed.is_none() {
            let message = "no certificate to renew: the simulator runs without TLS";
            return Err(ControlError::Conflict(message.into()));
        }
    }
    if let Some(quorum) = request.quorum {
        handle.set_quorum(quorum);
    }
    if let Some(dhcp) = dhcp {
        handle.set_dhcp(dhcp);
    }
    if let Some((node, downtime)) = restart {
        handle.restart_node(&node, downtime).await;
    }
    Ok(Json(to_json(&handle)))
}
