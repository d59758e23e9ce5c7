//! Checks of candidates with the real nginx and dnsmasq.

use std::{
    fs,
    path::{Path, PathBuf},
};

use agent::{
    core::{CheckError, Refusal},
    roles::edge::{Checker, DNSMASQ, NGINX},
};
use edge::{Dhcp, Layout};
use test_servers::host::{inside, run, wait_until};

use crate::site::{block_on, host, of, prepare, site, tree};

/// Writes a candidate with DHCP to the disk.
fn candidate(folder: &Path, layout: &Layout) -> PathBuf {
    let mut site = site();
    let lease_s = 3600;
    site.network.dhcp = Some(Dhcp {
        lease_s,
        others: None,
    });
    let mut known = host("known", "10.20.0.101");
    known.mac = Some(of("BC:24:11:00:00:01"));
    site.hosts.push(known);
    let path = folder.join("agent/generations/2");
    for (name, file) in tree(&site, layout).files() {
        let to = path.join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, &file.text).unwrap();
    }
    fs::create_dir_all(folder.join("agent/state/nginx")).unwrap();
    path
}

/// Returns the refusal of a check, or panics.
fn refused(checked: Result<(), CheckError>) -> Refusal {
    match checked {
        Err(CheckError::Refused(refusal)) => refusal,
        checked => panic!("{checked:?}"),
    }
}

/// Appends a line to a file. Returns the previous text.
fn append(path: &Path, line: &str) -> String {
    let before = fs::read_to_string(path).unwrap();
    fs::write(path, format!("{before}{line}\n")).unwrap();
    before
}

#[test]
fn nginx_refusal_names_file() {
    inside("check::nginx_refusal_names_file", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let checker = Checker::new(&layout);
        block_on(async {
            checker.check_nginx(&candidate).await.unwrap();
            let file = "nginx/services/wiki.example.org.conf";
            append(&candidate.join(file), "nonsense;");
            let refusal = refused(checker.check_nginx(&candidate).await);
            assert_eq!(refusal.program, NGINX);
            assert!(
                refusal.message.contains("unknown directive \"nonsense\""),
                "{}",
                refusal.message
            );
            assert!(
                refusal.files.contains(&file.to_owned()),
                "{:?}",
                refusal.files
            );
        });
    });
}

#[test]
fn invalid_dnsmasq_lists_are_refused() {
    inside("check::invalid_dnsmasq_lists_are_refused", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let checker = Checker::new(&layout);
        // The result does not depend on whether a generation is live.
        for is_live in [false, true] {
            if is_live {
                fs::create_dir(folder.join("agent/generations/1")).unwrap();
                std::os::unix::fs::symlink("generations/1", layout.live.as_str()).unwrap();
            }
            block_on(async {
                checker.check_dnsmasq(&candidate).await.unwrap();
                for (list, line, message) in [
                    ("hosts", "garbage here", "bad address at"),
                    (
                        "reservations",
                        "XX:garbage,,1.2.3",
                        "bad hex constant at line",
                    ),
                    (
                        "reservations",
                        "BC:24:11:00:00:02,10.20.0.101",
                        "duplicate dhcp-host IP address",
                    ),
                    ("options", "option:router,banana", "bad IP address at line"),
                    ("forwarders", "server=1.2.3.4.5.6", "at line 3 of"),
                    ("forwarders", "nonsense", "at line 3 of"),
                ] {
                    let path = candidate.join("dnsmasq").join(list);
                    let before = append(&path, line);
                    let refusal = refused(checker.check_dnsmasq(&candidate).await);
                    assert_eq!(refusal.program, DNSMASQ);
                    assert!(
                        refusal.message.contains(message),
                        "{list}: {}",
                        refusal.message
                    );
                    assert_eq!(refusal.files, [format!("dnsmasq/{list}")]);
                    fs::write(path, before).unwrap();
                }
            });
        }
        assert_eq!(
            run("pgrep -x dnsmasq || test $? = 1"),
            "",
            "no temporary dnsmasq is left running"
        );
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        assert!(
            !mounts.contains("/agent"),
            "nothing is left mounted: {mounts}"
        );
    });
}

