//! What the real programs say of a candidate.

use std::{
    fs,
    path::{Path, PathBuf},
};

use agent::{CheckError, Checker, Name, Refusal};
use edge::{Dhcp, Layout};
use test_servers::host::{inside, run, wait_until};

use crate::site::{host, of, prepare, site, tree, wait};

/// A candidate on disk, with DHCP, and a live generation that has nothing to do with it.
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

fn refused(checked: Result<(), CheckError>) -> Refusal {
    match checked {
        Err(CheckError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn append(path: &Path, line: &str) -> String {
    let before = fs::read_to_string(path).unwrap();
    fs::write(path, format!("{before}{line}\n")).unwrap();
    before
}

#[test]
fn nginx_refusal_names_file() {
    inside("checked::nginx_refusal_names_file", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let checker = Checker::new(&layout);
        wait(async {
            checker.nginx(&candidate).await.unwrap();
            let file = "nginx/services/wiki.example.org.conf";
            append(&candidate.join(file), "nonsense;");
            let refusal = refused(checker.nginx(&candidate).await);
            assert_eq!(refusal.program, Name::Nginx);
            assert!(
                refusal.words.contains("unknown directive \"nonsense\""),
                "{}",
                refusal.words
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
    inside("checked::invalid_dnsmasq_lists_are_refused", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let checker = Checker::new(&layout);
        // Whether something is live makes no difference.
        for is_live in [false, true] {
            if is_live {
                fs::create_dir(folder.join("agent/generations/1")).unwrap();
                std::os::unix::fs::symlink("generations/1", layout.live.as_str()).unwrap();
            }
            wait(async {
                checker.dnsmasq(&candidate).await.unwrap();
                for (list, line, words) in [
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
                    let refusal = refused(checker.dnsmasq(&candidate).await);
                    assert_eq!(refusal.program, Name::Dnsmasq);
                    assert!(refusal.words.contains(words), "{list}: {}", refusal.words);
                    assert_eq!(refusal.files, [format!("dnsmasq/{list}")]);
                    fs::write(path, before).unwrap();
                }
            });
        }
        assert_eq!(
            run("pgrep -x dnsmasq || test $? = 1"),
            "",
            "each is gone when it was asked"
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
    inside("checked::candidate_is_checked_at_live_path", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let checker = Checker::new(&layout);
        wait(async {
            for (file, line) in [
                ("dnsmasq/records.conf", "nonsense"),
                ("dnsmasq/dnsmasq.conf", "dhcp-range=banana"),
                // What only shows when it starts.
                ("dnsmasq/dnsmasq.conf", "user=nobody-of-this-name"),
            ] {
                let before = append(&candidate.join(file), line);
                let refusal = refused(checker.dnsmasq(&candidate).await);
                assert!(!refusal.words.is_empty());
                fs::write(candidate.join(file), before).unwrap();
            }
            fs::remove_file(candidate.join("dnsmasq/hosts")).unwrap();
            let refusal = refused(checker.dnsmasq(&candidate).await);
            assert!(
                refusal.words.contains("failed to load names from"),
                "{}",
                refusal.words
            );
        });
    });
}

#[test]
fn checker_failure_is_not_a_refusal() {
    inside("checked::checker_failure_is_not_a_refusal", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let mut checker = Checker::new(&layout);
        wait(async {
            for program in ["/nonexistent", "/bin/false"] {
                program.clone_into(&mut checker.dnsmasq);
                let unasked = checker.dnsmasq(&candidate).await;
                assert!(
                    matches!(unasked, Err(CheckError::Program(_))),
                    "{unasked:?}"
                );
            }
            "/nonexistent".clone_into(&mut checker.nginx);
            let unasked = checker.nginx(&candidate).await;
            assert!(
                matches!(unasked, Err(CheckError::Program(_))),
                "{unasked:?}"
            );
        });
    });
}

#[test]
fn checker_is_killed_after_timeout() {
    inside("checked::checker_is_killed_after_timeout", |folder| {
        let layout = prepare(folder);
        let candidate = candidate(folder, &layout);
        let stuck = folder.join("stuck");
        fs::write(&stuck, "#!/bin/sh\nexec sleep 1000\n").unwrap();
        run(&format!("chmod 755 {}", stuck.display()));
        let mut checker = Checker::new(&layout);
        checker.limit = std::time::Duration::from_millis(300);
        checker.nginx = stuck.display().to_string();
        checker.dnsmasq = stuck.display().to_string();
        wait(async {
            for unasked in [
                checker.nginx(&candidate).await,
                checker.dnsmasq(&candidate).await,
            ] {
                let error = unasked.unwrap_err();
                assert!(matches!(error, CheckError::Program(_)), "{error:?}");
                assert!(error.to_string().contains("timed out"), "{error}");
            }
        });
        until_all_ended();
    });
}

/// Waits for the end of every stuck checker. What has ended is not counted, though nobody asks how.
fn until_all_ended() {
    wait_until("the end of all", || {
        run("pgrep -r R,S,D -x sleep || test $? = 1")
            .is_empty()
            .then_some(())
    });
}

const KILLED: &str = "checked::checker_exits_with_its_parent";

#[test]
fn checker_exits_with_its_parent() {
    let folder_of_victim = std::env::var("HOLDFAST_TEST_FOLDER");
    if let Ok(folder) = &folder_of_victim {
        let folder = Path::new(folder);
        let mut checker = Checker::new(&crate::site::layout(folder));
        checker.dnsmasq = folder.join("stuck").display().to_string();
        let _ = wait(checker.dnsmasq(&folder.join("agent/generations/2")));
        return;
    }
    inside(KILLED, |folder| {
        let layout = prepare(folder);
        candidate(folder, &layout);
        // Stuck in its test, and stuck as the throwaway.
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
                let found = run("pgrep -r R,S,D -x sleep || test $? = 1");
                (!found.is_empty()).then_some(())
            });
            victim.kill().unwrap();
            victim.wait().unwrap();
            until_all_ended();
        }
    });
}
