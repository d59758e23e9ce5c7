//! The demo after an interruption, deletions by users, and in a database with sites.

use std::time::Duration;

use control::{
    Actor, containers,
    setup::{
        self,
        demo::{self, Scenario},
    },
    sites, users,
};
use model::containers::Status;
use proxmox_sim::{Config, Delays, TEST_SECRET};

use crate::{
    demo::{DemoApp, all_containers, all_users, assert_complete, names},
    test_app::wait_for,
};

#[tokio::test]
async fn interrupted_creation_is_resumed() {
    let app = DemoApp::new().await;
    let mut interrupted = 0;
    for steps in [1, 4, 7, 11, 17, 21, 24] {
        let control = app.open().await;
        let reached = wait_for("enough completed steps", async || {
            let done = control
                .store()
                .read(store::demo::list_completed_steps)
                .await
                .unwrap();
            (done.len() > steps).then_some(())
        });
        tokio::select! {
            built = app.build(&control, Scenario::Full) => built.unwrap(),
            () = reached => interrupted += 1,
        }
        control.shutdown(Duration::from_secs(10)).await;
    }
    assert!(
        interrupted >= 5,
        "only {interrupted} of 7 runs were interrupted"
    );
    let control = app.open().await;
    app.build(&control, Scenario::Full).await.unwrap();
    assert_complete(&control, &app.sim).await;
}

#[tokio::test]
async fn step_names_are_stable_and_fit_the_column() {
    let app = DemoApp::new().await;
    let control = app.open().await;
    app.build(&control, Scenario::Full).await.unwrap();
    let done = control
        .store()
        .read(store::demo::list_completed_steps)
        .await
        .unwrap();
    assert!(done.iter().all(|step| step.len() <= 100));
    let changes: Vec<&str> = done
        .iter()
        .filter_map(|step| step.strip_prefix("change "))
        .collect();
    let expected = [
        "lab chat restart",
        "lab git memory",
        "lab load-test delete",
        "office survey stop",
    ];
    assert_eq!(changes, expected);
}

#[tokio::test]
async fn deleted_containers_and_users_are_not_recreated() {
    // A slow shutdown keeps the demo incomplete while the test deletes a container.
    let delays = Delays {
        shutdown: Duration::from_secs(2),
        ..Config::test().delays
    };
    let app = DemoApp::with_delays(delays).await;
    let control = app.open().await;
    let interrupted = wait_for("the running container docs", async || {
        let rows = all_containers(&control).await;
        let docs = rows.into_iter().find(|row| row.name.as_str() == "docs")?;
        (docs.status == Status::Running).then_some(docs)
    });
    let docs = tokio::select! {
        built = app.build(&control, Scenario::Full) => panic!("the demo completed too early: {built:?}"),
        docs = interrupted => docs,
    };
    containers::delete(&control, &Actor::System, docs.id, "docs")
        .await
        .unwrap();
    wait_for("deletion of docs", async || {
        let rows = all_containers(&control).await;
        (!names(&rows).contains("docs")).then_some(())
    })
    .await;
    app.build(&control, Scenario::Full).await.unwrap();
    assert_eq!(all_containers(&control).await.len(), 11);

    let people = all_users(&control).await;
    let priya = people
        .iter()
        .find(|user| user.name.as_str() == "priya")
        .unwrap();
    for row in all_containers(&control).await {
        if row.owner == priya.name {
            let confirm = row.name.to_string();
            containers::delete(&control, &Actor::System, row.id, &confirm)
                .await
                .unwrap();
        }
    }
    wait_for("deletion of the user priya", async || {
        users::delete(&control, &Actor::System, priya.id, "priya")
            .await
            .ok()
    })
    .await;
    app.build(&control, Scenario::Full).await.unwrap();
    let accounts = demo::list_accounts(&control, Scenario::Full).await.unwrap();
    let accounts: Vec<&str> = accounts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(accounts, ["elena", "jonas", "tomas"]);
    assert_eq!(all_users(&control).await.len(), 4);
}

#[tokio::test]
async fn database_with_sites_is_not_changed() {
    let app = DemoApp::new().await;
    let control = app.open().await;
    let access = setup::Access {
        url: app.sim.url(),
        token_id: "root@pam!holdfast".into(),
        secret: TEST_SECRET.into(),
    };
    let cluster = setup::upsert_cluster(&control, "own", access)
        .await
        .unwrap();
    let form = model::sites::SiteForm {
        name: "own".into(),
        domain: "own.example.org".into(),
        cluster: cluster.to_string(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.1.1-10.20.1.60".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-1999".into(),
        ports: "2000-2009".into(),
        ..model::sites::SiteForm::default()
    };
    let create = sites::create(&control, &Actor::System, form.parse().unwrap());
    create.await.unwrap();
    for scenario in [Scenario::Full, Scenario::Small] {
        app.build(&control, scenario).await.unwrap();
        assert!(
            demo::list_accounts(&control, scenario)
                .await
                .unwrap()
                .is_empty()
        );
    }
    assert!(all_containers(&control).await.is_empty());
    assert_eq!(all_users(&control).await.len(), 1);
}
