use model::{
    UserId,
    invitations::InvitationSpec,
    users::{Limits, Role},
};
use store::invitations::{self, NewInvitation};

use crate::support::{new_user, parse, permit};

const HOUR_MS: i64 = 3_600_000;

fn new_invitation(inviter: UserId, token_hash: &str, lifetime_ms: i64) -> NewInvitation {
    NewInvitation {
        spec: InvitationSpec {
            email: parse("ann@example.org"),
            role: Role::Operator,
            limits: Limits {
                cores: Some(4),
                ..Limits::default()
            },
            access_ends: None,
        },
        token_hash: token_hash.to_owned(),
        inviter,
        lifetime_ms,
    }
}

db_test!(invitation_is_accepted_once, |db| async {
    let inviter = db.user("root").await;
    let new = new_invitation(inviter, "a", HOUR_MS);
    let spec = new.spec.clone();
    let id = db
        .write(move |c| invitations::insert(c, permit(), &new))
        .await;
    let found = db.read(|c| invitations::get_valid(c, "a")).await;
    let (row, found_inviter) = found.unwrap();
    assert_eq!((row.id, &row.spec, found_inviter), (id, &spec, inviter));
    assert_eq!(row.invited_by, parse("root"));
    assert_eq!(row.expires.0 - row.created.0, HOUR_MS);
    assert!(db.read(|c| invitations::get_valid(c, "b")).await.is_none());
    let new = new_user("ann", Role::Operator);
    let again = new.clone();
    let user = db.write(move |c| invitations::accept(c, "a", &new)).await;
    assert!(user.is_some());
    let user = db.write(move |c| invitations::accept(c, "a", &again)).await;
    assert_eq!(user, None);
    assert_eq!(db.read(|c| invitations::list(c, 1)).await.total, 0);
});

db_test!(expired_invitation_is_listed_but_not_accepted, |db| async {
    let inviter = db.user("root").await;
    let expired = new_invitation(inviter, "a", -HOUR_MS);
    let valid = new_invitation(inviter, "b", HOUR_MS);
    db.write(move |c| {
        invitations::insert(c, permit(), &expired)?;
        invitations::insert(c, permit(), &valid)
    })
    .await;
    assert!(db.read(|c| invitations::get_valid(c, "a")).await.is_none());
    let new = new_user("ann", Role::Member);
    let user = db.write(move |c| invitations::accept(c, "a", &new)).await;
    assert_eq!(user, None);
    assert_eq!(db.read(|c| invitations::list(c, 1)).await.total, 2);
    let deleted = db
        .write(|c| invitations::delete_expired(c, 2 * HOUR_MS))
        .await;
    assert_eq!(deleted, 0, "it expired only an hour ago");
    let deleted = db
        .write(|c| invitations::delete_expired(c, HOUR_MS / 2))
        .await;
    assert_eq!(deleted, 1);
    assert!(db.read(|c| invitations::get_valid(c, "b")).await.is_some());
});

db_test!(invitations_of_a_deleted_user_are_deleted, |db| async {
    let inviter = db.user("root").await;
    let new = new_invitation(inviter, "a", HOUR_MS);
    db.write(move |c| invitations::insert(c, permit(), &new))
        .await;
    db.write(move |c| store::users::delete(c, permit(), inviter))
        .await;
    assert_eq!(db.read(|c| invitations::list(c, 1)).await.total, 0);
});
