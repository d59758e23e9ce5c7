//! Storages, networks, backups, consoles, templates, realms and logs.

use crate::support::{TestApi, api, assert_has, send};
use reqwest::Method;
use serde_json::{Value, json};

async fn content(api: &TestApi, storage: &str, kind: &str) -> Vec<Value> {
    let path = format!("/nodes/pve1/storage/{storage}/content?content={kind}");
    api.get(&path).await.data().as_array().unwrap().clone()
}

#[tokio::test]
async fn defined_storage_can_be_used_and_removed() {
    let api = api().await;
    let tank = [
        ("storage", "tank"),
        ("type", "zfspool"),
        ("pool", "rpool/data"),
    ];
    let created = api.post("/storage", &tank).await.data();
    assert_eq!(created, json!({ "storage": "tank", "type": "zfspool" }));
    api.created(200, &[("rootfs", "tank:2")]).await;
    let config = api.config(200).await;
    assert_eq!(config["rootfs"], "tank:subvol-200-disk-0,size=2G");
    let feature = api
        .get("/nodes/pve1/lxc/200/feature?feature=snapshot")
        .await;
    assert_eq!(feature.data()["hasFeature"], 1);
    assert_eq!(api.delete("/storage/tank").await.data(), Value::Null);
    let missing = api.create(201, &[("rootfs", "tank:2")]).await;
    assert_eq!(missing.failure(), "storage 'tank' does not exist");
}

#[tokio::test]
async fn each_storage_type_validates_options_and_content() {
    let api = api().await;
    let post = async |form: &[(&str, &str)]| api.post("/storage", form).await;
    let thin = [("storage", "thin"), ("type", "lvmthin"), ("vgname", "pve")];
    assert_eq!(
        post(&thin).await.failure(),
        "missing value for required option 'thinpool'"
    );
    let odd = [
        ("storage", "odd"),
        ("type", "dir"),
        ("path", "/x"),
        ("vgname", "pve"),
    ];
    assert_eq!(post(&odd).await.failure(), "unexpected property 'vgname'");
    // Unsupported content types are dropped, and the remaining list must not be empty.
    let disks = [
        ("storage", "disks"),
        ("type", "lvmthin"),
        ("vgname", "pve"),
        ("thinpool", "data"),
        ("content", "rootdir,backup"),
    ];
    post(&disks).await.data();
    let response = api.get("/storage/disks").await.data();
    assert_eq!(response["content"], "rootdir");
    let backups = [("content", "backup")];
    assert_eq!(
        api.put("/storage/disks", &backups).await.failure(),
        "storage does not support content type 'none'"
    );
    let pbs = [
        ("storage", "pbs"),
        ("type", "pbs"),
        ("server", "10.0.0.9"),
        ("datastore", "main"),
        ("password", "secret"),
    ];
    post(&pbs).await.data();
    let response = api.get("/storage/pbs").await.data();
    assert_has(
        &response,
        json!({ "content": "backup", "datastore": "main" }),
    );
    assert_eq!(response.get("password"), None);
}

#[tokio::test]
async fn disabled_or_restricted_storage_is_unavailable() {
    let api = api().await;
    let form = [
        ("storage", "tank"),
        ("type", "dir"),
        ("path", "/tank"),
        ("content", "rootdir"),
        ("nodes", "pve2"),
    ];
    api.post("/storage", &form).await.data();
    assert_eq!(
        api.create(200, &[("rootfs", "tank:1")]).await.failure(),
        "storage 'tank' is not available on node 'pve1'"
    );
    let update = [("delete", "nodes"), ("disable", "1")];
    api.put("/storage/tank", &update).await.data();
    assert_eq!(
        api.create(200, &[("rootfs", "tank:1")]).await.failure(),
        "storage 'tank' is disabled"
    );
}

