//! A host whose clock is wrong by years and changes while the agent, nginx and dnsmasq run. All
//! three see the same wrong time.

use std::{fs, os::unix::fs::FileExt as _, path::Path};

use test_servers::host::{inside, run, wait_until};

use crate::{
    manager::{AgentProcess, FOLDER, joined, kill_programs, resolve, status},
    site::{host, service},
};

const YEAR_S: i64 = 365 * 86_400;

/// Controls the real-time clock of all programs that are started on this host after its creation.
struct Clock(fs::File);

impl Clock {
    fn new(folder: &Path) -> Self {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/clock.c");
        let (library, path) = (folder.join("clock.so"), folder.join("clock"));
        run(&format!(
            "cc -O1 -shared -fPIC -DOFFSET_FILE='\"{}\"' -o {} {source}",
            path.display(),
            library.display()
        ));
        fs::write(&path, 0_i64.to_ne_bytes()).unwrap();
        // Mount a copy: the machine's own /etc is shared with other processes.
        run("cp -a /etc /run/etc && mount --bind /run/etc /etc");
        fs::write("/etc/ld.so.preload", library.to_str().unwrap()).unwrap();
        Self(fs::File::options().write(true).open(&path).unwrap())
    }

    /// Sets the offset from the correct time.
    fn set_offset(&self, years: i64) {
        let bytes = (years * YEAR_S).to_ne_bytes();
        self.0.write_all_at(&bytes, 0).unwrap();
    }

    /// Returns the current year as a program sees it.
    fn year() -> i64 {
        run("date +%Y").trim().parse().unwrap()
    }
}

#[test]
fn wrong_clock_does_not_affect_agent() {
    inside("clock::wrong_clock_does_not_affect_agent", |folder| {
        run(&format!("chmod 755 {}", folder.display()));
        let clock = Clock::new(folder);
        let year = Clock::year();
        let (manager, _server) = joined();
        let mut generation = 0;
        let mut agent = None;
        // Past 2038, back to the 1970s, and correct: each while the agent runs and at its start.
        for years in [40, -45, 0] {
            clock.set_offset(years);
            assert!((Clock::year() - year - years).abs() <= 1, "{years}");
            for restarts in [false, true] {
                if restarts && let Some(running) = agent.take() {
                    AgentProcess::kill(running);
                    kill_programs();
                }
                generation += 1;
                let name = format!("h{generation}");
                manager.publish(generation, |site| {
                    site.hosts.push(host(&name, "10.20.0.101"));
                    let more = service(100 + generation, &name, Default::default());
                    site.domains[0].services.push(more);
                });
                let running = agent.take();
                agent = Some(running.unwrap_or_else(AgentProcess::start));
                manager.wait_until_live(generation);
                wait_until("the name", || {
                    (resolve(&format!("{name}.lab.internal")) == "10.20.0.101").then_some(())
                });
                wait_until("the service", || {
                    (status(&format!("{name}.example.org")) == "502").then_some(())
                });
                assert_certificate_is_valid();
            }
        }
        agent.unwrap().stop();
        kill_programs();
    });
}

/// Asserts that the validity of the agent's certificate does not depend on the clock at its
/// creation.
fn assert_certificate_is_valid() {
    let output = run(&format!(
        "openssl x509 -in {FOLDER}/tls/site.crt -noout -dates && \
         openssl verify -CAfile {FOLDER}/tls/site.crt {FOLDER}/tls/site.crt"
    ));
    assert!(
        output.contains("notBefore=Jan  1 00:00:00 1975"),
        "{output}"
    );
    assert!(output.contains("notAfter=Jan  1 00:00:00 4096"), "{output}");
}
