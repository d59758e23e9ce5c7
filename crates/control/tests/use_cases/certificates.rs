//! Certificates: issued by a real ACME server (Pebble), renewed as the test clock advances,
//! revoked, and sent only to edge hosts of their own site.

use agent_protocol::CertificatesRequest;
use control::{Actor, Clock, authorities, certificates, domains, hosts};
use edge::SiteConfig;
use model::{
    CertificateId, DomainId, Error,
    authorities::AuthorityForm,
    certificates::{CertificateEvent, CertificateRow, CertificateState, IssuanceMethod},
    containers::{ContainerForm, CreatedContainer},
    domains::DomainForm,
    fingerprint::Fingerprint,
    services::ServiceForm,
};
use test_servers::authority::{CaConfig, CertificateAuthority};
use tokio::task::JoinHandle;

use crate::{
    hosts::Host,
    test_app::{self, DEBIAN, TestApp, wait_for},
};

pub const SYSTEM: Actor = Actor::System;
pub const DAY: i64 = 86_400_000;

/// Starts a [`TestApp`] with a clock that the test can advance.
pub async fn start_app() -> (TestApp, Clock) {
    let options = test_app::options();
    let clock = options.clock.clone();
    let sim = proxmox_sim::start(proxmox_sim::Config::test())
        .await
        .unwrap();
    (TestApp::with_options(sim, options).await, clock)
}

/// Runs an edge host that applies each configuration at once and serves its HTTP-01 challenge
/// responses through Pebble's challenge server.
pub fn edge(app: &TestApp, host: Host, challenges: String) -> JoinHandle<()> {
    let control = app.control.clone();
    tokio::spawn(async move {
        let http = reqwest::Client::new();
        let mut has = None;
        loop {
            let Some(config) = host.next(&control, has).await else {
                continue;
            };
            for response in &config.config.challenge_responses {
                let body = serde_json::json!({
                    "token": response.token.to_string(),
                    "content": format!("{}.{}", response.token, response.thumbprint),
                });
                let put = http.post(format!("{challenges}/add-http01"));
                put.body(body.to_string()).send().await.unwrap();
            }
            has = Some(config.generation);
            host.live(&control, config.generation).await;
        }
    })
}

pub async fn authority(
    app: &TestApp,
    name: &str,
    pebble: &CertificateAuthority,
) -> model::AuthorityId {
    let form = AuthorityForm {
        name: name.into(),
        directory: pebble.directory.clone(),
        email: "admin@example.net".into(),
        roots: pebble.roots.clone(),
        ..AuthorityForm::default()
    };
    let spec = form.parse(true).unwrap();
    authorities::create(&app.control, &SYSTEM, spec)
        .await
        .unwrap()
}

pub fn domain(app: &TestApp, name: &str, certificate_source: &str) -> DomainForm {
    DomainForm {
        site: app.site.to_string(),
        name: name.into(),
        hsts: "off".into(),
        publishers: "all-users".into(),
        certificate_source: certificate_source.into(),
        ..DomainForm::default()
    }
}

pub async fn add(app: &TestApp, form: DomainForm) -> DomainId {
    let spec = form.parse().unwrap();
    domains::create(&app.control, &SYSTEM, spec).await.unwrap()
}

/// Creates a container with an HTTP service under a domain.
pub async fn publish(app: &TestApp, name: &str, domain: &str) -> CreatedContainer {
    let form = ContainerForm {
        services: vec![ServiceForm {
            kind: "http".into(),
            port: "80".into(),
            domain: domain.into(),
            ..ServiceForm::default()
        }],
        ..app.form(name, DEBIAN)
    };
    app.create(&form).await.unwrap()
}

pub async fn rows(app: &TestApp) -> Vec<CertificateRow> {
    certificates::list(&app.control, &SYSTEM, None)
        .await
        .unwrap()
}

pub async fn row(app: &TestApp, subject: &str) -> Option<CertificateRow> {
    let all = rows(app).await;
    all.into_iter().find(|row| row.subject.as_str() == subject)
}

pub async fn issued(app: &TestApp, subject: &str) -> CertificateRow {
    wait_for("an issued certificate", async || {
        let row = row(app, subject).await?;
        row.issued.is_some().then_some(row)
    })
    .await
}

pub fn print(row: &CertificateRow) -> Fingerprint {
    row.issued.as_ref().unwrap().fingerprint.clone()
}

