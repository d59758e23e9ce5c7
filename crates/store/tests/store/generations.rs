//! Generations of containers, and the containers that a change of a site affects.

use std::collections::BTreeSet;

use model::{
    ContainerId, ServiceId, SiteId,
    domains::{DomainSpec, Hsts},
    names::Label,
};
use store::{containers, domains, sites};

use crate::support::{TestStore, http, parse, permit, site_spec, tcp};

async fn generation(db: &TestStore, id: ContainerId) -> i64 {
    db.read(move |c| containers::get_generation(c, id)).await
}

async fn of_site(db: &TestStore, site: SiteId) -> i64 {
    db.read(move |c| sites::get_generation(c, site))
        .await
        .unwrap()
}

/// Returns the containers that changed after a generation, and those of these services.
async fn affected(
    db: &TestStore,
    site: SiteId,
    after: i64,
    of: &[ServiceId],
) -> BTreeSet<ContainerId> {
    let of = of.to_vec();
    let (statements, stored) = db
        .count_statements(move |c| containers::list_affected(c, site, after, &of, 100))
        .await;
    assert!(statements <= 3, "{statements}");
    stored.into_iter().map(|(id, _)| id).collect()
}

db_test!(changes_set_the_generation_of_the_site, |db| async {
    let fixture = db.fixture().await;
    let site = fixture.site;
    let (mut first, mut second) = (fixture.container(1), fixture.container(2));
    first.services = vec![http(fixture.domain, "80", "one")];
    second.services = vec![tcp("22", "2022")];
    let first = db.insert_container(first).await;
    let second = db.insert_container(second).await;
    let created = of_site(&db, site).await;
    assert_eq!(
        generation(&db, second).await,
        created,
        "the newest change is of the second container"
    );
    assert!(
        generation(&db, first).await < created,
        "the first container is older"
    );
    assert_eq!(
        affected(&db, site, created - 1, &[]).await,
        BTreeSet::from([second])
    );
    assert_eq!(affected(&db, site, created, &[]).await, BTreeSet::new());

    let record = db.read(move |c| containers::get(c, first)).await.unwrap();
    let service = record.services[0].id;
    assert_eq!(
        affected(&db, site, created, &[service]).await,
        BTreeSet::from([first])
    );
    let names = db
        .read(move |c| containers::list_names_by_services(c, &[service, ServiceId(999)]))
        .await;
    assert_eq!(names, [(service, parse::<Label>("c001"))]);

    // A change of the domain changes the container.
    let spec = DomainSpec {
        hsts: Hsts::Names,
        ..db.read(move |c| domains::get(c, fixture.domain))
            .await
            .unwrap()
            .spec
    };
    db.write(move |c| domains::update(c, permit(), fixture.domain, &spec))
        .await;
    let changed = of_site(&db, site).await;
    assert_eq!(generation(&db, first).await, changed);
    assert_eq!(
        generation(&db, second).await,
        created,
        "the second container does not use the domain"
    );
    assert_eq!(
        affected(&db, site, created, &[]).await,
        BTreeSet::from([first])
    );

    // A change of the site changes all containers.
    let spec = site_spec("lab", fixture.cluster);
    db.write(move |c| sites::update(c, permit(), site, &spec))
        .await;
    let all = of_site(&db, site).await;
    assert_eq!(generation(&db, second).await, all);
    assert_eq!(
        affected(&db, site, changed, &[]).await,
        BTreeSet::from([first, second])
    );
});

db_test!(domain_counts_its_http_services, |db| async {
    let fixture = db.fixture().await;
    let second = db.domain("example.net", fixture.site).await;
    let mut new = fixture.container(1);
    new.services = vec![
        http(fixture.domain, "80", "a"),
        http(fixture.domain, "81", "b"),
        tcp("22", "2022"),
    ];
    db.insert_container(new).await;
    let all = db.read(domains::list).await;
    let counts: Vec<_> = all.iter().map(|row| (row.id, row.services)).collect();
    assert_eq!(counts, [(second, 0), (fixture.domain, 2)]);
});
