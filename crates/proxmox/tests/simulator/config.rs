//! Changes of a container's configuration.

use std::collections::BTreeMap;

use proxmox::{ConfigChange, DeleteLxc, Error, LxcOptions};

use crate::{create_container, expect_success, start};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn change_preserves_other_settings() {
    let (_sim, client) = start().await;
    let vmid = create_container(&client, 300).await;
    let env = env(&[
        ("A", "1"),
        ("URL", "http://h/?a=b&c=d;e f"),
        ("TAB", "x\ty"),
        ("E", ""),
    ]);
    let change = ConfigChange {
        options: LxcOptions {
            memory_mib: Some(512),
            entrypoint: Some("/bin/sh -c 'exec app'".to_owned()),
            env: Some(env.clone()),
            tags: Some(vec!["one".to_owned()]),
            ..LxcOptions::default()
        },
        ..ConfigChange::default()
    };
    client.set_lxc_config("pve1", vmid, &change).await.unwrap();
    let config = client.lxc_config("pve1", vmid).await.unwrap();
    assert_eq!(config.memory_mib, Some(512));
    assert_eq!(config.entrypoint.as_deref(), Some("/bin/sh -c 'exec app'"));
    assert_eq!(config.env, env);
    assert_eq!(config.tags, ["one"]);
    assert_eq!(
        (config.cores, config.hostname.as_deref()),
        (Some(2), Some("ct300"))
    );

    let nothing = LxcOptions {
        env: Some(BTreeMap::new()),
        tags: Some(Vec::new()),
        ..LxcOptions::default()
    };
    let change = ConfigChange {
        options: nothing,
        ..ConfigChange::default()
    };
    client.set_lxc_config("pve1", vmid, &change).await.unwrap();
    let config = client.lxc_config("pve1", vmid).await.unwrap();
    assert!(config.env.is_empty() && config.tags.is_empty());
}

#[tokio::test]
async fn outdated_digest_is_rejected() {
    let (_sim, client) = start().await;
    let vmid = create_container(&client, 301).await;
    let digest = client.lxc_config("pve1", vmid).await.unwrap().digest;
    let change = |memory, digest| ConfigChange {
        options: LxcOptions {
            memory_mib: Some(memory),
            ..LxcOptions::default()
        },
        digest,
        ..ConfigChange::default()
    };
    client
        .set_lxc_config("pve1", vmid, &change(512, digest.clone()))
        .await
        .unwrap();
    let late = client
        .set_lxc_config("pve1", vmid, &change(1024, digest))
        .await
        .unwrap_err();
    assert!(matches!(late, Error::DigestMismatch { .. }), "{late:?}");
    assert_eq!(
        client.lxc_config("pve1", vmid).await.unwrap().memory_mib,
        Some(512)
    );
}

#[tokio::test]
async fn entrypoint_change_is_pending_in_running_container() {
    let (_sim, client) = start().await;
    let vmid = create_container(&client, 302).await;
    expect_success(&client, client.start_lxc("pve1", vmid).await).await;
    let change = ConfigChange {
        options: LxcOptions {
            hostname: Some("renamed".to_owned()),
            entrypoint: Some("/bin/app".to_owned()),
            ..LxcOptions::default()
        },
        ..ConfigChange::default()
    };
    client.set_lxc_config("pve1", vmid, &change).await.unwrap();
    let pending = client.lxc_pending("pve1", vmid).await.unwrap();
    let waits: Vec<_> = pending.iter().filter(|row| row.is_pending()).collect();
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!(
        (waits[0].key.as_str(), waits[0].pending.as_deref()),
        ("entrypoint", Some("/bin/app"))
    );
}

#[tokio::test]
async fn invalid_parameters_are_named() {
    let (_sim, client) = start().await;
    let vmid = create_container(&client, 303).await;
    let change = ConfigChange {
        options: LxcOptions {
            hostname: Some("under_score".to_owned()),
            memory_mib: Some(8),
            ..LxcOptions::default()
        },
        ..ConfigChange::default()
    };
    let error = client
        .set_lxc_config("pve1", vmid, &change)
        .await
        .unwrap_err();
    let Error::Invalid { fields, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["hostname", "memory"]);
    assert_eq!(error.to_string(), "Proxmox rejected hostname, memory.");
}

#[tokio::test]
async fn locked_container_gives_transient_error() {
    let (sim, client) = start().await;
    let vmid = create_container(&client, 304).await;
    sim.handle().set_lock(304, Some("backup"));
    assert_eq!(
        client
            .lxc_config("pve1", vmid)
            .await
            .unwrap()
            .lock
            .as_deref(),
        Some("backup")
    );
    let change = ConfigChange {
        options: LxcOptions {
            cores: Some(1),
            ..LxcOptions::default()
        },
        ..ConfigChange::default()
    };
    let error = client
        .set_lxc_config("pve1", vmid, &change)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Locked { .. }) && error.is_transient(),
        "{error:?}"
    );
    let error = client
        .delete_lxc("pve1", vmid, DeleteLxc::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    // The start is accepted; its task reports the lock, and the error is still transient.
    let upid = client.start_lxc("pve1", vmid).await.unwrap();
    let error = client
        .wait_task(&upid, crate::LONG, |_| ())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::TaskFailed { .. }) && error.is_transient(),
        "{error:?}"
    );
}
