//! Formats and their names in Proxmox.

use super::{Format, address, format, identity};

pub(crate) const ADDRESS: Format = Format::new("address", format::address);
pub(crate) const BLOCK_SIZE: Format = Format::new("pve-storage-zfs-blocksize", format::block_size);
pub(crate) const CIDR4: Format = Format::new("CIDRv4", address::cidr4);
pub(crate) const CIDR6: Format = Format::new("CIDRv6", address::cidr6);
pub(crate) const CONFIG_ID: Format = Format::new("pve-configid", format::config_id);
pub(crate) const CONTENT: Format = Format::new("pve-storage-content", format::content);
pub(crate) const DEVICE: Format = Format::new("pve-lxc-dev-string", format::device);
pub(crate) const DIR_OVERRIDE: Format = Format::new("pve-dir-override", format::dir_override);
pub(crate) const DISK_SIZE: Format = Format::new("disk-size", format::disk_size);
pub(crate) const DNS_NAME: Format = Format::new("dns-name", format::dns_name);
pub(crate) const EMAIL_OR_USER: Format =
    Format::new("email-or-username", identity::email_or_username);
pub(crate) const EMAIL: Format = Format::new("email-opt", identity::email);
pub(crate) const GROUP: Format = Format::new("pve-groupid", identity::group);
pub(crate) const IFACE: Format = Format::new("pve-iface", address::iface);
pub(crate) const IPV4: Format = Format::new("ipv4", address::ipv4);
pub(crate) const IPV4_CONFIG: Format = Format::new("pve-ipv4-config", address::ipv4_config);
pub(crate) const IPV4_MASK: Format = Format::new("ipv4mask", address::ipv4_mask);
pub(crate) const IPV6: Format = Format::new("ipv6", address::ipv6);
pub(crate) const IPV6_CONFIG: Format = Format::new("pve-ipv6-config", address::ipv6_config);
pub(crate) const LDAP_ATTRIBUTE: Format = Format::new("ldap-simple-attr", identity::ldap_attribute);
pub(crate) const MAC: Format = Format::new("mac-addr", address::mac);
pub(crate) const MOUNT_PATH: Format = Format::new("pve-lxc-mp-string", format::mount_path);
pub(crate) const NAMESERVER: Format = Format::new("lxc-ip-with-ll-iface", address::nameserver);
pub(crate) const NODE: Format = Format::new("pve-node", format::node);
pub(crate) const POOL: Format = Format::new("pve-poolid", format::pool);
pub(crate) const PRIVILEGE: Format = Format::new("pve-priv", identity::privilege);
pub(crate) const REALM: Format = Format::new("pve-realm", identity::realm);
pub(crate) const ROLE: Format = Format::new("pve-roleid", identity::role);
pub(crate) const SERVER: Format = Format::new("pve-storage-server", format::server);
pub(crate) const STARTUP: Format = Format::new("pve-startup-order", format::startup);
pub(crate) const STORAGE: Format = Format::new("pve-storage-id", format::storage);
pub(crate) const STORAGE_OPTIONS: Format =
    Format::new("pve-storage-options", format::mount_options);
pub(crate) const STORAGE_PATH: Format = Format::new("pve-storage-path", format::storage_path);
pub(crate) const STORAGE_PAIR: Format = Format::new("storage-pair", format::storage_pair);
pub(crate) const TAG: Format = Format::new("pve-tag", format::tag);
pub(crate) const TASK_STATUS: Format = Format::new("pve-task-status-type", format::task_status);
pub(crate) const TIMEZONE: Format = Format::new("pve-ct-timezone", format::timezone);
pub(crate) const TOKEN: Format = Format::new("pve-tokenid", identity::token);
pub(crate) const USERID: Format = Format::new("pve-userid", identity::userid);
pub(crate) const VGNAME: Format = Format::new("pve-storage-vgname", format::vgname);
pub(crate) const VLAN_RANGE: Format =
    Format::new("pve-vlan-id-or-range", address::vlan_id_or_range);
pub(crate) const VMID: Format = Format::new("pve-vmid", format::vmid);
pub(crate) const VOLUME_ID: Format = Format::new("pve-volume-id", format::volume_id);
