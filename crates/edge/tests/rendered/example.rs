//! An example site that covers every feature.

use std::fmt::Debug;

use edge::{
    ChallengeResponse, Dhcp, DnsHost, HttpService, Network, PublicDomain, SiteConfig, Srv,
    StreamService, Tls, Transport,
};
use model::{
    ServiceId,
    domains::Hsts,
    fingerprint::Fingerprint,
    net::Port,
    publish::{BackendProtocol, HttpOptions},
};

/// Parses a value.
pub fn parse<T: std::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub fn port(number: u16) -> Port {
    number.try_into().unwrap()
}

/// A fingerprint that repeats two digits.
pub fn fingerprint(digits: &str) -> Fingerprint {
    parse(&digits.repeat(32))
}

fn service(id: i64, label: Option<&str>, options: HttpOptions) -> HttpService {
    HttpService {
        id: ServiceId(id),
        label: label.map(parse),
        address: parse("10.20.0.100"),
        port: port(8080),
        options,
        certificate: None,
    }
}

fn stream(id: i64, external: u16, transport: Transport) -> StreamService {
    StreamService {
        id: ServiceId(id),
        external: port(external),
        address: parse("10.20.0.101"),
        port: port(5432),
        idle_timeout: parse("3600"),
        transport,
        tls: None,
    }
}

pub fn example_site() -> SiteConfig {
    let plain = HttpOptions::default();
    let guarded = HttpOptions {
        sign_in: true,
        ..plain
    };
    SiteConfig {
        network: Network {
            domain: parse("lab.internal"),
            cidr: parse("10.20.0.0/16"),
            gateway: parse("10.20.0.1"),
            name_servers: vec![parse("10.20.0.2"), parse("10.20.0.3")],
            forwarders: vec![parse("192.0.2.53"), parse("198.51.100.53")],
            dhcp: Some(Dhcp {
                lease_s: 43_200,
                others: Some(parse("10.20.9.10-10.20.9.99")),
            }),
        },
        hosts: vec![
            DnsHost {
                name: parse("pve1"),
                address: parse("10.20.0.11"),
                mac: None,
            },
            DnsHost {
                name: parse("wiki"),
                address: parse("10.20.0.100"),
                mac: Some(parse("BC:24:11:00:00:01")),
            },
            DnsHost {
                name: parse("db"),
                address: parse("10.20.0.101"),
                mac: Some(parse("BC:24:11:00:00:02")),
            },
        ],
        records: vec![
            Srv {
                id: ServiceId(11),
                name: parse("_postgresql._tcp"),
                host: parse("db"),
                port: port(5432),
            },
            Srv {
                id: ServiceId(12),
                name: parse("store"),
                host: parse("db"),
                port: port(5433),
            },
        ],
        domains: vec![
            PublicDomain {
                name: parse("example.org"),
                sign_in: Some(parse("https://login.example.net")),
                forwards_access_token: false,
                hsts: Hsts::Below,
                services: vec![
                    service(1, Some("wiki"), plain),
                    service(2, Some("inside"), guarded),
                    service(
                        3,
                        None,
                        HttpOptions {
                            backend: BackendProtocol::Https,
                            body: parse("10"),
                            idle_timeout: parse("30"),
                            buffering: true,
                            sign_in: false,
                        },
                    ),
                ],
                certificate: None,
            },
            PublicDomain {
                name: parse("example.com"),
                sign_in: None,
                forwards_access_token: false,
                hsts: Hsts::Off,
                services: vec![
                    HttpService {
                        certificate: Some(fingerprint("AB")),
                        ..service(4, Some("no-sign-in-yet"), guarded)
                    },
                    service(
                        5,
                        Some("sure"),
                        HttpOptions {
                            backend: BackendProtocol::HttpsVerified,
                            ..plain
                        },
                    ),
                ],
                certificate: Some(fingerprint("AB")),
            },
        ],
        streams: vec![
            stream(6, 2000, Transport::Tcp),
            stream(7, 2001, Transport::TcpFromProxy),
            stream(8, 2000, Transport::Udp),
            StreamService {
                tls: Some(Tls {
                    hostname: parse("db.example.org"),
                    certificate: Some(fingerprint("CD")),
                }),
                ..stream(9, 2002, Transport::Tcp)
            },
            StreamService {
                tls: Some(Tls {
                    hostname: parse("mail.example.org"),
                    certificate: None,
                }),
                ..stream(10, 2003, Transport::Tcp)
            },
        ],
        challenge_responses: vec![ChallengeResponse {
            token: parse("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"),
            thumbprint: parse("9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"),
        }],
    }
}
