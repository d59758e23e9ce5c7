//! Archives of pulled images.

use model::Timestamp;
use store::images::{self, DeletionClaim, PulledImage};

use crate::support::{parse, permit};

const MINUTE: i64 = 60_000;

fn image(node: &str, used: i64) -> PulledImage {
    PulledImage {
        node: parse(node),
        storage: parse("local"),
        file: parse("nginx_1.27-00.tar"),
        size: 5 << 30,
        used: Timestamp(used),
    }
}

db_test!(
    archives_are_recorded_by_node_unless_the_storage_is_shared,
    |db| async {
        let fixture = db.fixture().await;
        let site = fixture.site;
        for (node, used) in [("pve1", 10), ("pve2", 5), ("pve1", 20)] {
            db.write(move |c| images::record(c, site, &image(node, used), false))
                .await;
        }
        let listed = db.read(move |c| images::list(c, site)).await;
        assert_eq!(listed, [image("pve2", 5), image("pve1", 20)]);
        let sites = db.read(store::sites::list).await;
        assert_eq!(sites[0].images.0, 10 << 30);

        db.write(move |c| images::record(c, site, &image("pve3", 30), true))
            .await;
        let listed = db.read(move |c| images::list(c, site)).await;
        assert_eq!(listed, [image("pve3", 30)]);

        // An archive that was used in the meantime is kept.
        db.write(move |c| images::delete(c, site, &image("pve3", 29)))
            .await;
        assert_eq!(db.read(move |c| images::list(c, site)).await.len(), 1);
        db.write(move |c| images::delete(c, site, &image("pve3", 30)))
            .await;
        assert_eq!(db.read(move |c| images::list(c, site)).await, []);
    }
);

db_test!(use_by_another_site_of_the_cluster_is_found, |db| async {
    let fixture = db.fixture().await;
    let (site, annex) = (fixture.site, db.site("annex", fixture.cluster).await);
    db.write(move |c| images::record(c, site, &image("pve1", 1), false))
        .await;
    db.write(move |c| images::record(c, annex, &image("pve2", 20), false))
        .await;
    for (since, expected) in [
        (20, DeletionClaim::UsedByOtherSite),
        (21, DeletionClaim::Claimed),
    ] {
        let claim = db.write(move |c| {
            images::claim_deletion(c, site, &image("pve1", 1), Timestamp(since), MINUTE)
        });
        assert_eq!(claim.await, expected);
    }
    let other = db.cluster("other").await;
    for (cluster, node, is_shared, expected) in [
        (fixture.cluster, "pve2", false, true),
        (fixture.cluster, "pve1", false, true),
        (fixture.cluster, "pve3", false, false),
        (fixture.cluster, "pve3", true, true),
        (other, "pve2", true, false),
    ] {
        let is_pulled = db.read(move |c| images::is_pulled(c, cluster, &image(node, 1), is_shared));
        assert_eq!(is_pulled.await, expected, "{node}");
    }
    db.write(move |c| store::sites::delete(c, permit(), annex))
        .await;
    assert_eq!(db.read(move |c| images::list(c, annex)).await, []);
});

db_test!(archive_is_either_used_or_deleted, |db| async {
    let fixture = db.fixture().await;
    let (site, annex) = (fixture.site, db.site("annex", fixture.cluster).await);
    db.write(move |c| images::record(c, site, &image("pve1", 1), false))
        .await;
    let claim = |used, ms| {
        db.write(move |c| images::claim_deletion(c, site, &image("pve1", used), Timestamp(10), ms))
    };
    let record = |site, node| db.write(move |c| images::record(c, site, &image(node, 2), false));
    assert_eq!(claim(1, MINUTE).await, DeletionClaim::Claimed);
    assert_eq!(claim(1, MINUTE).await, DeletionClaim::Changed);
    assert!(!record(site, "pve1").await);
    assert!(!record(annex, "pve1").await);
    assert!(record(annex, "pve2").await, "another archive");
    db.write(move |c| images::release_deletion(c, site, &image("pve1", 1)))
        .await;
    assert_eq!(claim(1, -1).await, DeletionClaim::Claimed);
    // The process that claimed the deletion died.
    assert!(record(site, "pve1").await);
    assert_eq!(claim(1, MINUTE).await, DeletionClaim::Changed);
});
