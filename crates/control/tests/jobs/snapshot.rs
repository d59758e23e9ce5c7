//! What a site's edge hosts are told.

use std::collections::BTreeSet;

use control::{
    Actor, domains,
    snapshot::{self, Part},
};
use edge::{Snapshot, Transport};
use model::{
    Error, containers::ContainerForm, domains::DomainForm, services::ServiceForm, users::UserForm,
};

use crate::house::{DEBIAN, House};

const SYSTEM: Actor = Actor::System;

fn service(kind: &str, port: &str) -> ServiceForm {
    ServiceForm {
        kind: kind.into(),
        port: port.into(),
        ..ServiceForm::default()
    }
}

async fn preview(house: &House, dhcp: bool) -> Snapshot {
    let part = Part {
        name_servers: vec!["10.20.0.2".parse().unwrap()],
        dhcp,
    };
    snapshot::preview(&house.control, &SYSTEM, house.site, part)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_container_offers_is_in_it_from_the_start() {
    let house = House::new().await;
    let domain = DomainForm {
        site: house.site.to_string(),
        name: "example.net".into(),
        sign_in: "http://10.20.0.5:4180".into(),
        hsts: "names".into(),
        publishers: "everybody".into(),
        ..DomainForm::default()
    };
    domains::create(&house.control, &SYSTEM, domain.parse().unwrap())
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
                tells_client: true,
                ..service("tcp", "22")
            },
            service("udp", "53"),
            ServiceForm {
                name: "_http._tcp".into(),
                ..service("srv", "80")
            },
        ],
        ..house.form("web", DEBIAN)
    };
    house.create(&form).await.unwrap();
    house.nodes_known().await;
    let site = preview(&house, true).await;

    let host = &site.hosts[0];
    assert_eq!(host.name.as_str(), "web");
    assert!(
        host.mac.is_some(),
        "its address is its own before it is made"
    );
    let dhcp = site.network.dhcp.expect("it gives out addresses");
    assert_eq!((dhcp.lease_s, dhcp.others), (43_200, None));
    let [own, other] = &site.domains[..] else {
        panic!("{:?}", site.domains)
    };
    assert_eq!(own.host(&own.services[0]), "web.lab.example.org");
    assert_eq!(other.host(&other.services[0]), "docs.example.net");
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

    assert_eq!(preview(&house, false).await.network.dhcp, None);
    assert_eq!(
        preview(&house, true).await,
        site,
        "equal sites make equal snapshots"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_as_many_statements_for_many_containers_as_for_one() {
    let house = House::new().await;
    let create = async |name: &str| {
        let form = ContainerForm {
            services: vec![service("http", "80"), service("tcp", "22")],
            ..house.form(name, DEBIAN)
        };
        house.create(&form).await.unwrap();
    };
    // Jobs ask the database meanwhile, so the least of several counts.
    let least = async || {
        let mut least = u64::MAX;
        for _ in 0..30 {
            let before = house.control.store().statement_count();
            preview(&house, true).await;
            least = least.min(house.control.store().statement_count() - before);
        }
        least
    };
    create("first").await;
    let one = least().await;
    for n in 0..8 {
        create(&format!("more-{n}")).await;
    }
    assert_eq!(least().await, one);
    let hosts = preview(&house, true).await.hosts;
    assert_eq!(hosts.iter().filter(|host| host.mac.is_some()).count(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_do_not_see_a_site_s_whole_network() {
    let house = House::new().await;
    let ann = house.member("ann", UserForm::default()).await;
    let part = Part {
        name_servers: Vec::new(),
        dhcp: false,
    };
    let refused = snapshot::preview(&house.control, &ann, house.site, part).await;
    assert!(
        matches!(refused, Err(Error::Forbidden { .. })),
        "{refused:?}"
    );
}
