//! Applying and publishing site configurations with the real nginx and dnsmasq: success, refusal,
//! quarantine and rollback.

use std::{collections::BTreeSet, fs};

use ::edge::{Dhcp, DnsHost, Srv};
use agent::{
    core::{Outcome, PublishOutcome},
    roles::edge::NGINX,
};
use model::{
    ServiceId,
    hosts::ConfigPart,
    publish::{BackendProtocol, HttpOptions},
};
use test_servers::host::{inside, run, wait_until};

use crate::site::{
    address, apply, block_on, host, list_entries, live, of, open, port, prepare, service, site,
    status, stream, tree, tree_files,
};

#[test]
fn site_and_its_change_are_applied_and_served() {
    inside(
        "apply::site_and_its_change_are_applied_and_served",
        |folder| {
            let (layout, mut site) = (prepare(folder), site());
            block_on(async {
                let mut applier = open(&layout).await;
                assert_eq!(apply(&mut applier, &site, &layout).await, 1);
                assert_eq!(live(&layout), tree_files(&tree(&site, &layout)));
                assert_eq!(address("wiki"), "10.20.0.100\n");
                assert_eq!(status("wiki"), "502", "the backend is down");
                assert_eq!(status("new"), "404");

                let again = applier.apply(&tree(&site, &layout)).await.unwrap();
                assert_eq!(again, Outcome::Unchanged);

                site.hosts.push(host("new", "10.20.0.101"));
                site.domains[0]
                    .services
                    .push(service(2, "new", HttpOptions::default()));
                assert_eq!(apply(&mut applier, &site, &layout).await, 2);
                wait_until("the new host", || {
                    (address("new") == "10.20.0.101\n").then_some(())
                });
                wait_until("the new name", || (status("new") == "502").then_some(()));
            });
        },
    );
}

#[test]
fn refused_configuration_changes_nothing() {
    inside("apply::refused_configuration_changes_nothing", |folder| {
        let (layout, good) = (prepare(folder), site());
        block_on(async {
            let mut applier = open(&layout).await;
            apply(&mut applier, &good, &layout).await;
            let before = list_entries(&layout);
            let mut bad = good.clone();
            bad.domains[0].services[0].options.backend = BackendProtocol::HttpsVerified;
            remove_trusted_cas(folder);
            let outcome = applier.apply(&tree(&bad, &layout)).await.unwrap();
            let Outcome::Refused(refusal) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(refusal.program, NGINX);
            assert!(
                refusal.message.contains("ca-certificates.crt"),
                "{}",
                refusal.message
            );
            assert_eq!(live(&layout), tree_files(&tree(&good, &layout)));
            assert_eq!(
                list_entries(&layout),
                before,
                "the refused generation is removed"
            );
        });
    });
}

/// Replaces the host's CA certificates with an empty file. nginx then refuses services that verify
/// the TLS certificate of their backend.
fn remove_trusted_cas(folder: &std::path::Path) {
    let empty = folder.join("empty");
    fs::write(&empty, "").unwrap();
    run(&format!(
        "mount --bind {} /etc/ssl/certs/ca-certificates.crt",
        empty.display()
    ));
}

#[test]
fn services_refused_by_nginx_are_quarantined() {
    let name = "apply::services_refused_by_nginx_are_quarantined";
    inside(name, |folder| {
        let (layout, mut site) = (prepare(folder), site());
        let [plain, verified] =
            [BackendProtocol::Http, BackendProtocol::HttpsVerified].map(|backend| HttpOptions {
                backend,
                ..HttpOptions::default()
            });
        let options = |id: i64| if id == 7 || id == 8 { verified } else { plain };
        site.domains[0].services = (1..=20)
            .map(|id| service(id, &format!("s{id}"), options(id)))
            .collect();
        remove_trusted_cas(folder);
        block_on(async {
            let published = open(&layout).await.publish(&site).await.unwrap();
            assert_eq!(published.outcome, Outcome::Applied { generation: 1 });
            assert_eq!(
                quarantined(&published),
                [7, 8].map(|id| ConfigPart::Service(ServiceId(id)))
            );
            let message = &published.quarantined[0].message;
            assert!(message.contains("ca-certificates.crt"), "{message}");
            assert_eq!(status("s6"), "502");
            assert_eq!(status("s7"), "404");
        });
    });
}

/// The quarantined parts, in order.
fn quarantined(published: &PublishOutcome<ConfigPart>) -> Vec<ConfigPart> {
    let parts = published.quarantined.iter();
    let parts: BTreeSet<ConfigPart> = parts.map(|quarantined| quarantined.part.clone()).collect();
    parts.into_iter().collect()
}

