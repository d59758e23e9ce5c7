//! A guest that was restored under the VMID of a container is never changed.

use control::{Actor, containers};
use model::{
    containers::{ContainerForm, ContainerView, EditContainer, Power, Status},
    jobs::JobState,
};
use proxmox_sim::{ContainerSpec, ContainerView as Guest};

use crate::test_app::{TestApp, wait_for};

/// Replaces the container on its node by a guest with another MAC address, and waits until its
/// state is observed.
async fn replace(app: &TestApp, view: &ContainerView, running: bool) -> Guest {
    let handle = app.sim.handle();
    assert!(handle.remove_container(view.vmid));
    assert!(handle.add_container(&ContainerSpec {
        vmid: view.vmid,
        node: view.node.to_string(),
        hostname: "theirs".into(),
        cores: 1,
        memory: 512,
        disk: 4,
        net0: "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:CC,ip=dhcp".into(),
        running,
    }));
    let expected = match running {
        true => Status::Running,
        false => Status::Stopped,
    };
    wait_for("the guest's state", async || {
        (app.view(view.row.name.as_str()).await.row.status == expected).then_some(())
    })
    .await;
    guest(app, view)
}

fn guest(app: &TestApp, view: &ContainerView) -> Guest {
    app.sim.handle().container(view.vmid).unwrap()
}

/// Asserts that a job failed because of the MAC address.
async fn assert_refused(app: &TestApp, job: model::JobId) {
    let job = app.wait_for_job(job).await;
    assert_eq!(job.row.state, JobState::Failed, "{job:?}");
    let notes: Vec<String> = job
        .steps
        .iter()
        .filter_map(|step| step.note.clone())
        .collect();
    let notes = notes.join("\n");
    assert!(notes.contains("has another MAC address"), "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unmanaged_guest_is_neither_started_nor_stopped() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    for (running, power) in [
        (true, Power::Stop),
        (true, Power::Restart),
        (false, Power::Start),
    ] {
        let before = replace(&app, &view, running).await;
        let job = containers::power(&app.control, &Actor::System, view.row.id, power).await;
        assert_refused(&app, job.unwrap()).await;
        assert_eq!(guest(&app, &view), before, "{power:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unmanaged_guest_is_neither_configured_nor_deleted() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    let before = replace(&app, &view, true).await;
    let mut form = ContainerForm::from(&view);
    form.memory = "1 GiB".into();
    let edit = EditContainer {
        version: view.version,
        spec: form.parse().unwrap().spec,
        restart: true,
    };
    let job = containers::edit(&app.control, &Actor::System, view.row.id, edit).await;
    assert_refused(&app, job.unwrap().unwrap()).await;
    assert_eq!(guest(&app, &view), before);

    let job = app.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(guest(&app, &view), before);
}
