//! Sign-in, and the cluster as a whole.

use proxmox::{ContentKind, Error, GuestKind, RunState, Timeouts};

use crate::{client, create_container, eventually, start};

#[tokio::test]
async fn valid_token_is_accepted_and_wrong_token_rejected() {
    let (sim, right) = start().await;
    assert!(right.version().await.unwrap().version.starts_with("9.2"));
    let wrong = client(
        &sim,
        "00000000-0000-0000-0000-000000000000",
        Timeouts::default(),
    );
    let error = wrong.version().await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    assert!(error.proxmox_message().is_some() && !error.is_transient());
}

#[tokio::test]
async fn nodes_are_listed_with_resources() {
    let (_sim, client) = start().await;
    let mut nodes = client.nodes().await.unwrap();
    nodes.sort_by(|a, b| a.node.cmp(&b.node));
    let names: Vec<_> = nodes.iter().map(|node| node.node.as_str()).collect();
    assert_eq!(names, ["pve1", "pve2"]);
    assert!(
        nodes
            .iter()
            .all(|node| node.online && node.maxmem > node.mem)
    );
    assert_eq!((nodes[0].maxcpu, nodes[1].maxcpu), (Some(16), Some(8)));
    assert!(nodes.iter().all(|node| node.ssl_fingerprint.is_some()));
    let status = client.node_status("pve1").await.unwrap();
    assert!(status.memory.total > status.memory.used);
    assert_eq!(status.loadavg.len(), 3);

    let status = client.cluster_status().await.unwrap();
    assert!(status.quorate && status.name.is_some());
    assert_eq!(status.nodes.iter().filter(|node| node.local).count(), 1);
    assert!(
        status
            .nodes
            .iter()
            .all(|node| node.online && node.ip.is_some())
    );
}

#[tokio::test]
async fn inventory_shows_container_after_delay() {
    let (_sim, client) = start().await;
    let vmid = create_container(&client, 150).await;
    let named = eventually(|| async {
        let all = client.resources().await.unwrap();
        assert_eq!(all.nodes.len(), 2);
        assert_eq!(all.storages.len(), 4);
        let guest = all.guests.into_iter().find(|guest| guest.vmid == vmid)?;
        // Until the next status update, the container has no name and an unknown state.
        if guest.name.is_none() {
            assert_eq!(guest.status, RunState::Unknown);
            return None;
        }
        Some(guest)
    });
    let guest = named.await;
    assert_eq!(guest.name.as_deref(), Some("ct150"));
    assert_eq!(
        (guest.kind, guest.status),
        (GuestKind::Lxc, RunState::Stopped)
    );
    assert_eq!(
        (guest.node.as_str(), guest.maxmem),
        ("pve1", Some(256 << 20))
    );
    assert_eq!(guest.tags, ["holdfast", "web"]);
}

#[tokio::test]
async fn storages_and_bridges_are_listed() {
    let (_sim, client) = start().await;
    let storages = client.storages("pve2").await.unwrap();
    let takes = |kind| {
        let taking = storages.iter().filter(|storage| storage.accepts(kind));
        taking
            .map(|storage| storage.storage.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(takes(ContentKind::Vztmpl), ["local"]);
    assert_eq!(takes(ContentKind::Rootdir), ["local-lvm"]);
    let bridges = client.bridges("pve1").await.unwrap();
    assert_eq!(bridges.len(), 1);
    assert_eq!(
        (bridges[0].iface.as_str(), bridges[0].active),
        ("vmbr0", true)
    );
}

#[tokio::test]
async fn unknown_node_is_an_error() {
    let (_sim, client) = start().await;
    assert!(client.storages("pve9").await.is_err());
    let error = client.content("pve1", "nope", None).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
}
