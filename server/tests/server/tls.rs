//! Holdfast speaking TLS itself.

use reqwest::{Certificate, Client, StatusCode};

use crate::process::{Program, holdfast};

/// A certificate for localhost and its key, in the folder.
fn certify(folder: &std::path::Path) -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn with_a_certificate_it_speaks_tls_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = certify(folder.path());
    let files = [
        ("HOLDFAST_TLS_CERT", "cert.pem"),
        ("HOLDFAST_TLS_KEY", "key.pem"),
    ];
    let program = Program::serve(folder.path(), &files);
    let url = program.says("Holdfast is at ");
    assert!(url.starts_with("https://localhost:"), "{url}");

    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .tls_certs_only([certificate])
        .build()
        .unwrap();
    let answer = client.get(format!("{url}/sign-in")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(
        answer.headers().contains_key("strict-transport-security"),
        "browsers are told to stay with TLS"
    );
    let stranger = Client::builder().build().unwrap();
    stranger
        .get(format!("{url}/sign-in"))
        .send()
        .await
        .expect_err("a certificate that nobody vouches for");
}

#[test]
fn half_of_a_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let refused = holdfast(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("HOLDFAST_TLS_CERT", "cert.pem")
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(words.contains("tls_key"), "{words}");
}
