use model::ClusterId;
use store::{
    Error, SecretKey, Unique,
    clusters::{self, Access, Certificates},
};

use crate::lab::access;

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
        (found.id, found.access.clone()),
        (id, access("demo")),
        "with its certificate"
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
    let changed = Access {
        name: "c".to_owned(),
        url: "https://x:8006".parse().unwrap(),
        login: "anna@pve".parse().unwrap(),
        secret: "neu".to_owned(),
        certificates: Certificates::from([(
            "https://y:8006".parse().unwrap(),
            "cd".repeat(32).parse().unwrap(),
        )]),
    };
    // The second time nothing becomes another, which is no fault.
    for _ in 0..2 {
        let (key, to) = (lab.store.key().clone(), changed.clone());
        lab.w(move |c| clusters::update(c, &key, id, &to)).await;
    }
    let key = lab.store.key().clone();
    let found = lab.r(move |c| clusters::by_name(c, &key, "c")).await;
    assert_eq!(found.unwrap().access, changed);
    let key = lab.store.key().clone();
    let all = lab.r(move |c| clusters::list(c, &key)).await;
    assert_eq!(
        all.iter()
            .map(|c| c.access.name.as_str())
            .collect::<Vec<_>>(),
        ["a", "c"]
    );
    let (key, to) = (lab.store.key().clone(), changed);
    let gone = lab
        .store
        .write(move |c| clusters::update(c, &key, ClusterId(99), &to));
    assert_eq!(gone.await, Err(Error::NotFound));
    let key = lab.store.key().clone();
    let again = lab
        .store
        .write(move |c| clusters::insert(c, &key, &access("a")))
        .await;
    assert_eq!(again, Err(Error::Duplicate(Unique::ClusterName)));
});

db_test!(a_cluster_with_sites_stays, |lab| async {
    let ground = lab.ground().await;
    let held = lab
        .store
        .write(move |c| clusters::delete(c, ground.cluster))
        .await;
    assert_eq!(held, Err(Error::InUse));
    let free = lab.cluster("free").await;
    lab.w(move |c| clusters::delete(c, free)).await;
    let left = lab
        .place
        .lines("SELECT url AS line FROM cluster_certificates");
    assert_eq!(left.len(), 1, "its certificates are gone: {left:?}");
});
