//! `/nodes`.

mod node;

use serde_json::Value;

use crate::api::cluster::resources::node_resource;
use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![Route::new("GET", "/nodes", vec![], list)];
    routes.extend(node::routes());
    routes
}

/// `GET /nodes`.
fn list(call: &Call) -> Result<ApiResponse> {
    let nodes = call.core.read(|state| {
        let all = call.core.config.scenario.nodes.iter();
        let certificate_source = call.core.tls.as_ref().map(|tls| tls.current());
        all.enumerate()
            .map(|(index, node)| {
                let mut entry = node_resource(state, node);
                entry.remove("cgroup-mode");
                // Requests are always served by the first node.
                let fingerprint = match &certificate_source {
                    Some(certificate) if index == 0 => certificate.fingerprint.clone(),
                    _ => fingerprint(&node.name),
                };
                entry.insert("ssl_fingerprint".into(), fingerprint.into());
                Value::Object(entry)
            })
            .collect::<Vec<_>>()
    });
    Ok(Value::from(nodes).into())
}

/// A stable fingerprint for a node without a simulated certificate.
fn fingerprint(name: &str) -> String {
    let seed = name
        .bytes()
        .fold(0x5eu8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    let octet = |index: u8| format!("{:02X}", seed.wrapping_mul(index.wrapping_mul(2) | 1));
    (0..32u8).map(octet).collect::<Vec<_>>().join(":")
}
