//! The binary `holdfast-agent`: joins, applies configurations of its manager, and continues during
//! an outage of the manager.

use std::{fs, process::Command};

use serde_json::json;
use test_servers::host::{inside, run, wait_until};

use crate::{
    manager::{AgentProcess, FOLDER, JOIN_TOKEN, Manager, PROGRAM, join, prepare, resolve, status},
    site::host,
};

#[test]
fn host_joins_serves_and_continues_without_manager() {
    inside(
        "program::host_joins_serves_and_continues_without_manager",
        |_| {
            prepare();
            let before_join = Command::new(PROGRAM)
                .args(["--directory", FOLDER, "run"])
                .output()
                .unwrap();
            assert!(!before_join.status.success());
            let message = String::from_utf8_lossy(&before_join.stderr).into_owned();
            assert!(message.contains("has not joined"), "{message}");
            let manager = Manager::default();
            let _server = manager.start();
            for wrong in [
                "",
                "nonsense",
                "http://10.20.0.9:3000#a-secret-of-more-than-20-letters",
            ] {
                assert!(!join(wrong).status.success(), "{wrong}");
            }
            let joined = join(JOIN_TOKEN);
            assert!(joined.status.success(), "{joined:?}");
            let mode = run(&format!("stat -c %a {FOLDER}/agent.toml"));
            assert_eq!(mode, "600\n");

            manager.publish(1, |_| ());
            let agent = AgentProcess::start();
            wait_until("the site", || {
                (resolve("wiki.lab.internal") == "10.20.0.100").then_some(())
            });
            wait_until("the service", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            wait_until("the report", || {
                (!manager.reports().is_empty()).then_some(())
            });
            let first = manager.reports().remove(0);
            assert_eq!(
                (&first["generation"], &first["outcome"]),
                (&json!(1), &json!("live"))
            );

            let all = manager.live(0);
            assert!(all.replace && all.removed.is_empty());
            for (path, text) in &all.files {
                let on_disk = fs::read_to_string(format!("{FOLDER}/live/{path}")).unwrap();
                assert_eq!(*text, on_disk, "{path}");
                assert!(!text.contains("PRIVATE KEY"), "{path}");
            }
            assert!(
                all.files
                    .contains_key("nginx/services/wiki.example.org.conf")
            );

            manager.publish(2, |site| site.hosts.push(host("db", "10.20.0.101")));
            wait_until("the change", || {
                (resolve("db.lab.internal") == "10.20.0.101").then_some(())
            });
            let last = || manager.reports().pop().unwrap()["generation"].clone();
            wait_until("the second report", || (last() == 2).then_some(()));
            let changed = manager.live(1);
            assert!(!changed.replace && changed.removed.is_empty());
            let paths: Vec<&String> = changed.files.keys().collect();
            assert_eq!(paths, ["dnsmasq/hosts"], "only changed files are reported");
            agent.kill();
            assert_eq!(
                resolve("db.lab.internal"),
                "10.20.0.101",
                "dnsmasq still runs"
            );

            // After a restart without a manager, the last configuration is restored and served.
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
            let agent = AgentProcess::start();
            wait_until("the names", || {
                (resolve("db.lab.internal") == "10.20.0.101").then_some(())
            });
            wait_until("the service", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            agent.stop();
            run("pkill -x dnsmasq; pkill -x nginx; true");
        },
    );
}
