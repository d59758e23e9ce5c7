//! What dnsmasq lends is told to the manager.

use std::fs;

use edge::Dhcp;
use serde_json::{Value, json};
use test_servers::host::{inside, run, try_run, wait_until};

use crate::{
    manager::{Running, end_programs, joined},
    site::of,
};

const KNOWN: &str = "BC:24:11:00:00:01";
const STRANGE: &str = "BC:24:11:00:00:99";

/// Asks for an address at the other end of the host's cable, once it is in a network of its own.
fn ask(folder: &std::path::Path, mac: &str) {
    let leases = folder.join("leases");
    let _ = fs::remove_file(&leases);
    run(&format!(
        "ip -n client link set eth1-end down && ip -n client link set eth1-end address {mac} && \
         ip -n client link set eth1-end up"
    ));
    let got = try_run(&format!(
        "ip netns exec client timeout 20 dhclient -1 -sf /bin/true -lf {} -pf /run/dhclient.pid eth1-end; \
         pkill -x dhclient; grep -q lease {}",
        leases.display(),
        leases.display()
    ));
    assert!(got.status.success(), "{mac} has got an address");
}

#[test]
fn leases_of_known_and_unknown_hosts_are_reported() {
    inside(
        "lent::leases_of_known_and_unknown_hosts_are_reported",
        |folder| {
            let (manager, _answering) = joined();
            run("mkdir -p /run/netns && ip netns add client && ip link set eth1-end netns client");
            manager.give(1, |site| {
                site.hosts[0].mac = Some(of(KNOWN));
                site.network.dhcp = Some(Dhcp {
                    lease_s: 3600,
                    others: Some(of("10.20.9.10-10.20.9.20")),
                });
            });
            let agent = Running::start();
            manager.until_live(1);
            ask(folder, KNOWN);
            ask(folder, STRANGE);
            let told = wait_until("both leases", || {
                let told = manager.leases()?;
                (told["leases"].as_array()?.len() == 2).then_some(told)
            });
            let of_mac = |mac: &str| {
                let all = told["leases"].as_array().unwrap();
                let found = all.iter().find(|lease| lease["mac"] == mac);
                found.unwrap_or_else(|| panic!("{mac} in {told}")).clone()
            };
            let known = of_mac(KNOWN);
            assert_eq!(known["address"], "10.20.0.100");
            let left = known["left_s"].as_u64().unwrap();
            assert!((3000..=3600).contains(&left), "{left}");
            assert_eq!(
                of_mac(STRANGE)["name"],
                Value::Null,
                "no machine names itself"
            );

            // A host that gives out no addresses tells nothing of what it gave once.
            manager.give(2, |_| ());
            manager.until_live(2);
            assert_eq!(manager.leases(), Some(told));
            assert_eq!(manager.told().pop().unwrap()["outcome"], json!("live"));
            agent.stop();
            end_programs();
        },
    );
}
