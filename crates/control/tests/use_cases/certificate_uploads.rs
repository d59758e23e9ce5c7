//! Certificates that users upload: validation, serving and warnings before expiry.

use std::process::Command;

use control::certificates;
use model::{
    Error,
    certificates::{CertificateEvent, CertificateState},
};

use crate::{
    certificates::{
        DAY, SYSTEM, add, domain, history, print, publish, row, rows, site_config, start_app,
    },
    test_app::wait_for,
};

/// Generates a certificate and its key for an upload, with openssl.
pub fn self_signed(names: &[&str], days: u32) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
    let status = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args(["-subj", "/CN=uploaded", "-days", &days.to_string()])
        .args(["-addext", &format!("subjectAltName={}", names.join(","))])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(at("key.pem"))
        .arg("-out")
        .arg(at("chain.pem"))
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    let read = |name| std::fs::read_to_string(at(name)).unwrap();
    (read("chain.pem"), read("key.pem"))
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_certificate_is_validated_served_and_reported_before_expiry() {
    let (app, clock) = start_app().await;
    let id = add(&app, domain(&app, "example.net", "self-signed")).await;
    publish(&app, "wiki", "example.net").await;
    let (chain, key) = self_signed(&["*.example.net", "example.net"], 90);
    let (_, other_key) = self_signed(&["*.example.net"], 90);
    let upload = async |chain: &str, key: &str| {
        let pair = (chain.to_owned(), key.to_owned());
        certificates::upload(&app.control, &SYSTEM, id, pair).await
    };
    let fields = |error: Error| -> Vec<String> {
        error
            .field_errors()
            .iter()
            .map(|field| field.field.clone())
            .collect()
    };
    assert_eq!(
        fields(upload(&chain, &other_key).await.unwrap_err()),
        ["key"]
    );
    assert_eq!(
        fields(upload("nothing", &key).await.unwrap_err()),
        ["chain"]
    );
    let (other_chain, other_key) = self_signed(&["www.example.com"], 90);
    let refused = upload(&other_chain, &other_key).await.unwrap_err();
    assert!(refused.to_string().contains("example.net"), "{refused}");
    assert_eq!(fields(refused), ["chain"]);
    assert!(
        rows(&app).await.is_empty(),
        "refused uploads are not stored"
    );

    let uploaded = upload(&chain, &key).await.unwrap();
    let row = row(&app, "*.example.net").await.unwrap();
    assert_eq!((row.id, row.state), (uploaded, CertificateState::Issued));
    let site = site_config(&app).await;
    let served_domain = site
        .domains
        .iter()
        .find(|it| it.name.as_str() == "example.net")
        .unwrap();
    assert_eq!(served_domain.services[0].certificate, Some(print(&row)));
    assert_eq!(
        served_domain.certificate,
        Some(print(&row)),
        "unpublished hostnames use it too"
    );
    assert!(matches!(
        certificates::retry(&app.control, &SYSTEM, uploaded).await,
        Err(Error::Conflict { .. })
    ));

    let state = async || {
        let row = certificates::get(&app.control, &SYSTEM, uploaded).await;
        row.unwrap().row.state
    };
    clock.advance(70 * DAY);
    assert_eq!(state().await, CertificateState::Expiring);
    let wait_for_history = async |expected: &[CertificateEvent]| {
        wait_for("history entries", async || {
            (history(&app, uploaded).await == expected).then_some(())
        })
        .await;
    };
    wait_for_history(&[CertificateEvent::Expiring, CertificateEvent::Uploaded]).await;
    clock.advance(21 * DAY);
    assert_eq!(state().await, CertificateState::Expired);
    wait_for_history(&[
        CertificateEvent::Expired,
        CertificateEvent::Expiring,
        CertificateEvent::Uploaded,
    ])
    .await;

    let wrong = certificates::delete(&app.control, &SYSTEM, uploaded, "example.net").await;
    assert_eq!(fields(wrong.unwrap_err()), ["confirm"]);
    certificates::delete(&app.control, &SYSTEM, uploaded, "*.example.net")
        .await
        .unwrap();
    assert_eq!(site_config(&app).await.domains[0].certificate, None);
}
