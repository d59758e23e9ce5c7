use model::{ClusterId, SiteId};
use store::{Error, Unique, sites};

use crate::support::{parse, permit, site_spec};

db_test!(site_round_trips, |db| async {
    let cluster = db.cluster("demo").await;
    let id = db.site("lab", cluster).await;
    let stored = db.read(move |c| sites::get(c, id)).await.unwrap();
    assert_eq!((stored.id, &stored.spec), (id, &site_spec("lab", cluster)));
    assert_eq!(stored.cluster_name, "demo");
    assert_eq!(
        db.read(|c| sites::get_by_name(c, &parse("lab"))).await,
        Some(stored.clone())
    );
    let mut spec = stored.spec;
    spec.network = parse("192.168.0.0/24");
    spec.gateway = parse("192.168.0.1");
    spec.range = parse("192.168.0.10-192.168.0.20");
    spec.ports = parse("1-65535");
    spec.vmids = parse("100-999999999");
    spec.forwarders = parse("192.0.2.53, 198.51.100.53");
    spec.image_quota = parse("120 GiB");
    spec.port_access = parse("edge");
    spec.registries = parse("registry.example.org:5000, localhost");
    spec.dynamic_range = Some(parse("192.168.0.30-192.168.0.40"));
    let desired = spec.clone();
    db.write(move |c| sites::update(c, permit(), id, &spec))
        .await;
    let changed = db.write(move |c| sites::lock(c, id)).await.unwrap();
    assert_eq!(changed.spec, desired);
    assert_eq!(db.write(|c| sites::lock(c, SiteId(999))).await, None);
    db.write(move |c| sites::delete(c, permit(), id)).await;
    assert_eq!(db.read(move |c| sites::get(c, id)).await, None);
    assert_eq!(
        db.store
            .write(move |c| sites::delete(c, permit(), id))
            .await,
        Err(Error::NotFound)
    );
});

db_test!(site_names_are_unique_and_need_a_cluster, |db| async {
    let cluster = db.cluster("demo").await;
    db.site("lab", cluster).await;
    let again = site_spec("lab", cluster);
    let refused = db
        .store
        .write(move |c| sites::insert(c, permit(), &again))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::SiteName)));
    let nowhere = site_spec("other", ClusterId(999));
    let refused = db
        .store
        .write(move |c| sites::insert(c, permit(), &nowhere))
        .await;
    assert_eq!(refused, Err(Error::NotFound));
});

db_test!(site_with_containers_is_not_deleted_or_moved, |db| async {
    let fixture = db.fixture().await;
    let other = db.cluster("other").await;
    db.insert_container(fixture.container(1)).await;
    let site = fixture.site;
    assert_eq!(
        db.store
            .write(move |c| sites::delete(c, permit(), site))
            .await,
        Err(Error::InUse)
    );
    let moved = site_spec("lab", other);
    let refused = db
        .store
        .write(move |c| sites::update(c, permit(), site, &moved))
        .await;
    assert_eq!(refused, Err(Error::InUse));
    let renamed = site_spec("lab2", fixture.cluster);
    db.write(move |c| sites::update(c, permit(), site, &renamed))
        .await;
});

db_test!(site_list_uses_four_statements, |db| async {
    let fixture = db.fixture().await;
    let (statements, one) = db.count_statements(sites::list).await;
    assert_eq!((statements, one.len()), (4, 1));
    assert_eq!((one[0].containers, one[0].addresses_free), (0, 256));
    for n in 0..3 {
        db.insert_container(fixture.container(n)).await;
    }
    let mut outside = fixture.container(3);
    outside.address = parse("10.20.9.9");
    db.insert_container(outside).await;
    for n in 0..5 {
        db.site(&format!("s{n}"), fixture.cluster).await;
    }
    let (statements, all) = db.count_statements(sites::list).await;
    assert_eq!((statements, all.len()), (4, 6));
    let lab_site = all.iter().find(|site| site.id == fixture.site).unwrap();
    assert_eq!((lab_site.containers, lab_site.addresses_free), (4, 253));
    assert_eq!(lab_site.cluster_name, "demo");
    let names: Vec<_> = all.iter().map(|site| site.spec.name.to_string()).collect();
    assert_eq!(names, ["lab", "s0", "s1", "s2", "s3", "s4"]);
});
