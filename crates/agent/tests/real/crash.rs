//! Crash recovery: the agent is killed between any two steps of a change, and the next process
//! completes the change.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use ::edge::{Layout, SiteConfig, Srv};
use agent::{core::Steps, roles::edge};
use model::{ServiceId, publish::HttpOptions};
use rustix::process::{Signal, getpid, kill_process};
use test_servers::host::{inside, run, wait_until};

use crate::site::{
    address, apply, block_on, host, layout, list_entries, live, open, prepare, service,
    service_managers, site, status, stream, tree, tree_files,
};

/// Environment variables of the process that is killed: the host's directory, and the number of
/// steps.
const FOLDER: &str = "HOLDFAST_TEST_FOLDER";
const STEPS: &str = "HOLDFAST_TEST_STEPS";

/// A port that another program uses.
const PORT_IN_USE: u16 = 3000;

/// Returns the site after the interrupted change. The change adds, modifies and removes files of
/// both programs, and requires a restart of dnsmasq.
fn changed() -> SiteConfig {
    let mut site = site();
    site.hosts.push(host("new", "10.20.0.101"));
    site.records.push(Srv {
        id: ServiceId(3),
        name: "_http._tcp".parse().unwrap(),
        host: "new".parse().unwrap(),
        port: 80.try_into().unwrap(),
    });
    site.domains[0].services = vec![service(2, "new", HttpOptions::default())];
    site.streams.push(stream(101, 2101));
    site
}

/// An interrupted change.
struct Change {
    /// The full name of the test.
    test: &'static str,
    /// The live site before the change; `None` if nothing was live.
    before: Option<SiteConfig>,
    after: SiteConfig,
    /// The live site after recovery.
    end: SiteConfig,
    /// The first step after which the process is killed; `None` for the first step of the change.
    from: Option<&'static str>,
}

/// The numbers of the first and last step after which the process is killed.
struct StepRange {
    first: usize,
    last: usize,
}

