//! Who holds a job. Leases that have run out are made with times in the past, never by waiting.

use model::jobs::{JobKind, JobState, Progress, StepState};
use store::jobs::{self, Beat, Outcome};

const MINUTE: i64 = 60_000;

fn done() -> Outcome {
    Outcome {
        state: JobState::Done,
        error: None,
        words: None,
        left: Vec::new(),
    }
}

db_test!(the_oldest_is_claimed_first_and_once, |lab| async {
    let ground = lab.ground().await;
    assert_eq!(lab.w(|c| jobs::claim(c, "a", MINUTE)).await, None);
    let mut ids = Vec::new();
    for n in 1..=2 {
        let container = lab.put(ground.container(n)).await;
        ids.push(lab.queue(ground.job(container, JobKind::Create)).await);
    }
    let first = lab.w(|c| jobs::claim(c, "a", MINUTE)).await.unwrap();
    assert_eq!(
        (first.row.id, first.row.state, first.attempt),
        (ids[0], JobState::Running, 1)
    );
    assert!(first.row.started.is_some());
    assert_eq!(first.steps.len(), 2);
    assert_eq!(
        lab.w(|c| jobs::claim(c, "b", MINUTE)).await.unwrap().row.id,
        ids[1]
    );
    assert_eq!(lab.w(|c| jobs::claim(c, "c", MINUTE)).await, None);
});

db_test!(a_lease_that_ran_out_is_taken_over, |lab| async {
    let ground = lab.ground().await;
    let container = lab.put(ground.container(1)).await;
    let id = lab.queue(ground.job(container, JobKind::Create)).await;
    let first = lab.w(|c| jobs::claim(c, "a", -1)).await.unwrap();
    let second = lab.w(|c| jobs::claim(c, "b", MINUTE)).await.unwrap();
    assert_eq!((second.row.id, second.attempt), (id, 2));
    assert_eq!(second.row.started, first.row.started);
    // Whoever lost it writes nothing more.
    let before = lab.r(move |c| jobs::record(c, id)).await;
    let lost = lab.w(move |c| {
        let progress = Progress { done: 1, total: 2 };
        jobs::release(c, id, "a")?;
        Ok([
            jobs::begin_step(c, id, "a", 0)?,
            jobs::save_step(c, id, "a", 0, "x")?,
            jobs::progress_step(c, id, "a", 0, progress)?,
            jobs::end_step(c, id, "a", 0, StepState::Done, None, None)?,
            jobs::finish(c, id, "a", &done())?,
            jobs::heartbeat(c, id, "a", MINUTE)?.held,
        ])
    });
    assert_eq!(lost.await, [false; 6]);
    assert_eq!(lab.r(move |c| jobs::record(c, id)).await, before);
    assert!(lab.w(move |c| jobs::finish(c, id, "b", &done())).await);
});

db_test!(
    a_lease_that_ran_out_is_lost_before_anybody_takes_it,
    |lab| async {
        let ground = lab.ground().await;
        let container = lab.put(ground.container(1)).await;
        let id = lab.queue(ground.job(container, JobKind::Create)).await;
        lab.w(|c| jobs::claim(c, "a", -1)).await.unwrap();
        assert!(!lab.w(move |c| jobs::begin_step(c, id, "a", 0)).await);
        let beat = lab.w(move |c| jobs::heartbeat(c, id, "a", MINUTE)).await;
        assert_eq!(
            beat,
            Beat {
                held: false,
                cancel: false
            }
        );
    }
);

db_test!(
    a_heartbeat_keeps_the_lease_and_brings_the_wish_to_stop,
    |lab| async {
        let ground = lab.ground().await;
        let container = lab.put(ground.container(1)).await;
        let id = lab.queue(ground.job(container, JobKind::Create)).await;
        lab.w(|c| jobs::claim(c, "a", MINUTE)).await.unwrap();
        let due = lab.r(jobs::next_due_ms).await.unwrap();
        assert!((1..=MINUTE).contains(&due), "{due}");
        let beat = lab
            .w(move |c| jobs::heartbeat(c, id, "a", 60 * MINUTE))
            .await;
        assert_eq!(
            beat,
            Beat {
                held: true,
                cancel: false
            }
        );
        assert!(lab.r(jobs::next_due_ms).await.unwrap() > MINUTE);
        assert!(lab.w(move |c| jobs::request_cancel(c, id)).await);
        let beat = lab.w(move |c| jobs::heartbeat(c, id, "a", -1)).await;
        assert_eq!(
            beat,
            Beat {
                held: true,
                cancel: true
            }
        );
        assert_eq!(lab.r(jobs::next_due_ms).await, Some(0));
    }
);

db_test!(a_released_job_goes_on_elsewhere_at_once, |lab| async {
    let ground = lab.ground().await;
    let container = lab.put(ground.container(1)).await;
    assert_eq!(lab.r(jobs::next_due_ms).await, None);
    let id = lab.queue(ground.job(container, JobKind::Create)).await;
    assert_eq!(lab.r(jobs::next_due_ms).await, Some(0));
    lab.w(|c| jobs::claim(c, "a", MINUTE)).await.unwrap();
    lab.w(move |c| jobs::release(c, id, "a")).await;
    assert_eq!(lab.r(jobs::next_due_ms).await, Some(0));
    assert!(!lab.w(move |c| jobs::finish(c, id, "a", &done())).await);
    assert_eq!(
        lab.w(|c| jobs::claim(c, "b", MINUTE)).await.unwrap().row.id,
        id
    );
    lab.w(move |c| jobs::finish(c, id, "b", &done())).await;
    assert_eq!(lab.r(jobs::next_due_ms).await, None);
});
