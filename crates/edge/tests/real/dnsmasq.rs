//! What dnsmasq answers to questions for names.

use std::{fs, path::Path};

use edge::{Host, Layout, Snapshot, Srv};

use crate::{
    host::{ChildProcess, inside, run, try_run, wait_until},
    site::{empty, layout, of, port, write},
};

/// The host's interface in the site's network, with an address that asks nobody.
pub fn interface() {
    add_interface("eth1", "10.20.0.2/16");
}

/// One end of a cable whose other end leads nowhere.
fn add_interface(name: &str, address: &str) {
    run(&format!(
        "ip link add {name} type veth peer name {name}-end && ip link set {name}-end up && \
         ip addr add {address} dev {name} && ip link set {name} up"
    ));
}

/// Writes and checks the site's files and starts dnsmasq with them.
pub fn start(site: &Snapshot, layout: &Layout) -> ChildProcess {
    write(site, layout);
    let settings = format!("{}/dnsmasq/dnsmasq.conf", layout.live);
    run(&format!("dnsmasq --test --conf-file={settings}"));
    let running = ChildProcess::start(&format!(
        "dnsmasq --keep-in-foreground --user=root --pid-file= --conf-file={settings}"
    ));
    wait_until("dnsmasq", || {
        try_run("dig +short +time=1 +tries=1 @10.20.0.2 version.bind chaos txt")
            .status
            .success()
            .then_some(())
    });
    running
}

/// The answer to a question, and its status.
fn ask(question: &str) -> (String, String) {
    let said = run(&format!("dig +time=5 +tries=2 @10.20.0.2 {question}"));
    let status = said
        .split("status: ")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let answer = run(&format!(
        "dig +short +time=5 +tries=2 @10.20.0.2 {question}"
    ));
    (answer.trim_end().to_owned(), status.to_owned())
}

fn answer(answer: &str) -> (String, String) {
    (answer.to_owned(), "NOERROR".to_owned())
}

fn host(name: &str, address: &str) -> Host {
    Host {
        name: of(name),
        address: of(address),
        mac: None,
    }
}

fn site() -> Snapshot {
    let mut site = empty();
    site.hosts = vec![host("pve1", "10.20.0.11"), host("wiki", "10.20.0.100")];
    site.records = vec![Srv {
        name: of("_http._tcp"),
        host: of("wiki"),
        port: port(8080),
    }];
    site
}

/// Whoever answers all other names, each with the same address, and writes down what it is asked.
fn world(folder: &Path) -> ChildProcess {
    let log = folder.join("asked");
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
        interface();
        let world = world(folder);
        let mut site = site();
        site.network.forwarders = vec![of("127.0.0.53")];
        let _dnsmasq = start(&site, &layout(folder));
        assert_eq!(ask("wiki.lab.internal"), answer("10.20.0.100"));
        assert_eq!(ask("pve1.lab.internal"), answer("10.20.0.11"));
        assert_eq!(ask("-x 10.20.0.100"), answer("wiki.lab.internal."));
        let record = "0 0 8080 wiki.lab.internal.";
        assert_eq!(ask("_http._tcp.lab.internal SRV"), answer(record));
        assert_eq!(
            ask("wiki.lab.internal AAAA"),
            answer(""),
            "known, without one"
        );
        let nobody = (String::new(), "NXDOMAIN".to_owned());
        assert_eq!(ask("nobody.lab.internal"), nobody);
        assert_eq!(ask("nobody.lab.internal SRV"), nobody);
        assert_eq!(ask("-x 10.20.7.7"), nobody);
        assert_eq!(ask("single"), nobody, "a word is no name of the world");

        assert_eq!(ask("www.example.org"), answer("192.0.2.1"));
        let asked = fs::read_to_string(folder.join("asked")).unwrap();
        assert!(asked.contains("query[A] www.example.org"), "{asked}");
        assert!(
            !asked.contains("lab.internal"),
            "nobody else hears of it: {asked}"
        );
        assert!(
            !asked.contains("10.in-addr"),
            "nobody else hears of it: {asked}"
        );
        drop(world);
    });
}

#[test]
fn dnsmasq_listens_on_site_interface_only() {
    inside(
        "dnsmasq::dnsmasq_listens_on_site_interface_only",
        |folder| {
            interface();
            add_interface("eth0", "192.0.2.2/24");
            let _dnsmasq = start(&site(), &layout(folder));
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
        interface();
        let (mut site, layout) = (site(), layout(folder));
        let dnsmasq = start(&site, &layout);
        site.hosts.push(host("new", "10.20.0.101"));
        site.hosts.remove(0);
        write(&site, &layout);
        dnsmasq.reload();
        wait_until("the new name", || {
            (ask("new.lab.internal") == answer("10.20.0.101")).then_some(())
        });
        assert_eq!(
            ask("pve1.lab.internal").1,
            "NXDOMAIN",
            "the old one is gone"
        );
    });
}

#[test]
fn reverse_lookups_work_for_any_prefix_length() {
    inside(
        "dnsmasq::reverse_lookups_work_for_any_prefix_length",
        |folder| {
            interface();
            let world = world(folder);
            for (cidr, inside, name) in [
                ("198.51.100.64/26", "198.51.100.70", "198.51.100.71"),
                ("203.0.112.0/21", "203.0.113.9", "203.0.118.1"),
            ] {
                let mut site = empty();
                site.network.cidr = of(cidr);
                site.network.forwarders = vec![of("127.0.0.53")];
                site.hosts = vec![host("public", inside)];
                let dnsmasq = start(&site, &layout(folder));
                assert_eq!(ask(&format!("-x {inside}")), answer("public.lab.internal."));
                assert_eq!(ask(&format!("-x {name}")).1, "NXDOMAIN", "{cidr}");
                drop(dnsmasq);
            }
            let asked = fs::read_to_string(folder.join("asked")).unwrap();
            assert!(!asked.contains("in-addr.arpa"), "{asked}");
            drop(world);
        },
    );
}

#[test]
fn external_node_resolves_without_reverse_record() {
    inside(
        "dnsmasq::external_node_resolves_without_reverse_record",
        |folder| {
            interface();
            let mut site = site();
            site.network.forwarders = vec![of("127.0.0.53")];
            site.hosts.push(host("pve2", "192.0.2.12"));
            let _world = world(folder);
            let _dnsmasq = start(&site, &layout(folder));
            assert_eq!(ask("pve2.lab.internal"), answer("192.0.2.12"));
            assert_eq!(ask("pve2.lab.internal aaaa"), answer(""));
            assert_eq!(ask("pve1.lab.internal"), answer("10.20.0.11"));
            assert_eq!(ask("-x 10.20.0.11"), answer("pve1.lab.internal."));
            let (words, _) = ask("-x 192.0.2.12");
            assert!(!words.contains("pve2"), "{words}");
            let (_, status) = ask("below.pve2.lab.internal");
            assert_eq!(status, "NXDOMAIN");
        },
    );
}
