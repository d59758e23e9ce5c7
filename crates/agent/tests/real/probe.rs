//! Probes: after a generation is live, the agent reports services and names that are unreachable.

use std::{io::Write as _, net::TcpListener};

use serde_json::{Value, json};
use test_servers::host::{inside, run, wait_until};

use crate::{
    manager::{AgentProcess, Manager, joined, kill_programs},
    site::{host, service},
};

/// Waits for a report of this generation with failed probes, and returns them.
fn failed_probes(manager: &Manager, generation: i64) -> Vec<Value> {
    wait_until("the failed probes", || {
        let last = manager.reports().pop()?;
        let failed = last["failed_probes"].as_array()?.clone();
        (last["generation"] == generation && !failed.is_empty()).then_some(failed)
    })
}

/// Serves a page with status 404 that differs from nginx's own 404 page, like a container.
fn serve(listener: TcpListener) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let page =
                "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nconnection: close\r\n\r\nnone\n";
            let _ = stream.write_all(page.as_bytes());
        }
    });
}

#[test]
fn unreachable_container_is_reported_until_online() {
    inside(
        "probe::unreachable_container_is_reported_until_online",
        |_| {
            let (manager, _server) = joined();
            manager.publish(1, |_| ());
            let agent = AgentProcess::start();
            let failed = failed_probes(&manager, 1);
            let reports = manager.reports();
            assert_eq!(
                (&reports[0]["outcome"], &reports[0]["failed_probes"]),
                (&json!("live"), &json!([])),
                "the first report does not wait for probes"
            );
            assert_eq!(failed.len(), 1, "{failed:?}");
            assert_eq!(failed[0]["name"], "wiki.example.org");
            assert_eq!(
                (&failed[0]["component"], &failed[0]["service"]),
                (&json!("container"), &json!(1))
            );
            let message = failed[0]["message"].as_str().unwrap();
            assert!(message.contains("listen on 127.0.0.1:8080?"), "{message}");

            serve(TcpListener::bind("127.0.0.1:8080").unwrap());
            wait_until("the report without failed probes", || {
                let last = manager.reports().pop()?;
                (last["failed_probes"] == json!([])).then_some(())
            });
            let before = manager.reports().len();
            // Unchanged services are not probed again: the only new report is that generation 2 is
            // live.
            manager.publish(2, |site| site.hosts.push(host("db", "10.20.0.101")));
            manager.wait_until_live(2);
            assert_eq!(manager.reports().len(), before + 1);
            agent.stop();
            kill_programs();
        },
    );
}

#[test]
fn unresolved_names_are_reported_as_edge_failures() {
    inside(
        "probe::unresolved_names_are_reported_as_edge_failures",
        |_| {
            let (manager, _server) = joined();
            manager.publish(1, |_| ());
            let agent = AgentProcess::start();
            manager.wait_until_live(1);
            serve(TcpListener::bind("127.0.0.1:8080").unwrap());
            // dnsmasq is running but does not respond.
            run("kill -STOP $(cat /run/dnsmasq.pid)");
            manager.publish(2, |site| {
                site.hosts.push(host("db", "10.20.0.101"));
                site.domains[0]
                    .services
                    .push(service(2, "db", Default::default()));
            });
            let failed = failed_probes(&manager, 2);
            let db = failed
                .iter()
                .find(|failed| failed["name"] == "db.lab.internal");
            let db = db.expect("the host");
            assert_eq!(
                (&db["component"], &db["service"]),
                (&json!("edge"), &Value::Null)
            );
            assert_eq!(db["message"], "dnsmasq does not respond.");
            assert!(
                failed
                    .iter()
                    .all(|failed| failed["name"] != "db.example.org"),
                "a 404 page of the container counts as online: {failed:?}"
            );
            run("kill -CONT $(cat /run/dnsmasq.pid)");
            wait_until("the report without failed probes", || {
                let last = manager.reports().pop()?;
                (last["failed_probes"] == json!([])).then_some(())
            });
            agent.stop();
            kill_programs();
        },
    );
}
