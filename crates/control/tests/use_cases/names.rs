//! Names of a site: each has one holder, for every role and every purpose.

use control::{Actor, Manager, Options, containers, domains, hosts, sites};
use model::{
    Error,
    containers::{ContainerForm, ContainerView, EditContainer},
    domains::{DomainForm, DomainSpec},
    services::ServiceForm,
    users::UserForm,
};
use proxmox_sim::Config;

use crate::test_app::{DEBIAN, TestApp, options};

const SYSTEM: Actor = Actor::System;

/// An app whose manager is `cloud.example.net`.
async fn start_app() -> TestApp {
    let options = Options {
        manager: Some(Manager {
            origin: "https://cloud.example.net".parse().unwrap(),
            certificate: None,
        }),
        ..options()
    };
    let sim = proxmox_sim::start(Config::test()).await.unwrap();
    TestApp::with_options(sim, options).await
}

fn service(kind: &str, label: &str, domain: &str) -> ServiceForm {
    ServiceForm {
        kind: kind.into(),
        port: "80".into(),
        label: label.into(),
        domain: domain.into(),
        ..ServiceForm::default()
    }
}

fn http(label: &str, domain: &str) -> ServiceForm {
    service("http", label, domain)
}

fn tls(label: &str) -> ServiceForm {
    ServiceForm {
        tls: true,
        ..service("tcp", label, "")
    }
}

fn srv(name: &str) -> ServiceForm {
    ServiceForm {
        name: name.into(),
        ..service("srv", "", "")
    }
}

fn field<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (String, String) {
    match outcome {
        Err(Error::Invalid { fields }) => (fields[0].field.clone(), fields[0].message.clone()),
        other => panic!("{other:?}"),
    }
}

async fn create(
    app: &TestApp,
    actor: &Actor,
    name: &str,
    services: &[ServiceForm],
) -> Result<(), Error> {
    let form = ContainerForm {
        services: services.to_vec(),
        ..app.form(name, DEBIAN)
    };
    let created = containers::create(&app.control, actor, form.parse().unwrap()).await?;
    app.wait_for_job(created.job).await;
    Ok(())
}

async fn edit(app: &TestApp, name: &str, services: &[ServiceForm]) -> Result<(), Error> {
    let view: ContainerView = app.view(name).await;
    let mut form = ContainerForm::from(&view);
    form.services = services.to_vec();
    let edit = EditContainer {
        version: view.version,
        spec: form.parse().unwrap().spec,
        restart: false,
    };
    let edited = containers::edit(&app.control, &SYSTEM, view.row.id, edit).await;
    edited.map(drop)
}

