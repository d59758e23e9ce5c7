//! Lasting conditions, out-of-band changes, and the faults `StorageFull` and `LockTimeout`.

use std::time::Duration;

use crate::support::{Reply, TestApi, api, api_with, assert_has, send, task_path};
use proxmox_sim::{Config, ContainerSpec, Dhcp, Effect, Fault};
use reqwest::Method;
use serde_json::{Value, json};

fn inject_storage_full(api: &TestApi, method: &str, path: &str) {
    inject(api, method, path, Effect::StorageFull);
}

fn inject(api: &TestApi, method: &str, path: &str, effect: Effect) {
    api.sim.handle().inject(Fault {
        method: method.into(),
        path: path.into(),
        effect,
    });
}

#[tokio::test]
async fn full_thin_pool_fails_create_clone_and_resize() {
    let api = api().await;
    let thin_pool_error = |vmid: u32| {
        format!(
            "lvcreate 'pve/vm-{vmid}-disk-0' error:   Cannot create new thin volume, free space \
             in thin pool pve/data reached threshold."
        )
    };
    inject_storage_full(&api, "POST", "/nodes/{node}/lxc");
    let reply = api.create(200, &[]).await;
    let status = api.finish(&reply).await;
    assert_eq!(
        status,
        format!("unable to create CT 200 - {}", thin_pool_error(200))
    );
    assert_eq!(api.log(&reply).await.len(), 1, "no disk is allocated");
    assert_eq!(api.sim.handle().containers(), []);

    api.created(200, &[]).await;
    inject_storage_full(&api, "POST", "/nodes/{node}/lxc/{vmid}/clone");
    let clone = "/nodes/pve1/lxc/200/clone";
    let reply = api.post(clone, &[("newid", "201")]).await;
    let status = api.finish(&reply).await;
    assert_eq!(status, format!("clone failed: {}", thin_pool_error(201)));
    assert!(api.sim.handle().container(201).is_none());

    inject_storage_full(&api, "PUT", "/nodes/{node}/lxc/{vmid}/resize");
    let more = [("disk", "rootfs"), ("size", "+1G")];
    let reply = api.put("/nodes/pve1/lxc/200/resize", &more).await;
    assert_eq!(
        api.finish(&reply).await,
        "error resizing volume '/dev/pve/vm-200-disk-0':   Insufficient free space: 256 extents \
         needed, but only 0 available"
    );
    let rootfs = api.config(200).await["rootfs"].clone();
    assert_eq!(rootfs, "local-lvm:vm-200-disk-0,size=8G");
    let reply = api.put("/nodes/pve1/lxc/200/resize", &more).await;
    assert_eq!(
        api.finish(&reply).await,
        "OK",
        "the fault affects one request only"
    );
}

#[tokio::test]
async fn full_directory_storage_fails_image_pull() {
    let api = api_with(Config::test()).await;
    inject_storage_full(
        &api,
        "POST",
        "/nodes/{node}/storage/local/oci-registry-pull",
    );
    let pull = "/nodes/pve1/storage/local/oci-registry-pull";
    let image = [("reference", "docker.io/library/nginx:1.27")];
    let reply = api.post(pull, &image).await;
    let status = api.finish(&reply).await;
    let start = "command 'skopeo copy docker://docker.io/library/nginx:1.27 \
                 oci-archive:/var/lib/vz/template/cache/nginx_1.27.tar.tmp.";
    assert!(status.starts_with(start), "{status}");
    assert!(status.ends_with("' failed: exit code 1"), "{status}");
    assert!(!status.contains('{'), "{status}");
    let log = api.log(&reply).await;
    let is_logged = log
        .iter()
        .any(|line| line.ends_with("no space left on device\""));
    assert!(is_logged, "{log:?}");
    let stored = api.sim.handle().volumes("pve1");
    assert!(!stored.iter().any(|id| id.contains("nginx")), "{stored:?}");
}

#[tokio::test]
async fn full_directory_storage_fails_create_and_clone() {
    let sim = proxmox_sim::start(Config::recorded("secret"))
        .await
        .unwrap();
    let http = crate::support::client();
    let url = format!("{}/api2/json", sim.url());
    let form = [("username", "root@pam"), ("password", "secret")];
    let ticket = send(http.post(format!("{url}/access/ticket")).form(&form)).await;
    let ticket = ticket.data();
    let word = |name: &str| ticket[name].as_str().unwrap().to_owned();
    let request = |method, path: &str| {
        let request = http.request(method, format!("{url}{path}"));
        request
            .header("Cookie", format!("PVEAuthCookie={}", word("ticket")))
            .header("CSRFPreventionToken", word("CSRFPreventionToken"))
    };
    let finish = async |reply: Reply| {
        let path = task_path(reply.data().as_str().unwrap(), "/status");
        loop {
            let status = send(request(Method::GET, &path)).await.data();
            if let Some(end) = status["exitstatus"].as_str() {
                return end.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let inject = |path: &str| {
        sim.handle().inject(Fault {
            method: "POST".into(),
            path: path.into(),
            effect: Effect::StorageFull,
        });
    };
    inject("/nodes/{node}/lxc");
    let template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.gz";
    let form = [("vmid", "200"), ("ostemplate", template)];
    let reply = send(request(Method::POST, "/nodes/pve1/lxc").form(&form)).await;
    let status = finish(reply).await;
    let start = "unable to create CT 200 - command 'lxc-usernsexec ";
    assert!(status.starts_with(start), "{status}");
    assert!(status.ends_with("failed: exit code 2"), "{status}");
    assert!(sim.handle().container(200).is_none());

    sim.handle().stop_container(100);
    inject("/nodes/{node}/lxc/{vmid}/clone");
    let form = [("newid", "200")];
    let clone = request(Method::POST, "/nodes/pve1/lxc/100/clone").form(&form);
    let status = finish(send(clone).await).await;
    assert!(
        status.starts_with("clone failed: command 'rsync "),
        "{status}"
    );
    assert!(status.ends_with("failed: exit code 11"), "{status}");
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

fn container(vmid: u32) -> ContainerSpec {
    ContainerSpec {
        vmid,
        node: "pve1".into(),
        hostname: "theirs".into(),
        cores: 1,
        memory: 512,
        disk: 4,
        net0: "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=dhcp".into(),
        running: true,
    }
}

#[tokio::test]
async fn containers_can_be_moved_and_renamed_out_of_band() {
    let api = api().await;
    assert!(api.sim.handle().add_container(&container(300)));
    let addresses = api.sim.handle().container(300).unwrap().leases;
    assert_eq!(addresses.len(), 1, "a running container has a lease");
    assert!(api.sim.handle().move_container(300, "pve2"));
    assert!(!api.sim.handle().move_container(300, "pve9"));
    assert!(!api.sim.handle().move_container(301, "pve2"));
    assert!(api.sim.handle().rename_container(300, "ours"));
    assert!(!api.sim.handle().rename_container(301, "ours"));
    let moved = api.get("/nodes/pve2/lxc").await.data()[0].clone();
    assert_has(&moved, json!({ "vmid": 300, "name": "ours" }));
    assert_eq!(api.get("/nodes/pve1/lxc").await.data(), json!([]));
    let disk = "local-lvm:vm-300-disk-0".to_owned();
    assert!(api.sim.handle().volumes("pve2").contains(&disk));
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
