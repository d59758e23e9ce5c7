use model::{
    Timestamp, UserId,
    page::Page,
    users::{AccountState, DecidedState, Limits, Role, Usage, UserRow, UserValues},
};
use store::{
    Error, Unique,
    users::{self, UserUpdate},
};

use crate::support::{new_user, parse, permit, user_values};

db_test!(user_round_trips, |db| async {
    let mut new = new_user("ann", Role::Operator);
    new.values.limits = Limits {
        containers: Some(3),
        cores: None,
        memory_mib: Some(4096),
        disk_gib: Some(0),
    };
    let written = new.clone();
    let id = db.write(move |c| users::insert(c, permit(), &new)).await;
    let stored = db.read(move |c| users::get(c, id)).await.unwrap();
    assert_eq!(stored.row.id, id);
    assert_eq!(stored.row.name, written.values.name);
    assert_eq!(stored.row.email, written.values.email);
    assert_eq!(stored.row.role, Role::Operator);
    assert_eq!(stored.row.limits, written.values.limits);
    assert_eq!(stored.row.usage, Usage::default());
    assert_eq!(stored.password_hash, written.password_hash);
    let now = db.store.now().await.unwrap();
    assert!(stored.row.created.age_ms(now) < 60_000 && stored.row.created <= now);
    let by_name = db
        .read(|c| users::get_by_name(c, &parse("ann")))
        .await
        .unwrap();
    assert_eq!(by_name.row, stored.row);
    assert!(
        db.read(|c| users::get_by_name(c, &parse("bob")))
            .await
            .is_none()
    );
    assert!(db.read(|c| users::get(c, UserId(999))).await.is_none());
});

db_test!(update_keeps_the_password_without_a_new_one, |db| async {
    let mut new = new_user("ann", Role::Member);
    new.values.limits.cores = Some(4);
    let id = db.write(move |c| users::insert(c, permit(), &new)).await;
    let mut change = UserUpdate {
        values: UserValues {
            email: parse("anna@example.net"),
            limits: Limits {
                containers: Some(1),
                ..Limits::default()
            },
            access_ends: Some(Timestamp(5)),
            ..user_values("anna", Role::Administrator)
        },
        password_hash: None,
    };
    let first = change.clone();
    db.write(move |c| users::update(c, permit(), id, &first))
        .await;
    let stored = db.read(move |c| users::get(c, id)).await.unwrap();
    assert_eq!(stored.row.name, parse("anna"));
    assert_eq!(stored.row.values(), change.values);
    assert_eq!(stored.row.role, Role::Administrator);
    assert_eq!(stored.password_hash, "hash of ann");
    change.password_hash = Some("new".to_owned());
    let second = change.clone();
    db.write(move |c| users::update(c, permit(), id, &second))
        .await;
    assert_eq!(
        db.read(move |c| users::get(c, id))
            .await
            .unwrap()
            .password_hash,
        "new"
    );
    let gone = db
        .store
        .write(move |c| users::update(c, permit(), UserId(999), &change))
        .await;
    assert_eq!(gone, Err(Error::NotFound));
});

db_test!(user_name_is_unique, |db| async {
    db.user("ann").await;
    let bob = db.user("bob").await;
    let again = new_user("ann", Role::Member);
    let refused = db
        .store
        .write(move |c| users::insert(c, permit(), &again))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::UserName)));
    let change = UserUpdate {
        values: user_values("ann", Role::Member),
        password_hash: None,
    };
    let refused = db
        .store
        .write(move |c| users::update(c, permit(), bob, &change))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::UserName)));
});

db_test!(user_with_containers_is_not_deleted, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let owner = fixture.owner;
    let refused = db
        .store
        .write(move |c| users::delete(c, permit(), owner))
        .await;
    assert_eq!(refused, Err(Error::InUse));
    db.write(move |c| store::containers::delete(c, container))
        .await;
    db.write(move |c| users::delete(c, permit(), owner)).await;
    assert_eq!(
        db.store
            .write(move |c| users::delete(c, permit(), owner))
            .await,
        Err(Error::NotFound)
    );
});

db_test!(usage_is_the_sum_over_containers, |db| async {
    let fixture = db.fixture().await;
    let mut second = fixture.container(2);
    second.spec.memory = parse("2G");
    second.spec.cores = parse("3");
    db.insert_container(fixture.container(1)).await;
    db.insert_container(second).await;
    let owner = fixture.owner;
    let usage = Usage {
        containers: 2,
        cores: 5,
        memory_mib: 2560,
        disk_gib: 16,
    };
    assert_eq!(db.read(move |c| users::get_usage(c, owner)).await, usage);
    assert_eq!(
        db.read(move |c| users::get(c, owner))
            .await
            .unwrap()
            .row
            .usage,
        usage
    );
    let listed = db.read(|c| users::list(c, "ANN", None, 1)).await;
    assert_eq!(listed.rows[0].usage, usage);
});

