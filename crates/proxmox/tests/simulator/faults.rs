//! Behavior when the cluster is unreachable, slow, or returns errors.

use std::time::Duration;

use proxmox::{DeleteLxc, Error, Timeouts};
use proxmox_sim::{Config, Effect, Fault, Sim, TEST_SECRET};

use crate::{LONG, client, create_container, debian_container, start, start_with};

fn inject(sim: &Sim, method: &str, path: &str, effect: Effect) {
    sim.handle().inject(Fault {
        method: method.to_owned(),
        path: path.to_owned(),
        effect,
    });
}

#[tokio::test]
async fn cluster_becomes_unreachable_and_recovers() {
    let (sim, client) = start().await;
    client.version().await.unwrap();
    sim.handle().close_listener().await;
    let error = client.version().await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { .. }) && error.is_transient(),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        format!("Proxmox at {} is unreachable.", sim.url())
    );
    sim.handle().reopen_listener().await;
    client.version().await.unwrap();
}

#[tokio::test]
async fn wait_survives_unreachable_cluster() {
    let mut config = Config::test();
    config.delays.create = Duration::from_millis(400);
    let (sim, client) = start_with(config).await;
    let upid = client
        .create_lxc("pve1", &debian_container(700))
        .await
        .unwrap();
    sim.handle().close_listener().await;
    let wait = client.wait_task(&upid, LONG, |_| ());
    let recovery = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sim.handle().reopen_listener().await;
    };
    let (exit, ()) = tokio::join!(wait, recovery);
    exit.unwrap();
}

#[tokio::test]
async fn wait_reports_unreachable_cluster_on_timeout() {
    let (sim, client) = start().await;
    let upid = client
        .create_lxc("pve1", &debian_container(701))
        .await
        .unwrap();
    sim.handle().close_listener().await;
    let error = client
        .wait_task(&upid, Duration::from_millis(300), |_| ())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn offline_node_is_distinguished_from_unreachable_cluster() {
    let (sim, client) = start().await;
    sim.handle().set_node_online("pve2", false);
    let error = client.lxc_list("pve2").await.unwrap_err();
    assert!(
        matches!(error, Error::NodeUnreachable { .. }) && error.is_transient(),
        "{error:?}"
    );
    client.lxc_list("pve1").await.unwrap();
    sim.handle().set_node_online("pve2", true);
    client.lxc_list("pve2").await.unwrap();
}

#[tokio::test]
async fn read_is_retried_and_write_reports_unknown_outcome() {
    let (sim, client) = start().await;
    inject(&sim, "GET", "/cluster/nextid", Effect::Drop);
    assert_eq!(client.next_id().await.unwrap().get(), 100);
    assert_eq!(sim.handle().pending_fault_count(), 0);

    let vmid = create_container(&client, 702).await;
    inject(
        &sim,
        "DELETE",
        "/nodes/{node}/lxc/{vmid}",
        Effect::DropResponse,
    );
    let error = client
        .delete_lxc("pve1", vmid, DeleteLxc::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { .. }) && error.may_have_executed(),
        "{error:?}"
    );
    let request_counts = sim.handle().request_counts();
    assert_eq!(
        request_counts.get("DELETE /nodes/pve1/lxc/702"),
        Some(&1),
        "{request_counts:?}"
    );
}

#[tokio::test]
async fn missing_response_times_out() {
    let (sim, _) = start().await;
    let response = Duration::from_millis(100);
    let client = client(
        &sim,
        TEST_SECRET,
        Timeouts {
            response,
            ..Timeouts::default()
        },
    );
    inject(&sim, "GET", "/version", Effect::Hang);
    let error = client.version().await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { after, .. } if after == response),
        "{error:?}"
    );
    client.version().await.unwrap();
}

#[tokio::test]
async fn error_keeps_proxmox_message() {
    let (sim, client) = start().await;
    let message = "cluster not ready - no quorum?".to_owned();
    inject(
        &sim,
        "POST",
        "/nodes/{node}/lxc",
        Effect::Respond {
            status: 500,
            message,
        },
    );
    let error = client
        .create_lxc("pve1", &debian_container(703))
        .await
        .unwrap_err();
    assert_eq!(
        error.proxmox_message(),
        Some("cluster not ready - no quorum?")
    );
    assert!(matches!(error, Error::Refused { status: 500, .. }) && error.is_transient());

    let message = "Permission check failed (/vms/703, VM.Allocate)".to_owned();
    inject(
        &sim,
        "POST",
        "/nodes/{node}/lxc",
        Effect::Respond {
            status: 403,
            message,
        },
    );
    let error = client
        .create_lxc("pve1", &debian_container(703))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
    assert_eq!(
        error.proxmox_message(),
        Some("Permission check failed (/vms/703, VM.Allocate)")
    );
}

#[tokio::test]
async fn failed_task_carries_message_and_log_tail() {
    let (sim, client) = start().await;
    let message = "unable to create CT 704 - no space left on device".to_owned();
    inject(
        &sim,
        "POST",
        "/nodes/{node}/lxc",
        Effect::FailTask(message.clone()),
    );
    let upid = client
        .create_lxc("pve1", &debian_container(704))
        .await
        .unwrap();
    let error = client.wait_task(&upid, LONG, |_| ()).await.unwrap_err();
    let Error::TaskFailed {
        exitstatus,
        log_tail,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert!(
        exitstatus.contains("no space left on device"),
        "{exitstatus}"
    );
    let last = log_tail.last().unwrap();
    assert!(
        last.starts_with("TASK ERROR: ") && last.contains("no space left"),
        "{last}"
    );
    assert!(!error.is_transient() && !error.is_not_found());
}
