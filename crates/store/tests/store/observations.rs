use store::observations::{self, Turn};

db_test!(one_server_observes_and_the_others_read, |lab| async {
    let id = lab.cluster("demo").await;
    let take =
        async |who: &'static str, ms: i64| lab.w(move |c| observations::take(c, id, who, ms)).await;
    assert_eq!(take("one", 60_000).await, Turn::Ours { shared: false });
    assert_eq!(take("one", 60_000).await, Turn::Ours { shared: false });
    assert_eq!(take("two", 60_000).await, Turn::Others);
    assert_eq!(
        lab.w(move |c| observations::read(c, id, 60_000)).await,
        None
    );
    assert_eq!(take("one", 60_000).await, Turn::Ours { shared: true });
    lab.w(move |c| observations::keep(c, id, "one", "{}")).await;
    lab.w(move |c| observations::keep(c, id, "two", "not mine"))
        .await;
    let (_, answer) = lab
        .w(move |c| observations::read(c, id, 60_000))
        .await
        .unwrap();
    assert_eq!(answer, "{}");
});

db_test!(
    a_lease_that_ran_out_or_was_given_back_is_taken,
    |lab| async {
        let id = lab.cluster("demo").await;
        let take = async |who: &'static str, ms: i64| {
            lab.w(move |c| observations::take(c, id, who, ms)).await
        };
        take("one", 0).await;
        assert_eq!(take("two", 60_000).await, Turn::Ours { shared: false });
        assert_eq!(take("one", 60_000).await, Turn::Others);
        lab.w(|c| observations::give_back(c, "two")).await;
        assert_eq!(take("one", 60_000).await, Turn::Ours { shared: false });
    }
);

db_test!(who_knows_better_takes_over, |lab| async {
    let id = lab.cluster("demo").await;
    let take =
        async |who: &'static str| lab.w(move |c| observations::take(c, id, who, 60_000)).await;
    let take_over = async |who: &'static str| {
        lab.w(move |c| observations::take_over(c, id, who, 60_000))
            .await
    };
    assert_eq!(take_over("one").await, Turn::Ours { shared: false });
    assert_eq!(take_over("one").await, Turn::Ours { shared: false });
    assert_eq!(take_over("two").await, Turn::Ours { shared: true });
    assert_eq!(take("one").await, Turn::Others);
    assert_eq!(take("two").await, Turn::Ours { shared: true });
});
