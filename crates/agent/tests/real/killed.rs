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
use test_servers::host::{inside, run, until};

use crate::site::{
    address, apply, control, host, layout, live, meant, names, open, prepare, service, site,
    status, stream, tree, wait,
};

const NAME: &str = "killed::between_any_two_steps_nothing_is_lost";

/// In the environment of the process that is killed: the host's folder, and after how many steps.
const FOLDER: &str = "HOLDFAST_TEST_FOLDER";
const STEPS: &str = "HOLDFAST_TEST_STEPS";

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

/// Makes the change with a process of its own, which is killed after this many steps; how many it
/// did when it was not.
fn killed_after(folder: &Path, steps: usize) -> Option<usize> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(FOLDER, folder)
        .env(STEPS, steps.to_string())
        .output()
        .unwrap();
    if output.status.signal() == Some(9) {
        return None;
    }
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let count = said.split("steps: ").nth(1).expect("it says how many");
    Some(count.split_whitespace().next().unwrap().parse().unwrap())
}

/// The process that is killed.
fn victim(folder: &Path, last: usize) {
    let layout = layout(folder);
    let count = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let steps = Steps::new(move |_| {
        if counted.fetch_add(1, Ordering::SeqCst) + 1 == last {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
                .unwrap();
            // It ends before this returns to the work.
            std::thread::park();
        }
    });
    wait(async {
        let opened = Applier::open(&layout, control(&layout), steps).await;
        apply(&mut opened.unwrap(), &changed(), &layout).await;
    });
    println!("steps: {}", count.load(Ordering::SeqCst));
}

/// What has to hold in the end, however it came about: files, generations, and both programs.
fn state(layout: &Layout) -> String {
    assert_eq!(live(layout), meant(&tree(&changed(), layout)));
    until("the new host", || {
        (address("new") == "10.20.0.101\n").then_some(())
    });
    until("the new name", || (status("new") == "502").then_some(()));
    until("the old name to go", || {
        (status("wiki") == "404").then_some(())
    });
    let record = run("dig +short +time=2 +tries=5 @10.20.0.2 _http._tcp.lab.internal SRV");
    format!("{}{record}", names(layout))
}

/// Ends both programs and empties the host's folder.
fn clear(layout: &Layout, folder: &Path) {
    let run_folder = &layout.run;
    run(&format!(
        "for name in nginx dnsmasq; do \
           pid=$(cat {run_folder}/$name.pid); kill -TERM $pid; \
           while grep -q '^State:.[RSD]' /proc/$pid/status 2>/dev/null; do sleep 0.01; done; \
         done; rm -rf {}/agent {run_folder}/*.pid",
        folder.display()
    ));
}

#[test]
fn between_any_two_steps_nothing_is_lost() {
    if let (Ok(folder), Ok(steps)) = (std::env::var(FOLDER), std::env::var(STEPS)) {
        return victim(Path::new(&folder), steps.parse().unwrap());
    }
    inside(NAME, |folder| {
        let layout = prepare(folder);
        let before = || {
            wait(async { apply(&mut open(&layout).await, &site(), &layout).await });
        };
        before();
        let steps = killed_after(folder, 0).expect("nobody kills it");
        let undisturbed = state(&layout);
        assert!(steps > 30, "every file is a step: {steps}");
        for step in 1..=steps {
            clear(&layout, folder);
            before();
            assert_eq!(
                killed_after(folder, step),
                None,
                "it was killed after step {step}"
            );
            let [old, new] = [site(), changed()].map(|site| meant(&tree(&site, &layout)));
            let found = live(&layout);
            assert!(found == old || found == new, "after step {step}: {found:?}");
            wait(async { apply(&mut open(&layout).await, &changed(), &layout).await });
            assert_eq!(state(&layout), undisturbed, "after step {step}");
        }
    });
}
