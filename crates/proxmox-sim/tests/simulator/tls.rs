//! HTTPS: certificates, plain HTTP clients, and clients that send nothing.

use std::time::Duration;

use crate::support::{TestApi, assert_has, send};
use proxmox_sim::{Config, Sim, Transport};
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, Method, redirect};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PASSWORD: &str = "quite secret";

fn config() -> Config {
    Config {
        transport: Transport::Tls,
        ..Config::test()
    }
}

/// A client that trusts only the current certificate.
fn pinned(sim: &Sim) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = sim.handle().certificate().unwrap();
    Client::builder()
        .no_proxy()
        .tls_certs_only([Certificate::from_pem(pem.as_bytes()).unwrap()])
        .tls_info(true)
        .build()
        .unwrap()
}

async fn api() -> TestApi {
    let sim = proxmox_sim::start(config()).await.unwrap();
    let http = pinned(&sim);
    TestApi { sim, http }
}

#[tokio::test]
async fn login_over_tls_with_pinned_certificate_succeeds() {
    let config = Config {
        transport: Transport::Tls,
        ..Config::recorded(PASSWORD)
    };
    let sim = proxmox_sim::start(config).await.unwrap();
    let url = format!("{}/api2/json", sim.url());
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let http = pinned(&sim);
    let form = [("username", "root@pam"), ("password", PASSWORD)];
    let reply = send(http.post(format!("{url}/access/ticket")).form(&form)).await;
    let data = reply.data();
    let cookie = format!("PVEAuthCookie={}", data["ticket"].as_str().unwrap());
    let version = http.get(format!("{url}/version")).header("Cookie", cookie);
    assert_has(&send(version).await.data(), json!({ "release": "9.2" }));
}

#[tokio::test]
async fn fingerprint_matches_certificate_and_node_list() {
    let api = api().await;
    let response = api.request(Method::GET, "/version").send().await.unwrap();
    let info = response.extensions().get::<TlsInfo>().unwrap();
    let digest = Sha256::digest(info.peer_certificate().unwrap());
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let fingerprint = api.sim.fingerprint().unwrap();
    assert_eq!(fingerprint, pairs.join(":"));
    let nodes = api.get("/nodes").await.data();
    assert_eq!(nodes[0]["ssl_fingerprint"], fingerprint.as_str());
    assert_ne!(nodes[1]["ssl_fingerprint"], fingerprint.as_str());
}

#[tokio::test]
async fn certificate_is_self_signed_and_absent_without_tls() {
    let api = api().await;
    let untrusting = crate::support::client();
    let url = format!("{}/api2/json/version", api.sim.url());
    assert!(untrusting.get(url).send().await.unwrap_err().is_connect());
    let plain = crate::support::api().await;
    assert_eq!(plain.sim.fingerprint(), None);
    assert_eq!(plain.sim.handle().certificate(), None);
    assert_eq!(plain.sim.handle().renew_certificate().unwrap(), None);
}

#[tokio::test]
async fn plain_http_on_tls_port_is_redirected_to_https() {
    let api = api().await;
    let http = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .build()
        .unwrap();
    let url = format!("http://{}/api2/json/version?a=1", api.sim.address());
    for (method, status) in [
        (Method::GET, 301),
        (Method::HEAD, 301),
        (Method::POST, 308),
        (Method::DELETE, 308),
    ] {
        let response = http.request(method, &url).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        let target = response.headers()["location"].to_str().unwrap();
        assert_eq!(target, url.replace("http://", "https://"));
        assert_eq!(response.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn silent_client_does_not_block_others_and_is_disconnected() {
    let mut config = config();
    config.handshake_timeout = Duration::from_millis(200);
    let sim = proxmox_sim::start(config).await.unwrap();
    let mut silent = TcpStream::connect(sim.address()).await.unwrap();
    let mut slow = TcpStream::connect(sim.address()).await.unwrap();
    // An incomplete handshake.
    slow.write_all(&[22, 3, 1]).await.unwrap();
    let http = pinned(&sim);
    let api = TestApi { sim, http };
    assert_eq!(api.get("/version").await.status, 200);
    let mut rest = Vec::new();
    assert_eq!(silent.read_to_end(&mut rest).await.unwrap(), 0);
    // The server may send an alert before it closes the connection.
    let _ = slow.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn certificate_renewal_changes_fingerprint_and_closes_connections() {
    let mut api = api().await;
    let before = api.sim.fingerprint().unwrap();
    assert_eq!(api.get("/version").await.status, 200);
    let renewed = api.sim.handle().renew_certificate().unwrap().unwrap();
    assert_ne!(renewed, before);
    assert_eq!(api.sim.fingerprint().unwrap(), renewed);
    let refused = api.request(Method::GET, "/version").send().await;
    assert!(refused.is_err(), "the old certificate is pinned");
    api.http = pinned(&api.sim);
    assert_eq!(api.get("/version").await.status, 200);
}

#[tokio::test]
async fn drop_fault_closes_tls_connection() {
    let api = api().await;
    api.sim.handle().inject(proxmox_sim::Fault {
        method: "GET".into(),
        path: "/version".into(),
        effect: proxmox_sim::Effect::Drop,
    });
    assert!(api.request(Method::GET, "/version").send().await.is_err());
    assert_eq!(api.get("/version").await.status, 200);
}
