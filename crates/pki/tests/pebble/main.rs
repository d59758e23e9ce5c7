//! Tests of the ACME client against pebble in strict mode, which validates challenges through
//! pebble-challtestsrv.

#![cfg(test)]

mod solver;

use std::{sync::OnceLock, time::Duration};

use model::certificates::CertificateName;
use pki::acme::{
    Account, AcmeError, Challenge, ChallengeType, Credentials, Directory, ExternalAccountBinding,
    Order, RefusalKind,
};
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
    let created = Account::create(&directory(authority), Some(&email), None).await;
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
async fn account_is_reopened_and_unknown_account_is_gone() {
    let directory = directory(pebble());
    let (created, credentials) = Account::create(&directory, None, None).await.unwrap();
    assert!(!format!("{credentials:?}").contains("key"));
    let stored = Credentials::from(credentials.reveal().to_owned());
    let opened = Account::open(&directory, &stored).await.unwrap();
    assert_eq!(opened.url(), created.url());
    let order = order(&["again.example.org"], ChallengeType::Http01);
    opened
        .issue(&order, &working_solver(pebble()))
        .await
        .unwrap();

    let other_directory = Directory {
        url: "https://acme.example.org/directory".parse().unwrap(),
        roots: None,
    };
    for (directory, credentials) in [
        (&other_directory, stored.clone()),
        (&directory, Credentials::from("{}".to_owned())),
    ] {
        let error = Account::open(directory, &credentials).await.unwrap_err();
        assert_eq!(error, AcmeError::AccountGone);
    }
    // An account URL that the CA does not know.
    let unknown = credentials
        .reveal()
        .replace("/my-account/", "/my-account/9");
    assert_ne!(unknown, credentials.reveal());
    let unknown = Account::open(&directory, &Credentials::from(unknown))
        .await
        .unwrap();
    let error = unknown
        .issue(&order, &working_solver(pebble()))
        .await
        .unwrap_err();
    assert_eq!(error, AcmeError::AccountGone);
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
async fn external_account_binding_is_required_and_verified() {
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let authority = CertificateAuthority::start(&CaConfig {
        external_account: Some(("kid-1".to_owned(), key.to_owned())),
        ..CaConfig::fast()
    });
    let directory = directory(&authority);
    let binding = |id: &str, key: &str| ExternalAccountBinding {
        id: id.parse().unwrap(),
        key: key.parse().unwrap(),
    };
    let padded = format!("{key}==");
    for key in [key, &padded] {
        let created = Account::create(&directory, None, Some(&binding("kid-1", key))).await;
        assert!(created.unwrap().0.url().starts_with("https://"));
    }
    let other = key.replace('z', "y");
    for wrong in [
        None,
        Some(binding("kid-2", key)),
        Some(binding("kid-1", &other)),
        Some(binding("kid-1", "???")),
    ] {
        let error = Account::create(&directory, None, wrong.as_ref())
            .await
            .unwrap_err();
        let AcmeError::Refused { kind, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, RefusalKind::ExternalAccount, "{wrong:?} {error:?}");
        assert!(!format!("{error:?}").contains(key));
    }
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

#[tokio::test]
async fn untrusted_directory_receives_no_request() {
    let unknown = Directory {
        roots: None,
        ..directory(pebble())
    };
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let wrong = Directory {
        roots: Some(other.cert.pem().parse().unwrap()),
        ..directory(pebble())
    };
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    let damaged = Directory {
        roots: Some(damaged.parse().unwrap()),
        ..directory(pebble())
    };
    for directory in [unknown, wrong, damaged] {
        let error = Account::create(&directory, None, None).await.unwrap_err();
        assert!(matches!(error, AcmeError::Untrusted { .. }), "{error:?}");
        assert!(error.detail().is_some());
    }
}

#[tokio::test]
async fn unreachable_ca_is_unavailable() {
    let port = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap().port()
    };
    let directory = Directory {
        url: format!("https://127.0.0.1:{port}/dir").parse().unwrap(),
        roots: None,
    };
    let error = Account::create(&directory, None, None).await.unwrap_err();
    assert!(matches!(error, AcmeError::Unavailable { .. }), "{error:?}");
    assert!(error.detail().unwrap().contains("refused"), "{error:?}");
}
