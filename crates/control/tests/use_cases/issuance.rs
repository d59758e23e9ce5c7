//! Changes of a domain's certificate source: existing certificates are replaced, no longer served,
//! and revoked at the CA that issued them.

use agent_protocol::CertificatesRequest;
use control::{authorities, certificates, domains};
use model::{
    AuthorityId, DomainId, Error,
    authorities::AuthorityForm,
    certificates::{CertificateEvent, CertificateState, IssuanceMethod},
    domains::DomainForm,
    events::{Event, Topic},
    fingerprint::Fingerprint,
};
use test_servers::authority::{CaConfig, CertificateAuthority};
use tokio::task::JoinHandle;

use crate::{
    certificate_uploads::self_signed,
    certificates::{
        DAY, SYSTEM, add, authority, domain, edge, history, issued, print, publish, row,
        site_config, start_app,
    },
    hosts::Host,
    test_app::{TestApp, wait_for, wait_for_event},
};

const HOST: &str = "wiki.example.net";

async fn change(app: &TestApp, id: DomainId, form: &DomainForm) {
    let spec = form.parse().unwrap();
    domains::update(&app.control, &SYSTEM, id, spec)
        .await
        .unwrap();
}

/// Fixture: two CAs that validate challenges at edge hosts of the same site.
struct TwoAuthorities {
    first: CertificateAuthority,
    second: CertificateAuthority,
    app: TestApp,
    edges: [JoinHandle<()>; 2],
}

impl TwoAuthorities {
    async fn start() -> Self {
        let [first, second] = [(); 2].map(|()| CertificateAuthority::start(&CaConfig::fast()));
        let (app, _) = start_app().await;
        // Each CA has its own edge host that serves its challenges.
        let first_host = Host::join(&app, "edge-1", "10.20.0.2").await;
        let second_host = Host::join(&app, "edge-2", "10.20.0.3").await;
        let edges = [
            edge(&app, first_host, first.challenges.clone()),
            edge(&app, second_host, second.challenges.clone()),
        ];
        Self {
            first,
            second,
            app,
            edges,
        }
    }
}

impl Drop for TwoAuthorities {
    fn drop(&mut self) {
        self.edges.iter().for_each(JoinHandle::abort);
    }
}

/// Changes the ACME directory of a CA to the one of `target`.
async fn move_to(app: &TestApp, id: AuthorityId, target: &CertificateAuthority) {
    let moved = AuthorityForm {
        name: "ca".into(),
        directory: target.directory.clone(),
        roots: target.roots.clone(),
        ..AuthorityForm::default()
    };
    authorities::update(&app.control, &SYSTEM, id, moved.parse(false).unwrap())
        .await
        .unwrap();
}

fn http_domain(app: &TestApp, id: AuthorityId) -> DomainForm {
    DomainForm {
        authority: id.to_string(),
        ..domain(app, "example.net", "http")
    }
}

/// The certificate that edge hosts serve for the domain's first service.
async fn served(app: &TestApp) -> Option<Fingerprint> {
    let site = site_config(app).await;
    let mut domains = site.domains.into_iter();
    let served_domain = domains.find(|it| it.name.as_str() == "example.net");
    served_domain.unwrap().services[0].certificate.clone()
}

