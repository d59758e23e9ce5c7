//! Tests of dnsmasq's answers to DNS queries.

use std::{fs, path::Path};

use edge::{DnsHost, Layout, SiteConfig, Srv};
use model::ServiceId;

use crate::{
    host::{ChildProcess, inside, run, try_run, wait_until},
    site::{empty_site, layout, parse, port, write},
};

/// Adds the host's interface in the site's network with a static address.
pub fn add_site_interface() {
    add_interface("eth1", "10.20.0.2/16");
}

/// Adds one end of a veth pair whose other end is unused.
fn add_interface(name: &str, address: &str) {
    run(&format!(
        "ip link add {name} type veth peer name {name}-end && ip link set {name}-end up && \
         ip addr add {address} dev {name} && ip link set {name} up"
    ));
}

/// Writes and checks the site's files, then starts dnsmasq with them.
pub fn start(site: &SiteConfig, layout: &Layout) -> ChildProcess {
    write(site, layout);
    let config = format!("{}/dnsmasq/dnsmasq.conf", layout.live);
    run(&format!("dnsmasq --test --conf-file={config}"));
    let running = ChildProcess::start(&format!(
        "dnsmasq --keep-in-foreground --user=root --pid-file= --conf-file={config}"
    ));
    wait_until("dnsmasq", || {
        try_run("dig +short +time=1 +tries=1 @10.20.0.2 version.bind chaos txt")
            .status
            .success()
            .then_some(())
    });
    running
}

/// The answer to a query, and its response code.
fn query(query: &str) -> (String, String) {
    let output = run(&format!("dig +time=5 +tries=2 @10.20.0.2 {query}"));
    let status = output
        .split("status: ")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let answer = run(&format!("dig +short +time=5 +tries=2 @10.20.0.2 {query}"));
    (answer.trim_end().to_owned(), status.to_owned())
}

/// The expected result of a successful query.
fn answer(answer: &str) -> (String, String) {
    (answer.to_owned(), "NOERROR".to_owned())
}

fn host(name: &str, address: &str) -> DnsHost {
    DnsHost {
        name: parse(name),
        address: parse(address),
        mac: None,
    }
}

fn test_site() -> SiteConfig {
    let mut site = empty_site();
    site.hosts = vec![host("pve1", "10.20.0.11"), host("wiki", "10.20.0.100")];
    site.records = vec![Srv {
        id: ServiceId(1),
        name: parse("_http._tcp"),
        host: parse("wiki"),
        port: port(8080),
    }];
    site
}

/// Starts an upstream resolver that answers all queries with the same address and logs them.
fn start_upstream(folder: &Path) -> ChildProcess {
    let log = folder.join("queries");
    fs::write(&log, "").unwrap();
    ChildProcess::start(&format!(
        "dnsmasq --keep-in-foreground --user=root --pid-file= --conf-file=/dev/null --no-resolv \
         --no-hosts --listen-address=127.0.0.53 --bind-interfaces --address=/#/192.0.2.1 \
         --log-queries --log-facility={}",
        log.display()
    ))
}

#[test]
fn site_names_are_resolved() {
    inside("dnsmasq::site_names_are_resolved", |folder| {
        add_site_interface();
        let upstream = start_upstream(folder);
        let mut site = test_site();
        site.network.forwarders = vec![parse("127.0.0.53")];
        let _dnsmasq = start(&site, &layout(folder));
        assert_eq!(query("wiki.lab.internal"), answer("10.20.0.100"));
        assert_eq!(query("pve1.lab.internal"), answer("10.20.0.11"));
        assert_eq!(query("-x 10.20.0.100"), answer("wiki.lab.internal."));
        let record = "0 0 8080 wiki.lab.internal.";
        assert_eq!(query("_http._tcp.lab.internal SRV"), answer(record));
        assert_eq!(
            query("wiki.lab.internal AAAA"),
            answer(""),
            "the name exists without an AAAA record"
        );
        let not_found = (String::new(), "NXDOMAIN".to_owned());
        assert_eq!(query("unknown.lab.internal"), not_found);
        assert_eq!(query("unknown.lab.internal SRV"), not_found);
        assert_eq!(query("-x 10.20.7.7"), not_found);
        assert_eq!(
            query("single"),
            not_found,
            "single labels are not forwarded"
        );

        assert_eq!(query("www.example.org"), answer("192.0.2.1"));
        let queries = fs::read_to_string(folder.join("queries")).unwrap();
        assert!(queries.contains("query[A] www.example.org"), "{queries}");
        assert!(
            !queries.contains("lab.internal"),
            "not forwarded: {queries}"
        );
        assert!(!queries.contains("10.in-addr"), "not forwarded: {queries}");
        drop(upstream);
    });
}

