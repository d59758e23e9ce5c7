//! Tests of the services of a site: their files and their removal.

use std::collections::BTreeSet;

use edge::{SiteConfig, Tree, render};
use model::ServiceId;

use crate::{example::example_site, hosts::layout};

fn tree(site: &SiteConfig) -> Tree {
    render(site, &layout()).unwrap()
}

#[test]
fn service_is_found_by_its_file() {
    let site = example_site();
    let owners: Vec<Option<ServiceId>> = tree(&site)
        .files()
        .map(|(path, _)| site.service_of(path))
        .collect();
    let with_file: BTreeSet<ServiceId> = owners.iter().flatten().copied().collect();
    assert_eq!(with_file, site.services().collect());
    assert_eq!(
        owners.iter().flatten().count(),
        with_file.len(),
        "one file per service"
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
    let site = example_site();
    for (service, path) in [
        (1, "nginx/services/wiki.example.org.conf"),
        (8, "nginx/streams/udp-2000.conf"),
    ] {
        let remaining = tree(&site.without(&BTreeSet::from([ServiceId(service)])));
        let all = tree(&site);
        let removed: Vec<&str> = all
            .files()
            .filter(|(path, file)| remaining.get(path) != Some(file))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(removed, [path]);
    }
    let none = site.without(&site.services().collect());
    assert_eq!(none.services().count(), 0);
    assert_eq!(none.hosts, site.hosts);
    assert_eq!(none.domains.len(), site.domains.len(), "domains stay");
    assert_eq!(site.without(&BTreeSet::new()), site);
}
