//! What has gone live is asked for, and what does not answer is told after that.

use std::{io::Write as _, net::TcpListener};

use serde_json::{Value, json};
use test_servers::host::{inside, run, wait_until};

use crate::{
    manager::{Manager, Running, end_programs, joined},
    site::{host, service},
};

/// What the last report says is silent, once it is of this generation and says something.
fn silent(manager: &Manager, generation: i64) -> Vec<Value> {
    wait_until("what is silent", || {
        let last = manager.told().pop()?;
        let silent = last["silent"].as_array()?.clone();
        (last["generation"] == generation && !silent.is_empty()).then_some(silent)
    })
}

/// A container that shows a page, which is like nginx's own in nothing but its status.
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
        "probed::unreachable_container_is_reported_until_online",
        |_| {
            let (manager, _answering) = joined();
            manager.give(1, |_| ());
            let agent = Running::start();
            let silent = silent(&manager, 1);
            let reports = manager.told();
            assert_eq!(
                (&reports[0]["outcome"], &reports[0]["silent"]),
                (&json!("live"), &json!([])),
                "that it is live is told first"
            );
            assert_eq!(silent.len(), 1, "{silent:?}");
            assert_eq!(silent[0]["name"], "wiki.example.org");
            assert_eq!(
                (&silent[0]["who"], &silent[0]["service"]),
                (&json!("container"), &json!(1))
            );
            let words = silent[0]["words"].as_str().unwrap();
            assert!(words.contains("listen on 127.0.0.1:8080?"), "{words}");

            serve(TcpListener::bind("127.0.0.1:8080").unwrap());
            wait_until("its answer is told", || {
                let last = manager.told().pop()?;
                (last["silent"] == json!([])).then_some(())
            });
            let before = manager.told().len();
            // What did not change is asked for no more: nothing is told but that the new one is live.
            manager.give(2, |site| site.hosts.push(host("db", "10.20.0.101")));
            manager.until_live(2);
            assert_eq!(manager.told().len(), before + 1);
            agent.stop();
            end_programs();
        },
    );
}

#[test]
fn unresolved_names_are_reported_as_edge_failures() {
    inside(
        "probed::unresolved_names_are_reported_as_edge_failures",
        |_| {
            let (manager, _answering) = joined();
            manager.give(1, |_| ());
            let agent = Running::start();
            manager.until_live(1);
            serve(TcpListener::bind("127.0.0.1:8080").unwrap());
            // It is there, hears nothing and says nothing.
            run("kill -STOP $(cat /run/dnsmasq.pid)");
            manager.give(2, |site| {
                site.hosts.push(host("db", "10.20.0.101"));
                site.domains[0]
                    .services
                    .push(service(2, "db", Default::default()));
            });
            let silent = silent(&manager, 2);
            let db = silent
                .iter()
                .find(|silent| silent["name"] == "db.lab.internal");
            let db = db.expect("the host");
            assert_eq!((&db["who"], &db["service"]), (&json!("edge"), &Value::Null));
            assert_eq!(db["words"], "dnsmasq does not answer.");
            assert!(
                silent
                    .iter()
                    .all(|silent| silent["name"] != "db.example.org"),
                "a page of its own with 404 is an answer: {silent:?}"
            );
            run("kill -CONT $(cat /run/dnsmasq.pid)");
            wait_until("its answer is told", || {
                let last = manager.told().pop()?;
                (last["silent"] == json!([])).then_some(())
            });
            agent.stop();
            end_programs();
        },
    );
}
