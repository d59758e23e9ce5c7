use model::{Timestamp, UserId};
use store::{Conn, Error, rate_limits};

use crate::support::{TestStore, permit};

async fn stored(db: &TestStore, user: UserId, action: &'static str) -> Option<Timestamp> {
    db.read(move |c| rate_limits::get(c, user, action)).await
}

/// Replaces the limit `jobs`.
async fn replace(
    db: &TestStore,
    user: UserId,
    before: Option<i64>,
    full_at: i64,
) -> Result<(), Error> {
    let (before, full_at) = (before.map(Timestamp), Timestamp(full_at));
    let write = move |c: &mut Conn| rate_limits::replace(c, user, "jobs", before, full_at);
    db.store.write(write).await
}

db_test!(rate_limit_is_replaced_only_if_unchanged, |db| async {
    let (ann, bob) = (db.user("ann").await, db.user("bob").await);
    assert_eq!(stored(&db, ann, "jobs").await, None);
    replace(&db, ann, None, 5).await.unwrap();
    replace(&db, ann, Some(5), 7).await.unwrap();
    for stale in [None, Some(5)] {
        let refused = replace(&db, ann, stale, 9).await;
        assert!(
            matches!(refused, Err(Error::Unavailable { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(stored(&db, ann, "jobs").await, Some(Timestamp(7)));
    assert_eq!(stored(&db, ann, "password changes").await, None);
    assert_eq!(stored(&db, bob, "jobs").await, None);
});

db_test!(rate_limit_belongs_to_a_user, |db| async {
    let ann = db.user("ann").await;
    replace(&db, ann, None, 5).await.unwrap();
    db.write(move |c| store::users::delete(c, permit(), ann))
        .await;
    assert_eq!(stored(&db, ann, "jobs").await, None);
    assert_eq!(replace(&db, ann, None, 5).await, Err(Error::NotFound));
});
