use model::{
    filters::{ContainerFilters, FilterCounts, FilterState},
    jobs::JobKind,
};
use store::containers;

use crate::support::{TestStore, parse, permit};

async fn state(db: &TestStore, id: model::ContainerId) -> ContainerFilters {
    let record = db.read(move |c| containers::get(c, id)).await;
    record.unwrap().filters
}

db_test!(filters_become_due_and_are_claimed_once, |db| async {
    let fixture = db.fixture().await;
    let id = db.insert_container(fixture.container(1)).await;
    let managed = |state| ContainerFilters {
        managed: true,
        state,
    };
    assert_eq!(state(&db, id).await, managed(FilterState::Unset));
    let site = fixture.site;
    assert_eq!(
        db.write(move |c| containers::require_filters(c, permit(), site))
            .await,
        1
    );
    assert_eq!(state(&db, id).await, managed(FilterState::Due));
    let due = async || db.read(|c| containers::list_due_filters(c, 10)).await;
    assert_eq!(due().await, [], "not created yet");
    db.write(move |c| containers::mark_created(c, id)).await;
    assert_eq!(due().await, [id]);
    let job = fixture.job(id, JobKind::Filters);
    db.insert_job(job).await;
    assert_eq!(due().await, [], "another job is active");
    assert!(
        db.write(move |c| containers::claim_due_filters(c, id))
            .await
    );
    assert!(
        !db.write(move |c| containers::claim_due_filters(c, id))
            .await
    );
    assert_eq!(state(&db, id).await, managed(FilterState::Applying));
});

db_test!(change_during_a_job_requires_another_job, |db| async {
    let fixture = db.fixture().await;
    let (id, site) = (
        db.insert_container(fixture.container(1)).await,
        fixture.site,
    );
    let finish = async || {
        db.write(move |c| containers::finish_filters(c, id, FilterState::Set))
            .await;
    };
    db.write(move |c| containers::begin_filters(c, id)).await;
    db.write(move |c| containers::begin_filters(c, id)).await;
    finish().await;
    assert!(state(&db, id).await.are_set());
    db.write(move |c| containers::begin_filters(c, id)).await;
    db.write(move |c| containers::require_filters(c, permit(), site))
        .await;
    finish().await;
    assert_eq!(state(&db, id).await.state, FilterState::Due);
});

db_test!(imported_containers_are_counted_separately, |db| async {
    let fixture = db.fixture().await;
    let mut imported = fixture.container(2);
    imported.spec.source = parse("imported");
    let created = db.insert_container(fixture.container(1)).await;
    let imported = db.insert_container(imported).await;
    db.insert_container(fixture.container(3)).await;
    for id in [created, imported] {
        db.write(move |c| containers::mark_created(c, id)).await;
    }
    let site = fixture.site;
    assert_eq!(
        db.write(move |c| containers::require_filters(c, permit(), site))
            .await,
        2
    );
    assert_eq!(state(&db, imported).await, ContainerFilters::default());
    db.write(move |c| containers::begin_filters(c, created))
        .await;
    db.write(move |c| containers::finish_filters(c, created, FilterState::Set))
        .await;
    let counts = async || db.read(move |c| containers::count_filters(c, site)).await;
    let expected = FilterCounts {
        containers: 2,
        filtered: 1,
        unmanaged: 1,
    };
    assert_eq!(counts().await, expected);
    db.write(move |c| containers::turn_filters_on(c, permit(), imported))
        .await;
    assert_eq!(state(&db, imported).await.state, FilterState::Due);
    assert_eq!(counts().await.unmanaged, 0);
});
