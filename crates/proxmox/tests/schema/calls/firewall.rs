//! The calls about firewalls.

use proxmox::*;

use super::{NODE, Recorder, some, vmid};

pub(super) async fn record_all(r: &mut Recorder) {
    record!(r, is_cluster_firewall_on());
    record!(r, is_node_firewall_on(NODE));
    record!(r, lxc_firewall_options(NODE, vmid()));
    let options = FirewallOptions {
        enable: Some(true),
        dhcp: Some(true),
        ipfilter: Some(true),
        macfilter: Some(true),
        radv: Some(false),
        policy_in: some("DROP"),
        policy_out: some("ACCEPT"),
        digest: some("6044d62495c1c120eec62aac810104f24b65c1d1"),
    };
    record!(r, set_lxc_firewall_options(NODE, vmid(), &options, &[]));
    let none = FirewallOptions::default();
    let delete = ["enable".to_owned(), "policy_in".to_owned()];
    record!(r, set_lxc_firewall_options(NODE, vmid(), &none, &delete));
    record!(r, lxc_ip_sets(NODE, vmid()));
    record!(r, create_lxc_ip_set(NODE, vmid(), "ipfilter-net0"));
    record!(r, lxc_ip_set(NODE, vmid(), "ipfilter-net0"));
    let entry = IpSetEntry {
        cidr: "10.20.1.1".to_owned(),
        comment: some("a comment"),
        nomatch: true,
    };
    record!(
        r,
        add_lxc_ip_set_entry(NODE, vmid(), "ipfilter-net0", &entry)
    );
    record!(
        r,
        remove_lxc_ip_set_entry(NODE, vmid(), "ipfilter-net0", "10.20.1.1")
    );
    record!(r, delete_lxc_ip_set(NODE, vmid(), "ipfilter-net0"));
    record!(r, lxc_firewall_rules(NODE, vmid()));
    let settings = [
        ("source", "10.20.0.2"),
        ("proto", "udp"),
        ("dport", "67"),
        ("comment", "a"),
    ];
    let rule = FirewallRule {
        direction: "in".to_owned(),
        action: "ACCEPT".to_owned(),
        enabled: true,
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    record!(r, create_lxc_firewall_rule(NODE, vmid(), &rule));
    record!(
        r,
        delete_lxc_firewall_rule(
            NODE,
            vmid(),
            3,
            Some("6044d62495c1c120eec62aac810104f24b65c1d1")
        )
    );
}