async fn wait_until_served(app: &TestApp, print: &Fingerprint) {
    wait_for("the certificate to be served", async || {
        (served(app).await.as_ref() == Some(print)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_replaced_when_the_domain_changes_ca() {
    let fixture = TwoAuthorities::start().await;
    let app = &fixture.app;
    let first_ca = authority(app, "one", &fixture.first).await;
    let second_ca = authority(app, "two", &fixture.second).await;
    let id = add(app, http_domain(app, first_ca)).await;
    publish(app, "wiki", "example.net").await;
    let before = issued(app, HOST).await;
    change(app, id, &http_domain(app, second_ca)).await;
    let after = wait_for("a certificate of the other CA", async || {
        let row = row(app, HOST).await?;
        (print(&row) != print(&before)).then_some(row)
    })
    .await;
    assert_eq!(after.state, CertificateState::Issued);
    let issuer = |row: &model::certificates::CertificateRow| row.issued.clone().unwrap().issuer;
    assert_ne!(issuer(&before), issuer(&after));

    // The CA that issued the certificate revokes it, even if the domain no longer uses this CA.
    change(app, id, &domain(app, "example.net", "self-signed")).await;
    certificates::revoke(&app.control, &SYSTEM, after.id, HOST)
        .await
        .unwrap();
    assert_eq!(row(app, HOST).await, None, "no replacement is requested");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_reissued_when_the_ca_directory_changes() {
    let fixture = TwoAuthorities::start().await;
    let app = &fixture.app;
    let ca = authority(app, "ca", &fixture.first).await;
    add(app, http_domain(app, ca)).await;
    publish(app, "wiki", "example.net").await;
    let before = issued(app, HOST).await;
    move_to(app, ca, &fixture.second).await;
    wait_for("a certificate from the new directory", async || {
        let row = row(app, HOST).await?;
        (print(&row) != print(&before)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_and_acme_certificates_replace_each_other() {
    let pebble = CertificateAuthority::start(&CaConfig {
        validity_seconds: Some(90 * 86_400),
        ..CaConfig::fast()
    });
    let (app, _) = start_app().await;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let agent = host.agent.clone();
    let edge = edge(&app, host, pebble.challenges.clone());
    let by_http = DomainForm {
        authority: authority(&app, "pebble", &pebble).await.to_string(),
        ..domain(&app, "example.net", "http")
    };
    let id = add(&app, by_http.clone()).await;
    publish(&app, "wiki", "example.net").await;
    let acme = issued(&app, HOST).await;
    wait_until_served(&app, &print(&acme)).await;

    // An uploaded certificate is served although it expires earlier.
    let pair = self_signed(&["*.example.net"], 30);
    let uploaded = certificates::upload(&app.control, &SYSTEM, id, pair).await;
    let uploaded = certificates::get(&app.control, &SYSTEM, uploaded.unwrap())
        .await
        .unwrap()
        .row;
    wait_until_served(&app, &print(&uploaded)).await;
    let refused = certificates::revoke(&app.control, &SYSTEM, uploaded.id, "*.example.net").await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );

    // It expires later, but is no longer served once the domain uses ACME again.
    let pair = self_signed(&["*.example.net"], 3650);
    certificates::upload(&app.control, &SYSTEM, id, pair)
        .await
        .unwrap();
    change(&app, id, &by_http).await;
    wait_until_served(&app, &print(&acme)).await;

    // An upload for the exact name is replaced by an ACME certificate.
    certificates::delete(&app.control, &SYSTEM, uploaded.id, "*.example.net")
        .await
        .unwrap();
    let pair = self_signed(&[HOST], 365);
    certificates::upload(&app.control, &SYSTEM, id, pair)
        .await
        .unwrap();
    let upload = row(&app, HOST).await.unwrap();
    assert_eq!(
        (upload.id, upload.method),
        (acme.id, IssuanceMethod::Uploaded)
    );
    wait_until_served(&app, &print(&upload)).await;
    change(&app, id, &by_http).await;
    let next = wait_for("an ACME certificate", async || {
        let row = row(&app, HOST).await?;
        (print(&row) != print(&upload)).then_some(row)
    })
    .await;
    assert_eq!(next.method, IssuanceMethod::Acme);
    wait_until_served(&app, &print(&next)).await;
    let request = CertificatesRequest {
        fingerprints: vec![print(&upload)],
    };
    let response = control::hosts::fetch_certificates(&app.control, &agent, request).await;
    assert!(
        response.unwrap().certificates.is_empty(),
        "the replaced key is no longer sent to agents"
    );
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_during_an_attempt_is_kept() {
    let pebble = CertificateAuthority::start(&CaConfig::fast());
    let (app, _) = start_app().await;
    // The edge host has joined but applies no configuration yet, so the attempt waits for it.
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let by_http = DomainForm {
        authority: authority(&app, "pebble", &pebble).await.to_string(),
        ..domain(&app, "example.net", "http")
    };
    let id = add(&app, by_http).await;
    publish(&app, "wiki", "example.net").await;
    wait_for("an attempt in progress", async || {
        (!site_config(&app).await.challenge_responses.is_empty()).then_some(())
    })
    .await;
    let pair = self_signed(&[HOST], 30);
    let uploaded = certificates::upload(&app.control, &SYSTEM, id, pair)
        .await
        .unwrap();
    // Every attempt ends with a change notification for its domain.
    let ended = wait_for_event(&app.control, Event::of(Topic::Domain, id.0));
    let edge = edge(&app, host, pebble.challenges.clone());
    ended.await;
    // The upload revoked the lease, so the attempt makes no further request to the CA.
    assert!(!pebble.log().contains("Issued certificate"));
    let row = row(&app, HOST).await.unwrap();
    assert_eq!((row.method, row.failures), (IssuanceMethod::Uploaded, 0));
    assert_eq!(history(&app, uploaded).await, [CertificateEvent::Uploaded]);
    wait_for("removal of the challenge response", async || {
        site_config(&app)
            .await
            .challenge_responses
            .is_empty()
            .then_some(())
    })
    .await;
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_from_a_replaced_ca_directory_is_discarded() {
    let (first, second) = (
        CertificateAuthority::start(&CaConfig::fast()),
        CertificateAuthority::start(&CaConfig::fast()),
    );
    let (app, _) = start_app().await;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let ca = authority(&app, "ca", &first).await;
    add(&app, http_domain(&app, ca)).await;
    publish(&app, "wiki", "example.net").await;
    wait_for("an attempt in progress", async || {
        (!site_config(&app).await.challenge_responses.is_empty()).then_some(())
    })
    .await;
    // The attempt continues at the first directory while the CA already has the second one.
    move_to(&app, ca, &second).await;
    let second_host = Host::join(&app, "edge-2", "10.20.0.3").await;
    let edges = [
        edge(&app, host, first.challenges.clone()),
        edge(&app, second_host, second.challenges.clone()),
    ];
    let row = issued(&app, HOST).await;
    assert_eq!(history(&app, row.id).await, [CertificateEvent::Issued]);
    let issuer = row.issued.unwrap().issuer;
    assert!(second.log().contains("Issued certificate"), "{issuer}");
    for edge in edges {
        edge.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_renewal_replaces_the_certificate_immediately() {
    let pebble = CertificateAuthority::start(&CaConfig::fast());
    let (app, clock) = start_app().await;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let edge = edge(&app, host, pebble.challenges.clone());
    let form = DomainForm {
        authority: authority(&app, "pebble", &pebble).await.to_string(),
        ..domain(&app, "example.net", "http")
    };
    add(&app, form).await;
    publish(&app, "wiki", "example.net").await;
    let first = issued(&app, HOST).await;
    // A day later the certificate is checked and not renewed.
    clock.advance(DAY);
    wait_for("a check of the certificate", async || {
        let row = row(&app, HOST).await?;
        (row.next_attempt > first.next_attempt).then_some(())
    })
    .await;
    assert_eq!(print(&row(&app, HOST).await.unwrap()), print(&first));
    certificates::renew(&app.control, &SYSTEM, first.id)
        .await
        .unwrap();
    wait_for("a replacement certificate", async || {
        let row = row(&app, HOST).await?;
        (print(&row) != print(&first)).then_some(())
    })
    .await;
    edge.abort();
}
