use model::ClusterId;
use store::{
    Error, SecretKey, Unique,
    clusters::{self, ConnectionSettings, PinnedCertificates},
};

use crate::support::{access, permit};

db_test!(secret_is_encrypted_in_the_table, |db| async {
    let id = db.cluster("demo").await;
    let stored = db.database.lines("SELECT secret AS line FROM clusters");
    assert!(
        !stored[0].contains("geheim") && stored[0].len() > 30,
        "{stored:?}"
    );
    let key = db.store.secret_key().clone();
    let record = db.read(move |c| clusters::get(c, &key, id)).await.unwrap();
    assert_eq!(
        (record.id, record.connection.clone()),
        (id, access("demo")),
        "the pinned certificate is included"
    );
    assert!(!format!("{record:?}").contains("geheim"));
    let other = SecretKey::generate().unwrap();
    let Err(Error::Internal { cause }) = db.store.read(move |c| clusters::get(c, &other, id)).await
    else {
        panic!("another key decrypted the secret");
    };
    assert!(
        cause.contains("clusters.secret:demo") && !cause.contains("geheim"),
        "{cause}"
    );
});

db_test!(
    secret_of_one_cluster_does_not_decrypt_in_another,
    |db| async {
        db.cluster("one").await;
        let two = db.cluster("two").await;
        let one = db
            .database
            .lines("SELECT secret AS line FROM clusters WHERE name = 'one'")
            .remove(0);
        db.database.execute(&format!(
            "UPDATE clusters SET secret = '{one}' WHERE name = 'two'"
        ));
        let key = db.store.secret_key().clone();
        let read = db.store.read(move |c| clusters::get(c, &key, two)).await;
        assert!(matches!(read, Err(Error::Internal { .. })), "{read:?}");
    }
);

db_test!(
    cluster_update_replaces_access_and_names_are_unique,
    |db| async {
        let id = db.cluster("b").await;
        db.cluster("a").await;
        let changed = ConnectionSettings {
            name: "c".to_owned(),
            url: "https://x:8006".parse().unwrap(),
            account: "anna@pve".parse().unwrap(),
            secret: "neu".to_owned(),
            pinned_certificates: PinnedCertificates::from([(
                "https://y:8006".parse().unwrap(),
                "cd".repeat(32).parse().unwrap(),
            )]),
        };
        // The second update changes no value, which is not an error.
        for _ in 0..2 {
            let (key, to) = (db.store.secret_key().clone(), changed.clone());
            db.write(move |c| clusters::update(c, permit(), &key, id, &to))
                .await;
        }
        let key = db.store.secret_key().clone();
        let record = db.read(move |c| clusters::get_by_name(c, &key, "c")).await;
        assert_eq!(record.unwrap().connection, changed);
        let key = db.store.secret_key().clone();
        let all = db.read(move |c| clusters::list(c, &key)).await;
        assert_eq!(
            all.iter()
                .map(|c| c.connection.name.as_str())
                .collect::<Vec<_>>(),
            ["a", "c"]
        );
        let (key, to) = (db.store.secret_key().clone(), changed);
        let gone = db
            .store
            .write(move |c| clusters::update(c, permit(), &key, ClusterId(99), &to));
        assert_eq!(gone.await, Err(Error::NotFound));
        let key = db.store.secret_key().clone();
        let again = db
            .store
            .write(move |c| clusters::insert(c, permit(), &key, &access("a")))
            .await;
        assert_eq!(again, Err(Error::Duplicate(Unique::ClusterName)));
    }
);

db_test!(cluster_with_sites_is_not_deleted, |db| async {
    let fixture = db.fixture().await;
    let refused = db
        .store
        .write(move |c| clusters::delete(c, permit(), fixture.cluster))
        .await;
    assert_eq!(refused, Err(Error::InUse));
    let free = db.cluster("free").await;
    db.write(move |c| clusters::delete(c, permit(), free)).await;
    let left = db
        .database
        .lines("SELECT url AS line FROM cluster_certificates");
    assert_eq!(
        left.len(),
        1,
        "the pinned certificates are deleted: {left:?}"
    );
});
