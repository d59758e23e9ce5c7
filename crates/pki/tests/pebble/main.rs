//! Tests of the ACME client against pebble in strict mode, which validates challenges through
//! pebble-challtestsrv.

#![cfg(test)]

mod accounts;
mod solver;

use std::{sync::OnceLock, time::Duration};

use model::certificates::CertificateName;
use pki::acme::{Account, AcmeError, Challenge, ChallengeType, Directory, Order, RefusalKind};
use test_servers::authority::{CaConfig, CertificateAuthority};

use crate::solver::{Behavior, ChallengeSolver};

/// The CA that most tests share.
fn pebble() -> &'static CertificateAuthority {
    static AUTHORITY: OnceLock<CertificateAuthority> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let blocked = vec!["blocked.example.org".to_owned()];
        CertificateAuthority::start(&CaConfig {
            blocked,
            ..CaConfig::fast()
        })
    })
}

fn directory(authority: &CertificateAuthority) -> Directory {
    Directory {
        url: authority.directory.parse().unwrap(),
        roots: Some(authority.roots.parse().unwrap()),
    }
}

async fn account(authority: &CertificateAuthority) -> Account {
    let email = "admin@example.org".parse().unwrap();
    let created = Account::create(&directory(authority), Some(&email), None, None).await;
    created.unwrap().0
}

fn order(names: &[&str], proof: ChallengeType) -> Order {
    Order {
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        challenge_type: proof,
        replaces: None,
        timeout: Duration::from_secs(120),
    }
}

fn working_solver(authority: &CertificateAuthority) -> ChallengeSolver {
    ChallengeSolver::new(&authority.challenges, Behavior::Correct)
}

#[tokio::test]
async fn http_01_issues_certificate() {
    let (account, solver) = (account(pebble()).await, working_solver(pebble()));
    let order = order(
        &["web.example.org", "www.example.org"],
        ChallengeType::Http01,
    );
    let issued = account.issue(&order, &solver).await.unwrap();
    assert_eq!(issued.leaf.issued.names.len(), 2);
    for name in &order.names {
        assert!(issued.leaf.issued.names.contains(name));
    }
    assert_eq!(issued.leaf.issued.key, "ECDSA P-256");
    assert!(
        issued
            .leaf
            .issued
            .issuer
            .starts_with("Pebble Intermediate CA")
    );
    assert!(!format!("{issued:?}").contains("PRIVATE"));
    // The issued certificate and its key pass the check for uploads.
    let now = model::Timestamp(issued.leaf.issued.not_before.0 + 1000);
    let pair = pki::validate_upload(&issued.chain, &issued.key, now).unwrap();
    assert_eq!(pair.chain, issued.chain);
    let published = solver.published();
    assert_eq!(published.len(), 2);
    for challenge in published {
        let Challenge::Http {
            name,
            token,
            key_authorization,
        } = challenge
        else {
            panic!("{challenge:?}");
        };
        assert!(order.names.contains(&name));
        assert!(key_authorization.starts_with(&format!("{token}.")));
    }
}

#[tokio::test]
async fn dns_01_issues_wildcard_certificate() {
    let (account, solver) = (account(pebble()).await, working_solver(pebble()));
    let order = order(
        &["*.star.example.org", "star.example.org"],
        ChallengeType::Dns01,
    );
    let issued = account.issue(&order, &solver).await.unwrap();
    let domain = "star.example.org".parse().unwrap();
    assert!(
        issued
            .leaf
            .issued
            .names
            .contains(&CertificateName::wildcard(&domain))
    );
    let published = solver.published();
    let mut values = Vec::new();
    for challenge in published {
        let Challenge::Dns { name, value } = challenge else {
            panic!("{challenge:?}");
        };
        assert_eq!(name, "_acme-challenge.star.example.org");
        assert_eq!(value.len(), 43);
        values.push(value);
    }
    // Two values of the same name.
    assert_eq!(values.len(), 2);
    assert_ne!(values[0], values[1]);
}

#[tokio::test]
async fn http_01_is_refused_for_wildcards() {
    let (account, solver) = (account(pebble()).await, working_solver(pebble()));
    let order = order(&["*.star.example.org"], ChallengeType::Http01);
    let error = account.issue(&order, &solver).await.unwrap_err();
    let AcmeError::Refused { kind, message, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*kind, RefusalKind::NoChallenge);
    assert!(message.contains("*.star.example.org"), "{message}");
    assert_eq!(solver.call_count(), 0);
}

#[tokio::test]
async fn wrong_challenge_response_is_reported_and_removed() {
    let account = account(pebble()).await;
    for (proof, name) in [
        (ChallengeType::Http01, "wrong.example.org"),
        (ChallengeType::Dns01, "wrong.example.net"),
    ] {
        let solver = ChallengeSolver::new(&pebble().challenges, Behavior::WrongContent);
        let error = account
            .issue(&order(&[name], proof), &solver)
            .await
            .unwrap_err();
        let AcmeError::Refused {
            kind,
            message,
            detail,
        } = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, RefusalKind::WrongResponse);
        assert!(message.contains(name), "{message}");
        assert!(detail.is_some());
        assert_eq!(solver.published().len(), 1);
    }
}

