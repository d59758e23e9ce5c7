//! Parses recorded responses of a real node: every response to a call that the client makes must be
//! understood.
//!
//! The recordings are not part of this project. They are read from `HOLDFAST_PVE_REFERENCE`, or
//! else from beside the project; without them, nothing is checked.

#![cfg(test)]
#![allow(
    clippy::disallowed_methods,
    reason = "these guests belong to the tests"
)]

#[path = "wire/server.rs"]
#[expect(dead_code, reason = "used only by other tests")]
mod server;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use proxmox::*;
use regex::Regex;
use serde_json::Value;
use test_servers::{reference, report};

use crate::server::{Server, response};

/// Recorded calls and their responses. Long bodies were truncated.
fn rows() -> Option<Vec<Value>> {
    let text = reference::read("pve-golden.jsonl")?;
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// A client whose server returns the response that was stored last.
async fn client() -> (Client, Arc<Mutex<(String, String)>>) {
    let next = Arc::new(Mutex::new((String::new(), String::new())));
    let shown = next.clone();
    let server = Server::responding(move |_| {
        let (status, body) = shown.lock().unwrap().clone();
        response(&status, &body)
    })
    .await;
    let token = Credentials::Token {
        id: "root@pam!g1".to_owned(),
        secret: "x".into(),
    };
    let connection = ClientConfig::new(Endpoint::new(&server.url), token);
    let client = Client::new(connection, Timeouts::default()).unwrap();
    (client, next)
}

/// The recorded calls to check: a pattern of `METHOD path?query`, and a name for the call.
const CALLS: &[(&str, &str)] = &[
    (r"^GET /version$", "version"),
    (r"^GET /nodes$", "nodes"),
    (r"^GET /cluster/status$", "cluster status"),
    (r"^GET /cluster/resources$", "resources"),
    (r"^GET /cluster/nextid$", "next id"),
    (r"^GET /nodes/[^/]+/status$", "node status"),
    (r"^GET /nodes/[^/]+/network(\?.*)?$", "networks"),
    (r"^GET /nodes/[^/]+/storage(\?.*)?$", "storages"),
    (
        r"^GET /nodes/[^/]+/storage/[^/]+/content(\?.*)?$",
        "content",
    ),
    (r"^GET /nodes/[^/]+/aplinfo$", "templates"),
    (r"^GET /nodes/[^/]+/lxc$", "lxc list"),
    (r"^GET /nodes/[^/]+/lxc/\d+/config(\?.*)?$", "config"),
    (r"^GET /nodes/[^/]+/lxc/\d+/pending$", "pending"),
    (r"^GET /nodes/[^/]+/lxc/\d+/status/current$", "lxc status"),
    (r"^GET /nodes/[^/]+/lxc/\d+/interfaces$", "interfaces"),
    (r"^GET /nodes/[^/]+/lxc/\d+/snapshot$", "snapshots"),
    (r"^GET /nodes/[^/]+/lxc/\d+/feature\?", "feature"),
    (r"^GET /nodes/[^/]+/lxc/\d+/migrate$", "migrate"),
    (r"^GET /nodes/[^/]+/tasks(\?.*)?$", "tasks"),
    (r"^GET /nodes/[^/]+/tasks/[^/]+/status$", "task status"),
    (r"^GET /nodes/[^/]+/tasks/[^/]+/log(\?.*)?$", "task log"),
    (r"^GET /access/permissions(\?.*)?$", "permissions"),
    (r"^POST /nodes/[^/]+/(lxc/\d+/)?termproxy$", "console"),
    (r"^POST /nodes/[^/]+/lxc$", "create"),
    (r"^POST /nodes/[^/]+/lxc/\d+/clone$", "clone"),
    (r"^POST /nodes/[^/]+/lxc/\d+/snapshot$", "make snapshot"),
    (r"^PUT /nodes/[^/]+/lxc/\d+/resize$", "resize"),
    (r"^POST /nodes/[^/]+/vzdump$", "vzdump"),
];

/// The minimum number of responses, so that empty or truncated recordings fail the test.
const MIN_RESPONSES: usize = 432;
/// The minimum number of different calls.
const MIN_CALLS: usize = 28;

async fn call_method(client: &Client, call: &str) -> Result<(), Error> {
    let upid = "UPID:pve1:00001638:000599F5:6B00BC42:vzstart:300:root@pam!g1:";
    let upid: Upid = upid.parse().unwrap();
    let node = "pve1";
    match call {
        "version" => client.version().await.map(drop),
        "nodes" => client.nodes().await.map(drop),
        "cluster status" => client.cluster_status().await.map(drop),
        "resources" => client.resources().await.map(drop),
        "next id" => client.next_id().await.map(drop),
        "node status" => client.node_status(node).await.map(drop),
        "networks" => client.networks(node).await.map(drop),
        "storages" => client.storages(node).await.map(drop),
        "content" => client.content(node, "local", None).await.map(drop),
        "templates" => client.templates(node).await.map(drop),
        "tasks" => client.tasks(node, &TaskFilter::default()).await.map(drop),
        "task status" => client.task_status(&upid).await.map(drop),
        "task log" => client.task_log(&upid, 0).await.map(drop),
        "permissions" => client.permissions(None).await.map(drop),
        other => call_object_method(client, other).await,
    }
}

async fn call_object_method(client: &Client, call: &str) -> Result<(), Error> {
    let vmid = Vmid::try_from(300).unwrap();
    let snapshot: SnapshotName = "s1".parse().unwrap();
    let rootfs = Rootfs {
        storage: "local".to_owned(),
        size_gib: 1,
    };
    let create = CreateLxc::new(vmid, "local:vztmpl/a.tar", rootfs);
    let backup = Backup::new(vmid, "local");
    let node = "pve1";
    match call {
        "lxc list" => client.lxc_list(node).await.map(drop),
        "config" => client.lxc_config(node, vmid).await.map(drop),
        "pending" => client.lxc_pending(node, vmid).await.map(drop),
        "lxc status" => client.lxc_status(node, vmid).await.map(drop),
        "interfaces" => client.lxc_interfaces(node, vmid).await.map(drop),
        "snapshots" => client.snapshots(node, vmid).await.map(drop),
        "feature" => client
            .lxc_supports(node, vmid, LxcFeature::Snapshot)
            .await
            .map(drop),
        "migrate" => client.migrate_preconditions(node, vmid).await.map(drop),
        "console" => client.lxc_console(node, vmid).await.map(drop),
        "create" => client.create_lxc(node, &create).await.map(drop),
        "clone" => client
            .clone_lxc(node, vmid, &CloneLxc::new(vmid))
            .await
            .map(drop),
        "make snapshot" => client
            .create_snapshot(node, vmid, &snapshot, None)
            .await
            .map(drop),
        "resize" => client
            .resize_lxc(node, vmid, Disk::Rootfs, Resize::GrowGib(1))
            .await
            .map(drop),
        "vzdump" => client.vzdump(node, &backup).await.map(drop),
        other => panic!("unknown call: {other}"),
    }
}

#[tokio::test]
async fn every_recorded_response_parses() {
    let Some(rows) = rows() else {
        return;
    };
    let calls: Vec<_> = CALLS
        .iter()
        .map(|(pattern, name)| (Regex::new(pattern).unwrap(), *name))
        .collect();
    let (client, next) = client().await;
    let mut seen = BTreeMap::<&str, usize>::new();
    let mut mismatches = Vec::new();
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let path = text("path").trim_start_matches("/api2/json");
        let line = format!("{} {path}", text("method"));
        let matching = calls.iter().find(|(pattern, _)| pattern.is_match(&line));
        let status = text("status").split_once(' ').map_or("", |(_, rest)| rest);
        let cut = serde_json::from_str::<Value>(text("body"))
            .is_err_and(|error| error.is_eof() && !text("body").is_empty());
        let Some((_, name)) = matching.filter(|_| !status.is_empty() && !cut) else {
            continue;
        };
        *next.lock().unwrap() = (status.to_owned(), text("body").to_owned());
        *seen.entry(name).or_default() += 1;
        let response = call_method(&client, name).await;
        let is_expected = match &response {
            Ok(()) => status.starts_with("200"),
            // An error response must give an API error; these errors mean that it was not
            // understood.
            Err(Error::Protocol { .. } | Error::InvalidArgument { .. } | Error::Tls { .. }) => {
                false
            }
            Err(_) => !status.starts_with("200"),
        };
        if !is_expected {
            mismatches.push(format!("{} {line} {status}: {response:?}", row["n"]));
        }
    }
    let responses: usize = seen.values().sum();
    report(&format!(
        "recordings: {responses} responses to {} calls parsed",
        seen.len()
    ));
    assert_eq!(mismatches, Vec::<String>::new());
    assert!(
        responses >= MIN_RESPONSES,
        "only {responses} responses were checked"
    );
    assert!(
        seen.len() >= MIN_CALLS,
        "only these calls were checked: {seen:?}"
    );
}
