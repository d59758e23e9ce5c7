//! TLS termination by the server.

use std::time::Duration;

use reqwest::{Certificate, Client, StatusCode};

use crate::{
    process::{Program, holdfastd},
    support::wait_for,
};

/// The environment for the files of [`write_certificate`].
pub const FILES: [(&str, &str); 2] = [
    ("HOLDFAST_TLS_CERT", "cert.pem"),
    ("HOLDFAST_TLS_KEY", "key.pem"),
];

/// Writes a self-signed certificate for localhost and its key into the directory.
pub fn write_certificate(folder: &std::path::Path) -> Certificate {
    let generated = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), generated.cert.pem()).unwrap();
    std::fs::write(
        folder.join("key.pem"),
        generated.signing_key.serialize_pem(),
    )
    .unwrap();
    Certificate::from_pem(generated.cert.pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn configured_certificate_enables_tls() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write_certificate(folder.path());
    let program = Program::serve(folder.path(), &FILES);
    let url = program.line_after("Holdfast is at ");
    assert!(url.starts_with("https://localhost:"), "{url}");

    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .tls_certs_only([certificate])
        .build()
        .unwrap();
    let response = client.get(format!("{url}/sign-in")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(
        response.headers().contains_key("strict-transport-security"),
        "the Strict-Transport-Security header is missing"
    );
    let client = Client::builder().build().unwrap();
    client
        .get(format!("{url}/sign-in"))
        .send()
        .await
        .expect_err("an untrusted certificate was accepted");
}

#[test]
fn certificate_without_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let refused = holdfastd(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("HOLDFAST_TLS_CERT", "cert.pem")
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(message.contains("tls_key"), "{message}");
}

#[tokio::test]
async fn join_token_has_the_fingerprint_of_the_served_certificate() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let program = Program::serve(folder.path(), &FILES);
    let url = program.line_after("Holdfast is at ");
    let (name, password) = (
        program.line_after("Administrator: "),
        program.line_after("Password: "),
    );
    // The certificate is renewed while the server runs.
    let certificate = write_certificate(folder.path());
    let served = std::fs::read(folder.path().join("cert.pem")).unwrap();
    wait_until_trusted(&url, &certificate).await;
    let client = trusting(&certificate);
    let form = [("name", &*name), ("password", &*password), ("next", "/")];
    let signed_in = client
        .post(format!("{url}/sign-in"))
        .header("origin", &*url)
        .form(&form);
    let signed_in = signed_in.send().await.unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let call = async |path: &str, body: serde_json::Value| -> serde_json::Value {
        let request = client
            .post(format!("{url}/api/ui/{path}"))
            .header("origin", &*url)
            .header("cookie", &cookie)
            .json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    };
    let sites = call("sites/list", serde_json::json!({})).await;
    let form = serde_json::json!({ "site": sites[0]["id"].to_string(), "name": "edge-1" });
    let created = call("hosts/create", serde_json::json!({ "form": form })).await;
    let token: model::hosts::JoinToken = created["token"].as_str().unwrap().parse().unwrap();
    assert_eq!(token.manager.to_string(), url);
    let expected = fingerprint_of(&served);
    assert_eq!(token.fingerprint.unwrap().to_string(), expected);
}

/// A client that trusts only this certificate.
fn trusting(certificate: &Certificate) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .tls_certs_only([certificate.clone()])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Opens a new connection. Whether the server has this certificate.
async fn is_trusted(url: &str, certificate: &Certificate) -> bool {
    let request = trusting(certificate).get(format!("{url}/healthz"));
    request.send().await.is_ok()
}

async fn wait_until_trusted(url: &str, certificate: &Certificate) {
    wait_for("the new certificate", async || {
        is_trusted(url, certificate).await.then_some(())
    })
    .await;
}

#[tokio::test]
async fn changed_certificate_is_served_without_restart_and_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_certificate(folder.path());
    let mut program = Program::serve_with_log(folder.path(), &FILES);
    let url = program.line_after("Holdfast is at ");
    assert!(is_trusted(&url, &first).await);
    // A key without its certificate, and no certificate at all.
    let key = std::fs::read(folder.path().join("key.pem")).unwrap();
    let other = write_certificate(folder.path());
    std::fs::write(folder.path().join("key.pem"), key).unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(is_trusted(&url, &first).await && !is_trusted(&url, &other).await);
    std::fs::remove_file(folder.path().join("cert.pem")).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(is_trusted(&url, &first).await);

    let second = write_certificate(folder.path());
    wait_until_trusted(&url, &second).await;
    assert!(!is_trusted(&url, &first).await);
    assert!(program.terminate().await.success());
    let log = program.log();
    let count = |message| log.matches(message).count();
    assert_eq!(count("TLS certificate reload failed"), 1, "{log}");
    assert_eq!(count("TLS certificate reloaded"), 1, "{log}");
}

/// The fingerprint of the first certificate of a PEM file, in display format.
fn fingerprint_of(pem: &[u8]) -> String {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let leaf = CertificateDer::from_pem_slice(pem).unwrap();
    pinned::Fingerprint::from_certificate(&leaf).to_string()
}
