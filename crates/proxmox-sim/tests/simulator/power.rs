//! Starting, stopping and destroying containers, and their status.

use std::time::Duration;

use crate::support::{api, api_with, assert_has};
use proxmox_sim::Config;
use serde_json::{Value, json};

const STATUS: &str = "/nodes/pve1/lxc/200/status";

#[tokio::test]
async fn container_starts_and_stops() {
    let api = api().await;
    api.created(200, &[("memory", "128")]).await;
    let stopped = api.get(&format!("{STATUS}/current")).await.data();
    assert_has(
        &stopped,
        json!({
            "vmid": 200, "name": "web", "status": "stopped", "type": "lxc", "mem": 0, "uptime": 0,
            "maxmem": 134_217_728, "maxswap": 536_870_912, "maxdisk": 8_589_934_592_u64,
            "cpus": 16, "ha": { "managed": 0 },
        }),
    );
    assert_eq!(stopped.get("pid"), None);

    let start = api.post(&format!("{STATUS}/start"), &[]).await;
    assert_eq!(api.finish(&start).await, "OK");
    let running = api.get(&format!("{STATUS}/current")).await.data();
    assert_has(
        &running,
        json!({ "status": "running", "pressurecpusome": "0.00" }),
    );
    assert!(running["mem"].as_u64().unwrap() > 0);
    assert!(running["pid"].is_u64());

    let again = api.post(&format!("{STATUS}/start"), &[]).await;
    assert_eq!(again.failure(), "CT 200 already running");
    let stop = api.post(&format!("{STATUS}/stop"), &[]).await;
    assert_eq!(api.finish(&stop).await, "OK");
    assert!(!api.sim.handle().container(200).unwrap().running);
}

#[tokio::test]
async fn stopped_container_cannot_be_stopped() {
    let api = api().await;
    api.created(200, &[]).await;
    let cases = [
        ("stop", "CT 200 not running"),
        ("shutdown", "CT 200 not running"),
        ("reboot", "VM 200 not running"),
    ];
    for (call, message) in cases {
        let reply = api.post(&format!("{STATUS}/{call}"), &[]).await;
        assert_eq!(reply.failure(), message);
    }
    let skip = api
        .post(&format!("{STATUS}/start"), &[("skiplock", "1")])
        .await;
    assert_eq!(skip.problem("skiplock"), "Only root may use this option.");
}

#[tokio::test]
async fn impossible_start_fails_task() {
    let api = api().await;
    let missing = api.post("/nodes/pve1/lxc/555/status/start", &[]).await;
    let end = "Configuration file 'nodes/pve1/lxc/555.conf' does not exist";
    assert_eq!(api.finish(&missing).await, end);

    api.created(200, &[("net0", "name=eth0,bridge=vmbr9")])
        .await;
    let unplugged = api.post(&format!("{STATUS}/start"), &[]).await;
    assert_eq!(
        api.finish(&unplugged).await,
        "startup for container '200' failed"
    );
    assert_eq!(
        api.log(&unplugged).await[0],
        "bridge 'vmbr9' does not exist"
    );

    api.created(201, &[("template", "1")]).await;
    let template = api.post("/nodes/pve1/lxc/201/status/start", &[]).await;
    assert_eq!(
        api.finish(&template).await,
        "you can't start a CT if it's a template"
    );
}

#[tokio::test]
async fn shutdown_after_timeout_fails_or_is_forced() {
    let mut config = Config::test();
    config.delays.shutdown = Duration::from_secs(3600);
    let api = api_with(config).await;
    api.running(200, &[]).await;
    let unforced = api
        .post(&format!("{STATUS}/shutdown"), &[("timeout", "0")])
        .await;
    let end = "command 'lxc-stop -n 200 --nokill --timeout 0' failed: exit code 1";
    assert_eq!(api.finish(&unforced).await, end);
    let form = [("timeout", "0"), ("forceStop", "1")];
    let forced = api.post(&format!("{STATUS}/shutdown"), &form).await;
    assert_eq!(api.finish(&forced).await, "OK");
    assert!(!api.sim.handle().container(200).unwrap().running);
}

