//! Authorities that are broken, or that are no authorities.

use std::time::Duration;

use pki::acme::{Account, AcmeError};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use crate::{
    Notes, issue, order, ready,
    standin::{Answer, Standin},
};

#[track_caller]
fn assert_away(error: &AcmeError, part: &str) {
    let AcmeError::Away { words, detail } = error else {
        panic!("{error:?}");
    };
    let all = format!("{words} {}", detail.as_deref().unwrap_or_default());
    assert!(all.contains(part), "{all:?} without {part:?}");
    assert!(all.len() < 2000, "{}", all.len());
}

#[tokio::test]
async fn what_is_no_directory_is_told() {
    let standin = Standin::start().await;
    let plain = standin
        .full_directory()
        .to_string()
        .replace("https:", "http:");
    let mut nonce = standin.full_directory();
    nonce["newNonce"] = json!("no address at all");
    let cases = [
        (Answer::new(200, "<html>"), "not understood"),
        (Answer::new(200, "{}"), "newNonce"),
        (Answer::new(200, plain), "no https address"),
        (Answer::new(200, nonce), "newNonce is no https address"),
        (Answer::new(200, "x".repeat(2 << 20)), "more than"),
        (
            Answer::new(404, "<h1>Not\nFound</h1>"),
            "404: <h1>Not Found",
        ),
        (Answer::new(500, "oh"), "trouble of its own"),
        (Answer::new(502, ""), "trouble of its own"),
        (Answer::problem(500, "serverInternal", "oh"), "oh"),
        (
            Answer::new(301, "").with("location", "https://new.example.org/dir"),
            "https://new.example.org/dir",
        ),
    ];
    for (answer, part) in cases {
        standin.say("/directory", answer);
        let made = Account::create(&standin.directory(), None, None).await;
        assert_away(&made.unwrap_err(), part);
    }
}

#[tokio::test]
async fn nonces_that_are_always_refused_are_given_up() {
    let (standin, account) = ready().await;
    standin.say_often("/order", usize::MAX, Answer::problem(400, "badNonce", "no"));
    let error = issue(&account).await.0.unwrap_err();
    assert_away(&error, "nonces");
    assert!(standin.heard("/order").len() < 50);
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_told_and_nothing_put() {
    let (standin, account) = ready().await;
    for (path, answer, part) in [
        (
            "/order",
            Answer::new(201, "{}").with("location", "/x"),
            "missing field",
        ),
        ("/authorization/", Answer::new(200, "[]"), "not understood"),
        (
            "/authorization/",
            Answer::new(
                200,
                standin.authorization_of("1", "other.example.org", "pending", "t"),
            ),
            "not asked for",
        ),
        (
            "/authorization/",
            Answer::new(
                200,
                standin.authorization_of("1", "web.example.org", "pending", "../../x"),
            ),
            "token",
        ),
        (
            "/authorization/",
            Answer::new(
                200,
                standin.authorization_of("1", "web.example.org", "pending", ""),
            ),
            "token",
        ),
        (
            "/authorization/",
            Answer::new(
                200,
                standin.authorization_of("1", "web.example.org", "invalid", "t"),
            ),
            "refused already",
        ),
    ] {
        standin.say(path, answer);
        let (outcome, calls) = issue(&account).await;
        assert_away(&outcome.unwrap_err(), part);
        assert!(calls.is_empty(), "{calls:?}");
    }
}

#[tokio::test]
async fn trouble_after_the_proof_was_put_has_it_taken_away() {
    let (standin, account) = ready().await;
    for path in ["/challenge/", "/order/"] {
        standin.say(path, Answer::new(500, "oh"));
        let (outcome, calls) = issue(&account).await;
        assert_away(&outcome.unwrap_err(), "trouble of its own");
        assert_eq!(calls, ["put", "take away"]);
    }
}

#[tokio::test]
async fn a_wait_without_end_has_one() {
    let (standin, account) = ready().await;
    for wait in ["18446744073709551615", "86400"] {
        let pending = json!({ "status": "pending", "authorizations": [], "finalize": standin.url("/finalize/1") });
        let pending = Answer::new(200, pending).with("retry-after", wait);
        standin.say("/order/", pending);
        let mut order = order(&["web.example.org"]);
        order.patience = Duration::from_secs(2);
        let notes = Notes::default();
        let error = account.issue(&order, &notes).await.unwrap_err();
        assert_away(&error, "in time");
        assert_eq!(notes.calls(), ["put", "take away"]);
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_what_was_asked_for_is_not_taken() {
    let (standin, account) = ready().await;
    let other = KeyPair::generate().unwrap();
    let names = vec!["web.example.org".to_owned()];
    let other = CertificateParams::new(names)
        .unwrap()
        .self_signed(&other)
        .unwrap();
    for (body, part) in [
        (other.pem(), "another key"),
        ("no certificate".to_owned(), "no certificate"),
        (other.pem().replace("MII", "AAA"), "read"),
    ] {
        standin.say("/certificate/", Answer::new(200, body));
        let (outcome, _) = issue(&account).await;
        assert_away(&outcome.unwrap_err(), part);
    }
}