pub async fn site_config(app: &TestApp) -> SiteConfig {
    let role = control::site_config::EdgeRole {
        name_servers: Vec::new(),
        dhcp: false,
    };
    control::site_config::preview(&app.control, &SYSTEM, app.site, role)
        .await
        .unwrap()
}

pub async fn history(app: &TestApp, id: CertificateId) -> Vec<CertificateEvent> {
    let detail = certificates::get(&app.control, &SYSTEM, id).await.unwrap();
    detail.history.into_iter().map(|line| line.event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn published_name_gets_a_certificate_that_is_renewed_in_time() {
    let pebble = CertificateAuthority::start(&CaConfig {
        validity_seconds: Some(90 * 86_400),
        ..CaConfig::fast()
    });
    let (app, clock) = start_app().await;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let agent = host.agent.clone();
    let edge = edge(&app, host, pebble.challenges.clone());
    let authority = authority(&app, "pebble", &pebble).await;
    let form = DomainForm {
        authority: authority.to_string(),
        ..domain(&app, "example.net", "http")
    };
    add(&app, form).await;
    assert!(
        rows(&app).await.is_empty(),
        "a domain without services needs no certificate"
    );
    publish(&app, "wiki", "example.net").await;
    let first = issued(&app, "wiki.example.net").await;
    assert_eq!(
        (first.state, first.method),
        (CertificateState::Issued, IssuanceMethod::Acme)
    );
    assert!(first.is_used);
    let site = site_config(&app).await;
    let served_domain = site
        .domains
        .iter()
        .find(|it| it.name.as_str() == "example.net")
        .unwrap();
    assert_eq!(served_domain.services[0].certificate, Some(print(&first)));
    wait_for("removal of the challenge response", async || {
        site_config(&app)
            .await
            .challenge_responses
            .is_empty()
            .then_some(())
    })
    .await;

    // Edge hosts of the site can fetch the certificate with its key.
    let request = || CertificatesRequest {
        fingerprints: vec![print(&first)],
    };
    let pairs = hosts::fetch_certificates(&app.control, &agent, request())
        .await
        .unwrap();
    let pair = &pairs.certificates[0];
    let now = model::Timestamp(first.issued.as_ref().unwrap().not_before.0 + DAY);
    assert_eq!(
        pki::validate_upload(&pair.chain, &pair.key, now)
            .unwrap()
            .leaf
            .issued
            .fingerprint,
        print(&first)
    );
    assert!(!format!("{pairs:?}").contains("PRIVATE"));

    // After two months the certificate is renewed automatically.
    clock.advance(61 * DAY);
    let second = wait_for("a replacement certificate", async || {
        let row = row(&app, "wiki.example.net").await.unwrap();
        (print(&row) != print(&first)).then_some(row)
    })
    .await;
    assert_eq!(second.id, first.id);
    let happened = history(&app, first.id).await;
    assert_eq!(happened.first(), Some(&CertificateEvent::Renewed));
    assert_eq!(happened.last(), Some(&CertificateEvent::Issued));
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_issuance_reports_a_reason() {
    let pebble = CertificateAuthority::start(&CaConfig {
        blocked: vec!["blocked.net".into()],
        ..CaConfig::fast()
    });
    let (app, _) = start_app().await;
    let authority_id = authority(&app, "pebble", &pebble).await;
    let http = |name: &str| DomainForm {
        authority: authority_id.to_string(),
        ..domain(&app, name, "http")
    };
    add(&app, http("example.net")).await;
    let blocked = add(&app, http("blocked.net")).await;
    publish(&app, "wiki", "example.net").await;
    let failed = async |subject: &str| {
        wait_for("a failed attempt", async || {
            let row = row(&app, subject).await?;
            row.last_error.is_some().then_some(row)
        })
        .await
    };
    // No edge host exists that could serve the challenge response.
    let without_host = failed("wiki.example.net").await;
    assert_eq!(without_host.state, CertificateState::Failed);
    let message = without_host.last_error.unwrap().message;
    assert!(message.contains("No edge host"), "{message}");

    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let edge = edge(&app, host, pebble.challenges.clone());
    certificates::retry(&app.control, &SYSTEM, without_host.id)
        .await
        .unwrap();
    assert_eq!(issued(&app, "wiki.example.net").await.last_error, None);

    publish(&app, "shop", "blocked.net").await;
    let refused = failed("shop.blocked.net").await;
    assert!(refused.next_attempt.is_some() && refused.failures == 1);
    let row = domains::get(&app.control, &SYSTEM, blocked).await.unwrap();
    assert_eq!((row.certificates, row.attention_count), (0, 1));
    assert!(
        refused.last_error.unwrap().detail.is_some(),
        "the CA's own error message is kept"
    );
    // A refused certificate does not block issuance for other names.
    publish(&app, "docs", "example.net").await;
    issued(&app, "docs.example.net").await;

    // The CA is unreachable.
    drop(pebble);
    publish(&app, "late", "example.net").await;
    let unreachable = failed("late.example.net").await;
    assert_eq!(unreachable.state, CertificateState::Failed);
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn unpublished_name_is_not_renewed() {
    let pebble = CertificateAuthority::start(&CaConfig::fast());
    let (app, clock) = start_app().await;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let edge = edge(&app, host, pebble.challenges.clone());
    let form = DomainForm {
        authority: authority(&app, "pebble", &pebble).await.to_string(),
        ..domain(&app, "example.net", "http")
    };
    let id = add(&app, form.clone()).await;
    let created = publish(&app, "wiki", "example.net").await;
    let first = issued(&app, "wiki.example.net").await;
    app.wait_for_job(created.job).await;
    app.delete(created.id, "wiki").await;
    let unused = wait_for("no scheduled renewal", async || {
        let row = row(&app, "wiki.example.net").await?;
        row.renew_at.is_none().then_some(row)
    })
    .await;
    assert!(!unused.is_used && unused.issued.is_some());
    // When the name is published again, the stored certificate is used again.
    publish(&app, "wiki", "example.net").await;
    let republished = wait_for("a used certificate with a scheduled renewal", async || {
        row(&app, "wiki.example.net")
            .await
            .filter(|row| row.is_used && row.renew_at.is_some())
    })
    .await;
    assert_eq!(print(&republished), print(&first));
    let end = republished.issued.as_ref().unwrap().not_after;
    assert!(
        republished.next_attempt.unwrap() < end,
        "the next check comes before expiry"
    );
    // After a change to self-signed, valid certificates stay stored but are not served.
    let none = domain(&app, "example.net", "self-signed");
    let spec = none.parse().unwrap();
    domains::update(&app.control, &SYSTEM, id, spec)
        .await
        .unwrap();
    let site = site_config(&app).await;
    let served_domain = site
        .domains
        .iter()
        .find(|it| it.name.as_str() == "example.net")
        .unwrap();
    assert_eq!(served_domain.services[0].certificate, None);
    // Long after expiry the certificate is deleted.
    clock.advance(40_000 * DAY);
    domains::update(&app.control, &SYSTEM, id, none.parse().unwrap())
        .await
        .unwrap();
    wait_for("deletion of the expired certificate", async || {
        rows(&app).await.is_empty().then_some(())
    })
    .await;
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_certificate_is_replaced_with_a_new_key() {
    let pebble = CertificateAuthority::start(&CaConfig::fast());
    let (app, _) = start_app().await;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let agent = host.agent.clone();
    let edge = edge(&app, host, pebble.challenges.clone());
    let form = DomainForm {
        authority: authority(&app, "pebble", &pebble).await.to_string(),
        ..domain(&app, "example.net", "http")
    };
    add(&app, form).await;
    publish(&app, "wiki", "example.net").await;
    let first = issued(&app, "wiki.example.net").await;
    let revoke =
        async |confirm: &str| certificates::revoke(&app.control, &SYSTEM, first.id, confirm).await;
    assert!(matches!(revoke("wiki").await, Err(Error::Invalid { .. })));
    revoke("wiki.example.net").await.unwrap();
    let second = wait_for("a replacement certificate", async || {
        let row = row(&app, "wiki.example.net").await.unwrap();
        (print(&row) != print(&first)).then_some(row)
    })
    .await;
    assert_eq!(second.state, CertificateState::Issued);
    let happened = history(&app, first.id).await;
    let expected = [
        CertificateEvent::Renewed,
        CertificateEvent::Revoked,
        CertificateEvent::Issued,
    ];
    assert_eq!(happened, expected);
    // Agents can no longer fetch the revoked certificate.
    let request = CertificatesRequest {
        fingerprints: vec![print(&first)],
    };
    let pairs = hosts::fetch_certificates(&app.control, &agent, request).await;
    assert!(pairs.unwrap().certificates.is_empty());
    edge.abort();
}
