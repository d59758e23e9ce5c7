//! Publishing by the manager process itself: local hosts and links under loopback domains.

use control::{Actor, Options, containers, domains, hosts};
use model::{
    Error, SiteId,
    domains::{DomainSpec, EntryPoint},
    hosts::DhcpRole,
    services::ServiceForm,
};
use proxmox_sim::Config;

use crate::{
    hosts::{host_facts, layout},
    test_app::{DEBIAN, TestApp, options},
};

const SYSTEM: Actor = Actor::System;

async fn register(app: &TestApp, site: SiteId) -> Result<String, Error> {
    let (control, name) = (&app.control, "demo-edge".parse().unwrap());
    hosts::register(
        control,
        &SYSTEM,
        site,
        name,
        host_facts("10.20.0.4"),
        &layout(),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_registration_revokes_the_previous_key() {
    let app = TestApp::new().await;
    let control = &app.control;
    let key = register(&app, app.site).await.unwrap();
    let [row] = &hosts::list(control, &SYSTEM).await.unwrap()[..] else {
        panic!("one host");
    };
    assert_eq!(
        (row.name.as_str(), row.join_expires_at),
        ("demo-edge", None)
    );
    assert_eq!((row.dhcp, row.is_online), (DhcpRole::Yes, true));
    let agent = hosts::authenticate(control, &key).await.unwrap();
    let layout = layout();
    let config = hosts::poll(control, &agent, host_facts("10.20.0.4"), &layout, None);
    assert!(config.await.unwrap().is_some());

    let new_key = register(&app, app.site).await.unwrap();
    let revoked = hosts::authenticate(control, &key).await;
    assert_eq!(revoked, Err(Error::WrongCredentials));
    assert_eq!(hosts::authenticate(control, &new_key).await, Ok(agent));
    assert_eq!(hosts::list(control, &SYSTEM).await.unwrap().len(), 1);

    let unknown = register(&app, SiteId(4711)).await.unwrap_err();
    assert_eq!(unknown.field_errors()[0].field, "site");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_services_under_localhost_link_to_this_process() {
    for (loopback, link) in [
        (Some("http://localhost:3000"), "http://web.localhost:3000"),
        (Some("http://localhost"), "http://web.localhost"),
        (None, "https://web.localhost"),
    ] {
        let options = Options {
            loopback: loopback.map(|origin| EntryPoint::from_origin(&origin.parse().unwrap())),
            ..options()
        };
        let sim = proxmox_sim::start(Config::test()).await.unwrap();
        let app = TestApp::with_options(sim, options).await;
        let domains = domains::list(&app.control, &SYSTEM).await;
        let spec = DomainSpec {
            name: "localhost".parse().unwrap(),
            ..domains.unwrap()[0].spec.clone()
        };
        domains::create(&app.control, &SYSTEM, spec).await.unwrap();
        let mut form = app.form("web", DEBIAN);
        form.services = ["localhost", "lab.example.org"]
            .map(|domain| ServiceForm {
                kind: "http".into(),
                port: "80".into(),
                domain: domain.into(),
                ..ServiceForm::default()
            })
            .into();
        app.create(&form).await.unwrap();
        let view = app.view("web").await;
        assert_eq!(view.row.link.as_deref(), Some(link));
        let services = view.services.iter();
        let urls: Vec<String> = services
            .map(|service| service.public_address(&view.row.domain))
            .collect();
        assert_eq!(urls, [link, "https://web.lab.example.org"]);
        let options = containers::create_options(&app.control, &SYSTEM)
            .await
            .unwrap();
        let mut domains = options.sites[0].domains.iter();
        let local = domains.find(|domain| domain.name.is_loopback()).unwrap();
        assert_eq!(local.entry.url("web.localhost"), link);
    }
}
