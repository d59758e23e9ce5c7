//! The firewall configuration of the cluster, of nodes and of guests. Nothing is filtered. As in
//! Proxmox, the configuration of a guest is a file of its own, which is deleted with the guest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::schema::format::split_list;

/// Options of a firewall, by name.
pub(crate) type Options = BTreeMap<String, String>;

/// A rule: its settings by name.
pub(crate) type Rule = BTreeMap<String, String>;

/// An IP set: the settings of each entry, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpSet {
    /// The comment of the set.
    pub comment: Option<String>,
    /// The settings of the entries, such as `comment`.
    pub entries: BTreeMap<String, BTreeMap<String, String>>,
}

/// The firewall of a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    /// The options that are set, by name.
    pub options: BTreeMap<String, String>,
    /// The IP sets, by name.
    pub ip_sets: BTreeMap<String, IpSet>,
    /// The rules, in order.
    pub rules: Vec<BTreeMap<String, String>>,
}

impl Firewall {
    /// The SHA-1 digest of the configuration.
    pub(crate) fn digest(&self) -> String {
        let mut text = options_text(&self.options);
        for (name, set) in &self.ip_sets {
            text.push_str(&format!("[IPSET {name}] {:?}\n", set.comment));
            for (address, settings) in &set.entries {
                text.push_str(&format!("{address} {settings:?}\n"));
            }
        }
        for rule in &self.rules {
            text.push_str(&format!("[RULE] {rule:?}\n"));
        }
        sha1(&text)
    }
}

fn options_text(options: &Options) -> String {
    let lines = options
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"));
    lines.collect()
}

fn sha1(text: &str) -> String {
    let hash = Sha1::digest(text);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Settings as JSON: numbers and booleans are numbers, the rest is text.
pub(crate) fn to_json(settings: &BTreeMap<String, String>) -> Map<String, Value> {
    const NUMERIC: [&str; 9] = [
        "dhcp",
        "ebtables",
        "enable",
        "ipfilter",
        "macfilter",
        "ndp",
        "nomatch",
        "pos",
        "radv",
    ];
    let json = |(name, value): (&String, &String)| match value.parse::<i64>() {
        Ok(number) if NUMERIC.contains(&name.as_str()) => (name.clone(), number.into()),
        _ => (name.clone(), value.as_str().into()),
    };
    settings.iter().map(json).collect()
}

/// Options with the digest of a file that contains nothing else.
pub(crate) fn options_json(options: &Options) -> Value {
    let mut members = to_json(options);
    members.insert("digest".into(), options_digest(options).into());
    Value::Object(members)
}

/// The digest of a file that contains only options.
pub(crate) fn options_digest(options: &Options) -> String {
    sha1(&options_text(options))
}

/// Fails if the caller read another version.
pub(crate) fn check_digest(params: &Params, current: &str) -> Result<()> {
    match params.get("digest") {
        Some(digest) if !digest.is_empty() && digest != current => Err(ApiError::failed(
            "detected modified configuration - file changed by other user? Try again.",
        )),
        _ => Ok(()),
    }
}

/// Sets and deletes the options that a request names.
pub(crate) fn change_options(params: &Params, options: &mut Options) {
    const OTHERS: [&str; 4] = ["delete", "digest", "node", "vmid"];
    for name in split_list(params.text("delete")) {
        options.remove(name);
    }
    for (name, value) in params.iter().filter(|(name, _)| !OTHERS.contains(name)) {
        options.insert(name.to_owned(), value.to_owned());
    }
}
