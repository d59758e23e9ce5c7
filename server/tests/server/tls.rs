//! TLS termination by the server.

use reqwest::{Certificate, Client, StatusCode};

use crate::process::{Program, holdfastd};

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
    // The file is replaced, but the certificate loaded at startup is still served.
    let served = std::fs::read(folder.path().join("cert.pem")).unwrap();
    write_certificate(folder.path());
    let certificate = Certificate::from_pem(&served).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .tls_certs_only([certificate])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
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

/// The fingerprint of the first certificate of a PEM file, in display format.
fn fingerprint_of(pem: &[u8]) -> String {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let leaf = CertificateDer::from_pem_slice(pem).unwrap();
    pinned::Fingerprint::from_certificate(&leaf).to_string()
}
