//! A worker that has lost the lease of its job stops before its next request and write.

use std::time::Duration;

use control::{Actor, containers, jobs};
use model::containers::Power;
use proxmox_sim::{Config, Effect};

use crate::test_app::{TestApp, wait_for};

/// Long enough that the heartbeat does not notice the loss during the test.
const LEASE: Duration = Duration::from_secs(600);
const DELAY: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn worker_makes_no_change_on_the_cluster_after_its_lease_was_taken() {
    let sim = proxmox_sim::start(Config::test()).await.unwrap();
    let app = TestApp::with_postgres_lease(sim, LEASE).await;
    let view = app.create_and_wait("web").await;
    let path = format!("/nodes/{}/lxc/{}/status/current", view.node, view.vmid);
    app.inject_fault("GET", &path, Effect::Delay(DELAY));
    let count = |request: &str| {
        let counts = app.sim.handle().request_counts();
        let of = |(key, count): (&String, &u64)| key.ends_with(request).then_some(*count);
        counts.iter().filter_map(of).sum::<u64>()
    };
    let before = count("/status/current");
    let stop = containers::power(&app.control, &Actor::System, view.row.id, Power::Stop);
    let job = stop.await.unwrap();
    wait_for("the delayed request", async || {
        (count("/status/current") > before).then_some(())
    })
    .await;
    let take = "UPDATE jobs SET lease_owner = 'another' WHERE lease_owner IS NOT NULL";
    let url = app.database.clone();
    let execute = move || test_servers::postgres().execute_postgres(&url, take);
    tokio::task::spawn_blocking(execute).await.unwrap();
    let shown = async || {
        let view = jobs::get(&app.control, &Actor::System, job).await.unwrap();
        (view, app.log(job).await)
    };
    let taken = shown().await;
    tokio::time::sleep(DELAY + Duration::from_secs(2)).await;
    assert_eq!(count("/status/shutdown"), 0, "the new owner continues");
    assert!(app.sim.handle().containers()[0].running);
    let (now, log) = shown().await;
    assert_eq!((now.steps, log), (taken.0.steps, taken.1));
}
