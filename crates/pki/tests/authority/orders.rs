//! Orders: what is sent, what is refused, and what is kept from being asked again.

use std::time::{Duration, SystemTime};

use model::Timestamp;
use pki::acme::{AcmeError, Refusal};
use serde_json::{Value, json};

use crate::{
    Notes, issue, order, ready,
    standin::{Answer, Standin},
};

#[tokio::test]
async fn an_order_is_made_as_the_protocol_has_it() {
    let (standin, account) = ready().await;
    let (given, calls) = issue(&account).await;
    let given = given.unwrap();
    assert_eq!(given.leaf.issued.names[0].as_str(), "web.example.org");
    assert_eq!(calls, ["put", "take away"]);
    let names = json!([{ "type": "dns", "value": "web.example.org" }]);
    assert_eq!(standin.heard("/order"), [json!({ "identifiers": names })]);
    assert_eq!(standin.heard("/challenge/1/http-01"), [json!({})]);
    let account = &standin.heard("/account")[0];
    assert_eq!(
        account,
        &json!({ "contact": [], "termsOfServiceAgreed": true })
    );
}

#[tokio::test]
async fn an_order_goes_on_in_a_task_of_its_own() {
    let (_standin, account) = ready().await;
    let task = tokio::spawn(async move {
        let window = account.renewal("no certificate").await;
        (issue(&account).await.0, window)
    });
    let (given, window) = task.await.unwrap();
    assert!(given.is_ok());
    assert!(
        matches!(window, Err(AcmeError::Refused { .. })),
        "{window:?}"
    );
}

#[tokio::test]
async fn what_is_replaced_is_told_where_it_is_taken() {
    let (standin, account) = ready().await;
    let first = issue(&account).await.0.unwrap();
    let mut next = order(&["web.example.org"]);
    next.replaces = Some(first.chain.clone());
    account.issue(&next, &Notes::default()).await.unwrap();
    let id = first.leaf.renewal.unwrap();
    let want = format!("{}.{}", id.authority, id.serial);
    assert_eq!(standin.heard("/order")[1]["replaces"], want);

    for refusal in [
        Answer::problem(409, "alreadyReplaced", "it was replaced"),
        Answer::problem(400, "malformed", "no such certificate"),
    ] {
        let before = standin.heard("/order").len();
        standin.say("/order", refusal);
        account.issue(&next, &Notes::default()).await.unwrap();
        let heard = standin.heard("/order");
        assert_eq!(heard.len(), before + 2);
        assert_eq!(heard[before]["replaces"], want);
        assert_eq!(heard[before + 1]["replaces"], Value::Null);
    }
    // A limit is not passed by asking for something else.
    let before = standin.heard("/order").len();
    standin.say("/order", Answer::problem(429, "rateLimited", "too many"));
    let error = account.issue(&next, &Notes::default()).await.unwrap_err();
    assert!(matches!(error, AcmeError::Limited { .. }), "{error:?}");
    assert_eq!(standin.heard("/order").len(), before + 1);
}

#[tokio::test]
async fn a_limit_says_until_when() {
    let (standin, account) = ready().await;
    let words = "too many certificates, retry after 2999-01-02 03:04:05 UTC: see https://x";
    let named = Timestamp(32_472_241_445_000);
    let cases = [
        (Answer::problem(429, "rateLimited", words), Some(named)),
        (
            Answer::problem(429, "rateLimited", words).with("retry-after", 60),
            Some(named),
        ),
        (Answer::problem(403, "rateLimited", "slowly"), None),
        (Answer::new(429, "slowly"), None),
    ];
    for (answer, want) in cases {
        standin.say("/order", answer);
        let (outcome, calls) = issue(&account).await;
        let error = outcome.unwrap_err();
        let AcmeError::Limited { until, detail, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*until, want);
        assert!(detail.is_some());
        assert!(calls.is_empty());
    }
}

