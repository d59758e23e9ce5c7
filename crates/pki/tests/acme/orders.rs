//! Orders: requests, refusals, and rate limits.

use std::time::{Duration, SystemTime};

use model::Timestamp;
use pki::acme::{AcmeError, RefusalKind};
use serde_json::{Value, json};

use crate::{
    RecordingSolver,
    fake_ca::{CannedResponse, FakeCa},
    fake_ca_with_account, issue, order,
};

#[tokio::test]
async fn order_follows_the_protocol() {
    let (fake_ca, account) = fake_ca_with_account().await;
    let (issued, calls) = issue(&account).await;
    let issued = issued.unwrap();
    assert_eq!(issued.leaf.issued.names[0].as_str(), "web.example.org");
    assert_eq!(calls, ["publish", "cleanup"]);
    let names = json!([{ "type": "dns", "value": "web.example.org" }]);
    assert_eq!(
        fake_ca.requests("/order"),
        [json!({ "identifiers": names })]
    );
    assert_eq!(fake_ca.requests("/challenge/1/http-01"), [json!({})]);
    let account = &fake_ca.requests("/account")[0];
    assert_eq!(
        account,
        &json!({ "contact": [], "termsOfServiceAgreed": true })
    );
}

#[tokio::test]
async fn order_runs_in_a_spawned_task() {
    let (_fake_ca, account) = fake_ca_with_account().await;
    let task = tokio::spawn(async move {
        let window = account.renewal_info("no certificate").await;
        (issue(&account).await.0, window)
    });
    let (issued, window) = task.await.unwrap();
    assert!(issued.is_ok());
    assert!(
        matches!(window, Err(AcmeError::Refused { .. })),
        "{window:?}"
    );
}

#[tokio::test]
async fn replaces_is_sent_and_omitted_after_refusal() {
    let (fake_ca, account) = fake_ca_with_account().await;
    let first = issue(&account).await.0.unwrap();
    let mut next = order(&["web.example.org"]);
    next.replaces = Some(first.chain.clone());
    account
        .issue(&next, &RecordingSolver::default())
        .await
        .unwrap();
    let id = first.leaf.renewal.unwrap();
    let want = format!("{}.{}", id.authority, id.serial);
    assert_eq!(fake_ca.requests("/order")[1]["replaces"], want);

    for refusal in [
        CannedResponse::problem(409, "alreadyReplaced", "it was replaced"),
        CannedResponse::problem(400, "malformed", "no such certificate"),
    ] {
        let before = fake_ca.requests("/order").len();
        fake_ca.respond_once("/order", refusal);
        account
            .issue(&next, &RecordingSolver::default())
            .await
            .unwrap();
        let requests = fake_ca.requests("/order");
        assert_eq!(requests.len(), before + 2);
        assert_eq!(requests[before]["replaces"], want);
        assert_eq!(requests[before + 1]["replaces"], Value::Null);
    }
    // A rate limit causes no second order.
    let before = fake_ca.requests("/order").len();
    fake_ca.respond_once(
        "/order",
        CannedResponse::problem(429, "rateLimited", "too many"),
    );
    let error = account
        .issue(&next, &RecordingSolver::default())
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::RateLimited { .. }), "{error:?}");
    assert_eq!(fake_ca.requests("/order").len(), before + 1);
}

#[tokio::test]
async fn rate_limit_time_is_parsed_from_message() {
    let (fake_ca, account) = fake_ca_with_account().await;
    let message = "too many certificates, retry after 2999-01-02 03:04:05 UTC: see https://x";
    let named = Timestamp(32_472_241_445_000);
    let cases = [
        (
            CannedResponse::problem(429, "rateLimited", message),
            Some(named),
        ),
        (
            CannedResponse::problem(429, "rateLimited", message).with("retry-after", 60),
            Some(named),
        ),
        (CannedResponse::problem(403, "rateLimited", "slowly"), None),
        (CannedResponse::new(429, "slowly"), None),
    ];
    for (response, want) in cases {
        fake_ca.respond_once("/order", response);
        let (outcome, calls) = issue(&account).await;
        let error = outcome.unwrap_err();
        let AcmeError::RateLimited { until, detail, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*until, want);
        assert!(detail.is_some());
        assert!(calls.is_empty());
    }
}

#[tokio::test]
async fn rate_limit_header_is_relative_to_now() {
    let (fake_ca, account) = fake_ca_with_account().await;
    let hour = Duration::from_secs(3600);
    let date = httpdate::fmt_http_date(SystemTime::now() + hour);
    for response in [
        CannedResponse::problem(429, "rateLimited", "slowly").with("retry-after", 3600),
        CannedResponse::problem(429, "rateLimited", "slowly").with("retry-after", date),
        CannedResponse::problem(503, "serverInternal", "too busy").with("retry-after", 3600),
        CannedResponse::new(503, "<html>too busy</html>").with("retry-after", 3600),
    ] {
        fake_ca.respond_once("/order", response);
        let error = issue(&account).await.0.unwrap_err();
        let AcmeError::RateLimited { until, message, .. } = &error else {
            panic!("{error:?}");
        };
        let until = until.unwrap();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let left = until.0 - i64::try_from(now.as_millis()).unwrap();
        assert!((3_000_000..=3_601_000).contains(&left), "{left}");
        assert!(message.contains(&until.rfc3339()), "{message}");
    }
}

