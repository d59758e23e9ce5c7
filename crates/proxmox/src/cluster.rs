//! The cluster: version, nodes, inventory of guests and storages, and unused VMIDs.
//!
//! `/nodes` and `/cluster/resources` are about ten seconds old: a new container has the state
//! [`RunState::Unknown`] and no name there until the next update.

use serde::{Deserialize, Deserializer};

use crate::{
    Client, Fingerprint, Vmid, error::Error, http::Call, lenient, params::Params,
    response::ResponseData,
};

/// The version of Proxmox VE.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// The version of the manager, such as `9.2.11`.
    #[serde(deserialize_with = "lenient::text")]
    pub version: String,
    /// The release, such as `9.2`.
    #[serde(deserialize_with = "lenient::text")]
    pub release: String,
}

/// A node and its resource usage.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Node {
    /// The node's name.
    #[serde(deserialize_with = "lenient::text")]
    pub node: String,
    /// Whether the node is online.
    #[serde(rename = "status", default, deserialize_with = "is_online")]
    pub online: bool,
    /// CPU usage, 0 to 1.
    #[serde(default, deserialize_with = "lenient::opt_f64")]
    pub cpu: Option<f64>,
    /// CPU threads.
    #[serde(default, deserialize_with = "lenient::opt_u32")]
    pub maxcpu: Option<u32>,
    /// Memory in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub mem: Option<u64>,
    /// Total memory, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxmem: Option<u64>,
    /// Root disk in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub disk: Option<u64>,
    /// Size of the root disk, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxdisk: Option<u64>,
    /// The uptime in seconds.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub uptime: Option<u64>,
    /// The certificate that the cluster knows for the node. Only [`Client::nodes`] returns it, and
    /// the node may serve another certificate.
    #[serde(default, deserialize_with = "fingerprint")]
    pub ssl_fingerprint: Option<Fingerprint>,
}

fn fingerprint<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Fingerprint>, D::Error> {
    Ok(lenient::opt_text(d)?.and_then(|text| text.parse().ok()))
}

fn is_online<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(lenient::opt_text(deserializer)?.as_deref() == Some("online"))
}

/// The membership status of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The cluster's name; `None` for a single node.
    pub name: Option<String>,
    /// Whether the cluster has quorum, which changes require. Always true for a single node.
    pub quorate: bool,
    /// The nodes.
    pub nodes: Vec<ClusterNode>,
}

/// A node as a cluster member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterNode {
    /// The node's name.
    pub name: String,
    /// The node's address in the cluster network.
    pub ip: Option<String>,
    /// Whether the node is online.
    pub online: bool,
    /// Whether this is the node that responded.
    pub local: bool,
}

#[derive(Deserialize)]
struct StatusRow {
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    kind: String,
    #[serde(deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::opt_text")]
    ip: Option<String>,
    #[serde(default, deserialize_with = "lenient::flag")]
    online: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    local: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    quorate: bool,
}

/// The cluster's inventory, as of the last status update.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// Containers and virtual machines.
    pub guests: Vec<Guest>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Storages, one row per node.
    pub storages: Vec<StorageUse>,
}

/// The kind of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestKind {
    /// A container.
    Lxc,
    /// A virtual machine. Its VMID cannot be used for containers either.
    Qemu,
}

/// The run state of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Running.
    Running,
    /// Stopped.
    Stopped,
    /// Not known yet, or a state that only virtual machines have.
    Unknown,
}

impl<'de> Deserialize<'de> for RunState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match lenient::opt_text(deserializer)?.as_deref() {
            Some("running") => Self::Running,
            Some("stopped") => Self::Stopped,
            _ => Self::Unknown,
        })
    }
}

