use model::{
    ContainerId, JobId,
    jobs::{JobKind, JobState, Progress, StepState},
};
use store::{
    Error, Unique, containers,
    jobs::{self, JobOutcome, JobRecord},
};

use crate::support::{TestStore, parse, permit};

const MINUTE: i64 = 60_000;
const ACTIVE: [JobState; 2] = [JobState::Queued, JobState::Running];

async fn record(db: &TestStore, id: JobId) -> JobRecord {
    db.read(move |c| jobs::get(c, id)).await.unwrap()
}

fn outcome(state: JobState) -> JobOutcome {
    JobOutcome {
        state,
        error: Some("It did not work.".to_owned()),
        details: Some("exit code 1".to_owned()),
        leftovers: vec![
            "A volume is left on pve1.".to_owned(),
            "\"Quoted\" 🦀.".to_owned(),
        ],
    }
}

db_test!(job_round_trips, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let mut new = fixture.job(container, JobKind::Create);
    new.args = r#"{"restart":true}"#.to_owned();
    let id = db.insert_job(new).await;
    let stored = record(&db, id).await;
    assert_eq!(
        (stored.row.id, stored.row.kind, stored.row.state),
        (id, JobKind::Create, JobState::Queued)
    );
    assert_eq!(
        (stored.row.container, stored.row.container_name),
        (Some(container), parse("web"))
    );
    assert_eq!(
        (stored.row.site, stored.row.actor),
        (parse("lab"), Some(parse("ann")))
    );
    assert_eq!(
        (stored.row.started, stored.row.finished, stored.row.error),
        (None, None, None)
    );
    assert_eq!((stored.row.steps_done, stored.row.steps), (0, 2));
    assert_eq!(
        (
            stored.args.as_str(),
            stored.attempt,
            stored.cancel_requested
        ),
        (r#"{"restart":true}"#, 0, false)
    );
    assert_eq!(
        (stored.details, stored.leftovers, stored.owner),
        (None, Vec::new(), fixture.owner)
    );
    let steps: Vec<_> = stored
        .steps
        .iter()
        .map(|s| (s.position, s.name.as_str(), s.view.title.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (0, "find", "Check template"),
            (1, "create", "Create container")
        ]
    );
    assert!(
        stored
            .steps
            .iter()
            .all(|s| s.view.state == StepState::Waiting && s.data.is_none())
    );
    assert_eq!(db.read(|c| jobs::get(c, JobId(999))).await, None);
});

db_test!(container_has_one_active_job, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    db.insert_job(fixture.job(container, JobKind::Create)).await;
    let second = fixture.job(container, JobKind::Stop);
    let refused = db
        .store
        .write({
            let second = second.clone();
            move |c| jobs::insert(c, permit(), &second)
        })
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::ActiveJob)));
    let job = db
        .write(|c| jobs::claim(c, "w", MINUTE, 9))
        .await
        .unwrap()
        .row
        .id;
    assert!(
        db.write(move |c| jobs::finish(c, job, "w", &outcome(JobState::Done)))
            .await
    );
    db.insert_job(second).await;
    let nowhere = fixture.job(ContainerId(999), JobKind::Stop);
    let refused = db
        .store
        .write(move |c| jobs::insert(c, permit(), &nowhere))
        .await;
    assert_eq!(refused, Err(Error::NotFound));
});

