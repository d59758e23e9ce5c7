//! DHCP leases of dnsmasq are reported to the manager.

use std::fs;

use edge::Dhcp;
use serde_json::{Value, json};
use test_servers::host::{inside, run, try_run, wait_until};

use crate::{
    manager::{AgentProcess, joined, kill_programs},
    site::of,
};

const KNOWN: &str = "BC:24:11:00:00:01";
const UNKNOWN: &str = "BC:24:11:00:00:99";

/// Requests a DHCP lease in the network namespace `client`, at the other end of the host's veth
/// pair.
fn request_lease(folder: &std::path::Path, mac: &str) {
    let leases = folder.join("leases");
    let _ = fs::remove_file(&leases);
    run(&format!(
        "ip -n client link set eth1-end down && ip -n client link set eth1-end address {mac} && \
         ip -n client link set eth1-end up"
    ));
    let output = try_run(&format!(
        "ip netns exec client timeout 20 dhclient -1 -sf /bin/true -lf {} -pf /run/dhclient.pid eth1-end; \
         pkill -x dhclient; grep -q lease {}",
        leases.display(),
        leases.display()
    ));
    assert!(output.status.success(), "{mac} got no lease");
}

#[test]
fn leases_of_known_and_unknown_hosts_are_reported() {
    inside(
        "leases::leases_of_known_and_unknown_hosts_are_reported",
        |folder| {
            let (manager, _server) = joined();
            run("mkdir -p /run/netns && ip netns add client && ip link set eth1-end netns client");
            manager.publish(1, |site| {
                site.hosts[0].mac = Some(of(KNOWN));
                site.network.dhcp = Some(Dhcp {
                    lease_s: 3600,
                    others: Some(of("10.20.9.10-10.20.9.20")),
                });
            });
            let agent = AgentProcess::start();
            manager.wait_until_live(1);
            request_lease(folder, KNOWN);
            request_lease(folder, UNKNOWN);
            let report = wait_until("both leases", || {
                let report = manager.leases()?;
                (report["leases"].as_array()?.len() == 2).then_some(report)
            });
            let of_mac = |mac: &str| {
                let all = report["leases"].as_array().unwrap();
                let lease = all.iter().find(|lease| lease["mac"] == mac);
                lease.unwrap_or_else(|| panic!("{mac} in {report}")).clone()
            };
            let known = of_mac(KNOWN);
            assert_eq!(known["address"], "10.20.0.100");
            let left = known["remaining_s"].as_u64().unwrap();
            assert!((3000..=3600).contains(&left), "{left}");
            assert_eq!(
                of_mac(UNKNOWN)["name"],
                Value::Null,
                "the client sent no hostname"
            );

            // Without the DHCP server the host reports no leases, not even earlier ones.
            manager.publish(2, |_| ());
            manager.wait_until_live(2);
            assert_eq!(manager.leases(), Some(report));
            assert_eq!(manager.reports().pop().unwrap()["outcome"], json!("live"));
            agent.stop();
            kill_programs();
        },
    );
}
