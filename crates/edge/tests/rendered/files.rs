//! The files as they are, and what a change of one asks for.

use std::collections::BTreeSet;

use edge::{Effect, Layout, Snapshot, render};

use crate::{
    example::{of, port, snapshot},
    hosts::{layout, new_layout},
};

/// All files under their names, as one text.
fn all(layout: &Layout) -> String {
    let tree = render(&snapshot(), layout).unwrap();
    let files = tree
        .files()
        .filter(|(path, _)| !path.starts_with("nginx/pages/"))
        .map(|(path, file)| format!("==> {path}\n{}", file.text));
    files.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_site_with_one_of_everything() {
    insta::assert_snapshot!(all(&layout()));
}

#[test]
fn a_host_with_a_newer_nginx_and_without_ipv6() {
    insta::assert_snapshot!(all(&new_layout()));
}

fn effects(change: impl FnOnce(&mut Snapshot)) -> BTreeSet<Effect> {
    let mut after = snapshot();
    change(&mut after);
    let [before, after] = [snapshot(), after].map(|site| render(&site, &layout()).unwrap());
    after.effects_after(&before)
}

#[test]
fn changed_files_determine_effects() {
    let only = |effect| BTreeSet::from([effect]);
    assert_eq!(effects(|_| ()), BTreeSet::new());
    let gone = effects(|site| {
        site.hosts.pop();
    });
    assert_eq!(gone, only(Effect::ReloadDnsmasq), "a host");
    let moved = effects(|site| site.network.gateway = of("10.20.0.9"));
    assert_eq!(moved, only(Effect::ReloadDnsmasq), "an option");
    let record = effects(|site| {
        site.records.pop();
    });
    assert_eq!(record, only(Effect::RestartDnsmasq), "a record");
    let both = effects(|site| {
        site.hosts.pop();
        site.network.dhcp = None;
    });
    assert_eq!(both, only(Effect::RestartDnsmasq), "a restart reads all");
    let stream = effects(|site| {
        site.streams.pop();
    });
    assert_eq!(stream, only(Effect::ReloadNginx), "a file that is gone");
    let service = effects(|site| site.domains[0].services[0].port = port(81));
    assert_eq!(service, only(Effect::ReloadNginx), "a service");
}

#[test]
fn service_change_affects_only_its_file() {
    let before = render(&snapshot(), &layout()).unwrap();
    let mut site = snapshot();
    site.domains[0].services[0].port = port(81);
    let after = render(&site, &layout()).unwrap();
    let changed: Vec<&str> = after
        .files()
        .filter(|(path, file)| before.get(path) != Some(file))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(changed, ["nginx/services/wiki.example.org.conf"]);
}
