//! The control API: faults, conditions and changes as JSON on a loopback listener.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::support::{TestApi, api, api_with, assert_has, send};
use proxmox_sim::{Config, StartError, Transport};
use reqwest::{Client, Method};
use serde_json::{Value, json};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn controlled() -> TestApi {
    let mut config = Config::test();
    config.control = Some(LOCAL);
    api_with(config).await
}

/// Status and body of a response of the control API.
async fn request_control(
    api: &TestApi,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let url = format!("{}{path}", api.sim.control_url().unwrap());
    let mut request = api.http.request(method, url);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let reply = send(request).await;
    (reply.status, reply.json())
}

async fn post(api: &TestApi, path: &str, body: Value) -> Value {
    let (status, response) = request_control(api, Method::POST, path, Some(body)).await;
    assert!((200..300).contains(&status), "{status} {response}");
    response
}

async fn post_error(api: &TestApi, path: &str, body: Value) -> (u16, String) {
    let (status, response) = request_control(api, Method::POST, path, Some(body)).await;
    let message = response["error"].as_str();
    (
        status,
        message.unwrap_or_else(|| panic!("{response}")).to_owned(),
    )
}

fn fault(method: &str, path: &str, effect: Value) -> Value {
    json!({ "method": method, "path": path, "effect": effect })
}

#[tokio::test]
async fn control_api_requires_configuration_and_loopback_address() {
    let plain = api().await;
    assert_eq!(plain.sim.control_url(), None);
    for path in ["/faults", "/api2/json/faults", "/containers"] {
        let url = format!("{}{path}", plain.sim.url());
        let reply = send(plain.http.get(url)).await;
        assert!([401, 501].contains(&reply.status), "{reply:?}");
    }
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8007"] {
        let mut config = Config::test();
        config.control = Some(address.parse().unwrap());
        match proxmox_sim::start(config).await {
            Err(refusal @ StartError::ControlNotLocal { .. }) => {
                let message = refusal.to_string();
                assert!(message.contains("other machines"), "{message}");
            }
            Err(other) => panic!("{address}: {other}"),
            Ok(_) => panic!("{address} was accepted"),
        }
    }
    let mut config = Config::test();
    config.control = Some("[::1]:0".parse().unwrap());
    if let Err(problem) = proxmox_sim::start(config).await {
        // Hosts without IPv6 fail to bind, but the address must not be rejected as non-local.
        assert!(matches!(problem, StartError::Listen { .. }), "{problem}");
    }
}

#[tokio::test]
async fn every_effect_can_be_injected_listed_and_cleared() {
    let api = controlled().await;
    let effects = [
        json!({ "answer": { "status": 500, "message": "no" } }),
        json!({ "delay": { "ms": 1 } }),
        json!("drop"),
        json!("drop_answer"),
        json!("hang"),
        json!({ "fail_task": { "message": "no" } }),
        json!("storage_full"),
        json!("lock_timeout"),
    ];
    let all: Vec<Value> = effects
        .into_iter()
        .map(|effect| fault("POST", "/nodes/{node}/lxc", effect))
        .collect();
    for (index, one) in all.iter().enumerate() {
        let (status, response) =
            request_control(&api, Method::POST, "/faults", Some(one.clone())).await;
        assert_eq!((status, response), (201, json!({ "waiting": index + 1 })));
    }
    let (_, listed) = request_control(&api, Method::GET, "/faults", None).await;
    assert_eq!(listed, json!({ "faults": all }));
    assert_eq!(api.create(200, &[]).await.failure(), "no");
    assert_eq!(api.sim.handle().faults_left(), all.len() - 1);
    let (_, forgotten) = request_control(&api, Method::DELETE, "/faults", None).await;
    assert_eq!(forgotten, json!({ "forgotten": all.len() - 1 }));
    assert_eq!(api.sim.handle().pending_faults(), []);
}