#[test]
fn host_refused_by_dnsmasq_is_quarantined() {
    let name = "apply::host_refused_by_dnsmasq_is_quarantined";
    inside(name, |folder| {
        let (layout, mut site) = (prepare(folder), site());
        site.network.dhcp = Some(Dhcp {
            lease_s: 3600,
            others: None,
        });
        // dnsmasq refuses two reservations of one address.
        site.hosts = [
            ("a", "10.20.0.101"),
            ("b", "10.20.0.101"),
            ("c", "10.20.0.102"),
        ]
        .iter()
        .enumerate()
        .map(|(index, (name, address))| DnsHost {
            mac: Some(of(&format!("BC:24:11:00:00:{index:02}"))),
            ..host(name, address)
        })
        .collect();
        site.records = vec![Srv {
            id: ServiceId(21),
            name: of("_db._tcp"),
            host: of("c"),
            port: port(80),
        }];
        block_on(async {
            let published = open(&layout).await.publish(&site).await.unwrap();
            assert_eq!(published.outcome, Outcome::Applied { generation: 1 });
            assert_eq!(quarantined(&published), [ConfigPart::Host(of("b"))]);
            let message = &published.quarantined[0].message;
            assert!(message.contains("duplicate dhcp-host"), "{message}");
            assert_eq!(address("a"), "10.20.0.101\n");
            assert_eq!(address("b"), "");
            assert_eq!(address("c"), "10.20.0.102\n");
            let record = run("dig +short +time=5 @10.20.0.2 _db._tcp.lab.internal SRV");
            assert_eq!(record, "0 0 80 c.lab.internal.\n");
            assert_eq!(status("wiki"), "502");
        });
    });
}

#[test]
fn service_on_port_in_use_is_quarantined() {
    inside("apply::service_on_port_in_use_is_quarantined", |folder| {
        let (layout, mut site) = (prepare(folder), site());
        let _listener = listen(3000);
        block_on(async {
            let mut applier = open(&layout).await;
            apply(&mut applier, &site, &layout).await;
            site.streams.push(stream(5, 3000));
            site.streams.push(stream(6, 3001));
            let published = applier.publish(&site).await.unwrap();
            assert!(
                matches!(published.outcome, Outcome::Applied { .. }),
                "{published:?}"
            );
            assert_eq!(published.quarantined.len(), 1);
            assert_eq!(
                published.quarantined[0].part,
                ConfigPart::Service(ServiceId(5))
            );
            let message = &published.quarantined[0].message;
            assert!(
                message.contains("bind() to 0.0.0.0:3000 failed"),
                "{message}"
            );
            run("bash -c '</dev/tcp/127.0.0.1/3001'");
        });
    });
}

/// Occupies a port, like another program that listens on it.
fn listen(port: u16) -> std::net::TcpListener {
    std::net::TcpListener::bind(("0.0.0.0", port)).unwrap()
}

#[test]
fn failed_reload_rolls_back() {
    inside("apply::failed_reload_rolls_back", |folder| {
        let (layout, good) = (prepare(folder), site());
        let _listener = listen(3000);
        block_on(async {
            let mut applier = open(&layout).await;
            apply(&mut applier, &good, &layout).await;
            let before = list_entries(&layout);
            let mut bad = good.clone();
            bad.streams.push(stream(5, 3000));
            bad.hosts.push(host("new", "10.20.0.101"));
            let outcome = applier.apply(&tree(&bad, &layout)).await.unwrap();
            let Outcome::RolledBack {
                refusal,
                generation,
                rollback_error,
            } = outcome
            else {
                panic!("{outcome:?}");
            };
            assert_eq!((generation, rollback_error), (Some(1), None));
            assert_eq!(refusal.files, ["nginx/streams/tcp-3000.conf"]);
            assert_eq!(live(&layout), tree_files(&tree(&good, &layout)));
            assert_eq!(list_entries(&layout), before);
            assert_eq!(address("new"), "", "dnsmasq uses the old lists");
            assert_eq!(status("wiki"), "502");
            assert_eq!(
                applier.apply(&tree(&good, &layout)).await.unwrap(),
                Outcome::Unchanged
            );
        });
    });
}

#[test]
fn failed_first_generation_leaves_nothing_live() {
    inside(
        "apply::failed_first_generation_leaves_nothing_live",
        |folder| {
            let (layout, mut site) = (prepare(folder), site());
            let listener = listen(2100);
            block_on(async {
                let mut applier = open(&layout).await;
                let outcome = applier.apply(&tree(&site, &layout)).await.unwrap();
                let Outcome::RolledBack { generation, .. } = outcome else {
                    panic!("{outcome:?}");
                };
                assert_eq!(generation, None);
                assert!(!fs::exists(layout.live.as_str()).unwrap());
                drop(listener);
                site.hosts.clear();
                assert_eq!(apply(&mut applier, &site, &layout).await, 1);
                assert_eq!(status("wiki"), "502");
            });
        },
    );
}

