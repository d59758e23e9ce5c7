//! Power changes, edits and deletion of containers.

use control::{Actor, containers, jobs};
use model::{
    Error,
    containers::{ContainerForm, ContainerView, EditContainer, Power, Status},
    jobs::{JobQuery, JobState, StepState},
};

use crate::test_app::{TestApp, wait_for};

fn edit_of(view: &ContainerView, change: impl FnOnce(&mut ContainerForm)) -> EditContainer {
    let mut form = ContainerForm::from(view);
    change(&mut form);
    EditContainer {
        version: view.version,
        spec: form.parse().unwrap().spec,
        restart: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn power_changes_state_and_rejects_current_state() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    let power =
        async |power| containers::power(&app.control, &Actor::System, view.row.id, power).await;
    assert!(matches!(
        power(Power::Start).await,
        Err(Error::Conflict { .. })
    ));
    let job = app.wait_for_job(power(Power::Stop).await.unwrap()).await;
    assert_eq!(job.row.state, JobState::Done);
    assert_eq!(app.view("web").await.row.status, Status::Stopped);
    assert!(!app.view("web").await.desired_running);
    assert!(matches!(
        power(Power::Stop).await,
        Err(Error::Conflict { .. })
    ));
    app.wait_for_job(power(Power::Start).await.unwrap()).await;
    assert_eq!(app.view("web").await.row.status, Status::Running);
    let job = app.wait_for_job(power(Power::Restart).await.unwrap()).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(app.sim.handle().container(view.vmid).unwrap().running);
}

#[tokio::test(flavor = "multi_thread")]
async fn edit_is_applied_to_the_cluster_and_restarts_if_needed() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    let edit = edit_of(&view, |form| {
        form.memory = "512".into();
        form.env = "MODE=quiet".into();
        form.description = "For notes".into();
    });
    let job = containers::edit(&app.control, &Actor::System, view.row.id, edit)
        .await
        .unwrap();
    let job = app.wait_for_job(job.unwrap()).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(
        job.steps[1].state,
        StepState::Done,
        "a changed environment takes effect with a restart"
    );
    let real = app.sim.handle().container(view.vmid).unwrap();
    assert_eq!(real.options["memory"], "512");
    assert!(real.options["env"].contains("MODE=quiet"));
    assert!(real.running);
    let view = app.view("web").await;
    assert!(!view.restart_needed);
    assert_eq!(
        view.spec.description.as_ref().unwrap().as_str(),
        "For notes"
    );
    // Removed variables disappear. The image's own environment stays.
    let edit = edit_of(&view, |form| form.env = String::new());
    let job = containers::edit(&app.control, &Actor::System, view.row.id, edit)
        .await
        .unwrap();
    assert_eq!(
        app.wait_for_job(job.unwrap()).await.row.state,
        JobState::Done
    );
    let env = app.sim.handle().container(view.vmid).unwrap().options["env"].clone();
    assert!(!env.contains("MODE") && env.contains("PATH="), "{env:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn edit_rejects_stale_version_and_immutable_fields() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    let edit = |edit| containers::edit(&app.control, &Actor::System, view.row.id, edit);
    let description = edit_of(&view, |form| form.description = "one".into());
    assert_eq!(
        edit(description.clone()).await,
        Ok(None),
        "a description is stored only in the database and needs no job"
    );
    assert!(matches!(
        edit(description).await,
        Err(Error::Conflict { .. })
    ));
    let view = app.view("web").await;
    let disk = edit_of(&view, |form| form.disk = "8".into());
    assert_eq!(
        edit(disk).await.unwrap_err().field_errors()[0].field,
        "disk"
    );
    let source = edit_of(&view, |form| form.source = "redis:7".into());
    assert_eq!(
        edit(source).await.unwrap_err().field_errors()[0].field,
        "source"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_requires_the_name_and_releases_all_resources() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    let wrong = containers::delete(&app.control, &Actor::System, view.row.id, "wbe").await;
    assert_eq!(wrong.unwrap_err().field_errors()[0].field, "confirm");
    let job = app.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(app.sim.handle().containers().is_empty());
    assert!(
        app.sim
            .handle()
            .volumes(view.node.as_str())
            .iter()
            .all(|v| !v.contains("disk"))
    );
    let recreated = app.create_and_wait("web").await;
    assert_eq!(recreated.row.address, view.row.address);
    let query = JobQuery {
        page: 1,
        ..JobQuery::default()
    };
    let history = jobs::list(&app.control, &Actor::System, &query)
        .await
        .unwrap();
    assert_eq!(
        history.total, 3,
        "jobs of deleted containers stay in the history"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn container_removed_outside_holdfast_is_missing_and_can_be_deleted() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    app.sim.handle().remove_container(view.vmid);
    wait_for("status missing", async || {
        (app.view("web").await.row.status == Status::Missing).then_some(())
    })
    .await;
    let job = app.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unmanaged_container_with_the_same_vmid_is_not_deleted() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    app.sim.handle().remove_container(view.vmid);
    assert!(app.add_unmanaged_container(view.vmid, view.node.as_str()));
    let job = app.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(
        app.sim.handle().container(view.vmid).unwrap().name,
        "theirs"
    );
}