#[test]
fn dnsmasq_listens_on_site_interface_only() {
    inside(
        "dnsmasq::dnsmasq_listens_on_site_interface_only",
        |folder| {
            add_site_interface();
            add_interface("eth0", "192.0.2.2/24");
            let _dnsmasq = start(&test_site(), &layout(folder));
            for address in ["127.0.0.1", "192.0.2.2"] {
                let refused = try_run(&format!(
                    "dig +time=1 +tries=1 @{address} wiki.lab.internal"
                ));
                assert!(!refused.status.success(), "{address} answered");
            }
        },
    );
}

#[test]
fn lists_are_reloaded_on_sighup() {
    inside("dnsmasq::lists_are_reloaded_on_sighup", |folder| {
        add_site_interface();
        let (mut site, layout) = (test_site(), layout(folder));
        let dnsmasq = start(&site, &layout);
        site.hosts.push(host("new", "10.20.0.101"));
        site.hosts.remove(0);
        write(&site, &layout);
        dnsmasq.reload();
        wait_until("the new name", || {
            (query("new.lab.internal") == answer("10.20.0.101")).then_some(())
        });
        assert_eq!(query("pve1.lab.internal").1, "NXDOMAIN", "the removed name");
    });
}

#[test]
fn reverse_lookups_work_for_any_prefix_length() {
    inside(
        "dnsmasq::reverse_lookups_work_for_any_prefix_length",
        |folder| {
            add_site_interface();
            let upstream = start_upstream(folder);
            for (cidr, used, unused) in [
                ("198.51.100.64/26", "198.51.100.70", "198.51.100.71"),
                ("203.0.112.0/21", "203.0.113.9", "203.0.118.1"),
            ] {
                let mut site = empty_site();
                site.network.cidr = parse(cidr);
                site.network.forwarders = vec![parse("127.0.0.53")];
                site.hosts = vec![host("public", used)];
                let dnsmasq = start(&site, &layout(folder));
                assert_eq!(query(&format!("-x {used}")), answer("public.lab.internal."));
                assert_eq!(query(&format!("-x {unused}")).1, "NXDOMAIN", "{cidr}");
                drop(dnsmasq);
            }
            let queries = fs::read_to_string(folder.join("queries")).unwrap();
            assert!(!queries.contains("in-addr.arpa"), "{queries}");
            drop(upstream);
        },
    );
}

#[test]
fn external_node_resolves_without_reverse_record() {
    inside(
        "dnsmasq::external_node_resolves_without_reverse_record",
        |folder| {
            add_site_interface();
            let mut site = test_site();
            site.network.forwarders = vec![parse("127.0.0.53")];
            site.hosts.push(host("pve2", "192.0.2.12"));
            let _upstream = start_upstream(folder);
            let _dnsmasq = start(&site, &layout(folder));
            assert_eq!(query("pve2.lab.internal"), answer("192.0.2.12"));
            assert_eq!(query("pve2.lab.internal aaaa"), answer(""));
            assert_eq!(query("pve1.lab.internal"), answer("10.20.0.11"));
            assert_eq!(query("-x 10.20.0.11"), answer("pve1.lab.internal."));
            let (names, _) = query("-x 192.0.2.12");
            assert!(!names.contains("pve2"), "{names}");
            let (_, status) = query("below.pve2.lab.internal");
            assert_eq!(status, "NXDOMAIN");
        },
    );
}
