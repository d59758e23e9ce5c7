//! Names of a site and their holders.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ContainerId,
    names::{ContainerNames, NamePurpose, QualifiedName},
};
use store::{
    Error, Unique,
    containers::{self, NewContainerRow},
    hosts::{self, NewHost},
    names, nodes,
};

use crate::support::{Fixture, TestStore, parse, permit};

fn named(fixture: &Fixture, n: u32, name: &str) -> NewContainerRow {
    NewContainerRow {
        name: parse(name),
        names: ContainerNames::new(&parse(name), &parse("lab.example.org")),
        ..fixture.container(n)
    }
}

fn host(fixture: &Fixture, name: &str) -> NewHost {
    NewHost {
        site: fixture.site,
        name: parse(name),
        token_hash: name.to_owned(),
        lifetime_ms: 1000,
    }
}

fn qualified(name: &str) -> QualifiedName {
    QualifiedName::of_srv(&parse(name), &parse("lab.example.org"))
}

/// The purpose of a name that another object than `except` holds.
async fn holder(
    db: &TestStore,
    fixture: &Fixture,
    name: &str,
    except: Option<ContainerId>,
) -> Option<NamePurpose> {
    let (site, name) = (fixture.site, qualified(name));
    let candidates = BTreeSet::from([name]);
    let holders = db.read(move |c| names::list_holders(c, site, &candidates, except));
    holders.await.into_values().next()
}

db_test!(name_has_one_holder_and_is_released_with_it, |db| async {
    let fixture = db.fixture().await;
    let id = db.insert_container(named(&fixture, 1, "web")).await;
    let taken = Err(Error::Duplicate(Unique::Name));
    assert_eq!(
        holder(&db, &fixture, "web", None).await,
        Some(NamePurpose::Container)
    );
    assert_eq!(holder(&db, &fixture, "web", Some(id)).await, None);
    let mut other = named(&fixture, 2, "other");
    other.names.add(qualified("web"), NamePurpose::Srv);
    assert_eq!(db.try_insert_container(other).await.map(drop), taken);
    let new = host(&fixture, "web");
    assert_eq!(
        db.store
            .write(move |c| hosts::insert(c, permit(), &new))
            .await
            .map(drop),
        taken
    );
    db.write(move |c| containers::delete(c, id)).await;
    assert_eq!(holder(&db, &fixture, "web", None).await, None);
    let new = host(&fixture, "web");
    let host = db.write(move |c| hosts::insert(c, permit(), &new)).await;
    assert_eq!(
        holder(&db, &fixture, "web", None).await,
        Some(NamePurpose::Host)
    );
    assert_eq!(
        db.try_insert_container(named(&fixture, 3, "web"))
            .await
            .map(drop),
        taken
    );
    db.write(move |c| hosts::delete(c, permit(), host)).await;
    assert_eq!(holder(&db, &fixture, "web", None).await, None);
});

db_test!(node_gets_the_name_that_no_container_holds, |db| async {
    let fixture = db.fixture().await;
    db.insert_container(named(&fixture, 1, "late")).await;
    let new = host(&fixture, "pve1");
    db.write(move |c| hosts::insert(c, permit(), &new)).await;
    let addresses = [
        ("late", "192.0.2.1"),
        ("pve1", "192.0.2.2"),
        ("PVE9", "192.0.2.3"),
    ];
    let addresses: BTreeMap<_, _> = addresses
        .iter()
        .map(|(node, at)| (parse(node), parse(at)))
        .collect();
    let cluster = fixture.cluster;
    db.write(move |c| nodes::replace_addresses(c, cluster, &addresses))
        .await;
    let expected = [
        ("late", Some(NamePurpose::Container)),
        ("pve1", Some(NamePurpose::Host)),
        ("pve9", Some(NamePurpose::Node)),
    ];
    for (name, purpose) in expected {
        assert_eq!(holder(&db, &fixture, name, None).await, purpose, "{name}");
    }
});

db_test!(containers_can_exchange_names, |db| async {
    let fixture = db.fixture().await;
    let one = db.insert_container(named(&fixture, 1, "one")).await;
    let two = db.insert_container(named(&fixture, 2, "two")).await;
    let domain = parse("lab.example.org");
    let exchanged = BTreeMap::from([
        (one, ContainerNames::new(&parse("two"), &domain)),
        (two, ContainerNames::new(&parse("one"), &domain)),
    ]);
    let site = fixture.site;
    db.write(move |c| names::replace_by_containers(c, site, &exchanged))
        .await;
    assert_eq!(holder(&db, &fixture, "two", Some(one)).await, None);
    assert_eq!(holder(&db, &fixture, "one", Some(two)).await, None);
});
