//! Conflicts in a site's network: leases that differ from reservations, hostnames of nodes, and
//! ports that edge hosts need for themselves.

use control::{Actor, containers, dhcp_leases, domains};
use model::{
    Error,
    containers::ContainerForm,
    dhcp_leases::{Lease, MAX_LEASES},
    domains::DomainForm,
    services::ServiceForm,
};

use crate::{
    hosts::Host,
    test_app::{DEBIAN, TestApp},
};

const SYSTEM: Actor = Actor::System;

fn lease(mac: impl ToString, address: &str) -> Lease {
    Lease {
        mac: mac.to_string().parse().unwrap(),
        address: address.parse().unwrap(),
        name: None,
        remaining_s: Some(3600),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lease_that_differs_from_its_reservation_is_reported() {
    let app = TestApp::new().await;
    let control = &app.control;
    let (dhcp_server, standby) = (
        Host::join(&app, "edge-1", "10.20.0.2").await.agent,
        Host::join(&app, "edge-2", "10.20.0.3").await.agent,
    );
    let web = app.create_and_wait("web").await;
    let own = web.row.address.to_string();
    assert_eq!(web.leased_address, None);
    let leases = vec![
        lease(web.mac, "10.20.9.9"),
        lease("BC:24:11:FF:FF:FF", "10.20.9.10"),
    ];
    dhcp_leases::report(control, &standby, leases.clone())
        .await
        .unwrap();
    let all = dhcp_leases::list(control, &SYSTEM, app.site).await;
    assert_eq!(
        all.unwrap(),
        [],
        "leases of a host that is not the DHCP server are ignored"
    );

    dhcp_leases::report(control, &dhcp_server, leases)
        .await
        .unwrap();
    assert_eq!(
        app.view("web").await.leased_address,
        Some("10.20.9.9".parse().unwrap())
    );
    let all = dhcp_leases::list(control, &SYSTEM, app.site).await.unwrap();
    let wrong = all.iter().find(|row| row.container.is_some()).unwrap();
    let message = wrong.mismatch_message().unwrap();
    assert!(
        message.contains("10.20.9.9") && message.contains(&own),
        "{message}"
    );
    let unknown: Vec<_> = all.iter().filter(|row| row.is_unknown()).collect();
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].address.to_string(), "10.20.9.10");

    dhcp_leases::report(control, &dhcp_server, vec![lease(web.mac, &own)])
        .await
        .unwrap();
    assert_eq!(app.view("web").await.leased_address, None);

    let many = vec![lease(web.mac, &own); MAX_LEASES + 1];
    let refused = dhcp_leases::report(control, &dhcp_server, many).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}

/// Returns the field name and message of a validation error.
fn field<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (String, String) {
    match outcome {
        Err(Error::Invalid { fields }) => (fields[0].field.clone(), fields[0].message.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_names_are_reserved_but_an_existing_container_keeps_its_name() {
    let app = TestApp::new().await;
    app.wait_for_node_addresses().await;
    for name in ["pve1", "localhost"] {
        let (name, message) = field(app.create(&app.form(name, DEBIAN)).await);
        assert_eq!(name, "name", "{message}");
    }
    app.create(&app.form("late", DEBIAN)).await.unwrap();
    let cluster = app.cluster().await;
    // One node appears later with the name of a container, the other has an uppercase name.
    let addresses = [("late", "192.0.2.21"), ("PVE9", "192.0.2.29")];
    let addresses = addresses
        .into_iter()
        .map(|(node, at)| (node.parse().unwrap(), at.parse().unwrap()))
        .collect();
    let set = move |c: &mut store::Conn| store::nodes::replace_addresses(c, cluster, &addresses);
    assert!(app.control.store().write(set).await.unwrap());
    let role = control::site_config::EdgeRole {
        name_servers: Vec::new(),
        dhcp: false,
    };
    let site = control::site_config::preview(&app.control, &SYSTEM, app.site, role).await;
    let hosts: Vec<(String, bool)> = site
        .unwrap()
        .hosts
        .iter()
        .map(|host| (host.name.to_string(), host.mac.is_some()))
        .collect();
    assert_eq!(
        hosts,
        [("late".to_owned(), true), ("pve9".to_owned(), false)]
    );
}

fn udp(external: &str) -> ServiceForm {
    ServiceForm {
        kind: "udp".into(),
        port: "5000".into(),
        external: external.into(),
        ..ServiceForm::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_used_by_edge_hosts_are_not_allocated() {
    let app = TestApp::new().await;
    app.set_ports("52-54").await;
    let with = |services: Vec<ServiceForm>| ContainerForm {
        services,
        ..app.form("voice", DEBIAN)
    };
    let refused = with(vec![udp("53")]).parse().unwrap_err();
    assert_eq!(refused[0].field, "services.0.external");
    assert!(refused[0].message.contains("DNS"), "{refused:?}");
    // A port that bypasses the form's validation is refused too.
    let mut new = with(vec![udp("54")]).parse().unwrap();
    new.spec.services = vec![model::services::ServiceSpec::Udp {
        port: 5000.try_into().unwrap(),
        external: Some(53.try_into().unwrap()),
        idle_timeout: Default::default(),
    }];
    let (name, message) = field(containers::create(&app.control, &SYSTEM, new).await);
    assert_eq!(name, "services.0.external", "{message}");
    let second = ServiceForm {
        port: "5001".into(),
        ..udp("")
    };
    app.create(&with(vec![udp(""), second])).await.unwrap();
    let view = app.view("voice").await;
    let ports: Vec<u16> = view
        .services
        .iter()
        .filter_map(|service| Some(service.published.external()?.get()))
        .collect();
    assert_eq!(ports, [52, 54]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostname_of_a_service_conflicts_with_a_domain() {
    let app = TestApp::new().await;
    let control = &app.control;
    let domain = |name: &str| DomainForm {
        site: app.site.to_string(),
        name: name.into(),
        hsts: "off".into(),
        publishers: "all-users".into(),
        ..DomainForm::default()
    };
    let page = |name: &str, label: &str| ContainerForm {
        services: vec![ServiceForm {
            kind: "http".into(),
            port: "80".into(),
            label: label.into(),
            ..ServiceForm::default()
        }],
        ..app.form(name, DEBIAN)
    };
    app.create(&page("web", "docs")).await.unwrap();
    let used = domain("docs.lab.example.org").parse().unwrap();
    let (name, message) = field(domains::create(control, &SYSTEM, used).await);
    assert_eq!(name, "name", "{message}");
    let free = domain("apps.lab.example.org").parse().unwrap();
    let id = domains::create(control, &SYSTEM, free).await.unwrap();
    let moved = domain("docs.lab.example.org").parse().unwrap();
    assert_eq!(
        field(domains::update(control, &SYSTEM, id, moved).await).0,
        "name"
    );
    let (name, message) = field(app.create(&page("two", "apps")).await);
    assert_eq!(name, "services.0.label", "{message}");
    let (name, message) = field(app.create(&page("three", "docs")).await);
    assert_eq!(name, "services.0.label", "{message}");
}
