//! A container's configuration as returned by Proxmox.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::{ids::ParseError, lenient, net::Net, params::property_parts};

/// The configuration of a container.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LxcConfig {
    /// The digest, which changes with every change of the configuration.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub digest: Option<String>,
    /// The hostname.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub hostname: Option<String>,
    /// CPU cores; `None` means all cores of the node.
    #[serde(default, deserialize_with = "lenient::opt_u32")]
    pub cores: Option<u32>,
    /// Memory, in MiB.
    #[serde(default, rename = "memory", deserialize_with = "lenient::opt_u32")]
    pub memory_mib: Option<u32>,
    /// Swap space, in MiB.
    #[serde(default, rename = "swap", deserialize_with = "lenient::opt_u32")]
    pub swap_mib: Option<u32>,
    /// The root disk.
    #[serde(default)]
    pub rootfs: Option<Volume>,
    /// The first network interface.
    #[serde(default)]
    pub net0: Option<Net>,
    /// The detected operating system; `unmanaged` for application images.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub ostype: Option<String>,
    /// The CPU architecture, such as `amd64`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub arch: Option<String>,
    /// Whether the container is unprivileged.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub unprivileged: bool,
    /// Whether the container starts when its node boots.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub onboot: bool,
    /// Whether the container is protected from deletion.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub protection: bool,
    /// Whether the container is a template.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub template: bool,
    /// The operation that locks the container.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub lock: Option<String>,
    /// The notes.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub description: Option<String>,
    /// The tags.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tags: Vec<String>,
    /// The command of the container.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub entrypoint: Option<String>,
    /// The environment variables of the command.
    #[serde(default, deserialize_with = "environment")]
    pub env: BTreeMap<String, String>,
    /// All other settings, by Proxmox's names: further interfaces and disks, features and so on.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

fn environment<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, String>, D::Error> {
    let text = lenient::opt_text(d)?.unwrap_or_default();
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    Ok(pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// A disk of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The volume ID, such as `local-lvm:vm-300-disk-0`.
    pub volume: String,
    /// The size in bytes.
    pub size: Option<u64>,
}

impl FromStr for Volume {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut volume = None;
        let mut size = None;
        for (key, value) in property_parts(text) {
            match key {
                None | Some("volume") => volume = Some(value.to_owned()),
                Some("size") => size = bytes(value),
                Some(_) => {}
            }
        }
        let volume = volume.ok_or_else(|| ParseError::new("a disk", text))?;
        Ok(Self { volume, size })
    }
}

/// `8G`, `512M`, `1.5T`, `4096`, also with the suffix `iB`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.strip_suffix("iB").unwrap_or(text);
    let (number, shift) = match text.as_bytes().last()? {
        b'K' => (text.strip_suffix('K')?, 10),
        b'M' => (text.strip_suffix('M')?, 20),
        b'G' => (text.strip_suffix('G')?, 30),
        b'T' => (text.strip_suffix('T')?, 40),
        _ => (text, 0),
    };
    let unit = 1_u64 << shift;
    let whole = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    let broken = || {
        number
            .parse::<f64>()
            .ok()
            .filter(|n| n.is_finite() && *n >= 0.0)
    };
    whole.or_else(|| broken().map(|number| (number * unit as f64) as u64))
}

impl<'de> Deserialize<'de> for Volume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A setting with its current and pending value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PendingValue {
    /// The setting's name.
    pub key: String,
    /// The current value.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub value: Option<String>,
    /// The value after the next start.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub pending: Option<String>,
    /// Whether the next start removes the setting.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub delete: bool,
}

impl PendingValue {
    /// Whether a change is pending until the next start.
    pub fn is_pending(&self) -> bool {
        self.delete || self.pending.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn image_configuration_parses() {
        let json = r#"{"cmode":"console","env":"PATH=/usr/bin:/bin\u0000FROM_IMAGE=1\u0000OPTS=a=b","rootfs":"local:401/subvol-401-disk-0.subvol,size=8G","unprivileged":1,"digest":"6044d62495c1c120eec62aac810104f24b65c1d1","entrypoint":"/bin/sh -c 'sleep 3600'","ostype":"unmanaged","hostname":"app1","arch":"amd64","memory":"512","lxc":[["lxc.init.uid","0"]],"swap":512,"tags":"app;web","net0":"name=eth0,bridge=vmbr0,ip=dhcp,type=veth","net1":"name=eth1"}"#;
        let config: LxcConfig = serde_json::from_str(json).unwrap();
        assert_eq!(config.env["PATH"], "/usr/bin:/bin");
        assert_eq!(config.env["OPTS"], "a=b");
        assert_eq!(config.memory_mib, Some(512));
        assert_eq!(config.rootfs.unwrap().size, Some(8 << 30));
        assert_eq!(config.net0.unwrap().bridge.as_deref(), Some("vmbr0"));
        assert!(config.unprivileged && !config.onboot);
        assert_eq!(config.tags, ["app", "web"]);
        assert_eq!(
            config.other.keys().collect::<Vec<_>>(),
            ["cmode", "lxc", "net1"]
        );
    }

    #[test]
    fn partial_configuration_during_creation_parses() {
        let config: LxcConfig = serde_json::from_str(r#"{"lock":"create","digest":"x"}"#).unwrap();
        assert_eq!(config.lock.as_deref(), Some("create"));
        assert_eq!(config.rootfs, None);
    }

    #[test]
    fn sizes_parse_in_every_unit() {
        let size = |text: &str| text.parse::<Volume>().unwrap().size;
        assert_eq!(size("a:b,size=8G"), Some(8 << 30));
        assert_eq!(size("volume=a:b,size=512M,mp=/x"), Some(512 << 20));
        assert_eq!(size("a:b,size=1.5T"), Some(3 << 39));
        assert_eq!(size("a:b,size=4096"), Some(4096));
        assert_eq!(size("a:b,size=0T"), Some(0));
        assert_eq!(size("a:b,size=4GiB"), Some(4 << 30));
        assert_eq!(size("a:b"), None);
        assert_eq!(size("a:b,size=x"), None);
    }

    #[test]
    fn pending_changes_are_detected() {
        let json = r#"[{"key":"memory","value":200,"pending":"300"},{"key":"tty","value":2,"delete":1},{"key":"arch","value":"amd64"}]"#;
        let rows: Vec<PendingValue> = serde_json::from_str(json).unwrap();
        let waits: Vec<_> = rows
            .iter()
            .filter(|row| row.is_pending())
            .map(|row| &row.key)
            .collect();
        assert_eq!(waits, ["memory", "tty"]);
        assert_eq!(rows[0].value.as_deref(), Some("200"));
    }

    proptest! {
        #[test]
        fn parsing_volume_never_panics(text in "[ -~]{0,60}") {
            let _ = text.parse::<Volume>();
        }
    }
}
