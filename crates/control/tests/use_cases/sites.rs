//! Sites: ranges of one cluster, deletion, and the default for new containers.

use control::{Actor, containers, sites};
use model::{Error, containers::SiteOption, sites::SiteForm};

use crate::{hosts::Host, test_app::TestApp};

const SYSTEM: Actor = Actor::System;

/// A site beside `lab` that shares no range with it.
async fn form(app: &TestApp, name: &str) -> SiteForm {
    let lab = "lab".parse().unwrap();
    let lab = sites::get(&app.control, &SYSTEM, &lab).await.unwrap();
    SiteForm {
        name: name.into(),
        domain: format!("{name}.example.org"),
        range: "10.20.9.1-10.20.9.60".into(),
        vmids: "5000-5999".into(),
        ..SiteForm::from(&lab.spec)
    }
}

async fn create(app: &TestApp, form: &SiteForm) -> Result<model::SiteId, Error> {
    sites::create(&app.control, &SYSTEM, form.parse().unwrap()).await
}

/// The fields of an error with their messages.
fn errors<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<(String, String)> {
    let error = result.unwrap_err();
    let fields = error.field_errors().iter();
    fields
        .map(|error| (error.field.clone(), error.message.clone()))
        .collect()
}

fn error(field: &str, message: &str) -> (String, String) {
    (field.to_owned(), message.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_ranges_of_a_cluster_are_refused() {
    let app = TestApp::new().await;
    let addresses = "The range overlaps 10.20.1.1-10.20.1.60 of the site lab on the same bridge.";
    let vmids = "The range overlaps 1000-1999 of the site lab on the same cluster.";
    let apart = form(&app, "home").await;

    let overlapping = SiteForm {
        range: "10.20.1.60-10.20.1.70".into(),
        vmids: "1999-3000".into(),
        ..apart.clone()
    };
    let expected = [error("vmids", vmids), error("range", addresses)];
    assert_eq!(errors(create(&app, &overlapping).await), expected);
    let dynamic = SiteForm {
        dynamic_range: "10.20.0.10-10.20.1.1".into(),
        ..apart.clone()
    };
    let expected = [error("dynamic_range", addresses)];
    assert_eq!(errors(create(&app, &dynamic).await), expected);

    let id = create(&app, &apart).await.unwrap();
    let update = async |form: &SiteForm| {
        sites::update(&app.control, &SYSTEM, id, form.parse().unwrap()).await
    };
    assert_eq!(errors(update(&dynamic).await), expected);
    update(&apart).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_concurrent_sites_gets_a_range() {
    let app = TestApp::new().await;
    let (one, two) = (form(&app, "one").await, form(&app, "two").await);
    let (one, two) = tokio::join!(create(&app, &one), create(&app, &two));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let refused = if one.is_ok() { two } else { one };
    let fields: Vec<_> = errors(refused)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["vmids", "range"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn site_with_one_container_is_not_deleted() {
    let app = TestApp::new().await;
    app.create_and_wait("web").await;
    let refused = sites::delete(&app.control, &SYSTEM, app.site, "lab").await;
    let message = "lab has 1 container. Delete it first.";
    assert_eq!(refused, Err(Error::conflict(message)));
}

#[tokio::test(flavor = "multi_thread")]
async fn default_site_of_a_new_container_has_a_host() {
    let app = TestApp::new().await;
    create(&app, &form(&app, "annex").await).await.unwrap();
    let default = async || {
        let options = containers::create_options(&app.control, &SYSTEM).await;
        let sites = options.unwrap().sites;
        let default = SiteOption::default_first(&sites)[0];
        (default.name.to_string(), default.has_host)
    };
    assert_eq!(default().await, ("annex".to_owned(), false));
    Host::join(&app, "edge-1", "10.20.0.2").await;
    assert_eq!(default().await, ("lab".to_owned(), true));
}