db_test!(steps_are_updated_individually, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let id = db.insert_job(fixture.job(container, JobKind::Create)).await;
    db.write(|c| jobs::claim(c, "w", MINUTE, 9)).await.unwrap();
    assert!(db.write(move |c| jobs::start_step(c, id, "w", 0)).await);
    assert!(
        db.write(move |c| jobs::save_step_data(c, id, "w", 0, "upid"))
            .await
    );
    let progress = Progress {
        done: 5,
        total: u64::MAX,
    };
    assert!(
        db.write(move |c| jobs::update_step_progress(c, id, "w", 0, progress))
            .await
    );
    let step = record(&db, id).await.steps.remove(0);
    assert_eq!(
        (step.view.state, step.data.as_deref()),
        (StepState::Running, Some("upid"))
    );
    assert_eq!(step.view.progress.unwrap().done, 5);
    assert!(step.view.started.is_some() && step.view.finished.is_none());
    assert!(
        db.write(move |c| jobs::finish_step(c, id, "w", 0, StepState::Done, Some("pve1"), None))
            .await
    );
    let stored = record(&db, id).await;
    let step = &stored.steps[0];
    assert_eq!(
        (step.view.state, step.view.note.as_deref()),
        (StepState::Done, Some("pve1"))
    );
    assert!(step.view.finished >= step.view.started);
    assert_eq!(step.data.as_deref(), Some("upid"));
    assert_eq!((stored.row.steps_done, stored.row.steps), (1, 2));
    assert!(
        db.write(move |c| jobs::finish_step(c, id, "w", 1, StepState::Skipped, None, Some("x")))
            .await
    );
    let stored = record(&db, id).await;
    assert_eq!(
        (stored.row.steps_done, stored.steps[1].data.as_deref()),
        (2, Some("x"))
    );
    let listed = db.read(|c| jobs::list_active(c, None)).await;
    assert_eq!(listed, [stored.row]);
    assert!(!db.write(move |c| jobs::start_step(c, id, "w", 7)).await);
});

db_test!(finished_job_keeps_its_error_details, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let id = db.insert_job(fixture.job(container, JobKind::Create)).await;
    db.write(|c| jobs::claim(c, "w", MINUTE, 9)).await.unwrap();
    assert!(
        db.write(move |c| jobs::finish(c, id, "w", &outcome(JobState::Failed)))
            .await
    );
    let stored = record(&db, id).await;
    assert_eq!(
        (stored.row.state, stored.row.error),
        (JobState::Failed, outcome(JobState::Failed).error)
    );
    assert!(stored.row.finished >= stored.row.started && stored.row.started.is_some());
    assert_eq!(
        (stored.details, stored.leftovers),
        (
            Some("exit code 1".to_owned()),
            outcome(JobState::Failed).leftovers
        )
    );
    // A finished job cannot be written, claimed or canceled.
    assert!(
        !db.write(move |c| jobs::finish(c, id, "w", &outcome(JobState::Done)))
            .await
    );
    assert!(!db.write(move |c| jobs::start_step(c, id, "w", 0)).await);
    assert!(
        !db.write(move |c| jobs::request_cancel(c, permit(), id, &ACTIVE))
            .await
    );
    assert_eq!(db.write(|c| jobs::claim(c, "w", MINUTE, 9)).await, None);
});

db_test!(failed_job_is_requeued_from_the_first_step, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let id = db.insert_job(fixture.job(container, JobKind::Create)).await;
    assert!(!db.write(move |c| jobs::requeue(c, permit(), id)).await);
    db.write(|c| jobs::claim(c, "w", MINUTE, 9)).await.unwrap();
    assert!(
        db.write(move |c| jobs::request_cancel(c, permit(), id, &ACTIVE))
            .await
    );
    assert!(
        db.write(move |c| jobs::finish_step(
            c,
            id,
            "w",
            0,
            StepState::Undone,
            Some("n"),
            Some("d")
        ))
        .await
    );
    assert!(
        db.write(move |c| jobs::finish(c, id, "w", &outcome(JobState::Canceled)))
            .await
    );
    assert!(db.write(move |c| jobs::requeue(c, permit(), id)).await);
    let stored = record(&db, id).await;
    assert_eq!(
        (stored.row.state, stored.row.error, stored.details),
        (JobState::Queued, None, None)
    );
    assert_eq!(
        (stored.row.started, stored.row.finished, stored.attempt),
        (None, None, 0)
    );
    assert!(stored.leftovers.is_empty() && !stored.cancel_requested);
    let step = &stored.steps[0];
    assert_eq!(
        (step.view.state, &step.view.note, &step.data),
        (StepState::Waiting, &None, &None)
    );
    let second = fixture.job(container, JobKind::Stop);
    let refused = db
        .store
        .write(move |c| jobs::insert(c, permit(), &second))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::ActiveJob)));
    assert_eq!(
        db.write(|c| jobs::claim(c, "w", MINUTE, 9))
            .await
            .unwrap()
            .row
            .id,
        id
    );
});

