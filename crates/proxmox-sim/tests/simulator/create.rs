//! Creating containers: immediate checks, task failures, and the stored configuration.

use crate::support::{DEBIAN, Reply, TestApi, api, api_with, assert_has};
use proxmox_sim::Config;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Longer than any test runs.
const FOREVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn created_container_has_default_options() {
    let api = api().await;
    let reply = api
        .create(200, &[("memory", "1024"), ("tags", "Web;app,web")])
        .await;
    let upid = reply.data();
    assert!(upid.as_str().unwrap().starts_with("UPID:pve1:"), "{upid}");
    assert!(
        upid.as_str()
            .unwrap()
            .ends_with(":vzcreate:200:root@pam!holdfast:"),
        "{upid}"
    );
    assert_eq!(api.finish(&reply).await, "OK");
    let config = api.config(200).await;
    assert_has(
        &config,
        json!({
            "arch": "amd64", "hostname": "web", "memory": 1024, "swap": 512, "ostype": "debian",
            "rootfs": "local-lvm:vm-200-disk-0,size=8G", "unprivileged": 1, "tags": "app;web",
        }),
    );
    let net = config["net0"].as_str().unwrap();
    assert!(
        net.starts_with("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:"),
        "{net}"
    );
    assert!(net.ends_with(",ip=dhcp,type=veth"), "{net}");
    assert_eq!(config["digest"].as_str().unwrap().len(), 40);
    assert_eq!(config.get("lock"), None);
    assert_eq!(
        api.sim.handle().volumes("pve1").last().unwrap(),
        "local-lvm:vm-200-disk-0"
    );
}

#[tokio::test]
async fn creation_reserves_vmid_with_locked_stub() {
    let mut config = Config::test();
    config.delays.create = FOREVER;
    let api = api_with(config).await;
    let first = api.create(200, &[]).await;
    assert_eq!(api.config(200).await["lock"], "create");
    let second = api.create(200, &[]).await;
    assert_eq!(second.failure(), "CT 200 already exists on node 'pve1'");
    let change = api
        .put("/nodes/pve1/lxc/200/config", &[("memory", "256")])
        .await;
    assert_eq!(change.failure(), "CT is locked (create)");
    assert_eq!(
        api.delete("/nodes/pve1/lxc/200").await.failure(),
        "CT is locked (create)"
    );
    let start = api.post("/nodes/pve1/lxc/200/status/start", &[]).await;
    assert_eq!(api.finish(&start).await, "CT is locked (create)");
    assert_eq!(first.status, 200);
}

#[tokio::test]
async fn missing_template_fails_task_and_removes_stub() {
    let api = api().await;
    let reply = api
        .create(200, &[("ostemplate", "local:vztmpl/none.tar.gz")])
        .await;
    let end = "unable to create CT 200 - volume 'local:vztmpl/none.tar.gz' does not exist";
    assert_eq!(api.finish(&reply).await, end);
    assert_eq!(api.log(&reply).await, [format!("TASK ERROR: {end}")]);
    assert_eq!(api.sim.handle().containers(), []);
}

#[tokio::test]
async fn mount_points_get_separate_disks() {
    let api = api().await;
    api.created(200, &[("mp0", "local-lvm:2,mp=/data,backup=1")])
        .await;
    let config = api.config(200).await;
    assert_eq!(
        config["mp0"],
        "local-lvm:vm-200-disk-1,mp=/data,backup=1,size=2G"
    );
    let form = [
        ("vmid", "201"),
        ("ostemplate", DEBIAN),
        ("mp0", "local-lvm:2,mp=/data"),
    ];
    let reply = api.post("/nodes/pve1/lxc", &form).await;
    assert_eq!(
        reply.failure(),
        "mount points configured, but 'rootfs' not set - aborting"
    );
}

#[tokio::test]
async fn json_bodies_are_parsed_like_forms() {
    let api = api().await;
    let body = json!({
        "vmid": 200, "ostemplate": DEBIAN, "rootfs": "local-lvm:0.5", "memory": 256,
        "onboot": true, "tags": ["b", "a"], "env": "A=1\u{0}B=2", "description": null,
    });
    let request = api
        .request(reqwest::Method::POST, "/nodes/pve1/lxc")
        .json(&body);
    assert_eq!(api.finish(&crate::support::send(request).await).await, "OK");
    assert_has(
        &api.config(200).await,
        json!({
            "memory": 256, "onboot": 1, "tags": "a;b", "env": "A=1\u{0}B=2", "hostname": "CT200",
            "rootfs": "local-lvm:vm-200-disk-0,size=512M",
        }),
    );
}

#[tokio::test]
async fn start_after_creation_is_separate_task() {
    let api = api().await;
    api.created(200, &[("start", "1")]).await;
    api.until("/nodes/pve1/lxc/200/status/current", |now| {
        now["status"] == "running"
    })
    .await;
    let kinds = api
        .until("/nodes/pve1/tasks", |tasks| {
            tasks.as_array().unwrap().len() == 2
        })
        .await;
    assert_eq!(kinds[0]["type"], "vzstart");
    assert_eq!(kinds[1]["type"], "vzcreate");
}

#[tokio::test]
async fn many_creations_run_concurrently() {
    let mut config = Config::test();
    config.delays.create = FOREVER;
    let api = api_with(config).await;
    let replies = create_all(&api, 200..250).await;
    let upids: BTreeSet<String> = replies
        .iter()
        .map(|reply| reply.data().to_string())
        .collect();
    assert_eq!(upids.len(), 50, "each task has a unique UPID");
    let active = api
        .get("/nodes/pve1/tasks?source=active&limit=100")
        .await
        .data();
    assert_eq!(active.as_array().unwrap().len(), 50);
    let containers = api.sim.handle().containers();
    assert!(
        containers
            .iter()
            .all(|container| container.lock.as_deref() == Some("create"))
    );
}

async fn create_all(api: &TestApi, vmids: std::ops::Range<u32>) -> Vec<Reply> {
    let mut requests = tokio::task::JoinSet::new();
    for vmid in vmids {
        let vmid = vmid.to_string();
        let form = [
            ("vmid", vmid.as_str()),
            ("ostemplate", DEBIAN),
            ("rootfs", "local-lvm:1"),
        ];
        let request = api
            .request(reqwest::Method::POST, "/nodes/pve1/lxc")
            .form(&form);
        requests.spawn(crate::support::send(request));
    }
    requests.join_all().await
}

#[tokio::test]
async fn concurrent_creation_with_same_vmid_fails_once() {
    let api = api().await;
    let (first, second) = tokio::join!(api.create(200, &[]), api.create(200, &[]));
    let refused: Vec<Reply> = [first, second]
        .into_iter()
        .filter(|r| r.status != 200)
        .collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].failure(), "CT 200 already exists on node 'pve1'");
}

#[tokio::test]
async fn next_id_returns_first_free_vmid() {
    let api = api().await;
    assert_eq!(api.get("/cluster/nextid").await.data(), Value::from("100"));
    api.created(100, &[]).await;
    assert_eq!(api.get("/cluster/nextid").await.data(), Value::from("101"));
    assert_eq!(
        api.get("/cluster/nextid?vmid=300").await.data(),
        Value::from("300")
    );
    let in_use = api.get("/cluster/nextid?vmid=100").await;
    assert_eq!(in_use.problem("vmid"), "VM 100 already exists");
}
