use proptest::prelude::*;

use super::*;

/// Applies changes as Proxmox does: new rules come first.
fn apply(observed: &mut ObservedFirewall, change: Change) {
    match change {
        Change::CreateIpSet => observed.entries = Some(Vec::new()),
        Change::AddEntry(entry) => observed.entries.as_mut().unwrap().push(entry),
        Change::RemoveEntry(cidr) => {
            let entries = observed.entries.as_mut().unwrap();
            entries.retain(|entry| entry.cidr != cidr);
        }
        Change::DeleteIpSet => {
            assert_eq!(observed.entries.take(), Some(Vec::new()));
        }
        Change::SetOptions(options) => observed.options = options,
        Change::ResetOptions => observed.options = FirewallOptions::default(),
        Change::CreateRule(rule) => {
            let listed = ListedRule {
                position: 0,
                digest: None,
                rule,
            };
            observed.rules.insert(0, listed);
        }
        Change::DeleteRule { position, .. } => {
            observed.rules.remove(usize::try_from(position).unwrap());
        }
    }
    for (position, listed) in (0..).zip(&mut observed.rules) {
        listed.position = position;
    }
}

/// Applies differences until there are none: of several deletions of rules only the first.
fn converge(desired: &GuestFirewall, observed: &mut ObservedFirewall) {
    for _ in 0..100 {
        let changes = difference(desired, observed);
        if changes.is_empty() {
            return;
        }
        let is_deletion = |change: &Change| matches!(change, Change::DeleteRule { .. });
        match changes.iter().all(is_deletion) {
            true => apply(observed, changes[0].clone()),
            false => changes
                .into_iter()
                .filter(|change| !is_deletion(change))
                .for_each(|change| apply(observed, change)),
        }
    }
    panic!("the difference does not end: {observed:?}");
}

fn basis(port_access: PortAccess, edge_hosts: &[u8]) -> Basis {
    Basis {
        address: Ipv4Addr::new(10, 20, 0, 100),
        uses_dhcp: false,
        port_access,
        edge_hosts: edge_hosts
            .iter()
            .map(|last| Ipv4Addr::new(10, 20, 0, *last))
            .collect(),
    }
}

fn comments(firewall: &GuestFirewall) -> Vec<&str> {
    let rules = firewall.rules.iter();
    rules.filter_map(FirewallRule::comment).collect()
}

#[test]
fn ports_are_closed_only_for_the_option_edge() {
    let policy = |firewall: &GuestFirewall| firewall.options.clone().unwrap().policy_in;
    let open = desired(&basis(PortAccess::Network, &[2, 3]));
    assert_eq!(policy(&open).as_deref(), Some("ACCEPT"));
    assert_eq!(comments(&open), [comment::DHCP_SERVER; 2]);
    let closed = desired(&basis(PortAccess::Edge, &[2, 3]));
    assert_eq!(policy(&closed).as_deref(), Some("DROP"));
    let edge = comments(&closed)
        .into_iter()
        .filter(|text| *text == comment::EDGE);
    assert_eq!(edge.count(), 2);
    assert!(comments(&closed).contains(&comment::PING));
}

#[test]
fn edge_host_in_a_container_stays_reachable() {
    let firewall = desired(&basis(PortAccess::Edge, &[2, 100]));
    assert_eq!(
        firewall.options.unwrap().policy_in.as_deref(),
        Some("ACCEPT")
    );
    assert!(firewall.rules.is_empty());
}

#[test]
fn options_are_set_after_the_rules_that_they_need() {
    let firewall = desired(&basis(PortAccess::Edge, &[2]));
    let changes = difference(&firewall, &ObservedFirewall::default());
    assert!(matches!(changes.last(), Some(Change::SetOptions(_))));
}

fn port_access() -> impl Strategy<Value = PortAccess> {
    prop::sample::select(PortAccess::ALL)
}

fn any_basis() -> impl Strategy<Value = Basis> {
    let edge_hosts = prop::collection::vec(98_u8..103, 0..4);
    (port_access(), edge_hosts).prop_map(|(access, edge_hosts)| basis(access, &edge_hosts))
}

fn any_rule() -> impl Strategy<Value = FirewallRule> {
    let comments = [
        "holdfast: edge",
        "holdfast: ping",
        "holdfast",
        "by hand",
        "",
    ];
    let source = prop::sample::select(&["10.20.0.2", "10.20.0.98", "0.0.0.0/0"][..]);
    (
        prop::sample::select(comments.to_vec()),
        source,
        any::<bool>(),
    )
        .prop_map(|(comment, source, enabled)| FirewallRule {
            enabled,
            ..rule("in", "ACCEPT", &[("source", source)], comment)
        })
}

fn any_entry() -> impl Strategy<Value = IpSetEntry> {
    let comments = [None, Some("by hand"), Some(comment::ADDRESS)];
    (
        1_u8..200,
        prop::sample::select(comments.to_vec()),
        any::<bool>(),
    )
        .prop_map(|(last, comment, nomatch)| IpSetEntry {
            cidr: format!("10.20.0.{last}"),
            comment: comment.map(str::to_owned),
            nomatch,
        })
}

fn any_observed() -> impl Strategy<Value = ObservedFirewall> {
    let entries = prop::collection::btree_map(1_u8..200, any_entry(), 0..4).prop_map(|entries| {
        let entry = |(last, entry): (u8, IpSetEntry)| IpSetEntry {
            cidr: format!("10.20.1.{last}"),
            ..entry
        };
        entries.into_iter().map(entry).collect()
    });
    let rules = prop::collection::vec(any_rule(), 0..6);
    (prop::option::of(entries), rules, any::<bool>()).prop_map(|(entries, rules, enable)| {
        let listed = |(position, rule)| ListedRule {
            position,
            digest: None,
            rule,
        };
        ObservedFirewall {
            options: FirewallOptions {
                enable: Some(enable),
                ..FirewallOptions::default()
            },
            entries,
            rules: (0..).zip(rules).map(listed).collect(),
        }
    })
}

/// The rules and entries that Holdfast must not change, in order.
fn unmanaged(observed: &ObservedFirewall) -> (Vec<FirewallRule>, Vec<IpSetEntry>) {
    let rules = observed.rules.iter().map(|listed| listed.rule.clone());
    let rules = rules.filter(|rule| !is_managed(rule.comment()));
    let entries = observed.entries.iter().flatten();
    let entries = entries.filter(|entry| !is_managed(entry.comment.as_deref()));
    (rules.collect(), entries.cloned().collect())
}

proptest! {
    #[test]
    fn difference_converges_and_keeps_unmanaged_entries(
        first in any_basis(),
        second in any_basis(),
        mut observed in any_observed(),
    ) {
        let before = unmanaged(&observed);
        for basis in [&first, &second] {
            let firewall = desired(basis);
            converge(&firewall, &mut observed);
            prop_assert_eq!(&unmanaged(&observed), &before);
            let managed: BTreeSet<_> = observed
                .rules
                .iter()
                .filter(|listed| is_managed(listed.rule.comment()))
                .map(|listed| listed.rule.clone())
                .collect();
            prop_assert_eq!(managed, firewall.rules);
        }
        converge(&GuestFirewall::default(), &mut observed);
        prop_assert_eq!(&unmanaged(&observed), &before);
        prop_assert_eq!(observed.options, FirewallOptions::default());
    }
}
