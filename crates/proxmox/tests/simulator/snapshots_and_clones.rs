//! Snapshots, clones and migrations.

use proxmox::{CloneDisks, CloneLxc, Error, LxcFeature, MigrateLxc, SnapshotName};

use crate::{LONG, create_container, expect_success, start, vmid};

#[tokio::test]
async fn snapshot_is_created_rolled_back_and_deleted() {
    let (_sim, client) = start().await;
    let vmid = create_container(&client, 800).await;
    let name: SnapshotName = "before".parse().unwrap();
    let has = client
        .lxc_supports("pve1", vmid, LxcFeature::Snapshot)
        .await;
    assert!(has.unwrap());
    assert!(client.snapshots("pve1", vmid).await.unwrap().is_empty());

    let record = client
        .create_snapshot("pve1", vmid, &name, Some("a\nb"))
        .await;
    expect_success(&client, record).await;
    let list = client.snapshots("pve1", vmid).await.unwrap();
    assert_eq!((list.len(), list[0].name.as_str()), (1, "before"));
    assert!(list[0].snaptime.is_some());
    let config = client.snapshot_config("pve1", vmid, &name).await.unwrap();
    assert_eq!(config.hostname.as_deref(), Some("ct800"));
    client
        .set_snapshot_description("pve1", vmid, &name, "other")
        .await
        .unwrap();
    let list = client.snapshots("pve1", vmid).await.unwrap();
    let description = list[0].description.as_deref().unwrap();
    assert_eq!(description.trim_end(), "other");

    expect_success(
        &client,
        client.rollback_snapshot("pve1", vmid, &name, false).await,
    )
    .await;
    expect_success(
        &client,
        client.delete_snapshot("pve1", vmid, &name, false).await,
    )
    .await;
    let missing = client.rollback_snapshot("pve1", vmid, &name, false).await;
    let error = client
        .wait_task(&missing.unwrap(), LONG, |_| ())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TaskFailed { .. }), "{error:?}");
}

#[tokio::test]
async fn container_is_cloned_and_used_vmid_rejected() {
    let (_sim, client) = start().await;
    let original = create_container(&client, 810).await;
    let clone = CloneLxc {
        hostname: Some("copy".to_owned()),
        disks: CloneDisks::Full { storage: None },
        ..CloneLxc::new(vmid(811))
    };
    expect_success(&client, client.clone_lxc("pve1", original, &clone).await).await;
    let config = client.lxc_config("pve1", vmid(811)).await.unwrap();
    assert_eq!(config.hostname.as_deref(), Some("copy"));
    let error = client
        .clone_lxc("pve1", original, &CloneLxc::new(vmid(811)))
        .await
        .unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn container_migrates_to_another_node() {
    let (_sim, client) = start().await;
    let vmid = create_container(&client, 820).await;
    let choices = client.migrate_preconditions("pve1", vmid).await.unwrap();
    assert!(!choices.running);
    let mut migrate = MigrateLxc {
        target: "pve1".to_owned(),
        target_storage: None,
        restart: None,
    };
    let error = client
        .migrate_lxc("pve1", vmid, &migrate)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    migrate.target = "pve2".to_owned();
    expect_success(&client, client.migrate_lxc("pve1", vmid, &migrate).await).await;
    assert!(client.lxc_status("pve2", vmid).await.is_ok());
}
