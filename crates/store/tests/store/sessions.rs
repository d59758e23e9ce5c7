use model::{UserId, names::Username, users::Role};
use store::{
    Error, Unique,
    sessions::{self, NewSession},
};

use crate::support::{parse, permit};

fn session(user: UserId, token: &str, lifetime_ms: i64) -> NewSession {
    NewSession {
        token_hash: token.repeat(64),
        user,
        lifetime_ms,
        address: "10.0.0.7".to_owned(),
        user_agent: "Firefox".repeat(100),
    }
}

const HOUR: i64 = 3_600_000;

db_test!(valid_session_is_found_in_one_statement, |db| async {
    let user = db.user("ann").await;
    let new = session(user, "a", HOUR);
    db.write(move |c| sessions::insert(c, &new)).await;
    let (statements, stored) = db
        .count_statements(|c| sessions::get_valid(c, &"a".repeat(64), HOUR))
        .await;
    assert_eq!(statements, 1);
    let stored = stored.unwrap();
    assert_eq!(stored.user, user);
    assert_eq!(stored.name, parse::<Username>("ann"));
    assert_eq!(stored.role, Role::Member);
    assert_eq!(stored.last_used, stored.created);
    assert_eq!(stored.expires.0 - stored.created.0, HOUR);
    assert!(
        db.read(|c| sessions::get_valid(c, &"b".repeat(64), HOUR))
            .await
            .is_none()
    );
    // A negative idle limit rejects even a session that was just used.
    assert!(
        db.read(|c| sessions::get_valid(c, &"a".repeat(64), -1000))
            .await
            .is_none()
    );
});

db_test!(expired_session_is_not_found_and_deleted, |db| async {
    let user = db.user("ann").await;
    for (token, lifetime) in [("a", HOUR), ("b", 0), ("c", -5)] {
        let new = session(user, token, lifetime);
        db.write(move |c| sessions::insert(c, &new)).await;
    }
    assert!(
        db.read(|c| sessions::get_valid(c, &"b".repeat(64), HOUR))
            .await
            .is_none()
    );
    assert_eq!(db.write(sessions::delete_expired).await, 2);
    assert!(
        db.read(|c| sessions::get_valid(c, &"a".repeat(64), HOUR))
            .await
            .is_some()
    );
});

db_test!(touch_uses_the_time_of_the_database, |db| async {
    let user = db.user("ann").await;
    let new = session(user, "a", HOUR);
    db.write(move |c| sessions::insert(c, &new)).await;
    db.database
        .execute("UPDATE sessions SET last_seen_at = last_seen_at - 60000");
    assert!(
        db.read(|c| sessions::get_valid(c, &"a".repeat(64), 59_000))
            .await
            .is_none()
    );
    db.write(|c| sessions::touch(c, &"a".repeat(64))).await;
    assert!(
        db.read(|c| sessions::get_valid(c, &"a".repeat(64), 59_000))
            .await
            .is_some()
    );
    let gone = db.store.write(|c| sessions::touch(c, "nothing")).await;
    assert_eq!(gone, Err(Error::NotFound));
});

db_test!(sessions_are_deleted_individually_or_per_user, |db| async {
    let (ann, bob) = (db.user("ann").await, db.user("bob").await);
    for (user, token) in [(ann, "a"), (ann, "b"), (ann, "c"), (bob, "d")] {
        let new = session(user, token, HOUR);
        db.write(move |c| sessions::insert(c, &new)).await;
    }
    let is_valid = async |token: &'static str| {
        db.read(move |c| sessions::get_valid(c, &token.repeat(64), HOUR))
            .await
            .is_some()
    };
    assert!(db.write(|c| sessions::delete(c, &"a".repeat(64))).await);
    assert!(!db.write(|c| sessions::delete(c, &"a".repeat(64))).await);
    db.write(move |c| sessions::delete_by_user(c, permit(), ann))
        .await;
    assert!(!is_valid("b").await && !is_valid("c").await && is_valid("d").await);
    db.write(move |c| store::users::delete(c, permit(), bob))
        .await;
    assert!(!is_valid("d").await);
});

db_test!(session_token_is_unique_and_needs_a_user, |db| async {
    let user = db.user("ann").await;
    let new = session(user, "a", HOUR);
    let again = new.clone();
    db.write(move |c| sessions::insert(c, &new)).await;
    let refused = db.store.write(move |c| sessions::insert(c, &again)).await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::SessionToken)));
    let without_user = session(UserId(999), "b", HOUR);
    let refused = db
        .store
        .write(move |c| sessions::insert(c, &without_user))
        .await;
    assert_eq!(refused, Err(Error::NotFound));
});
