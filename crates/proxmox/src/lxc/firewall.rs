//! The firewall of a container: options, IP sets and rules. Proxmox filters an interface only if
//! the cluster's firewall, the node's firewall, the option `enable` and the interface's flag
//! `firewall` are on.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use crate::{
    Client, Vmid,
    error::Error,
    http::Call,
    lenient,
    params::{Params, joined},
};

/// The firewall options of a container that are set explicitly. `None` means the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FirewallOptions {
    /// Whether the container's firewall is on; off by default.
    #[serde(default, deserialize_with = "opt_flag")]
    pub enable: Option<bool>,
    /// Whether DHCP clients pass; off by default.
    #[serde(default, deserialize_with = "opt_flag")]
    pub dhcp: Option<bool>,
    /// Whether only addresses of the interface's IP set can be used; off by default.
    #[serde(default, deserialize_with = "opt_flag")]
    pub ipfilter: Option<bool>,
    /// Whether only the interface's MAC address can be used; on by default.
    #[serde(default, deserialize_with = "opt_flag")]
    pub macfilter: Option<bool>,
    /// Whether the container may send router advertisements; off by default.
    #[serde(default, deserialize_with = "opt_flag")]
    pub radv: Option<bool>,
    /// What happens to incoming packets that no rule matches: `ACCEPT`, `REJECT` or `DROP`, the
    /// default.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub policy_in: Option<String>,
    /// What happens to outgoing packets that no rule matches; `ACCEPT` by default.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub policy_out: Option<String>,
    /// The digest, which changes with every change of the container's firewall.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub digest: Option<String>,
}

fn opt_flag<'de, D: Deserializer<'de>>(d: D) -> Result<Option<bool>, D::Error> {
    Ok(lenient::as_bool(&Value::deserialize(d)?))
}

/// An IP set of a container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IpSet {
    /// The name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
}

/// An entry of an IP set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IpSetEntry {
    /// An address, a network or an alias.
    #[serde(deserialize_with = "lenient::text")]
    pub cidr: String,
    /// The comment.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comment: Option<String>,
    /// Whether the entry is an exception from the other entries.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub nomatch: bool,
}

/// A rule of a container's firewall.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FirewallRule {
    /// `in` or `out`, from the container's view.
    pub direction: String,
    /// `ACCEPT`, `REJECT`, `DROP`, or a security group.
    pub action: String,
    /// Whether the rule is on.
    pub enabled: bool,
    /// The other settings by Proxmox's names: `source`, `proto`, `dport`, `comment` and so on.
    pub settings: BTreeMap<String, String>,
}

impl FirewallRule {
    /// The comment.
    pub fn comment(&self) -> Option<&str> {
        self.settings.get("comment").map(String::as_str)
    }

    fn params(&self) -> Result<Params, Error> {
        let mut params = Params::default();
        params.opt_line("type", Some(&self.direction))?;
        params.opt_line("action", Some(&self.action))?;
        // New rules are off by default.
        params.flag("enable", self.enabled);
        for (name, value) in &self.settings {
            params.opt_line(name, Some(value))?;
        }
        Ok(params)
    }
}

/// A rule at its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRule {
    /// The position, from 0. The first matching rule applies.
    pub position: u32,
    /// The digest, which changes with every change of the container's firewall.
    pub digest: Option<String>,
    /// The rule.
    pub rule: FirewallRule,
}

impl<'de> Deserialize<'de> for ListedRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Row {
            pos: u32,
            #[serde(rename = "type", deserialize_with = "lenient::text")]
            direction: String,
            #[serde(deserialize_with = "lenient::text")]
            action: String,
            #[serde(default, deserialize_with = "lenient::flag")]
            enable: bool,
            #[serde(default, deserialize_with = "lenient::opt_text")]
            digest: Option<String>,
            #[serde(flatten)]
            other: BTreeMap<String, Value>,
        }
        let row = Row::deserialize(deserializer)?;
        let text = |(name, value): (String, Value)| match value {
            // Derived from the addresses.
            _ if name == "ipversion" => None,
            Value::String(text) => Some((name, text)),
            Value::Null => None,
            other => Some((name, other.to_string())),
        };
        Ok(Self {
            position: row.pos,
            digest: row.digest,
            rule: FirewallRule {
                direction: row.direction,
                action: row.action,
                enabled: row.enable,
                settings: row.other.into_iter().filter_map(text).collect(),
            },
        })
    }
}

fn path<'a>(node: &'a str, vmid: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["nodes", node, "lxc", vmid, "firewall"], rest].concat()
}

impl Client {
    /// The firewall options of a container.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without VM.Audit on the container.
    pub async fn lxc_firewall_options(
        &self,
        node: &str,
        vmid: Vmid,
    ) -> Result<FirewallOptions, Error> {
        self.call(Call::get(&path(node, &vmid.to_string(), &["options"])))
            .await
    }

