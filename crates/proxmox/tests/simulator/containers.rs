//! The lifecycle of a container.

use std::{net::Ipv4Addr, time::Duration};

use proxmox::{
    DeleteLxc, Disk, Error, Features, Interface, Ipv4Config, LxcOptions, Net, Resize, RunState,
    Shutdown,
};

use crate::{LONG, create_container, debian_container, eventually, expect_success, start, vmid};

#[tokio::test]
async fn container_is_created_as_specified() {
    let (sim, client) = start().await;
    let mut create = debian_container(200);
    let net0 = Net {
        hwaddr: Some("BC:24:11:00:02:00".to_owned()),
        ip: Some(Ipv4Config::Static {
            address: Ipv4Addr::new(10, 20, 7, 1),
            prefix: 16,
        }),
        gw: Some(Ipv4Addr::new(10, 20, 0, 1)),
        ..Net::new("eth0", "vmbr0")
    };
    create.options = LxcOptions {
        net0: Some(net0.clone()),
        nameserver: Some(vec![Ipv4Addr::new(10, 20, 0, 53).into()]),
        searchdomain: Some("example.org".to_owned()),
        features: Some(Features {
            nesting: true,
            ..Features::default()
        }),
        onboot: Some(true),
        description: Some("two\nlines; and 100 %".to_owned()),
        ..create.options
    };
    expect_success(&client, client.create_lxc("pve1", &create).await).await;

    let config = client.lxc_config("pve1", create.vmid).await.unwrap();
    assert_eq!(config.hostname.as_deref(), Some("ct200"));
    assert_eq!((config.cores, config.memory_mib), (Some(2), Some(256)));
    assert!(config.unprivileged && config.onboot && !config.protection);
    assert_eq!(config.tags, ["holdfast", "web"]);
    assert_eq!(
        config.description.as_deref(),
        Some("two\nlines; and 100 %\n")
    );
    let rootfs = config.rootfs.unwrap();
    assert!(rootfs.volume.starts_with("local-lvm:"), "{rootfs:?}");
    assert_eq!(rootfs.size, Some(4 << 30));
    let read = config.net0.unwrap();
    assert_eq!(
        (read.hwaddr, read.ip, read.gw),
        (net0.hwaddr, net0.ip, net0.gw)
    );
    assert_eq!(config.ostype.as_deref(), Some("debian"));
    assert_eq!(config.digest.unwrap().len(), 40);
    assert_eq!(sim.handle().containers().len(), 1);
}

#[tokio::test]
async fn used_vmid_is_rejected_immediately() {
    let (_sim, client) = start().await;
    create_container(&client, 201).await;
    let error = client
        .create_lxc("pve2", &debian_container(201))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
    assert!(error.proxmox_message().unwrap().contains("201"));
}

#[tokio::test]
async fn missing_template_fails_task_and_missing_storage_fails_call() {
    let (sim, client) = start().await;
    let mut create = debian_container(202);
    create.ostemplate = "local:vztmpl/none.tar.gz".to_owned();
    let upid = client.create_lxc("pve1", &create).await.unwrap();
    let error = client.wait_task(&upid, LONG, |_| ()).await.unwrap_err();
    assert!(
        matches!(error, Error::TaskFailed { .. }) && error.is_not_found(),
        "{error:?}"
    );
    assert!(sim.handle().container(202).is_none());

    let mut create = debian_container(203);
    create.rootfs.storage = "nope".to_owned();
    let error = client.create_lxc("pve1", &create).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
}

#[tokio::test]
async fn container_starts_gets_address_and_stops() {
    let (sim, client) = start().await;
    let vmid = create_container(&client, 204).await;
    assert_eq!(client.lxc_interfaces("pve1", vmid).await.unwrap(), []);
    expect_success(&client, client.start_lxc("pve1", vmid).await).await;
    let error = client.start_lxc("pve1", vmid).await.unwrap_err();
    assert!(matches!(error, Error::Running { .. }), "{error:?}");

    let address = eventually(|| async {
        let interfaces = client.lxc_interfaces("pve1", vmid).await.unwrap();
        interfaces.iter().find_map(Interface::ipv4)
    })
    .await;
    assert_eq!(sim.handle().container(204).unwrap().leases["net0"], address);
    let status = client.lxc_status("pve1", vmid).await.unwrap();
    assert_eq!(
        (status.status, status.maxmem),
        (RunState::Running, Some(256 << 20))
    );

    let shutdown = Shutdown {
        timeout: Duration::from_secs(10),
        force_stop: true,
    };
    expect_success(
        &client,
        client
            .reboot_lxc("pve1", vmid, Duration::from_secs(10))
            .await,
    )
    .await;
    expect_success(&client, client.shutdown_lxc("pve1", vmid, shutdown).await).await;
    let error = client.stop_lxc("pve1", vmid).await.unwrap_err();
    assert!(matches!(error, Error::NotRunning { .. }), "{error:?}");
    let listed = client.lxc_list("pve1").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].vmid, listed[0].status),
        (vmid, RunState::Stopped)
    );
    assert!(client.lxc_list("pve2").await.unwrap().is_empty());
}

#[tokio::test]
async fn missing_container_is_not_found_in_every_call() {
    let (_sim, client) = start().await;
    let missing = vmid(555);
    for error in [
        client.lxc_config("pve1", missing).await.unwrap_err(),
        client.lxc_status("pve1", missing).await.unwrap_err(),
        client
            .delete_lxc("pve1", missing, DeleteLxc::default())
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    }
    // The start is accepted; its task reports the error.
    let upid = client.start_lxc("pve1", missing).await.unwrap();
    let error = client.wait_task(&upid, LONG, |_| ()).await.unwrap_err();
    assert!(
        matches!(error, Error::TaskFailed { .. }) && error.is_not_found(),
        "{error:?}"
    );
}

#[tokio::test]
async fn disk_grows_and_cannot_shrink() {
    let (_sim, client) = start().await;
    let vmid = create_container(&client, 205).await;
    let resize = async |size| client.resize_lxc("pve1", vmid, Disk::Rootfs, size).await;
    expect_success(&client, resize(Resize::GrowGib(2)).await).await;
    expect_success(&client, resize(Resize::ToGib(8)).await).await;
    let size = client
        .lxc_config("pve1", vmid)
        .await
        .unwrap()
        .rootfs
        .unwrap()
        .size;
    assert_eq!(size, Some(8 << 30));
    let error = resize(Resize::ToGib(5)).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn running_container_is_deleted_only_with_force() {
    let (sim, client) = start().await;
    let vmid = create_container(&client, 206).await;
    expect_success(&client, client.start_lxc("pve1", vmid).await).await;
    let error = client
        .delete_lxc("pve1", vmid, DeleteLxc::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Running { .. }), "{error:?}");
    let force = DeleteLxc {
        force: true,
        purge: true,
    };
    expect_success(&client, client.delete_lxc("pve1", vmid, force).await).await;
    assert!(sim.handle().containers().is_empty());
    assert!(
        sim.handle()
            .volumes("pve1")
            .iter()
            .all(|volume| !volume.contains("206"))
    );
}
