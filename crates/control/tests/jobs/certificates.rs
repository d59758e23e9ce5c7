//! Certificates: had from a real authority (pebble), renewed as the clock goes on, brought by people,
//! and told to the edge hosts of their own site alone.

use std::process::Command;

use control::{Actor, agents, authorities, certificates, containers, domains};
use edge::{Snapshot, link::Wanted};
use model::{
    CertificateId, DomainId, Error,
    authorities::AuthorityForm,
    certificates::{CertificateRow, CertificateState, Happening, Source},
    clusters::Fingerprint,
    containers::ContainerForm,
    domains::DomainForm,
    services::ServiceForm,
    users::UserForm,
};
use test_servers::authority::{Authority, Setup};
use tokio::task::JoinHandle;

use crate::{
    agents::Host,
    house::{self, DEBIAN, House, until},
};

pub const SYSTEM: Actor = Actor::System;
pub const DAY: i64 = 86_400_000;

/// A house whose clock can be set ahead.
pub async fn house() -> (House, certificates::Clock) {
    let options = house::options();
    let clock = options.clock.clone();
    let sim = proxmox_sim::start(proxmox_sim::Config::test())
        .await
        .unwrap();
    (House::of(sim, options).await, clock)
}

/// An edge host that makes everything live at once, and says to whoever asks at the authority's
/// port what it was told to say.
pub fn edge(house: &House, host: Host, challenges: String) -> JoinHandle<()> {
    let control = house.control.clone();
    tokio::spawn(async move {
        let http = reqwest::Client::new();
        let mut has = None;
        loop {
            let Some(given) = host.next(&control, has).await else {
                continue;
            };
            for answer in &given.snapshot.answers {
                let body = serde_json::json!({
                    "token": answer.token.to_string(),
                    "content": format!("{}.{}", answer.token, answer.thumbprint),
                });
                let put = http.post(format!("{challenges}/add-http01"));
                put.body(body.to_string()).send().await.unwrap();
            }
            has = Some(given.generation);
            host.live(&control, given.generation).await;
        }
    })
}

pub async fn authority(house: &House, name: &str, pebble: &Authority) -> model::AuthorityId {
    let form = AuthorityForm {
        name: name.into(),
        directory: pebble.directory.clone(),
        email: "admin@example.net".into(),
        roots: pebble.roots.clone(),
        ..AuthorityForm::default()
    };
    let spec = form.parse(true).unwrap();
    authorities::create(&house.control, &SYSTEM, spec)
        .await
        .unwrap()
}

pub fn domain(house: &House, name: &str, issuance: &str) -> DomainForm {
    DomainForm {
        site: house.site.to_string(),
        name: name.into(),
        hsts: "off".into(),
        publishers: "everybody".into(),
        issuance: issuance.into(),
        ..DomainForm::default()
    }
}

pub async fn add(house: &House, form: DomainForm) -> DomainId {
    let spec = form.parse().unwrap();
    domains::create(&house.control, &SYSTEM, spec)
        .await
        .unwrap()
}

/// A container with a web page under a domain.
pub async fn publish(house: &House, name: &str, under: &str) -> containers::Created {
    let form = ContainerForm {
        services: vec![ServiceForm {
            kind: "http".into(),
            port: "80".into(),
            domain: under.into(),
            ..ServiceForm::default()
        }],
        ..house.form(name, DEBIAN)
    };
    house.create(&form).await.unwrap()
}

pub async fn rows(house: &House) -> Vec<CertificateRow> {
    certificates::list(&house.control, &SYSTEM, None)
        .await
        .unwrap()
}

pub async fn row(house: &House, subject: &str) -> Option<CertificateRow> {
    let all = rows(house).await;
    all.into_iter().find(|row| row.subject.as_str() == subject)
}

pub async fn issued(house: &House, subject: &str) -> CertificateRow {
    until("there is a certificate", async || {
        let row = row(house, subject).await?;
        row.issued.is_some().then_some(row)
    })
    .await
}

pub fn print(row: &CertificateRow) -> Fingerprint {
    row.issued.as_ref().unwrap().fingerprint.clone()
}

