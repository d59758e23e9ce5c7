//! Services of a container.

use model::{
    publish::{BackendProtocol, HttpOptions},
    services::{ServiceEndpoint, TcpOptions},
};
use store::{
    Error,
    containers::{self, BoundService, ServiceAllocation, ServiceBinding},
};

use crate::{
    containers::get,
    support::{allocation, http, parse, permit, tcp},
};

db_test!(services_keep_their_rows_and_can_swap_ports, |db| async {
    let fixture = db.fixture().await;
    let mut new = fixture.container(1);
    new.services = vec![
        tcp("22", "2022"),
        tcp("25", "2025"),
        http(fixture.domain, "80", "web"),
    ];
    let id = db.insert_container(new).await;
    let before = get(&db, id).await.services;
    let spec = crate::support::spec();
    let services = [
        http(fixture.domain, "81", "web"),
        tcp("25", "2022"),
        tcp("22", "2025"),
        http(fixture.domain, "80", "www"),
    ];
    assert!(
        db.write(move |c| containers::update_spec(
            c,
            permit(),
            id,
            1,
            &spec,
            &allocation(&services)
        ))
        .await
    );
    let after = get(&db, id).await.services;
    let text: Vec<_> = after
        .iter()
        .map(|s| format!("{} {}", s.port, s.public_address(&parse("lab"))))
        .collect();
    assert_eq!(
        text,
        [
            "81 https://web.example.org",
            "25 lab:2022/tcp",
            "22 lab:2025/tcp",
            "80 https://www.example.org"
        ]
    );
    assert_eq!(
        (after[1].id, after[2].id, after[3].id),
        (before[1].id, before[0].id, before[2].id)
    );
    assert!(before.iter().all(|old| old.id != after[0].id));
    let spec = crate::support::spec();
    assert!(
        db.write(move |c| containers::update_spec(
            c,
            permit(),
            id,
            2,
            &spec,
            &ServiceAllocation::default()
        ))
        .await
    );
    assert_eq!(get(&db, id).await.services, []);
});

db_test!(
    every_kind_of_service_round_trips_with_its_options,
    |db| async {
        let fixture = db.fixture().await;
        let other = db.domain("example.net", fixture.site).await;
        let options = HttpOptions {
            backend: BackendProtocol::HttpsVerified,
            body: parse("10"),
            idle_timeout: parse("30"),
            buffering: true,
            sign_in: true,
        };
        let tcp_options = TcpOptions {
            idle_timeout: parse("5"),
            proxy_protocol: true,
        };
        let bindings = [
            ServiceBinding::Http {
                label: parse("web"),
                domain: other,
                options,
            },
            ServiceBinding::Tcp {
                external: parse("2000"),
                options: tcp_options,
                tls: None,
            },
            ServiceBinding::Udp {
                external: parse("2000"),
                idle_timeout: parse("7"),
            },
            ServiceBinding::Srv {
                name: parse("_sip._tcp"),
            },
        ];
        let mut new = fixture.container(1);
        let service = |binding| BoundService {
            container_port: parse("80"),
            binding,
        };
        new.services = bindings.into_iter().map(service).collect();
        // The same label under another domain is a different hostname.
        new.services.push(http(fixture.domain, "81", "web"));
        let id = db.insert_container(new).await;
        let all = get(&db, id).await.services;
        let addresses: Vec<String> = all
            .iter()
            .map(|s| s.public_address(&parse("lab.internal")))
            .collect();
        assert_eq!(
            addresses,
            [
                "https://web.example.net",
                "lab.internal:2000/tcp",
                "lab.internal:2000/udp",
                "_sip._tcp.lab.internal",
                "https://web.example.org",
            ]
        );
        let published: Vec<ServiceEndpoint> = all.into_iter().map(|s| s.published).collect();
        let domain = parse("example.net");
        assert_eq!(
            published[0],
            ServiceEndpoint::Http {
                label: parse("web"),
                domain,
                options
            }
        );
        assert_eq!(
            published[1],
            ServiceEndpoint::Tcp {
                external: parse("2000"),
                options: tcp_options,
                tls: None,
            }
        );
        assert_eq!(
            published[2],
            ServiceEndpoint::Udp {
                external: parse("2000"),
                idle_timeout: parse("7")
            }
        );
        let refused = db
            .store
            .write(move |c| store::domains::delete(c, permit(), other))
            .await;
        assert_eq!(refused, Err(Error::InUse), "a domain in use is not deleted");
        // An updated service keeps no old values.
        let spec = crate::support::spec();
        let plain = [http(fixture.domain, "80", "web")];
        assert!(
            db.write(move |c| containers::update_spec(
                c,
                permit(),
                id,
                1,
                &spec,
                &allocation(&plain)
            ))
            .await
        );
        let domain = parse("example.org");
        let options = HttpOptions::default();
        let left = get(&db, id).await.services.remove(0).published;
        assert_eq!(
            left,
            ServiceEndpoint::Http {
                label: parse("web"),
                domain,
                options
            }
        );
        db.write(move |c| store::domains::delete(c, permit(), other))
            .await;
    }
);
