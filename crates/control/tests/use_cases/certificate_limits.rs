//! Limits of certificates for new names.

use control::{Actor, containers};
use model::{
    Timestamp,
    certificates::CertificateState,
    containers::{ContainerForm, EditContainer},
    services::ServiceForm,
    users::UserForm,
};

use test_servers::authority::{CaConfig, CertificateAuthority};

use crate::{
    certificates::{SYSTEM, add, authority, domain, edge, issued, print, row, rows, start_app},
    hosts::Host,
    test_app::{DEBIAN, TestApp, wait_for},
};

/// The number of new names of a member that are requested at once.
const BURST: usize = 10;
const INTERVAL_MS: i64 = 12 * 3_600_000;
const DOMAIN: &str = "example.net";

/// Adds a domain whose CA is unreachable, so that each order is a failed attempt.
async fn add_domain(app: &TestApp) {
    let form = model::authorities::AuthorityForm {
        name: "ca".into(),
        directory: "https://127.0.0.1:9/directory".into(),
        ..Default::default()
    };
    let spec = form.parse(true).unwrap();
    let ca = control::authorities::create(&app.control, &SYSTEM, spec)
        .await
        .unwrap();
    let form = model::domains::DomainForm {
        authority: ca.to_string(),
        ..domain(app, DOMAIN, "http")
    };
    add(app, form).await;
}

fn services(labels: &[String]) -> Vec<ServiceForm> {
    let service = |label: &String| ServiceForm {
        kind: "http".into(),
        port: "80".into(),
        domain: DOMAIN.into(),
        label: label.clone(),
        ..ServiceForm::default()
    };
    labels.iter().map(service).collect()
}

async fn create(app: &TestApp, actor: &Actor, name: &str, labels: &[String]) {
    let form = ContainerForm {
        services: services(labels),
        ..app.form(name, DEBIAN)
    };
    let created = containers::create(&app.control, actor, form.parse().unwrap());
    app.wait_for_job(created.await.unwrap().job).await;
}

/// Replaces the services of a container.
async fn publish(app: &TestApp, actor: &Actor, name: &str, labels: &[String]) {
    let view = app.view(name).await;
    let form = ContainerForm {
        services: services(labels),
        ..ContainerForm::from(&view)
    };
    let edit = EditContainer {
        version: view.version,
        spec: form.parse().unwrap().spec,
        restart: false,
    };
    containers::edit(&app.control, actor, view.row.id, edit)
        .await
        .unwrap();
}

async fn wait_for_attempts(app: &TestApp, count: usize) {
    wait_for("orders", async || {
        let rows = rows(app).await;
        let ordered = rows.iter().filter(|row| row.failures > 0).count();
        (ordered == count).then_some(())
    })
    .await;
}

/// The reason why a name waits for a limit.
async fn wait_for_refusal(app: &TestApp, label: &str) -> String {
    let subject = format!("{label}.{DOMAIN}");
    wait_for("a refused order", async || {
        let row = row(app, &subject).await?;
        assert_eq!(row.failures, 0);
        assert_eq!(row.state, CertificateState::Waiting);
        Some(row.last_error?.message)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn member_cannot_use_up_the_weekly_limit_of_a_ca() {
    let (app, clock) = start_app().await;
    add_domain(&app).await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let labels: Vec<String> = (0..BURST).map(|n| format!("n{n}")).collect();
    create(&app, &ann, "web", &labels).await;
    wait_for_attempts(&app, BURST).await;

    let more: Vec<String> = labels.iter().cloned().chain(["more".into()]).collect();
    publish(&app, &ann, "web", &more).await;
    let message = wait_for_refusal(&app, "more").await;
    assert!(message.contains("too many new names"), "{message}");
    let view = app.view("web").await;
    assert_eq!(view.certificate_waits.len(), 1);
    let (service, until) = view.certificate_waits[0];
    assert_eq!(view.services.last().unwrap().id, service);
    let now = app.control.store().now().await.unwrap();
    assert!(until > now && until.0 <= now.0 + INTERVAL_MS);

    // A name that was removed before its certificate was issued counts again.
    publish(&app, &ann, "web", &more[1..]).await;
    wait_for("removal of the certificate", async || {
        row(&app, "n0.example.net").await.is_none().then_some(())
    })
    .await;
    publish(&app, &ann, "web", &labels).await;
    wait_for_refusal(&app, "n0").await;

    create(&app, &SYSTEM, "shop", &["shop".to_owned()]).await;
    wait_for_attempts(&app, BURST).await;
    clock.advance(INTERVAL_MS);
    wait_for_attempts(&app, BURST + 1).await;
    assert!(app.view("web").await.certificate_waits.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_the_limit_of_a_domain() {
    let (app, _) = start_app().await;
    add_domain(&app).await;
    let full = move |c: &mut store::Conn| {
        let full_at = Timestamp(store::now(c)?.0 + 7 * 86_400_000);
        store::rate_limits::replace_domain(c, DOMAIN, None, full_at)
    };
    app.control.store().write(full).await.unwrap();
    let ann = app.create_user("ann", UserForm::default()).await;
    create(&app, &ann, "web", &["web".to_owned()]).await;
    let message = wait_for_refusal(&app, "web").await;
    assert!(message.contains("under this domain"), "{message}");
    let operator = UserForm {
        role: "operator".into(),
        ..UserForm::default()
    };
    let olga = app.create_user("olga", operator).await;
    create(&app, &olga, "shop", &["shop".to_owned()]).await;
    wait_for_attempts(&app, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn valid_certificate_is_reused_when_its_name_is_published_again() {
    let pebble = CertificateAuthority::start(&CaConfig {
        validity_seconds: Some(90 * 86_400),
        ..CaConfig::fast()
    });
    let (app, _) = start_app().await;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let edge = edge(&app, host, pebble.challenges.clone());
    let form = model::domains::DomainForm {
        authority: authority(&app, "pebble", &pebble).await.to_string(),
        ..domain(&app, DOMAIN, "http")
    };
    add(&app, form).await;
    create(&app, &SYSTEM, "web", &["web".to_owned()]).await;
    let subject = "web.example.net";
    let first = issued(&app, subject).await;
    publish(&app, &SYSTEM, "web", &[]).await;
    wait_for("the end of renewals", async || {
        let row = row(&app, subject).await?;
        row.renew_at.is_none().then_some(())
    })
    .await;
    publish(&app, &SYSTEM, "web", &["web".to_owned()]).await;
    let again = wait_for("a new renewal time", async || {
        let row = row(&app, subject).await?;
        row.renew_at.is_some().then_some(row)
    })
    .await;
    assert_eq!(print(&again), print(&first));
    let log = pebble.log();
    assert_eq!(log.matches("Issued certificate").count(), 1, "{log}");
    edge.abort();
}
