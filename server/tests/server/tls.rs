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

#[tokio::test]
async fn agents_are_told_the_certificate_that_is_served_whatever_becomes_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    // The site of the small demo is there from the start.
    let environment = [
        ("HOLDFAST_TLS_CERT", "cert.pem"),
        ("HOLDFAST_TLS_KEY", "key.pem"),
        ("HOLDFAST_DEMO", "small"),
    ];
    let program = Program::serve(folder.path(), &environment);
    let url = program.says("Holdfast is at ");
    let (name, password) = (program.says("Administrator: "), program.says("Password: "));
    // Another one lies there now; what is served is the one of the start.
    let served = std::fs::read(folder.path().join("cert.pem")).unwrap();
    certify(folder.path());
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
    let ask = async |path: &str, body: serde_json::Value| -> serde_json::Value {
        let asked = client
            .post(format!("{url}/api/ui/{path}"))
            .header("origin", &*url)
            .header("cookie", &cookie)
            .json(&body);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    };
    let sites = ask("sites/list", serde_json::json!({})).await;
    let form = serde_json::json!({ "site": sites[0]["id"].to_string(), "name": "edge-1" });
    let invited = ask("agents/invite", serde_json::json!({ "form": form })).await;
    let code: model::agents::JoinCode = invited["code"].as_str().unwrap().parse().unwrap();
    assert_eq!(code.manager.to_string(), url);
    let shown = fingerprint_of(&served);
    assert_eq!(code.fingerprint.unwrap().to_string(), shown);
}

/// The SHA-256 of the first certificate of a file in PEM form, as it is shown to people.
fn fingerprint_of(pem: &[u8]) -> String {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let leaf = CertificateDer::from_pem_slice(pem).unwrap();
    pinned::Fingerprint::of(&leaf).to_string()
}