/// A guest in the cluster's inventory. Measurements are missing until the first status update.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Guest {
    /// Container or virtual machine.
    #[serde(skip, default = "lxc")]
    pub kind: GuestKind,
    /// The VMID.
    pub vmid: Vmid,
    /// The guest's node.
    #[serde(deserialize_with = "lenient::text")]
    pub node: String,
    /// The guest's name.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub name: Option<String>,
    /// The run state.
    #[serde(default = "unknown")]
    pub status: RunState,
    /// Whether the guest is a template.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub template: bool,
    /// CPU usage, 0 to 1.
    #[serde(default, deserialize_with = "lenient::opt_f64")]
    pub cpu: Option<f64>,
    /// CPUs.
    #[serde(default, deserialize_with = "lenient::opt_u32")]
    pub maxcpu: Option<u32>,
    /// Memory in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub mem: Option<u64>,
    /// Total memory, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxmem: Option<u64>,
    /// Root disk in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub disk: Option<u64>,
    /// Size of the root disk, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxdisk: Option<u64>,
    /// The uptime in seconds.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub uptime: Option<u64>,
    /// Bytes received since the start.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub netin: Option<u64>,
    /// Bytes sent since the start.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub netout: Option<u64>,
    /// The operation that locks the guest.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub lock: Option<String>,
    /// The guest's pool.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub pool: Option<String>,
    /// The guest's tags.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tags: Vec<String>,
}

pub(crate) fn unknown() -> RunState {
    RunState::Unknown
}

fn lxc() -> GuestKind {
    GuestKind::Lxc
}

/// The usage of a storage on one node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StorageUse {
    /// The storage's name.
    #[serde(deserialize_with = "lenient::text")]
    pub storage: String,
    /// The node.
    #[serde(deserialize_with = "lenient::text")]
    pub node: String,
    /// Whether the storage is available.
    #[serde(rename = "status", default, deserialize_with = "is_available")]
    pub available: bool,
    /// Whether the storage is shared by all nodes.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub shared: bool,
    /// Bytes in use.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub disk: Option<u64>,
    /// Total bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxdisk: Option<u64>,
    /// The content types, such as `rootdir`.
    #[serde(default, deserialize_with = "lenient::list")]
    pub content: Vec<String>,
}

fn is_available<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(lenient::opt_text(deserializer)?.as_deref() == Some("available"))
}

