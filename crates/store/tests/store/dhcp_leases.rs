use std::{collections::BTreeMap, net::Ipv4Addr};

use model::{dhcp_leases::Lease, names::NodeName};
use store::{Error, dhcp_leases, nodes};

use crate::support::{parse, permit};

fn lease(mac: &str, address: &str, remaining_s: Option<u64>) -> Lease {
    Lease {
        mac: parse(mac),
        address: parse(address),
        name: None,
        remaining_s,
    }
}

const UNKNOWN_MAC: &str = "BC:24:11:FF:FF:FF";

db_test!(leases_are_replaced_by_the_last_report, |db| async {
    let fixture = db.fixture().await;
    let site = fixture.site;
    let own = fixture.container(1);
    let (mac, reserved) = (own.mac, own.address);
    let container = db.insert_container(own).await;
    let reported = [
        lease(&mac.to_string(), "10.20.7.7", Some(3600)),
        Lease {
            name: Some(parse("printer")),
            ..lease(UNKNOWN_MAC, "10.20.7.8", None)
        },
        lease("BC:24:11:FF:FF:FE", "10.20.7.9", Some(0)),
    ];
    let repeated = reported.clone();
    assert!(
        db.write(move |c| dhcp_leases::replace(c, site, &reported))
            .await
    );
    let reported = repeated.clone();
    assert!(
        !db.write(move |c| dhcp_leases::replace(c, site, &repeated))
            .await,
        "the same leases are no change"
    );

    let (statements, stored) = db
        .count_statements(move |c| dhcp_leases::list_by_site(c, site))
        .await;
    assert_eq!(statements, 1);
    let [wrong, unknown] = &stored[..] else {
        panic!("expected the two unexpired leases: {stored:?}");
    };
    let leased_to = wrong.container.as_ref().unwrap();
    assert_eq!((leased_to.id, leased_to.reserved), (container, reserved));
    assert!(wrong.mismatch_message().unwrap().contains("10.20.7.7") && wrong.until.is_some());
    assert!(
        unknown.is_unknown() && unknown.mismatch_message().is_none() && unknown.until.is_none()
    );
    assert_eq!(unknown.name, Some(parse("printer")));
    let leased = db
        .read(move |c| dhcp_leases::list_addresses_by_mac(c, site, mac))
        .await;
    assert_eq!(leased, [parse::<Ipv4Addr>("10.20.7.7")]);

    // The container has its reserved address now, and another machine has the previous one.
    let moved = [
        lease(&mac.to_string(), &reserved.to_string(), Some(3600)),
        lease(UNKNOWN_MAC, "10.20.7.7", Some(3600)),
    ];
    assert!(
        db.write(move |c| dhcp_leases::replace(c, site, &moved))
            .await
    );
    let stored = db.read(move |c| dhcp_leases::list_by_site(c, site)).await;
    assert_eq!(stored.len(), 2);
    assert!(
        stored.iter().all(|row| row.mismatch_message().is_none()),
        "{stored:?}"
    );

    let other = db.site("other", db.cluster("second").await).await;
    assert!(
        db.read(move |c| dhcp_leases::list_by_site(c, other))
            .await
            .is_empty()
    );
    let first = reported[0].clone();
    let refused = db
        .store
        .write(move |c| dhcp_leases::replace(c, model::SiteId(999), std::slice::from_ref(&first)))
        .await;
    assert_eq!(refused, Err(Error::NotFound));
    db.write(move |c| store::sites::delete(c, permit(), other))
        .await;
});

fn addresses(all: &[(&str, &str)]) -> BTreeMap<NodeName, Ipv4Addr> {
    all.iter()
        .map(|(node, at)| (parse(node), parse(at)))
        .collect()
}

db_test!(
    changed_node_addresses_increment_site_generations,
    |db| async {
        let cluster = db.cluster("demo").await;
        let (site, other_site) = (
            db.site("one", cluster).await,
            db.site("two", db.cluster("other").await).await,
        );
        let generation = async |site| {
            db.read(move |c| store::sites::get_generation(c, site))
                .await
        };
        let (before, untouched) = (generation(site).await, generation(other_site).await);
        let all = addresses(&[("pve1", "192.0.2.11"), ("PVE2", "192.0.2.12")]);
        let reported = all.clone();
        assert!(
            db.write(move |c| nodes::replace_addresses(c, cluster, &reported))
                .await
        );
        assert_eq!(
            db.read(move |c| nodes::list_addresses(c, cluster)).await,
            all
        );
        let after = generation(site).await;
        assert!(after > before, "the generation of the site is incremented");
        assert_eq!(generation(other_site).await, untouched);
        let reported = all.clone();
        assert!(
            !db.write(move |c| nodes::replace_addresses(c, cluster, &reported))
                .await
        );
        assert_eq!(
            generation(site).await,
            after,
            "the same addresses are no change"
        );
        let fewer = addresses(&[("pve1", "192.0.2.21")]);
        let reported = fewer.clone();
        assert!(
            db.write(move |c| nodes::replace_addresses(c, cluster, &reported))
                .await
        );
        assert_eq!(
            db.read(move |c| nodes::list_addresses(c, cluster)).await,
            fewer
        );
    }
);
