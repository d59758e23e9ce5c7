use store::observations::{self, Turn};

db_test!(one_process_observes_and_others_read, |db| async {
    let id = db.cluster("demo").await;
    let claim = async |holder: &'static str, ms: i64| {
        db.write(move |c| observations::take(c, id, holder, ms))
            .await
    };
    assert_eq!(claim("one", 60_000).await, Turn::Ours { shared: false });
    assert_eq!(claim("one", 60_000).await, Turn::Ours { shared: false });
    assert_eq!(claim("two", 60_000).await, Turn::Others);
    assert_eq!(
        db.write(move |c| observations::read(c, id, 60_000)).await,
        None
    );
    assert_eq!(claim("one", 60_000).await, Turn::Ours { shared: true });
    db.write(move |c| observations::keep(c, id, "one", "{}"))
        .await;
    db.write(move |c| observations::keep(c, id, "two", "without the lease"))
        .await;
    let (_, answer) = db
        .write(move |c| observations::read(c, id, 60_000))
        .await
        .unwrap();
    assert_eq!(answer, "{}");
});

db_test!(expired_or_released_lease_is_claimed, |db| async {
    let id = db.cluster("demo").await;
    let claim = async |holder: &'static str, ms: i64| {
        db.write(move |c| observations::take(c, id, holder, ms))
            .await
    };
    claim("one", 0).await;
    assert_eq!(claim("two", 60_000).await, Turn::Ours { shared: false });
    assert_eq!(claim("one", 60_000).await, Turn::Others);
    db.write(|c| observations::give_back(c, "two")).await;
    assert_eq!(claim("one", 60_000).await, Turn::Ours { shared: false });
});

db_test!(lease_can_be_taken_over, |db| async {
    let id = db.cluster("demo").await;
    let claim = async |holder: &'static str| {
        db.write(move |c| observations::take(c, id, holder, 60_000))
            .await
    };
    let take_over = async |holder: &'static str| {
        db.write(move |c| observations::take_over(c, id, holder, 60_000))
            .await
    };
    assert_eq!(take_over("one").await, Turn::Ours { shared: false });
    assert_eq!(take_over("one").await, Turn::Ours { shared: false });
    assert_eq!(take_over("two").await, Turn::Ours { shared: true });
    assert_eq!(claim("one").await, Turn::Others);
    assert_eq!(claim("two").await, Turn::Ours { shared: true });
});
