//! What this process itself publishes: its agents, and the links under loopback domains.

use control::{Actor, Options, agents, containers, domains};
use model::{
    Error, SiteId,
    agents::Dhcp,
    domains::{DomainSpec, EntryPoint},
    services::ServiceForm,
};
use proxmox_sim::Config;

use crate::{
    agents::{about, layout},
    house::{DEBIAN, House, options},
};

const SYSTEM: Actor = Actor::System;

async fn register(house: &House, site: SiteId) -> Result<String, Error> {
    let (control, name) = (&house.control, "demo-edge".parse().unwrap());
    agents::register(control, &SYSTEM, site, name, about("10.20.0.4"), &layout()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_agent_has_joined_and_registering_again_revokes_its_key() {
    let house = House::new().await;
    let control = &house.control;
    let key = register(&house, house.site).await.unwrap();
    let [row] = &agents::list(control, &SYSTEM).await.unwrap()[..] else {
        panic!("one agent");
    };
    assert_eq!((row.name.as_str(), row.invited_until), ("demo-edge", None));
    assert_eq!((row.dhcp, row.in_contact), (Dhcp::Yes, true));
    let agent = agents::of_key(control, &key).await.unwrap();
    let layout = layout();
    let given = agents::next(control, &agent, about("10.20.0.4"), &layout, None);
    assert!(given.await.unwrap().is_some());

    let again = register(&house, house.site).await.unwrap();
    let revoked = agents::of_key(control, &key).await;
    assert_eq!(revoked, Err(Error::WrongCredentials));
    assert_eq!(agents::of_key(control, &again).await, Ok(agent));
    assert_eq!(agents::list(control, &SYSTEM).await.unwrap().len(), 1);

    let unknown = register(&house, SiteId(4711)).await.unwrap_err();
    assert_eq!(unknown.fields()[0].field, "site");
    let member = house.member("mara", Default::default()).await;
    let (name, here) = ("mine".parse().unwrap(), about("10.20.0.5"));
    let refused = agents::register(control, &member, house.site, name, here, &layout);
    assert!(matches!(refused.await, Err(Error::Forbidden { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_under_localhost_are_linked_where_this_process_serves_them() {
    for (loopback, link) in [
        (Some("http://localhost:3000"), "http://web.localhost:3000"),
        (Some("http://localhost"), "http://web.localhost"),
        (None, "https://web.localhost"),
    ] {
        let options = Options {
            loopback: loopback.map(|origin| EntryPoint::of(&origin.parse().unwrap())),
            ..options()
        };
        let sim = proxmox_sim::start(Config::test()).await.unwrap();
        let house = House::of(sim, options).await;
        let usable = domains::usable(&house.control, &SYSTEM, house.site).await;
        let spec = DomainSpec {
            name: "localhost".parse().unwrap(),
            ..usable.unwrap()[0].spec.clone()
        };
        domains::create(&house.control, &SYSTEM, spec)
            .await
            .unwrap();
        let mut form = house.form("web", DEBIAN);
        form.services = ["localhost", "lab.example.org"]
            .map(|domain| ServiceForm {
                kind: "http".into(),
                port: "80".into(),
                domain: domain.into(),
                ..ServiceForm::default()
            })
            .into();
        house.create(&form).await.unwrap();
        let view = house.view("web").await;
        assert_eq!(view.row.link.as_deref(), Some(link));
        let places = view.services.iter();
        let places: Vec<String> = places
            .map(|service| service.place(&view.row.domain))
            .collect();
        assert_eq!(places, [link, "https://web.lab.example.org"]);
        let offered = containers::options(&house.control, &SYSTEM).await.unwrap();
        let mut known = offered.sites[0].domains.iter();
        let local = known.find(|domain| domain.name.is_loopback()).unwrap();
        assert_eq!(local.entry.url("web.localhost"), link);
    }
}
