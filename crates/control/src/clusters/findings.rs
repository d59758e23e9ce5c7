//! Checks a cluster for what Holdfast needs: storages, bridges, privileges, version. Sends requests
//! to the cluster, so the check is slow and never part of a list.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::{
    ClusterId, Error, Timestamp,
    clusters::{ClusterCapabilities, StorageCapabilities, UnmetRequirement},
    filters::FirewallStatus,
    names::{BridgeName, StorageName},
    permissions::{ClusterManage, Permit},
};
use proxmox::{Client, ContentKind, Node, Permissions};

use super::{client, firewall, to_user_error, trust};
use crate::{Actor, Control, failure::StoreResultExt as _};

/// The time limit of the whole check.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The number of nodes that are checked concurrently.
const MAX_CONCURRENT: usize = 8;

/// Privilege, path, and the purpose it is needed for.
const PRIVILEGES: [(&str, &str, &str); 13] = [
    ("Sys.Audit", "/", "see whether the cluster's firewall is on"),
    ("Sys.Audit", "/nodes", "view nodes"),
    ("VM.Audit", "/vms", "view containers"),
    ("VM.Allocate", "/vms", "create and delete containers"),
    ("VM.PowerMgmt", "/vms", "start and stop containers"),
    ("VM.Config.CPU", "/vms", "set a container's cores"),
    ("VM.Config.Memory", "/vms", "set a container's memory"),
    ("VM.Config.Disk", "/vms", "set a container's disk"),
    (
        "VM.Config.Network",
        "/vms",
        "set a container's address, name and interface filters",
    ),
    (
        "VM.Config.Options",
        "/vms",
        "set a container's environment and command",
    ),
    (
        "Datastore.AllocateSpace",
        "/storage",
        "create disks and store images",
    ),
    ("Datastore.AllocateTemplate", "/storage", "pull images"),
    (
        "SDN.Use",
        "/sdn/zones/localnetwork",
        "attach containers to bridges",
    ),
];
/// The privilege to reach a registry from a node; only cluster administrators have it.
const PULL_PRIVILEGE: (&str, &str, &str) =
    ("Sys.AccessNetwork", "/nodes", "pull images from registries");
/// The first release that supports OCI images, as (major, minor).
const OCI_RELEASE: (u32, u32) = (9, 1);

/// Checks a cluster and lists missing resources and privileges.
///
/// # Errors
/// [`Error::Forbidden`] unless the actor is an administrator; [`Error::Unavailable`] when the
/// cluster does not respond.
pub async fn check(
    control: &Control,
    actor: &Actor,
    cluster: ClusterId,
) -> Result<ClusterCapabilities, Error> {
    let _: Permit<ClusterManage> = actor.permit()?;
    let client = client(control, cluster)?;
    let mut found = tokio::time::timeout(TIMEOUT, run_checks(&client))
        .await
        .map_err(|_| Error::Unavailable {
            message: "The cluster did not respond in time. Try again.".into(),
        })?
        .map_err(|error| to_user_error(&error))?;
    let read = move |c: &mut store::Conn| store::nodes::list_unnamed(c, cluster);
    let unnamed = control.store().read(read).await;
    let unnamed = unnamed.into_model("list nodes without names")?;
    found
        .missing
        .extend(unnamed.into_iter().map(|node| UnmetRequirement::NodeName {
            node: node.node,
            site: node.site,
            name: node.name.to_string(),
            container: node.holder.container,
            owner: node.holder.owner,
        }));
    Ok(found)
}

