//! Addresses of published names at a real name server (BIND): told, left alone where they are
//! somebody else's, and taken away with what they are for.

use control::{domains, providers, sites};
use dns::{Provider, Record, Resolver};
use model::{
    DomainId, Error, ProviderId,
    domains::DomainForm,
    providers::{ProviderForm, ProviderSpec},
};
use test_servers::names::{KEY, Named, SECRET};

use crate::{
    certificates::{SYSTEM, add, domain, publish},
    house::{self, House, until},
};

const EDGE: &str = "198.51.100.7";

fn options(named: &Named) -> dns::Options {
    dns::Options {
        resolver: Resolver::at(vec![named.address]).with_port(named.address.port()),
        ..dns::Options::default()
    }
}

/// A house whose edge hosts the world reaches at [`EDGE`].
async fn house(named: &Named) -> House {
    let options = control::Options {
        dns: options(named),
        ..house::options()
    };
    let sim = proxmox_sim::start(proxmox_sim::Config::test())
        .await
        .unwrap();
    let house = House::of(sim, options).await;
    let site = house.site;
    let found = house
        .control
        .store()
        .read(move |c| store::sites::get(c, site));
    let mut spec = found.await.unwrap().unwrap().spec;
    spec.public_v4 = Some(EDGE.parse().unwrap());
    sites::update(&house.control, &SYSTEM, site, spec)
        .await
        .unwrap();
    house
}

fn provider(named: &Named, name: &str, zone: &str) -> ProviderSpec {
    let form = ProviderForm {
        name: name.into(),
        kind: "rfc2136".into(),
        server: named.address.to_string(),
        zone: zone.into(),
        account: KEY.into(),
        algorithm: "hmac-sha256".into(),
        secret: SECRET.into(),
        ..ProviderForm::default()
    };
    form.parse(true).unwrap()
}

/// What the name server itself says, and does.
fn zone(named: &Named) -> Box<dyn Provider> {
    let spec = provider(named, "by-hand", "example.org");
    dns::open(&spec.settings, &spec.secret.unwrap(), &options(named)).unwrap()
}

fn kept(house: &House, by: ProviderId) -> DomainForm {
    DomainForm {
        provider: by.to_string(),
        addresses: true,
        ..domain(house, "example.org", "self-signed")
    }
}

async fn until_led(zone: &dyn Provider, name: &str, to: &[&str]) {
    let to: Vec<dns::Value> = to
        .iter()
        .map(|to| dns::Value::A(to.parse().unwrap()))
        .collect();
    until("the name leads there", async || {
        (zone.addresses(name).await.unwrap() == to).then_some(())
    })
    .await;
}

/// The records that Holdfast has written down for a domain: names and states.
async fn written(house: &House, id: DomainId) -> Vec<(ProviderId, String, String)> {
    let plans = house
        .control
        .store()
        .read(store::records::list_address_records)
        .await;
    let plan = plans.unwrap().into_iter().find(|plan| plan.domain == id);
    let known = plan.into_iter().flat_map(|plan| plan.stored);
    known
        .map(|row| (row.provider, row.record.name, format!("{:?}", row.state)))
        .collect()
}

