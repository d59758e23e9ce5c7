//! Domains of sites, and which users may publish under them.

use control::{Actor, containers, domains};
use model::{
    Error,
    containers::ContainerForm,
    domains::{DomainForm, DomainSpec},
    services::ServiceForm,
    users::UserForm,
};

use crate::test_app::{NGINX, TestApp};

const SYSTEM: Actor = Actor::System;

fn form(app: &TestApp, name: &str) -> DomainForm {
    DomainForm {
        site: app.site.to_string(),
        name: name.into(),
        hsts: "off".into(),
        publishers: "all-users".into(),
        certificate_source: "self-signed".into(),
        ..DomainForm::default()
    }
}

fn spec(form: &DomainForm) -> DomainSpec {
    form.parse().unwrap()
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    let error = outcome.expect_err("an error");
    error
        .field_errors()
        .first()
        .map_or_else(|| format!("{error:?}"), |field| field.field.clone())
}

async fn names(app: &TestApp, actor: &Actor) -> Vec<String> {
    let options = containers::create_options(&app.control, actor).await;
    let domains = options.unwrap().sites.remove(0).domains.into_iter();
    domains.map(|domain| domain.name.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_restrict_publishers_of_a_domain() {
    let app = TestApp::new().await;
    let control = &app.control;
    let ann = app.create_user("ann", UserForm::default()).await;
    let bob = app.create_user("bob", UserForm::default()).await;
    assert_eq!(
        names(&app, &ann).await,
        ["lab.example.org"],
        "the site's own domain is usable"
    );
    let operators = DomainForm {
        publishers: "operators".into(),
        ..form(&app, "example.org")
    };
    domains::create(control, &SYSTEM, spec(&operators))
        .await
        .unwrap();
    let users = DomainForm {
        publishers: "selected-users".into(),
        users: "ann, ann".into(),
        ..form(&app, "example.net")
    };
    domains::create(control, &SYSTEM, spec(&users))
        .await
        .unwrap();
    assert_eq!(names(&app, &ann).await, ["lab.example.org", "example.net"]);
    assert_eq!(names(&app, &bob).await, ["lab.example.org"]);
    let all = ["lab.example.org", "example.org", "example.net"];
    assert_eq!(names(&app, &SYSTEM).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_values_are_reported_per_field() {
    let app = TestApp::new().await;
    let control = &app.control;
    let duplicate = form(&app, "lab.example.org");
    assert_eq!(
        refused(domains::create(control, &SYSTEM, spec(&duplicate)).await),
        "name"
    );
    let unknown_user = DomainForm {
        publishers: "selected-users".into(),
        users: "unknown".into(),
        ..form(&app, "example.org")
    };
    assert_eq!(
        refused(domains::create(control, &SYSTEM, spec(&unknown_user)).await),
        "users"
    );
    let unknown_site = DomainForm {
        site: "999".into(),
        ..form(&app, "example.org")
    };
    assert_eq!(
        refused(domains::create(control, &SYSTEM, spec(&unknown_site)).await),
        "site"
    );
    let wrong = DomainForm {
        site: "x".into(),
        name: "*.a".into(),
        sign_in: "login".into(),
        hsts: "yes".into(),
        publishers: "selected-users".into(),
        users: " , ".into(),
        ..DomainForm::default()
    };
    let fields: Vec<String> = wrong
        .parse()
        .unwrap_err()
        .into_iter()
        .map(|f| f.field)
        .collect();
    assert_eq!(fields, ["site", "name", "sign_in", "hsts", "users"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_is_updated_and_deleted_after_confirmation() {
    let app = TestApp::new().await;
    let control = &app.control;
    let id = domains::create(control, &SYSTEM, spec(&form(&app, "example.org")))
        .await
        .unwrap();
    let changed = DomainForm {
        sign_in: "http://10.20.0.5:4180".into(),
        hsts: "below".into(),
        ..form(&app, "example.org")
    };
    domains::update(control, &SYSTEM, id, spec(&changed))
        .await
        .unwrap();
    let row = domains::get(control, &SYSTEM, id).await.unwrap();
    assert_eq!(DomainForm::from(&row.spec), changed);
    let other_site = DomainForm {
        site: "999".into(),
        ..changed
    };
    assert_eq!(
        refused(domains::update(control, &SYSTEM, id, spec(&other_site)).await),
        "site"
    );
    assert_eq!(
        refused(domains::delete(control, &SYSTEM, id, "example").await),
        "confirm"
    );
    domains::delete(control, &SYSTEM, id, " example.org ")
        .await
        .unwrap();
    let deleted = domains::get(control, &SYSTEM, id).await;
    assert!(
        matches!(deleted, Err(Error::NotFound { .. })),
        "{deleted:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_with_services_cannot_be_deleted() {
    let app = TestApp::new().await;
    let control = &app.control;
    let web_page = ServiceForm {
        kind: "http".into(),
        port: "80".into(),
        ..ServiceForm::default()
    };
    let form = ContainerForm {
        services: vec![web_page],
        ..app.form("web", NGINX)
    };
    app.create(&form).await.unwrap();
    let all = domains::list(control, &SYSTEM).await.unwrap();
    let refused = domains::delete(control, &SYSTEM, all[0].id, "lab.example.org").await;
    assert!(
        matches!(&refused, Err(Error::Conflict { message }) if message.contains("published under this domain")),
        "{refused:?}"
    );
    assert_eq!(names(&app, &SYSTEM).await, ["lab.example.org"]);
}
