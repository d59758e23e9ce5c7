//! The process is killed between any two steps, and the next one brings everything to its end.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use agent::{Applier, Steps};
use edge::{Layout, Snapshot};
use model::publish::HttpOptions;
use rustix::process::{Signal, getpid, kill_process};
use test_servers::host::{inside, run, wait_until};

use crate::site::{
    address, apply, control, host, layout, live, meant, names, open, prepare, service, site,
    status, stream, tree, wait,
};

/// In the environment of the process that is killed: the host's folder, and after how many steps.
const FOLDER: &str = "HOLDFAST_TEST_FOLDER";
const STEPS: &str = "HOLDFAST_TEST_STEPS";

/// A port that another program has.
const TAKEN: u16 = 3000;

/// The site after the change that is interrupted: files are new, changed and gone, and both programs
/// have to read some, one of them by starting anew.
fn changed() -> Snapshot {
    let mut site = site();
    site.hosts.push(host("new", "10.20.0.101"));
    site.records.push(edge::Srv {
        name: "_http._tcp".parse().unwrap(),
        host: "new".parse().unwrap(),
        port: 80.try_into().unwrap(),
    });
    site.domains[0].services = vec![service(2, "new", HttpOptions::default())];
    site.streams.push(stream(101, 2101));
    site
}

/// A change that is interrupted.
struct Change {
    /// The test's whole name.
    test: &'static str,
    /// What was live; none means that nothing was.
    before: Option<Snapshot>,
    after: Snapshot,
    /// What is live in the end.
    end: Snapshot,
    /// The step at which killing begins.
    from: Option<&'static str>,
}

/// How many steps a change has, and the number of the first that matters.
struct Done {
    first: usize,
    last: usize,
}

impl Change {
    /// Makes it with a process of its own, which is killed after this many steps; none when it was.
    fn killed_after(&self, folder: &Path, steps: usize) -> Option<Done> {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", self.test, "--nocapture"])
            .env(FOLDER, folder)
            .env(STEPS, steps.to_string())
            .output()
            .unwrap();
        if output.status.signal() == Some(9) {
            return None;
        }
        let said = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{errors}");
        let done: Vec<&str> = said
            .lines()
            .filter_map(|line| line.split_once("step: "))
            .map(|(_, step)| step)
            .collect();
        let first = done
            .iter()
            .position(|step| self.from.is_none_or(|from| from == *step));
        Some(Done {
            first: first.expect("the step is there") + 1,
            last: done.len(),
        })
    }

    /// The process that is killed.
    fn victim(&self, folder: &Path, last: usize) {
        let layout = layout(folder);
        let count = AtomicUsize::new(0);
        let steps = Steps::new(move |step| {
            println!("\nstep: {step}");
            if count.fetch_add(1, Ordering::SeqCst) + 1 == last {
                kill_process(getpid(), Signal::KILL).unwrap();
                // It ends before this returns to the work.
                std::thread::park();
            }
        });
        wait(async {
            let opened = Applier::open(&layout, control(&layout), steps).await;
            let tree = tree(&self.after, &layout);
            opened.unwrap().apply(&tree).await.unwrap();
        });
    }

    fn prepare(&self, layout: &Layout) {
        if let Some(site) = &self.before {
            wait(async { apply(&mut open(layout).await, site, layout).await });
        }
    }

    /// What has to hold in the end, however it came about: files, generations, and both programs.
    fn state(&self, layout: &Layout) -> String {
        assert_eq!(live(layout), meant(&tree(&self.end, layout)));
        for host in ["wiki", "new"] {
            let found = self
                .end
                .hosts
                .iter()
                .find(|found| found.name.as_str() == host);
            let meant = found.map_or(String::new(), |found| format!("{}\n", found.address));
            wait_until("the host", || (address(host) == meant).then_some(()));
            let mut services = self.end.domains.iter().flat_map(|domain| &domain.services);
            let is_there = services.any(|found| {
                found
                    .label
                    .as_ref()
                    .is_some_and(|label| label.as_str() == host)
            });
            let meant = if is_there { "502" } else { "404" };
            wait_until("the name", || (status(host) == meant).then_some(()));
        }
        let record = run("dig +short +time=2 +tries=5 @10.20.0.2 _http._tcp.lab.internal SRV");
        assert_eq!(record.is_empty(), self.end.records.is_empty(), "{record}");
        names(layout)
    }

    /// Kills it after each step, lets another process do it again, and compares.
    fn interrupt(&self) {
        if let (Ok(folder), Ok(steps)) = (std::env::var(FOLDER), std::env::var(STEPS)) {
            return self.victim(Path::new(&folder), steps.parse().unwrap());
        }
        inside(self.test, |folder| {
            let layout = prepare(folder);
            let _taken = std::net::TcpListener::bind(("0.0.0.0", TAKEN)).unwrap();
            self.prepare(&layout);
            let steps = self.killed_after(folder, 0).expect("nobody kills it");
            let undisturbed = self.state(&layout);
            let mut trees: Vec<_> = [&self.after, &self.end]
                .map(|site| meant(&tree(site, &layout)))
                .into();
            trees.extend(self.before.iter().map(|site| meant(&tree(site, &layout))));
            for step in steps.first..=steps.last {
                clear(&layout, folder);
                self.prepare(&layout);
                assert!(
                    self.killed_after(folder, step).is_none(),
                    "it was killed after {step}"
                );
                let is_live = std::fs::exists(layout.live.as_str()).unwrap();
                assert!(is_live || self.before.is_none(), "after step {step}");
                assert!(
                    !is_live || trees.contains(&live(&layout)),
                    "after step {step}"
                );
                let again = tree(&self.after, &layout);
                wait(async { open(&layout).await.apply(&again).await.unwrap() });
                assert_eq!(self.state(&layout), undisturbed, "after step {step}");
            }
        });
    }
}

/// Ends both programs and empties the host's folder.
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
        test: "killed::kill_between_steps_of_change_is_recovered",
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
        test: "killed::kill_between_steps_of_first_generation_is_recovered",
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
    bad.streams.push(stream(102, TAKEN));
    Change {
        test: "killed::kill_between_steps_of_rollback_is_recovered",
        before: Some(site()),
        after: bad,
        end: site(),
        from: Some("live"),
    }
    .interrupt();
}
