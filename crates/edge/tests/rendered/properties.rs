//! Whatever people type: it is refused, or it is read back as what it is and nothing else.

use std::{fmt::Display, str::FromStr};

use edge::{Base64Url, Layout, Place, Snapshot, certificate_name, render};
use model::{
    clusters::Fingerprint,
    domains::Origin,
    names::{Domain, InterfaceName, Label, SrvName, Username},
    net::{AddressRange, Cidr, MacAddress},
    publish::{IdleTimeoutS, MaxBodyMib},
};
use proptest::{collection::vec, prelude::*};

use crate::{
    arbitrary::site,
    example::snapshot,
    hosts::layout,
    reader::{read, values},
};

/// Text with much of what either language gives a meaning to.
fn typed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9.-]{1,6}",
        "[ \t\r\n;{}\"'\\\\$#,=:/!*@_-]{1,3}",
        any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// What neither nginx nor dnsmasq reads as anything but a part of one word.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

fn plain_or_refused<T: FromStr + Display>(text: &str) -> bool {
    text.parse::<T>()
        .map_or(true, |value| is_plain(&value.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn types_reject_text_that_needs_quoting(text in typed()) {
        let (address, path) = (format!("https://{text}"), format!("/{text}"));
        prop_assert!(plain_or_refused::<Label>(&text));
        prop_assert!(plain_or_refused::<Domain>(&text));
        prop_assert!(plain_or_refused::<SrvName>(&text));
        prop_assert!(plain_or_refused::<InterfaceName>(&text));
        prop_assert!(plain_or_refused::<Username>(&text));
        prop_assert!(plain_or_refused::<Origin>(&text));
        prop_assert!(plain_or_refused::<Origin>(&address));
        prop_assert!(plain_or_refused::<Place>(&text));
        prop_assert!(plain_or_refused::<Place>(&path));
        prop_assert!(plain_or_refused::<Cidr>(&text));
        prop_assert!(plain_or_refused::<AddressRange>(&text));
        prop_assert!(plain_or_refused::<MacAddress>(&text));
        prop_assert!(plain_or_refused::<MaxBodyMib>(&text));
        prop_assert!(plain_or_refused::<IdleTimeoutS>(&text));
        prop_assert!(plain_or_refused::<Base64Url>(&text));
        prop_assert!(plain_or_refused::<Fingerprint>(&text));
    }
}

fn file(site: &Snapshot, layout: &Layout, path: &str) -> String {
    let tree = render(site, layout).unwrap();
    tree.get(path)
        .unwrap_or_else(|| panic!("no {path}"))
        .text
        .clone()
}

/// The lines that dnsmasq reads.
fn lines(text: &str) -> Vec<&str> {
    let said = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().filter(said).collect()
}

proptest! {
    #[test]
    fn nginx_configuration_round_trips(site in site()) {
        let domain = &site.domains[0];
        for service in &domain.services {
            let host = domain.host(service);
            let text = file(&site, &layout(), &format!("nginx/services/{host}.conf"));
            let read = read(&text).expect("nginx reads it");
            prop_assert_eq!(values(&read, "server_name"), vec![host.clone(), host.clone()]);
            let files = values(&read, "ssl_certificate");
            let named = service.certificate.as_ref().map(|it| certificate_name(Some(it)));
            let meant: Vec<String> = named.iter()
                .map(|name| format!("{}/{name}.crt", layout().tls)).collect();
            prop_assert_eq!(files, meant);
            let body = format!("{}m", service.options.body);
            prop_assert_eq!(values(&read, "client_max_body_size"), vec![body]);
            let back = format!("http://{}:{}", service.address, service.port);
            let passes = values(&read, "proxy_pass");
            match (&domain.sign_in, service.options.sign_in) {
                (_, false) => prop_assert_eq!(passes, vec![back]),
                (None, true) => prop_assert!(passes.is_empty(), "nobody gets there"),
                (Some(origin), true) => {
                    prop_assert_eq!(values(&read, "set"), vec![format!("$holdfast_sign_in {origin}")]);
                    prop_assert_eq!(values(&read, "auth_request"), vec!["/oauth2/auth"]);
                    prop_assert_eq!(passes.first(), Some(&back));
                }
            }
        }
    }

    #[test]
    fn nginx_files_are_parseable(site in site()) {
        let tree = render(&site, &layout()).unwrap();
        for (path, file) in tree.files().filter(|(path, _)| path.ends_with(".conf") && path.starts_with("nginx/")) {
            prop_assert!(read(&file.text).is_some(), "{}:\n{}", path, file.text);
        }
    }

    #[test]
    fn dnsmasq_configuration_round_trips(site in site()) {
        let domain = &site.network.domain;
        let names = file(&site, &layout(), "dnsmasq/hosts");
        // Who has an address of another network is for others to say: no line that answers both ways.
        let (here, elsewhere): (Vec<_>, Vec<_>) = site.hosts.iter()
            .partition(|host| site.network.cidr.contains(host.address));
        let meant: Vec<String> = here.iter()
            .map(|host| format!("{} {}.{domain}", host.address, host.name)).collect();
        prop_assert_eq!(lines(&names), meant);
        let reservations = file(&site, &layout(), "dnsmasq/reservations");
        let meant: Vec<String> = site.hosts.iter()
            .filter_map(|host| Some(format!("{},{}", host.mac?, host.address))).collect();
        prop_assert_eq!(lines(&reservations), meant);
        let records = file(&site, &layout(), "dnsmasq/records.conf");
        let mut meant: Vec<String> = site.records.iter()
            .map(|r| format!("srv-host={}.{domain},{}.{domain},{},0,0", r.name, r.host, r.port)).collect();
        for host in elsewhere {
            let [a, b, c, d] = host.address.octets();
            meant.push(format!("dns-rr={}.{domain},1,{a:02x}{b:02x}{c:02x}{d:02x}", host.name));
            meant.push(format!("txt-record={}.{domain},outside {}", host.name, site.network.cidr));
        }
        prop_assert_eq!(lines(&records), meant);
    }
}

#[test]
fn site_configuration_round_trips_through_json() {
    let site = snapshot();
    let text = serde_json::to_string(&site).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), site);
}