#[tokio::test]
async fn backup_locks_container_and_can_be_restored() {
    let mut config = proxmox_sim::Config::test();
    config.delays.create = std::time::Duration::from_millis(300);
    let api = crate::support::api_with(config).await;
    api.created(200, &[("cores", "3"), ("tags", "web")]).await;
    let form = [
        ("vmid", "200"),
        ("storage", "local"),
        ("compress", "zstd"),
        ("notes-template", "{{guestname}} on {{node}}"),
    ];
    let reply = api.post("/nodes/pve1/vzdump", &form).await;
    let config = "/nodes/pve1/lxc/200/config";
    api.until(config, |config| config["lock"] == "backup").await;
    assert_eq!(api.finish(&reply).await, "OK");
    assert_eq!(api.config(200).await.get("lock"), None);
    let backups = content(&api, "local", "backup").await;
    assert_eq!(backups.len(), 1);
    assert_has(
        &backups[0],
        json!({ "vmid": 200, "subtype": "lxc", "notes": "web on pve1" }),
    );
    let volume = backups[0]["volid"].as_str().unwrap();
    assert!(
        volume.starts_with("local:backup/vzdump-lxc-200-"),
        "{volume}"
    );
    assert!(volume.ends_with(".tar.zst"), "{volume}");

    let restore = [
        ("vmid", "201"),
        ("ostemplate", volume),
        ("restore", "1"),
        ("hostname", "b"),
    ];
    let reply = api.post("/nodes/pve1/lxc", &restore).await;
    assert!(reply.data().as_str().unwrap().contains(":vzrestore:201:"));
    assert_eq!(api.finish(&reply).await, "OK");
    let restored = api.config(201).await;
    assert_has(
        &restored,
        json!({ "cores": 3, "tags": "web", "hostname": "b" }),
    );
    assert_eq!(restored["rootfs"], "local-lvm:vm-201-disk-0,size=8G");
    let again = api.post("/nodes/pve1/lxc", &restore).await;
    assert_eq!(again.failure(), "CT 201 already exists on node 'pve1'");
}

#[tokio::test]
async fn protected_backup_is_kept_and_pruning_limits_backups() {
    let api = api().await;
    api.created(200, &[]).await;
    let dump = async |more: &[(&str, &str)]| {
        let mut form = vec![("vmid", "200"), ("storage", "local")];
        form.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        form.extend(more);
        let reply = api.post("/nodes/pve1/vzdump", &form).await;
        api.finish(&reply).await
    };
    assert_eq!(dump(&[("protected", "1")]).await, "OK");
    let volume = content(&api, "local", "backup").await[0]["volid"].clone();
    let path = format!(
        "/nodes/pve1/storage/local/content/{}",
        volume.as_str().unwrap()
    );
    let refused = api.delete(&path).await;
    let end = api.finish(&refused).await;
    assert!(end.starts_with("cannot remove protected volume"), "{end}");
    api.put(&path, &[("protected", "0"), ("notes", "old")])
        .await
        .data();
    assert_eq!(api.get(&path).await.data()["notes"], "old");
    assert_eq!(
        dump(&[("prune-backups", "keep-last=1"), ("compress", "gzip")]).await,
        "OK"
    );
    assert_eq!(content(&api, "local", "backup").await.len(), 1);
    // A storage without backups and a container that does not exist.
    assert!(
        dump(&[("storage", "local-lvm")])
            .await
            .contains("local-lvm")
    );
    let reply = api.post("/nodes/pve1/vzdump", &[("vmid", "999")]).await;
    assert_eq!(api.finish(&reply).await, "job errors");
}

#[tokio::test]
async fn new_bridge_is_pending_until_reload() {
    let api = api().await;
    let network = "/nodes/pve1/network";
    let form = [
        ("iface", "vmbr7"),
        ("type", "bridge"),
        ("cidr", "10.7.0.1/24"),
    ];
    assert_eq!(api.post(network, &form).await.data(), Value::Null);
    let list = api.get(network).await.json();
    assert!(list["changes"].as_str().unwrap().contains("vmbr7"));
    api.created(200, &[("net0", "name=eth0,bridge=vmbr7")])
        .await;
    let start = "/nodes/pve1/lxc/200/status/start";
    let reply = api.post(start, &[]).await;
    assert_eq!(
        api.finish(&reply).await,
        "startup for container '200' failed"
    );
    let reload = send(api.request(Method::PUT, network)).await;
    assert_eq!(api.finish(&reload).await, "OK");
    assert_eq!(api.get(network).await.json().get("changes"), None);
    let reply = api.post(start, &[]).await;
    assert_eq!(api.finish(&reply).await, "OK");
    let response = api.get("/nodes/pve1/network/vmbr7").await.data();
    assert_has(
        &response,
        json!({ "address": "10.7.0.1", "netmask": "24", "active": 1 }),
    );
    // Pending changes can be reverted.
    api.delete("/nodes/pve1/network/vmbr7").await.data();
    let missing = api.get("/nodes/pve1/network/vmbr7").await;
    assert_eq!(missing.problem("iface"), "interface does not exist");
    api.delete(network).await.data();
    api.get("/nodes/pve1/network/vmbr7").await.data();
}

