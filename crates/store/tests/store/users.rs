use model::{
    UserId,
    users::{Limits, Role, Usage},
};
use store::{
    Error, Unique,
    users::{self, UserChange},
};

use crate::lab::{new_user, v};

db_test!(an_account_comes_back_as_it_was_written, |lab| async {
    let mut new = new_user("ann", Role::Operator);
    new.limits = Limits {
        containers: Some(3),
        cores: None,
        memory_mib: Some(4096),
        disk_gib: Some(0),
    };
    let written = new.clone();
    let id = lab.w(move |c| users::insert(c, &new)).await;
    let found = lab.r(move |c| users::get(c, id)).await.unwrap();
    assert_eq!(found.row.id, id);
    assert_eq!(found.row.name, written.name);
    assert_eq!(found.row.mail, written.mail);
    assert_eq!(found.row.role, Role::Operator);
    assert_eq!(found.row.limits, written.limits);
    assert_eq!(found.row.usage, Usage::default());
    assert_eq!(found.password_hash, written.password_hash);
    let now = lab.store.now().await.unwrap();
    assert!(found.row.created.age_ms(now) < 60_000 && found.row.created <= now);
    let by_name = lab.r(|c| users::by_name(c, &v("ann"))).await.unwrap();
    assert_eq!(by_name.row, found.row);
    assert!(lab.r(|c| users::by_name(c, &v("bob"))).await.is_none());
    assert!(lab.r(|c| users::get(c, UserId(999))).await.is_none());
});

db_test!(
    a_change_sets_everything_but_an_absent_password,
    |lab| async {
        let mut new = new_user("ann", Role::Member);
        new.limits.cores = Some(4);
        let id = lab.w(move |c| users::insert(c, &new)).await;
        let mut change = UserChange {
            name: v("anna"),
            mail: v("anna@example.net"),
            role: Role::Administrator,
            limits: Limits {
                containers: Some(1),
                ..Limits::default()
            },
            password_hash: None,
        };
        let first = change.clone();
        lab.w(move |c| users::update(c, id, &first)).await;
        let found = lab.r(move |c| users::get(c, id)).await.unwrap();
        assert_eq!(found.row.name, v("anna"));
        assert_eq!(found.row.limits, change.limits);
        assert_eq!(found.row.role, Role::Administrator);
        assert_eq!(found.password_hash, "hash of ann");
        change.password_hash = Some("new".to_owned());
        let second = change.clone();
        lab.w(move |c| users::update(c, id, &second)).await;
        assert_eq!(
            lab.r(move |c| users::get(c, id))
                .await
                .unwrap()
                .password_hash,
            "new"
        );
        let gone = lab
            .store
            .write(move |c| users::update(c, UserId(999), &change))
            .await;
        assert_eq!(gone, Err(Error::NotFound));
    }
);

db_test!(a_name_is_had_once, |lab| async {
    lab.user("ann").await;
    let bob = lab.user("bob").await;
    let again = new_user("ann", Role::Member);
    let refused = lab.store.write(move |c| users::insert(c, &again)).await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::UserName)));
    let change = UserChange {
        name: v("ann"),
        mail: v("b@example.org"),
        role: Role::Member,
        limits: Limits::default(),
        password_hash: None,
    };
    let refused = lab
        .store
        .write(move |c| users::update(c, bob, &change))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::UserName)));
});

db_test!(
    an_owner_stays_and_others_go_with_their_sessions,
    |lab| async {
        let ground = lab.ground().await;
        let container = lab.put(ground.container(1)).await;
        let owner = ground.owner;
        let refused = lab.store.write(move |c| users::delete(c, owner)).await;
        assert_eq!(refused, Err(Error::InUse));
        lab.w(move |c| store::containers::delete(c, container))
            .await;
        lab.w(move |c| users::delete(c, owner)).await;
        assert_eq!(
            lab.store.write(move |c| users::delete(c, owner)).await,
            Err(Error::NotFound)
        );
    }
);

db_test!(usage_is_the_sum_over_containers, |lab| async {
    let ground = lab.ground().await;
    let mut second = ground.container(2);
    second.spec.memory = v("2G");
    second.spec.cores = v("3");
    lab.put(ground.container(1)).await;
    lab.put(second).await;
    let owner = ground.owner;
    let usage = Usage {
        containers: 2,
        cores: 5,
        memory_mib: 2560,
        disk_gib: 16,
    };
    assert_eq!(lab.r(move |c| users::usage(c, owner)).await, usage);
    assert_eq!(
        lab.r(move |c| users::get(c, owner))
            .await
            .unwrap()
            .row
            .usage,
        usage
    );
    let listed = lab.r(|c| users::list(c, "ANN", 1)).await;
    assert_eq!(listed.rows[0].usage, usage);
});

db_test!(
    a_lock_needs_its_account_and_changes_nothing_to_see,
    |lab| async {
        let id = lab.user("ann").await;
        let before = lab.r(move |c| users::get(c, id)).await.unwrap().row;
        lab.w(move |c| users::lock(c, id)).await;
        lab.w(users::lock_all).await;
        assert_eq!(lab.r(move |c| users::get(c, id)).await.unwrap().row, before);
        let nobody = lab.store.write(move |c| users::lock(c, UserId(999))).await;
        assert_eq!(nobody, Err(Error::NotFound));
    }
);

db_test!(administrators_are_counted, |lab| async {
    assert!(!lab.r(users::any).await);
    lab.user("ann").await;
    assert!(lab.r(users::any).await);
    assert_eq!(lab.r(users::administrators).await, 0);
    assert_eq!(lab.r(users::first).await, None);
    let mut ids = Vec::new();
    for name in ["root1", "root2"] {
        let new = new_user(name, Role::Administrator);
        ids.push(lab.w(move |c| users::insert(c, &new)).await);
    }
    assert_eq!(lab.r(users::administrators).await, 2);
    assert_eq!(lab.r(users::first).await, Some(ids[0]));
});

db_test!(
    a_row_that_does_not_parse_is_told_with_its_place,
    |lab| async {
        let id = lab.user("ann").await;
        lab.place.execute("UPDATE users SET role = 'king'");
        let Err(Error::Internal { cause }) = lab.store.read(move |c| users::get(c, id)).await
        else {
            panic!("a broken row was read");
        };
        assert!(
            cause.contains(&format!("users.role of row {id}")),
            "{cause}"
        );
    }
);
