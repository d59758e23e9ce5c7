//! Tests of the DNS providers: RFC 2136 against Debian's BIND, Cloudflare and acme-dns against
//! strict fakes that reject what the real services reject. All servers listen on free loopback
//! ports.

#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "the fake providers have routes")]

mod acme_dns;
mod cloudflare;
mod fake_acme_dns;
mod fake_cloudflare;
mod named;
mod rfc2136;
mod visibility;

use std::{net::SocketAddr, time::Duration};

use dns::{Options, Record, RecordValue, Resolver};
use model::providers::ProviderCheck;

/// Test options with one name server as the resolver.
fn options(names: SocketAddr) -> Options {
    Options {
        resolver: Resolver::with_servers(vec![names]).with_port(names.port()),
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(10),
        visibility_timeout: Duration::from_secs(10),
        ..Options::default()
    }
}

fn txt(name: &str, text: &str) -> Record {
    Record {
        name: name.into(),
        value: RecordValue::Txt(text.into()),
    }
}

fn address(name: &str, address: &str) -> Record {
    let address: std::net::IpAddr = address.parse().unwrap();
    Record {
        name: name.into(),
        value: address.into(),
    }
}

/// Whether each finding is good. Prints all findings for a failed test.
fn verdicts(findings: &[ProviderCheck]) -> Vec<bool> {
    println!("{findings:#?}");
    findings.iter().map(|finding| finding.is_good).collect()
}