#[tokio::test]
async fn console_ticket_is_bound_to_port_and_container() {
    let api = api().await;
    api.running(200, &[]).await;
    let data = api.post("/nodes/pve1/lxc/200/termproxy", &[]).await.data();
    assert_has(
        &data,
        json!({ "port": "5900", "user": "root@pam!holdfast" }),
    );
    let ticket = data["ticket"].as_str().unwrap();
    assert!(ticket.starts_with("PVEVNC:"), "{ticket}");
    let check = async |path: &str, port: &str| {
        let form = [
            ("authid", "root@pam!holdfast"),
            ("vncticket", ticket),
            ("path", path),
            ("privs", "VM.Console"),
            ("port", port),
        ];
        api.post("/access/vncticket", &form).await.status
    };
    assert_eq!(check("/vms/200", "5900").await, 200);
    assert_eq!(check("/vms/201", "5900").await, 401);
    assert_eq!(check("/vms/200", "5901").await, 401);
    let next = api.post("/nodes/pve1/lxc/200/termproxy", &[]).await.data();
    assert_eq!(next["port"], "5901");
}

#[tokio::test]
async fn templates_are_downloaded_from_list_and_url() {
    let api = api().await;
    let file = "fedora-42-default_20250428_amd64.tar.xz";
    let list = api.get("/nodes/pve1/aplinfo").await.data();
    let known = list.as_array().unwrap().iter();
    assert!(known.clone().any(|entry| entry["template"] == file));
    let form = [("storage", "local"), ("template", file)];
    let reply = api.post("/nodes/pve1/aplinfo", &form).await;
    assert_eq!(api.finish(&reply).await, "OK");
    api.created(200, &[("ostemplate", &format!("local:vztmpl/{file}"))])
        .await;
    assert_eq!(api.config(200).await["ostype"], "fedora");

    let download = "/nodes/pve1/storage/local/download-url";
    let image = [
        ("content", "iso"),
        ("filename", "a.iso"),
        ("url", "https://example.com/a.iso"),
    ];
    let reply = api.post(download, &image).await;
    assert_eq!(api.finish(&reply).await, "OK");
    assert_eq!(
        content(&api, "local", "iso").await[0]["volid"],
        "local:iso/a.iso"
    );
    let again = api.post(download, &image).await.failure();
    assert!(
        again.starts_with("refusing to override existing file"),
        "{again}"
    );
    let wrong = [
        ("content", "vztmpl"),
        ("filename", "a.iso"),
        ("url", "https://example.com/a.iso"),
    ];
    let problem = api.post(download, &wrong).await.problem("filename");
    assert_eq!(problem, "invalid filename or wrong extension");
}

#[tokio::test]
async fn only_directory_realms_can_be_synchronized() {
    let api = api().await;
    let form = [
        ("realm", "corp"),
        ("type", "ldap"),
        ("server1", "ldap.example.com"),
        ("base_dn", "dc=example,dc=com"),
        ("user_attr", "uid"),
        ("password", "secret"),
    ];
    api.post("/access/domains", &form).await.data();
    let response = api.get("/access/domains/corp").await.data();
    assert_has(&response, json!({ "type": "ldap", "user_attr": "uid" }));
    assert_eq!(response.get("password"), None);
    let reply = api
        .post("/access/domains/corp/sync", &[("scope", "both")])
        .await;
    assert!(
        reply
            .data()
            .as_str()
            .unwrap()
            .contains(":auth-realm-sync:corp:")
    );
    assert_eq!(api.finish(&reply).await, "OK");
    let refused = api.post("/access/domains/pve/sync", &[]).await.failure();
    assert!(refused.contains("Only LDAP/AD realms"), "{refused}");
}

#[tokio::test]
async fn extjs_format_returns_outcome_in_body() {
    let api = api().await;
    let get = async |path: &str| {
        let url = format!("{}/api2/extjs{path}", api.sim.url());
        let token = api.request(Method::GET, "/version").build().unwrap();
        let header = token.headers()["Authorization"].clone();
        send(api.http.get(url).header("Authorization", header)).await
    };
    let good = get("/version").await;
    assert_eq!(good.data()["release"], "9.2");
    assert_eq!(good.json()["success"], 1);
    let bad = get("/nodes/pve1/lxc/999/config").await;
    assert_eq!(bad.status, 200);
    assert_has(
        &bad.json(),
        json!({ "success": 0, "status": 500, "data": null }),
    );
}

#[tokio::test]
async fn cluster_log_lists_tasks_and_rrd_data_exists() {
    let api = api().await;
    api.created(200, &[]).await;
    let log = api.get("/cluster/log?max=1").await.data();
    let message = log[0]["msg"].as_str().unwrap();
    assert!(message.starts_with("end task UPID:pve1:"), "{message}");
    let recent = api.get("/cluster/tasks").await.data();
    assert_eq!(recent[0]["type"], "vzcreate");
    let past = api.get("/nodes/pve1/rrddata?timeframe=hour").await.data();
    assert!(past[69]["cpu"].as_f64().is_some(), "{past}");
}