impl Change {
    /// Applies the change in a child process that kills itself after this many steps. Returns
    /// `None` if it was killed, and otherwise the steps that it completed.
    fn apply_and_kill_after(&self, folder: &Path, steps: usize) -> Option<StepRange> {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", self.test, "--nocapture"])
            .env(FOLDER, folder)
            .env(STEPS, steps.to_string())
            .output()
            .unwrap();
        if output.status.signal() == Some(9) {
            return None;
        }
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stdout}\n{stderr}");
        let done: Vec<&str> = stdout
            .lines()
            .filter_map(|line| line.split_once("step: "))
            .map(|(_, step)| step)
            .collect();
        let first = done
            .iter()
            .position(|step| self.from.is_none_or(|from| from == *step));
        Some(StepRange {
            first: first.expect("the step `from` was done") + 1,
            last: done.len(),
        })
    }

    /// Applies the change in the child process and kills it after the step `last`.
    fn run_victim(&self, folder: &Path, last: usize) {
        let layout = layout(folder);
        let count = AtomicUsize::new(0);
        let steps = Steps::new(move |step| {
            println!("\nstep: {step}");
            if count.fetch_add(1, Ordering::SeqCst) + 1 == last {
                kill_process(getpid(), Signal::KILL).unwrap();
                // The signal may arrive late: do not return to the caller.
                std::thread::park();
            }
        });
        block_on(async {
            let opened = edge::open(&layout, service_managers(&layout), steps).await;
            let tree = tree(&self.after, &layout);
            opened.unwrap().apply(&tree).await.unwrap();
        });
    }

    fn prepare(&self, layout: &Layout) {
        if let Some(site) = &self.before {
            block_on(async { apply(&mut open(layout).await, site, layout).await });
        }
    }

    /// Asserts the state after recovery: files, nginx and dnsmasq. Returns the list of generations.
    fn assert_recovered(&self, layout: &Layout) -> String {
        assert_eq!(live(layout), tree_files(&tree(&self.end, layout)));
        for host in ["wiki", "new"] {
            let expected_host = self
                .end
                .hosts
                .iter()
                .find(|candidate| candidate.name.as_str() == host);
            let expected =
                expected_host.map_or(String::new(), |host| format!("{}\n", host.address));
            wait_until("the host", || (address(host) == expected).then_some(()));
            let mut services = self.end.domains.iter().flat_map(|domain| &domain.services);
            let is_published = services.any(|service| {
                service
                    .label
                    .as_ref()
                    .is_some_and(|label| label.as_str() == host)
            });
            let expected = if is_published { "502" } else { "404" };
            wait_until("the name", || (status(host) == expected).then_some(()));
        }
        let record = run("dig +short +time=2 +tries=5 @10.20.0.2 _http._tcp.lab.internal SRV");
        assert_eq!(record.is_empty(), self.end.records.is_empty(), "{record}");
        list_entries(layout)
    }

    /// Kills the process after each step, applies the change again in this process, and compares
    /// the result with that of an uninterrupted change.
    fn interrupt(&self) {
        if let (Ok(folder), Ok(steps)) = (std::env::var(FOLDER), std::env::var(STEPS)) {
            return self.run_victim(Path::new(&folder), steps.parse().unwrap());
        }
        inside(self.test, |folder| {
            let layout = prepare(folder);
            let _listener = std::net::TcpListener::bind(("0.0.0.0", PORT_IN_USE)).unwrap();
            self.prepare(&layout);
            let steps = self
                .apply_and_kill_after(folder, 0)
                .expect("the process is not killed");
            let uninterrupted = self.assert_recovered(&layout);
            let mut trees: Vec<_> = [&self.after, &self.end]
                .map(|site| tree_files(&tree(site, &layout)))
                .into();
            trees.extend(
                self.before
                    .iter()
                    .map(|site| tree_files(&tree(site, &layout))),
            );
            for step in steps.first..=steps.last {
                clear(&layout, folder);
                self.prepare(&layout);
                assert!(
                    self.apply_and_kill_after(folder, step).is_none(),
                    "the process is killed after step {step}"
                );
                let is_live = std::fs::exists(layout.live.as_str()).unwrap();
                assert!(is_live || self.before.is_none(), "after step {step}");
                assert!(
                    !is_live || trees.contains(&live(&layout)),
                    "after step {step}"
                );
                let again = tree(&self.after, &layout);
                block_on(async { open(&layout).await.apply(&again).await.unwrap() });
                assert_eq!(
                    self.assert_recovered(&layout),
                    uninterrupted,
                    "after step {step}"
                );
            }
        });
    }
}

/// Stops nginx and dnsmasq, and empties the host's directory.
fn clear(layout: &Layout, folder: &Path) {
    let run_folder = &layout.run;
    run(&format!(
        "for file in $(find {run_folder} -name '*.pid' -size +0); do \
           pid=$(cat $file); kill -TERM $pid; \
           while grep -q '^State:.[RSD]' /proc/$pid/status 2>/dev/null; do sleep 0.01; done; \
         done; rm -rf {}/agent {run_folder}/*.pid",
        folder.display()
    ));
}

#[test]
fn kill_between_steps_of_change_is_recovered() {
    Change {
        test: "crash::kill_between_steps_of_change_is_recovered",
        before: Some(site()),
        after: changed(),
        end: changed(),
        from: None,
    }
    .interrupt();
}

#[test]
fn kill_between_steps_of_first_generation_is_recovered() {
    Change {
        test: "crash::kill_between_steps_of_first_generation_is_recovered",
        before: None,
        after: changed(),
        end: changed(),
        from: None,
    }
    .interrupt();
}

#[test]
fn kill_between_steps_of_rollback_is_recovered() {
    let mut bad = changed();
    bad.streams.push(stream(102, PORT_IN_USE));
    Change {
        test: "crash::kill_between_steps_of_rollback_is_recovered",
        before: Some(site()),
        after: bad,
        end: site(),
        from: Some("live"),
    }
    .interrupt();
}
