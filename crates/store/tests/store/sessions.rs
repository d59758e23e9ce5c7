use model::{UserId, names::Username, users::Role};
use store::{
    Error, Unique,
    sessions::{self, NewSession},
};

use crate::lab::v;

fn session(user: UserId, token: &str, lifetime_ms: i64) -> NewSession {
    NewSession {
        token_hash: token.repeat(64),
        user,
        lifetime_ms,
        address: "10.0.0.7".to_owned(),
        agent: "Firefox".repeat(100),
    }
}

const HOUR: i64 = 3_600_000;

db_test!(
    a_session_is_found_in_one_statement_while_it_lasts,
    |lab| async {
        let user = lab.user("ann").await;
        let new = session(user, "a", HOUR);
        lab.w(move |c| sessions::insert(c, &new)).await;
        let (statements, found) = lab
            .counted(|c| sessions::find(c, &"a".repeat(64), HOUR))
            .await;
        assert_eq!(statements, 1);
        let found = found.unwrap();
        assert_eq!(found.user, user);
        assert_eq!(found.name, v::<Username>("ann"));
        assert_eq!(found.role, Role::Member);
        assert_eq!(found.seen, found.created);
        assert_eq!(found.expires.0 - found.created.0, HOUR);
        assert!(
            lab.r(|c| sessions::find(c, &"b".repeat(64), HOUR))
                .await
                .is_none()
        );
        // Idle for no time at all is too long when none is allowed.
        assert!(
            lab.r(|c| sessions::find(c, &"a".repeat(64), -1000))
                .await
                .is_none()
        );
    }
);

db_test!(an_ended_session_is_not_found_and_swept, |lab| async {
    let user = lab.user("ann").await;
    for (token, lifetime) in [("a", HOUR), ("b", 0), ("c", -5)] {
        let new = session(user, token, lifetime);
        lab.w(move |c| sessions::insert(c, &new)).await;
    }
    assert!(
        lab.r(|c| sessions::find(c, &"b".repeat(64), HOUR))
            .await
            .is_none()
    );
    assert_eq!(lab.w(sessions::delete_expired).await, 2);
    assert!(
        lab.r(|c| sessions::find(c, &"a".repeat(64), HOUR))
            .await
            .is_some()
    );
});

db_test!(use_is_noted_by_the_databases_clock, |lab| async {
    let user = lab.user("ann").await;
    let new = session(user, "a", HOUR);
    lab.w(move |c| sessions::insert(c, &new)).await;
    lab.place
        .execute("UPDATE sessions SET seen_at = seen_at - 60000");
    assert!(
        lab.r(|c| sessions::find(c, &"a".repeat(64), 59_000))
            .await
            .is_none()
    );
    lab.w(|c| sessions::touch(c, &"a".repeat(64))).await;
    assert!(
        lab.r(|c| sessions::find(c, &"a".repeat(64), 59_000))
            .await
            .is_some()
    );
    let gone = lab.store.write(|c| sessions::touch(c, "nothing")).await;
    assert_eq!(gone, Err(Error::NotFound));
});

db_test!(sessions_end_one_by_one_or_together, |lab| async {
    let (ann, bob) = (lab.user("ann").await, lab.user("bob").await);
    for (user, token) in [(ann, "a"), (ann, "b"), (ann, "c"), (bob, "d")] {
        let new = session(user, token, HOUR);
        lab.w(move |c| sessions::insert(c, &new)).await;
    }
    let there = async |token: &'static str| {
        lab.r(move |c| sessions::find(c, &token.repeat(64), HOUR))
            .await
            .is_some()
    };
    assert!(lab.w(|c| sessions::delete(c, &"a".repeat(64))).await);
    assert!(!lab.w(|c| sessions::delete(c, &"a".repeat(64))).await);
    lab.w(move |c| sessions::delete_of(c, ann, Some(&"b".repeat(64))))
        .await;
    assert!(there("b").await && !there("c").await && there("d").await);
    lab.w(move |c| sessions::delete_of(c, ann, None)).await;
    assert!(!there("b").await && there("d").await);
    lab.w(move |c| store::users::delete(c, bob)).await;
    assert!(!there("d").await);
});

db_test!(a_token_is_used_once_and_needs_an_account, |lab| async {
    let user = lab.user("ann").await;
    let new = session(user, "a", HOUR);
    let again = new.clone();
    lab.w(move |c| sessions::insert(c, &new)).await;
    let refused = lab.store.write(move |c| sessions::insert(c, &again)).await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::SessionToken)));
    let nobody = session(UserId(999), "b", HOUR);
    let refused = lab.store.write(move |c| sessions::insert(c, &nobody)).await;
    assert_eq!(refused, Err(Error::NotFound));
});
