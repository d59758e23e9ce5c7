//! The control API: faults, conditions and changes as JSON on a loopback listener.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::support::{TestApi, api, api_with, assert_has, send};
use proxmox_sim::{Config, StartError, Transport};
use reqwest::{Client, Method};
use serde_json::{Value, json};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

pub async fn controlled() -> TestApi {
    let mut config = Config::test();
    config.control = Some(LOCAL);
    api_with(config).await
}

/// Status and body of a response of the control API.
pub async fn request_control(
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

pub async fn post(api: &TestApi, path: &str, body: Value) -> Value {
    let (status, response) = request_control(api, Method::POST, path, Some(body)).await;
    assert!((200..300).contains(&status), "{status} {response}");
    response
}

pub async fn post_error(api: &TestApi, path: &str, body: Value) -> (u16, String) {
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
        json!({ "respond": { "status": 500, "message": "no" } }),
        json!({ "delay": { "ms": 1 } }),
        json!("drop"),
        json!("drop_response"),
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
        assert_eq!((status, response), (201, json!({ "pending": index + 1 })));
    }
    let (_, listed) = request_control(&api, Method::GET, "/faults", None).await;
    assert_eq!(listed, json!({ "faults": all }));
    assert_eq!(api.create(200, &[]).await.failure(), "no");
    assert_eq!(api.sim.handle().pending_fault_count(), all.len() - 1);
    let (_, cleared) = request_control(&api, Method::DELETE, "/faults", None).await;
    assert_eq!(cleared, json!({ "cleared": all.len() - 1 }));
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
    let get = |effect| fault("GET", "/version", effect);
    let bad_status = json!({ "respond": { "status": 99, "message": "" } });
    let within = json!({ "delay": { "ms": 1, "jitter": 2 } });
    for (body, expected) in [
        (more, "unknown field `often`"),
        (get(within), "unknown field `jitter`"),
        (get(json!("explode")), "unknown variant `explode`"),
        (get(json!({ "delay": { "ms": -1 } })), "-1"),
        (get(json!({ "delay": { "ms": 86_400_001 } })), "a day"),
        (
            fault("PATCH", "/version", drop()),
            "`PATCH` is not a method",
        ),
        (
            fault("GET", "/api2/json/version", drop()),
            "is not a path below",
        ),
        (fault("GET", "version", drop()), "is not a path below"),
        (json!({ "method": "GET" }), "missing field `path`"),
        (get(bad_status), "99 is not a valid response status"),
    ] {
        let (status, error) = post_error(&api, "/faults", body).await;
        assert_eq!(status, 400, "{error}");
        assert!(
            error.contains(expected),
            "{error:?} does not contain {expected:?}"
        );
    }
    assert_eq!(api.sim.handle().pending_fault_count(), 0);
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
    let unknown_node = json!({ "restart": { "node": "pve9", "downtime_ms": 1 } });
    let (status, error) = post_error(&api, "/conditions", unknown_node).await;
    assert_eq!((status, error.as_str()), (404, "node pve9 does not exist"));
    let restart = json!({ "restart": { "node": "pve1", "downtime_ms": 86_400_000 } });
    post(&api, "/conditions", restart).await;
    let refused = api.request(Method::GET, "/version").send().await;
    assert!(refused.unwrap_err().is_connect());
    let (status, _) = request_control(&api, Method::GET, "/containers", None).await;
    assert_eq!(status, 200);
    let restart = json!({ "restart": { "node": "pve1", "downtime_ms": 1 } });
    post(&api, "/conditions", restart).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while api.request(Method::GET, "/version").send().await.is_err() {
        assert!(Instant::now() < deadline, "node is still offline");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
