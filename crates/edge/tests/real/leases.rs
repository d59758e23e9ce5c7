//! What dnsmasq gives to machines that ask for an address, asked by dhclient.

use std::fs;

use edge::{Dhcp, Host, Snapshot};

use crate::{
    dnsmasq::start,
    host::{inside, run, try_run},
    site::{empty, layout, of},
};

const KNOWN: &str = "BC:24:11:00:00:01";
const STRANGE: &str = "BC:24:11:00:00:99";

/// Two ends of a cable: `eth1` here, and `eth0` in a network of its own.
fn cable() {
    run("mkdir -p /run/netns && ip netns add client && \
         ip link add eth1 type veth peer name eth0 netns client && \
         ip addr add 10.20.0.2/16 dev eth1 && ip link set eth1 up");
}

/// What a machine with this hardware address is given, as dhclient tells its script; none when it
/// gets nothing.
fn lease(folder: &std::path::Path, mac: &str, more: &str) -> Option<String> {
    let (script, given) = (folder.join("script"), folder.join("given"));
    let (settings, leases) = (folder.join("dhclient.conf"), folder.join("leases"));
    let told = format!(
        "#!/bin/sh\ncase $reason in BOUND|RENEW|REBOOT) env > {};; esac\n",
        given.display()
    );
    fs::write(&script, told).unwrap();
    run(&format!("chmod +x {}", script.display()));
    let options = "request subnet-mask, routers, domain-name, domain-name-servers, domain-search, host-name;\ntimeout 8;\n";
    fs::write(&settings, format!("{options}{more}")).unwrap();
    for old in [&given, &leases] {
        let _ = fs::remove_file(old);
    }
    run(&format!(
        "ip -n client link set eth0 down && ip -n client link set eth0 address {mac} && ip -n client link set eth0 up"
    ));
    try_run(&format!(
        "ip netns exec client dhclient -1 -d -sf {} -cf {} -lf {} -pf /run/dhclient.pid eth0 & client=$!; \
         for i in $(seq 200); do [ -s {given} ] && break; kill -0 $client 2>/dev/null || break; sleep 0.1; done; kill $client",
        script.display(),
        settings.display(),
        leases.display(),
        given = given.display(),
    ));
    fs::read_to_string(given).ok()
}

fn site() -> Snapshot {
    let mut site = empty();
    site.network.dhcp = Some(Dhcp {
        lease_s: 3600,
        others: None,
    });
    site.network.name_servers.push(of("10.20.0.3"));
    site.hosts = vec![Host {
        name: of("wiki"),
        address: of("10.20.0.100"),
        mac: Some(of(KNOWN)),
    }];
    site
}

#[test]
fn reserved_address_is_leased_and_unknown_mac_refused() {
    inside(
        "leases::reserved_address_is_leased_and_unknown_mac_refused",
        |folder| {
            cable();
            let _dnsmasq = start(&site(), &layout(folder));
            let given = lease(folder, KNOWN, "send host-name \"ldap1\";\n").expect("an address");
            for line in [
                "new_ip_address=10.20.0.100",
                "new_subnet_mask=255.255.0.0",
                "new_routers=10.20.0.1",
                "new_domain_name=lab.internal",
                "new_domain_name_servers=10.20.0.2 10.20.0.3",
                "new_domain_search=lab.internal.",
                "new_dhcp_lease_time=3600",
            ] {
                let has = given.lines().any(|given| given == line);
                assert!(has, "{line} in:\n{given}");
            }
            let claimed = run("dig +time=5 @10.20.0.2 ldap1.lab.internal");
            assert!(
                claimed.contains("NXDOMAIN"),
                "no machine names itself: {claimed}"
            );
            assert_eq!(lease(folder, STRANGE, ""), None);
        },
    );
}

#[test]
fn unknown_hosts_get_address_from_dynamic_range() {
    inside(
        "leases::unknown_hosts_get_address_from_dynamic_range",
        |folder| {
            cable();
            let mut site = site();
            site.network.dhcp = Some(Dhcp {
                lease_s: 3600,
                others: Some(of("10.20.9.10-10.20.9.10")),
            });
            let _dnsmasq = start(&site, &layout(folder));
            let given = lease(folder, STRANGE, "").expect("an address");
            assert!(given.contains("new_ip_address=10.20.9.10\n"), "{given}");
            let given = lease(folder, KNOWN, "").expect("an address");
            assert!(given.contains("new_ip_address=10.20.0.100\n"), "{given}");
        },
    );
}

#[test]
fn host_without_dhcp_leases_nothing() {
    inside("leases::host_without_dhcp_leases_nothing", |folder| {
        cable();
        let mut site = site();
        site.network.dhcp = None;
        let _dnsmasq = start(&site, &layout(folder));
        assert_eq!(lease(folder, KNOWN, ""), None);
    });
}