#[tokio::test]
async fn failed_publication_is_reported_and_removed() {
    let account = account(pebble()).await;
    let solver = ChallengeSolver::new(&pebble().challenges, Behavior::Failing);
    let order = order(&["unable.example.org"], ChallengeType::Dns01);
    let error = account.issue(&order, &solver).await.unwrap_err();
    let message = "The provider does not answer.".to_owned();
    assert_eq!(error, AcmeError::ChallengeNotPublished { message });
    assert_eq!(solver.published().len(), 1);
}

#[tokio::test]
async fn blocked_name_is_reported() {
    let (account, solver) = (account(pebble()).await, working_solver(pebble()));
    let order = order(&["web.blocked.example.org"], ChallengeType::Http01);
    let error = account.issue(&order, &solver).await.unwrap_err();
    let AcmeError::Refused {
        kind,
        message,
        detail,
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(*kind, RefusalKind::Name);
    assert!(message.contains("web.blocked.example.org"), "{message}");
    assert!(
        detail.as_deref().unwrap_or_default().contains("blocked"),
        "{detail:?}"
    );
    assert_eq!(solver.call_count(), 0);
}

#[tokio::test]
async fn failed_dns_lookup_is_reported() {
    let (account, solver) = (account(pebble()).await, working_solver(pebble()));
    let host = serde_json::json!({ "host": "nowhere.example.org." });
    solver.post("set-servfail", host).await;
    let order = order(&["nowhere.example.org"], ChallengeType::Http01);
    let error = account.issue(&order, &solver).await.unwrap_err();
    let AcmeError::Refused { kind, message, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(kind, RefusalKind::Dns | RefusalKind::Connection),
        "{error:?}"
    );
    assert!(message.contains("nowhere.example.org"), "{message}");
}

#[tokio::test]
async fn revocation_is_idempotent() {
    let (account, solver) = (account(pebble()).await, working_solver(pebble()));
    let order = order(&["back.example.org"], ChallengeType::Http01);
    let issued = account.issue(&order, &solver).await.unwrap();
    // Pebble has no renewal information.
    assert_eq!(account.renewal_info(&issued.chain).await, Ok(None));
    account.revoke(&issued.chain).await.unwrap();
    let status = certificate_status(pebble(), &issued.leaf.serial).await;
    assert_eq!(status["Status"], "Revoked");
    account.revoke(&issued.chain).await.unwrap();
}

/// The certificate status in pebble's management API.
async fn certificate_status(authority: &CertificateAuthority, serial: &str) -> serde_json::Value {
    let roots = reqwest::Certificate::from_pem(authority.roots.as_bytes()).unwrap();
    let builder = reqwest::Client::builder().no_proxy();
    let http = builder.tls_certs_only([roots]).build().unwrap();
    let serial = serial.trim_start_matches('0');
    let url = format!("{}/cert-status-by-serial/{serial}", authority.management);
    http.get(url).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn order_omits_replaces_if_unsupported() {
    let (account, solver) = (account(pebble()).await, working_solver(pebble()));
    let mut order = order(&["next.example.org"], ChallengeType::Http01);
    let first = account.issue(&order, &solver).await.unwrap();
    assert!(first.leaf.renewal.is_some());
    order.replaces = Some(first.chain.clone());
    let second = account
        .issue(&order, &working_solver(pebble()))
        .await
        .unwrap();
    assert_ne!(first.key, second.key);
    assert_ne!(first.leaf.serial, second.leaf.serial);
}

#[tokio::test]
async fn valid_authorizations_are_reused() {
    let authority = CertificateAuthority::start(&CaConfig::fast().with("PEBBLE_AUTHZREUSE", "100"));
    let (account, solver) = (account(&authority).await, working_solver(&authority));
    account
        .issue(&order(&["one.example.org"], ChallengeType::Http01), &solver)
        .await
        .unwrap();
    // One of the two names is new.
    let solver = working_solver(&authority);
    let both = order(
        &["one.example.org", "two.example.org"],
        ChallengeType::Http01,
    );
    account.issue(&both, &solver).await.unwrap();
    assert_eq!(solver.published().len(), 1);
    let solver = working_solver(&authority);
    account.issue(&both, &solver).await.unwrap();
    assert_eq!(solver.call_count(), 0);
}

#[tokio::test]
async fn refused_nonces_and_slow_validation_are_tolerated() {
    let setup = CaConfig::default()
        .with("PEBBLE_WFE_NONCEREJECT", "50")
        .with("PEBBLE_VA_SLEEPTIME", "2");
    let authority = CertificateAuthority::start(&setup);
    let (account, solver) = (account(&authority).await, working_solver(&authority));
    for round in 0..3 {
        let name = format!("patient-{round}.example.org");
        let issued = account
            .issue(&order(&[&name], ChallengeType::Dns01), &solver)
            .await
            .unwrap();
        assert_eq!(issued.leaf.issued.names[0].as_str(), name);
        account.revoke(&issued.chain).await.unwrap();
    }
    assert!(authority.log().contains("reject 50% of good nonces"));
}

#[tokio::test]
async fn issuance_stops_at_timeout() {
    let (account, solver) = (account(pebble()).await, working_solver(pebble()));
    let mut order = order(&["slow.example.org"], ChallengeType::Http01);
    order.timeout = Duration::ZERO;
    let error = account.issue(&order, &solver).await.unwrap_err();
    assert!(matches!(error, AcmeError::Unavailable { .. }), "{error:?}");
    assert_eq!(solver.published().len(), 1);
}
