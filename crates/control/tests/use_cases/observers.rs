//! Several processes on one database: one process polls each cluster and shares its observations.

use std::{collections::BTreeSet, time::Duration};

use control::{Actor, Control, clusters, containers};
use model::{
    Timestamp,
    clusters::ClusterForm,
    containers::{ContainerQuery, Status},
    events::{Event, Topic},
    nodes::ClusterView,
};
use proxmox_sim::{Config, Sim};
use store::observations::{self, Observer};

use crate::{
    clusters::{form, second_cluster},
    hosts::Host,
    test_app::{TestApp, wait_for, wait_for_event},
};

const SYSTEM: Actor = Actor::System;
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

async fn shared_app() -> TestApp {
    TestApp::with_postgres(proxmox_sim::start(Config::test()).await.unwrap()).await
}

fn poll_count(sim: &Sim) -> u64 {
    let requests = sim.handle().request_counts();
    requests
        .get("GET /cluster/resources")
        .copied()
        .unwrap_or_default()
}

async fn cluster(control: &Control, name: &str) -> Option<ClusterView> {
    let all = clusters::list(control, &SYSTEM).await.unwrap();
    all.into_iter().find(|view| view.name == name)
}

async fn observed(control: &Control) -> Option<Timestamp> {
    cluster(control, "test").await.unwrap().observed
}

/// Name and status of each container in the list.
async fn statuses(control: &Control) -> Vec<(String, Status)> {
    let query = ContainerQuery {
        page: 1,
        ..ContainerQuery::default()
    };
    let page = containers::list(control, &SYSTEM, &query).await.unwrap();
    let rows = page.rows.into_iter();
    rows.map(|row| (row.name.to_string(), row.status)).collect()
}

