//! What may go wrong around an agent. Files that are refused are in `applied` and `checked`, a full
//! disk in `disk`, an agent that is killed between any two steps in `killed`, a wrong clock in `clock`.

use std::{fs, time::Duration};

use test_servers::host::{inside, run, try_run, wait_until};

use crate::{
    manager::{FOLDER, Manager, Running, answer, end_programs, joined, status},
    site::{host, service},
};

#[test]
fn agent_catches_up_after_manager_outage() {
    inside("faults::agent_catches_up_after_manager_outage", |_| {
        let (manager, answering) = joined();
        manager.give(1, |_| ());
        let agent = Running::start();
        manager.until_live(1);
        wait_until("the names", || {
            (answer("wiki.lab.internal") == "10.20.0.100").then_some(())
        });
        answering.go_away();

        // While it is away the host is looked after: twice, so that it is no last effort.
        for _ in 0..2 {
            run("pkill -x dnsmasq");
            let file = format!("{FOLDER}/live/nginx/services/wiki.example.org.conf");
            fs::write(&file, "# by hand\n").unwrap();
            wait_until("the file", || {
                let text = fs::read_to_string(&file).unwrap_or_default();
                text.contains("proxy_pass").then_some(())
            });
            wait_until("the names", || {
                (answer("wiki.lab.internal") == "10.20.0.100").then_some(())
            });
        }
        // It starts without it too, as after a failure of the power: nothing else runs then.
        agent.kill();
        end_programs();
        let agent = Running::start();
        wait_until("the names", || {
            (answer("wiki.lab.internal") == "10.20.0.100").then_some(())
        });
        wait_until("the service", || {
            (status("wiki.example.org") == "502").then_some(())
        });

        manager.give(9, |site| site.hosts.push(host("db", "10.20.0.101")));
        let _answering = manager.start();
        manager.until_live(9);
        assert_eq!(answer("db.lab.internal"), "10.20.0.101");
        agent.stop();
        end_programs();
    });
}

/// How often nginx has read its files.
fn reloads() -> usize {
    let log = fs::read_to_string("/var/log/nginx/error.log").unwrap_or_default();
    log.matches(": reconfiguring").count()
}

#[test]
fn concurrent_changes_are_coalesced_into_few_reloads() {
    inside(
        "faults::concurrent_changes_are_coalesced_into_few_reloads",
        |_| {
            let (manager, _answering) = joined();
            manager.give(1, |_| ());
            let agent = Running::start();
            manager.until_live(1);
            let before = reloads();
            for number in 1..=200 {
                change(&manager, number);
                // As people's requests come: the agent has time to ask in between.
                std::thread::sleep(Duration::from_millis(5));
            }
            manager.until_live(201);
            // What the old workers accepted a moment ago they still answer.
            wait_until("the last service", || {
                (status("s200.example.org") == "502").then_some(())
            });
            wait_until("the last host", || {
                (answer("h200.lab.internal") == "10.20.1.200").then_some(())
            });
            let read = reloads() - before;
            println!("200 changes: nginx read its files {read} times");
            assert!((1..=20).contains(&read), "{read} reloads");
            agent.stop();
            end_programs();
        },
    );
}

/// The site with so many more services and hosts.
fn change(manager: &Manager, number: i64) {
    manager.give(number + 1, |site| {
        for one in 1..=number {
            let address = format!("10.20.1.{one}");
            site.hosts.push(host(&format!("h{one}"), &address));
            let more = service(100 + one, &format!("s{one}"), Default::default());
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
            // What the host says of these names itself, for itself.
            let hosts = folder.join("hosts");
            let names = ["wiki", "localhost", "pve1", &own];
            let lines: Vec<String> = names
                .iter()
                .map(|name| format!("192.0.2.9 {name}.lab.internal {name}.example.org {name}\n"))
                .collect();
            fs::write(&hosts, lines.concat()).unwrap();
            run(&format!("mount --bind {} /etc/hosts", hosts.display()));
            let (manager, _answering) = joined();
            manager.give(1, |site| {
                for (name, last) in names.iter().skip(1).zip(1..) {
                    site.hosts.push(host(name, &format!("10.20.2.{last}")));
                    let more = service(100 + last, name, Default::default());
                    site.domains[0].services.push(more);
                }
            });
            let agent = Running::start();
            manager.until_live(1);
            assert_eq!(answer("wiki.lab.internal"), "10.20.0.100");
            for (name, last) in names.iter().skip(1).zip(1..) {
                let address = format!("10.20.2.{last}");
                assert_eq!(answer(&format!("{name}.lab.internal")), address);
                assert_eq!(
                    answer(&format!("-x {address}")),
                    format!("{name}.lab.internal.")
                );
                assert_eq!(status(&format!("{name}.example.org")), "502");
            }
            // Nor does it tell the site what only the host knows.
            fs::write(&hosts, "192.0.2.9 secret.lab.internal secret\n").unwrap();
            try_run("pkill -HUP -x dnsmasq");
            assert_eq!(answer("secret.lab.internal"), "");
            agent.stop();
            end_programs();
        },
    );
}
