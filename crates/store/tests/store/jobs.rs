use model::{
    ContainerId, JobId,
    jobs::{JobKind, JobState, Progress, StepState},
};
use store::{
    Error, Unique, containers,
    jobs::{self, JobRecord, Outcome},
};

use crate::lab::{Lab, v};

const MINUTE: i64 = 60_000;

async fn record(lab: &Lab, id: JobId) -> JobRecord {
    lab.r(move |c| jobs::record(c, id)).await.unwrap()
}

fn outcome(state: JobState) -> Outcome {
    Outcome {
        state,
        error: Some("It did not work.".to_owned()),
        words: Some("exit code 1".to_owned()),
        left: vec![
            "A volume is left on pve1.".to_owned(),
            "\"Quoted\" 🦀.".to_owned(),
        ],
    }
}

db_test!(a_job_comes_back_as_it_was_written, |lab| async {
    let ground = lab.ground().await;
    let container = lab.put(ground.container(1)).await;
    let mut new = ground.job(container, JobKind::Create);
    new.args = r#"{"restart":true}"#.to_owned();
    let id = lab.queue(new).await;
    let found = record(&lab, id).await;
    assert_eq!(
        (found.row.id, found.row.kind, found.row.state),
        (id, JobKind::Create, JobState::Queued)
    );
    assert_eq!(
        (found.row.container, found.row.container_name),
        (Some(container), v("web"))
    );
    assert_eq!(
        (found.row.site, found.row.actor),
        (v("lab"), Some(v("ann")))
    );
    assert_eq!(
        (found.row.started, found.row.finished, found.row.error),
        (None, None, None)
    );
    assert_eq!((found.row.steps_done, found.row.steps), (0, 2));
    assert_eq!(
        (found.args.as_str(), found.attempt, found.cancel_requested),
        (r#"{"restart":true}"#, 0, false)
    );
    assert_eq!(
        (found.words, found.left, found.owner),
        (None, Vec::new(), ground.owner)
    );
    let steps: Vec<_> = found
        .steps
        .iter()
        .map(|s| (s.position, s.name.as_str(), s.view.title.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (0, "find", "Find the template"),
            (1, "make", "Create the container")
        ]
    );
    assert!(
        found
            .steps
            .iter()
            .all(|s| s.view.state == StepState::Waiting && s.data.is_none())
    );
    assert_eq!(lab.r(|c| jobs::record(c, JobId(999))).await, None);
});

db_test!(a_container_has_one_unfinished_job, |lab| async {
    let ground = lab.ground().await;
    let container = lab.put(ground.container(1)).await;
    lab.queue(ground.job(container, JobKind::Create)).await;
    let second = ground.job(container, JobKind::Stop);
    let refused = lab
        .store
        .write({
            let second = second.clone();
            move |c| jobs::insert(c, &second)
        })
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::ActiveJob)));
    let job = lab.w(|c| jobs::claim(c, "w", MINUTE)).await.unwrap().row.id;
    assert!(
        lab.w(move |c| jobs::finish(c, job, "w", &outcome(JobState::Done)))
            .await
    );
    lab.queue(second).await;
    let nowhere = ground.job(ContainerId(999), JobKind::Stop);
    let refused = lab.store.write(move |c| jobs::insert(c, &nowhere)).await;
    assert_eq!(refused, Err(Error::NotFound));
});

db_test!(steps_are_written_one_by_one, |lab| async {
    let ground = lab.ground().await;
    let container = lab.put(ground.container(1)).await;
    let id = lab.queue(ground.job(container, JobKind::Create)).await;
    lab.w(|c| jobs::claim(c, "w", MINUTE)).await.unwrap();
    assert!(lab.w(move |c| jobs::begin_step(c, id, "w", 0)).await);
    assert!(lab.w(move |c| jobs::save_step(c, id, "w", 0, "upid")).await);
    let progress = Progress {
        done: 5,
        total: u64::MAX,
    };
    assert!(
        lab.w(move |c| jobs::progress_step(c, id, "w", 0, progress))
            .await
    );
    let step = record(&lab, id).await.steps.remove(0);
    assert_eq!(
        (step.view.state, step.data.as_deref()),
        (StepState::Running, Some("upid"))
    );
    assert_eq!(step.view.progress.unwrap().done, 5);
    assert!(step.view.started.is_some() && step.view.finished.is_none());
    assert!(
        lab.w(move |c| jobs::end_step(c, id, "w", 0, StepState::Done, Some("pve1"), None))
            .await
    );
    let found = record(&lab, id).await;
    let step = &found.steps[0];
    assert_eq!(
        (step.view.state, step.view.note.as_deref()),
        (StepState::Done, Some("pve1"))
    );
    assert!(step.view.finished >= step.view.started);
    assert_eq!(step.data.as_deref(), Some("upid"));
    assert_eq!((found.row.steps_done, found.row.steps), (1, 2));
    assert!(
        lab.w(move |c| jobs::end_step(c, id, "w", 1, StepState::Skipped, None, Some("x")))
            .await
    );
    let found = record(&lab, id).await;
    assert_eq!(
        (found.row.steps_done, found.steps[1].data.as_deref()),
        (2, Some("x"))
    );
    let listed = lab.r(|c| jobs::active(c, None)).await;
    assert_eq!(listed, [found.row]);
    assert!(!lab.w(move |c| jobs::begin_step(c, id, "w", 7)).await);
});