#[tokio::test]
async fn a_limit_in_a_header_is_counted_from_now() {
    let (standin, account) = ready().await;
    let hour = Duration::from_secs(3600);
    let date = httpdate::fmt_http_date(SystemTime::now() + hour);
    for answer in [
        Answer::problem(429, "rateLimited", "slowly").with("retry-after", 3600),
        Answer::problem(429, "rateLimited", "slowly").with("retry-after", date),
        Answer::problem(503, "serverInternal", "too busy").with("retry-after", 3600),
        Answer::new(503, "<html>too busy</html>").with("retry-after", 3600),
    ] {
        standin.say("/order", answer);
        let error = issue(&account).await.0.unwrap_err();
        let AcmeError::Limited { until, words, .. } = &error else {
            panic!("{error:?}");
        };
        let until = until.unwrap();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let left = until.0 - i64::try_from(now.as_millis()).unwrap();
        assert!((3_000_000..=3_601_000).contains(&left), "{left}");
        assert!(words.contains(&until.rfc3339()), "{words}");
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_keeps_the_words() {
    let (standin, account) = ready().await;
    for (status, kind, want) in [
        (403, "userActionRequired", Refusal::UserAction),
        (400, "rejectedIdentifier", Refusal::Name),
        (400, "unsupportedIdentifier", Refusal::NameKind),
        (403, "unauthorized", Refusal::Account),
        (400, "malformed", Refusal::Request),
        (403, "caa", Refusal::Caa),
        (418, "teapot", Refusal::Other),
    ] {
        standin.say("/order", Answer::problem(status, kind, "its own words"));
        let error = issue(&account).await.0.unwrap_err();
        let AcmeError::Refused { kind, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, want);
        assert_eq!(error.detail(), Some("its own words"));
    }
    standin.say(
        "/order",
        Answer::problem(400, "accountDoesNotExist", "who?"),
    );
    assert_eq!(issue(&account).await.0, Err(AcmeError::AccountGone));
    standin.say(
        "/finalize/",
        Answer::problem(403, "orderNotReady", "not yet"),
    );
    let error = issue(&account).await.0.unwrap_err();
    assert!(
        matches!(
            error,
            AcmeError::Refused {
                kind: Refusal::Request,
                ..
            }
        ),
        "{error:?}"
    );
}

/// What an authorization says whose proof was refused.
fn refused(standin: &Standin, kind: &str) -> Value {
    let mut body = standin.authorization_of("1", "web.example.org", "invalid", "token-1");
    let kind = format!("urn:ietf:params:acme:error:{kind}");
    body["challenges"][0]["error"] = json!({ "type": kind, "detail": "its own words" });
    body
}

#[tokio::test]
async fn what_was_found_out_about_a_name_is_told_and_the_proof_taken_away() {
    for (kind, want) in [
        ("dns", Refusal::Dns),
        ("connection", Refusal::Connection),
        ("unauthorized", Refusal::Proof),
        ("incorrectResponse", Refusal::Proof),
        ("tls", Refusal::Tls),
        ("caa", Refusal::Caa),
    ] {
        let (standin, account) = ready().await;
        let pending = standin.authorization_of("1", "web.example.org", "pending", "token-1");
        standin.say("/authorization/", Answer::new(200, pending));
        standin.say("/authorization/", Answer::new(200, refused(&standin, kind)));
        let order = json!({
            "status": "invalid",
            "authorizations": [standin.url("/authorization/1/0")],
            "finalize": standin.url("/finalize/1"),
            "error": { "type": "urn:ietf:params:acme:error:unauthorized", "detail": "the order" },
        });
        standin.say("/order/1", Answer::new(200, order));
        let (outcome, calls) = issue(&account).await;
        let error = outcome.unwrap_err();
        let AcmeError::Refused { kind, words, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, want);
        assert!(words.contains("web.example.org"), "{words}");
        assert_eq!(error.detail(), Some("its own words"));
        assert_eq!(calls, ["put", "take away"]);
    }
}

#[tokio::test]
async fn an_order_that_fails_without_a_reason_is_told_as_it_is() {
    let (standin, account) = ready().await;
    let order = json!({
        "status": "invalid",
        "authorizations": [standin.url("/authorization/1/0")],
        "finalize": standin.url("/finalize/1"),
    });
    standin.say("/order/1", Answer::new(200, order));
    let (outcome, calls) = issue(&account).await;
    let error = outcome.unwrap_err();
    assert!(error.to_string().contains("does not say why"), "{error}");
    assert_eq!(calls, ["put", "take away"]);
}

#[tokio::test]
async fn an_order_that_takes_its_time_is_waited_for() {
    let (standin, account) = ready().await;
    let processing = |certificate: Value| {
        json!({
            "status": "processing",
            "authorizations": [standin.url("/authorization/1/0")],
            "finalize": standin.url("/finalize/1"),
            "certificate": certificate,
        })
    };
    // The proofs are looked at, and the certificate is signed, with a pause before each.
    standin.say(
        "/order/1",
        Answer::new(200, processing(Value::Null)).with("retry-after", 1),
    );
    standin.say("/order/1", Answer::new(200, processing(Value::Null)));
    issue(&account).await.0.unwrap();
}
