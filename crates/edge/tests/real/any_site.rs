//! Sites of any shape: both programs take their files, and dnsmasq answers with what was meant.

use std::collections::BTreeSet;

use edge::{Layout, Snapshot, certificate_name};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::{
    arbitrary,
    dnsmasq::{interface, start},
    host::{inside, run},
    site::{certify, layout, nginx_command},
};

/// How many sites are tried: each starts dnsmasq anew.
const CASES: u32 = 24;

#[test]
fn nginx_and_dnsmasq_accept_any_valid_site() {
    inside(
        "any_site::nginx_and_dnsmasq_accept_any_valid_site",
        |folder| {
            interface();
            let mut layout = layout(folder);
            layout.resolvers = vec!["192.0.2.53".parse().unwrap()];
            certify(&layout);
            let mut runner = TestRunner::new(Config {
                cases: CASES,
                // Where the seed of a failure is written, and printed beside that.
                source_file: Some(file!()),
                ..Config::default()
            });
            let tried = runner.run(&arbitrary::site(), |site| {
                let dnsmasq = start(&site, &layout);
                stage(&site, &layout);
                run(&format!("{} -t", nginx_command(&layout)));
                answers(&site)?;
                drop(dnsmasq);
                Ok(())
            });
            tried.unwrap();
        },
    );
}

/// Puts a certificate where each is that the site names.
fn stage(site: &Snapshot, layout: &Layout) {
    for certificate in site.certificates() {
        let name = certificate_name(Some(certificate));
        for end in ["crt", "key"] {
            let tls = &layout.tls;
            run(&format!("cp {tls}/site.{end} {tls}/{name}.{end}"));
        }
    }
}

fn answers(site: &Snapshot) -> Result<(), TestCaseError> {
    let domain = &site.network.domain;
    for host in &site.hosts {
        let said = run(&format!(
            "dig +short +time=5 @10.20.0.2 {}.{domain} A",
            host.name
        ));
        let said: BTreeSet<&str> = said.lines().collect();
        let meant = host.address.to_string();
        proptest::prop_assert!(
            said.contains(meant.as_str()),
            "{} {meant}: {said:?}",
            host.name
        );
    }
    for record in &site.records {
        let said = run(&format!(
            "dig +short +time=5 @10.20.0.2 {}.{domain} SRV",
            record.name
        ));
        let meant = format!("0 0 {} {}.{domain}.", record.port, record.host);
        proptest::prop_assert!(said.lines().any(|said| said == meant), "{meant}: {said}");
    }
    Ok(())
}
