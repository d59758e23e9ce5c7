//! Certificates on a host: stored before nginx is reloaded, restored when they are deleted, and
//! skipped when the manager does not have them.

use std::{fs, path::Path};

use agent_protocol::CertificateWithKey;
use edge::certificate_file_stem;
use model::fingerprint::Fingerprint;
use test_servers::host::{inside, run, wait_until};

use crate::{
    manager::{AgentProcess, FOLDER, Manager, joined, kill_programs, status},
    site::of,
};

/// Creates a self-signed certificate for a name.
fn pair(name: &str) -> CertificateWithKey {
    let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let fingerprint = pinned::Fingerprint::from_certificate(certified.cert.der()).to_string();
    CertificateWithKey {
        fingerprint: of(&fingerprint),
        chain: certified.cert.pem(),
        key: certified.signing_key.serialize_pem(),
    }
}

fn key_file(fingerprint: &Fingerprint) -> String {
    format!(
        "{FOLDER}/tls/{}.key",
        certificate_file_stem(Some(fingerprint))
    )
}

/// Returns the fingerprint of the certificate that nginx presents for a name.
fn served_certificate(name: &str) -> Option<Fingerprint> {
    let output = run(&format!(
        "openssl s_client -connect 127.0.0.1:443 -servername {name} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null || test $? = 1"
    ));
    output.trim().rsplit('=').next()?.parse().ok()
}

fn wait_until_served(fingerprint: &Fingerprint) {
    wait_until("the certificate", || {
        (served_certificate("wiki.example.org").as_ref() == Some(fingerprint)).then_some(())
    });
}

/// Publishes a generation whose service has a certificate.
fn publish(manager: &Manager, generation: i64, fingerprint: &Fingerprint) {
    let fingerprint = fingerprint.clone();
    manager.publish(generation, |site| {
        site.domains[0].services[0].certificate = Some(fingerprint);
    });
}

#[test]
fn certificate_is_served_renewed_and_restored() {
    inside(
        "certificates::certificate_is_served_renewed_and_restored",
        |_| {
            let (first, second) = (pair("wiki.example.org"), pair("wiki.example.org"));
            let (manager, server) = joined();
            manager.set_certificates(&[first.clone(), second.clone()]);
            publish(&manager, 1, &first.fingerprint);
            let agent = AgentProcess::start();
            manager.wait_until_live(1);
            wait_until_served(&first.fingerprint);
            let mode = run(&format!("stat -c %a {}", key_file(&first.fingerprint)));
            assert_eq!(mode, "600\n");
            assert_eq!(
                manager.certificate_requests(),
                1,
                "one request per certificate"
            );

            publish(&manager, 2, &second.fingerprint);
            manager.wait_until_live(2);
            wait_until_served(&second.fingerprint);
            assert_eq!(manager.certificate_requests(), 2);
            // The previous certificate is kept for a rollback until the next change.
            assert!(Path::new(&key_file(&first.fingerprint)).exists());
            publish(&manager, 3, &second.fingerprint);
            manager.wait_until_live(3);

            // A deleted key file is restored.
            fs::remove_file(key_file(&second.fingerprint)).unwrap();
            wait_until("the restored key file", || {
                Path::new(&key_file(&second.fingerprint))
                    .exists()
                    .then_some(())
            });

            // Without the manager, the certificate is served after a restart of the agent and
            // nginx.
            server.stop();
            agent.stop();
            kill_programs();
            let _agent = AgentProcess::start();
            wait_until("nginx", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            wait_until_served(&second.fingerprint);
            kill_programs();
        },
    );
}

#[test]
fn missing_certificate_is_reported_and_blocks_nothing() {
    inside(
        "certificates::missing_certificate_is_reported_and_blocks_nothing",
        |_| {
            let (good, replacement) = (pair("wiki.example.org"), pair("wiki.example.org"));
            let broken = CertificateWithKey {
                key: good.key.clone(),
                ..replacement.clone()
            };
            let under = pair("example.org");
            let (manager, _server) = joined();
            manager.set_certificates(&[good.clone(), broken, under.clone()]);
            let unavailable = pair("wiki.example.org").fingerprint;
            publish(&manager, 1, &unavailable);
            let agent = AgentProcess::start();
            manager.wait_until_live(1);
            wait_until("the service", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            let last = || manager.reports().pop().unwrap();
            let message = last()["unservable_certificates"][0]["reason"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(
                message.contains("does not have this certificate"),
                "{message}"
            );

            publish(&manager, 2, &good.fingerprint);
            manager.wait_until_live(2);
            wait_until_served(&good.fingerprint);
            wait_until("the report without unservable certificates", || {
                last()["unservable_certificates"]
                    .as_array()
                    .is_some_and(Vec::is_empty)
                    .then_some(())
            });
            // A certificate with the wrong key is rejected; the previous one is still served.
            publish(&manager, 3, &replacement.fingerprint);
            manager.wait_until_live(3);
            let message = last()["unservable_certificates"][0]["reason"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(message.contains("does not match"), "{message}");
            wait_until_served(&good.fingerprint);

            // The previous certificate is also served after a restart.
            agent.stop();
            kill_programs();
            let _agent = AgentProcess::start();
            wait_until_served(&good.fingerprint);
            // Two replacement changes remove unused certificates; the one that is served stays.
            for (generation, of_domain) in [(4, Some(under.fingerprint.clone())), (5, None)] {
                manager.publish(generation, |site| {
                    site.domains[0].certificate = of_domain;
                    site.domains[0].services[0].certificate = Some(replacement.fingerprint.clone());
                });
                manager.wait_until_live(generation);
                wait_until_served(&good.fingerprint);
                assert!(Path::new(&key_file(&good.fingerprint)).exists());
            }
            kill_programs();
        },
    );
}
