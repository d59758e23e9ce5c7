//! Names and addresses in a site's network that others have: leases that differ from what is
//! reserved, nodes' names, and ports and names that edge hosts need themselves.

use control::{Actor, agents, containers, domains, leases};
use edge::{Layout, NginxBuild};
use model::{
    Error,
    agents::About,
    containers::ContainerForm,
    domains::DomainForm,
    leases::{Lease, MOST},
    services::ServiceForm,
    users::UserForm,
};

use crate::house::{DEBIAN, House};

const SYSTEM: Actor = Actor::System;

pub fn layout() -> Layout {
    let place = |text: &str| text.parse().unwrap();
    Layout {
        live: place("/var/lib/holdfast-agent/live"),
        state: place("/var/lib/holdfast-agent/state"),
        run: place("/run"),
        log: place("/var/log/nginx"),
        tls: place("/var/lib/holdfast-agent/tls"),
        interface: "eth1".parse().unwrap(),
        ipv6: true,
        resolvers: Vec::new(),
        nginx_user: "www-data".parse().unwrap(),
        nginx: NginxBuild {
            version: (1, 22, 1),
            http3: false,
            stream_module: None,
        },
    }
}

pub fn about(address: &str) -> About {
    About {
        version: "0.1.0".into(),
        address: address.parse().unwrap(),
    }
}

pub async fn join(house: &House, name: &str, address: &str) -> agents::Agent {
    let control = &house.control;
    let invited = agents::invite(control, &SYSTEM, house.site, name.parse().unwrap()).await;
    let key = agents::join(
        control,
        &invited.unwrap().code.word,
        about(address),
        &layout(),
    )
    .await;
    agents::of_key(control, &key.unwrap()).await.unwrap()
}

fn lease(mac: impl ToString, address: &str) -> Lease {
    Lease {
        mac: mac.to_string().parse().unwrap(),
        address: address.parse().unwrap(),
        name: None,
        left_s: Some(3600),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_differs_from_its_reservation_is_shown() {
    let house = House::new().await;
    let control = &house.control;
    let (one, other) = (
        join(&house, "edge-1", "10.20.0.2").await,
        join(&house, "edge-2", "10.20.0.3").await,
    );
    let web = house.made("web").await;
    let own = web.row.address.to_string();
    assert_eq!(web.lent, None);
    let told = vec![
        lease(web.mac, "10.20.9.9"),
        lease("BC:24:11:FF:FF:FF", "10.20.9.10"),
    ];
    leases::tell(control, &other, told.clone()).await.unwrap();
    let all = leases::of_site(control, &SYSTEM, house.site).await;
    assert_eq!(all.unwrap(), [], "the other one gives out none");

    leases::tell(control, &one, told).await.unwrap();
    assert_eq!(
        house.view("web").await.lent,
        Some("10.20.9.9".parse().unwrap())
    );
    let all = leases::of_site(control, &SYSTEM, house.site).await.unwrap();
    let wrong = all.iter().find(|row| row.container.is_some()).unwrap();
    let words = wrong.wrong().unwrap();
    assert!(
        words.contains("10.20.9.9") && words.contains(&own),
        "{words}"
    );
    let unknown: Vec<_> = all.iter().filter(|row| row.is_unknown()).collect();
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].address.to_string(), "10.20.9.10");

    leases::tell(control, &one, vec![lease(web.mac, &own)])
        .await
        .unwrap();
    assert_eq!(house.view("web").await.lent, None);

    let many = vec![lease(web.mac, &own); MOST + 1];
    let refused = leases::tell(control, &one, many).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let ann = house.member("ann", UserForm::default()).await;
    let refused = leases::of_site(control, &ann, house.site).await;
    assert!(
        matches!(refused, Err(Error::Forbidden { .. })),
        "{refused:?}"
    );
}

