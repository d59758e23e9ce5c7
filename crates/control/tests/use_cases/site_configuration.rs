//! The configuration that a site's edge hosts receive.

use std::collections::BTreeSet;

use control::{
    Actor, domains,
    site_config::{self, EdgeRole},
};
use edge::{SiteConfig, Transport};
use model::{containers::ContainerForm, domains::DomainForm, services::ServiceForm};

use crate::test_app::{DEBIAN, TestApp};

const SYSTEM: Actor = Actor::System;

fn service(kind: &str, port: &str) -> ServiceForm {
    ServiceForm {
        kind: kind.into(),
        port: port.into(),
        ..ServiceForm::default()
    }
}

async fn preview(app: &TestApp, dhcp: bool) -> SiteConfig {
    let role = EdgeRole {
        name_servers: vec!["10.20.0.2".parse().unwrap()],
        dhcp,
    };
    site_config::preview(&app.control, &SYSTEM, app.site, role)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn site_configuration_contains_all_services_before_creation_ends() {
    let app = TestApp::new().await;
    let domain = DomainForm {
        site: app.site.to_string(),
        name: "example.net".into(),
        sign_in: "http://10.20.0.5:4180".into(),
        forwards_access_token: true,
        hsts: "names".into(),
        publishers: "all-users".into(),
        ..DomainForm::default()
    };
    domains::create(&app.control, &SYSTEM, domain.parse().unwrap())
        .await
        .unwrap();
    let form = ContainerForm {
        services: vec![
            service("http", "80"),
            ServiceForm {
                label: "docs".into(),
                domain: "example.net".into(),
                sign_in: true,
                body: "10".into(),
                ..service("http", "8080")
            },
            ServiceForm {
                proxy_protocol: true,
                ..service("tcp", "22")
            },
            service("udp", "53"),
            ServiceForm {
                name: "_http._tcp".into(),
                ..service("srv", "80")
            },
        ],
        ..app.form("web", DEBIAN)
    };
    app.create(&form).await.unwrap();
    app.wait_for_node_addresses().await;
    let site = preview(&app, true).await;

    let host = &site.hosts[0];
    assert_eq!(host.name.as_str(), "web");
    assert!(
        host.mac.is_some(),
        "the IP address is reserved before the container exists"
    );
    let dhcp = site.network.dhcp.expect("this host is the DHCP server");
    assert_eq!((dhcp.lease_s, dhcp.others), (43_200, None));
    let [own, other] = &site.domains[..] else {
        panic!("{:?}", site.domains)
    };
    assert_eq!(own.hostname(&own.services[0]), "web.lab.example.org");
    assert_eq!(other.hostname(&other.services[0]), "docs.example.net");
    assert!(other.forwards_access_token && !own.forwards_access_token);
    let options = other.services[0].options;
    assert!(options.sign_in && options.body.get() == 10);
    assert_eq!(
        other.sign_in.as_ref().unwrap().to_string(),
        "http://10.20.0.5:4180"
    );
    let streams: Vec<(Transport, u16)> = site
        .streams
        .iter()
        .map(|stream| (stream.transport, stream.port.get()))
        .collect();
    assert_eq!(
        streams,
        [(Transport::TcpFromProxy, 22), (Transport::Udp, 53)]
    );
    assert_eq!(site.records[0].name.as_str(), "_http._tcp");
    let addresses: BTreeSet<_> = own.services.iter().map(|service| service.address).collect();
    assert_eq!(addresses, BTreeSet::from([host.address]));

    assert_eq!(preview(&app, false).await.network.dhcp, None);
    assert_eq!(
        preview(&app, true).await,
        site,
        "equal sites produce equal configurations"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_count_is_independent_of_container_count() {
    let app = TestApp::new().await;
    let create = async |name: &str| {
        let form = ContainerForm {
            services: vec![service("http", "80"), service("tcp", "22")],
            ..app.form(name, DEBIAN)
        };
        app.create(&form).await.unwrap();
    };
    // Jobs query the database concurrently, so the minimum of several runs counts.
    let least = async || {
        let mut least = u64::MAX;
        for _ in 0..30 {
            let before = app.control.store().statement_count();
            preview(&app, true).await;
            least = least.min(app.control.store().statement_count() - before);
        }
        least
    };
    create("first").await;
    let one = least().await;
    for n in 0..8 {
        create(&format!("more-{n}")).await;
    }
    assert_eq!(least().await, one);
    let hosts = preview(&app, true).await.hosts;
    assert_eq!(hosts.iter().filter(|host| host.mac.is_some()).count(), 9);
}
