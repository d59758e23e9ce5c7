use std::{collections::BTreeMap, net::Ipv4Addr};

use model::{leases::Lease, names::NodeName};
use store::{Error, leases, nodes};

use crate::lab::v;

fn lease(mac: &str, address: &str, left_s: Option<u64>) -> Lease {
    Lease {
        mac: v(mac),
        address: v(address),
        name: None,
        left_s,
    }
}

const STRANGE: &str = "BC:24:11:FF:FF:FF";

db_test!(leases_are_those_that_were_told_last, |lab| async {
    let ground = lab.ground().await;
    let site = ground.site;
    let own = ground.container(1);
    let (mac, reserved) = (own.mac, own.address);
    let container = lab.put(own).await;
    let told = [
        lease(&mac.to_string(), "10.20.7.7", Some(3600)),
        Lease {
            name: Some(v("printer")),
            ..lease(STRANGE, "10.20.7.8", None)
        },
        lease("BC:24:11:FF:FF:FE", "10.20.7.9", Some(0)),
    ];
    let again = told.clone();
    assert!(lab.w(move |c| leases::replace(c, site, &told)).await);
    let told = again.clone();
    assert!(
        !lab.w(move |c| leases::replace(c, site, &again)).await,
        "the same once more is no news"
    );

    let (statements, found) = lab.counted(move |c| leases::of_site(c, site)).await;
    assert_eq!(statements, 1);
    let [wrong, strange] = &found[..] else {
        panic!("what has ended is none: {found:?}");
    };
    let holder = wrong.container.as_ref().unwrap();
    assert_eq!((holder.id, holder.reserved), (container, reserved));
    assert!(wrong.wrong().unwrap().contains("10.20.7.7") && wrong.until.is_some());
    assert!(strange.is_unknown() && strange.wrong().is_none() && strange.until.is_none());
    assert_eq!(strange.name, Some(v("printer")));
    let lent = lab.r(move |c| leases::of_mac(c, site, mac)).await;
    assert_eq!(lent, [v::<Ipv4Addr>("10.20.7.7")]);

    // The address is its own now, and another machine has the one of before.
    let moved = [
        lease(&mac.to_string(), &reserved.to_string(), Some(3600)),
        lease(STRANGE, "10.20.7.7", Some(3600)),
    ];
    assert!(lab.w(move |c| leases::replace(c, site, &moved)).await);
    let found = lab.r(move |c| leases::of_site(c, site)).await;
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|row| row.wrong().is_none()), "{found:?}");

    let other = lab.site("other", lab.cluster("second").await).await;
    assert!(lab.r(move |c| leases::of_site(c, other)).await.is_empty());
    let first = told[0].clone();
    let refused = lab
        .store
        .write(move |c| leases::replace(c, model::SiteId(999), std::slice::from_ref(&first)))
        .await;
    assert_eq!(refused, Err(Error::NotFound));
    lab.w(move |c| store::sites::delete(c, other)).await;
});

fn addresses(all: &[(&str, &str)]) -> BTreeMap<NodeName, Ipv4Addr> {
    all.iter().map(|(node, at)| (v(node), v(at))).collect()
}

db_test!(the_nodes_of_a_cluster_are_known_to_its_sites, |lab| async {
    let cluster = lab.cluster("demo").await;
    let (site, elsewhere) = (
        lab.site("one", cluster).await,
        lab.site("two", lab.cluster("other").await).await,
    );
    let generation = async |site| lab.r(move |c| store::sites::generation(c, site)).await;
    let (before, untouched) = (generation(site).await, generation(elsewhere).await);
    let all = addresses(&[("pve1", "192.0.2.11"), ("PVE2", "192.0.2.12")]);
    let told = all.clone();
    assert!(
        lab.w(move |c| nodes::set_addresses(c, cluster, &told))
            .await
    );
    assert_eq!(lab.r(move |c| nodes::addresses(c, cluster)).await, all);
    let after = generation(site).await;
    assert!(after > before, "its edge hosts are told");
    assert_eq!(generation(elsewhere).await, untouched);
    let told = all.clone();
    assert!(
        !lab.w(move |c| nodes::set_addresses(c, cluster, &told))
            .await
    );
    assert_eq!(generation(site).await, after, "the same is no news");
    let fewer = addresses(&[("pve1", "192.0.2.21")]);
    let told = fewer.clone();
    assert!(
        lab.w(move |c| nodes::set_addresses(c, cluster, &told))
            .await
    );
    assert_eq!(lab.r(move |c| nodes::addresses(c, cluster)).await, fewer);
});