#[test]
fn manual_changes_are_reverted() {
    inside("apply::manual_changes_are_reverted", |folder| {
        let (layout, site) = (prepare(folder), site());
        let file = |name: &str| format!("{}/{name}", layout.live);
        block_on(async {
            let mut applier = open(&layout).await;
            apply(&mut applier, &site, &layout).await;
            let expected = tree_files(&tree(&site, &layout));
            let changes = [
                format!(
                    "echo 10.20.0.9 by.lab.internal >> {}",
                    file("dnsmasq/hosts")
                ),
                format!("rm {}", file("nginx/services/wiki.example.org.conf")),
                format!("echo '# by hand' > {}", file("nginx/services/more.conf")),
                format!("ln -sf /etc/passwd {}", file("nginx/default.conf")),
                format!("printf '\\377' > {}", file("nginx/pages/forbidden.html")),
            ];
            for (change, generation) in changes.iter().zip(2..) {
                run(change);
                assert_ne!(live(&layout), expected, "{change}");
                assert_eq!(
                    apply(&mut applier, &site, &layout).await,
                    generation,
                    "{change}"
                );
                assert_eq!(live(&layout), expected, "{change}");
                assert_eq!(address("wiki"), "10.20.0.100\n");
            }
            assert_eq!(
                applier.apply(&tree(&site, &layout)).await.unwrap(),
                Outcome::Unchanged
            );
        });
    });
}

#[test]
fn apply_does_not_depend_on_file_times() {
    inside("apply::apply_does_not_depend_on_file_times", |folder| {
        let (layout, mut site) = (prepare(folder), site());
        block_on(async {
            let mut applier = open(&layout).await;
            for (date, number) in [("1970-01-02", 1), ("2099-01-01", 2), ("2001-01-01", 3)] {
                site.hosts.push(host(&format!("h{number}"), "10.20.1.1"));
                assert_eq!(apply(&mut applier, &site, &layout).await, number);
                let base = folder.join("agent");
                run(&format!(
                    "find {} -exec touch -h -d {date} {{}} +",
                    base.display()
                ));
            }
            drop(applier);
            let mut applier = open(&layout).await;
            site.hosts.push(host("last", "10.20.1.2"));
            assert_eq!(apply(&mut applier, &site, &layout).await, 4);
            assert_eq!(address("last"), "10.20.1.2\n");
            let kept = run(&format!(
                "ls {}",
                folder.join("agent/generations").display()
            ));
            assert_eq!(kept, "2\n3\n4\n", "the three newest generations are kept");
        });
    });
}

/// Kills nginx with its workers.
fn kill_nginx(layout: &edge::Layout) {
    run(&format!(
        "main=$(cat {}/nginx.pid) && kill -9 $main $(pgrep -P $main)",
        layout.run
    ));
}

#[test]
fn first_run_starts_stopped_programs() {
    inside("apply::first_run_starts_stopped_programs", |folder| {
        let (layout, site) = (prepare(folder), site());
        block_on(async {
            apply(&mut open(&layout).await, &site, &layout).await;
            run(&format!("kill -9 $(cat {}/dnsmasq.pid)", layout.run));
            kill_nginx(&layout);
            let mut applier = open(&layout).await;
            assert_eq!(
                apply(&mut applier, &site, &layout).await,
                1,
                "the same generation"
            );
            assert_eq!(address("wiki"), "10.20.0.100\n");
            assert_eq!(status("wiki"), "502");
        });
    });
}

#[test]
fn live_generation_stays_when_programs_later_fail() {
    let name = "apply::live_generation_stays_when_programs_later_fail";
    inside(name, |folder| {
        let (layout, mut site) = (prepare(folder), site());
        block_on(async {
            let mut applier = open(&layout).await;
            apply(&mut applier, &site, &layout).await;
            site.hosts.push(host("new", "10.20.0.101"));
            apply(&mut applier, &site, &layout).await;
            kill_nginx(&layout);
            let listener = wait_until("the port", || {
                std::net::TcpListener::bind(("0.0.0.0", 2100)).ok()
            });
            drop(applier);
            let outcome = open(&layout)
                .await
                .apply(&tree(&site, &layout))
                .await
                .unwrap();
            assert!(matches!(outcome, Outcome::ReloadFailed(_)), "{outcome:?}");
            assert_eq!(live(&layout), tree_files(&tree(&site, &layout)));
            drop(listener);
        });
    });
}
