//! Domains of sites, and who may publish under them.

use control::{Actor, domains};
use model::{
    Error,
    containers::ContainerForm,
    domains::{DomainForm, DomainSpec},
    services::ServiceForm,
    users::UserForm,
};

use crate::house::{House, NGINX};

const SYSTEM: Actor = Actor::System;

fn form(house: &House, name: &str) -> DomainForm {
    DomainForm {
        site: house.site.to_string(),
        name: name.into(),
        hsts: "off".into(),
        publishers: "everybody".into(),
        issuance: "self-signed".into(),
        ..DomainForm::default()
    }
}

fn spec(form: &DomainForm) -> DomainSpec {
    form.parse().unwrap()
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    let error = outcome.expect_err("a refusal");
    error
        .fields()
        .first()
        .map_or_else(|| format!("{error:?}"), |field| field.field.clone())
}

async fn names(house: &House, actor: &Actor) -> Vec<String> {
    let usable = domains::usable(&house.control, actor, house.site)
        .await
        .unwrap();
    usable
        .into_iter()
        .map(|row| row.spec.name.to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_say_who_publishes_under_a_domain() {
    let house = House::new().await;
    let control = &house.control;
    let ann = house.member("ann", UserForm::default()).await;
    let bob = house.member("bob", UserForm::default()).await;
    assert_eq!(
        names(&house, &ann).await,
        ["lab.example.org"],
        "a site's own is there"
    );
    let operators = DomainForm {
        publishers: "operators".into(),
        ..form(&house, "example.org")
    };
    domains::create(control, &SYSTEM, spec(&operators))
        .await
        .unwrap();
    let people = DomainForm {
        publishers: "people".into(),
        people: "ann, ann".into(),
        ..form(&house, "example.net")
    };
    domains::create(control, &SYSTEM, spec(&people))
        .await
        .unwrap();
    assert_eq!(
        names(&house, &ann).await,
        ["lab.example.org", "example.net"]
    );
    assert_eq!(names(&house, &bob).await, ["lab.example.org"]);
    let all = ["lab.example.org", "example.org", "example.net"];
    assert_eq!(names(&house, &SYSTEM).await, all);

    for outcome in [
        domains::create(control, &ann, spec(&operators))
            .await
            .map(drop),
        domains::list(control, &ann).await.map(drop),
    ] {
        assert!(
            matches!(outcome, Err(Error::Forbidden { .. })),
            "{outcome:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_at_its_field() {
    let house = House::new().await;
    let control = &house.control;
    let again = form(&house, "lab.example.org");
    assert_eq!(
        refused(domains::create(control, &SYSTEM, spec(&again)).await),
        "name"
    );
    let nobody = DomainForm {
        publishers: "people".into(),
        people: "nobody".into(),
        ..form(&house, "example.org")
    };
    assert_eq!(
        refused(domains::create(control, &SYSTEM, spec(&nobody)).await),
        "people"
    );
    let nowhere = DomainForm {
        site: "999".into(),
        ..form(&house, "example.org")
    };
    assert_eq!(
        refused(domains::create(control, &SYSTEM, spec(&nowhere)).await),
        "site"
    );
    let wrong = DomainForm {
        site: "x".into(),
        name: "*.a".into(),
        sign_in: "login".into(),
        hsts: "yes".into(),
        publishers: "people".into(),
        people: " , ".into(),
        ..DomainForm::default()
    };
    let fields: Vec<String> = wrong
        .parse()
        .unwrap_err()
        .into_iter()
        .map(|f| f.field)
        .collect();
    assert_eq!(fields, ["site", "name", "sign_in", "hsts", "people"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_changes_and_goes_by_its_name() {
    let house = House::new().await;
    let control = &house.control;
    let id = domains::create(control, &SYSTEM, spec(&form(&house, "example.org")))
        .await
        .unwrap();
    let changed = DomainForm {
        sign_in: "http://10.20.0.5:4180".into(),
        hsts: "below".into(),
        ..form(&house, "example.org")
    };
    domains::update(control, &SYSTEM, id, spec(&changed))
        .await
        .unwrap();
    let row = domains::get(control, &SYSTEM, id).await.unwrap();
    assert_eq!(DomainForm::from(&row.spec), changed);
    let elsewhere = DomainForm {
        site: "999".into(),
        ..changed
    };
    assert_eq!(
        refused(domains::update(control, &SYSTEM, id, spec(&elsewhere)).await),
        "site"
    );
    assert_eq!(
        refused(domains::delete(control, &SYSTEM, id, "example").await),
        "confirm"
    );
    domains::delete(control, &SYSTEM, id, " example.org ")
        .await
        .unwrap();
    let gone = domains::get(control, &SYSTEM, id).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_stays_while_something_is_published_under_it() {
    let house = House::new().await;
    let control = &house.control;
    let web_page = ServiceForm {
        kind: "http".into(),
        port: "80".into(),
        ..ServiceForm::default()
    };
    let form = ContainerForm {
        services: vec![web_page],
        ..house.form("web", NGINX)
    };
    house.create(&form).await.unwrap();
    let all = domains::list(control, &SYSTEM).await.unwrap();
    let kept = domains::delete(control, &SYSTEM, all[0].id, "lab.example.org").await;
    assert!(
        matches!(&kept, Err(Error::Conflict { message }) if message.contains("published under it")),
        "{kept:?}"
    );
    assert_eq!(names(&house, &SYSTEM).await, ["lab.example.org"]);
}
