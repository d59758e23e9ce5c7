//! Address records of published names at a real name server (BIND): created, left alone if they
//! existed before, and removed with the service.

use control::{domains, providers, sites};
use dns::{Provider, Record, Resolver};
use model::{
    DomainId, Error, ProviderId,
    domains::DomainForm,
    providers::{ProviderForm, ProviderSpec},
};
use test_servers::names::{KEY, NameServer, SECRET};

use crate::{
    certificates::{SYSTEM, add, domain, publish},
    test_app::{self, TestApp, wait_for},
};

const EDGE: &str = "198.51.100.7";

fn options(named: &NameServer) -> dns::Options {
    dns::Options {
        resolver: Resolver::with_servers(vec![named.address]).with_port(named.address.port()),
        ..dns::Options::default()
    }
}

/// Starts a [`TestApp`] whose site has the public address [`EDGE`].
async fn start_app(named: &NameServer) -> TestApp {
    let options = control::Options {
        dns: options(named),
        ..test_app::options()
    };
    let sim = proxmox_sim::start(proxmox_sim::Config::test())
        .await
        .unwrap();
    let app = TestApp::with_options(sim, options).await;
    let site = app.site;
    let row = app
        .control
        .store()
        .read(move |c| store::sites::get(c, site));
    let mut spec = row.await.unwrap().unwrap().spec;
    spec.public_v4 = Some(EDGE.parse().unwrap());
    sites::update(&app.control, &SYSTEM, site, spec)
        .await
        .unwrap();
    app
}

