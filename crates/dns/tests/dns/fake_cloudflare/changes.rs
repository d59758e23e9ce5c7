//! Creation and deletion of records in the fake API, with the checks of the real one.

use std::net::IpAddr;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::Response,
};
use dns::{Record, RecordValue};
use serde::Deserialize;
use serde_json::json;

use super::{ServerState, StoredRecord, failure, no_zone, record_json, success};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRecord {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    content: String,
    ttl: u32,
    proxied: bool,
    comment: String,
}

impl NewRecord {
    /// The error response of the real API, if it would reject the record.
    fn validate(&self, existing: &[&StoredRecord]) -> Option<Response> {
        let content = self.content.as_str();
        let address = content.parse::<IpAddr>();
        let is_good = match self.kind.as_str() {
            "A" => address.is_ok_and(|address| address.is_ipv4()),
            "AAAA" => address.is_ok_and(|address| address.is_ipv6()),
            "TXT" => {
                let inside = content
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'));
                inside.is_some_and(|text| !text.is_empty() && !text.contains(['"', '\\']))
            }
            _ => false,
        };
        if !is_good {
            return Some(failure(400, 9005, "Content for the record is invalid."));
        }
        if self.ttl != 1 && !(60..=86400).contains(&self.ttl) {
            return Some(failure(
                400,
                9021,
                "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.",
            ));
        }
        if self.proxied && self.kind == "TXT" {
            return Some(failure(400, 9004, "This record type cannot be proxied."));
        }
        if self.comment.chars().count() > 100 {
            return Some(failure(400, 9207, "The comment is too long."));
        }
        if existing
            .iter()
            .any(|record| record.kind == self.kind && record.content == self.content)
        {
            return Some(failure(400, 81058, "An identical record already exists."));
        }
        if self.kind != "TXT" && existing.iter().any(|record| record.kind == "CNAME") {
            return Some(failure(
                400,
                81054,
                "A CNAME record with that host already exists.",
            ));
        }
        None
    }
}

pub(super) async fn create(
    State(shared): State<ServerState>,
    Path(zone): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind != "application/json")
    {
        return failure(415, 6007, "Content-Type must be application/json");
    }
    let Ok(mut new) = serde_json::from_slice::<NewRecord>(&body) else {
        return failure(400, 9207, "Request body is invalid.");
    };
    let record = {
        let mut state = shared.state.lock().unwrap();
        let Some(owner) = state.zones.iter().find(|known| known.id == zone).cloned() else {
            return no_zone();
        };
        // A name outside the zone is treated as relative to it.
        if new.name != owner.name && !new.name.ends_with(&format!(".{}", owner.name)) {
            new.name = format!("{}.{}", new.name, owner.name);
        }
        let same: Vec<&StoredRecord> = state
            .records
            .iter()
            .filter(|record| record.name == new.name)
            .collect();
        if let Some(error) = new.validate(&same) {
            return error;
        }
        let record = StoredRecord {
            id: state.id(),
            zone,
            kind: new.kind,
            name: new.name,
            content: new.content,
            ttl: new.ttl,
            proxied: new.proxied,
            comment: new.comment,
        };
        state.records.push(record.clone());
        record
    };
    if let Some(names) = &shared.names {
        names.add(&to_record(&record)).await.unwrap();
    }
    success(&record_json(&record))
}

pub(super) async fn remove(
    State(shared): State<ServerState>,
    Path((zone, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    assert!(body.is_empty());
    let record = {
        let mut state = shared.state.lock().unwrap();
        let index = state
            .records
            .iter()
            .position(|record| record.zone == zone && record.id == id);
        let Some(index) = index else {
            return failure(404, 81044, "Record does not exist.");
        };
        state.records.remove(index)
    };
    if let Some(names) = &shared.names {
        names.remove(&to_record(&record)).await.unwrap();
    }
    success(&json!({"id": id}))
}

fn to_record(record: &StoredRecord) -> Record {
    let value = match record.kind.as_str() {
        "TXT" => RecordValue::Txt(record.content.trim_matches('"').to_owned()),
        _ => RecordValue::from(record.content.parse::<IpAddr>().unwrap()),
    };
    Record {
        name: record.name.clone(),
        value,
    }
}