#[test]
fn candidate_is_checked_at_live_path() {
    inside("check::candidate_is_checked_at_live_path", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let checker = Checker::new(&layout);
        block_on(async {
            for (file, line) in [
                ("dnsmasq/records.conf", "nonsense"),
                ("dnsmasq/dnsmasq.conf", "dhcp-range=banana"),
                // An error that dnsmasq only reports at its start.
                ("dnsmasq/dnsmasq.conf", "user=nobody-of-this-name"),
            ] {
                let before = append(&candidate.join(file), line);
                let refusal = refused(checker.check_dnsmasq(&candidate).await);
                assert!(!refusal.message.is_empty());
                fs::write(candidate.join(file), before).unwrap();
            }
            fs::remove_file(candidate.join("dnsmasq/hosts")).unwrap();
            let refusal = refused(checker.check_dnsmasq(&candidate).await);
            assert!(
                refusal.message.contains("failed to load names from"),
                "{}",
                refusal.message
            );
        });
    });
}

#[test]
fn checker_failure_is_not_a_refusal() {
    inside("check::checker_failure_is_not_a_refusal", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let mut checker = Checker::new(&layout);
        block_on(async {
            for program in ["/nonexistent", "/bin/false"] {
                program.clone_into(&mut checker.dnsmasq);
                let failed = checker.check_dnsmasq(&candidate).await;
                assert!(matches!(failed, Err(CheckError::Program(_))), "{failed:?}");
            }
            "/nonexistent".clone_into(&mut checker.nginx);
            let failed = checker.check_nginx(&candidate).await;
            assert!(matches!(failed, Err(CheckError::Program(_))), "{failed:?}");
        });
    });
}

#[test]
fn checker_is_killed_after_timeout() {
    inside("check::checker_is_killed_after_timeout", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let stuck = folder.join("stuck");
        fs::write(&stuck, "#!/bin/sh\nexec sleep 1000\n").unwrap();
        run(&format!("chmod 755 {}", stuck.display()));
        let mut checker = Checker::new(&layout);
        checker.limit = std::time::Duration::from_millis(300);
        checker.nginx = stuck.display().to_string();
        checker.dnsmasq = stuck.display().to_string();
        block_on(async {
            for failed in [
                checker.check_nginx(&candidate).await,
                checker.check_dnsmasq(&candidate).await,
            ] {
                let error = failed.unwrap_err();
                assert!(matches!(error, CheckError::Program(_)), "{error:?}");
                assert!(error.to_string().contains("timed out"), "{error}");
            }
        });
        wait_until_checkers_exited();
    });
}

/// Waits until every stuck checker has exited. Zombies are not counted.
fn wait_until_checkers_exited() {
    wait_until("the exit of all checkers", || {
        run("pgrep -r R,S,D -x sleep || test $? = 1")
            .is_empty()
            .then_some(())
    });
}

const KILLED: &str = "check::checker_exits_with_its_parent";

#[test]
fn checker_exits_with_its_parent() {
    let folder_of_victim = std::env::var("HOLDFAST_TEST_FOLDER");
    if let Ok(folder) = &folder_of_victim {
        let folder = Path::new(folder);
        let mut checker = Checker::new(&crate::site::layout(folder));
        checker.dnsmasq = folder.join("stuck").display().to_string();
        let _ = block_on(checker.check_dnsmasq(&folder.join("agent/generations/2")));
        return;
    }
    inside(KILLED, |folder| {
        let layout = prepare(folder);
        candidate(folder, &layout);
        // A dnsmasq that hangs in `--test`, and one that hangs as the temporary server.
        for stuck in ["exec sleep 1000", "[ \"$1\" = --test ] || exec sleep 1000"] {
            let path = folder.join("stuck");
            fs::write(&path, format!("#!/bin/sh\n{stuck}\n")).unwrap();
            run(&format!("chmod 755 {}", path.display()));
            let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", KILLED])
                .env("HOLDFAST_TEST_FOLDER", folder)
                .spawn()
                .unwrap();
            wait_until("the checker", || {
                let pids = run("pgrep -r R,S,D -x sleep || test $? = 1");
                (!pids.is_empty()).then_some(())
            });
            victim.kill().unwrap();
            victim.wait().unwrap();
            wait_until_checkers_exited();
        }
    });
}
