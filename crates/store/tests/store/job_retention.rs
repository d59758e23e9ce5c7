use std::time::Duration;

use model::{
    ContainerId, JobId,
    jobs::{JobKind, JobState},
};
use store::{
    Conn, containers,
    jobs::{self, JobOutcome},
};

use crate::support::{Fixture, TestStore, permit};

const MINUTE: i64 = 60_000;

/// Inserts a job that has failed.
async fn failed_job(
    db: &TestStore,
    fixture: &Fixture,
    container: ContainerId,
    kind: JobKind,
) -> JobId {
    let id = db.insert_job(fixture.job(container, kind)).await;
    db.write(|c| jobs::claim(c, "w", MINUTE, 9)).await.unwrap();
    fail(db, id).await;
    id
}

async fn fail(db: &TestStore, id: JobId) {
    let outcome = JobOutcome {
        state: JobState::Failed,
        error: Some("It did not work.".to_owned()),
        details: None,
        leftovers: Vec::new(),
    };
    let finish = move |c: &mut Conn| jobs::finish(c, id, "w", &outcome);
    assert!(db.write(finish).await);
}

async fn exists(db: &TestStore, id: JobId) -> bool {
    db.read(move |c| jobs::get(c, id)).await.is_some()
}

/// Deletes ended jobs, however recent.
async fn delete_ended(db: &TestStore) -> usize {
    db.write(|c| jobs::delete_ended(c, -MINUTE, 10)).await
}

db_test!(
    failed_creation_is_kept_until_the_container_exists,
    |db| async {
        let fixture = db.fixture().await;
        let container = db.insert_container(fixture.container(1)).await;
        let creation = failed_job(&db, &fixture, container, JobKind::Create).await;
        let deletion = failed_job(&db, &fixture, container, JobKind::Delete).await;
        assert_eq!(delete_ended(&db).await, 0);
        let record = db.read(move |c| containers::get(c, container)).await;
        let failure = record.unwrap().creation_failure.unwrap();
        assert_eq!(failure.0, creation, "the container's page shows the error");
        db.write(move |c| containers::mark_created(c, container))
            .await;
        assert_eq!(delete_ended(&db).await, 1);
        assert!(!exists(&db, creation).await && exists(&db, deletion).await);
    }
);

db_test!(job_that_is_queued_again_meanwhile_is_kept, |db| async {
    let fixture = db.fixture().await;
    let container = db.insert_container(fixture.container(1)).await;
    let old = failed_job(&db, &fixture, container, JobKind::Stop).await;
    failed_job(&db, &fixture, container, JobKind::Stop).await;
    let requeue = db.write(move |c| {
        let queued = jobs::requeue(c, permit(), old)?;
        // The deletion reads the job before this is committed, and then waits for its row.
        #[expect(clippy::disallowed_methods, reason = "on a blocking thread")]
        std::thread::sleep(Duration::from_millis(500));
        Ok(queued)
    });
    let delete = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        delete_ended(&db).await
    };
    let (queued, deleted) = tokio::join!(requeue, delete);
    assert!(queued);
    assert_eq!(deleted, 0);
    assert!(exists(&db, old).await);
});

db_test!(retries_keep_the_last_lines_of_the_log, |db| async {
    let fixture = db.fixture().await;
    let first = db.insert_container(fixture.container(1)).await;
    let second = db.insert_container(fixture.container(2)).await;
    let other = failed_job(&db, &fixture, second, JobKind::Stop).await;
    db.write(move |c| jobs::append_log(c, other, &["other".to_owned()]))
        .await;
    let id = failed_job(&db, &fixture, first, JobKind::Create).await;
    let lines = async || db.read(move |c| jobs::list_log(c, id, 0, 9999)).await;
    for (attempt, kept) in [700, 1000, 1000].into_iter().enumerate() {
        let written: Vec<String> = (0..700).map(|n| format!("{attempt} {n}")).collect();
        db.write(move |c| jobs::append_log(c, id, &written)).await;
        assert!(db.write(move |c| jobs::requeue(c, permit(), id)).await);
        let lines = lines().await;
        assert_eq!(lines.len(), kept);
        assert_eq!(lines.last().unwrap().text, format!("{attempt} 699"));
        let is_shortened = lines[0].text == "Older lines were deleted.";
        assert_eq!(is_shortened, attempt > 0, "{}", lines[0].text);
        db.write(|c| jobs::claim(c, "w", MINUTE, 9)).await.unwrap();
        fail(&db, id).await;
    }
    let rest = db.read(move |c| jobs::list_log(c, other, 0, 9)).await;
    assert_eq!(rest[0].text, "other");
});
