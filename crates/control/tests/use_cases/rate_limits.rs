//! Limits of how often a user may do something.

use control::{Actor, Control, containers, jobs};
use model::{
    Error, Timestamp, UserId,
    containers::{ContainerForm, EditContainer, Power},
    jobs::JobState,
    users::UserForm,
};
use proxmox_sim::Effect;

use crate::test_app::{NGINX, TestApp, wait_for};

/// The number of jobs that a member may start at once.
const BURST: i64 = 60;
const INTERVAL_MS: i64 = 30_000;

fn id(actor: &Actor) -> UserId {
    actor.me().unwrap().id
}

async fn full_at(control: &Control, user: UserId) -> Option<Timestamp> {
    let read = control
        .store()
        .read(move |c| store::rate_limits::get(c, user, "jobs"));
    read.await.unwrap()
}

/// Uses the whole budget of jobs.
async fn use_up(control: &Control, actor: &Actor) {
    let (user, before) = (id(actor), full_at(control, id(actor)).await);
    let write = move |c: &mut store::Conn| {
        let full_at = Timestamp(store::now(c)?.0 + BURST * INTERVAL_MS);
        store::rate_limits::replace(c, user, "jobs", before, full_at)
    };
    control.store().write(write).await.unwrap();
}

fn assert_too_many<T: std::fmt::Debug>(refused: Result<T, Error>) {
    let refused = refused.unwrap_err();
    assert_eq!(refused.http_status(), 429, "{refused:?}");
    let seconds = refused.retry_after().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    let expected = format!("You have started too many jobs. Wait {seconds} s and try again.");
    assert_eq!(refused.to_string(), expected);
}

async fn create(control: &Control, actor: &Actor, form: &ContainerForm) -> Result<(), Error> {
    let created = containers::create(control, actor, form.parse().unwrap()).await;
    created.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn member_over_the_limit_of_jobs_waits_on_all_servers() {
    let app = TestApp::new().await;
    let control = &app.control;
    let ann = app.create_user("ann", UserForm::default()).await;
    let bob = app.create_user("bob", UserForm::default()).await;
    create(control, &ann, &app.form("web", NGINX))
        .await
        .unwrap();
    assert!(full_at(control, id(&ann)).await.is_some(), "the job counts");
    use_up(control, &ann).await;
    let form = app.form("shop", NGINX);
    assert_too_many(create(control, &ann, &form).await);
    let other = app.reopen().await;
    let refused = wait_for("the other server", async || {
        match create(&other, &ann, &form).await {
            // It has not observed the cluster yet.
            Err(Error::Unavailable { .. }) => None,
            refused => Some(refused),
        }
    });
    assert_too_many(refused.await);
    other.shutdown(std::time::Duration::from_secs(10)).await;
    create(control, &bob, &form).await.unwrap();
    let operator = UserForm {
        role: "operator".into(),
        ..UserForm::default()
    };
    let olga = app.create_user("olga", operator).await;
    use_up(control, &olga).await;
    create(control, &olga, &app.form("blog", NGINX))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_job_changes_nothing() {
    let app = TestApp::new().await;
    let control = &app.control;
    let ann = app.create_user("ann", UserForm::default()).await;
    let new = app.form("web", NGINX).parse().unwrap();
    let created = containers::create(control, &ann, new).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    use_up(control, &ann).await;
    let view = app.view("web").await;
    let edit = |memory: &str, description: &str| {
        let form = ContainerForm {
            memory: memory.into(),
            description: description.into(),
            ..ContainerForm::from(&view)
        };
        EditContainer {
            version: view.version,
            spec: form.parse().unwrap().spec,
            restart: false,
        }
    };
    let refused = containers::edit(control, &ann, created.id, edit("512", "")).await;
    assert_too_many(refused);
    assert_too_many(containers::power(control, &ann, created.id, Power::Stop).await);
    let after = app.view("web").await;
    assert_eq!(
        (after.version, after.spec),
        (view.version, view.spec.clone())
    );
    let edited = containers::edit(control, &ann, created.id, edit("256", "A wiki.")).await;
    assert_too_many(edited);
    let unchanged = EditContainer {
        version: view.version,
        spec: view.spec.clone(),
        restart: false,
    };
    let edited = containers::edit(control, &ann, created.id, unchanged).await;
    assert_eq!(edited, Ok(None), "an edit without a change has no limit");
    let deletion = containers::delete(control, &ann, created.id, "web").await;
    app.wait_for_job(deletion.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_count_as_jobs() {
    let app = TestApp::new().await;
    let control = &app.control;
    let ann = app.create_user("ann", UserForm::default()).await;
    app.inject_fault(
        "POST",
        "/nodes/{node}/lxc/{vmid}/status/start",
        Effect::FailTask("no bridge vmbr0".into()),
    );
    let new = app.form("web", NGINX).parse().unwrap();
    let created = containers::create(control, &ann, new).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Failed, "{job:?}");
    let before = full_at(control, id(&ann)).await.unwrap();
    use_up(control, &ann).await;
    assert_too_many(jobs::retry(control, &ann, created.job, "").await);
    let user = id(&ann);
    let reset = move |c: &mut store::Conn| {
        let used = store::rate_limits::get(c, user, "jobs")?;
        store::rate_limits::replace(c, user, "jobs", used, before)
    };
    control.store().write(reset).await.unwrap();
    jobs::retry(control, &ann, created.job, "").await.unwrap();
    assert!(full_at(control, id(&ann)).await.unwrap() > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn canceled_deletions_count_as_jobs() {
    let mut options = crate::test_app::options();
    options.max_concurrent_jobs = 0;
    let sim = proxmox_sim::start(proxmox_sim::Config::test())
        .await
        .unwrap();
    let app = TestApp::with_options(sim, options).await;
    let control = &app.control;
    let ann = app.create_user("ann", UserForm::default()).await;
    let new = app.form("web", NGINX).parse().unwrap();
    let created = containers::create(control, &ann, new).await.unwrap();
    let end = |c: &mut store::Conn| {
        let job = store::jobs::claim(c, "test", 60_000, 9)?.unwrap();
        let outcome = store::jobs::JobOutcome {
            state: JobState::Done,
            error: None,
            details: None,
            leftovers: Vec::new(),
        };
        store::jobs::finish(c, job.row.id, "test", &outcome)
    };
    assert!(control.store().write(end).await.unwrap());
    let before = full_at(control, id(&ann)).await;
    let job = containers::delete(control, &ann, created.id, "web")
        .await
        .unwrap();
    assert_eq!(full_at(control, id(&ann)).await, before);
    use_up(control, &ann).await;
    assert_too_many(jobs::cancel(control, &ann, job).await);
    let (user, used) = (id(&ann), full_at(control, id(&ann)).await);
    let reset = move |c: &mut store::Conn| {
        store::rate_limits::replace(c, user, "jobs", used, before.unwrap())
    };
    control.store().write(reset).await.unwrap();
    jobs::cancel(control, &ann, job).await.unwrap();
    assert!(full_at(control, id(&ann)).await > before);
}
