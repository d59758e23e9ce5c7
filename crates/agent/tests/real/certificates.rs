//! Certificates on a host: there before nginx is told of them, put back when somebody takes them
//! away, and in nobody's way when they cannot be had.

use std::{fs, path::Path};

use edge::{certificate_name, link::Pair};
use model::clusters::Fingerprint;
use test_servers::host::{inside, run, wait_until};

use crate::{
    manager::{FOLDER, Manager, Running, end_programs, joined, status},
    site::of,
};

/// A certificate for a name.
fn pair(name: &str) -> Pair {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let print = pinned::Fingerprint::from_certificate(made.cert.der()).to_string();
    Pair {
        certificate: of(&print),
        chain: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    }
}

fn key_file(print: &Fingerprint) -> String {
    format!("{FOLDER}/tls/{}.key", certificate_name(Some(print)))
}

/// The certificate that nginx shows for a name.
fn shown(name: &str) -> Option<Fingerprint> {
    let said = run(&format!(
        "openssl s_client -connect 127.0.0.1:443 -servername {name} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null || test $? = 1"
    ));
    said.trim().rsplit('=').next()?.parse().ok()
}

fn until_shown(print: &Fingerprint) {
    wait_until("the certificate", || {
        (shown("wiki.example.org").as_ref() == Some(print)).then_some(())
    });
}

/// Gives a generation whose service has a certificate.
fn give(manager: &Manager, generation: i64, print: &Fingerprint) {
    let print = print.clone();
    manager.give(generation, |site| {
        site.domains[0].services[0].certificate = Some(print);
    });
}

#[test]
fn certificate_is_served_renewed_and_restored() {
    inside(
        "certificates::certificate_is_served_renewed_and_restored",
        |_| {
            let (first, second) = (pair("wiki.example.org"), pair("wiki.example.org"));
            let (manager, answering) = joined();
            manager.have(&[first.clone(), second.clone()]);
            give(&manager, 1, &first.certificate);
            let agent = Running::start();
            manager.until_live(1);
            until_shown(&first.certificate);
            let mode = run(&format!("stat -c %a {}", key_file(&first.certificate)));
            assert_eq!(mode, "600\n");
            assert_eq!(manager.asked(), 1, "asked for once");

            give(&manager, 2, &second.certificate);
            manager.until_live(2);
            until_shown(&second.certificate);
            assert_eq!(manager.asked(), 2);
            // The one before is kept, should nginx go back to it; the next change takes it away.
            assert!(Path::new(&key_file(&first.certificate)).exists());
            give(&manager, 3, &second.certificate);
            manager.until_live(3);

            // Somebody takes it away by hand, and it is there again.
            fs::remove_file(key_file(&second.certificate)).unwrap();
            wait_until("it is put back", || {
                Path::new(&key_file(&second.certificate))
                    .exists()
                    .then_some(())
            });

            // Without the manager the host goes on, whatever is started anew.
            answering.go_away();
            agent.stop();
            end_programs();
            let _agent = Running::start();
            wait_until("nginx", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            until_shown(&second.certificate);
            end_programs();
        },
    );
}

#[test]
fn missing_certificate_is_reported_and_blocks_nothing() {
    inside(
        "certificates::missing_certificate_is_reported_and_blocks_nothing",
        |_| {
            let (good, other) = (pair("wiki.example.org"), pair("wiki.example.org"));
            let broken = Pair {
                key: good.key.clone(),
                ..other.clone()
            };
            let under = pair("example.org");
            let (manager, _answering) = joined();
            manager.have(&[good.clone(), broken, under.clone()]);
            let nobody_s = pair("wiki.example.org").certificate;
            give(&manager, 1, &nobody_s);
            let agent = Running::start();
            manager.until_live(1);
            wait_until("the service", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            let last = || manager.told().pop().unwrap();
            let words = last()["unserved"][0]["words"].as_str().unwrap().to_owned();
            assert!(words.contains("does not have it"), "{words}");

            give(&manager, 2, &good.certificate);
            manager.until_live(2);
            until_shown(&good.certificate);
            wait_until("all is served", || {
                last()["unserved"]
                    .as_array()
                    .is_some_and(Vec::is_empty)
                    .then_some(())
            });
            // The next one has another's key: what was good goes on.
            give(&manager, 3, &other.certificate);
            manager.until_live(3);
            let words = last()["unserved"][0]["words"].as_str().unwrap().to_owned();
            assert!(words.contains("belong together"), "{words}");
            until_shown(&good.certificate);

            // So it does when the host is started anew.
            agent.stop();
            end_programs();
            let _agent = Running::start();
            until_shown(&good.certificate);
            // Something else changes twice: what nobody needs any more goes, and the good one stays.
            for (generation, of_domain) in [(4, Some(under.certificate.clone())), (5, None)] {
                manager.give(generation, |site| {
                    site.domains[0].certificate = of_domain;
                    site.domains[0].services[0].certificate = Some(other.certificate.clone());
                });
                manager.until_live(generation);
                until_shown(&good.certificate);
                assert!(Path::new(&key_file(&good.certificate)).exists());
            }
            end_programs();
        },
    );
}
