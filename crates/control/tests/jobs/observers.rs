//! Several processes on one database: one of them asks each cluster, and all know what it says.

use std::{collections::BTreeSet, time::Duration};

use control::{Actor, Control, clusters, containers};
use model::{
    Timestamp,
    clusters::ClusterForm,
    containers::{ContainerQuery, Status},
    events::{Event, Topic},
    nodes::ClusterView,
};
use proxmox_sim::{Config, Sim, Transport};
use store::observations::{self, Observer};

use crate::{
    agents::Host,
    house::{House, event, until},
};

const SYSTEM: Actor = Actor::System;
const PATIENCE: Duration = Duration::from_secs(5);

async fn shared() -> House {
    House::shared(proxmox_sim::start(Config::test()).await.unwrap()).await
}

fn asked(sim: &Sim) -> u64 {
    let requests = sim.handle().requests();
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

/// What the list of containers shows, by name.
async fn statuses(control: &Control) -> Vec<(String, Status)> {
    let query = ContainerQuery {
        page: 1,
        ..ContainerQuery::default()
    };
    let page = containers::list(control, &SYSTEM, &query).await.unwrap();
    let rows = page.rows.into_iter();
    rows.map(|row| (row.name.to_string(), row.status)).collect()
}

async fn until_both_show(first: &Control, second: &Control, expected: &[(&str, Status)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, status)| ((*name).to_owned(), *status))
        .collect();
    until("both servers show it", async || {
        let both = [statuses(first).await, statuses(second).await];
        both.iter().all(|shown| *shown == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_one_asks_and_both_know() {
    let house = shared().await;
    let view = house.made("web").await;
    let second = house.reopen().await;
    until_both_show(&house.control, &second, &[("web", Status::Running)]).await;

    // Each answer that the first takes in has been asked for once. Were the second to ask as well,
    // there would be twice as many questions as answers. (A few more than answers there may be
    // when the machine is so busy that the first misses its turn.)
    let (mut heard, mut read) = (BTreeSet::new(), BTreeSet::new());
    heard.extend(observed(&house.control).await);
    let before = asked(&house.sim);
    until("several rounds are over", async || {
        heard.extend(observed(&house.control).await);
        read.extend(observed(&second).await);
        (heard.len() > 8 && read.len() > 4).then_some(())
    })
    .await;
    let questions = asked(&house.sim) - before;
    let answers = u64::try_from(heard.len() - 1).unwrap();
    assert!(
        questions <= answers * 3 / 2,
        "{questions} questions for {answers} answers"
    );

    let (one, other) = (
        cluster(&house.control, "test").await.unwrap(),
        cluster(&second, "test").await.unwrap(),
    );
    let names = |view: &ClusterView| {
        let nodes = view.nodes.iter();
        nodes
            .map(|node| (node.name.clone(), node.online, node.containers))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&one), names(&other));
    assert_eq!(
        (one.version, one.trouble),
        (other.version, other.trouble),
        "what is known of the cluster itself is passed on too"
    );
    assert!(house.sim.handle().stop_container(view.vmid));
    until_both_show(&house.control, &second, &[("web", Status::Stopped)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer_is_known_to_both() {
    let house = shared().await;
    house.made("web").await;
    let second = house.reopen().await;
    until_both_show(&house.control, &second, &[("web", Status::Running)]).await;
    house.sim.handle().go_away().await;
    until_both_show(&house.control, &second, &[("web", Status::Unreachable)]).await;
    let trouble = |view: Option<ClusterView>| view.unwrap().trouble;
    until("both say why", async || {
        let one = trouble(cluster(&house.control, "test").await);
        let other = trouble(cluster(&second, "test").await);
        (one.is_some() && one == other).then_some(())
    })
    .await;
    house.sim.handle().come_back().await;
    until_both_show(&house.control, &second, &[("web", Status::Running)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_hands_over_and_the_other_asks() {
    let house = shared().await;
    let view = house.made("web").await;
    let id = cluster(&house.control, "test").await.unwrap().id;
    let third = house.reopen().await;
    third.shutdown(PATIENCE).await;
    // With nobody else there to take it, what was given back can be seen.
    house.control.shutdown(PATIENCE).await;
    let turn = house
        .control
        .store()
        .write(move |c| observations::claim(c, id, "somebody", 0))
        .await;
    assert!(matches!(turn, Ok(Observer::ThisProcess { .. })), "{turn:?}");

    let second = house.reopen().await;
    let before = asked(&house.sim);
    until("the second asks", async || {
        (asked(&house.sim) > before).then_some(())
    })
    .await;
    assert!(house.sim.handle().stop_container(view.vmid));
    until("the second sees it", async || {
        (statuses(&second).await == [("web".to_owned(), Status::Stopped)]).then_some(())
    })
    .await;
}

/// As after `kill -9`: everything of the first process ends with its runtime, and nothing is given
/// back.
#[test]
fn when_one_dies_the_other_takes_over() {
    let world = tokio::runtime::Runtime::new().unwrap();
    let sim = world.block_on(proxmox_sim::start(Config::test())).unwrap();
    let first = tokio::runtime::Runtime::new().unwrap();
    let (house, vmid) = first.block_on(async {
        let house = House::shared(sim).await;
        let view = house.made("web").await;
        (house, view.vmid)
    });
    world.block_on(async {
        let second = house.reopen().await;
        until("the second reads", async || {
            (statuses(&second).await == [("web".to_owned(), Status::Running)]).then_some(())
        })
        .await;
        first.shutdown_background();
        assert!(house.sim.handle().stop_container(vmid));
        until("the second sees it", async || {
            let view = cluster(&second, "test").await.unwrap();
            assert_eq!(view.trouble, None, "nobody is told of the change of hands");
            (statuses(&second).await == [("web".to_owned(), Status::Stopped)]).then_some(())
        })
        .await;
        second.shutdown(PATIENCE).await;
    });
}

fn form(sim: &Sim) -> ClusterForm {
    ClusterForm {
        name: "home".into(),
        url: sim.url(),
        login: "root@pam".into(),
        secret: "a root password".into(),
        fingerprint: sim.fingerprint().unwrap_or_default(),
    }
}

/// A second cluster, which shows a certificate.
async fn theirs() -> Sim {
    proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::alone("a root password")
    })
    .await
    .unwrap()
}

async fn until_answers(control: &Control) -> ClusterView {
    until("the cluster answers", async || {
        let view = cluster(control, "home").await?;
        (view.trouble.is_none() && view.observed.is_some()).then_some(view)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_does_to_clusters_the_other_follows() {
    let (house, sim) = (shared().await, theirs().await);
    let second = house.reopen().await;
    let spec = form(&sim).parse(true).unwrap();
    clusters::create(&house.control, &SYSTEM, spec)
        .await
        .unwrap();
    let view = until_answers(&second).await;
    assert!(!view.nodes.is_empty());

    // The certificate is confirmed on the server that does not observe.
    sim.handle().renew_certificate().unwrap();
    for control in [&house.control, &second] {
        until("the new certificate is seen", async || {
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
    let there = cluster(&second, "home").await.unwrap();
    assert_eq!(there.trouble, None, "who confirmed it sees it at once");
    until_answers(&house.control).await;

    clusters::delete(&second, &SYSTEM, view.id, "home")
        .await
        .unwrap();
    until("it is gone on the first too", async || {
        cluster(&house.control, "home")
            .await
            .is_none()
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alone_on_a_file_nothing_is_written_for_observing() {
    let house = House::new().await;
    let heard = async || cluster(&house.control, "test").await.unwrap().observed;
    let first = heard().await;
    until("another round is over", async || {
        (heard().await != first).then_some(())
    })
    .await;
    let id = cluster(&house.control, "test").await.unwrap().id;
    let take = move |c: &mut store::Conn| observations::claim(c, id, "somebody", 0);
    let turn = house.control.store().write(take).await;
    assert_eq!(
        turn,
        Ok(Observer::ThisProcess {
            is_requested: false
        }),
        "nobody has it"
    );
}

/// Sooner than servers look for it while the database tells them.
const TOLD: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_waits_at_one_server_is_told_of_a_change_made_at_another() {
    let house = shared().await;
    house.nodes_known().await;
    let second = house.reopen().await;
    // Both servers hear of changes by the database from here on.
    let listening = "LISTEN holdfast_site_changes";
    let database = house.database.clone();
    until("both servers listen", async || {
        let sessions = test_servers::postgres().sessions(&database, listening);
        (sessions == 2).then_some(())
    })
    .await;
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let first = host.next(&second, None).await.unwrap();
    let contact = event(&second, Event::of(Topic::Contact, host.id.0));
    let change = async {
        contact.await;
        house.create(&house.form("web", crate::house::DEBIAN)).await
    };
    let asked = tokio::time::timeout(TOLD, host.next(&second, Some(first.generation)));
    let (told, made) = tokio::join!(asked, change);
    made.unwrap();
    let told = told.expect("at once").expect("something new");
    assert!(told.generation > first.generation);
    assert!(
        told.snapshot
            .hosts
            .iter()
            .any(|host| host.name.as_str() == "web")
    );
    second.shutdown(PATIENCE).await;
}