pub async fn snapshot(house: &House) -> Snapshot {
    let part = control::snapshot::Part {
        name_servers: Vec::new(),
        dhcp: false,
    };
    control::snapshot::preview(&house.control, &SYSTEM, house.site, part)
        .await
        .unwrap()
}

pub async fn history(house: &House, id: CertificateId) -> Vec<Happening> {
    let detail = certificates::get(&house.control, &SYSTEM, id)
        .await
        .unwrap();
    detail.history.into_iter().map(|line| line.what).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_name_gets_a_certificate_and_the_next_one_in_time() {
    let pebble = Authority::start(&Setup {
        validity_seconds: Some(90 * 86_400),
        ..Setup::quick()
    });
    let (house, clock) = house().await;
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let agent = host.agent.clone();
    let edge = edge(&house, host, pebble.challenges.clone());
    let authority = authority(&house, "pebble", &pebble).await;
    let form = DomainForm {
        authority: authority.to_string(),
        ..domain(&house, "example.net", "http")
    };
    add(&house, form).await;
    assert!(rows(&house).await.is_empty(), "nothing is published");
    publish(&house, "wiki", "example.net").await;
    let first = issued(&house, "wiki.example.net").await;
    assert_eq!(
        (first.state, first.source),
        (CertificateState::Issued, Source::Acme)
    );
    assert!(first.is_used);
    let site = snapshot(&house).await;
    let under = site
        .domains
        .iter()
        .find(|it| it.name.as_str() == "example.net")
        .unwrap();
    assert_eq!(under.services[0].certificate, Some(print(&first)));
    until("nothing is said to the authority any more", async || {
        snapshot(&house).await.answers.is_empty().then_some(())
    })
    .await;

    // Its site's edge hosts can have it, with its key, and nobody else can.
    let wanted = || Wanted {
        certificates: vec![print(&first)],
    };
    let pairs = agents::certificates(&house.control, &agent, wanted())
        .await
        .unwrap();
    let pair = &pairs.pairs[0];
    let now = model::Timestamp(first.issued.as_ref().unwrap().not_before.0 + DAY);
    assert_eq!(
        pki::check(&pair.chain, &pair.key, now)
            .unwrap()
            .leaf
            .issued
            .fingerprint,
        print(&first)
    );
    assert!(!format!("{pairs:?}").contains("PRIVATE"));

    // Two months later the next one is had by itself.
    clock.advance(61 * DAY);
    let second = until("the next certificate", async || {
        let row = row(&house, "wiki.example.net").await.unwrap();
        (print(&row) != print(&first)).then_some(row)
    })
    .await;
    assert_eq!(second.id, first.id);
    let happened = history(&house, first.id).await;
    assert_eq!(happened.first(), Some(&Happening::Renewed));
    assert_eq!(happened.last(), Some(&Happening::Issued));
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_certificate_from_being_had_is_told_in_words() {
    let pebble = Authority::start(&Setup {
        blocked: vec!["blocked.net".into()],
        ..Setup::quick()
    });
    let (house, _) = house().await;
    let authority_id = authority(&house, "pebble", &pebble).await;
    let http = |name: &str| DomainForm {
        authority: authority_id.to_string(),
        ..domain(&house, name, "http")
    };
    add(&house, http("example.net")).await;
    let blocked = add(&house, http("blocked.net")).await;
    publish(&house, "wiki", "example.net").await;
    let failed = async |subject: &str| {
        until("the try ended", async || {
            let row = row(&house, subject).await?;
            row.trouble.is_some().then_some(row)
        })
        .await
    };
    // Nobody is there who could answer.
    let alone = failed("wiki.example.net").await;
    assert_eq!(alone.state, CertificateState::Failed);
    let words = alone.trouble.unwrap().words;
    assert!(words.contains("No edge host"), "{words}");

    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let edge = edge(&house, host, pebble.challenges.clone());
    certificates::try_again(&house.control, &SYSTEM, alone.id)
        .await
        .unwrap();
    assert_eq!(issued(&house, "wiki.example.net").await.trouble, None);

    publish(&house, "shop", "blocked.net").await;
    let refused = failed("shop.blocked.net").await;
    assert!(refused.next_try.is_some() && refused.failures == 1);
    let row = domains::get(&house.control, &SYSTEM, blocked)
        .await
        .unwrap();
    assert_eq!((row.certificates, row.alarms), (0, 1));
    assert!(
        refused.trouble.unwrap().detail.is_some(),
        "the authority's own words"
    );
    // One that is refused keeps nobody else from theirs.
    publish(&house, "docs", "example.net").await;
    issued(&house, "docs.example.net").await;

    // The authority is away.
    drop(pebble);
    publish(&house, "late", "example.net").await;
    let away = failed("late.example.net").await;
    assert_eq!(away.state, CertificateState::Failed);
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_no_more_is_not_renewed() {
    let pebble = Authority::start(&Setup::quick());
    let (house, clock) = house().await;
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let edge = edge(&house, host, pebble.challenges.clone());
    let form = DomainForm {
        authority: authority(&house, "pebble", &pebble).await.to_string(),
        ..domain(&house, "example.net", "http")
    };
    let id = add(&house, form.clone()).await;
    let made = publish(&house, "wiki", "example.net").await;
    let first = issued(&house, "wiki.example.net").await;
    house.ended(made.job).await;
    house.delete(made.id, "wiki").await;
    let resting = until("it rests", async || {
        let row = row(&house, "wiki.example.net").await?;
        row.renew_at.is_none().then_some(row)
    })
    .await;
    assert!(!resting.is_used && resting.issued.is_some());
    // The name comes back, and with it the certificate.
    publish(&house, "wiki", "example.net").await;
    let again = until("it is used and seen to", async || {
        row(&house, "wiki.example.net")
            .await
            .filter(|row| row.is_used && row.renew_at.is_some())
    })
    .await;
    assert_eq!(print(&again), print(&first));
    let end = again.issued.as_ref().unwrap().not_after;
    assert!(again.next_try.unwrap() < end, "not when it has ended");
    // A domain that has none any more keeps what is good, and serves its own.
    let none = domain(&house, "example.net", "self-signed");
    let spec = none.parse().unwrap();
    domains::update(&house.control, &SYSTEM, id, spec)
        .await
        .unwrap();
    let site = snapshot(&house).await;
    let under = site
        .domains
        .iter()
        .find(|it| it.name.as_str() == "example.net")
        .unwrap();
    assert_eq!(under.services[0].certificate, None);
    // Long after its end it is gone.
    clock.advance(40_000 * DAY);
    domains::update(&house.control, &SYSTEM, id, none.parse().unwrap())
        .await
        .unwrap();
    until("it is gone", async || {
        rows(&house).await.is_empty().then_some(())
    })
    .await;
    edge.abort();
}

/// A certificate and its key, as somebody would bring them.
pub fn bring(names: &[&str], days: u32) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
    let status = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args(["-subj", "/CN=brought", "-days", &days.to_string()])
        .args(["-addext", &format!("subjectAltName={}", names.join(","))])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(at("key.pem"))
        .arg("-out")
        .arg(at("chain.pem"))
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    let read = |name| std::fs::read_to_string(at(name)).unwrap();
    (read("chain.pem"), read("key.pem"))
}

#[tokio::test(flavor = "multi_thread")]
async fn people_bring_their_own_and_are_told_before_it_ends() {
    let (house, clock) = house().await;
    let id = add(&house, domain(&house, "example.net", "self-signed")).await;
    publish(&house, "wiki", "example.net").await;
    let (chain, key) = bring(&["*.example.net", "example.net"], 90);
    let (_, other_key) = bring(&["*.example.net"], 90);
    let upload = async |chain: &str, key: &str| {
        let pair = (chain.to_owned(), key.to_owned());
        certificates::upload(&house.control, &SYSTEM, id, pair).await
    };
    let fields = |error: Error| -> Vec<String> {
        error
            .fields()
            .iter()
            .map(|field| field.field.clone())
            .collect()
    };
    assert_eq!(
        fields(upload(&chain, &other_key).await.unwrap_err()),
        ["key"]
    );
    assert_eq!(
        fields(upload("nothing", &key).await.unwrap_err()),
        ["chain"]
    );
    let (elsewhere, its_key) = bring(&["www.example.com"], 90);
    let refused = upload(&elsewhere, &its_key).await.unwrap_err();
    assert!(refused.to_string().contains("example.net"), "{refused}");
    assert_eq!(fields(refused), ["chain"]);
    assert!(rows(&house).await.is_empty(), "nothing was kept");

    let brought = upload(&chain, &key).await.unwrap();
    let row = row(&house, "*.example.net").await.unwrap();
    assert_eq!((row.id, row.state), (brought, CertificateState::Issued));
    let site = snapshot(&house).await;
    let under = site
        .domains
        .iter()
        .find(|it| it.name.as_str() == "example.net")
        .unwrap();
    assert_eq!(under.services[0].certificate, Some(print(&row)));
    assert_eq!(
        under.certificate,
        Some(print(&row)),
        "where nothing is published too"
    );
    assert!(matches!(
        certificates::try_again(&house.control, &SYSTEM, brought).await,
        Err(Error::Conflict { .. })
    ));

    let state = async || {
        let row = certificates::get(&house.control, &SYSTEM, brought).await;
        row.unwrap().row.state
    };
    clock.advance(70 * DAY);
    assert_eq!(state().await, CertificateState::Expiring);
    let told = async |what: &[Happening]| {
        until("it is told", async || {
            (history(&house, brought).await == what).then_some(())
        })
        .await;
    };
    told(&[Happening::Expiring, Happening::Uploaded]).await;
    clock.advance(21 * DAY);
    assert_eq!(state().await, CertificateState::Expired);
    told(&[Happening::Expired, Happening::Expiring, Happening::Uploaded]).await;

    let wrong = certificates::delete(&house.control, &SYSTEM, brought, "example.net").await;
    assert_eq!(fields(wrong.unwrap_err()), ["confirm"]);
    certificates::delete(&house.control, &SYSTEM, brought, "*.example.net")
        .await
        .unwrap();
    assert_eq!(snapshot(&house).await.domains[0].certificate, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_and_change_none_of_it() {
    let (house, _) = house().await;
    let member = house.member("ann", UserForm::default()).await;
    let control = &house.control;
    let id = CertificateId(1);
    let forbidden = |done: Result<(), Error>| {
        assert!(matches!(done, Err(Error::Forbidden { .. })), "{done:?}");
    };
    forbidden(certificates::list(control, &member, None).await.map(drop));
    forbidden(certificates::get(control, &member, id).await.map(drop));
    forbidden(certificates::try_again(control, &member, id).await);
    forbidden(certificates::renew(control, &member, id).await);
    forbidden(certificates::revoke(control, &member, id, "x").await);
    forbidden(certificates::delete(control, &member, id, "x").await);
    let pair = (String::new(), String::new());
    let brought = certificates::upload(control, &member, DomainId(1), pair).await;
    forbidden(brought.map(drop));
    forbidden(authorities::list(control, &member).await.map(drop));
    forbidden(control::providers::list(control, &member).await.map(drop));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_revoked_is_replaced_by_one_with_another_key() {
    let pebble = Authority::start(&Setup::quick());
    let (house, _) = house().await;
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let agent = host.agent.clone();
    let edge = edge(&house, host, pebble.challenges.clone());
    let form = DomainForm {
        authority: authority(&house, "pebble", &pebble).await.to_string(),
        ..domain(&house, "example.net", "http")
    };
    add(&house, form).await;
    publish(&house, "wiki", "example.net").await;
    let first = issued(&house, "wiki.example.net").await;
    let revoke = async |confirm: &str| {
        certificates::revoke(&house.control, &SYSTEM, first.id, confirm).await
    };
    assert!(matches!(revoke("wiki").await, Err(Error::Invalid { .. })));
    revoke("wiki.example.net").await.unwrap();
    let second = until("the next certificate", async || {
        let row = row(&house, "wiki.example.net").await.unwrap();
        (print(&row) != print(&first)).then_some(row)
    })
    .await;
    assert_eq!(second.state, CertificateState::Issued);
    let happened = history(&house, first.id).await;
    let expected = [Happening::Renewed, Happening::Revoked, Happening::Issued];
    assert_eq!(happened, expected);
    // The old one is told to nobody any more.
    let wanted = Wanted {
        certificates: vec![print(&first)],
    };
    let pairs = agents::certificates(&house.control, &agent, wanted).await;
    assert!(pairs.unwrap().pairs.is_empty());
    edge.abort();
}
