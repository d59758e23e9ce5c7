//! Lasting conditions and the fault `LockTimeout`.

use std::time::Duration;

use crate::support::{TestApi, api, api_with, assert_has};
use proxmox_sim::{Config, Dhcp, Effect, Fault};
use serde_json::{Value, json};

fn inject(api: &TestApi, method: &str, path: &str, effect: Effect) {
    api.sim.handle().inject(Fault {
        method: method.into(),
        path: path.into(),
        effect,
    });
}

#[tokio::test]
async fn lock_timeout_fails_requests_and_tasks() {
    let api = api().await;
    api.created(200, &[]).await;
    let message = "can't lock file '/run/lock/lxc/pve-config-200.lock' - got timeout";
    inject(
        &api,
        "PUT",
        "/nodes/{node}/lxc/{vmid}/config",
        Effect::LockTimeout,
    );
    let config = "/nodes/pve1/lxc/200/config";
    let reply = api.put(config, &[("cores", "2")]).await;
    assert_eq!(reply.failure(), message);
    assert_eq!(api.config(200).await.get("cores"), None);

    inject(
        &api,
        "POST",
        "/nodes/{node}/lxc/{vmid}/status/start",
        Effect::LockTimeout,
    );
    let reply = api.post("/nodes/pve1/lxc/200/status/start", &[]).await;
    assert_eq!(api.finish(&reply).await, message);
    assert!(!api.sim.handle().container(200).unwrap().running);
}

#[tokio::test]
async fn held_config_lock_is_waited_for_until_timeout() {
    let mut config = Config::test();
    config.lock_timeout = Duration::from_millis(50);
    let api = api_with(config).await;
    api.created(200, &[]).await;
    let day = Duration::from_secs(86_400);
    assert!(api.sim.handle().hold_lock(200, day).await);
    assert!(
        !api.sim.handle().hold_lock(200, day).await,
        "the lock is already held"
    );
    let message = "can't lock file '/run/lock/lxc/pve-config-200.lock' - got timeout";
    let config = "/nodes/pve1/lxc/200/config";
    let reply = api.put(config, &[("cores", "2")]).await;
    assert_eq!(reply.failure(), message);
    let reply = api.post("/nodes/pve1/lxc/200/status/start", &[]).await;
    assert_eq!(api.finish(&reply).await, message);
    api.created(201, &[]).await;
}

#[tokio::test]
async fn config_lock_is_released_after_hold_time() {
    let api = api().await;
    api.created(200, &[]).await;
    let short = Duration::from_millis(50);
    assert!(api.sim.handle().hold_lock(200, short).await);
    let config = "/nodes/pve1/lxc/200/config";
    let reply = api.put(config, &[("cores", "2")]).await;
    assert_eq!(reply.data(), Value::Null);
}

#[tokio::test]
async fn backup_lock_prevents_destroy_until_removed() {
    let api = api().await;
    api.created(200, &[]).await;
    assert!(api.sim.handle().set_lock(200, Some("backup")));
    let reply = api.delete("/nodes/pve1/lxc/200").await;
    assert_eq!(reply.failure(), "CT is locked (backup)");
    assert!(api.sim.handle().set_lock(200, None));
    let reply = api.delete("/nodes/pve1/lxc/200").await;
    assert_eq!(api.finish(&reply).await, "OK");
}

#[tokio::test]
async fn writes_fail_without_quorum() {
    let api = api().await;
    api.created(200, &[]).await;
    api.sim.handle().set_quorum(false);
    let message = "cluster not ready - no quorum?";
    assert_eq!(api.create(201, &[]).await.failure(), message);
    let start = "/nodes/pve1/lxc/200/status/start";
    assert_eq!(api.post(start, &[]).await.failure(), message);
    let reply = api.delete("/nodes/pve1/lxc/200").await;
    assert_eq!(reply.failure(), message);
    let reply = api
        .put("/nodes/pve1/lxc/200/config", &[("core", "2")])
        .await;
    reply.problem("core");
    let cluster = api.get("/cluster/status").await.data()[0].clone();
    assert_has(&cluster, json!({ "type": "cluster", "quorate": 0 }));
    assert_eq!(api.get("/nodes/pve1/lxc").await.data()[0]["vmid"], 200);
    api.sim.handle().set_quorum(true);
    api.created(201, &[]).await;
    let cluster = api.get("/cluster/status").await.data()[0].clone();
    assert_eq!(cluster["quorate"], 1);
}

async fn inet(api: &TestApi, vmid: u32) -> Value {
    let path = format!("/nodes/pve1/lxc/{vmid}/interfaces");
    api.get(&path).await.data()[1]["inet"].clone()
}

#[tokio::test]
async fn dhcp_condition_applies_to_containers_started_later() {
    let mut config = Config::test();
    config.address_delay = Duration::ZERO;
    let api = api_with(config).await;
    api.running(200, &[]).await;
    let fixed = ("net0", "name=eth0,bridge=vmbr0,ip=10.20.9.9/16");
    api.sim.handle().set_dhcp(Dhcp::Never);
    assert_eq!(api.sim.handle().dhcp(), Dhcp::Never);
    api.running(201, &[]).await;
    api.running(202, &[fixed]).await;
    assert!(
        inet(&api, 200).await.is_string(),
        "container 200 keeps its lease"
    );
    assert_eq!(inet(&api, 201).await, Value::Null);
    assert_eq!(inet(&api, 202).await, "10.20.9.9/16");

    api.sim
        .handle()
        .set_dhcp(Dhcp::Late(Duration::from_secs(86_400)));
    api.running(203, &[]).await;
    assert_eq!(inet(&api, 203).await, Value::Null);
    assert!(
        inet(&api, 201).await.is_string(),
        "container 201 gets a lease"
    );
    api.sim
        .handle()
        .set_dhcp(Dhcp::Late(Duration::from_millis(1)));
    api.running(204, &[]).await;
    let path = "/nodes/pve1/lxc/204/interfaces";
    api.until(path, |all| all[1]["inet"].is_string()).await;
}

#[tokio::test]
async fn initially_running_containers_have_leases() {
    let sim = proxmox_sim::start(Config::standalone("secret"))
        .await
        .unwrap();
    let leases = |vmid| sim.handle().container(vmid).unwrap().leases;
    assert_eq!(
        leases(101).len(),
        1,
        "container 101 is running and uses DHCP"
    );
    assert_eq!(leases(103).len(), 0, "container 103 is stopped");
}
