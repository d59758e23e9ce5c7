//! Strategies for arbitrary valid site configurations.

use std::net::Ipv4Addr;

use edge::{ChallengeResponse, DnsHost, HttpService, PublicDomain, SiteConfig, Srv};
use model::{
    ServiceId,
    domains::Hsts,
    names::{BaseDomain, Domain, Label, SrvName},
    net::MacAddress,
    publish::HttpOptions,
};
use proptest::{collection::vec, prelude::*};

use crate::example::{example_site, fingerprint, parse, port};

/// Labels, one in eight of the maximum length.
fn label() -> impl Strategy<Value = Label> {
    prop_oneof![
        7 => "[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?",
        1 => "[a-z0-9][a-z0-9-]{61}[a-z0-9]",
    ]
    .prop_map(|text| parse(&text))
}

/// Domains, one in eight of the maximum length.
fn domain() -> impl Strategy<Value = Domain> {
    prop_oneof![
        7 => "([a-z0-9]{1,8}\\.){0,2}[a-z]{2,6}",
        1 => "[a-z0-9]{63}\\.[a-z0-9]{63}\\.[a-z]{4}",
    ]
    .prop_map(|text| parse::<BaseDomain>(&text).into())
}

/// Names of SRV records, one in eight with labels of the maximum length.
fn srv_name() -> impl Strategy<Value = SrvName> {
    prop_oneof![
        7 => "_?[a-z]{1,6}(\\._?[a-z]{1,6})?",
        1 => "_[a-z]{62}\\._[a-z]{55}",
    ]
    .prop_map(|text| parse(&text))
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from_bits)
}

prop_compose! {
    fn host()(name in label(), address in address(), mac in any::<[u8; 6]>()) -> DnsHost {
        DnsHost { name, address, mac: MacAddress::from_octets(mac).ok() }
    }
}

prop_compose! {
    fn record()(name in srv_name(), host in label(), port_number in 1..u16::MAX) -> Srv {
        Srv { id: ServiceId(2), name, host, port: port(port_number) }
    }
}

prop_compose! {
    fn service()(
        label in proptest::option::of(label()),
        address in address(),
        port_number in 1..u16::MAX,
        body in 1_u32..1_048_576,
        flags in any::<[bool; 3]>(),
    ) -> HttpService {
        let [buffering, sign_in, has_certificate] = flags;
        let options = HttpOptions { body: body.try_into().unwrap(), buffering, sign_in, ..HttpOptions::default() };
        HttpService { id: ServiceId(1), label, address, port: port(port_number), options, certificate: has_certificate.then(|| fingerprint("EF")) }
    }
}

prop_compose! {
    pub fn site()(
        domain in domain(),
        hosts in vec(host(), 0..6),
        records in vec(record(), 0..4),
        name in domain(),
        sign_in in proptest::option::of(domain()),
        services in vec(service(), 0..4),
        responses in vec(("[A-Za-z0-9_-]{1,43}", "[A-Za-z0-9_-]{43}"), 0..3),
    ) -> SiteConfig {
        let mut site = example_site();
        site.network.domain = domain;
        (site.hosts, site.records) = (hosts, records);
        let sign_in = sign_in.map(|host| parse(&format!("https://{host}:8443")));
        let mut services = services;
        services.sort_by_key(|service| service.label.clone());
        services.dedup_by_key(|service| service.label.clone());
        site.domains = vec![PublicDomain { name, sign_in, forwards_access_token: false, hsts: Hsts::Names, services, certificate: None }];
        site.challenge_responses = responses.iter()
            .map(|(token, thumbprint)| ChallengeResponse { token: parse(token), thumbprint: parse(thumbprint) })
            .collect();
        site
    }
}
