use model::{ClusterId, SiteId};
use store::{Error, Unique, sites};

use crate::lab::{site_spec, v};

db_test!(a_site_comes_back_as_it_was_written, |lab| async {
    let cluster = lab.cluster("demo").await;
    let id = lab.site("lab", cluster).await;
    let found = lab.r(move |c| sites::get(c, id)).await.unwrap();
    assert_eq!((found.id, &found.spec), (id, &site_spec("lab", cluster)));
    assert_eq!(found.cluster_name, "demo");
    assert_eq!(
        lab.r(|c| sites::by_name(c, &v("lab"))).await,
        Some(found.clone())
    );
    let mut spec = found.spec;
    spec.network = v("192.168.0.0/24");
    spec.gateway = v("192.168.0.1");
    spec.range = v("192.168.0.10-192.168.0.20");
    spec.ports = v("1-65535");
    spec.vmids = v("100-999999999");
    spec.forwarders = v("192.0.2.53, 198.51.100.53");
    spec.others = Some(v("192.168.0.30-192.168.0.40"));
    let wanted = spec.clone();
    lab.w(move |c| sites::update(c, id, &spec)).await;
    let changed = lab.w(move |c| sites::lock(c, id)).await.unwrap();
    assert_eq!(changed.spec, wanted);
    assert_eq!(lab.w(|c| sites::lock(c, SiteId(999))).await, None);
    lab.w(move |c| sites::delete(c, id)).await;
    assert_eq!(lab.r(move |c| sites::get(c, id)).await, None);
    assert_eq!(
        lab.store.write(move |c| sites::delete(c, id)).await,
        Err(Error::NotFound)
    );
});

db_test!(names_are_had_once_and_clusters_must_be_there, |lab| async {
    let cluster = lab.cluster("demo").await;
    lab.site("lab", cluster).await;
    let again = site_spec("lab", cluster);
    let refused = lab.store.write(move |c| sites::insert(c, &again)).await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::SiteName)));
    let nowhere = site_spec("other", ClusterId(999));
    let refused = lab.store.write(move |c| sites::insert(c, &nowhere)).await;
    assert_eq!(refused, Err(Error::NotFound));
});

db_test!(a_site_with_containers_stays_where_it_is, |lab| async {
    let ground = lab.ground().await;
    let other = lab.cluster("other").await;
    lab.put(ground.container(1)).await;
    let site = ground.site;
    assert_eq!(
        lab.store.write(move |c| sites::delete(c, site)).await,
        Err(Error::InUse)
    );
    let moved = site_spec("lab", other);
    let refused = lab
        .store
        .write(move |c| sites::update(c, site, &moved))
        .await;
    assert_eq!(refused, Err(Error::InUse));
    let renamed = site_spec("lab2", ground.cluster);
    lab.w(move |c| sites::update(c, site, &renamed)).await;
});

db_test!(a_list_counts_in_three_statements, |lab| async {
    let ground = lab.ground().await;
    let (statements, one) = lab.counted(sites::list).await;
    assert_eq!((statements, one.len()), (3, 1));
    assert_eq!((one[0].containers, one[0].addresses_free), (0, 256));
    for n in 0..3 {
        lab.put(ground.container(n)).await;
    }
    let mut outside = ground.container(3);
    outside.address = v("10.20.9.9");
    lab.put(outside).await;
    for n in 0..5 {
        lab.site(&format!("s{n}"), ground.cluster).await;
    }
    let (statements, all) = lab.counted(sites::list).await;
    assert_eq!((statements, all.len()), (3, 6));
    let lab_site = all.iter().find(|site| site.id == ground.site).unwrap();
    assert_eq!((lab_site.containers, lab_site.addresses_free), (4, 253));
    assert_eq!(lab_site.cluster_name, "demo");
    let names: Vec<_> = all.iter().map(|site| site.spec.name.to_string()).collect();
    assert_eq!(names, ["lab", "s0", "s1", "s2", "s3", "s4"]);
});
