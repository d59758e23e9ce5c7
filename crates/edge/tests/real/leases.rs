//! Tests of DHCP leases, requested from dnsmasq by dhclient.

use std::fs;

use edge::{Dhcp, DnsHost, SiteConfig};

use crate::{
    dnsmasq::start,
    host::{inside, run, try_run},
    site::{empty_site, layout, parse},
};

const RESERVED_MAC: &str = "BC:24:11:00:00:01";
const UNKNOWN_MAC: &str = "BC:24:11:00:00:99";

/// Adds a veth pair: `eth1` here, and `eth0` in the network namespace `client`.
fn add_client() {
    run("mkdir -p /run/netns && ip netns add client && \
         ip link add eth1 type veth peer name eth0 netns client && \
         ip addr add 10.20.0.2/16 dev eth1 && ip link set eth1 up");
}

/// The environment of the dhclient script after a client with this MAC address got a lease; none if
/// it got no lease.
fn request_lease(folder: &std::path::Path, mac: &str, extra_config: &str) -> Option<String> {
    let (script, environment) = (folder.join("script"), folder.join("environment"));
    let (config, leases) = (folder.join("dhclient.conf"), folder.join("leases"));
    let script_text = format!(
        "#!/bin/sh\ncase $reason in BOUND|RENEW|REBOOT) env > {};; esac\n",
        environment.display()
    );
    fs::write(&script, script_text).unwrap();
    run(&format!("chmod +x {}", script.display()));
    let options = "request subnet-mask, routers, domain-name, domain-name-servers, domain-search, host-name;\ntimeout 8;\n";
    fs::write(&config, format!("{options}{extra_config}")).unwrap();
    for old in [&environment, &leases] {
        let _ = fs::remove_file(old);
    }
    run(&format!(
        "ip -n client link set eth0 down && ip -n client link set eth0 address {mac} && ip -n client link set eth0 up"
    ));
    try_run(&format!(
        "ip netns exec client dhclient -1 -d -sf {} -cf {} -lf {} -pf /run/dhclient.pid eth0 & client=$!; \
         for i in $(seq 200); do [ -s {environment} ] && break; kill -0 $client 2>/dev/null || break; sleep 0.1; done; kill $client",
        script.display(),
        config.display(),
        leases.display(),
        environment = environment.display(),
    ));
    fs::read_to_string(environment).ok()
}

fn test_site() -> SiteConfig {
    let mut site = empty_site();
    site.network.dhcp = Some(Dhcp {
        lease_s: 3600,
        others: None,
    });
    site.network.name_servers.push(parse("10.20.0.3"));
    site.hosts = vec![DnsHost {
        name: parse("wiki"),
        address: parse("10.20.0.100"),
        mac: Some(parse(RESERVED_MAC)),
    }];
    site
}

#[test]
fn reserved_address_is_leased_and_unknown_mac_refused() {
    inside(
        "leases::reserved_address_is_leased_and_unknown_mac_refused",
        |folder| {
            add_client();
            let _dnsmasq = start(&test_site(), &layout(folder));
            let lease = request_lease(folder, RESERVED_MAC, "send host-name \"ldap1\";\n")
                .expect("a lease");
            for line in [
                "new_ip_address=10.20.0.100",
                "new_subnet_mask=255.255.0.0",
                "new_routers=10.20.0.1",
                "new_domain_name=lab.internal",
                "new_domain_name_servers=10.20.0.2 10.20.0.3",
                "new_domain_search=lab.internal.",
                "new_dhcp_lease_time=3600",
            ] {
                let has = lease.lines().any(|found| found == line);
                assert!(has, "{line} in:\n{lease}");
            }
            let output = run("dig +time=5 @10.20.0.2 ldap1.lab.internal");
            assert!(
                output.contains("NXDOMAIN"),
                "hostnames from clients are ignored: {output}"
            );
            assert_eq!(request_lease(folder, UNKNOWN_MAC, ""), None);
        },
    );
}

#[test]
fn unknown_hosts_get_address_from_dynamic_range() {
    inside(
        "leases::unknown_hosts_get_address_from_dynamic_range",
        |folder| {
            add_client();
            let mut site = test_site();
            site.network.dhcp = Some(Dhcp {
                lease_s: 3600,
                others: Some(parse("10.20.9.10-10.20.9.10")),
            });
            let _dnsmasq = start(&site, &layout(folder));
            let lease = request_lease(folder, UNKNOWN_MAC, "").expect("a lease");
            assert!(lease.contains("new_ip_address=10.20.9.10\n"), "{lease}");
            let lease = request_lease(folder, RESERVED_MAC, "").expect("a lease");
            assert!(lease.contains("new_ip_address=10.20.0.100\n"), "{lease}");
        },
    );
}

#[test]
fn host_without_dhcp_leases_nothing() {
    inside("leases::host_without_dhcp_leases_nothing", |folder| {
        add_client();
        let mut site = test_site();
        site.network.dhcp = None;
        let _dnsmasq = start(&site, &layout(folder));
        assert_eq!(request_lease(folder, RESERVED_MAC, ""), None);
    });
}