async fn wait_for_statuses(first: &Control, second: &Control, expected: &[(&str, Status)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, status)| ((*name).to_owned(), *status))
        .collect();
    wait_for("the same status list on both servers", async || {
        let both = [statuses(first).await, statuses(second).await];
        both.iter().all(|shown| *shown == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_servers_polls_and_both_show_the_result() {
    let app = shared_app().await;
    let view = app.create_and_wait("web").await;
    let second = app.reopen().await;
    wait_for_statuses(&app.control, &second, &[("web", Status::Running)]).await;

    // The first process sends one request per observation. If the second polled too, there would be
    // twice as many requests as observations. A few extra requests are allowed, since the first
    // process may lose its lease on a busy machine.
    let (mut first_seen, mut second_seen) = (BTreeSet::new(), BTreeSet::new());
    first_seen.extend(observed(&app.control).await);
    let before = poll_count(&app.sim);
    wait_for("several observations", async || {
        first_seen.extend(observed(&app.control).await);
        second_seen.extend(observed(&second).await);
        (first_seen.len() > 8 && second_seen.len() > 4).then_some(())
    })
    .await;
    let requests = poll_count(&app.sim) - before;
    let observations = u64::try_from(first_seen.len() - 1).unwrap();
    assert!(
        requests <= observations * 3 / 2,
        "{requests} requests for {observations} observations"
    );

    let (first_view, second_view) = (
        cluster(&app.control, "test").await.unwrap(),
        cluster(&second, "test").await.unwrap(),
    );
    let names = |view: &ClusterView| {
        let nodes = view.nodes.iter();
        nodes
            .map(|node| (node.name.clone(), node.online, node.containers))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first_view), names(&second_view));
    assert_eq!(
        (first_view.version, first_view.last_error),
        (second_view.version, second_view.last_error),
        "the cluster's own state is shared too"
    );
    assert!(app.sim.handle().stop_container(view.vmid));
    wait_for_statuses(&app.control, &second, &[("web", Status::Stopped)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_cluster_is_shown_by_both_servers() {
    let app = shared_app().await;
    app.create_and_wait("web").await;
    let second = app.reopen().await;
    wait_for_statuses(&app.control, &second, &[("web", Status::Running)]).await;
    app.sim.handle().close_listener().await;
    wait_for_statuses(&app.control, &second, &[("web", Status::Unreachable)]).await;
    let last_error = |view: Option<ClusterView>| view.unwrap().last_error;
    wait_for("the same error on both servers", async || {
        let first = last_error(cluster(&app.control, "test").await);
        let other = last_error(cluster(&second, "test").await);
        (first.is_some() && first == other).then_some(())
    })
    .await;
    app.sim.handle().reopen_listener().await;
    wait_for_statuses(&app.control, &second, &[("web", Status::Running)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_releases_the_observer_lease() {
    let app = shared_app().await;
    let view = app.create_and_wait("web").await;
    let id = cluster(&app.control, "test").await.unwrap().id;
    let third = app.reopen().await;
    third.shutdown(SHUTDOWN_TIMEOUT).await;
    // No other process is running, so the released lease can be observed.
    app.control.shutdown(SHUTDOWN_TIMEOUT).await;
    let lease = app
        .control
        .store()
        .write(move |c| observations::claim(c, id, "test-process", 0))
        .await;
    assert!(
        matches!(lease, Ok(Observer::ThisProcess { .. })),
        "{lease:?}"
    );

    let second = app.reopen().await;
    let before = poll_count(&app.sim);
    wait_for("a poll by the second process", async || {
        (poll_count(&app.sim) > before).then_some(())
    })
    .await;
    assert!(app.sim.handle().stop_container(view.vmid));
    wait_for("the stopped container on the second process", async || {
        (statuses(&second).await == [("web".to_owned(), Status::Stopped)]).then_some(())
    })
    .await;
}

/// Dropping the runtime of the first process acts like `kill -9`: no lease is released.
#[test]
fn observer_lease_is_taken_over_after_a_crash() {
    let world = tokio::runtime::Runtime::new().unwrap();
    let sim = world.block_on(proxmox_sim::start(Config::test())).unwrap();
    let first = tokio::runtime::Runtime::new().unwrap();
    let (app, vmid) = first.block_on(async {
        let app = TestApp::with_postgres(sim).await;
        let view = app.create_and_wait("web").await;
        (app, view.vmid)
    });
    world.block_on(async {
        let second = app.reopen().await;
        wait_for("the running container on the second process", async || {
            (statuses(&second).await == [("web".to_owned(), Status::Running)]).then_some(())
        })
        .await;
        first.shutdown_background();
        assert!(app.sim.handle().stop_container(vmid));
        wait_for("the stopped container on the second process", async || {
            let view = cluster(&second, "test").await.unwrap();
            assert_eq!(
                view.last_error, None,
                "a change of the lease owner must not show an error"
            );
            (statuses(&second).await == [("web".to_owned(), Status::Stopped)]).then_some(())
        })
        .await;
        second.shutdown(SHUTDOWN_TIMEOUT).await;
    });
}

async fn wait_until_online(control: &Control) -> ClusterView {
    wait_for("an observation of the cluster", async || {
        let view = cluster(control, "home").await?;
        (view.last_error.is_none() && view.observed.is_some()).then_some(view)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_changes_are_followed_by_the_other_server() {
    let (app, sim) = (shared_app().await, second_cluster().await);
    let second = app.reopen().await;
    let spec = form(&sim).parse(true).unwrap();
    clusters::create(&app.control, &SYSTEM, spec).await.unwrap();
    let view = wait_until_online(&second).await;
    assert!(!view.nodes.is_empty());

    // The certificate is confirmed on the server that does not poll the cluster.
    sim.handle().renew_certificate().unwrap();
    for control in [&app.control, &second] {
        wait_for("the changed certificate", async || {
            cluster(control, "home").await?.changed
        })
        .await;
    }
    let fingerprint = sim.handle().fingerprint().unwrap();
    let confirmed = ClusterForm {
        fingerprint,
        ..form(&sim)
    };
    let spec = confirmed.parse(true).unwrap();
    clusters::update(&second, &SYSTEM, view.id, spec)
        .await
        .unwrap();
    let view = cluster(&second, "home").await.unwrap();
    assert_eq!(
        view.last_error, None,
        "the confirming server shows the new state at once"
    );
    wait_until_online(&app.control).await;

    clusters::delete(&second, &SYSTEM, view.id, "home")
        .await
        .unwrap();
    wait_for("deletion on the first server", async || {
        cluster(&app.control, "home").await.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_database_stores_no_observer_lease() {
    let app = TestApp::new().await;
    let observed = async || cluster(&app.control, "test").await.unwrap().observed;
    let first = observed().await;
    wait_for("another observation", async || {
        (observed().await != first).then_some(())
    })
    .await;
    let id = cluster(&app.control, "test").await.unwrap().id;
    let claim = move |c: &mut store::Conn| observations::claim(c, id, "test-process", 0);
    let lease = app.control.store().write(claim).await;
    assert_eq!(
        lease,
        Ok(Observer::ThisProcess {
            is_requested: false
        }),
        "no process holds the lease"
    );
}

/// Shorter than the interval at which servers check for changes without a database notification.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn long_poll_ends_on_a_change_made_at_another_server() {
    let app = shared_app().await;
    app.wait_for_node_addresses().await;
    let second = app.reopen().await;
    // From here on both servers receive changes as database notifications.
    let listening = "LISTEN holdfast_site_changes";
    let database = app.database.clone();
    wait_for("LISTEN sessions of both servers", async || {
        let sessions = test_servers::postgres().sessions(&database, listening);
        (sessions == 2).then_some(())
    })
    .await;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let first = host.next(&second, None).await.unwrap();
    let contact = wait_for_event(&second, Event::of(Topic::Contact, host.id.0));
    let change = async {
        contact.await;
        app.create(&app.form("web", crate::test_app::DEBIAN)).await
    };
    let poll = tokio::time::timeout(
        NOTIFICATION_TIMEOUT,
        host.next(&second, Some(first.generation)),
    );
    let (received, created) = tokio::join!(poll, change);
    created.unwrap();
    let received = received
        .expect("a prompt response")
        .expect("a new configuration");
    assert!(received.generation > first.generation);
    assert!(
        received
            .config
            .hosts
            .iter()
            .any(|host| host.name.as_str() == "web")
    );
    second.shutdown(SHUTDOWN_TIMEOUT).await;
}
