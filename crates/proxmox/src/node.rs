//! The current status of one node. The list of nodes is in `cluster`.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{Client, error::Error, http::Call, lenient};

/// Total and used space, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// The total.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub total: Option<u64>,
    /// The used part.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub used: Option<u64>,
    /// The free part. Memory used as cache counts as used.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub free: Option<u64>,
}

/// The CPUs of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct CpuInfo {
    /// CPU threads; a container's CPU core corresponds to one thread.
    #[serde(default, deserialize_with = "lenient::opt_u32")]
    pub cpus: Option<u32>,
    /// Sockets.
    #[serde(default, deserialize_with = "lenient::opt_u32")]
    pub sockets: Option<u32>,
    /// The model name.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub model: Option<String>,
}

/// The current status of a node. Missing values count as unknown.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct NodeStatus {
    /// CPU usage, 0 to 1.
    #[serde(default, deserialize_with = "lenient::opt_f64")]
    pub cpu: Option<f64>,
    /// The load averages of the last 1, 5 and 15 minutes.
    #[serde(default, deserialize_with = "loads")]
    pub loadavg: Vec<f64>,
    /// The CPUs.
    #[serde(default, rename = "cpuinfo", deserialize_with = "lenient::or_default")]
    pub cpu_info: CpuInfo,
    /// Memory.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub memory: Usage,
    /// Swap space.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub swap: Usage,
    /// The root disk.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub rootfs: Usage,
    /// The uptime in seconds.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub uptime: Option<u64>,
    /// The version of the manager, such as `pve-manager/9.2.11/14a22df35955`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub pveversion: Option<String>,
    /// The kernel, such as `Linux 6.17.2-1-pve #1 SMP …`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub kversion: Option<String>,
}

/// Proxmox sends load averages as strings.
fn loads<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let Value::Array(loads) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    Ok(loads.iter().filter_map(lenient::as_f64).collect())
}

impl Client {
    /// The current status of a node.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] if the node is offline, [`Error::Forbidden`] without the
    /// privilege Sys.Audit on the node, [`Error::Refused`] if the node does not exist.
    pub async fn node_status(&self, node: &str) -> Result<NodeStatus, Error> {
        self.call(Call::get(&["nodes", node, "status"])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_status_parses_strings_and_numbers() {
        let json = r#"{"loadavg":["4.71","5.91",6],"memory":{"available":1,"used":"2607661056","total":25276502016,"free":2},"swap":null,"cpuinfo":{"cpus":2,"model":"AMD EPYC","sockets":"1","hvm":""},"rootfs":{"total":7,"free":3,"avail":1,"used":4},"cpu":0.99,"uptime":3675,"pveversion":"pve-manager/9.2.11/14a22df35955","wait":0}"#;
        let status: NodeStatus = serde_json::from_str(json).unwrap();
        assert_eq!(status.loadavg, [4.71, 5.91, 6.0]);
        assert_eq!(status.memory.used, Some(2_607_661_056));
        assert_eq!(status.swap, Usage::default());
        assert_eq!(
            (status.cpu_info.cpus, status.cpu_info.sockets),
            (Some(2), Some(1))
        );
        assert_eq!(status.uptime, Some(3675));
        let nothing: NodeStatus = serde_json::from_str("{}").unwrap();
        assert_eq!(nothing, NodeStatus::default());
    }
}
