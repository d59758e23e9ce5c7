//! Services, the files that are theirs, and a site without some of them.

use std::collections::BTreeSet;

use edge::{Snapshot, Tree, render};
use model::ServiceId;

use crate::{example::snapshot, hosts::layout};

fn tree(site: &Snapshot) -> Tree {
    render(site, &layout()).unwrap()
}

#[test]
fn service_is_found_by_its_file() {
    let site = snapshot();
    let owners: Vec<Option<ServiceId>> = tree(&site)
        .files()
        .map(|(path, _)| site.service_of(path))
        .collect();
    let known: BTreeSet<ServiceId> = owners.iter().flatten().copied().collect();
    assert_eq!(known, site.services().collect());
    assert_eq!(
        owners.iter().flatten().count(),
        known.len(),
        "one file each"
    );
    assert_eq!(
        site.service_of("nginx/streams/tcp-2000.conf"),
        Some(ServiceId(6))
    );
    assert_eq!(
        site.service_of("nginx/streams/udp-2000.conf"),
        Some(ServiceId(8))
    );
    assert_eq!(site.service_of("nginx/nginx.conf"), None);
}

#[test]
fn removing_service_removes_only_its_file() {
    let site = snapshot();
    for (service, path) in [
        (1, "nginx/services/wiki.example.org.conf"),
        (8, "nginx/streams/udp-2000.conf"),
    ] {
        let rest = tree(&site.without(&BTreeSet::from([ServiceId(service)])));
        let all = tree(&site);
        let gone: Vec<&str> = all
            .files()
            .filter(|(path, file)| rest.get(path) != Some(file))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(gone, [path]);
    }
    let none = site.without(&site.services().collect());
    assert_eq!(none.services().count(), 0);
    assert_eq!(none.hosts, site.hosts);
    assert_eq!(none.domains.len(), site.domains.len(), "domains stay");
    assert_eq!(site.without(&BTreeSet::new()), site);
}
