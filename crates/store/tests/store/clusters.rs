use model::ClusterId;
use store::{
    Error, SecretKey, Unique,
    clusters::{self, NewCluster},
};

db_test!(the_secret_is_encrypted_in_the_table, |lab| async {
    let id = lab.cluster("demo").await;
    let stored = lab.place.lines("SELECT secret AS line FROM clusters");
    assert!(
        !stored[0].contains("geheim") && stored[0].len() > 30,
        "{stored:?}"
    );
    let key = lab.store.key().clone();
    let found = lab.r(move |c| clusters::get(c, &key, id)).await.unwrap();
    assert_eq!(
        (found.id, found.name.as_str(), found.secret.as_str()),
        (id, "demo", "geheim")
    );
    assert!(!format!("{found:?}").contains("geheim"));
    let other = SecretKey::generate().unwrap();
    let Err(Error::Internal { cause }) =
        lab.store.read(move |c| clusters::get(c, &other, id)).await
    else {
        panic!("another key opened the secret");
    };
    assert!(
        cause.contains("clusters.secret:demo") && !cause.contains("geheim"),
        "{cause}"
    );
});

db_test!(
    a_secret_of_one_cluster_does_not_open_in_another,
    |lab| async {
        lab.cluster("one").await;
        let two = lab.cluster("two").await;
        let one = lab
            .place
            .lines("SELECT secret AS line FROM clusters WHERE name = 'one'")
            .remove(0);
        lab.place.execute(&format!(
            "UPDATE clusters SET secret = '{one}' WHERE name = 'two'"
        ));
        let key = lab.store.key().clone();
        let read = lab.store.read(move |c| clusters::get(c, &key, two)).await;
        assert!(matches!(read, Err(Error::Internal { .. })), "{read:?}");
    }
);

db_test!(access_changes_and_names_are_had_once, |lab| async {
    let id = lab.cluster("b").await;
    lab.cluster("a").await;
    let key = lab.store.key().clone();
    lab.w(move |c| clusters::set_access(c, &key, id, "https://x:8006", "u@pve!t", "neu"))
        .await;
    let key = lab.store.key().clone();
    let found = lab
        .r(move |c| clusters::by_name(c, &key, "b"))
        .await
        .unwrap();
    assert_eq!(
        (found.url.as_str(), found.token_id.as_str()),
        ("https://x:8006", "u@pve!t")
    );
    assert_eq!(found.secret, "neu");
    let key = lab.store.key().clone();
    let all = lab.r(move |c| clusters::list(c, &key)).await;
    assert_eq!(
        all.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    let key = lab.store.key().clone();
    let gone = lab
        .store
        .write(move |c| clusters::set_access(c, &key, ClusterId(99), "", "", ""));
    assert_eq!(gone.await, Err(Error::NotFound));
    let key = lab.store.key().clone();
    let new = NewCluster {
        name: "a".to_owned(),
        url: String::new(),
        token_id: String::new(),
        secret: String::new(),
    };
    let again = lab
        .store
        .write(move |c| clusters::insert(c, &key, &new))
        .await;
    assert_eq!(again, Err(Error::Duplicate(Unique::ClusterName)));
});