fn domain(app: &TestApp, name: &str) -> DomainSpec {
    let form = DomainForm {
        site: app.site.to_string(),
        name: name.into(),
        hsts: "off".into(),
        publishers: "all-users".into(),
        certificate_source: "self-signed".into(),
        ..DomainForm::default()
    };
    form.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn name_of_a_container_is_refused_for_every_purpose() {
    let app = start_app().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let bob = app.create_user("bob", UserForm::default()).await;
    create(&app, &ann, "wiki", &[http("docs", ""), srv("_sip._tcp")])
        .await
        .unwrap();
    let refused = async |name: &str, service: Option<ServiceForm>| {
        let services: Vec<ServiceForm> = service.into_iter().collect();
        field(create(&app, &bob, name, &services).await)
    };
    let message = "A container has the name wiki.lab.example.org. Choose another name.";
    assert_eq!(refused("wiki", None).await, ("name".into(), message.into()));
    // `docs` has no container, but is the hostname of one.
    assert_eq!(refused("docs", None).await.0, "name");
    for taken in ["wiki", "docs"] {
        for service in [http(taken, ""), tls(taken)] {
            assert_eq!(refused("mine", Some(service)).await.0, "services.0.label");
        }
    }
    for taken in ["wiki", "_http._tcp.wiki", "docs", "_sip._tcp"] {
        assert_eq!(
            refused("mine", Some(srv(taken))).await.0,
            "services.0.name",
            "{taken}"
        );
    }
    edit(&app, "wiki", &[srv("_sip._tcp.late"), srv("_sip._tcp")])
        .await
        .unwrap();
    assert_eq!(
        refused("late", None).await.0,
        "name",
        "a record is below the name"
    );
    edit(&app, "wiki", &[]).await.unwrap();
    create(&app, &bob, "docs", &[srv("_sip._tcp")])
        .await
        .expect("released names are free");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostname_above_an_srv_name_of_another_container_is_refused() {
    let app = start_app().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let bob = app.create_user("bob", UserForm::default()).await;
    create(&app, &ann, "web", &[srv("_http._tcp.shop")])
        .await
        .unwrap();
    let message = "A container has the name _http._tcp.shop.lab.example.org. Choose another name.";
    for service in [http("shop", ""), tls("shop")] {
        let refused = field(create(&app, &bob, "mine", &[service]).await);
        assert_eq!(refused, ("services.0.label".into(), message.into()));
    }
    edit(&app, "web", &[srv("_http._tcp.shop"), http("shop", "")])
        .await
        .expect("the record below is its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn name_of_a_host_is_refused_for_containers_and_the_reverse() {
    let app = TestApp::new().await;
    let name = |name: &str| name.parse().unwrap();
    let host = hosts::create(&app.control, &SYSTEM, app.site, name("edge"))
        .await
        .unwrap();
    let message = "A host has the name edge.lab.example.org. Choose another name.";
    let refused = field(create(&app, &SYSTEM, "edge", &[]).await);
    assert_eq!(refused, ("name".into(), message.into()));
    hosts::delete(&app.control, &SYSTEM, host.id, "edge")
        .await
        .unwrap();
    create(&app, &SYSTEM, "edge", &[]).await.unwrap();
    let refused = hosts::create(&app.control, &SYSTEM, app.site, name("edge")).await;
    assert_eq!(field(refused).0, "name");
    // A domain would make the name of the container that of a whole domain.
    let refused = domains::create(&app.control, &SYSTEM, domain(&app, "edge.lab.example.org"));
    assert_eq!(field(refused.await).0, "name");
}

#[tokio::test(flavor = "multi_thread")]
async fn renamed_domain_gives_no_service_a_name_that_is_in_use() {
    let app = start_app().await;
    let id = domains::create(&app.control, &SYSTEM, domain(&app, "example.com"))
        .await
        .unwrap();
    create(&app, &SYSTEM, "web", &[http("cloud", "example.com")])
        .await
        .unwrap();
    let rename =
        async |to: &str| domains::update(&app.control, &SYSTEM, id, domain(&app, to)).await;
    let message = "Holdfast uses the name cloud.example.net. Choose another name.";
    assert_eq!(
        field(rename("example.net").await),
        ("name".into(), message.into())
    );
    let other = domain(&app, "cloud.example.org");
    domains::create(&app.control, &SYSTEM, other).await.unwrap();
    let message = "A domain of the site has the name cloud.example.org. Choose another name.";
    assert_eq!(
        field(rename("example.org").await),
        ("name".into(), message.into())
    );
    rename("apps.example.org").await.unwrap();
    // The old hostname is free, the new one is not.
    let refused = domains::create(
        &app.control,
        &SYSTEM,
        domain(&app, "cloud.apps.example.org"),
    );
    assert_eq!(field(refused.await).0, "name");
    domains::create(&app.control, &SYSTEM, domain(&app, "cloud.example.com"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_domain_of_a_site_renames_its_containers() {
    let app = start_app().await;
    let site = app.site;
    let row = app
        .control
        .store()
        .read(move |c| store::sites::get(c, site))
        .await;
    let spec = row.unwrap().unwrap().spec;
    create(&app, &SYSTEM, "web", &[]).await.unwrap();
    create(&app, &SYSTEM, "cloud", &[]).await.unwrap();
    domains::create(&app.control, &SYSTEM, domain(&app, "web.example.org"))
        .await
        .unwrap();
    let rename = async |to: &str| {
        let spec = model::sites::SiteSpec {
            domain: to.parse().unwrap(),
            ..spec.clone()
        };
        sites::update(&app.control, &SYSTEM, site, spec).await
    };
    for taken in ["example.org", "example.net"] {
        assert_eq!(field(rename(taken).await).0, "domain", "{taken}");
    }
    rename("example.com").await.unwrap();
    let refused = domains::create(&app.control, &SYSTEM, domain(&app, "web.example.com"));
    assert_eq!(field(refused.await).0, "name");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_concurrent_edits_gets_a_name() {
    let app = start_app().await;
    for name in ["one", "two"] {
        create(&app, &SYSTEM, name, &[]).await.unwrap();
    }
    for number in 0..10 {
        let claim = [srv(&format!("_x{number}._tcp")), tls(&format!("x{number}"))];
        let (one, two) = tokio::join!(edit(&app, "one", &claim), edit(&app, "two", &claim));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let refused = if one.is_ok() { two } else { one };
        assert_eq!(field(refused).0, "services.0.name");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holder_of_a_name_is_named_only_to_operators() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let bob = app.create_user("bob", UserForm::default()).await;
    create(&app, &ann, "wiki", &[http("docs", "")])
        .await
        .unwrap();
    let refused = field(create(&app, &bob, "docs", &[]).await).1;
    let message = "A container has the name docs.lab.example.org. Choose another name.";
    assert_eq!(refused, message);
    let message = "The container wiki of ann has the name docs.lab.example.org. \
        Choose another name.";
    assert_eq!(field(create(&app, &SYSTEM, "docs", &[]).await).1, message);
    let host = hosts::create(&app.control, &SYSTEM, app.site, "docs".parse().unwrap()).await;
    assert_eq!(field(host), ("name".into(), message.into()));
    let domain = domain(&app, "docs.lab.example.org");
    let domain = domains::create(&app.control, &SYSTEM, domain).await;
    assert_eq!(field(domain), ("name".into(), message.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_belongs_to_one_site() {
    let app = start_app().await;
    let home = crate::clusters::site(&app, app.cluster().await).await;
    let shared = DomainSpec {
        site: home,
        ..domain(&app, "apps.example.com")
    };
    let id = domains::create(&app.control, &SYSTEM, shared.clone()).await;
    let id = id.unwrap();
    let message = "The site home has this domain. Choose another domain.";
    let expected = ("name".to_owned(), message.to_owned());
    let refused = domains::create(&app.control, &SYSTEM, domain(&app, "apps.example.com"));
    assert_eq!(field(refused.await), expected);
    let other = domains::create(&app.control, &SYSTEM, domain(&app, "other.example.com"));
    let other = other.await.unwrap();
    let renamed = domain(&app, "apps.example.com");
    let refused = domains::update(&app.control, &SYSTEM, other, renamed).await;
    assert_eq!(field(refused), expected);
    let own = domain(&app, "home.example.org");
    let refused = domains::create(&app.control, &SYSTEM, own).await;
    assert_eq!(field(refused), expected, "the domain of the site itself");
    domains::delete(&app.control, &SYSTEM, id, "apps.example.com")
        .await
        .unwrap();
    domains::create(&app.control, &SYSTEM, domain(&app, "apps.example.com"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn node_whose_name_a_container_holds_is_a_finding() {
    let app = start_app().await;
    let cluster = app.cluster().await;
    let set_nodes = async |nodes: &[(&str, &str)]| {
        let parse =
            |(name, address): &(&str, &str)| (name.parse().unwrap(), address.parse().unwrap());
        let nodes = nodes.iter().map(parse).collect();
        let set = move |c: &mut store::Conn| store::nodes::replace_addresses(c, cluster, &nodes);
        app.control.store().write(set).await.unwrap();
    };
    set_nodes(&[]).await;
    create(&app, &SYSTEM, "web", &[http("pve7", "")])
        .await
        .unwrap();
    set_nodes(&[("pve7", "10.20.0.17")]).await;
    let findings = control::clusters::check(&app.control, &SYSTEM, cluster).await;
    let findings = findings.unwrap().missing;
    let messages: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let begin = "The node pve7 has no name in the site lab: the container web of ";
    let is_found = messages.iter().any(|it| it.starts_with(begin));
    assert!(is_found, "{messages:?}");
}