async fn until_written(house: &House, id: DomainId, of: &(ProviderId, String, String)) {
    until("it is written down so", async || {
        written(house, id).await.contains(of).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_leads_to_the_edge_hosts_as_long_as_it_is_published() {
    let named = Named::start();
    let house = house(&named).await;
    let zone = zone(&named);
    let spec = provider(&named, "zone", "example.org");
    let by = providers::create(&house.control, &SYSTEM, spec)
        .await
        .unwrap();
    let id = add(&house, kept(&house, by)).await;
    let wiki = publish(&house, "wiki", "example.org").await;
    until_led(&*zone, "wiki.example.org", &[EDGE]).await;

    // A name that leads elsewhere is somebody's, and this is said.
    publish(&house, "www", "example.org").await;
    let trouble = until("it is told", async || {
        let troubles = domains::address_troubles(&house.control, &SYSTEM, id).await;
        troubles.unwrap().pop()
    })
    .await;
    assert_eq!(
        (trouble.name.as_str(), trouble.value.as_str()),
        ("www.example.org", EDGE)
    );
    assert!(
        trouble.trouble.words.contains("leads to 192.0.2."),
        "{trouble:?}"
    );
    assert!(trouble.next_try.is_some());

    // One that leads there already by somebody's hand stays when it is published no more.
    let by_hand = Record {
        name: "hand.example.org".into(),
        value: dns::Value::A(EDGE.parse().unwrap()),
    };
    zone.add(&by_hand).await.unwrap();
    let hand = publish(&house, "hand", "example.org").await;
    let found = (by, by_hand.name.clone(), "Found".to_owned());
    until_written(&house, id, &found).await;
    house.ended(hand.job).await;
    house.delete(hand.id, "hand").await;
    until("it is forgotten", async || {
        (!written(&house, id).await.contains(&found)).then_some(())
    })
    .await;
    house.ended(wiki.job).await;
    house.delete(wiki.id, "wiki").await;
    until_led(&*zone, "wiki.example.org", &[]).await;
    until_led(&*zone, &by_hand.name, &[EDGE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_was_never_reached_can_be_mended_and_deleted() {
    let named = Named::start();
    let house = house(&named).await;
    let wrong = || ProviderSpec {
        settings: provider(&named, "zone", "example.com").settings,
        ..provider(&named, "zone", "example.org")
    };
    let by = providers::create(&house.control, &SYSTEM, wrong())
        .await
        .unwrap();
    let id = add(&house, kept(&house, by)).await;
    publish(&house, "wiki", "example.org").await;
    until("it is told", async || {
        let troubles = domains::address_troubles(&house.control, &SYSTEM, id).await;
        troubles.unwrap().pop()
    })
    .await;
    let right = provider(&named, "zone", "example.org");
    providers::update(&house.control, &SYSTEM, by, right)
        .await
        .unwrap();
    // What was in vain is done at once, and not when it would have been by itself.
    until_led(&*zone(&named), "wiki.example.org", &[EDGE]).await;
    until("all is well", async || {
        let troubles = domains::address_troubles(&house.control, &SYSTEM, id).await;
        troubles.unwrap().is_empty().then_some(())
    })
    .await;

    // It is gone, with what it kept: this cannot be taken away, and must not be in the way.
    drop(named);
    let none = domain(&house, "example.org", "self-signed");
    domains::update(&house.control, &SYSTEM, id, none.parse().unwrap())
        .await
        .unwrap();
    until("it was tried in vain", async || {
        let gone = providers::delete(&house.control, &SYSTEM, by, "zone").await;
        gone.is_ok().then_some(())
    })
    .await;
    assert!(written(&house, id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_of_the_same_zone_takes_over() {
    let named = Named::start();
    let house = house(&named).await;
    let zone = zone(&named);
    let make = async |name: &str| {
        let spec = provider(&named, name, "example.org");
        providers::create(&house.control, &SYSTEM, spec)
            .await
            .unwrap()
    };
    let (old, new) = (make("before").await, make("after").await);
    let id = add(&house, kept(&house, old)).await;
    publish(&house, "wiki", "example.org").await;
    let name = "wiki.example.org".to_owned();
    until_written(&house, id, &(old, name.clone(), "There".into())).await;

    // Where its records are, it cannot be made another.
    let elsewhere = provider(&named, "before", "example.net");
    let refused = providers::update(&house.control, &SYSTEM, old, elsewhere).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );

    let spec = kept(&house, new).parse().unwrap();
    domains::update(&house.control, &SYSTEM, id, spec)
        .await
        .unwrap();
    until_written(&house, id, &(new, name.clone(), "There".into())).await;
    until("the old one is rid of it", async || {
        (written(&house, id).await.len() == 1).then_some(())
    })
    .await;
    until_led(&*zone, &name, &[EDGE]).await;
    providers::delete(&house.control, &SYSTEM, old, "before")
        .await
        .unwrap();
}
