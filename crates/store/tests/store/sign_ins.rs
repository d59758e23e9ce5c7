use model::names::Username;
use store::{
    Error,
    sign_ins::{self, Failures},
};

use crate::support::parse;

db_test!(failures_are_replaced_only_if_unchanged, |db| async {
    let set = |before: Option<u32>, count: u32| {
        let ann: Username = parse("ann");
        move |c: &mut store::Conn| sign_ins::replace_count(c, "b", Some(&ann), before, count)
    };
    db.write(set(None, 1)).await;
    db.write(set(Some(1), 2)).await;
    for before in [None, Some(1)] {
        let refused = db.store.write(set(before, 5)).await;
        assert!(
            matches!(refused, Err(Error::Unavailable { .. })),
            "{refused:?}"
        );
    }
    let find = |c: &mut store::Conn| sign_ins::list(c, &["a".to_owned(), "b".to_owned()]);
    let stored: Vec<Failures> = db.read(find).await;
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].bucket.as_str(), stored[0].count), ("b", 2));
    db.write(|c| sign_ins::forget_account(c, &parse("bob")))
        .await;
    assert_eq!(db.read(find).await.len(), 1);
    db.write(|c| sign_ins::forget_account(c, &parse("ann")))
        .await;
    assert!(db.read(find).await.is_empty());
});

db_test!(known_browser_belongs_to_one_user_and_expires, |db| async {
    let (ann, bob) = (db.user("ann").await, db.user("bob").await);
    db.write(move |c| sign_ins::insert_known_browser(c, "hash", ann, 20))
        .await;
    let is_known = |user| move |c: &mut store::Conn| sign_ins::is_known_browser(c, "hash", user);
    assert!(db.read(is_known(ann)).await);
    assert!(!db.read(is_known(bob)).await);
    assert_eq!(
        db.write(|c| sign_ins::delete_expired(c, 60_000, 60_000))
            .await,
        0
    );
    assert_eq!(
        db.write(|c| sign_ins::delete_expired(c, -1000, -1000))
            .await,
        1
    );
    assert!(!db.read(is_known(ann)).await);
});

db_test!(
    success_restores_the_time_of_the_failure_before,
    |db| async {
        let set = |before: Option<u32>, count: u32| {
            move |c: &mut store::Conn| sign_ins::replace_count(c, "b", None, before, count)
        };
        let find = |c: &mut store::Conn| sign_ins::list(c, &["b".to_owned()]);
        db.write(set(None, 3)).await;
        let first = db.read(find).await.remove(0).last;
        db.write(set(Some(3), 4)).await;
        db.write(move |c| sign_ins::revert_failure(c, "b", Some(first)))
            .await;
        let stored = db.read(find).await.remove(0);
        assert_eq!((stored.count, stored.last), (3, first));
    }
);

db_test!(oldest_browsers_and_sessions_are_forgotten, |db| async {
    let ann = db.user("ann").await;
    for n in 0..4 {
        let hash = format!("hash {n}");
        db.write(move |c| sign_ins::insert_known_browser(c, &hash, ann, 2))
            .await;
        // Times have milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let known = |n: u32| {
        move |c: &mut store::Conn| sign_ins::is_known_browser(c, &format!("hash {n}"), ann)
    };
    for (n, expected) in [(0, false), (1, false), (2, true), (3, true)] {
        assert_eq!(db.read(known(n)).await, expected, "{n}");
    }
    db.write(move |c| sign_ins::forget_browsers(c, ann)).await;
    assert!(!db.read(known(3)).await);
});
