//! Property tests: user input is rejected by the types or read back unchanged from the rendered
//! files.

use std::{fmt::Display, str::FromStr};

use edge::{Base64Url, ConfigPath, Layout, SiteConfig, certificate_file_stem, render};
use model::{
    fingerprint::Fingerprint,
    names::{Domain, InterfaceName, Label, SrvName, Username},
    net::{AddressRange, Cidr, MacAddress},
    origin::Origin,
    publish::{IdleTimeoutS, MaxBodyMib},
};
use proptest::{collection::vec, prelude::*};

use crate::{
    arbitrary::site,
    example::example_site,
    hosts::layout,
    reader::{parse_file, values},
};

/// User input with many characters that nginx or dnsmasq give a meaning to.
fn user_input() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9.-]{1,6}",
        "[ \t\r\n;{}\"'\\\\$#,=:/!*@_-]{1,3}",
        any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Whether nginx and dnsmasq read the text as one word without quotes.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

fn is_plain_or_rejected<T: FromStr + Display>(text: &str) -> bool {
    text.parse::<T>()
        .map_or(true, |value| is_plain(&value.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn types_reject_text_that_needs_quoting(text in user_input()) {
        let (address, path) = (format!("https://{text}"), format!("/{text}"));
        prop_assert!(is_plain_or_rejected::<Label>(&text));
        prop_assert!(is_plain_or_rejected::<Domain>(&text));
        prop_assert!(is_plain_or_rejected::<SrvName>(&text));
        prop_assert!(is_plain_or_rejected::<InterfaceName>(&text));
        prop_assert!(is_plain_or_rejected::<Username>(&text));
        prop_assert!(is_plain_or_rejected::<Origin>(&text));
        prop_assert!(is_plain_or_rejected::<Origin>(&address));
        prop_assert!(is_plain_or_rejected::<ConfigPath>(&text));
        prop_assert!(is_plain_or_rejected::<ConfigPath>(&path));
        prop_assert!(is_plain_or_rejected::<Cidr>(&text));
        prop_assert!(is_plain_or_rejected::<AddressRange>(&text));
        prop_assert!(is_plain_or_rejected::<MacAddress>(&text));
        prop_assert!(is_plain_or_rejected::<MaxBodyMib>(&text));
        prop_assert!(is_plain_or_rejected::<IdleTimeoutS>(&text));
        prop_assert!(is_plain_or_rejected::<Base64Url>(&text));
        prop_assert!(is_plain_or_rejected::<Fingerprint>(&text));
    }
}

fn file(site: &SiteConfig, layout: &Layout, path: &str) -> String {
    let tree = render(site, layout).unwrap();
    tree.get(path)
        .unwrap_or_else(|| panic!("no {path}"))
        .text
        .clone()
}

/// Lines of a dnsmasq file without comments and empty lines.
fn directives(text: &str) -> Vec<&str> {
    let is_directive = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().filter(is_directive).collect()
}

proptest! {
    #[test]
    fn nginx_configuration_round_trips(site in site()) {
        let domain = &site.domains[0];
        for service in &domain.services {
            let host = domain.hostname(service);
            let text = file(&site, &layout(), &format!("nginx/services/{host}.conf"));
            let file = parse_file(&text).expect("nginx syntax");
            prop_assert_eq!(values(&file, "server_name"), vec![host.clone(), host.clone()]);
            let files = values(&file, "ssl_certificate");
            let name = service.certificate.as_ref().map(|fingerprint| certificate_file_stem(Some(fingerprint)));
            let expected: Vec<String> = name.iter()
                .map(|name| format!("{}/{name}.crt", layout().tls)).collect();
            prop_assert_eq!(files, expected);
            let body = format!("{}m", service.options.body);
            prop_assert_eq!(values(&file, "client_max_body_size"), vec![body]);
            let backend = format!("http://{}:{}", service.address, service.port);
            let passes = values(&file, "proxy_pass");
            match (&domain.sign_in, service.options.sign_in) {
                (_, false) => prop_assert_eq!(passes, vec![backend]),
                (None, true) => prop_assert!(passes.is_empty(), "all requests are denied"),
                (Some(origin), true) => {
                    prop_assert_eq!(values(&file, "set"), vec![format!("$holdfast_sign_in {origin}")]);
                    prop_assert_eq!(values(&file, "auth_request"), vec!["/oauth2/auth"]);
                    prop_assert_eq!(passes.first(), Some(&backend));
                }
            }
        }
    }

    #[test]
    fn nginx_files_are_parseable(site in site()) {
        let tree = render(&site, &layout()).unwrap();
        for (path, file) in tree.files().filter(|(path, _)| path.ends_with(".conf") && path.starts_with("nginx/")) {
            prop_assert!(parse_file(&file.text).is_some(), "{}:\n{}", path, file.text);
        }
    }

    #[test]
    fn dnsmasq_configuration_round_trips(site in site()) {
        let domain = &site.network.domain;
        let names = file(&site, &layout(), "dnsmasq/hosts");
        // Hosts outside the network have no reverse record, so they are not in `hosts`.
        let (in_network, external): (Vec<_>, Vec<_>) = site.hosts.iter()
            .partition(|host| site.network.cidr.contains(host.address));
        let expected: Vec<String> = in_network.iter()
            .map(|host| format!("{} {}.{domain}", host.address, host.name)).collect();
        prop_assert_eq!(directives(&names), expected);
        let reservations = file(&site, &layout(), "dnsmasq/reservations");
        let expected: Vec<String> = site.hosts.iter()
            .filter_map(|host| Some(format!("{},{}", host.mac?, host.address))).collect();
        prop_assert_eq!(directives(&reservations), expected);
        let records = file(&site, &layout(), "dnsmasq/records.conf");
        let mut expected: Vec<String> = site.records.iter()
            .map(|r| format!("srv-host={}.{domain},{}.{domain},{},0,0", r.name, r.host, r.port)).collect();
        for host in external {
            let [a, b, c, d] = host.address.octets();
            expected.push(format!("dns-rr={}.{domain},1,{a:02x}{b:02x}{c:02x}{d:02x}", host.name));
            expected.push(format!("txt-record={}.{domain},outside {}", host.name, site.network.cidr));
        }
        prop_assert_eq!(directives(&records), expected);
    }
}

#[test]
fn site_configuration_round_trips_through_json() {
    let site = example_site();
    let text = serde_json::to_string(&site).unwrap();
    assert_eq!(serde_json::from_str::<SiteConfig>(&text).unwrap(), site);
}
