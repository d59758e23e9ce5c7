//! Tests of the parts of a site: their files and their removal.

use std::collections::BTreeSet;

use edge::{SiteConfig, Tree, render};
use model::{ServiceId, hosts::ConfigPart};

use crate::{
    example::{example_site, parse},
    hosts::layout,
};

fn tree(site: &SiteConfig) -> Tree {
    render(site, &layout()).unwrap()
}

fn service(id: i64) -> ConfigPart {
    ConfigPart::Service(ServiceId(id))
}

#[test]
fn part_is_found_by_its_file() {
    let site = example_site();
    let owners: Vec<Option<ConfigPart>> = tree(&site)
        .files()
        .map(|(path, _)| site.part_of(path))
        .collect();
    let with_file: BTreeSet<ConfigPart> = owners.iter().flatten().cloned().collect();
    let expected: BTreeSet<ConfigPart> = (1..=10)
        .map(service)
        .chain(["example.org", "example.com"].map(|name| ConfigPart::Domain(parse(name))))
        .collect();
    assert_eq!(with_file, expected);
    assert_eq!(
        owners.iter().flatten().count(),
        with_file.len(),
        "one file per part"
    );
    assert_eq!(
        site.part_of("nginx/streams/tcp-2000.conf"),
        Some(service(6))
    );
    assert_eq!(
        site.part_of("nginx/streams/udp-2000.conf"),
        Some(service(8))
    );
    assert_eq!(site.part_of("nginx/nginx.conf"), None);
}

#[test]
fn removing_part_changes_only_its_files() {
    let site = example_site();
    for (part, paths) in [
        (service(1), vec!["nginx/services/wiki.example.org.conf"]),
        (service(8), vec!["nginx/streams/udp-2000.conf"]),
        (service(11), vec!["dnsmasq/records.conf"]),
        (
            ConfigPart::Host(parse("wiki")),
            vec!["dnsmasq/hosts", "dnsmasq/reservations"],
        ),
        (
            ConfigPart::Domain(parse("example.com")),
            vec![
                "nginx/domains/example.com.conf",
                "nginx/services/no-sign-in-yet.example.com.conf",
                "nginx/services/sure.example.com.conf",
            ],
        ),
    ] {
        let remaining = tree(&site.without(&BTreeSet::from([part])));
        let all = tree(&site);
        let changed: Vec<&str> = all
            .files()
            .filter(|(path, file)| remaining.get(path) != Some(file))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(changed, paths);
    }
}

#[test]
fn site_without_all_parts_keeps_its_network() {
    let site = example_site();
    let empty = site.without(&site.parts().collect());
    assert_eq!(empty.parts().count(), 0);
    assert_eq!(empty.network, site.network);
    assert_eq!(empty.challenge_responses, site.challenge_responses);
    assert_eq!(site.without(&BTreeSet::new()), site);
}
