use store::observations::{self, Observer};

db_test!(one_process_observes_and_others_read, |db| async {
    let id = db.cluster("demo").await;
    let claim = async |owner: &'static str, ms: i64| {
        db.write(move |c| observations::claim(c, id, owner, ms))
            .await
    };
    assert_eq!(
        claim("one", 60_000).await,
        Observer::ThisProcess {
            is_requested: false
        }
    );
    assert_eq!(
        claim("one", 60_000).await,
        Observer::ThisProcess {
            is_requested: false
        }
    );
    assert_eq!(claim("two", 60_000).await, Observer::OtherProcess);
    assert_eq!(
        db.write(move |c| observations::request_and_get(c, id, 60_000))
            .await,
        None
    );
    assert_eq!(
        claim("one", 60_000).await,
        Observer::ThisProcess { is_requested: true }
    );
    db.write(move |c| observations::store(c, id, "one", "{}"))
        .await;
    db.write(move |c| observations::store(c, id, "two", "without the lease"))
        .await;
    let (_, observation) = db
        .write(move |c| observations::request_and_get(c, id, 60_000))
        .await
        .unwrap();
    assert_eq!(observation, "{}");
});

db_test!(expired_or_released_lease_is_claimed, |db| async {
    let id = db.cluster("demo").await;
    let claim = async |owner: &'static str, ms: i64| {
        db.write(move |c| observations::claim(c, id, owner, ms))
            .await
    };
    claim("one", 0).await;
    assert_eq!(
        claim("two", 60_000).await,
        Observer::ThisProcess {
            is_requested: false
        }
    );
    assert_eq!(claim("one", 60_000).await, Observer::OtherProcess);
    db.write(|c| observations::release_all(c, "two")).await;
    assert_eq!(
        claim("one", 60_000).await,
        Observer::ThisProcess {
            is_requested: false
        }
    );
});

db_test!(lease_can_be_taken_over, |db| async {
    let id = db.cluster("demo").await;
    let claim = async |owner: &'static str| {
        db.write(move |c| observations::claim(c, id, owner, 60_000))
            .await
    };
    let take_over = async |owner: &'static str| {
        db.write(move |c| observations::claim_forced(c, id, owner, 60_000))
            .await
    };
    assert_eq!(
        take_over("one").await,
        Observer::ThisProcess {
            is_requested: false
        }
    );
    assert_eq!(
        take_over("one").await,
        Observer::ThisProcess {
            is_requested: false
        }
    );
    assert_eq!(
        take_over("two").await,
        Observer::ThisProcess { is_requested: true }
    );
    assert_eq!(claim("one").await, Observer::OtherProcess);
    assert_eq!(
        claim("two").await,
        Observer::ThisProcess { is_requested: true }
    );
});