    /// Sets the firewall options of a container that are not `None`, and resets those in `delete`.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] if the digest is outdated, [`Error::Forbidden`] without
    /// VM.Config.Network on the container.
    pub async fn set_lxc_firewall_options(
        &self,
        node: &str,
        vmid: Vmid,
        options: &FirewallOptions,
        delete: &[String],
    ) -> Result<(), Error> {
        let mut params = Params::default();
        params.opt_flag("enable", options.enable);
        params.opt_flag("dhcp", options.dhcp);
        params.opt_flag("ipfilter", options.ipfilter);
        params.opt_flag("macfilter", options.macfilter);
        params.opt_flag("radv", options.radv);
        params.opt_line("policy_in", options.policy_in.as_deref())?;
        params.opt_line("policy_out", options.policy_out.as_deref())?;
        params.opt_line("digest", options.digest.as_deref())?;
        if !delete.is_empty() {
            params.set("delete", joined("delete", delete, ',')?);
        }
        let vmid = vmid.to_string();
        let call = Call::put(&path(node, &vmid, &["options"])).params(params);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// The IP sets of a container.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without VM.Audit on the container.
    pub async fn lxc_ip_sets(&self, node: &str, vmid: Vmid) -> Result<Vec<IpSet>, Error> {
        self.call(Call::get(&path(node, &vmid.to_string(), &["ipset"])))
            .await
    }

    /// Creates an empty IP set of a container.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it exists, [`Error::Forbidden`] without VM.Config.Network.
    pub async fn create_lxc_ip_set(&self, node: &str, vmid: Vmid, name: &str) -> Result<(), Error> {
        let mut params = Params::default();
        params.opt_line("name", Some(name))?;
        let vmid = vmid.to_string();
        let call = Call::post(&path(node, &vmid, &["ipset"])).params(params);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Deletes an empty IP set of a container.
    ///
    /// # Errors
    /// [`Error::Refused`] if it has entries, [`Error::Forbidden`] without VM.Config.Network.
    pub async fn delete_lxc_ip_set(&self, node: &str, vmid: Vmid, name: &str) -> Result<(), Error> {
        let vmid = vmid.to_string();
        let call = Call::delete(&path(node, &vmid, &["ipset", name]));
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// The entries of an IP set.
    ///
    /// # Errors
    /// [`Error::Refused`] if it does not exist.
    pub async fn lxc_ip_set(
        &self,
        node: &str,
        vmid: Vmid,
        name: &str,
    ) -> Result<Vec<IpSetEntry>, Error> {
        self.call(Call::get(&path(node, &vmid.to_string(), &["ipset", name])))
            .await
    }

    /// Adds an entry to an IP set.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it exists, [`Error::Forbidden`] without VM.Config.Network.
    pub async fn add_lxc_ip_set_entry(
        &self,
        node: &str,
        vmid: Vmid,
        name: &str,
        entry: &IpSetEntry,
    ) -> Result<(), Error> {
        let mut params = Params::default();
        params.opt_line("cidr", Some(&entry.cidr))?;
        params.opt_line("comment", entry.comment.as_deref())?;
        if entry.nomatch {
            params.flag("nomatch", true);
        }
        let vmid = vmid.to_string();
        let call = Call::post(&path(node, &vmid, &["ipset", name])).params(params);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Removes an entry of an IP set.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without VM.Config.Network.
    pub async fn remove_lxc_ip_set_entry(
        &self,
        node: &str,
        vmid: Vmid,
        name: &str,
        cidr: &str,
    ) -> Result<(), Error> {
        let vmid = vmid.to_string();
        let call = Call::delete(&path(node, &vmid, &["ipset", name, cidr]));
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// The rules of a container, in order.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without VM.Audit on the container.
    pub async fn lxc_firewall_rules(
        &self,
        node: &str,
        vmid: Vmid,
    ) -> Result<Vec<ListedRule>, Error> {
        self.call(Call::get(&path(node, &vmid.to_string(), &["rules"])))
            .await
    }

    /// Creates a rule before all others.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Forbidden`] without VM.Config.Network.
    pub async fn create_lxc_firewall_rule(
        &self,
        node: &str,
        vmid: Vmid,
        rule: &FirewallRule,
    ) -> Result<(), Error> {
        let vmid = vmid.to_string();
        let call = Call::post(&path(node, &vmid, &["rules"])).params(rule.params()?);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Deletes the rule at a position.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] if the digest is outdated, [`Error::Forbidden`] without
    /// VM.Config.Network.
    pub async fn delete_lxc_firewall_rule(
        &self,
        node: &str,
        vmid: Vmid,
        position: u32,
        digest: Option<&str>,
    ) -> Result<(), Error> {
        let mut params = Params::default();
        params.opt_line("digest", digest)?;
        let (vmid, position) = (vmid.to_string(), position.to_string());
        let call = Call::delete(&path(node, &vmid, &["rules", &position])).params(params);
        self.call::<IgnoredAny>(call).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_not_set_differ_from_options_that_are_off() {
        let options: FirewallOptions =
            serde_json::from_str(r#"{"digest":"x","enable":1,"radv":"0"}"#).unwrap();
        assert_eq!(options.enable, Some(true));
        assert_eq!(options.radv, Some(false));
        assert_eq!(options.ipfilter, None);
        assert_eq!(options.digest.as_deref(), Some("x"));
    }

    #[test]
    fn rule_keeps_settings_that_the_client_does_not_know() {
        let rows = r#"[{"pos":0,"type":"in","action":"ACCEPT","enable":1,"source":"10.0.0.1","ipversion":4,"log":"nolog","comment":"a","digest":"x"},{"pos":1,"type":"group","action":"web"}]"#;
        let rows: Vec<ListedRule> = serde_json::from_str(rows).unwrap();
        assert_eq!(rows[0].rule.comment(), Some("a"));
        assert_eq!(rows[0].rule.settings.len(), 3);
        assert!(rows[0].rule.enabled && !rows[1].rule.enabled);
        assert_eq!(rows[0].digest.as_deref(), Some("x"));
    }
}
