//! Many at once: constraints, conditional changes and row locks decide, on every database alike.

use std::collections::BTreeSet;

use model::jobs::JobKind;
use store::{Error, Unique, containers, jobs, users};
use tokio::task::JoinSet;

db_test!(one_of_many_gets_the_address, |lab| async {
    let ground = lab.ground().await;
    let address = ground.container(1).address;
    let mut tasks = JoinSet::new();
    for n in 1..=32 {
        let store = lab.store.clone();
        let mut new = ground.container(n);
        new.address = address;
        tasks.spawn(async move { store.write(move |c| containers::insert(c, &new)).await });
    }
    let results = tasks.join_all().await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(won, 1, "{results:?}");
    let refused = Err(Error::Duplicate(Unique::ContainerAddress));
    assert_eq!(
        results.iter().filter(|result| **result == refused).count(),
        31,
        "{results:?}"
    );
    assert_eq!(lab.r(|c| containers::count(c, None)).await, 1);
});

db_test!(a_limit_holds_when_the_owner_is_locked_first, |lab| async {
    let ground = lab.ground().await;
    // Another store on the same database, as another process has.
    let second = lab.place.open(lab.store.key()).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 1..=20 {
        let store = if n % 2 == 0 { &lab.store } else { &second }.clone();
        let new = ground.container(n);
        tasks.spawn(async move {
            let write = store.write(move |c| {
                // A look before the lock must not hide what others commit while this one waits.
                let _ = users::get(c, new.owner)?;
                users::lock(c, new.owner)?;
                if users::usage(c, new.owner)?.containers >= 5 {
                    return Ok(false);
                }
                containers::insert(c, &new)?;
                Ok(true)
            });
            write.await.unwrap()
        });
    }
    let made = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|made| *made)
        .count();
    assert_eq!(made, 5);
    assert_eq!(lab.r(|c| containers::count(c, None)).await, 5);
});

db_test!(no_job_is_claimed_twice, |lab| async {
    let ground = lab.ground().await;
    let mut queued = BTreeSet::new();
    for n in 1..=24 {
        let container = lab.put(ground.container(n)).await;
        queued.insert(lab.queue(ground.job(container, JobKind::Create)).await);
    }
    let mut tasks = JoinSet::new();
    for worker in 0..8 {
        let store = lab.store.clone();
        tasks.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let name = format!("worker {worker}");
                let claim = store.write(move |c| jobs::claim(c, &name, 60_000));
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

db_test!(transactions_that_collide_are_run_again, |lab| async {
    let (ann, bob) = (lab.user("ann").await, lab.user("bob").await);
    let mut tasks = JoinSet::new();
    for n in 0..2 {
        let store = lab.store.clone();
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
    assert_eq!(lab.place.lines(versions), ["51", "51"]);
});

db_test!(a_failed_write_leaves_nothing, |lab| async {
    let user = lab.user("ann").await;
    let failed: Result<(), Error> = lab
        .store
        .write(move |c| {
            users::delete(c, user)?;
            Err(Error::InUse)
        })
        .await;
    assert_eq!(failed, Err(Error::InUse));
    assert!(lab.r(move |c| users::get(c, user)).await.is_some());
});

db_test!(a_panic_costs_a_connection_and_no_more, |lab| async {
    let user = lab.user("ann").await;
    for _ in 0..10 {
        let died: Result<(), Error> = lab
            .store
            .write(move |c| {
                users::lock(c, user)?;
                panic!("on purpose");
            })
            .await;
        assert!(matches!(died, Err(Error::Internal { .. })), "{died:?}");
    }
    lab.w(move |c| users::lock(c, user)).await;
});

db_test!(cut_connections_are_replaced, |lab| async {
    let user = lab.user("ann").await;
    let all_open = std::sync::Arc::new(std::sync::Barrier::new(8));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, all_open) = (lab.store.clone(), all_open.clone());
        tasks.spawn(async move {
            let read = store.read(move |c| {
                all_open.wait();
                users::any(c)
            });
            read.await.unwrap()
        });
    }
    assert_eq!(tasks.join_all().await, [true; 8]);
    lab.place.cut_others();
    lab.w(move |c| users::lock(c, user)).await;
    for _ in 0..8 {
        assert!(lab.r(users::any).await);
    }
});

db_test!(what_never_passes_is_told_after_eight_tries, |lab| async {
    let tries = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = tries.clone();
    let write = lab.store.write(move |_| -> Result<(), Error> {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err(Error::Unavailable {
            cause: "busy".to_owned(),
        })
    });
    assert!(matches!(write.await, Err(Error::Unavailable { .. })));
    assert_eq!(tries.load(std::sync::atomic::Ordering::Relaxed), 8);
});
