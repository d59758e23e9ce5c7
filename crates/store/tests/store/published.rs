//! Since when a site's edge hosts know of a container, and of which ones they have something to say.

use std::collections::BTreeSet;

use model::{
    ContainerId, ServiceId, SiteId,
    domains::{DomainSpec, Hsts},
    names::Label,
};
use store::{containers, domains, sites};

use crate::lab::{Lab, http, site_spec, tcp, v};

async fn generation(lab: &Lab, id: ContainerId) -> i64 {
    lab.r(move |c| containers::generation(c, id)).await
}

async fn of_site(lab: &Lab, site: SiteId) -> i64 {
    lab.r(move |c| sites::generation(c, site)).await.unwrap()
}

/// The containers that are affected after a generation, and by services.
async fn affected(lab: &Lab, site: SiteId, after: i64, of: &[ServiceId]) -> BTreeSet<ContainerId> {
    let of = of.to_vec();
    let (statements, found) = lab
        .counted(move |c| containers::affected(c, site, after, &of, 100))
        .await;
    assert!(statements <= 3, "{statements}");
    found.into_iter().map(|(id, _)| id).collect()
}

db_test!(a_change_is_known_by_the_site_s_generation, |lab| async {
    let ground = lab.ground().await;
    let site = ground.site;
    let (mut one, mut two) = (ground.container(1), ground.container(2));
    one.services = vec![http(ground.domain, "80", "one")];
    two.services = vec![tcp("22", "2022")];
    let one = lab.put(one).await;
    let two = lab.put(two).await;
    let made = of_site(&lab, site).await;
    assert_eq!(
        generation(&lab, two).await,
        made,
        "the newest change is its own"
    );
    assert!(generation(&lab, one).await < made, "and not the other's");
    assert_eq!(
        affected(&lab, site, made - 1, &[]).await,
        BTreeSet::from([two])
    );
    assert_eq!(affected(&lab, site, made, &[]).await, BTreeSet::new());

    let offered = lab.r(move |c| containers::get(c, one)).await.unwrap();
    let service = offered.services[0].id;
    assert_eq!(
        affected(&lab, site, made, &[service]).await,
        BTreeSet::from([one])
    );
    let named = lab
        .r(move |c| containers::offering(c, &[service, ServiceId(999)]))
        .await;
    assert_eq!(named, [(service, v::<Label>("c001"))]);

    // What its domain is changes what it is.
    let spec = DomainSpec {
        hsts: Hsts::Names,
        ..lab
            .r(move |c| domains::get(c, ground.domain))
            .await
            .unwrap()
            .spec
    };
    lab.w(move |c| domains::update(c, ground.domain, &spec))
        .await;
    let moved = of_site(&lab, site).await;
    assert_eq!(generation(&lab, one).await, moved);
    assert_eq!(generation(&lab, two).await, made, "it has no page there");
    assert_eq!(affected(&lab, site, made, &[]).await, BTreeSet::from([one]));

    // What the site is changes all.
    let spec = site_spec("lab", ground.cluster);
    lab.w(move |c| sites::update(c, site, &spec)).await;
    let all = of_site(&lab, site).await;
    assert_eq!(generation(&lab, two).await, all);
    assert_eq!(
        affected(&lab, site, moved, &[]).await,
        BTreeSet::from([one, two])
    );
});

db_test!(a_domain_counts_the_web_pages_under_it, |lab| async {
    let ground = lab.ground().await;
    let second = lab.domain("example.net", ground.site).await;
    let mut new = ground.container(1);
    new.services = vec![
        http(ground.domain, "80", "a"),
        http(ground.domain, "81", "b"),
        tcp("22", "2022"),
    ];
    lab.put(new).await;
    let all = lab.r(domains::list).await;
    let counts: Vec<_> = all.iter().map(|row| (row.id, row.services)).collect();
    assert_eq!(counts, [(second, 0), (ground.domain, 2)]);
});
