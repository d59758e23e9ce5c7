//! Broken CAs and servers that are no CAs.

use std::time::Duration;

use pki::acme::{Account, AcmeError};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use crate::{
    RecordingSolver,
    fake_ca::{CannedResponse, FakeCa},
    fake_ca_with_account, issue, order,
};

#[track_caller]
fn assert_unavailable(error: &AcmeError, part: &str) {
    let AcmeError::Unavailable { message, detail } = error else {
        panic!("{error:?}");
    };
    let all = format!("{message} {}", detail.as_deref().unwrap_or_default());
    assert!(all.contains(part), "{all:?} without {part:?}");
    assert!(all.len() < 2000, "{}", all.len());
}

#[tokio::test]
async fn invalid_directory_is_reported() {
    let fake_ca = FakeCa::start().await;
    let plain = fake_ca
        .full_directory()
        .to_string()
        .replace("https:", "http:");
    let mut nonce = fake_ca.full_directory();
    nonce["newNonce"] = json!("no address at all");
    let cases = [
        (CannedResponse::new(200, "<html>"), "not ACME"),
        (CannedResponse::new(200, "{}"), "newNonce"),
        (CannedResponse::new(200, plain), "not an https URL"),
        (
            CannedResponse::new(200, nonce),
            "newNonce is not an https URL",
        ),
        (CannedResponse::new(200, "x".repeat(2 << 20)), "more than"),
        (
            CannedResponse::new(404, "<h1>Not\nFound</h1>"),
            "404: <h1>Not Found",
        ),
        (CannedResponse::new(500, "oh"), "internal error"),
        (CannedResponse::new(502, ""), "internal error"),
        (CannedResponse::problem(500, "serverInternal", "oh"), "oh"),
        (
            CannedResponse::new(301, "").with("location", "https://new.example.org/dir"),
            "https://new.example.org/dir",
        ),
    ];
    for (response, part) in cases {
        fake_ca.respond_once("/directory", response);
        let created = Account::create(&fake_ca.directory(), None, None, None).await;
        assert_unavailable(&created.unwrap_err(), part);
    }
}

#[tokio::test]
async fn permanently_refused_nonces_end_with_an_error() {
    let (fake_ca, account) = fake_ca_with_account().await;
    fake_ca.respond_times(
        "/order",
        usize::MAX,
        CannedResponse::problem(400, "badNonce", "no"),
    );
    let error = issue(&account).await.0.unwrap_err();
    assert_unavailable(&error, "nonces");
    assert!(fake_ca.requests("/order").len() < 50);
}

#[tokio::test]
async fn invalid_order_is_reported_and_nothing_published() {
    let (fake_ca, account) = fake_ca_with_account().await;
    for (path, response, part) in [
        (
            "/order",
            CannedResponse::new(201, "{}").with("location", "/x"),
            "missing field",
        ),
        (
            "/authorization/",
            CannedResponse::new(200, "[]"),
            "not ACME",
        ),
        (
            "/authorization/",
            CannedResponse::new(
                200,
                fake_ca.authorization_of("1", "other.example.org", "pending", "t"),
            ),
            "not requested",
        ),
        (
            "/authorization/",
            CannedResponse::new(
                200,
                fake_ca.authorization_of("1", "web.example.org", "pending", "../../x"),
            ),
            "token",
        ),
        (
            "/authorization/",
            CannedResponse::new(
                200,
                fake_ca.authorization_of("1", "web.example.org", "pending", ""),
            ),
            "token",
        ),
        (
            "/authorization/",
            CannedResponse::new(
                200,
                fake_ca.authorization_of("1", "web.example.org", "invalid", "t"),
            ),
            "already rejected",
        ),
    ] {
        fake_ca.respond_once(path, response);
        let (outcome, calls) = issue(&account).await;
        assert_unavailable(&outcome.unwrap_err(), part);
        assert!(calls.is_empty(), "{calls:?}");
    }
}

#[tokio::test]
async fn failure_after_publication_removes_challenge_responses() {
    let (fake_ca, account) = fake_ca_with_account().await;
    for path in ["/challenge/", "/order/"] {
        fake_ca.respond_once(path, CannedResponse::new(500, "oh"));
        let (outcome, calls) = issue(&account).await;
        assert_unavailable(&outcome.unwrap_err(), "internal error");
        assert_eq!(calls, ["publish", "cleanup"]);
    }
}

#[tokio::test]
async fn endless_retry_after_stops_at_timeout() {
    let (fake_ca, account) = fake_ca_with_account().await;
    for wait in ["18446744073709551615", "86400"] {
        let pending = json!({ "status": "pending", "authorizations": [], "finalize": fake_ca.url("/finalize/1") });
        let pending = CannedResponse::new(200, pending).with("retry-after", wait);
        fake_ca.respond_once("/order/", pending);
        let mut order = order(&["web.example.org"]);
        order.timeout = Duration::from_secs(2);
        let solver = RecordingSolver::default();
        let error = account.issue(&order, &solver).await.unwrap_err();
        assert_unavailable(&error, "in time");
        assert_eq!(solver.calls(), ["publish", "cleanup"]);
    }
}

#[tokio::test]
async fn unexpected_certificate_is_rejected() {
    let (fake_ca, account) = fake_ca_with_account().await;
    let other = KeyPair::generate().unwrap();
    let names = vec!["web.example.org".to_owned()];
    let other = CertificateParams::new(names)
        .unwrap()
        .self_signed(&other)
        .unwrap();
    for (body, part) in [
        (other.pem(), "wrong key"),
        ("no certificate".to_owned(), "No certificate"),
        (other.pem().replace("MII", "AAA"), "damaged"),
    ] {
        fake_ca.respond_once("/certificate/", CannedResponse::new(200, body));
        let (outcome, _) = issue(&account).await;
        assert_unavailable(&outcome.unwrap_err(), part);
    }
}
