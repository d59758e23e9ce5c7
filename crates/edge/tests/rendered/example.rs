//! A site that has one of everything.

use std::fmt::Debug;

use edge::{
    Answer, Dhcp, Host, HttpService, Network, PublicDomain, Snapshot, Srv, StreamService, Tls,
    Transport,
};
use model::{
    ServiceId,
    clusters::Fingerprint,
    domains::Hsts,
    net::Port,
    publish::{Backend, HttpOptions},
};

/// A value from its text.
pub fn of<T: std::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub fn port(number: u16) -> Port {
    number.try_into().unwrap()
}

/// A fingerprint of the same two digits throughout.
pub fn print(digits: &str) -> Fingerprint {
    of(&digits.repeat(32))
}

fn service(id: i64, label: Option<&str>, options: HttpOptions) -> HttpService {
    HttpService {
        id: ServiceId(id),
        label: label.map(of),
        address: of("10.20.0.100"),
        port: port(8080),
        options,
        certificate: None,
    }
}

fn stream(id: i64, external: u16, transport: Transport) -> StreamService {
    StreamService {
        id: ServiceId(id),
        external: port(external),
        address: of("10.20.0.101"),
        port: port(5432),
        quiet: of("3600"),
        transport,
        tls: None,
    }
}

pub fn snapshot() -> Snapshot {
    let plain = HttpOptions::default();
    let guarded = HttpOptions {
        sign_in: true,
        ..plain
    };
    Snapshot {
        network: Network {
            domain: of("lab.internal"),
            cidr: of("10.20.0.0/16"),
            gateway: of("10.20.0.1"),
            name_servers: vec![of("10.20.0.2"), of("10.20.0.3")],
            forwarders: vec![of("192.0.2.53"), of("198.51.100.53")],
            dhcp: Some(Dhcp {
                lease_s: 43_200,
                others: Some(of("10.20.9.10-10.20.9.99")),
            }),
        },
        hosts: vec![
            Host {
                name: of("pve1"),
                address: of("10.20.0.11"),
                mac: None,
            },
            Host {
                name: of("wiki"),
                address: of("10.20.0.100"),
                mac: Some(of("BC:24:11:00:00:01")),
            },
            Host {
                name: of("db"),
                address: of("10.20.0.101"),
                mac: Some(of("BC:24:11:00:00:02")),
            },
        ],
        records: vec![
            Srv {
                name: of("_postgresql._tcp"),
                host: of("db"),
                port: port(5432),
            },
            Srv {
                name: of("store"),
                host: of("db"),
                port: port(5433),
            },
        ],
        domains: vec![
            PublicDomain {
                name: of("example.org"),
                sign_in: Some(of("https://login.example.net")),
                hsts: Hsts::Below,
                services: vec![
                    service(1, Some("wiki"), plain),
                    service(2, Some("inside"), guarded),
                    service(
                        3,
                        None,
                        HttpOptions {
                            backend: Backend::Https,
                            body: of("10"),
                            quiet: of("30"),
                            buffering: true,
                            sign_in: false,
                        },
                    ),
                ],
                certificate: None,
            },
            PublicDomain {
                name: of("example.com"),
                sign_in: None,
                hsts: Hsts::Off,
                services: vec![
                    HttpService {
                        certificate: Some(print("AB")),
                        ..service(4, Some("nobody"), guarded)
                    },
                    service(
                        5,
                        Some("sure"),
                        HttpOptions {
                            backend: Backend::HttpsVerified,
                            ..plain
                        },
                    ),
                ],
                certificate: Some(print("AB")),
            },
        ],
        streams: vec![
            stream(6, 2000, Transport::Tcp),
            stream(7, 2001, Transport::TcpFromProxy),
            stream(8, 2000, Transport::Udp),
            StreamService {
                tls: Some(Tls::With(print("CD"))),
                ..stream(9, 2002, Transport::Tcp)
            },
            StreamService {
                tls: Some(Tls::Own),
                ..stream(10, 2003, Transport::Tcp)
            },
        ],
        answers: vec![Answer {
            token: of("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"),
            thumbprint: of("9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"),
        }],
    }
}
