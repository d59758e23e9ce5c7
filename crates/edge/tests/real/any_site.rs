//! Property test: nginx and dnsmasq accept any valid site, and dnsmasq resolves its names.

use std::collections::BTreeSet;

use edge::{Layout, SiteConfig, certificate_file_stem};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::{
    arbitrary,
    dnsmasq::{add_site_interface, start},
    host::{inside, run},
    site::{layout, nginx_command, write_host_certificate},
};

/// The number of sites. Each one starts dnsmasq, which takes time.
const CASES: u32 = 24;

#[test]
fn nginx_and_dnsmasq_accept_any_valid_site() {
    inside(
        "any_site::nginx_and_dnsmasq_accept_any_valid_site",
        |folder| {
            add_site_interface();
            let mut layout = layout(folder);
            layout.resolvers = vec!["192.0.2.53".parse().unwrap()];
            write_host_certificate(&layout);
            let mut runner = TestRunner::new(Config {
                cases: CASES,
                // The location of the file that stores seeds of failures.
                source_file: Some(file!()),
                ..Config::default()
            });
            let result = runner.run(&arbitrary::site(), |site| {
                let dnsmasq = start(&site, &layout);
                copy_certificates(&site, &layout);
                run(&format!("{} -t", nginx_command(&layout)));
                check_answers(&site)?;
                drop(dnsmasq);
                Ok(())
            });
            result.unwrap();
        },
    );
}

/// Creates the files of all certificates that the site refers to, as copies of the host's own.
fn copy_certificates(site: &SiteConfig, layout: &Layout) {
    for certificate in site.certificates() {
        let name = certificate_file_stem(Some(certificate));
        for extension in ["crt", "key"] {
            let tls = &layout.tls;
            run(&format!(
                "cp {tls}/site.{extension} {tls}/{name}.{extension}"
            ));
        }
    }
}

/// Checks that dnsmasq resolves all hosts and SRV records.
fn check_answers(site: &SiteConfig) -> Result<(), TestCaseError> {
    let domain = &site.network.domain;
    for host in &site.hosts {
        let output = run(&format!(
            "dig +short +time=5 @10.20.0.2 {}.{domain} A",
            host.name
        ));
        let answers: BTreeSet<&str> = output.lines().collect();
        let expected = host.address.to_string();
        proptest::prop_assert!(
            answers.contains(expected.as_str()),
            "{} {expected}: {answers:?}",
            host.name
        );
    }
    for record in &site.records {
        let output = run(&format!(
            "dig +short +time=5 @10.20.0.2 {}.{domain} SRV",
            record.name
        ));
        let expected = format!("0 0 {} {}.{domain}.", record.port, record.host);
        proptest::prop_assert!(
            output.lines().any(|line| line == expected),
            "{expected}: {output}"
        );
    }
    Ok(())
}