db_test!(job_is_not_requeued_beside_an_active_job, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let id = db.insert_job(fixture.job(container, JobKind::Stop)).await;
    db.write(|c| jobs::claim(c, "w", MINUTE, 9)).await.unwrap();
    db.write(move |c| jobs::finish(c, id, "w", &outcome(JobState::Failed)))
        .await;
    let other = db.insert_job(fixture.job(container, JobKind::Delete)).await;
    let refused = db
        .store
        .write(move |c| jobs::requeue(c, permit(), id))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::ActiveJob)));
    assert_eq!(record(&db, id).await.row.state, JobState::Failed);
    // The container is deleted; its jobs are kept and cannot be requeued.
    db.write(move |c| jobs::claim(c, "w", MINUTE, 9))
        .await
        .unwrap();
    db.write(move |c| containers::delete(c, container)).await;
    assert!(
        db.write(move |c| jobs::finish(c, other, "w", &outcome(JobState::Done)))
            .await
    );
    assert_eq!(record(&db, other).await.row.container, None);
    assert!(!db.write(move |c| jobs::requeue(c, permit(), id)).await);
});

db_test!(log_is_read_from_the_last_line, |db| async {
    let fixture = db.fixture().await;
    let first = db.insert_container(fixture.container(1)).await;
    let second = db.insert_container(fixture.container(2)).await;
    let id = db.insert_job(fixture.job(first, JobKind::Create)).await;
    let other = db.insert_job(fixture.job(second, JobKind::Create)).await;
    let lines: Vec<String> = (0..450).map(|n| format!("line {n} ü 🦀")).collect();
    let written = lines.clone();
    db.write(move |c| jobs::append_log(c, id, &written)).await;
    db.write(move |c| jobs::append_log(c, other, &["elsewhere".to_owned()]))
        .await;
    db.write(move |c| jobs::append_log(c, id, &[])).await;
    db.write(move |c| jobs::append_log(c, id, &["last".to_owned()]))
        .await;
    let some = db.read(move |c| jobs::list_log(c, id, 0, 300)).await;
    let texts =
        |lines: &[model::jobs::LogLine]| lines.iter().map(|l| l.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&some), lines[..300]);
    let after = some[299].seq;
    let rest = db.read(move |c| jobs::list_log(c, id, after, 1000)).await;
    assert_eq!(texts(&rest)[..150], lines[300..]);
    assert_eq!(texts(&rest)[150..], ["last"]);
    assert!(some.iter().chain(&rest).map(|l| l.seq).is_sorted());
    let now = db.store.now().await.unwrap();
    assert!(some[0].at <= now && some[0].at.age_ms(now) < 60_000);
    let nothing = db
        .store
        .write(|c| jobs::append_log(c, JobId(999), &["x".to_owned()]))
        .await;
    assert_eq!(nothing, Err(Error::NotFound));
});

db_test!(only_old_jobs_that_no_page_needs_are_deleted, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = db.insert_job(fixture.job(container, JobKind::Stop)).await;
        db.write(|c| jobs::claim(c, "w", MINUTE, 9)).await.unwrap();
        db.write(move |c| jobs::append_log(c, id, &["line".to_owned()]))
            .await;
        db.write(move |c| jobs::finish(c, id, "w", &outcome(JobState::Done)))
            .await;
        ids.push(id);
    }
    let recent = db.write(|c| jobs::delete_ended(c, MINUTE, 10)).await;
    assert_eq!(recent, 0, "not old enough");
    let old = db.write(|c| jobs::delete_ended(c, -MINUTE, 10)).await;
    assert_eq!(old, 1);
    let [first, second] = ids[..] else { panic!() };
    assert!(db.read(move |c| jobs::get(c, first)).await.is_none());
    assert!(
        db.read(move |c| jobs::get(c, second)).await.is_some(),
        "the container's page refers to its latest job"
    );
    let active = db.insert_job(fixture.job(container, JobKind::Stop)).await;
    let old = db.write(|c| jobs::delete_ended(c, -MINUTE, 10)).await;
    assert_eq!(old, 1, "a job that has not ended is kept");
    assert!(db.read(move |c| jobs::get(c, active)).await.is_some());
});
