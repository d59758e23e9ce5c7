use std::collections::BTreeSet;

use model::{
    DomainId, SiteId,
    domains::{DomainSpec, Hsts, Publishers},
};
use store::{Error, Unique, domains};

use crate::support::{parse, permit};

fn spec(site: SiteId, name: &str) -> DomainSpec {
    DomainSpec {
        site,
        name: parse(name),
        sign_in: None,
        forwards_access_token: false,
        hsts: Hsts::Off,
        publishers: Publishers::AllUsers,
        certificate_source: Default::default(),
        provider: None,
        addresses: false,
    }
}

db_test!(domain_round_trips, |db| async {
    let fixture = db.fixture().await;
    let site = fixture.site;
    let id = db
        .write(move |c| domains::insert(c, permit(), &spec(site, "a.example.org")))
        .await;
    let stored = db.read(move |c| domains::get(c, id)).await.unwrap();
    assert_eq!(
        (stored.id, &stored.spec),
        (id, &spec(site, "a.example.org"))
    );
    assert_eq!(stored.site_name, parse("lab"));

    let owner = db
        .read(move |c| store::users::get(c, fixture.owner))
        .await
        .unwrap();
    let desired = DomainSpec {
        sign_in: Some(parse("http://10.20.0.5:4180")),
        forwards_access_token: true,
        hsts: Hsts::Below,
        publishers: Publishers::Users(BTreeSet::from([owner.row.name, parse("unknown-user")])),
        ..spec(site, "example.net")
    };
    let change = desired.clone();
    db.write(move |c| domains::update(c, permit(), id, &change))
        .await;
    // An update without changes is not an error, whatever the database counts as changed rows.
    let again = desired.clone();
    db.write(move |c| domains::update(c, permit(), id, &again))
        .await;
    let changed = db.read(move |c| domains::get(c, id)).await.unwrap().spec;
    assert_eq!(
        changed.publishers.users().count(),
        1,
        "publishers who do not exist are ignored"
    );
    assert_eq!(
        (changed.sign_in, changed.forwards_access_token, changed.hsts),
        (desired.sign_in, true, desired.hsts)
    );
    let change = spec(site, "example.net");
    db.write(move |c| domains::update(c, permit(), id, &change))
        .await;
    let changed = db.read(move |c| domains::get(c, id)).await.unwrap().spec;
    assert_eq!(
        changed,
        spec(site, "example.net"),
        "the old values are replaced"
    );

    db.write(move |c| domains::delete(c, permit(), id)).await;
    let gone = Err(Error::NotFound);
    assert_eq!(
        db.store
            .write(move |c| domains::delete(c, permit(), id))
            .await,
        gone
    );
    let change = spec(site, "example.net");
    let refused = db
        .store
        .write(move |c| domains::update(c, permit(), id, &change))
        .await;
    assert_eq!(refused, Err(Error::NotFound));
});

db_test!(domain_is_unique_per_site_and_deleted_with_it, |db| async {
    let cluster = db.cluster("demo").await;
    let (one, other) = (
        db.site("one", cluster).await,
        db.site("other", cluster).await,
    );
    for site in [one, other] {
        db.write(move |c| domains::insert(c, permit(), &spec(site, "example.org")))
            .await;
    }
    let refused = db
        .store
        .write(move |c| domains::insert(c, permit(), &spec(one, "example.org")))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::DomainName)));
    let refused = db
        .store
        .write(|c| domains::insert(c, permit(), &spec(SiteId(999), "a.b")))
        .await;
    assert_eq!(refused, Err(Error::NotFound));
    let second = db
        .write(move |c| domains::insert(c, permit(), &spec(one, "a.example.org")))
        .await;
    let own = db.read(move |c| domains::list_by_site(c, one)).await;
    assert_eq!(
        own.last().map(|row| row.id),
        Some(second),
        "the oldest domain is first"
    );
    assert_eq!(own.len(), 2);

    db.write(move |c| store::sites::delete(c, permit(), one))
        .await;
    let (statements, left) = db.count_statements(domains::list).await;
    assert_eq!(statements, 6);
    let left: Vec<SiteId> = left.into_iter().map(|row| row.spec.site).collect();
    assert_eq!(left, [other]);
    assert_eq!(db.read(|c| domains::get(c, DomainId(999))).await, None);
});

db_test!(lists_contain_more_than_500_domains, |db| async {
    let site = db.fixture().await.site;
    let insert = move |c: &mut store::Conn| {
        (0..600).try_for_each(|n| {
            domains::insert(c, permit(), &spec(site, &format!("d{n}.example.net"))).map(drop)
        })
    };
    db.write(insert).await;
    let all = db.read(domains::list).await;
    assert_eq!(all.len(), 601);
    let own = db.read(move |c| domains::list_by_site(c, site)).await;
    assert_eq!(own.len(), 601);
});