db_test!(lock_requires_the_user_and_changes_no_values, |db| async {
    let id = db.user("ann").await;
    let before = db.read(move |c| users::get(c, id)).await.unwrap().row;
    db.write(move |c| users::lock(c, id)).await;
    db.write(users::lock_all).await;
    assert_eq!(
        db.read(move |c| users::get(c, id)).await.unwrap().row,
        before
    );
    let missing = db.store.write(move |c| users::lock(c, UserId(999))).await;
    assert_eq!(missing, Err(Error::NotFound));
});

db_test!(administrators_are_counted, |db| async {
    assert!(!db.read(users::has_any).await);
    db.user("ann").await;
    assert!(db.read(users::has_any).await);
    assert_eq!(db.read(users::count_permanent_administrators).await, 0);
    assert_eq!(db.read(users::get_first_administrator).await, None);
    let mut ids = Vec::new();
    for name in ["root1", "root2"] {
        let new = new_user(name, Role::Administrator);
        ids.push(db.write(move |c| users::insert(c, permit(), &new)).await);
    }
    assert_eq!(db.read(users::count_permanent_administrators).await, 2);
    assert_eq!(db.read(users::get_first_administrator).await, Some(ids[0]));
});

db_test!(invalid_column_is_reported_with_table_and_row, |db| async {
    let id = db.user("ann").await;
    db.database.execute("UPDATE users SET role = 'king'");
    let Err(Error::Internal { cause }) = db.store.read(move |c| users::get(c, id)).await else {
        panic!("an invalid row was read");
    };
    assert!(
        cause.contains(&format!("users.role of row {id}")),
        "{cause}"
    );
});

db_test!(
    password_is_replaced_only_if_it_is_the_expected_one,
    |db| async {
        let new = new_user("ann", Role::Member);
        let id = db.write(move |c| users::insert(c, permit(), &new)).await;
        let replaced = db
            .write(move |c| users::replace_password(c, permit(), id, "another hash", "new"))
            .await;
        assert!(!replaced);
        let stored = db.read(move |c| users::get(c, id)).await.unwrap();
        assert_eq!(stored.password_hash, "hash of ann");
        let replaced = db
            .write(move |c| users::replace_password(c, permit(), id, "hash of ann", "new"))
            .await;
        assert!(replaced);
        let stored = db.read(move |c| users::get(c, id)).await.unwrap();
        assert_eq!(stored.password_hash, "new");
    }
);

db_test!(account_expires_by_the_clock_of_the_database, |db| async {
    let now = db.store.now().await.unwrap();
    let names = |page: Page<UserRow>| {
        let names = page.rows.into_iter().map(|user| user.name.to_string());
        names.collect::<Vec<_>>()
    };
    for (name, ends) in [("past", now.0 - 1), ("future", now.0 + 3_600_000)] {
        let mut new = new_user(name, Role::Administrator);
        new.values.access_ends = Some(Timestamp(ends));
        db.write(move |c| users::insert(c, permit(), &new)).await;
    }
    let pending = db.user("pending").await;
    let suspended = db.user("suspended").await;
    db.user("active").await;
    db.write(move |c| {
        users::update_state(c, permit(), pending, DecidedState::Pending)?;
        users::update_state(c, permit(), suspended, DecidedState::Suspended)
    })
    .await;
    let expected = [
        (AccountState::Pending, vec!["pending"]),
        (AccountState::Active, vec!["active", "future"]),
        (AccountState::Suspended, vec!["suspended"]),
        (AccountState::Expired, vec!["past"]),
    ];
    for (state, users) in expected {
        let page = db.read(move |c| users::list(c, "", Some(state), 1)).await;
        assert!(page.rows.iter().all(|user| user.state == state), "{state}");
        assert_eq!(page.total, users.len() as u64);
        assert_eq!(names(page), users);
    }
    assert_eq!(db.read(users::count_permanent_administrators).await, 0);
    let first = db.read(users::get_first_administrator).await.unwrap();
    let first = db.read(move |c| users::get(c, first)).await.unwrap();
    assert_eq!(first.row.name, parse("future"));
});

db_test!(users_are_found_by_their_full_name, |db| async {
    let mut new = new_user("ann", Role::Member);
    new.values.full_name = parse("Anna-Lena Example");
    db.write(move |c| users::insert(c, permit(), &new)).await;
    db.user("bob").await;
    let found = db.read(|c| users::list(c, "lena ex", None, 1)).await;
    assert_eq!(found.total, 1);
    assert_eq!(found.rows[0].full_name, parse("Anna-Lena Example"));
});
