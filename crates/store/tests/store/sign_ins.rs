use model::{Timestamp, names::Username};
use store::{
    Conn, Error,
    sign_ins::{self, Failures, RecordedFailure},
};

use crate::support::{TestStore, parse};

fn failures(count: u32, last: Timestamp) -> Failures {
    Failures {
        bucket: "b".to_owned(),
        count,
        last,
    }
}

/// Counts a failure in the bucket `b` of ann.
async fn count(
    db: &TestStore,
    before: Option<Failures>,
    count: u32,
) -> Result<RecordedFailure, Error> {
    let ann: Username = parse("ann");
    let write = move |c: &mut Conn| sign_ins::count(c, "b", Some(&ann), before.as_ref(), count);
    db.store.write(write).await
}

async fn stored(db: &TestStore) -> Option<Failures> {
    let buckets = ["a".to_owned(), "b".to_owned()];
    db.read(move |c| sign_ins::list(c, &buckets)).await.pop()
}

db_test!(failure_is_counted_only_on_unchanged_bucket, |db| async {
    let first = count(&db, None, 1).await.unwrap();
    let before = stored(&db).await;
    assert_eq!(before, Some(failures(1, first.at)));
    // The time differs from the first one's in milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let second = count(&db, before.clone(), 1).await.unwrap();
    assert_eq!(second.before, Some(first.at));
    for stale in [None, before] {
        let refused = count(&db, stale, 5).await;
        assert!(
            matches!(refused, Err(Error::Unavailable { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(stored(&db).await, Some(failures(1, second.at)));
    db.write(|c| sign_ins::forget_account(c, &parse("bob")))
        .await;
    assert!(stored(&db).await.is_some());
    db.write(|c| sign_ins::forget_account(c, &parse("ann")))
        .await;
    assert_eq!(stored(&db).await, None);
});

db_test!(known_browser_belongs_to_one_user_and_expires, |db| async {
    let (ann, bob) = (db.user("ann").await, db.user("bob").await);
    db.write(move |c| sign_ins::insert_known_browser(c, "hash", ann, 20))
        .await;
    let is_known = |user| move |c: &mut Conn| sign_ins::is_known_browser(c, "hash", user);
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
    reverted_failure_restores_time_unless_another_followed,
    |db| async {
        let pause = || tokio::time::sleep(std::time::Duration::from_millis(5));
        let first = count(&db, None, 3).await.unwrap();
        pause().await;
        let second = count(&db, stored(&db).await, 4).await.unwrap();
        let revert = second.clone();
        db.write(move |c| sign_ins::revert(c, &revert)).await;
        assert_eq!(stored(&db).await, Some(failures(3, first.at)));
        pause().await;
        let third = count(&db, stored(&db).await, 4).await.unwrap();
        db.write(move |c| sign_ins::revert(c, &second)).await;
        assert_eq!(stored(&db).await, Some(failures(3, third.at)));
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
    let known =
        |n: u32| move |c: &mut Conn| sign_ins::is_known_browser(c, &format!("hash {n}"), ann);
    for (n, expected) in [(0, false), (1, false), (2, true), (3, true)] {
        assert_eq!(db.read(known(n)).await, expected, "{n}");
    }
    db.write(move |c| sign_ins::forget_browsers(c, ann)).await;
    assert!(!db.read(known(3)).await);
});
