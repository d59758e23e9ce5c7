//! The options of containers: normalizing their values, and checking which options only root may
//! set.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::auth::Caller;
use crate::cluster::container::{Container, is_member};
use crate::error::{ApiError, Result};
use crate::schema::format::split_list;
use crate::schema::lxc;

/// Normalizes a value as Proxmox stores it. Disk options are not handled here.
pub(crate) fn normalize(name: &str, value: &str) -> Result<String> {
    if is_member(name, "net") {
        return network(name, value);
    }
    match name {
        "features" => {
            let parts = lxc::features()
                .parse(name, value)
                .map_err(ApiError::Failed)?;
            Ok(lxc::features().write(&parts))
        }
        "tags" => {
            let tags: BTreeSet<String> = split_list(value).map(str::to_ascii_lowercase).collect();
            Ok(tags.into_iter().collect::<Vec<_>>().join(";"))
        }
        _ => Ok(value.to_owned()),
    }
}

/// Adds the type and, if there is none, a new MAC address to a network interface.
fn network(name: &str, value: &str) -> Result<String> {
    let mut parts = lxc::network()
        .parse(name, value)
        .map_err(ApiError::Failed)?;
    parts.entry("type".into()).or_insert_with(|| "veth".into());
    let mac = parts.remove("hwaddr").unwrap_or_else(new_mac);
    parts.insert("hwaddr".into(), mac.to_ascii_uppercase());
    Ok(lxc::network().write(&parts))
}

fn new_mac() -> String {
    let [a, b, c] = rand::random::<[u8; 3]>();
    format!("BC:24:11:{a:02X}:{b:02X}:{c:02X}")
}

/// Rejects options that only root with a ticket may set. Tokens are rejected even if they belong to
/// root.
pub(crate) fn check_rights(
    caller: &Caller,
    new: &BTreeMap<&str, &str>,
    old: Option<&Container>,
    unprivileged: bool,
) -> Result<()> {
    if caller.is_root() {
        return match new.get("hookscript") {
            Some(script) => Err(ApiError::Failed(format!(
                "script '{script}' does not exist"
            ))),
            None => Ok(()),
        };
    }
    let forbidden = |reason: &str| Err(ApiError::Forbidden(reason.into()));
    for (name, value) in new {
        if is_member(name, "dev") {
            return forbidden("configuring device passthrough is only allowed for root@pam");
        }
        if *name == "hookscript" {
            return forbidden("changing the hookscript is only allowed for root@pam");
        }
        if *name != "features" {
            continue;
        }
        let read = |value: &str| lxc::features().parse("features", value).unwrap_or_default();
        let before = old
            .and_then(|old| old.option("features"))
            .map(read)
            .unwrap_or_default();
        let after = read(value);
        let mut changed: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        changed.retain(|key| before.get(*key) != after.get(*key));
        if !unprivileged && !changed.is_empty() {
            return forbidden(
                "changing feature flags for privileged container is only allowed for root@pam",
            );
        }
        if changed.into_iter().any(|key| key != "nesting") {
            return forbidden(
                "changing feature flags (except nesting) is only allowed for root@pam",
            );
        }
    }
    Ok(())
}

/// Checks that each non-empty line is a public key. Comments are not allowed.
pub(crate) fn check_ssh_keys(text: &str) -> Result<()> {
    const KINDS: [(&str, &str); 5] = [
        ("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5"),
        ("ssh-rsa", "AAAAB3NzaC1yc2E"),
        ("ecdsa-sha2-nistp256", "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY"),
        ("ecdsa-sha2-nistp384", "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQ"),
        ("ecdsa-sha2-nistp521", "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjE"),
    ];
    let is_key = |line: &str| {
        let mut fields = line.split_whitespace();
        let (kind, blob) = (
            fields.next().unwrap_or_default(),
            fields.next().unwrap_or_default(),
        );
        KINDS
            .iter()
            .any(|(name, start)| kind == *name && blob.starts_with(start))
    };
    if text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .all(is_key)
    {
        Ok(())
    } else {
        Err(ApiError::failed("SSH public key validation error"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_value_gets_mac_and_type_and_is_sorted() {
        let value = normalize("net0", "ip=10.0.0.5/24,bridge=vmbr0,name=eth0,gw=10.0.0.1").unwrap();
        assert!(
            value.starts_with("name=eth0,bridge=vmbr0,gw=10.0.0.1,hwaddr=BC:24:11:"),
            "{value}"
        );
        assert!(value.ends_with(",ip=10.0.0.5/24,type=veth"), "{value}");
        let network = normalize("net0", "name=eth0,hwaddr=bc:24:11:00:00:0a").unwrap();
        assert_eq!(network, "name=eth0,hwaddr=BC:24:11:00:00:0A,type=veth");
    }

    #[test]
    fn tags_are_lowercased_sorted_and_deduplicated() {
        assert_eq!(normalize("tags", "b;a, B").unwrap(), "a;b");
    }

    #[test]
    fn ssh_key_check_rejects_other_lines() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKQx3c6m1VnQ a@b";
        assert_eq!(check_ssh_keys(&format!("{key}\n\n{key}\n")), Ok(()));
        for bad in ["garbage", "ssh-rsa", "# comment", "ssh-ed25519 AAAA\nbad"] {
            assert!(check_ssh_keys(bad).is_err(), "{bad}");
        }
    }
}
