//! Injected faults.

use std::time::{Duration, Instant};

use crate::support::{TestApi, api};
use proxmox_sim::{Effect, Fault};
use reqwest::Method;

fn inject(api: &TestApi, method: &str, path: &str, effect: Effect) {
    api.sim.handle().inject(Fault {
        method: method.into(),
        path: path.into(),
        effect,
    });
}

#[tokio::test]
async fn injected_response_replaces_real_one() {
    let api = api().await;
    let effect = Effect::Respond {
        status: 500,
        message: "cluster not ready - no quorum?".into(),
    };
    inject(&api, "GET", "/nodes/{node}/lxc", effect);
    assert_eq!(
        api.get("/nodes").await.status,
        200,
        "other requests are not affected"
    );
    assert_eq!(
        api.get("/nodes/pve1/lxc").await.failure(),
        "cluster not ready - no quorum?"
    );
    assert_eq!(
        api.get("/nodes/pve1/lxc").await.status,
        200,
        "the fault affects one request only"
    );
    assert_eq!(api.sim.handle().pending_fault_count(), 0);
}

#[tokio::test]
async fn injected_delay_delays_response() {
    let api = api().await;
    inject(
        &api,
        "GET",
        "/version",
        Effect::Delay(Duration::from_millis(200)),
    );
    let begin = Instant::now();
    assert_eq!(api.get("/version").await.status, 200);
    assert!(begin.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn connection_can_be_dropped_before_or_after_processing() {
    let api = api().await;
    let create = async || {
        let form = [
            ("vmid", "200"),
            ("ostemplate", crate::support::DEBIAN),
            ("rootfs", "local-lvm:1"),
        ];
        api.request(Method::POST, "/nodes/pve1/lxc")
            .form(&form)
            .send()
            .await
    };
    inject(&api, "POST", "/nodes/{node}/lxc", Effect::Drop);
    assert!(create().await.is_err());
    assert_eq!(api.sim.handle().containers(), []);
    inject(&api, "POST", "/nodes/{node}/lxc", Effect::DropResponse);
    assert!(create().await.is_err());
    let exists = |all: &serde_json::Value| all[0]["vmid"] == 200;
    api.until("/nodes/pve1/lxc", exists).await;
}

#[tokio::test]
async fn request_can_hang() {
    let api = api().await;
    inject(&api, "GET", "/version", Effect::Hang);
    let request = api
        .request(Method::GET, "/version")
        .timeout(Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(api.get("/version").await.status, 200);
}

#[tokio::test]
async fn injected_task_failure_triggers_cleanup() {
    let api = api().await;
    let message = "lvcreate 'pve/vm-200-disk-0' error: out of data space";
    inject(
        &api,
        "POST",
        "/nodes/{node}/lxc",
        Effect::FailTask(message.into()),
    );
    let reply = api.create(200, &[]).await;
    assert_eq!(
        api.finish(&reply).await,
        format!("unable to create CT 200 - {message}")
    );
    assert_eq!(api.sim.handle().containers(), []);
    api.created(200, &[]).await;
    let start = "/nodes/{node}/lxc/{vmid}/status/start";
    inject(
        &api,
        "POST",
        start,
        Effect::FailTask("startup for container '200' failed".into()),
    );
    let reply = api.post("/nodes/pve1/lxc/200/status/start", &[]).await;
    assert_eq!(
        api.finish(&reply).await,
        "startup for container '200' failed"
    );
    assert!(!api.sim.handle().container(200).unwrap().running);
}

#[tokio::test]
async fn faults_are_applied_in_order_and_can_be_cleared() {
    let api = api().await;
    for status in [500, 595, 500] {
        inject(
            &api,
            "GET",
            "/version",
            Effect::Respond {
                status,
                message: "no".into(),
            },
        );
    }
    assert_eq!(api.get("/version").await.status, 500);
    assert_eq!(api.get("/version").await.status, 595);
    api.sim.handle().clear_faults();
    assert_eq!(api.get("/version").await.status, 200);
}

#[tokio::test]
async fn cluster_can_go_offline_and_return_on_same_port() {
    let api = api().await;
    api.created(200, &[]).await;
    let address = api.sim.address();
    api.sim.handle().close_listener().await;
    let error = api
        .request(Method::GET, "/version")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    api.sim.handle().reopen_listener().await;
    assert_eq!(api.sim.address(), address);
    assert_eq!(api.get("/nodes/pve1/lxc").await.data()[0]["vmid"], 200);
}
