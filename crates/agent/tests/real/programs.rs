//! Control of nginx and dnsmasq: start, reload and restart, with systemd and without.

use std::{fs, path::Path};

use agent::{
    core::{ProgramError, ServiceManager},
    roles::edge::{self, Nginx},
};
use test_servers::host::{inside, run};

use crate::site::{apply, block_on, layout, open, prepare, service_managers, site};

#[test]
fn programs_are_controlled_by_pid_file_without_systemd() {
    inside(
        "programs::programs_are_controlled_by_pid_file_without_systemd",
        |folder| {
            let (layout, site) = (prepare(folder), site());
            let [nginx, dnsmasq] = service_managers(&layout);
            let nginx = Nginx::new(&layout, nginx);
            let dnsmasq = edge::dnsmasq(&layout, dnsmasq);
            let pid =
                |name: &str| fs::read_to_string(folder.join(format!("run/{name}.pid"))).unwrap();
            block_on(async {
                assert!(!nginx.is_running().await && !dnsmasq.is_running().await);
                apply(&mut open(&layout).await, &site, &layout).await;
                assert!(nginx.is_running().await && dnsmasq.is_running().await);
                let before = (pid("nginx"), pid("dnsmasq"));
                nginx.reload().await.unwrap();
                dnsmasq.reload().await.unwrap();
                assert_eq!((pid("nginx"), pid("dnsmasq")), before);
                dnsmasq.restart().await.unwrap();
                assert_ne!(pid("dnsmasq"), before.1);

                // A PID that another process reused does not count as running.
                fs::write(
                    folder.join("run/dnsmasq.pid"),
                    std::process::id().to_string(),
                )
                .unwrap();
                assert!(!dnsmasq.is_running().await);
            });
        },
    );
}

#[test]
fn failed_start_reports_error() {
    inside("programs::failed_start_reports_error", |folder| {
        let layout = prepare(folder);
        let [_, dnsmasq] = service_managers(&layout);
        block_on(async {
            let error = edge::dnsmasq(&layout, dnsmasq).restart().await.unwrap_err();
            let ProgramError::Failed { message, .. } = error else {
                panic!("{error:?}");
            };
            assert!(message.contains("cannot read"), "{message}");
        });
    });
}

/// Creates a fake `systemctl` that records its arguments and fails for those in the file `fails`.
fn fake_systemctl(folder: &Path) -> ServiceManager {
    let (path, folder) = (folder.join("systemctl"), folder.display());
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {folder}/calls\n\
         if grep -qx \"$*\" {folder}/fails; then echo 'Job failed.' >&2; exit 1; fi\n"
    );
    fs::write(&path, script).unwrap();
    run(&format!(
        "chmod 755 {} && touch {folder}/fails",
        path.display()
    ));
    ServiceManager::Systemd {
        systemctl: path.display().to_string(),
    }
}

#[test]
fn programs_are_controlled_by_systemctl() {
    inside("programs::programs_are_controlled_by_systemctl", |folder| {
        let layout = layout(folder);
        let service_manager = fake_systemctl(folder);
        let dnsmasq = edge::dnsmasq(&layout, service_manager.clone());
        let nginx = Nginx::new(&layout, service_manager);
        let take_calls = || {
            let calls = fs::read_to_string(folder.join("calls")).unwrap();
            fs::remove_file(folder.join("calls")).unwrap();
            calls
        };
        block_on(async {
            assert!(dnsmasq.is_running().await);
            assert_eq!(take_calls(), "is-active --quiet dnsmasq\n");
            dnsmasq.restart().await.unwrap();
            assert_eq!(take_calls(), "restart dnsmasq\n");
            nginx.reload().await.unwrap();
            assert_eq!(take_calls(), "restart nginx\n", "nginx does not run yet");

            fs::write(
                folder.join("fails"),
                "restart dnsmasq\nis-active --quiet dnsmasq\n",
            )
            .unwrap();
            assert!(!dnsmasq.is_running().await);
            let error = dnsmasq.restart().await.unwrap_err();
            assert_eq!(error.to_string(), "dnsmasq: Job failed.");
        });
    });
}
