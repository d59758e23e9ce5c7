//! The systemd units that the program writes: systemd accepts them, and the agent works with the
//! capabilities that they grant.

use std::{fs, path::Path, process::Command};

use test_servers::host::{inside, run, wait_until};

use crate::manager::{AgentProcess, PROGRAM, joined, kill_programs, resolve, status};

const NGINX: &str = "[Service]\nType=forking\nPIDFile=/run/nginx.pid\nExecStart=/usr/sbin/nginx\n";
const DNSMASQ: &str = "[Service]\nType=forking\nPIDFile=/run/dnsmasq/dnsmasq.pid\n\
    ExecStartPre=/bin/false\nExecStart=/bin/false\nExecStartPost=/bin/false\nExecStop=/bin/false\n";

/// Lets the program write its units, and adds the units of Debian's nginx and dnsmasq packages.
fn write_units(folder: &Path) {
    let output = Command::new(PROGRAM)
        .args(["--directory", "/var/lib/holdfast-agent", "units", "--to"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.contains("systemctl enable --now holdfast-agent"),
        "{output}"
    );
    fs::write(folder.join("nginx.service"), NGINX).unwrap();
    fs::write(folder.join("dnsmasq.service"), DNSMASQ).unwrap();
}

#[test]
fn systemd_accepts_units() {
    inside("units::systemd_accepts_units", |folder| {
        write_units(folder);
        let path = format!("SYSTEMD_UNIT_PATH={}:", folder.display());
        for unit in ["holdfast-agent", "nginx", "dnsmasq"] {
            // `systemd-analyze verify` succeeds despite unknown settings: its warnings are the
            // failures.
            let output = run(&format!(
                "{path} systemd-analyze verify --man=no --generators=no {}/{unit}.service 2>&1",
                folder.display()
            ));
            let warnings: Vec<&str> = output
                .lines()
                .filter(|line| line.contains("holdfast") || line.contains(unit))
                .collect();
            assert!(warnings.is_empty(), "{unit}: {warnings:?}");
        }
        let unit = folder.join("holdfast-agent.service");
        let output = run(&format!(
            "systemd-analyze security --offline=yes --threshold=55 --no-pager {} 2>&1",
            unit.display()
        ));
        println!("{}", output.lines().last().unwrap_or_default());
    });
}

#[test]
fn agent_works_within_unit_sandbox() {
    inside("units::agent_works_within_unit_sandbox", |folder| {
        let (manager, _server) = joined();
        manager.publish(1, |_| ());
        write_units(folder);
        let unit = fs::read_to_string(folder.join("holdfast-agent.service")).unwrap();
        let capabilities = unit
            .lines()
            .find_map(|line| line.strip_prefix("CapabilityBoundingSet="))
            .unwrap();
        let capabilities: Vec<String> = capabilities
            .split(' ')
            .map(|name| format!("+{}", name.trim_start_matches("CAP_").to_lowercase()))
            .collect();
        assert!(unit.contains("NoNewPrivileges=yes"));
        let bounds = format!("--bounding-set=-all,{}", capabilities.join(","));
        let agent = AgentProcess::under(&["setpriv", "--no-new-privs", &bounds]);
        manager.wait_until_live(1);
        wait_until("the name", || {
            (resolve("wiki.lab.internal") == "10.20.0.100").then_some(())
        });
        assert_eq!(status("wiki.example.org"), "502");
        agent.stop();
        kill_programs();
    });
}