#[tokio::test]
async fn injected_effects_affect_requests() {
    let api = controlled().await;
    let lxc = "/nodes/{node}/lxc";
    post(&api, "/faults", fault("POST", lxc, json!("storage_full"))).await;
    let reply = api.create(200, &[]).await;
    let error = api.finish(&reply).await;
    assert!(error.contains("free space in thin pool"), "{error}");

    let effect = json!({ "fail_task": { "message": "no luck" } });
    post(&api, "/faults", fault("POST", lxc, effect)).await;
    let reply = api.create(200, &[]).await;
    let error = api.finish(&reply).await;
    assert_eq!(error, "unable to create CT 200 - no luck");

    api.created(200, &[]).await;
    let config = "/nodes/{node}/lxc/{vmid}/config";
    post(&api, "/faults", fault("PUT", config, json!("lock_timeout"))).await;
    let config = "/nodes/pve1/lxc/200/config";
    let error = api.put(config, &[("cores", "2")]).await.failure();
    assert!(error.ends_with("got timeout"), "{error}");

    post(&api, "/faults", fault("GET", "/version", json!("drop"))).await;
    assert!(api.request(Method::GET, "/version").send().await.is_err());
    let late = json!({ "delay": { "ms": 200 } });
    post(&api, "/faults", fault("GET", "/version", late)).await;
    let begin = Instant::now();
    assert_eq!(api.get("/version").await.status, 200);
    assert!(begin.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn invalid_faults_are_rejected_with_message() {
    let api = controlled().await;
    let drop = || json!("drop");
    let mut more = fault("GET", "/version", drop());
    more["often"] = json!(3);
    let within = json!({ "delay": { "ms": 1, "jitter": 2 } });
    for (path, body, expected) in [
        ("/faults", more, "unknown field `often`"),
        (
            "/faults",
            fault("GET", "/version", within),
            "unknown field `jitter`",
        ),
        (
            "/faults",
            fault("GET", "/version", json!("explode")),
            "unknown variant `explode`",
        ),
        (
            "/faults",
            fault("GET", "/version", json!({ "delay": { "ms": -1 } })),
            "-1",
        ),
        (
            "/faults",
            fault("GET", "/version", json!({ "delay": { "ms": 86_400_001 } })),
            "a day",
        ),
        (
            "/faults",
            fault("PATCH", "/version", drop()),
            "`PATCH` is no method",
        ),
        (
            "/faults",
            fault("GET", "/api2/json/version", drop()),
            "is no path behind",
        ),
        (
            "/faults",
            fault("GET", "version", drop()),
            "is no path behind",
        ),
        (
            "/faults",
            json!({ "method": "GET" }),
            "missing field `path`",
        ),
        (
            "/faults",
            fault(
                "GET",
                "/version",
                json!({ "answer": { "status": 99, "message": "" } }),
            ),
            "99 is no status",
        ),
    ] {
        let (status, error) = post_error(&api, path, body).await;
        assert_eq!(status, 400, "{error}");
        assert!(
            error.contains(expected),
            "{error:?} does not contain {expected:?}"
        );
    }
    assert_eq!(api.sim.handle().faults_left(), 0);
}

#[tokio::test]
async fn invalid_conditions_and_changes_are_rejected() {
    let api = controlled().await;
    for (path, body, expected) in [
        ("/conditions", json!({}), "one of quorum, dhcp"),
        ("/conditions", json!({ "quorum": "no" }), "invalid type"),
        (
            "/conditions",
            json!({ "dhcpd": "never" }),
            "unknown field `dhcpd`",
        ),
        (
            "/conditions",
            json!({ "dhcp": { "late": {} } }),
            "missing field `ms`",
        ),
        (
            "/conditions",
            json!({ "certificate": "forge" }),
            "unknown variant `forge`",
        ),
        (
            "/changes",
            json!({ "explode": { "vmid": 1 } }),
            "unknown variant `explode`",
        ),
        ("/changes", json!([]), "expected value"),
    ] {
        let (status, error) = post_error(&api, path, body).await;
        assert_eq!(status, 400, "{error}");
        assert!(
            error.contains(expected),
            "{error:?} does not contain {expected:?}"
        );
    }
    let (status, _) = request_control(&api, Method::GET, "/", None).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn cross_origin_browser_requests_are_rejected() {
    let api = controlled().await;
    let url = format!("{}/conditions", api.sim.control_url().unwrap());
    let form = api.http.post(&url).header("Content-Type", "text/plain");
    let reply = send(form.body(r#"{"quorum":false}"#)).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("Content-Type"), "{reply:?}");
    assert!(api.sim.handle().is_quorate());
    let preflight = send(api.http.request(Method::OPTIONS, &url)).await;
    assert_eq!(preflight.status, 405);
    let large_body = "x".repeat(70_000);
    let large = api
        .http
        .post(&url)
        .header("Content-Type", "application/json");
    assert_eq!(send(large.body(large_body)).await.status, 413);
}

#[tokio::test]
async fn conditions_persist_until_changed() {
    let api = controlled().await;
    let (_, response) = request_control(&api, Method::GET, "/conditions", None).await;
    let normal = json!({ "quorum": true, "dhcp": "normal", "fingerprint": null });
    assert_eq!(response, normal);
    let worse = json!({ "quorum": false, "dhcp": { "late": { "ms": 60_000 } } });
    let response = post(&api, "/conditions", worse.clone()).await;
    assert_has(&response, worse);
    let message = "cluster not ready - no quorum?";
    assert_eq!(api.create(200, &[]).await.failure(), message);
    assert_eq!(api.create(200, &[]).await.failure(), message);
    post(
        &api,
        "/conditions",
        json!({ "quorum": true, "dhcp": "never" }),
    )
    .await;
    api.running(200, &[]).await;
    let interfaces = api.get("/nodes/pve1/lxc/200/interfaces").await.data();
    assert_eq!(interfaces[1].get("inet"), None);
    let response = post(&api, "/conditions", json!({ "dhcp": "normal" })).await;
    assert_eq!(response, normal);
    let path = "/nodes/pve1/lxc/200/interfaces";
    api.until(path, |all| all[1]["inet"].is_string()).await;
}

#[tokio::test]
async fn certificate_renewal_requires_tls() {
    let plain = controlled().await;
    let renew = || json!({ "certificate": "renew", "quorum": false });
    let (status, error) = post_error(&plain, "/conditions", renew()).await;
    assert_eq!(status, 409, "{error}");
    assert!(plain.sim.handle().is_quorate(), "no condition is changed");
    let mut config = Config::test();
    config.control = Some(LOCAL);
    config.transport = Transport::Tls;
    let api = api_with(config).await;
    let before = api.sim.fingerprint();
    let response = post(&api, "/conditions", renew()).await;
    assert_ne!(api.sim.fingerprint(), before);
    assert_eq!(response["fingerprint"], json!(api.sim.fingerprint()));
}

#[tokio::test]
async fn control_api_stays_online_during_node_restart() {
    let api = controlled().await;
    let unknown_node = json!({ "restart": { "node": "pve9", "away_ms": 1 } });
    let (status, error) = post_error(&api, "/conditions", unknown_node).await;
    assert_eq!((status, error.as_str()), (404, "there is no node pve9"));
    let restart = json!({ "restart": { "node": "pve1", "away_ms": 86_400_000 } });
    post(&api, "/conditions", restart).await;
    let refused = api.request(Method::GET, "/version").send().await;
    assert!(refused.unwrap_err().is_connect());
    let (status, _) = request_control(&api, Method::GET, "/containers", None).await;
    assert_eq!(status, 200);
    let restart = json!({ "restart": { "node": "pve1", "away_ms": 1 } });
    post(&api, "/conditions", restart).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while api.request(Method::GET, "/version").send().await.is_err() {
        assert!(Instant::now() < deadline, "node is still offline");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn changes_create_move_rename_lock_stop_and_delete_containers() {
    let api = controlled().await;
    let make = json!({ "make": {
        "vmid": 300, "node": "pve1", "hostname": "theirs", "running": true,
    } });
    let created = post(&api, "/changes", make).await["container"].clone();
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
    let make = json!({ "make": { "vmid": 300, "node": "pve1", "hostname": "theirs" } });
    post(&api, "/changes", make.clone()).await;
    for (body, status, expected) in [
        (make, 409, "there is a container 300 already"),
        (
            json!({ "stop": { "vmid": 300 } }),
            409,
            "container 300 is not running",
        ),
        (
            json!({ "stop": { "vmid": 301 } }),
            404,
            "there is no container 301",
        ),
        (
            json!({ "move": { "vmid": 300, "node": "pve9" } }),
            404,
            "there is no node pve9",
        ),
        (
            json!({ "rename": { "vmid": 300, "hostname": "a_b" } }),
            400,
            "DNS name",
        ),
        (
            json!({ "lock": { "vmid": 300, "reason": "fun" } }),
            400,
            "`fun` is none of backup",
        ),
        (
            json!({ "delete": { "vmid": 300, "force": true } }),
            400,
            "unknown field `force`",
        ),
        (
            json!({ "make": { "vmid": 7, "node": "pve1", "hostname": "a" } }),
            400,
            "7 is no number",
        ),
        (
            json!({ "make": { "vmid": 301, "node": "pve1", "hostname": "a", "net0": "x" } }),
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
        json!({ "vmid": 200, "running": true, "source": "debian-13-standard_13.1-2_amd64.tar.zst" }),
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
    assert_eq!((code, message.as_str()), (404, "there is no container 200"));
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
            "no interface with the hardware address bc:24:11:00:00:0b",
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

#[tokio::test]
async fn control_api_stops_with_simulator() {
    let api = controlled().await;
    let url = format!("{}/containers", api.sim.control_url().unwrap());
    api.sim.stop().await;
    let client = Client::builder().no_proxy().build().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.get(&url).send().await.is_ok() {
        assert!(Instant::now() < deadline, "control API is still online");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
