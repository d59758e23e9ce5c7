//! The programs are had to read their files, with systemd and without.

use std::{fs, path::Path};

use agent::{Control, Program, ProgramError};
use test_servers::host::{inside, run};

use crate::site::{apply, control, layout, open, prepare, site, wait};

#[test]
fn programs_are_controlled_by_pid_file_without_systemd() {
    inside(
        "programs::programs_are_controlled_by_pid_file_without_systemd",
        |folder| {
            let (layout, site) = (prepare(folder), site());
            let [nginx, dnsmasq] = control(&layout);
            let nginx = Program::nginx(&layout, nginx);
            let dnsmasq = Program::dnsmasq(&layout, dnsmasq);
            let pid =
                |name: &str| fs::read_to_string(folder.join(format!("run/{name}.pid"))).unwrap();
            wait(async {
                assert!(!nginx.is_running().await && !dnsmasq.is_running().await);
                apply(&mut open(&layout).await, &site, &layout).await;
                assert!(nginx.is_running().await && dnsmasq.is_running().await);
                let before = (pid("nginx"), pid("dnsmasq"));
                nginx.reload().await.unwrap();
                dnsmasq.reload().await.unwrap();
                assert_eq!((pid("nginx"), pid("dnsmasq")), before);
                dnsmasq.restart().await.unwrap();
                assert_ne!(pid("dnsmasq"), before.1);

                // A number that another process has now is not theirs.
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
        let [_, dnsmasq] = control(&layout);
        wait(async {
            let error = Program::dnsmasq(&layout, dnsmasq)
                .restart()
                .await
                .unwrap_err();
            let ProgramError::Failed { words, .. } = error else {
                panic!("{error:?}");
            };
            assert!(words.contains("cannot read"), "{words}");
        });
    });
}

/// A `systemctl` that writes down what it is asked, and fails for the words in the file `fails`.
fn systemctl(folder: &Path) -> Control {
    let (path, folder) = (folder.join("systemctl"), folder.display());
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {folder}/asked\n\
         if grep -qx \"$*\" {folder}/fails; then echo 'Job failed.' >&2; exit 1; fi\n"
    );
    fs::write(&path, script).unwrap();
    run(&format!(
        "chmod 755 {} && touch {folder}/fails",
        path.display()
    ));
    Control::Systemd {
        systemctl: path.display().to_string(),
    }
}

#[test]
fn programs_are_controlled_by_systemctl() {
    inside("programs::programs_are_controlled_by_systemctl", |folder| {
        let layout = layout(folder);
        let control = systemctl(folder);
        let dnsmasq = Program::dnsmasq(&layout, control.clone());
        let nginx = Program::nginx(&layout, control);
        let asked = || {
            let asked = fs::read_to_string(folder.join("asked")).unwrap();
            fs::remove_file(folder.join("asked")).unwrap();
            asked
        };
        wait(async {
            assert!(dnsmasq.is_running().await);
            assert_eq!(asked(), "is-active --quiet dnsmasq\n");
            dnsmasq.restart().await.unwrap();
            assert_eq!(asked(), "restart dnsmasq\n");
            nginx.reload().await.unwrap();
            assert_eq!(asked(), "restart nginx\n", "it does not run yet");

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
