//! Opening a store: files, keys, versions, and errors that name a remedy and no password.

use std::os::unix::fs::PermissionsExt;

use store::{OpenError, Options, SecretKey, Store};

use crate::support::{Kind, TestDatabase};

db_test!(store_reopens_only_with_its_key, |db| async {
    let first = db.database.open(db.store.secret_key()).await;
    assert!(first.is_ok(), "{first:?}");
    // Without stored secrets any key is accepted.
    db.database
        .open(&SecretKey::generate().unwrap())
        .await
        .unwrap();
    db.cluster("demo").await;
    db.database.open(db.store.secret_key()).await.unwrap();
    let other = db.database.open(&SecretKey::generate().unwrap()).await;
    assert!(
        matches!(other, Err(OpenError::WrongKey { .. })),
        "{other:?}"
    );
});

db_test!(newer_database_is_refused, |db| async {
    let run_on = match db.database.kind {
        Kind::Sqlite | Kind::Mariadb => "",
        Kind::Postgres => ", now()",
    };
    let columns = if run_on.is_empty() {
        "(version)"
    } else {
        "(version, run_on)"
    };
    db.database.execute(&format!(
        "INSERT INTO __diesel_schema_migrations {columns} VALUES ('9999'{run_on})"
    ));
    let Err(OpenError::NewerSchema { version, .. }) = db.database.open(db.store.secret_key()).await
    else {
        panic!("a database of a newer version was opened");
    };
    assert_eq!(version, "9999");
});

db_test!(store_opens_concurrently, |db| async {
    // A new database that was not opened before.
    let database = TestDatabase::new(db.database.kind);
    let key = SecretKey::generate().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let options = Options {
            url: database.url.parse().unwrap(),
            key: key.clone(),
            pool_size: 1,
        };
        tasks.spawn(Store::open(options));
    }
    for opened in tasks.join_all().await {
        opened.unwrap().ping().await.unwrap();
    }
});

db_test!(now_returns_the_time_of_the_database, |db| async {
    let now = db.store.now().await.unwrap();
    let local = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let local = i64::try_from(local.as_millis()).unwrap();
    // The servers run on this machine; half an hour detects a wrong time zone.
    assert!((now.0 - local).abs() < 1_800_000, "{} and {local}", now.0);
    assert!(db.store.now().await.unwrap() >= now);
});

#[tokio::test]
async fn sqlite_file_is_private_and_needs_its_directory() {
    let database = TestDatabase::new(Kind::Sqlite);
    let key = SecretKey::generate().unwrap();
    let store = database.open(&key).await.unwrap();
    store.write(store::users::lock_all).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let meta = std::fs::metadata(format!("{}{suffix}", database.path())).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{suffix}");
    }
    let url = database.url.replace("test.db", "no/test.db");
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
async fn connection_error_omits_the_password() {
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
