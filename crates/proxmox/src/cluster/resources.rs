//! The rows of the cluster's inventory (`/cluster/resources`).

use serde::{Deserialize, Deserializer};

use super::Node;
use crate::{Vmid, lenient};

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

/// Sorts the rows by type. An unreadable row fails the whole call, because a skipped guest would
/// look deleted.
pub(super) fn resources(rows: Vec<serde_json::Value>) -> Result<Resources, serde_json::Error> {
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
}
