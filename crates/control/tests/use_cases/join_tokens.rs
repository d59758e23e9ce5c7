//! Join tokens of hosts: the manager's URL and the fingerprint of its certificate.

use control::{Actor, Manager, Options, hosts};
use model::{Error, hosts::JoinToken};
use proxmox_sim::{Config, Transport};

use tokio::sync::watch;

use crate::test_app::{TestApp, options};

/// A certificate fingerprint in Proxmox notation.
fn print() -> String {
    ["0A"; 32].join(":")
}

/// Starts a [`TestApp`] whose manager is reached at `origin`.
async fn start_app(origin: &str, certificate: Option<String>) -> TestApp {
    let manager = Manager {
        origin: origin.parse().unwrap(),
        certificate: certificate.map(|text| watch::Sender::new(text.parse().unwrap()).subscribe()),
    };
    let options = Options {
        manager: Some(manager),
        ..options()
    };
    TestApp::with_options(proxmox_sim::start(Config::test()).await.unwrap(), options).await
}

async fn issue(app: &TestApp) -> Result<JoinToken, Error> {
    let name = "edge-1".parse().unwrap();
    let issued = hosts::create(&app.control, &Actor::System, app.site, name).await?;
    assert_eq!(issued.valid_for_s, 3600);
    Ok(issued.token)
}

/// Returns the error of a refused join token and asserts that no host was stored.
async fn refused(app: &TestApp) -> Error {
    let error = issue(app).await.expect_err("an error");
    let all = hosts::list(&app.control, &Actor::System).await.unwrap();
    assert!(all.is_empty(), "{all:?}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn join_token_contains_fingerprint_of_the_manager_certificate() {
    let app = start_app("https://cloud.example.org", Some(print())).await;
    let token = issue(&app).await.unwrap();
    assert_eq!(token.manager.to_string(), "https://cloud.example.org");
    assert_eq!(token.fingerprint, Some(print().parse().unwrap()));
    let text = token.to_string();
    assert_eq!(
        text.parse(),
        Ok(token),
        "the join token parses to the same value"
    );
    let all = hosts::list(&app.control, &Actor::System).await.unwrap();
    let renewed = hosts::renew_join_token(&app.control, &Actor::System, all[0].id).await;
    let renewed = renewed.unwrap().token;
    assert_eq!(renewed.fingerprint, Some(print().parse().unwrap()));
    assert!(
        !text.contains(&renewed.secret),
        "the new token has a new secret"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn join_token_contains_fingerprint_of_the_proxy_certificate() {
    // Any TLS server can stand in for the proxy, since only its certificate is read.
    let proxy = proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::test()
    })
    .await
    .unwrap();
    let app = start_app(&proxy.url(), None).await;
    let token = issue(&app).await.unwrap();
    let presented = proxy.fingerprint().unwrap().parse().unwrap();
    assert_eq!(token.fingerprint, Some(presented));
}

#[tokio::test(flavor = "multi_thread")]
async fn join_token_fails_if_the_proxy_is_unreachable() {
    // No service listens on port 1.
    let app = start_app("https://127.0.0.1:1", None).await;
    let Error::Unavailable { message } = refused(&app).await else {
        panic!("expected Error::Unavailable");
    };
    assert!(message.contains("https://127.0.0.1:1"), "{message}");
    assert!(message.contains("public_url"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn join_token_without_tls_requires_a_loopback_origin() {
    let app = start_app("http://cloud.example.org", None).await;
    let error = refused(&app).await;
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains("public_url") && message.contains("https://"),
        "{message}"
    );
    for origin in ["http://localhost:3000", "http://127.0.0.1:8080"] {
        let token = issue(&self::start_app(origin, None).await).await.unwrap();
        assert_eq!(
            (token.manager.to_string().as_str(), token.fingerprint),
            (origin, None)
        );
    }
}
