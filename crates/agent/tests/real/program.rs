//! The program itself: it joins, serves what its manager gives, and goes on without it.

use std::{fs, process::Command};

use serde_json::json;
use test_servers::host::{inside, run, wait_until};

use crate::{
    manager::{CODE, FOLDER, Manager, PROGRAM, Running, answer, join, prepare, status},
    site::host,
};

#[test]
fn host_joins_serves_and_continues_without_manager() {
    inside(
        "program::host_joins_serves_and_continues_without_manager",
        |_| {
            prepare();
            let early = Command::new(PROGRAM)
                .args(["--folder", FOLDER, "run"])
                .output()
                .unwrap();
            assert!(!early.status.success());
            let words = String::from_utf8_lossy(&early.stderr).into_owned();
            assert!(words.contains("has not joined"), "{words}");
            let manager = Manager::default();
            let _answering = manager.start();
            for wrong in [
                "",
                "nonsense",
                "http://10.20.0.9:3000#a-word-of-more-than-20-letters",
            ] {
                assert!(!join(wrong).status.success(), "{wrong}");
            }
            let joined = join(CODE);
            assert!(joined.status.success(), "{joined:?}");
            let mode = run(&format!("stat -c %a {FOLDER}/agent.toml"));
            assert_eq!(mode, "600\n");

            manager.give(1, |_| ());
            let agent = Running::start();
            wait_until("the site", || {
                (answer("wiki.lab.internal") == "10.20.0.100").then_some(())
            });
            wait_until("the service", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            wait_until("the report", || (!manager.told().is_empty()).then_some(()));
            let first = manager.told().remove(0);
            assert_eq!(
                (&first["generation"], &first["outcome"]),
                (&json!(1), &json!("live"))
            );

            let all = manager.live(0);
            assert!(all.begins && all.gone.is_empty());
            for (path, text) in &all.files {
                let there = fs::read_to_string(format!("{FOLDER}/live/{path}")).unwrap();
                assert_eq!(*text, there, "{path}");
                assert!(!text.contains("PRIVATE KEY"), "{path}");
            }
            assert!(
                all.files
                    .contains_key("nginx/services/wiki.example.org.conf")
            );

            manager.give(2, |site| site.hosts.push(host("db", "10.20.0.101")));
            wait_until("the change", || {
                (answer("db.lab.internal") == "10.20.0.101").then_some(())
            });
            let last = || manager.told().pop().unwrap()["generation"].clone();
            wait_until("the second report", || (last() == 2).then_some(()));
            let changed = manager.live(1);
            assert!(!changed.begins && changed.gone.is_empty());
            let paths: Vec<&String> = changed.files.keys().collect();
            assert_eq!(paths, ["dnsmasq/hosts"], "and no other");
            agent.kill();
            assert_eq!(
                answer("db.lab.internal"),
                "10.20.0.101",
                "the programs go on"
            );

            // Another start without a manager that answers: what was live is put right and goes on.
            run("pkill -x dnsmasq");
            fs::write(
                format!("{FOLDER}/live/nginx/services/wiki.example.org.conf"),
                "",
            )
            .unwrap();
            let settings = fs::read_to_string(format!("{FOLDER}/agent.toml")).unwrap();
            fs::write(
                format!("{FOLDER}/agent.toml"),
                settings.replace(":3000", ":3001"),
            )
            .unwrap();
            let agent = Running::start();
            wait_until("the names", || {
                (answer("db.lab.internal") == "10.20.0.101").then_some(())
            });
            wait_until("the service", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            agent.stop();
            run("pkill -x dnsmasq; pkill -x nginx; true");
        },
    );
}