fn provider(named: &NameServer, name: &str, zone: &str) -> ProviderSpec {
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

/// Direct access to the zone on the name server, independent of Holdfast.
fn zone(named: &NameServer) -> Box<dyn Provider> {
    let spec = provider(named, "by-hand", "example.org");
    dns::open(&spec.settings, &spec.secret.unwrap(), &options(named)).unwrap()
}

fn domain_with_records(app: &TestApp, by: ProviderId) -> DomainForm {
    DomainForm {
        provider: by.to_string(),
        addresses: true,
        ..domain(app, "example.org", "self-signed")
    }
}

async fn wait_for_addresses(zone: &dyn Provider, name: &str, to: &[&str]) {
    let to: Vec<dns::RecordValue> = to
        .iter()
        .map(|to| dns::RecordValue::A(to.parse().unwrap()))
        .collect();
    wait_for("the address records", async || {
        (zone.addresses(name).await.unwrap() == to).then_some(())
    })
    .await;
}

/// The records that the database holds for a domain: provider, name and state.
async fn stored_records(app: &TestApp, id: DomainId) -> Vec<(ProviderId, String, String)> {
    let plans = app
        .control
        .store()
        .read(store::dns_records::list_address_records)
        .await;
    let plan = plans.unwrap().into_iter().find(|plan| plan.domain == id);
    let records = plan.into_iter().flat_map(|plan| plan.stored);
    records
        .map(|row| (row.provider, row.record.name, format!("{:?}", row.state)))
        .collect()
}

async fn wait_for_stored_record(app: &TestApp, id: DomainId, of: &(ProviderId, String, String)) {
    wait_for("the stored record", async || {
        stored_records(app, id).await.contains(of).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn address_records_exist_while_the_name_is_published() {
    let named = NameServer::start();
    let app = start_app(&named).await;
    let zone = zone(&named);
    let spec = provider(&named, "zone", "example.org");
    let by = providers::create(&app.control, &SYSTEM, spec)
        .await
        .unwrap();
    let id = add(&app, domain_with_records(&app, by)).await;
    let wiki = publish(&app, "wiki", "example.org").await;
    wait_for_addresses(&*zone, "wiki.example.org", &[EDGE]).await;

    // A name with an unmanaged address is left alone, and the conflict is reported.
    publish(&app, "www", "example.org").await;
    let last_error = wait_for("an address conflict", async || {
        let last_errors = domains::list_address_errors(&app.control, &SYSTEM, id).await;
        last_errors.unwrap().pop()
    })
    .await;
    assert_eq!(
        (last_error.name.as_str(), last_error.value.as_str()),
        ("www.example.org", EDGE)
    );
    assert!(
        last_error
            .last_error
            .message
            .contains("resolves to 192.0.2."),
        "{last_error:?}"
    );
    assert!(last_error.next_attempt.is_some());

    // A matching record that was created by hand stays after the service is deleted.
    let by_hand = Record {
        name: "hand.example.org".into(),
        value: dns::RecordValue::A(EDGE.parse().unwrap()),
    };
    zone.add(&by_hand).await.unwrap();
    let manual = publish(&app, "hand", "example.org").await;
    let existing = (by, by_hand.name.clone(), "Unmanaged".to_owned());
    wait_for_stored_record(&app, id, &existing).await;
    app.wait_for_job(manual.job).await;
    app.delete(manual.id, "hand").await;
    wait_for("removal of the stored record", async || {
        (!stored_records(&app, id).await.contains(&existing)).then_some(())
    })
    .await;
    app.wait_for_job(wiki.job).await;
    app.delete(wiki.id, "wiki").await;
    wait_for_addresses(&*zone, "wiki.example.org", &[]).await;
    wait_for_addresses(&*zone, &by_hand.name, &[EDGE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_provider_can_be_corrected_and_deleted() {
    let named = NameServer::start();
    let app = start_app(&named).await;
    let wrong = || ProviderSpec {
        settings: provider(&named, "zone", "example.com").settings,
        ..provider(&named, "zone", "example.org")
    };
    let by = providers::create(&app.control, &SYSTEM, wrong())
        .await
        .unwrap();
    let id = add(&app, domain_with_records(&app, by)).await;
    publish(&app, "wiki", "example.org").await;
    wait_for("an address error", async || {
        let last_errors = domains::list_address_errors(&app.control, &SYSTEM, id).await;
        last_errors.unwrap().pop()
    })
    .await;
    let right = provider(&named, "zone", "example.org");
    providers::update(&app.control, &SYSTEM, by, right)
        .await
        .unwrap();
    // An update of the provider retries failed records at once.
    wait_for_addresses(&*zone(&named), "wiki.example.org", &[EDGE]).await;
    wait_for("no address errors", async || {
        let last_errors = domains::list_address_errors(&app.control, &SYSTEM, id).await;
        last_errors.unwrap().is_empty().then_some(())
    })
    .await;

    // The name server is down, so the records cannot be removed. They must not block the deletion.
    drop(named);
    let none = domain(&app, "example.org", "self-signed");
    domains::update(&app.control, &SYSTEM, id, none.parse().unwrap())
        .await
        .unwrap();
    wait_for("deletion of the unreachable provider", async || {
        let deleted = providers::delete(&app.control, &SYSTEM, by, "zone").await;
        deleted.is_ok().then_some(())
    })
    .await;
    assert!(stored_records(&app, id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_move_to_another_provider_of_the_same_zone() {
    let named = NameServer::start();
    let app = start_app(&named).await;
    let zone = zone(&named);
    let create = async |name: &str| {
        let spec = provider(&named, name, "example.org");
        providers::create(&app.control, &SYSTEM, spec)
            .await
            .unwrap()
    };
    let (old, new) = (create("before").await, create("after").await);
    let id = add(&app, domain_with_records(&app, old)).await;
    publish(&app, "wiki", "example.org").await;
    let name = "wiki.example.org".to_owned();
    wait_for_stored_record(&app, id, &(old, name.clone(), "Present".into())).await;

    // The zone of a provider with records cannot be changed.
    let other_zone = provider(&named, "before", "example.net");
    let refused = providers::update(&app.control, &SYSTEM, old, other_zone).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );

    let spec = domain_with_records(&app, new).parse().unwrap();
    domains::update(&app.control, &SYSTEM, id, spec)
        .await
        .unwrap();
    wait_for_stored_record(&app, id, &(new, name.clone(), "Present".into())).await;
    wait_for("a single stored record", async || {
        (stored_records(&app, id).await.len() == 1).then_some(())
    })
    .await;
    wait_for_addresses(&*zone, &name, &[EDGE]).await;
    providers::delete(&app.control, &SYSTEM, old, "before")
        .await
        .unwrap();
}