async fn run_checks(client: &Client) -> Result<ClusterCapabilities, proxmox::Error> {
    let (version, nodes, permissions) =
        futures::try_join!(client.version(), client.nodes(), client.permissions(None))?;
    let mut missing = Vec::new();
    if release(&version.release).is_some_and(|release| release < OCI_RELEASE) {
        let found = version.version.clone();
        missing.push(UnmetRequirement::Version { found });
    }
    missing.extend(offline_nodes(&nodes));
    missing.extend(untrusted_nodes(client, &nodes).await);
    let online = nodes.iter().filter(|node| node.online);
    let online: Vec<String> = online.map(|node| node.node.clone()).collect();
    let node_resources: Vec<NodeResources> = stream::iter(online)
        .map(|node| node_resources(client, node))
        .buffer_unordered(MAX_CONCURRENT)
        .try_collect()
        .await?;
    let NodeResources { bridges, storages } = common(node_resources);
    let has = |accepts: fn(&StorageCapabilities) -> bool| storages.iter().any(accepts);
    if !has(|storage| storage.templates) {
        missing.push(UnmetRequirement::TemplateStorage);
    }
    if !has(|storage| storage.volumes) {
        missing.push(UnmetRequirement::VolumeStorage);
    }
    if bridges.is_empty() {
        missing.push(UnmetRequirement::Bridge);
    }
    missing.extend(missing_firewalls(client).await);
    missing.extend(missing_privileges(&permissions, &bridges, &storages));
    Ok(ClusterCapabilities {
        at: Timestamp::now(),
        bridges: bridges.into_iter().collect(),
        storages: storages.into_iter().collect(),
        missing,
    })
}

/// Parses `9.2` or `9.2.11` to (major, minor).
fn release(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn offline_nodes(nodes: &[Node]) -> impl Iterator<Item = UnmetRequirement> {
    let names = nodes.iter().filter(|node| !node.online);
    names.filter_map(|node| {
        Some(UnmetRequirement::Node {
            node: node.node.parse().ok()?,
        })
    })
}

async fn untrusted_nodes(client: &Client, nodes: &[Node]) -> Vec<UnmetRequirement> {
    if !client.address().starts_with("https://") {
        return Vec::new();
    }
    let nodes = trust::fetch_other_nodes(client, nodes).await;
    let names = nodes.into_iter().filter_map(Result::err);
    names
        .filter_map(|name| {
            Some(UnmetRequirement::Certificate {
                node: name.parse().ok()?,
            })
        })
        .collect()
}

/// The firewalls that are off. Those that cannot be read have another finding.
async fn missing_firewalls(client: &Client) -> Vec<UnmetRequirement> {
    match firewall::get_status(client).await {
        FirewallStatus::Off => vec![UnmetRequirement::Firewall],
        FirewallStatus::OffOnNodes { nodes } => nodes
            .into_iter()
            .map(|node| UnmetRequirement::NodeFirewall { node })
            .collect(),
        FirewallStatus::On | FirewallStatus::Forbidden | FirewallStatus::Unreachable => Vec::new(),
    }
}

/// The bridges and storages of a node that containers can use.
struct NodeResources {
    bridges: BTreeSet<BridgeName>,
    storages: Vec<StorageCapabilities>,
}

async fn node_resources(client: &Client, node: String) -> Result<NodeResources, proxmox::Error> {
    let (bridges, storages) = futures::try_join!(client.bridges(&node), client.storages(&node))?;
    let found = storages.iter().filter_map(|storage| {
        Some(StorageCapabilities {
            name: storage.storage.parse().ok()?,
            templates: storage.accepts(ContentKind::Vztmpl),
            volumes: storage.accepts(ContentKind::Rootdir),
        })
    });
    Ok(NodeResources {
        bridges: bridges
            .iter()
            .filter_map(|bridge| bridge.iface.parse().ok())
            .collect(),
        storages: found.collect(),
    })
}

/// The bridges and storages that every node has, because a container may be placed on any node.
fn common(all: Vec<NodeResources>) -> NodeResources {
    let mut all = all.into_iter();
    let Some(mut common) = all.next() else {
        return NodeResources {
            bridges: BTreeSet::new(),
            storages: Vec::new(),
        };
    };
    for next in all {
        common
            .bridges
            .retain(|bridge| next.bridges.contains(bridge));
        common.storages.retain_mut(|storage| {
            let same = next
                .storages
                .iter()
                .find(|other| other.name == storage.name);
            if let Some(other) = same {
                storage.templates &= other.templates;
                storage.volumes &= other.volumes;
            }
            same.is_some()
        });
    }
    common.storages.sort_by(|a, b| a.name.cmp(&b.name));
    common
}

/// The missing privileges. A privilege that can be granted on individual storages or bridges is
/// present if it is granted on one of them.
fn missing_privileges<'a>(
    permissions: &'a Permissions,
    bridges: &'a BTreeSet<BridgeName>,
    storages: &'a [StorageCapabilities],
) -> impl Iterator<Item = UnmetRequirement> + 'a {
    let on_storages = |privilege: &str, accepts: fn(&StorageCapabilities) -> bool| {
        let mut paths = storages.iter().filter(|storage| accepts(storage));
        paths.any(|storage| allows(permissions, &storage_path(&storage.name), privilege))
    };
    let is_granted = move |privilege: &str, path: &str| match privilege {
        "Datastore.AllocateSpace" => on_storages(privilege, |storage| storage.volumes),
        "Datastore.AllocateTemplate" => on_storages(privilege, |storage| storage.templates),
        "SDN.Use" => bridges
            .iter()
            .any(|bridge| allows(permissions, &format!("{path}/{bridge}"), privilege)),
        _ => allows(permissions, path, privilege),
    };
    let all = PRIVILEGES.iter().chain([&PULL_PRIVILEGE]);
    all.filter(move |(privilege, path, _)| !is_granted(privilege, path))
        .map(|(privilege, path, purpose)| UnmetRequirement::Privilege {
            privilege: (*privilege).to_owned(),
            path: (*path).to_owned(),
            purpose: (*purpose).to_owned(),
        })
}