/// The field and the words of a refusal.
fn field<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (String, String) {
    match outcome {
        Err(Error::Invalid { fields }) => (fields[0].field.clone(), fields[0].message.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_nodes_are_theirs_and_a_container_that_had_one_first_keeps_it() {
    let house = House::new().await;
    house.nodes_known().await;
    for name in ["pve1", "localhost"] {
        let (at, words) = field(house.create(&house.form(name, DEBIAN)).await);
        assert_eq!(at, "name", "{words}");
    }
    house.create(&house.form("late", DEBIAN)).await.unwrap();
    let cluster = house.cluster().await;
    // A node that comes later, with the name of a container, and one that is no name in lower case.
    let addresses = [("late", "192.0.2.21"), ("PVE9", "192.0.2.29")];
    let addresses = addresses
        .into_iter()
        .map(|(node, at)| (node.parse().unwrap(), at.parse().unwrap()))
        .collect();
    let set = move |c: &mut store::Conn| store::nodes::replace_addresses(c, cluster, &addresses);
    assert!(house.control.store().write(set).await.unwrap());
    let part = control::snapshot::Part {
        name_servers: Vec::new(),
        dhcp: false,
    };
    let site = control::snapshot::preview(&house.control, &SYSTEM, house.site, part).await;
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
async fn ports_that_edge_hosts_need_are_never_given() {
    let house = House::new().await;
    house.ports("52-54").await;
    let with = |services: Vec<ServiceForm>| ContainerForm {
        services,
        ..house.form("voice", DEBIAN)
    };
    let refused = with(vec![udp("53")]).parse().unwrap_err();
    assert_eq!(refused[0].field, "services.0.external");
    assert!(refused[0].message.contains("names"), "{refused:?}");
    // What comes past the form is refused as well.
    let mut new = with(vec![udp("54")]).parse().unwrap();
    new.spec.services = vec![model::services::ServiceSpec::Udp {
        port: 5000.try_into().unwrap(),
        external: Some(53.try_into().unwrap()),
        quiet: Default::default(),
    }];
    let (at, words) = field(containers::create(&house.control, &SYSTEM, new).await);
    assert_eq!(at, "services.0.external", "{words}");
    let second = ServiceForm {
        port: "5001".into(),
        ..udp("")
    };
    house.create(&with(vec![udp(""), second])).await.unwrap();
    let view = house.view("voice").await;
    let ports: Vec<u16> = view
        .services
        .iter()
        .filter_map(|service| Some(service.published.external()?.get()))
        .collect();
    assert_eq!(ports, [52, 54]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_a_web_page_s_or_a_domain_s() {
    let house = House::new().await;
    let control = &house.control;
    let domain = |name: &str| DomainForm {
        site: house.site.to_string(),
        name: name.into(),
        hsts: "off".into(),
        publishers: "everybody".into(),
        ..DomainForm::default()
    };
    let page = |name: &str, label: &str| ContainerForm {
        services: vec![ServiceForm {
            kind: "http".into(),
            port: "80".into(),
            label: label.into(),
            ..ServiceForm::default()
        }],
        ..house.form(name, DEBIAN)
    };
    house.create(&page("web", "docs")).await.unwrap();
    let taken = domain("docs.lab.example.org").parse().unwrap();
    let (at, words) = field(domains::create(control, &SYSTEM, taken).await);
    assert_eq!(at, "name", "{words}");
    let free = domain("apps.lab.example.org").parse().unwrap();
    let id = domains::create(control, &SYSTEM, free).await.unwrap();
    let moved = domain("docs.lab.example.org").parse().unwrap();
    assert_eq!(
        field(domains::update(control, &SYSTEM, id, moved).await).0,
        "name"
    );
    let (at, words) = field(house.create(&page("two", "apps")).await);
    assert_eq!(at, "services.0.label", "{words}");
    let (at, words) = field(house.create(&page("three", "docs")).await);
    assert_eq!(at, "services.0.label", "{words}");
}
