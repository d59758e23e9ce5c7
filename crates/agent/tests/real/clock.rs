//! A host whose clock is years off, and is put right or wrong while everything runs: the agent, nginx
//! and dnsmasq all see the wrong time of day.

use std::{fs, os::unix::fs::FileExt as _, path::Path};

use test_servers::host::{inside, run, wait_until};

use crate::{
    manager::{FOLDER, Running, answer, end_programs, joined, status},
    site::{host, service},
};

const YEAR_S: i64 = 365 * 86_400;

/// The time of day of every program that is started on this host from now on.
struct Clock(fs::File);

impl Clock {
    fn new(folder: &Path) -> Self {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/clock.c");
        let (library, path) = (folder.join("clock.so"), folder.join("clock"));
        run(&format!(
            "cc -O1 -shared -fPIC -DOFF_BY='\"{}\"' -o {} {source}",
            path.display(),
            library.display()
        ));
        fs::write(&path, 0_i64.to_ne_bytes()).unwrap();
        // In a copy: the machine's own folder is everybody's.
        run("cp -a /etc /run/etc && mount --bind /run/etc /etc");
        fs::write("/etc/ld.so.preload", library.to_str().unwrap()).unwrap();
        Self(fs::File::options().write(true).open(&path).unwrap())
    }

    /// Puts it off by so many years from now on.
    fn off_by(&self, years: i64) {
        let bytes = (years * YEAR_S).to_ne_bytes();
        self.0.write_all_at(&bytes, 0).unwrap();
    }

    /// The year that a program sees.
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
        let (manager, _answering) = joined();
        let mut generation = 0;
        let mut agent = None;
        // Forwards past 2038, back to the seventies, and right: each at a start and while it runs.
        for years in [40, -45, 0] {
            clock.off_by(years);
            assert!((Clock::year() - year - years).abs() <= 1, "{years}");
            for restarts in [false, true] {
                if let Some(before) = agent.take().filter(|_| restarts) {
                    Running::kill(before);
                    end_programs();
                }
                generation += 1;
                let name = format!("h{generation}");
                manager.give(generation, |site| {
                    site.hosts.push(host(&name, "10.20.0.101"));
                    let more = service(100 + generation, &name, Default::default());
                    site.domains[0].services.push(more);
                });
                let running = agent.take();
                agent = Some(running.unwrap_or_else(Running::start));
                manager.until_live(generation);
                wait_until("the name", || {
                    (answer(&format!("{name}.lab.internal")) == "10.20.0.101").then_some(())
                });
                wait_until("the service", || {
                    (status(&format!("{name}.example.org")) == "502").then_some(())
                });
                certificate_is_good();
            }
        }
        agent.unwrap().stop();
        end_programs();
    });
}

/// Its dates are the same whatever the clock said when it was made: good long before and long after.
fn certificate_is_good() {
    let said = run(&format!(
        "openssl x509 -in {FOLDER}/tls/site.crt -noout -dates && \
         openssl verify -CAfile {FOLDER}/tls/site.crt {FOLDER}/tls/site.crt"
    ));
    assert!(said.contains("notBefore=Jan  1 00:00:00 1975"), "{said}");
    assert!(said.contains("notAfter=Jan  1 00:00:00 4096"), "{said}");
}
