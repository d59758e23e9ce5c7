//! Power failure and restart of nodes.

use std::time::Duration;

use crate::support::{api, api_with, assert_has, container, task_path};
use proxmox_sim::Config;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn node_restart_aborts_tasks_and_leaves_incomplete_containers() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(3_600);
    let api = api_with(config).await;
    for (vmid, onboot) in [(300, true), (301, false)] {
        assert!(api.sim.handle().add_container(&container(vmid)));
        if onboot {
            let path = format!("/nodes/pve1/lxc/{vmid}/config");
            api.put(&path, &[("onboot", "1")]).await.data();
        }
    }
    let reply = api.create(200, &[]).await;
    let upid = reply.data().as_str().unwrap().to_owned();
    assert!(!api.sim.handle().restart_node("pve9", Duration::ZERO).await);
    let long = Duration::from_secs(3_600);
    assert!(api.sim.handle().restart_node("pve1", long).await);
    let refused = api.request(Method::GET, "/version").send().await;
    assert!(refused.unwrap_err().is_connect());
    api.sim.handle().reopen_listener().await;

    let status = api.get(&task_path(&upid, "/status")).await.data();
    let end = json!({ "status": "stopped", "exitstatus": "unexpected status" });
    assert_has(&status, end);
    let log = api.log(&reply).await;
    assert!(!log.last().unwrap().starts_with("TASK"), "{log:?}");
    let incomplete = api.sim.handle().container(200).unwrap();
    assert_eq!(incomplete.lock.as_deref(), Some("create"));
    let reply = api.delete("/nodes/pve1/lxc/200").await;
    assert_eq!(reply.failure(), "CT is locked (create)");
    assert!(!api.sim.handle().container(301).unwrap().running);
    let uptime = api.get("/nodes/pve1/status").await.data()["uptime"].clone();
    assert!(uptime.as_u64().unwrap() < 60, "{uptime}");
}

#[tokio::test]
async fn restarted_node_starts_onboot_containers() {
    let api = api().await;
    assert!(api.sim.handle().add_container(&container(300)));
    assert!(api.sim.handle().add_container(&container(301)));
    let onboot = [("onboot", "1")];
    api.put("/nodes/pve1/lxc/300/config", &onboot).await.data();
    let short = Duration::from_millis(1);
    assert!(api.sim.handle().restart_node("pve1", short).await);
    api.sim.handle().reopen_listener().await;
    api.until("/nodes/pve1/lxc", |all| {
        all.as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["vmid"] == 300 && entry["status"] == "running")
    })
    .await;
    assert!(!api.sim.handle().container(301).unwrap().running);
    api.created(200, &[]).await;
}

#[tokio::test]
async fn restart_of_second_node_keeps_first_node_online() {
    let api = api().await;
    let long = Duration::from_secs(3_600);
    assert!(api.sim.handle().restart_node("pve2", long).await);
    assert_eq!(api.get("/nodes/pve2/lxc").await.status, 595);
    assert_eq!(api.get("/nodes/pve1/lxc").await.status, 200);
    assert!(api.sim.handle().restart_node("pve2", Duration::ZERO).await);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while api.get("/nodes/pve2/lxc").await.status != 200 {
        assert!(
            std::time::Instant::now() < deadline,
            "node is still offline"
        );
    }
}
