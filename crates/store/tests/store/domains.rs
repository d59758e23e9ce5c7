use std::collections::BTreeSet;

use model::{
    DomainId, SiteId,
    domains::{DomainSpec, Hsts, Publishers},
};
use store::{Error, Unique, domains};

use crate::lab::v;

fn spec(site: SiteId, name: &str) -> DomainSpec {
    DomainSpec {
        site,
        name: v(name),
        sign_in: None,
        hsts: Hsts::Off,
        publishers: Publishers::Everybody,
        issuance: Default::default(),
        provider: None,
        addresses: false,
    }
}

db_test!(a_domain_comes_back_as_it_was_written, |lab| async {
    let ground = lab.ground().await;
    let site = ground.site;
    let id = lab
        .w(move |c| domains::insert(c, &spec(site, "a.example.org")))
        .await;
    let found = lab.r(move |c| domains::get(c, id)).await.unwrap();
    assert_eq!((found.id, &found.spec), (id, &spec(site, "a.example.org")));
    assert_eq!(found.site_name, v("lab"));

    let owner = lab
        .r(move |c| store::users::get(c, ground.owner))
        .await
        .unwrap();
    let wanted = DomainSpec {
        sign_in: Some(v("http://10.20.0.5:4180")),
        hsts: Hsts::Below,
        publishers: Publishers::People(BTreeSet::from([owner.row.name, v("nobody-there")])),
        ..spec(site, "example.net")
    };
    let change = wanted.clone();
    lab.w(move |c| domains::update(c, id, &change)).await;
    // The same again is no fault, whatever the database counts as a change.
    let again = wanted.clone();
    lab.w(move |c| domains::update(c, id, &again)).await;
    let changed = lab.r(move |c| domains::get(c, id)).await.unwrap().spec;
    assert_eq!(
        changed.publishers.people().count(),
        1,
        "who is not there is left out"
    );
    assert_eq!(
        (changed.sign_in, changed.hsts),
        (wanted.sign_in, wanted.hsts)
    );
    let change = spec(site, "example.net");
    lab.w(move |c| domains::update(c, id, &change)).await;
    let changed = lab.r(move |c| domains::get(c, id)).await.unwrap().spec;
    assert_eq!(
        changed,
        spec(site, "example.net"),
        "nothing of before is left"
    );

    lab.w(move |c| domains::delete(c, id)).await;
    let gone = Err(Error::NotFound);
    assert_eq!(lab.store.write(move |c| domains::delete(c, id)).await, gone);
    let change = spec(site, "example.net");
    let refused = lab
        .store
        .write(move |c| domains::update(c, id, &change))
        .await;
    assert_eq!(refused, Err(Error::NotFound));
});

db_test!(
    a_site_has_a_domain_once_and_goes_with_its_own,
    |lab| async {
        let cluster = lab.cluster("demo").await;
        let (one, other) = (
            lab.site("one", cluster).await,
            lab.site("other", cluster).await,
        );
        for site in [one, other] {
            lab.w(move |c| domains::insert(c, &spec(site, "example.org")))
                .await;
        }
        let refused = lab
            .store
            .write(move |c| domains::insert(c, &spec(one, "example.org")))
            .await;
        assert_eq!(refused, Err(Error::Duplicate(Unique::DomainName)));
        let refused = lab
            .store
            .write(|c| domains::insert(c, &spec(SiteId(999), "a.b")))
            .await;
        assert_eq!(refused, Err(Error::NotFound));
        let second = lab
            .w(move |c| domains::insert(c, &spec(one, "a.example.org")))
            .await;
        let own = lab.r(move |c| domains::of_site(c, one)).await;
        assert_eq!(
            own.last().map(|row| row.id),
            Some(second),
            "the oldest first"
        );
        assert_eq!(own.len(), 2);

        lab.w(move |c| store::sites::delete(c, one)).await;
        let (statements, left) = lab.counted(domains::list).await;
        assert_eq!(statements, 6);
        let left: Vec<SiteId> = left.into_iter().map(|row| row.spec.site).collect();
        assert_eq!(left, [other]);
        assert_eq!(lab.r(|c| domains::get(c, DomainId(999))).await, None);
    }
);
