//! Out-of-band changes through the control API: containers and reported interfaces.

use crate::control::{controlled, post, post_error, request_control};
use crate::support::assert_has;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn changes_create_move_rename_lock_stop_and_delete_containers() {
    let api = controlled().await;
    let create = json!({ "create": {
        "vmid": 300, "node": "pve1", "hostname": "theirs", "running": true,
    } });
    let created = post(&api, "/changes", create).await["container"].clone();
    assert_has(
        &created,
        json!({ "vmid": 300, "hostname": "theirs", "running": true }),
    );
    assert!(created["leases"]["net0"].is_string(), "{created}");
    let change = async |change: Value| post(&api, "/changes", change).await["container"].clone();
    let moved = change(json!({ "move": { "vmid": 300, "node": "pve2" } })).await;
    assert_eq!(moved["node"], "pve2");
    let renamed = change(json!({ "rename": { "vmid": 300, "hostname": "ours" } })).await;
    assert_eq!(renamed["options"]["hostname"], "ours");
    let locked = change(json!({ "lock": { "vmid": 300, "reason": "migrate" } })).await;
    assert_eq!(locked["lock"], "migrate");
    let unlocked = change(json!({ "unlock": { "vmid": 300 } })).await;
    assert_eq!(unlocked["lock"], Value::Null);
    let stopped = change(json!({ "stop": { "vmid": 300 } })).await;
    assert_eq!(stopped["running"], false);
    change(json!({ "hold_lock": { "vmid": 300, "ms": 1 } })).await;
    let (_, listed) = request_control(&api, Method::GET, "/containers", None).await;
    assert_eq!(listed["containers"][0]["hostname"], "ours");
    let moved_container = api.get("/nodes/pve2/lxc").await.data()[0].clone();
    assert_has(
        &moved_container,
        json!({ "vmid": 300, "name": "ours", "status": "stopped" }),
    );

    let deleted = change(json!({ "delete": { "vmid": 300 } })).await;
    assert_eq!(deleted, Value::Null);
    assert_eq!(api.sim.handle().containers(), []);
}

#[tokio::test]
async fn conflicting_changes_are_rejected() {
    let api = controlled().await;
    let create = json!({ "create": { "vmid": 300, "node": "pve1", "hostname": "theirs" } });
    post(&api, "/changes", create.clone()).await;
    for (body, status, expected) in [
        (create, 409, "container 300 already exists"),
        (
            json!({ "stop": { "vmid": 300 } }),
            409,
            "container 300 is not running",
        ),
        (
            json!({ "stop": { "vmid": 301 } }),
            404,
            "container 301 does not exist",
        ),
        (
            json!({ "move": { "vmid": 300, "node": "pve9" } }),
            404,
            "node pve9 does not exist",
        ),
        (
            json!({ "rename": { "vmid": 300, "hostname": "a_b" } }),
            400,
            "DNS name",
        ),
        (
            json!({ "lock": { "vmid": 300, "reason": "fun" } }),
            400,
            "lock `fun` is not one of backup",
        ),
        (
            json!({ "delete": { "vmid": 300, "force": true } }),
            400,
            "unknown field `force`",
        ),
        (
            json!({ "create": { "vmid": 7, "node": "pve1", "hostname": "a" } }),
            400,
            "7 is not a valid VMID",
        ),
        (
            json!({ "create": { "vmid": 301, "node": "pve1", "hostname": "a", "net0": "x" } }),
            400,
            "net0",
        ),
    ] {
        let (code, error) = post_error(&api, "/changes", body).await;
        assert_eq!(code, status, "{error}");
        assert!(
            error.contains(expected),
            "{error:?} does not contain {expected:?}"
        );
    }
    assert_eq!(api.sim.handle().containers().len(), 1);
}

#[tokio::test]
async fn container_long_poll_reports_changes() {
    let api = controlled().await;
    let (_, before) = request_control(&api, Method::GET, "/containers", None).await;
    let after = |version: &Value| format!("/containers?after={version}");
    let path = after(&before["version"]);
    let waiting = request_control(&api, Method::GET, &path, None);
    let created = async {
        api.running(200, &[]).await;
    };
    let ((_, changed), ()) = tokio::join!(waiting, created);
    assert_ne!(changed["version"], before["version"]);

    let (_, now) = request_control(&api, Method::GET, "/containers", None).await;
    let first = now["containers"][0].clone();
    assert_has(
        &first,
        json!({ "vmid": 200, "running": true, "template_or_image": "debian-13-standard_13.1-2_amd64.tar.zst" }),
    );
    let reboot = api.post("/nodes/pve1/lxc/200/status/reboot", &[]).await;
    assert_eq!(api.finish(&reboot).await, "OK");
    let (_, now) = request_control(&api, Method::GET, &after(&now["version"]), None).await;
    assert!(now["containers"][0]["pid"].is_u64());
    assert_ne!(now["containers"][0]["pid"], first["pid"]);
    let (status, error) = request_control(&api, Method::GET, "/containers?after=x", None).await;
    assert_eq!(status, 400, "{error}");
}

#[tokio::test]
async fn reported_interfaces_are_returned_until_next_start() {
    let api = controlled().await;
    const NET0: &str = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:0A,ip=dhcp";
    let report = |addresses: &[&str]| json!({ "vmid": 200, "interfaces": [{ "hwaddr": "BC:24:11:00:00:0A", "addresses": addresses }] });
    let (code, message) = post_error(&api, "/interfaces", report(&[])).await;
    assert_eq!(
        (code, message.as_str()),
        (404, "container 200 does not exist")
    );
    api.created(200, &[("net0", NET0)]).await;
    let (code, message) = post_error(&api, "/interfaces", report(&[])).await;
    assert_eq!(
        (code, message.as_str()),
        (409, "container 200 is not running")
    );
    post(&api, "/conditions", json!({ "dhcp": "never" })).await;
    let start = api.post("/nodes/pve1/lxc/200/status/start", &[]).await;
    assert_eq!(api.finish(&start).await, "OK");

    post(&api, "/interfaces", report(&["10.20.7.7/16", "fd00::7/64"])).await;
    let path = "/nodes/pve1/lxc/200/interfaces";
    let response = api.get(path).await.data();
    assert_has(
        &response[1],
        json!({ "name": "eth0", "hwaddr": "bc:24:11:00:00:0a", "inet": "10.20.7.7/16", "inet6": "fd00::7/64" }),
    );
    assert_eq!(response[1]["ip-addresses"].as_array().unwrap().len(), 2);

    for (body, expected) in [
        (report(&["10.20.7.7"]), "prefix length"),
        (report(&["10.20.7.7/33"]), "prefix length"),
        (
            json!({ "vmid": 200, "interfaces": [{ "hwaddr": "BC:24:11:00:00:0B", "addresses": [] }] }),
            "no interface with the MAC address bc:24:11:00:00:0b",
        ),
    ] {
        let (code, error) = post_error(&api, "/interfaces", body).await;
        assert_eq!(code, 400, "{error}");
        assert!(
            error.contains(expected),
            "{error:?} does not contain {expected:?}"
        );
    }

    let reboot = api.post("/nodes/pve1/lxc/200/status/reboot", &[]).await;
    assert_eq!(api.finish(&reboot).await, "OK");
    let response = api.get(path).await.data();
    assert_eq!(response[1].get("inet"), None, "{response}");
}
