//! Tasks: list, log, wait and stop.

use std::{slice::from_ref, time::Duration};

use proxmox::{Error, TaskExit, TaskFilter, TaskSource, TaskState, Upid};
use proxmox_sim::Config;

use crate::{LONG, create_container, debian_container, expect_success, start, start_with, vmid};

/// A cluster in which creating a container takes longer than any test.
fn slow() -> Config {
    let mut config = Config::test();
    config.delays.create = LONG * 10;
    config
}

#[tokio::test]
async fn wait_forwards_each_log_line_once() {
    let (_sim, client) = start().await;
    let upid = client
        .create_lxc("pve1", &debian_container(500))
        .await
        .unwrap();
    assert_eq!(
        (upid.node(), upid.kind(), upid.id()),
        ("pve1", "vzcreate", "500")
    );
    let mut lines = Vec::new();
    let exit = client
        .wait_task(&upid, LONG, |new| lines.extend_from_slice(new))
        .await
        .unwrap();
    assert_eq!(exit, TaskExit::Ok);
    let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
    assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>());
    assert_eq!(lines.last().unwrap().text, "TASK OK");

    // The whole log again, and the part after a line in the middle.
    let page = client.task_log(&upid, 0).await.unwrap();
    assert_eq!((&page.lines, page.total), (&lines, lines.len() as u64));
    let rest = client.task_log(&upid, page.total - 1).await.unwrap();
    assert_eq!(rest.lines, lines[lines.len() - 1..]);
    assert_eq!(client.task_log(&upid, page.total).await.unwrap().lines, []);
    let status = client.task_status(&upid).await.unwrap();
    assert_eq!(
        (status.upid, status.state),
        (upid, TaskState::Ended(TaskExit::Ok))
    );
}

#[tokio::test]
async fn node_lists_running_and_ended_tasks() {
    let (_sim, client) = start_with(slow()).await;
    let running = client
        .create_lxc("pve1", &debian_container(501))
        .await
        .unwrap();
    let ended = client.start_lxc("pve1", vmid(555)).await.unwrap();
    client.wait_task(&ended, LONG, |_| ()).await.unwrap_err();
    let list = async |filter: TaskFilter| {
        let entries = client.tasks("pve1", &filter).await.unwrap();
        entries
            .into_iter()
            .map(|entry| entry.upid)
            .collect::<Vec<_>>()
    };
    let source = |source| TaskFilter {
        source,
        ..TaskFilter::default()
    };
    assert_eq!(list(source(TaskSource::Active)).await, from_ref(&running));
    assert_eq!(list(source(TaskSource::Archive)).await, from_ref(&ended));
    assert_eq!(list(TaskFilter::default()).await.len(), 2);
    let of_guest = TaskFilter {
        vmid: Some(vmid(501)),
        ..TaskFilter::default()
    };
    assert_eq!(list(of_guest).await, from_ref(&running));
    let starts = TaskFilter {
        kind: Some("vzstart".to_owned()),
        ..TaskFilter::default()
    };
    assert_eq!(list(starts).await, from_ref(&ended));

    let entries = client.tasks("pve1", &TaskFilter::default()).await.unwrap();
    let entry = |upid: &Upid| entries.iter().find(|entry| entry.upid == *upid).unwrap();
    assert_eq!(
        (entry(&running).state.clone(), entry(&running).ended),
        (TaskState::Running, None)
    );
    let TaskState::Ended(TaskExit::Failed(message)) = &entry(&ended).state else {
        panic!()
    };
    assert!(message.contains("does not exist"), "{message}");
}

#[tokio::test]
async fn wait_times_out_and_task_continues_until_killed() {
    let (sim, client) = start_with(slow()).await;
    let upid = client
        .create_lxc("pve1", &debian_container(502))
        .await
        .unwrap();
    let wait = Duration::from_millis(150);
    let error = client.wait_task(&upid, wait, |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::StillRunning { .. }), "{error:?}");
    assert_eq!(
        client.task_status(&upid).await.unwrap().state,
        TaskState::Running
    );

    client.kill_task(&upid).await.unwrap();
    let error = client.wait_task(&upid, LONG, |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::TaskFailed { .. }), "{error:?}");
    assert!(
        sim.handle()
            .container(502)
            .is_none_or(|container| !container.running)
    );
}

#[tokio::test]
async fn unknown_task_is_not_found() {
    let (_sim, client) = start().await;
    let unknown = "UPID:pve1:00000001:00000001:6B00B574:vzcreate:100:root@pam:";
    let unknown: Upid = unknown.parse().unwrap();
    for error in [
        client.task_status(&unknown).await.unwrap_err(),
        client.wait_task(&unknown, LONG, |_| ()).await.unwrap_err(),
        client.kill_task(&unknown).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    }
    assert_eq!(client.task_log(&unknown, 0).await.unwrap().lines, []);
}

#[tokio::test]
async fn containers_are_created_concurrently() {
    let (sim, client) = start().await;
    let creations = (600..620).map(|number| {
        let client = client.clone();
        tokio::spawn(async move { create_container(&client, number).await })
    });
    for creation in creations.collect::<Vec<_>>() {
        creation.await.unwrap();
    }
    assert_eq!(sim.handle().containers().len(), 20);
    expect_success(&client, client.start_lxc("pve1", vmid(619)).await).await;
}
