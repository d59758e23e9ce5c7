//! Creation of containers from images and templates.

use std::collections::BTreeSet;

use control::{Actor, containers, jobs};
use model::{
    containers::Status,
    jobs::{JobState, StepState},
    services::ServiceForm,
    users::UserForm,
};

use crate::test_app::{DEBIAN, NGINX, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn create_from_image_with_environment_and_services() {
    let app = TestApp::new().await;
    let mut form = app.form("web-1", NGINX);
    form.env = "COLOR=green\nNAME=a b".into();
    form.services = vec![
        ServiceForm {
            kind: "http".into(),
            port: "80".into(),
            ..ServiceForm::default()
        },
        ServiceForm {
            kind: "tcp".into(),
            port: "22".into(),
            ..ServiceForm::default()
        },
    ];
    let created = app.create(&form).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(
        job.row.state,
        JobState::Done,
        "{job:?}\n{}",
        app.log(created.job).await
    );
    assert!(
        job.steps
            .iter()
            .all(|s| matches!(s.state, StepState::Done | StepState::Skipped))
    );

    let view = app.view("web-1").await;
    assert_eq!(view.row.status, Status::Running);
    assert_eq!(
        view.row.link.as_deref(),
        Some("https://web-1.lab.example.org")
    );
    assert_eq!(view.services[1].published.external().unwrap().get(), 2000);
    let real = app.sim.handle().container(view.vmid).unwrap();
    assert!(real.running);
    let net0 = &real.options["net0"];
    assert!(net0.contains(&view.mac.to_string()), "{net0}");
    assert!(
        net0.contains(&format!("ip={}/16", view.row.address)),
        "{net0}"
    );
    let env = &real.options["env"];
    assert!(
        env.contains("COLOR=green") && env.contains("NAME=a b"),
        "{env:?}"
    );
    assert!(
        env.contains("PATH="),
        "the image's own environment stays: {env:?}"
    );
}

/// Neither the container's row nor the job's arguments, notes and log contain a value.
#[tokio::test(flavor = "multi_thread")]
async fn environment_values_are_not_stored_unencrypted() {
    let app = TestApp::new().await;
    let mut form = app.form("web-1", NGINX);
    form.env = "TOKEN=hunter2".into();
    let created = app.create(&form).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    let view = app.view("web-1").await;
    assert_eq!(view.spec.env.get("TOKEN"), Some("hunter2"));
    let file = app.database.strip_prefix("sqlite:").unwrap();
    for suffix in ["", "-wal"] {
        let bytes = std::fs::read(format!("{file}{suffix}")).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("hunter2"), "test.db{suffix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn create_from_template() {
    let app = TestApp::new().await;
    let created = app.create(&app.form("shell", DEBIAN)).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(app.view("shell").await.row.status, Status::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn image_of_a_registry_that_the_site_does_not_list_is_refused() {
    let app = TestApp::new().await;
    let member = app.create_user("ann", UserForm::default()).await;
    let operator = UserForm {
        role: "operator".into(),
        ..UserForm::default()
    };
    let operator = app.create_user("olga", operator).await;
    for actor in [member, operator, Actor::System] {
        for image in [
            "10.20.0.1:5000/app:v1",
            "localhost/app:v1",
            "evil.example.org/app:v1",
        ] {
            let form = app.form("web", image).parse().unwrap();
            let refused = containers::create(&app.control, &actor, form)
                .await
                .unwrap_err();
            let [field] = refused.field_errors() else {
                panic!("{refused:?}")
            };
            assert_eq!(field.field, "source", "{image}");
            assert!(
                field.message.contains("docker.io, ghcr.io or quay.io"),
                "{}",
                field.message
            );
        }
    }
    app.update_site(|site| site.registries = "".parse().unwrap())
        .await;
    let refused = app.create(&app.form("web", NGINX)).await.unwrap_err();
    assert!(
        refused.field_errors()[0]
            .message
            .ends_with("Choose a template.")
    );
    app.create(&app.form("shell", DEBIAN)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_that_is_removed_from_the_list_is_refused_by_a_retry() {
    let app = TestApp::new().await;
    let form = app.form("web", "docker.io/library/nosuch:1");
    let created = app.create(&form).await.unwrap();
    app.wait_for_job(created.job).await;
    app.update_site(|site| site.registries = "ghcr.io".parse().unwrap())
        .await;
    jobs::retry(&app.control, &Actor::System, created.job, "")
        .await
        .unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Failed);
    assert_eq!(
        job.row.error.as_deref(),
        Some("The site does not allow images from docker.io. Use an image from ghcr.io.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn container_name_is_unique_within_a_site() {
    let app = TestApp::new().await;
    app.create_and_wait("web").await;
    let refused = app.create(&app.form("web", DEBIAN)).await.unwrap_err();
    assert_eq!(refused.field_errors()[0].field, "name");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creations_get_distinct_vmids_and_addresses() {
    let app = TestApp::new().await;
    let forms: Vec<_> = (0..30).map(|n| app.form(&format!("c{n}"), NGINX)).collect();
    let creations = forms.iter().map(|form| app.create(form));
    let created = futures::future::join_all(creations).await;
    for created in &created {
        let job = app.wait_for_job(created.as_ref().unwrap().job).await;
        assert_eq!(job.row.state, JobState::Done, "{job:?}");
    }
    let real = app.sim.handle().containers();
    let vmids: BTreeSet<u32> = real.iter().map(|c| c.vmid).collect();
    let nets: BTreeSet<&String> = real.iter().map(|c| &c.options["net0"]).collect();
    assert_eq!((real.len(), vmids.len(), nets.len()), (30, 30, 30));
    let nodes: BTreeSet<&String> = real.iter().map(|c| &c.node).collect();
    assert_eq!(nodes.len(), 2, "containers are spread over both nodes");
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_retries_with_another_vmid_if_it_is_taken() {
    let app = TestApp::new().await;
    let first = app.create_and_wait("first").await;
    // An unmanaged container takes the VMID that Holdfast would reserve next.
    let unmanaged = first.vmid + 1;
    assert!(app.add_unmanaged_container(unmanaged, "pve2"));
    let created = app.create(&app.form("second", NGINX)).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(
        job.row.state,
        JobState::Done,
        "{job:?}\n{}",
        app.log(created.job).await
    );
    let second = app.view("second").await;
    assert_ne!(second.vmid, unmanaged);
    assert_eq!(
        app.sim.handle().container(unmanaged).unwrap().name,
        "theirs"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn create_form_options_list_templates_and_suggest_a_name() {
    let app = TestApp::new().await;
    let options = containers::create_options(&app.control, &Actor::System)
        .await
        .unwrap();
    let site = &options.sites[0];
    assert!(
        site.templates
            .iter()
            .any(|template| template.as_str() == DEBIAN)
    );
    assert!(site.node.as_ref().unwrap().as_str().starts_with("pve"));
    assert!(options.suggested_name.as_str().contains('-'));
}

#[tokio::test(flavor = "multi_thread")]
async fn list_statement_count_is_independent_of_row_count() {
    let app = TestApp::new().await;
    let count = async || {
        let before = app.control.store().statement_count();
        let query = model::containers::ContainerQuery {
            page: 1,
            ..Default::default()
        };
        let page = containers::list(&app.control, &Actor::System, &query)
            .await
            .unwrap();
        (page.total, app.control.store().statement_count() - before)
    };
    app.create_and_wait("one").await;
    let (rows, with_one) = count().await;
    assert_eq!(rows, 1);
    for n in 0..5 {
        app.create_and_wait(&format!("more{n}")).await;
    }
    // No job is running, so few other statements are counted.
    let mut least = u64::MAX;
    for _ in 0..5 {
        let (rows, statements) = count().await;
        assert_eq!(rows, 6);
        least = least.min(statements);
    }
    assert!(
        least <= with_one,
        "{least} statements for six, {with_one} for one"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_options_share_one_request_to_proxmox() {
    let app = TestApp::new().await;
    let options = (0..20).map(|_| {
        let control = app.control.clone();
        tokio::spawn(async move {
            let options = containers::create_options(&control, &Actor::System).await;
            options.unwrap().sites[0].templates.clone()
        })
    });
    let options: Vec<_> = options.collect();
    for templates in options {
        assert!(!templates.await.unwrap().is_empty());
    }
    let requests = app.sim.handle().request_counts();
    let listed = requests
        .iter()
        .filter(|(path, _)| path.ends_with("/content"));
    assert_eq!(
        listed.map(|(_, count)| *count).sum::<u64>(),
        1,
        "{requests:?}"
    );
}
