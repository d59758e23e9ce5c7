//! Opening: files, keys, versions, and errors that tell what to do and no password.

use std::os::unix::fs::PermissionsExt;

use store::{OpenError, Options, SecretKey, Store};

use crate::lab::{Kind, Place};

db_test!(a_store_opens_again_with_its_key_alone, |lab| async {
    let first = lab.place.open(lab.store.key()).await;
    assert!(first.is_ok(), "{first:?}");
    // Without secrets any key is right.
    lab.place
        .open(&SecretKey::generate().unwrap())
        .await
        .unwrap();
    lab.cluster("demo").await;
    lab.place.open(lab.store.key()).await.unwrap();
    let other = lab.place.open(&SecretKey::generate().unwrap()).await;
    assert!(
        matches!(other, Err(OpenError::WrongKey { .. })),
        "{other:?}"
    );
});

db_test!(a_newer_database_is_refused, |lab| async {
    let run_on = match lab.place.kind {
        Kind::Sqlite | Kind::Mariadb => "",
        Kind::Postgres => ", now()",
    };
    let columns = if run_on.is_empty() {
        "(version)"
    } else {
        "(version, run_on)"
    };
    lab.place.execute(&format!(
        "INSERT INTO __diesel_schema_migrations {columns} VALUES ('9999'{run_on})"
    ));
    let Err(OpenError::Newer { version, .. }) = lab.place.open(lab.store.key()).await else {
        panic!("a database of a newer program was opened");
    };
    assert_eq!(version, "9999");
});

db_test!(many_may_open_at_once, |lab| async {
    // One of its own, which nobody has opened yet.
    let place = Place::new(lab.place.kind);
    let key = SecretKey::generate().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let options = Options {
            url: place.url.parse().unwrap(),
            key: key.clone(),
            pool_size: 1,
        };
        tasks.spawn(Store::open(options));
    }
    for opened in tasks.join_all().await {
        opened.unwrap().ping().await.unwrap();
    }
});

db_test!(the_clock_is_the_databases_and_is_right, |lab| async {
    let now = lab.store.now().await.unwrap();
    let here = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let here = i64::try_from(here.as_millis()).unwrap();
    // The servers run on this machine; an hour is for wrong time zones, not for slowness.
    assert!((now.0 - here).abs() < 1_800_000, "{} and {here}", now.0);
    assert!(lab.store.now().await.unwrap() >= now);
});

#[tokio::test]
async fn a_sqlite_file_is_private_and_needs_its_folder() {
    let place = Place::new(Kind::Sqlite);
    let key = SecretKey::generate().unwrap();
    let store = place.open(&key).await.unwrap();
    store.write(store::users::lock_all).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let meta = std::fs::metadata(format!("{}{suffix}", place.path())).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{suffix}");
    }
    let url = place.url.replace("test.db", "no/test.db");
    let options = Options {
        url: url.parse().unwrap(),
        key,
        pool_size: 1,
    };
    let refused = Store::open(options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Connect { .. }), "{refused:?}");
    assert!(refused.to_string().contains("no/test.db"), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_the_password() {
    for url in [
        "postgres://u:ge%40heim@127.0.0.1:1/d",
        "mysql://u:ge%40heim@127.0.0.1:1/d",
        "postgres://u@127.0.0.1:1/d?password=ge%40heim",
    ] {
        let key = SecretKey::generate().unwrap();
        let options = Options {
            url: url.parse().unwrap(),
            key,
            pool_size: 1,
        };
        let refused = Store::open(options).await.unwrap_err();
        let shown = format!("{refused} {refused:?}");
        assert!(matches!(refused, OpenError::Connect { .. }), "{shown}");
        assert!(shown.contains("127.0.0.1"), "{shown}");
        assert!(!shown.contains("heim"), "{shown}");
    }
}
