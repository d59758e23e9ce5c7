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
    db.write(move |c| sign_ins::insert_known_browser(c, "hash", ann))
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