#[tokio::test]
async fn refusal_has_kind_and_message_of_the_ca() {
    let (fake_ca, account) = fake_ca_with_account().await;
    for (status, kind, want) in [
        (403, "userActionRequired", RefusalKind::UserAction),
        (400, "rejectedIdentifier", RefusalKind::Name),
        (400, "unsupportedIdentifier", RefusalKind::NameKind),
        (403, "unauthorized", RefusalKind::Account),
        (400, "malformed", RefusalKind::Request),
        (403, "caa", RefusalKind::Caa),
        (418, "teapot", RefusalKind::Other),
    ] {
        fake_ca.respond_once(
            "/order",
            CannedResponse::problem(status, kind, "its own message"),
        );
        let error = issue(&account).await.0.unwrap_err();
        let AcmeError::Refused { kind, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, want);
        assert_eq!(error.detail(), Some("its own message"));
    }
    fake_ca.respond_once(
        "/order",
        CannedResponse::problem(400, "accountDoesNotExist", "who?"),
    );
    assert_eq!(issue(&account).await.0, Err(AcmeError::AccountGone));
    fake_ca.respond_once(
        "/finalize/",
        CannedResponse::problem(403, "orderNotReady", "not yet"),
    );
    let error = issue(&account).await.0.unwrap_err();
    assert!(
        matches!(
            error,
            AcmeError::Refused {
                kind: RefusalKind::Request,
                ..
            }
        ),
        "{error:?}"
    );
}

/// An authorization with a failed challenge.
fn failed_authorization(fake_ca: &FakeCa, kind: &str) -> Value {
    let mut body = fake_ca.authorization_of("1", "web.example.org", "invalid", "token-1");
    let kind = format!("urn:ietf:params:acme:error:{kind}");
    body["challenges"][0]["error"] = json!({ "type": kind, "detail": "its own message" });
    body
}

#[tokio::test]
async fn validation_error_is_reported_and_response_removed() {
    for (kind, want) in [
        ("dns", RefusalKind::Dns),
        ("connection", RefusalKind::Connection),
        ("unauthorized", RefusalKind::WrongResponse),
        ("incorrectResponse", RefusalKind::WrongResponse),
        ("tls", RefusalKind::Tls),
        ("caa", RefusalKind::Caa),
    ] {
        let (fake_ca, account) = fake_ca_with_account().await;
        let pending = fake_ca.authorization_of("1", "web.example.org", "pending", "token-1");
        fake_ca.respond_once("/authorization/", CannedResponse::new(200, pending));
        fake_ca.respond_once(
            "/authorization/",
            CannedResponse::new(200, failed_authorization(&fake_ca, kind)),
        );
        let order = json!({
            "status": "invalid",
            "authorizations": [fake_ca.url("/authorization/1/0")],
            "finalize": fake_ca.url("/finalize/1"),
            "error": { "type": "urn:ietf:params:acme:error:unauthorized", "detail": "the order" },
        });
        fake_ca.respond_once("/order/1", CannedResponse::new(200, order));
        let (outcome, calls) = issue(&account).await;
        let error = outcome.unwrap_err();
        let AcmeError::Refused { kind, message, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, want);
        assert!(message.contains("web.example.org"), "{message}");
        assert_eq!(error.detail(), Some("its own message"));
        assert_eq!(calls, ["publish", "cleanup"]);
    }
}

#[tokio::test]
async fn invalid_order_without_reason_is_reported() {
    let (fake_ca, account) = fake_ca_with_account().await;
    let order = json!({
        "status": "invalid",
        "authorizations": [fake_ca.url("/authorization/1/0")],
        "finalize": fake_ca.url("/finalize/1"),
    });
    fake_ca.respond_once("/order/1", CannedResponse::new(200, order));
    let (outcome, calls) = issue(&account).await;
    let error = outcome.unwrap_err();
    assert!(error.to_string().contains("without a reason"), "{error}");
    assert_eq!(calls, ["publish", "cleanup"]);
}

#[tokio::test]
async fn slow_order_is_polled_until_valid() {
    let (fake_ca, account) = fake_ca_with_account().await;
    let processing = |certificate: Value| {
        json!({
            "status": "processing",
            "authorizations": [fake_ca.url("/authorization/1/0")],
            "finalize": fake_ca.url("/finalize/1"),
            "certificate": certificate,
        })
    };
    // Validation and issuance each take one more poll.
    fake_ca.respond_once(
        "/order/1",
        CannedResponse::new(200, processing(Value::Null)).with("retry-after", 1),
    );
    fake_ca.respond_once(
        "/order/1",
        CannedResponse::new(200, processing(Value::Null)),
    );
    issue(&account).await.0.unwrap();
}
