//! `/conditions`: lasting conditions, and restarting a node.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, Refusal, Shared, read, wire};
use crate::handle::Handle;

/// The requested changes; at least one is required.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
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
    away_ms: u64,
}

/// `GET /conditions`.
pub(super) async fn show(State(handle): Shared) -> Json<Value> {
    Json(shown(&handle))
}

fn shown(handle: &Handle) -> Value {
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
    let wanted = read::<Wanted>(&headers, &body)?;
    let dhcp = wanted.dhcp.map(crate::Dhcp::try_from).transpose();
    let dhcp = dhcp.map_err(Refusal::Wrong)?;
    let restart = match wanted.restart {
        Some(Restart { node, .. }) if !handle.has_node(&node) => {
            return Err(Refusal::Missing(format!("there is no node {node}")));
        }
        Some(Restart { node, away_ms }) => {
            Some((node, wire::time(away_ms).map_err(Refusal::Wrong)?))
        }
        None => None,
    };
    if wanted.quorum.is_none()
        && dhcp.is_none()
        && wanted.certificate.is_none()
        && restart.is_none()
    {
        let words = "one of quorum, dhcp, certificate and restart is needed";
        return Err(Refusal::Wrong(words.into()));
    }
    if let Some(Certificate::Renew) = wanted.certificate {
        let renewed = handle.renew_certificate();
        let renewed = renewed.map_err(|error| Refusal::Failed(error.to_string()))?;
        if renewed.is_none() {
            let words = "without TLS there is no certificate to renew";
            return Err(Refusal::Conflict(words.into()));
        }
    }
    if let Some(quorum) = wanted.quorum {
        handle.set_quorum(quorum);
    }
    if let Some(dhcp) = dhcp {
        handle.set_dhcp(dhcp);
    }
    if let Some((node, away)) = restart {
        handle.restart(&node, away).await;
    }
    Ok(Json(shown(&handle)))
}
