//! The units of systemd that the program writes: systemd understands them, and the agent can work with
//! as few rights as they leave it.

use std::{fs, path::Path, process::Command};

use test_servers::host::{inside, run, wait_until};

use crate::manager::{PROGRAM, Running, answer, end_programs, joined, status};

const NGINX: &str = "[Service]\nType=forking\nPIDFile=/run/nginx.pid\nExecStart=/usr/sbin/nginx\n";
const DNSMASQ: &str = "[Service]\nType=forking\nPIDFile=/run/dnsmasq/dnsmasq.pid\n\
    ExecStartPre=/bin/false\nExecStart=/bin/false\nExecStartPost=/bin/false\nExecStop=/bin/false\n";

/// Has the program write its units, beside those that Debian's packages bring.
fn write(folder: &Path) {
    let said = Command::new(PROGRAM)
        .args(["--folder", "/var/lib/holdfast-agent", "units", "--to"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(said.status.success(), "{said:?}");
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("systemctl enable --now holdfast-agent"),
        "{said}"
    );
    fs::write(folder.join("nginx.service"), NGINX).unwrap();
    fs::write(folder.join("dnsmasq.service"), DNSMASQ).unwrap();
}

#[test]
fn systemd_accepts_units() {
    inside("units::systemd_accepts_units", |folder| {
        write(folder);
        let path = format!("SYSTEMD_UNIT_PATH={}:", folder.display());
        for unit in ["holdfast-agent", "nginx", "dnsmasq"] {
            // What it does not understand it says, and goes on: nothing may be said.
            let said = run(&format!(
                "{path} systemd-analyze verify --man=no --generators=no {}/{unit}.service 2>&1",
                folder.display()
            ));
            let ours: Vec<&str> = said
                .lines()
                .filter(|line| line.contains("holdfast") || line.contains(unit))
                .collect();
            assert!(ours.is_empty(), "{unit}: {ours:?}");
        }
        let unit = folder.join("holdfast-agent.service");
        let said = run(&format!(
            "systemd-analyze security --offline=yes --threshold=55 --no-pager {} 2>&1",
            unit.display()
        ));
        println!("{}", said.lines().last().unwrap_or_default());
    });
}

#[test]
fn agent_works_within_unit_sandbox() {
    inside("units::agent_works_within_unit_sandbox", |folder| {
        let (manager, _answering) = joined();
        manager.give(1, |_| ());
        write(folder);
        let unit = fs::read_to_string(folder.join("holdfast-agent.service")).unwrap();
        let rights = unit
            .lines()
            .find_map(|line| line.strip_prefix("CapabilityBoundingSet="))
            .unwrap();
        let rights: Vec<String> = rights
            .split(' ')
            .map(|right| format!("+{}", right.trim_start_matches("CAP_").to_lowercase()))
            .collect();
        assert!(unit.contains("NoNewPrivileges=yes"));
        let bounds = format!("--bounding-set=-all,{}", rights.join(","));
        let agent = Running::under(&["setpriv", "--no-new-privs", &bounds]);
        manager.until_live(1);
        wait_until("the name", || {
            (answer("wiki.lab.internal") == "10.20.0.100").then_some(())
        });
        assert_eq!(status("wiki.example.org"), "502");
        agent.stop();
        end_programs();
    });
}