db_test!(an_ended_job_keeps_its_words, |lab| async {
    let ground = lab.ground().await;
    let container = lab.put(ground.container(1)).await;
    let id = lab.queue(ground.job(container, JobKind::Create)).await;
    lab.w(|c| jobs::claim(c, "w", MINUTE)).await.unwrap();
    assert!(
        lab.w(move |c| jobs::finish(c, id, "w", &outcome(JobState::Failed)))
            .await
    );
    let found = record(&lab, id).await;
    assert_eq!(
        (found.row.state, found.row.error),
        (JobState::Failed, outcome(JobState::Failed).error)
    );
    assert!(found.row.finished >= found.row.started && found.row.started.is_some());
    assert_eq!(
        (found.words, found.left),
        (
            Some("exit code 1".to_owned()),
            outcome(JobState::Failed).left
        )
    );
    // It is over: nothing more is written, nobody claims it, and nobody can cancel it.
    assert!(
        !lab.w(move |c| jobs::finish(c, id, "w", &outcome(JobState::Done)))
            .await
    );
    assert!(!lab.w(move |c| jobs::begin_step(c, id, "w", 0)).await);
    assert!(!lab.w(move |c| jobs::request_cancel(c, id)).await);
    assert_eq!(lab.w(|c| jobs::claim(c, "w", MINUTE)).await, None);
});

db_test!(a_failed_job_is_queued_again_from_the_start, |lab| async {
    let ground = lab.ground().await;
    let container = lab.put(ground.container(1)).await;
    let id = lab.queue(ground.job(container, JobKind::Create)).await;
    assert!(!lab.w(move |c| jobs::requeue(c, id)).await);
    lab.w(|c| jobs::claim(c, "w", MINUTE)).await.unwrap();
    assert!(lab.w(move |c| jobs::request_cancel(c, id)).await);
    assert!(
        lab.w(move |c| jobs::end_step(c, id, "w", 0, StepState::Undone, Some("n"), Some("d")))
            .await
    );
    assert!(
        lab.w(move |c| jobs::finish(c, id, "w", &outcome(JobState::Cancelled)))
            .await
    );
    assert!(lab.w(move |c| jobs::requeue(c, id)).await);
    let found = record(&lab, id).await;
    assert_eq!(
        (found.row.state, found.row.error, found.words),
        (JobState::Queued, None, None)
    );
    assert_eq!(
        (found.row.started, found.row.finished, found.attempt),
        (None, None, 0)
    );
    assert!(found.left.is_empty() && !found.cancel_requested);
    let step = &found.steps[0];
    assert_eq!(
        (step.view.state, &step.view.note, &step.data),
        (StepState::Waiting, &None, &None)
    );
    let second = ground.job(container, JobKind::Stop);
    let refused = lab.store.write(move |c| jobs::insert(c, &second)).await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::ActiveJob)));
    assert_eq!(
        lab.w(|c| jobs::claim(c, "w", MINUTE)).await.unwrap().row.id,
        id
    );
});

db_test!(a_job_is_not_queued_again_beside_another, |lab| async {
    let ground = lab.ground().await;
    let container = lab.put(ground.container(1)).await;
    let id = lab.queue(ground.job(container, JobKind::Stop)).await;
    lab.w(|c| jobs::claim(c, "w", MINUTE)).await.unwrap();
    lab.w(move |c| jobs::finish(c, id, "w", &outcome(JobState::Failed)))
        .await;
    let other = lab.queue(ground.job(container, JobKind::Delete)).await;
    let refused = lab.store.write(move |c| jobs::requeue(c, id)).await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::ActiveJob)));
    assert_eq!(record(&lab, id).await.row.state, JobState::Failed);
    // The container goes; its jobs stay, and cannot be tried again.
    lab.w(move |c| jobs::claim(c, "w", MINUTE)).await.unwrap();
    lab.w(move |c| containers::delete(c, container)).await;
    assert!(
        lab.w(move |c| jobs::finish(c, other, "w", &outcome(JobState::Done)))
            .await
    );
    assert_eq!(record(&lab, other).await.row.container, None);
    assert!(!lab.w(move |c| jobs::requeue(c, id)).await);
});

db_test!(a_log_is_read_from_where_one_left_off, |lab| async {
    let ground = lab.ground().await;
    let first = lab.put(ground.container(1)).await;
    let second = lab.put(ground.container(2)).await;
    let id = lab.queue(ground.job(first, JobKind::Create)).await;
    let other = lab.queue(ground.job(second, JobKind::Create)).await;
    let lines: Vec<String> = (0..450).map(|n| format!("line {n} ü 🦀")).collect();
    let written = lines.clone();
    lab.w(move |c| jobs::append_log(c, id, &written)).await;
    lab.w(move |c| jobs::append_log(c, other, &["elsewhere".to_owned()]))
        .await;
    lab.w(move |c| jobs::append_log(c, id, &[])).await;
    lab.w(move |c| jobs::append_log(c, id, &["last".to_owned()]))
        .await;
    let some = lab.r(move |c| jobs::log(c, id, 0, 300)).await;
    let texts =
        |lines: &[model::jobs::LogLine]| lines.iter().map(|l| l.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&some), lines[..300]);
    let after = some[299].seq;
    let rest = lab.r(move |c| jobs::log(c, id, after, 1000)).await;
    assert_eq!(texts(&rest)[..150], lines[300..]);
    assert_eq!(texts(&rest)[150..], ["last"]);
    assert!(some.iter().chain(&rest).map(|l| l.seq).is_sorted());
    let now = lab.store.now().await.unwrap();
    assert!(some[0].at <= now && some[0].at.age_ms(now) < 60_000);
    let nothing = lab
        .store
        .write(|c| jobs::append_log(c, JobId(999), &["x".to_owned()]))
        .await;
    assert_eq!(nothing, Err(Error::NotFound));
});
