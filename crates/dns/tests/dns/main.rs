//! Providers of DNS as they really are: Debian's BIND with zones that take updates, and strict
//! stand-ins of Cloudflare and acme-dns, which refuse what those refuse. Everything listens on free
//! ports of the loopback interface.

#![cfg(test)]

mod acme_dns;
mod acme_dns_server;
mod cloudflare;
mod cloudflare_server;
mod named;
mod rfc2136;
mod seen;

use std::{net::SocketAddr, time::Duration};

use dns::{Options, Record, Resolver, Value};
use model::providers::Finding;

/// What is spoken to with in tests: the names are those of one name server.
fn options(names: SocketAddr) -> Options {
    Options {
        resolver: Resolver::at(vec![names]).with_port(names.port()),
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(10),
        sight: Duration::from_secs(10),
        ..Options::default()
    }
}

fn txt(name: &str, text: &str) -> Record {
    Record {
        name: name.into(),
        value: Value::Txt(text.into()),
    }
}

fn address(name: &str, address: &str) -> Record {
    let address: std::net::IpAddr = address.parse().unwrap();
    Record {
        name: name.into(),
        value: address.into(),
    }
}

/// Whether each finding is good, and all their words for a test that fails.
fn verdicts(findings: &[Finding]) -> Vec<bool> {
    println!("{findings:#?}");
    findings.iter().map(|finding| finding.is_good).collect()
}