/// Whether a privilege is granted on a path. The cluster lists the paths with grants; for a path
/// below a listed one, the value says whether the grant propagates.
fn allows(permissions: &Permissions, path: &str, privilege: &str) -> bool {
    let listed: BTreeMap<&str, _> = permissions.paths().collect();
    let mut at = path;
    loop {
        if let Some(privileges) = listed.get(at) {
            let propagates = privileges.get(privilege);
            return propagates.is_some_and(|propagates| at == path || *propagates);
        }
        at = match at.rsplit_once('/') {
            Some(("", _)) if at != "/" => "/",
            Some((parent, _)) if !parent.is_empty() => parent,
            _ => return false,
        };
    }
}

fn storage_path(storage: &StorageName) -> String {
    format!("/storage/{storage}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node_resources(bridges: &[&str], storages: &[(&str, bool, bool)]) -> NodeResources {
        let storage = |(name, templates, volumes): &(&str, bool, bool)| StorageCapabilities {
            name: name.parse().unwrap(),
            templates: *templates,
            volumes: *volumes,
        };
        NodeResources {
            bridges: bridges.iter().map(|name| name.parse().unwrap()).collect(),
            storages: storages.iter().map(storage).collect(),
        }
    }

    #[test]
    fn only_bridges_and_storages_of_all_nodes_are_offered() {
        let common = common(vec![
            node_resources(
                &["vmbr0", "vmbr1"],
                &[("local", true, true), ("fast", false, true)],
            ),
            node_resources(&["vmbr0"], &[("local", true, false)]),
        ]);
        assert_eq!(common.bridges.len(), 1);
        assert_eq!(
            common.storages,
            node_resources(&[], &[("local", true, false)]).storages
        );
    }

    #[test]
    fn propagated_privilege_applies_to_child_paths() {
        let json = r#"{"/":{"VM.Audit":1,"VM.Allocate":0},"/vms/7":{"VM.Backup":1}}"#;
        let permissions: Permissions = serde_json::from_str(json).unwrap();
        assert!(allows(&permissions, "/vms", "VM.Audit"));
        assert!(!allows(&permissions, "/vms", "VM.Allocate"));
        assert!(allows(&permissions, "/", "VM.Allocate"));
        assert!(
            !allows(&permissions, "/vms/7", "VM.Audit"),
            "the path's own entry accepts precedence"
        );
        assert!(allows(&permissions, "/vms/7", "VM.Backup"));
    }

    #[test]
    fn releases_are_compared_as_numbers() {
        assert!(release("9.0").unwrap() < OCI_RELEASE);
        assert!(release("9.2.11").unwrap() > OCI_RELEASE);
        assert!(release("10.0").unwrap() > OCI_RELEASE);
    }
}
