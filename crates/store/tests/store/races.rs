//! Concurrent writes: constraints, conditional updates and row locks work on every database.

use std::collections::BTreeSet;

use model::{Fields, jobs::JobKind};
use store::{Error, Unique, containers, jobs, sites, users};
use tokio::task::JoinSet;

use crate::support::{permit, site_spec};

db_test!(concurrent_inserts_allocate_an_address_once, |db| async {
    let fixture = db.fixture().await;
    let address = fixture.container(1).address;
    let mut tasks = JoinSet::new();
    for n in 1..=32 {
        let store = db.store.clone();
        let mut new = fixture.container(n);
        new.address = address;
        tasks.spawn(async move {
            store
                .write(move |c| containers::insert(c, permit(), &new))
                .await
        });
    }
    let results = tasks.join_all().await;
    let succeeded = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(succeeded, 1, "{results:?}");
    let refused = Err(Error::Duplicate(Unique::ContainerAddress));
    assert_eq!(
        results.iter().filter(|result| **result == refused).count(),
        31,
        "{results:?}"
    );
    assert_eq!(db.read(|c| containers::count(c, None)).await, 1);
});

db_test!(user_limit_holds_under_concurrent_inserts, |db| async {
    let fixture = db.fixture().await;
    // A second store on the same database, as in another process.
    let second = db.database.open(db.store.secret_key()).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 1..=20 {
        let store = if n % 2 == 0 { &db.store } else { &second }.clone();
        let new = fixture.container(n);
        tasks.spawn(async move {
            let write = store.write(move |c| {
                // A read before the lock must not hide commits that happen while the lock is
                // awaited.
                let _ = users::get(c, new.owner)?;
                users::lock(c, new.owner)?;
                if users::get_usage(c, new.owner)?.containers >= 5 {
                    return Ok(false);
                }
                containers::insert(c, permit(), &new)?;
                Ok(true)
            });
            write.await.unwrap()
        });
    }
    let inserted = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|inserted| *inserted)
        .count();
    assert_eq!(inserted, 5);
    assert_eq!(db.read(|c| containers::count(c, None)).await, 5);
});

db_test!(
    sites_of_a_cluster_do_not_overlap_under_concurrent_inserts,
    |db| async {
        let cluster = db.cluster("demo").await;
        let mut tasks = JoinSet::new();
        for n in 0..8 {
            let store = db.store.clone();
            let spec = site_spec(&format!("s{n}"), cluster);
            tasks.spawn(async move {
                let write = store.write(move |c| {
                    let mut fields = Fields::default();
                    for other in sites::lock_cluster(c, cluster)? {
                        spec.check_overlap(&other.spec, &mut fields);
                    }
                    match fields.finish(Some(())) {
                        Ok(()) => sites::insert(c, permit(), &spec).map(Some),
                        Err(_) => Ok(None),
                    }
                });
                write.await.unwrap()
            });
        }
        let inserted = tasks.join_all().await.into_iter().flatten().count();
        assert_eq!(inserted, 1);
    }
);

db_test!(job_is_claimed_by_one_of_several_workers, |db| async {
    let fixture = db.fixture().await;
    let mut queued = BTreeSet::new();
    for n in 1..=24 {
        let container = db.insert_container(fixture.container(n)).await;
        queued.insert(db.insert_job(fixture.job(container, JobKind::Create)).await);
    }
    let mut tasks = JoinSet::new();
    for worker in 0..8 {
        let store = db.store.clone();
        tasks.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let name = format!("worker {worker}");
                let claim = store.write(move |c| jobs::claim(c, &name, 60_000, 24));
                match claim.await.unwrap() {
                    Some(job) => claimed.push(job.row.id),
                    None => break,
                }
            }
            claimed
        });
    }
    let claimed: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 24, "{claimed:?}");
    assert_eq!(BTreeSet::from_iter(claimed), queued);
});

db_test!(conflicting_transactions_are_retried, |db| async {
    let (ann, bob) = (db.user("ann").await, db.user("bob").await);
    let mut tasks = JoinSet::new();
    for n in 0..2 {
        let store = db.store.clone();
        let (first, second) = if n == 0 { (ann, bob) } else { (bob, ann) };
        tasks.spawn(async move {
            for _ in 0..25 {
                let write = store.write(move |c| {
                    users::lock(c, first)?;
                    users::lock(c, second)
                });
                write.await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let versions = "SELECT CONCAT('', version) AS line FROM users";
    assert_eq!(db.database.lines(versions), ["51", "51"]);
});

db_test!(failed_write_is_rolled_back, |db| async {
    let user = db.user("ann").await;
    let failed: Result<(), Error> = db
        .store
        .write(move |c| {
            users::delete(c, permit(), user)?;
            Err(Error::InUse)
        })
        .await;
    assert_eq!(failed, Err(Error::InUse));
    assert!(db.read(move |c| users::get(c, user)).await.is_some());
});

db_test!(panic_discards_only_its_connection, |db| async {
    let user = db.user("ann").await;
    for _ in 0..10 {
        let result: Result<(), Error> = db
            .store
            .write(move |c| {
                users::lock(c, user)?;
                panic!("on purpose");
            })
            .await;
        assert!(matches!(result, Err(Error::Internal { .. })), "{result:?}");
    }
    db.write(move |c| users::lock(c, user)).await;
});

db_test!(lost_connections_are_replaced, |db| async {
    let user = db.user("ann").await;
    let all_open = std::sync::Arc::new(std::sync::Barrier::new(8));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, all_open) = (db.store.clone(), all_open.clone());
        tasks.spawn(async move {
            let read = store.read(move |c| {
                all_open.wait();
                users::has_any(c)
            });
            read.await.unwrap()
        });
    }
    assert_eq!(tasks.join_all().await, [true; 8]);
    db.database.cut_others();
    db.write(move |c| users::lock(c, user)).await;
    for _ in 0..8 {
        assert!(db.read(users::has_any).await);
    }
});

db_test!(write_fails_after_eight_attempts, |db| async {
    let attempts = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counter = attempts.clone();
    let write = db.store.write(move |_| -> Result<(), Error> {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err(Error::Unavailable {
            cause: "busy".to_owned(),
        })
    });
    assert!(matches!(write.await, Err(Error::Unavailable { .. })));
    assert_eq!(attempts.load(std::sync::atomic::Ordering::Relaxed), 8);
});
