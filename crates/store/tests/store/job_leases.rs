//! Leases of jobs. Expired leases are created with times in the past, never by waiting.

use model::jobs::{JobKind, JobState, Progress, StepState};
use store::jobs::{self, Heartbeat, JobOutcome};

use crate::support::permit;

const MINUTE: i64 = 60_000;

fn done() -> JobOutcome {
    JobOutcome {
        state: JobState::Done,
        error: None,
        details: None,
        leftovers: Vec::new(),
    }
}

db_test!(oldest_job_is_claimed_first_and_once, |db| async {
    let fixture = db.fixture().await;
    assert_eq!(db.write(|c| jobs::claim(c, "a", MINUTE, 9)).await, None);
    let mut ids = Vec::new();
    for n in 1..=2 {
        let container = db.insert_container(fixture.container(n)).await;
        ids.push(db.insert_job(fixture.job(container, JobKind::Create)).await);
    }
    let first = db.write(|c| jobs::claim(c, "a", MINUTE, 9)).await.unwrap();
    assert_eq!(
        (first.row.id, first.row.state, first.attempt),
        (ids[0], JobState::Running, 1)
    );
    assert!(first.row.started.is_some());
    assert_eq!(first.steps.len(), 2);
    assert_eq!(
        db.write(|c| jobs::claim(c, "b", MINUTE, 9))
            .await
            .unwrap()
            .row
            .id,
        ids[1]
    );
    assert_eq!(db.write(|c| jobs::claim(c, "c", MINUTE, 9)).await, None);
});

db_test!(owners_take_turns_and_none_holds_all_workers, |db| async {
    let fixture = db.fixture().await;
    let bob = db.user("bob").await;
    let mut ids = Vec::new();
    for (n, owner) in [
        (1, fixture.owner),
        (2, fixture.owner),
        (3, fixture.owner),
        (4, bob),
    ] {
        let container = db.insert_container(fixture.container(n)).await;
        let mut job = fixture.job(container, JobKind::Create);
        job.owner = owner;
        ids.push(db.insert_job(job).await);
    }
    let claim = async || {
        let job = db.write(|c| jobs::claim(c, "w", MINUTE, 2)).await;
        job.map(|job| job.row.id)
    };
    for expected in [Some(ids[0]), Some(ids[3]), Some(ids[1]), None] {
        assert_eq!(claim().await, expected);
    }
    let first = ids[0];
    db.write(move |c| jobs::finish(c, first, "w", &done()))
        .await;
    assert_eq!(claim().await, Some(ids[2]));
});

db_test!(expired_lease_is_claimed_by_another_worker, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let id = db.insert_job(fixture.job(container, JobKind::Create)).await;
    let first = db.write(|c| jobs::claim(c, "a", -1, 9)).await.unwrap();
    let second = db.write(|c| jobs::claim(c, "b", MINUTE, 9)).await.unwrap();
    assert_eq!((second.row.id, second.attempt), (id, 2));
    assert_eq!(second.row.started, first.row.started);
    // A worker that lost the lease cannot write.
    let before = db.read(move |c| jobs::get(c, id)).await;
    let lost = db.write(move |c| {
        let progress = Progress { done: 1, total: 2 };
        jobs::release(c, id, "a")?;
        Ok([
            jobs::start_step(c, id, "a", 0)?,
            jobs::save_step_data(c, id, "a", 0, "x")?,
            jobs::update_step_progress(c, id, "a", 0, progress)?,
            jobs::finish_step(c, id, "a", 0, StepState::Done, None, None)?,
            jobs::finish(c, id, "a", &done())?,
            jobs::renew_lease(c, id, "a", MINUTE)?.is_held,
        ])
    });
    assert_eq!(lost.await, [false; 6]);
    assert_eq!(db.read(move |c| jobs::get(c, id)).await, before);
    assert!(db.write(move |c| jobs::finish(c, id, "b", &done())).await);
});

db_test!(expired_lease_is_lost_before_another_claim, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let id = db.insert_job(fixture.job(container, JobKind::Create)).await;
    db.write(|c| jobs::claim(c, "a", -1, 9)).await.unwrap();
    assert!(!db.write(move |c| jobs::start_step(c, id, "a", 0)).await);
    let heartbeat = db
        .write(move |c| jobs::renew_lease(c, id, "a", MINUTE))
        .await;
    assert_eq!(
        heartbeat,
        Heartbeat {
            is_held: false,
            cancel_requested: false
        }
    );
});

db_test!(
    heartbeat_renews_the_lease_and_reports_cancellation,
    |db| async {
        let fixture = db.fixture().await;
        let container = db.insert_container(fixture.container(1)).await;
        let id = db.insert_job(fixture.job(container, JobKind::Create)).await;
        db.write(|c| jobs::claim(c, "a", MINUTE, 9)).await.unwrap();
        let due = db.read(jobs::next_due_in_ms).await.unwrap();
        assert!((1..=MINUTE).contains(&due), "{due}");
        let heartbeat = db
            .write(move |c| jobs::renew_lease(c, id, "a", 60 * MINUTE))
            .await;
        assert_eq!(
            heartbeat,
            Heartbeat {
                is_held: true,
                cancel_requested: false
            }
        );
        assert!(db.read(jobs::next_due_in_ms).await.unwrap() > MINUTE);
        assert!(
            db.write(move |c| jobs::request_cancel(c, permit(), id, &[JobState::Running]))
                .await
        );
        let heartbeat = db.write(move |c| jobs::renew_lease(c, id, "a", -1)).await;
        assert_eq!(
            heartbeat,
            Heartbeat {
                is_held: true,
                cancel_requested: true
            }
        );
        assert_eq!(db.read(jobs::next_due_in_ms).await, Some(0));
    }
);

db_test!(released_job_can_be_claimed_immediately, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    assert_eq!(db.read(jobs::next_due_in_ms).await, None);
    let id = db.insert_job(fixture.job(container, JobKind::Create)).await;
    assert_eq!(db.read(jobs::next_due_in_ms).await, Some(0));
    db.write(|c| jobs::claim(c, "a", MINUTE, 9)).await.unwrap();
    db.write(move |c| jobs::release(c, id, "a")).await;
    assert_eq!(db.read(jobs::next_due_in_ms).await, Some(0));
    assert!(!db.write(move |c| jobs::finish(c, id, "a", &done())).await);
    assert_eq!(
        db.write(|c| jobs::claim(c, "b", MINUTE, 9))
            .await
            .unwrap()
            .row
            .id,
        id
    );
    db.write(move |c| jobs::finish(c, id, "b", &done())).await;
    assert_eq!(db.read(jobs::next_due_in_ms).await, None);
});
