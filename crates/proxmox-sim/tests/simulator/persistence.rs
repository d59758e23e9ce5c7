//! The state file.

use std::path::Path;
use std::time::Duration;

use crate::support::{api_with, assert_has};
use proxmox_sim::{Config, ContainerSpec, StartError};
use serde_json::json;

fn config(state_file: &Path) -> Config {
    Config {
        state_file: Some(state_file.to_owned()),
        ..Config::test()
    }
}

#[tokio::test]
async fn containers_images_and_leases_survive_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let api = api_with(config(&file)).await;
    api.running(200, &[("tags", "a")]).await;
    api.created(201, &[]).await;
    assert!(
        api.sim
            .handle()
            .add_image("pve1", "nginx:1.27", "nginx.tar")
    );
    let digest = api.config(200).await["digest"].clone();
    let before = api.sim.handle().containers();
    let volumes = api.sim.handle().volumes("pve1");
    api.sim.stop().await;

    let api = api_with(config(&file)).await;
    assert_eq!(api.sim.handle().containers(), before);
    assert_eq!(api.sim.handle().volumes("pve1"), volumes);
    assert_eq!(api.config(200).await["digest"], digest);
    let running = api.get("/nodes/pve1/lxc/200/status/current").await.data();
    assert_has(&running, json!({ "status": "running", "tags": "a" }));
    assert_eq!(
        api.get("/nodes/pve1/tasks?source=all").await.data(),
        json!([])
    );
    let known = |all: &serde_json::Value| all[1]["status"] == "stopped";
    api.until("/cluster/resources?type=vm", known).await;
}

#[tokio::test]
async fn incomplete_containers_are_removed_after_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let mut slow = config(&file);
    slow.delays.create = Duration::from_secs(600);
    let api = api_with(slow).await;
    api.create(200, &[]).await.data();
    let has_disk = |volumes: &[String]| volumes.contains(&"local-lvm:vm-200-disk-0".to_owned());
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !has_disk(&api.sim.handle().volumes("pve1")) {
        assert!(
            std::time::Instant::now() < deadline,
            "disk was not allocated in time"
        );
        tokio::task::yield_now().await;
    }
    assert_eq!(
        api.sim.handle().container(200).unwrap().lock.as_deref(),
        Some("create")
    );
    api.sim.stop().await;

    let api = api_with(config(&file)).await;
    assert_eq!(api.sim.handle().containers(), []);
    assert!(!has_disk(&api.sim.handle().volumes("pve1")));
    api.created(200, &[]).await;
}

#[tokio::test]
async fn state_is_saved_while_running() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let api = api_with(config(&file)).await;
    api.created(200, &[("hostname", "kept")]).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains("kept")) {
        assert!(
            std::time::Instant::now() < deadline,
            "state file was not updated in time"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn damaged_state_file_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, "{").unwrap();
    let outcome = proxmox_sim::start(config(&file)).await;
    assert!(matches!(outcome, Err(StartError::StateFile { .. })));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{");
}

#[tokio::test]
async fn scenario_can_contain_initial_containers() {
    let mut config = Config::test();
    config.scenario.containers.push(ContainerSpec {
        vmid: 100,
        node: "pve2".into(),
        hostname: "old".into(),
        cores: 2,
        memory: 1024,
        disk: 16,
        net0: "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=10.20.0.9/16,type=veth".into(),
        running: true,
    });
    let api = api_with(config).await;
    let config = api.get("/nodes/pve2/lxc/100/config").await.data();
    assert_has(
        &config,
        json!({ "rootfs": "local-lvm:vm-100-disk-0,size=16G", "cores": 2 }),
    );
    let all = api.get("/cluster/resources?type=vm").await.data();
    assert_has(
        &all[0],
        json!({ "name": "old", "status": "running", "node": "pve2" }),
    );
}

#[tokio::test]
async fn address_in_use_fails_start() {
    let api = api_with(Config::test()).await;
    let in_use = Config {
        listen: api.sim.address(),
        ..Config::test()
    };
    let Err(error) = proxmox_sim::start(in_use).await else {
        panic!("start must fail")
    };
    let beginning = format!("could not listen on {}: ", api.sim.address());
    assert!(error.to_string().starts_with(&beginning), "{error}");
}

#[tokio::test]
async fn state_file_is_readable_by_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let api = api_with(Config {
        state_file: Some(path.clone()),
        ..Config::test()
    })
    .await;
    api.created(200, &[]).await;
    api.sim.stop().await;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
