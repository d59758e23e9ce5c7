//! A container's configuration and power state. No HTTP and no timing here.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use crate::schema::lxc;
use crate::size;

/// A pending change that applies at the next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pending {
    Set(String),
    Delete,
}

/// Power state of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Power {
    Stopped,
    /// Running since a time in milliseconds since the Unix epoch.
    Running {
        since: u64,
        pid: u32,
    },
}

/// A snapshot of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) description: String,
    /// Creation time in seconds since the Unix epoch.
    pub(crate) time: u64,
    pub(crate) parent: Option<String>,
}

impl Snapshot {
    /// The configuration at the time of the snapshot.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let options = self.options.iter();
        let mut members: Map<String, Value> = options
            .map(|(name, value)| (name.clone(), value_to_json(name, value)))
            .collect();
        members.insert("snaptime".into(), self.time.into());
        members.insert("description".into(), self.description.as_str().into());
        if let Some(parent) = &self.parent {
            members.insert("parent".into(), parent.as_str().into());
        }
        members
    }
}

/// A container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Container {
    pub(crate) vmid: u32,
    pub(crate) node: String,
    /// The active options.
    pub(crate) options: BTreeMap<String, String>,
    /// Pending changes for the next start.
    pub(crate) pending: BTreeMap<String, Pending>,
    /// Raw LXC lines, which creation from an OCI image writes.
    pub(crate) raw: Vec<(String, String)>,
    pub(crate) power: Power,
    /// DHCP leases by option name (`net0`).
    pub(crate) leases: BTreeMap<String, Ipv4Addr>,
    /// Snapshots by name.
    #[serde(default)]
    pub(crate) snapshots: BTreeMap<String, Snapshot>,
    /// The parent snapshot of the current state.
    #[serde(default)]
    pub(crate) parent: Option<String>,
    /// The template file or image reference that the container was created from. Proxmox does not
    /// store it.
    #[serde(default)]
    pub(crate) template_or_image: Option<String>,
}

impl Container {
    /// A stopped container without options.
    pub(crate) fn new(vmid: u32, node: &str) -> Self {
        Self {
            vmid,
            node: node.to_owned(),
            options: BTreeMap::new(),
            pending: BTreeMap::new(),
            raw: Vec::new(),
            power: Power::Stopped,
            leases: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            parent: None,
            template_or_image: None,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// PID of the init process, different after each start; `None` if stopped.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self.power {
            Power::Running { pid, .. } => Some(pid),
            Power::Stopped => None,
        }
    }

    /// An active option.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// Whether a boolean option is set.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.option(name) == Some("1")
    }

    /// A numeric option.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.option(name)?.parse().ok()
    }

    /// The hostname, or the name that Proxmox uses if there is none.
    pub(crate) fn name(&self) -> String {
        self.option("hostname")
            .map_or_else(|| format!("CT{}", self.vmid), str::to_owned)
    }

    /// Memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.number("memory").unwrap_or(512) << 20
    }

    /// Size of the root disk in bytes. A directory without a size counts as 4 GiB, as observed.
    pub(crate) fn disk(&self) -> u64 {
        let parts = self
            .option("rootfs")
            .and_then(|value| lxc::rootfs().parse("rootfs", value).ok());
        let size = parts.and_then(|parts| size::parse(parts.get("size")?));
        size.filter(|bytes| *bytes > 0).unwrap_or(4 << 30)
    }

    /// The parsed properties of a network interface.
    pub(crate) fn network(&self, option: &str) -> Option<BTreeMap<String, String>> {
        lxc::network().parse(option, self.option(option)?).ok()
    }

    /// The network interfaces, by option name.
    pub(crate) fn networks(&self) -> impl Iterator<Item = (&str, BTreeMap<String, String>)> {
        self.options
            .keys()
            .filter(|name| is_member(name, "net"))
            .filter_map(|name| Some((name.as_str(), self.network(name)?)))
    }

    /// Applies the pending changes.
    pub(crate) fn apply_pending(&mut self) {
        for (name, change) in std::mem::take(&mut self.pending) {
            match change {
                Pending::Set(value) => drop(self.options.insert(name, value)),
                Pending::Delete => drop(self.options.remove(&name)),
            }
        }
    }

    /// The SHA-1 digest of the configuration.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha1::new();
        for (name, value) in &self.options {
            hash.update(format!("{name}: {value}\n"));
        }
        for (name, change) in &self.pending {
            hash.update(format!("pending {name}: {change:?}\n"));
        }
        for (name, value) in &self.raw {
            hash.update(format!("{name}: {value}\n"));
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The configuration as `GET config` returns it, optionally with pending changes.
    pub(crate) fn to_json(&self, with_pending: bool) -> Value {
        let mut members: Map<String, Value> = self
            .options
            .iter()
            .map(|(name, value)| (name.clone(), value_to_json(name, value)))
            .collect();
        for (name, change) in self.pending.iter().filter(|_| with_pending) {
            match change {
                Pending::Set(value) => {
                    members.insert(name.clone(), value_to_json(name, value));
                }
                Pending::Delete => drop(members.remove(name)),
            }
        }
        if !self.raw.is_empty() {
            members.insert("lxc".into(), json!(self.raw));
        }
        members.insert("digest".into(), self.digest().into());
        Value::Object(members)
    }
}

/// A value as JSON: integers and booleans are numbers, the rest is text. A description ends in a
/// newline.
pub(crate) fn value_to_json(name: &str, value: &str) -> Value {
    let numeric = lxc::config()
        .find(name)
        .is_some_and(|property| property.is_numeric());
    match value.parse::<i64>() {
        Ok(number) if numeric => number.into(),
        _ if name == "description" && !value.ends_with('\n') => format!("{value}\n").into(),
        _ => value.into(),
    }
}

/// Whether a name belongs to a numbered option such as `net0` of `net`.
pub(crate) fn is_member(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
}
