//! A process that dies at any moment: the next one goes on, and the outcome is as without.

use std::time::Duration;

use control::{Actor, containers, jobs};
use model::jobs::JobState;
use proxmox_sim::Config;

use crate::house::{House, NGINX, ended};

/// Everything of the first process ends at once when its runtime is dropped: no lease is given
/// back, nothing is written any more.
#[test]
fn whenever_the_first_process_dies_the_second_makes_exactly_one_container() {
    for moment in [0, 30, 70, 120, 180, 250, 330, 420] {
        let world = tokio::runtime::Runtime::new().unwrap();
        let mut config = Config::test();
        config.delays.create = Duration::from_millis(100);
        config.delays.start = Duration::from_millis(60);
        let sim = world.block_on(proxmox_sim::start(config)).unwrap();
        let first = tokio::runtime::Runtime::new().unwrap();
        let (house, job) = first.block_on(async {
            let house = House::beside(sim).await;
            let created = house.create(&house.form("web", NGINX)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(moment)).await;
            (house, created.job)
        });
        first.shutdown_background();
        world.block_on(async {
            let control = house.reopen().await;
            let job = ended(&control, job).await;
            assert_eq!(
                job.row.state,
                JobState::Done,
                "died after {moment} ms: {job:?}"
            );
            let real = house.sim.handle().containers();
            assert_eq!(real.len(), 1, "died after {moment} ms");
            assert!(real[0].running && real[0].lock.is_none());
            let (site, name) = ("lab".parse().unwrap(), "web".parse().unwrap());
            let view = containers::get(&control, &Actor::System, &site, &name)
                .await
                .unwrap();
            assert_eq!(view.vmid, real[0].vmid);
            let job = containers::delete(&control, &Actor::System, view.row.id, "web").await;
            let job = ended(&control, job.unwrap()).await;
            assert_eq!(job.row.state, JobState::Done);
            assert!(house.sim.handle().containers().is_empty());
            control.shutdown(Duration::from_secs(5)).await;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_gives_back_the_lease_at_once() {
    let mut config = Config::test();
    config.delays.create = Duration::from_millis(400);
    let house = House::with(config).await;
    let created = house.create(&house.form("web", NGINX)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(house.control.works());
    house.control.shutdown(Duration::from_secs(5)).await;
    assert!(!house.control.works());
    let state = jobs::get(&house.control, &Actor::System, created.job)
        .await
        .unwrap()
        .row
        .state;
    assert!(
        !state.ended(),
        "a job is left to the next process: {state:?}"
    );
    let control = house.reopen().await;
    assert_eq!(ended(&control, created.job).await.row.state, JobState::Done);
}
