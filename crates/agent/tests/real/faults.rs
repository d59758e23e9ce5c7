//! Faults around the agent: manager outages, many changes, and conflicting `/etc/hosts` entries.
//! Other faults are in `apply` and `check` (refused files), `disk`, `crash` and `clock`.

use std::{fs, time::Duration};

use test_servers::host::{inside, run, try_run, wait_until};

use crate::{
    manager::{AgentProcess, FOLDER, Manager, joined, kill_programs, resolve, status},
    site::{host, service},
};

#[test]
fn agent_catches_up_after_manager_outage() {
    inside("faults::agent_catches_up_after_manager_outage", |_| {
        let (manager, server) = joined();
        manager.publish(1, |_| ());
        let agent = AgentProcess::start();
        manager.wait_until_live(1);
        wait_until("the names", || {
            (resolve("wiki.lab.internal") == "10.20.0.100").then_some(())
        });
        server.stop();

        // During the outage the agent still repairs the host, repeatedly.
        for _ in 0..2 {
            run("pkill -x dnsmasq");
            let file = format!("{FOLDER}/live/nginx/services/wiki.example.org.conf");
            fs::write(&file, "# by hand\n").unwrap();
            wait_until("the file", || {
                let text = fs::read_to_string(&file).unwrap_or_default();
                text.contains("proxy_pass").then_some(())
            });
            wait_until("the names", || {
                (resolve("wiki.lab.internal") == "10.20.0.100").then_some(())
            });
        }
        // The agent also starts without the manager, as after a power failure.
        agent.kill();
        kill_programs();
        let agent = AgentProcess::start();
        wait_until("the names", || {
            (resolve("wiki.lab.internal") == "10.20.0.100").then_some(())
        });
        wait_until("the service", || {
            (status("wiki.example.org") == "502").then_some(())
        });

        manager.publish(9, |site| site.hosts.push(host("db", "10.20.0.101")));
        let _server = manager.start();
        manager.wait_until_live(9);
        assert_eq!(resolve("db.lab.internal"), "10.20.0.101");
        agent.stop();
        kill_programs();
    });
}

/// Returns the number of nginx reloads.
fn count_reloads() -> usize {
    let log = fs::read_to_string("/var/log/nginx/error.log").unwrap_or_default();
    log.matches(": reconfiguring").count()
}

#[test]
fn concurrent_changes_are_coalesced_into_few_reloads() {
    inside(
        "faults::concurrent_changes_are_coalesced_into_few_reloads",
        |_| {
            let (manager, _server) = joined();
            manager.publish(1, |_| ());
            let agent = AgentProcess::start();
            manager.wait_until_live(1);
            let before = count_reloads();
            for number in 1..=200 {
                publish_services(&manager, number);
                // The agent can poll between two changes, as with changes by users.
                std::thread::sleep(Duration::from_millis(5));
            }
            manager.wait_until_live(201);
            // Old nginx workers finish connections that they accepted.
            wait_until("the last service", || {
                (status("s200.example.org") == "502").then_some(())
            });
            wait_until("the last host", || {
                (resolve("h200.lab.internal") == "10.20.1.200").then_some(())
            });
            let read = count_reloads() - before;
            println!("200 changes: {read} nginx reloads");
            assert!((1..=5).contains(&read), "{read} reloads");
            agent.stop();
            kill_programs();
        },
    );
}

/// Publishes the site with this number of additional services and hosts.
fn publish_services(manager: &Manager, number: i64) {
    manager.publish(number + 1, |site| {
        for index in 1..=number {
            let address = format!("10.20.1.{index}");
            site.hosts.push(host(&format!("h{index}"), &address));
            let more = service(100 + index, &format!("s{index}"), Default::default());
            site.domains[0].services.push(more);
        }
    });
}

#[test]
fn etc_hosts_of_edge_host_does_not_override_site() {
    inside(
        "faults::etc_hosts_of_edge_host_does_not_override_site",
        |folder| {
            let own = run("uname -n").trim().to_lowercase();
            let own = own.split('.').next().unwrap().to_owned();
            // The host's own entries for these names, which must not affect the site.
            let hosts = folder.join("hosts");
            let names = ["wiki", "localhost", "pve1", &own];
            let lines: Vec<String> = names
                .iter()
                .map(|name| format!("192.0.2.9 {name}.lab.internal {name}.example.org {name}\n"))
                .collect();
            fs::write(&hosts, lines.concat()).unwrap();
            run(&format!("mount --bind {} /etc/hosts", hosts.display()));
            let (manager, _server) = joined();
            manager.publish(1, |site| {
                for (name, last) in names.iter().skip(1).zip(1..) {
                    site.hosts.push(host(name, &format!("10.20.2.{last}")));
                    let more = service(100 + last, name, Default::default());
                    site.domains[0].services.push(more);
                }
            });
            let agent = AgentProcess::start();
            manager.wait_until_live(1);
            assert_eq!(resolve("wiki.lab.internal"), "10.20.0.100");
            for (name, last) in names.iter().skip(1).zip(1..) {
                let address = format!("10.20.2.{last}");
                assert_eq!(resolve(&format!("{name}.lab.internal")), address);
                assert_eq!(
                    resolve(&format!("-x {address}")),
                    format!("{name}.lab.internal.")
                );
                assert_eq!(status(&format!("{name}.example.org")), "502");
            }
            // Entries of the host's /etc/hosts are not resolved for the site.
            fs::write(&hosts, "192.0.2.9 secret.lab.internal secret\n").unwrap();
            try_run("pkill -HUP -x dnsmasq");
            assert_eq!(resolve("secret.lab.internal"), "");
            agent.stop();
            kill_programs();
        },
    );
}