#[tokio::test]
async fn destroying_running_container_requires_force() {
    let api = api().await;
    api.running(200, &[]).await;
    let reply = api.delete("/nodes/pve1/lxc/200").await;
    assert_eq!(
        reply.failure(),
        "unable to destroy CT 200 - container is running"
    );
    let reply = api.delete("/nodes/pve1/lxc/200?force=1&purge=1").await;
    assert_eq!(api.finish(&reply).await, "OK");
    assert_eq!(api.sim.handle().containers(), []);
    let volumes = api.sim.handle().volumes("pve1");
    assert!(
        volumes
            .iter()
            .all(|volume| volume.starts_with("local:vztmpl/")),
        "{volumes:?}"
    );
    let missing = api.delete("/nodes/pve1/lxc/200").await.failure();
    assert_eq!(
        missing,
        "Configuration file 'nodes/pve1/lxc/200.conf' does not exist"
    );
    let odd = api.delete("/nodes/pve1/lxc/200?force=2").await;
    assert_eq!(
        odd.problem("force"),
        "type check ('boolean') failed - got '2'"
    );
}

#[tokio::test]
async fn containers_can_be_stopped_and_removed_out_of_band() {
    let api = api().await;
    api.running(200, &[]).await;
    assert!(api.sim.handle().stop_container(200));
    assert_eq!(
        api.get(&format!("{STATUS}/current")).await.data()["status"],
        "stopped"
    );
    assert!(
        !api.sim.handle().stop_container(200),
        "the container is already stopped"
    );
    assert!(api.sim.handle().remove_container(200));
    assert_eq!(api.get("/nodes/pve1/lxc").await.data(), json!([]));
    assert!(!api.sim.handle().remove_container(200));
}

#[tokio::test]
async fn cluster_resources_lag_and_container_list_does_not() {
    let mut config = Config::test();
    config.broadcast = Duration::from_secs(3600);
    let api = api_with(config).await;
    api.created(200, &[("tags", "a")]).await;
    let early = api.get("/cluster/resources?type=vm").await.data();
    let expected = json!([{
        "id": "lxc/200", "type": "lxc", "vmid": 200, "node": "pve1", "status": "unknown",
        "tags": "a",
    }]);
    assert_eq!(early, expected);
    assert_eq!(api.get("/nodes/pve1/lxc").await.data()[0]["name"], "web");
}

#[tokio::test]
async fn broadcast_updates_status_of_new_containers() {
    let api = api().await;
    api.created(200, &[]).await;
    let known = |all: &Value| all[0]["name"] == "web";
    let later = api.until("/cluster/resources?type=vm", known).await;
    assert_has(
        &later[0],
        json!({ "status": "stopped", "maxcpu": 16, "template": 0 }),
    );
}

#[tokio::test]
async fn resources_can_be_filtered_by_type() {
    let api = api().await;
    let count = async |query: &str| {
        let all = api.get(&format!("/cluster/resources{query}")).await.data();
        all.as_array().unwrap().len()
    };
    assert_eq!(count("?type=node").await, 2);
    assert_eq!(count("?type=storage").await, 4);
    assert_eq!(count("?type=vm").await, 0);
    assert_eq!(count("").await, 8);
    let problem = api.get("/cluster/resources?type=lxc").await.problem("type");
    let expected = "value 'lxc' does not have a value in the enumeration 'vm, storage, node, sdn'";
    assert_eq!(problem, expected);
}

#[tokio::test]
async fn cluster_status_lists_nodes() {
    let api = api().await;
    let status = api.get("/cluster/status").await.data();
    assert_has(
        &status[0],
        json!({ "type": "cluster", "nodes": 2, "quorate": 1 }),
    );
    assert_has(
        &status[1],
        json!({ "name": "pve1", "local": 1, "online": 1, "nodeid": 1 }),
    );
    let nodes = api.get("/nodes").await.data();
    assert_has(
        &nodes[0],
        json!({ "node": "pve1", "status": "online", "maxcpu": 16 }),
    );
    assert_eq!(nodes[0]["ssl_fingerprint"].as_str().unwrap().len(), 95);
    let node = api.get("/nodes/pve2/status").await.data();
    assert_eq!(node["memory"]["total"], 34_359_738_368_u64);
    assert!(node["loadavg"][0].is_string());
}