impl Client {
    /// The version of Proxmox VE. The cheapest call that verifies the credentials.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn version(&self) -> Result<Version, Error> {
        self.call(Call::get(&["version"])).await
    }

    /// The nodes that the user may see.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn nodes(&self) -> Result<Vec<Node>, Error> {
        self.call(Call::get(&["nodes"])).await
    }

    /// The cluster's members and quorum.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Sys.Audit on `/`.
    pub async fn cluster_status(&self) -> Result<ClusterStatus, Error> {
        let rows: Vec<StatusRow> = self.call(Call::get(&["cluster", "status"])).await?;
        Ok(cluster_status(rows))
    }

    /// The inventory of everything that the user may see.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn resources(&self) -> Result<Resources, Error> {
        let ResponseData { data, .. } =
            self.call_page(Call::get(&["cluster", "resources"])).await?;
        resources(data).map_err(|error| Error::Protocol {
            address: self.address().to_owned(),
            cause: error.to_string(),
        })
    }

    /// An unused VMID. It is not reserved: another client may use it first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn next_id(&self) -> Result<Vmid, Error> {
        self.call(Call::get(&["cluster", "nextid"])).await
    }

    /// Whether a VMID is unused by containers and virtual machines.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn is_vmid_free(&self, vmid: Vmid) -> Result<bool, Error> {
        let call = Call::get(&["cluster", "nextid"]).params(Params::default().with("vmid", vmid));
        match self.call::<Vmid>(call).await {
            Ok(_) => Ok(true),
            Err(Error::Invalid { fields, .. })
                if fields
                    .get("vmid")
                    .is_some_and(|message| message.ends_with("already exists")) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn cluster_status(rows: Vec<StatusRow>) -> ClusterStatus {
    let mut status = ClusterStatus {
        name: None,
        quorate: true,
        nodes: Vec::new(),
    };
    for row in rows {
        match row.kind.as_str() {
            "cluster" => {
                status.name = Some(row.name);
                status.quorate = row.quorate;
            }
            "node" => status.nodes.push(ClusterNode {
                name: row.name,
                ip: row.ip,
                online: row.online,
                local: row.local,
            }),
            _ => {}
        }
    }
    status
}

/// Sorts the rows by type. An unreadable row fails the whole call, because a skipped guest would
/// look deleted.
fn resources(rows: Vec<serde_json::Value>) -> Result<Resources, serde_json::Error> {
    let mut all = Resources::default();
    for row in rows {
        match row.get("type").and_then(serde_json::Value::as_str) {
            Some("lxc") => all.guests.push(serde_json::from_value(row)?),
            Some("qemu") => {
                let guest: Guest = serde_json::from_value(row)?;
                all.guests.push(Guest {
                    kind: GuestKind::Qemu,
                    ..guest
                });
            }
            Some("node") => all.nodes.push(serde_json::from_value(row)?),
            Some("storage") => all.storages.push(serde_json::from_value(row)?),
            _ => {}
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inventory_is_grouped_and_new_container_has_no_name_or_state() {
        let rows = r#"[
            {"type":"node","node":"pve1","id":"node/pve1","status":"online","cpu":"0.5","maxcpu":2,"maxmem":25276502016},
            {"type":"lxc","id":"lxc/315","node":"pve1","status":"unknown","vmid":315},
            {"type":"lxc","id":"lxc/100","name":"ct100","vmid":"100","node":"pve1","status":"running","tags":"app;web","mem":34567168.0,"template":0,"uptime":1342,"cpu":0},
            {"type":"qemu","id":"qemu/101","vmid":101,"node":"pve2","status":"paused","template":1},
            {"type":"storage","storage":"local","node":"pve1","status":"available","shared":"0","content":"vztmpl,backup","disk":1,"maxdisk":2},
            {"type":"sdn","sdn":"localnetwork","node":"pve1"}
        ]"#;
        let all = resources(serde_json::from_str(rows).unwrap()).unwrap();
        let [new, old, machine] = all.guests.as_slice() else {
            panic!("{:?}", all.guests)
        };
        assert_eq!((new.name.as_deref(), new.status), (None, RunState::Unknown));
        assert_eq!((old.vmid.get(), old.mem), (100, Some(34_567_168)));
        assert_eq!(old.tags, ["app", "web"]);
        assert_eq!(
            (machine.kind, machine.status),
            (GuestKind::Qemu, RunState::Unknown)
        );
        assert!(machine.template && !old.template);
        assert_eq!(all.nodes[0].cpu, Some(0.5));
        assert!(all.nodes[0].online);
        assert!(all.storages[0].available && !all.storages[0].shared);
        assert_eq!(all.storages[0].content, ["vztmpl", "backup"]);
    }

    #[test]
    fn unreadable_guest_fails_inventory() {
        let rows = r#"[{"type":"lxc","vmid":"x","node":"pve1"}]"#;
        assert!(resources(serde_json::from_str(rows).unwrap()).is_err());
    }

    #[test]
    fn single_node_has_no_cluster_name_and_is_quorate() {
        let alone = r#"[{"online":1,"local":1,"name":"pve1","ip":"10.99.0.1","level":"","nodeid":0,"id":"node/pve1","type":"node"}]"#;
        let status = cluster_status(serde_json::from_str(alone).unwrap());
        assert_eq!(status.name, None);
        assert!(status.quorate && status.nodes[0].local);
        let two = r#"[{"type":"cluster","name":"lab","quorate":0,"nodes":2,"version":3,"id":"cluster"},{"type":"node","name":"pve2","online":0,"ip":null}]"#;
        let status = cluster_status(serde_json::from_str(two).unwrap());
        assert_eq!(status.name.as_deref(), Some("lab"));
        assert!(!status.quorate && !status.nodes[0].online);
    }
}
