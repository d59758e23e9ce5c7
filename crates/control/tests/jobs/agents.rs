//! Edge hosts' agents: joining, being told of changes, and who gives out addresses.

use std::{sync::Arc, time::Duration};

use control::{
    Actor, Control,
    agents::{self, Agent},
    containers,
};
use edge::{Layout, NginxBuild, link::Given};
use model::{
    AgentId, Error,
    agents::{About, Dhcp, Outcome, Report},
    events::{Event, Topic},
    users::UserForm,
};

use crate::house::{DEBIAN, House, event};

const SYSTEM: Actor = Actor::System;

pub fn layout() -> Layout {
    let place = |text: &str| text.parse().unwrap();
    Layout {
        live: place("/var/lib/holdfast-agent/live"),
        state: place("/var/lib/holdfast-agent/state"),
        run: place("/run"),
        log: place("/var/log/nginx"),
        tls: place("/var/lib/holdfast-agent/tls"),
        interface: "eth1".parse().unwrap(),
        ipv6: true,
        resolvers: Vec::new(),
        nginx_user: "www-data".parse().unwrap(),
        nginx: NginxBuild {
            version: (1, 22, 1),
            http3: false,
            stream_module: None,
        },
    }
}

/// Those of its hosts that ask for their addresses.
fn containers_of(given: &Given) -> Vec<String> {
    let hosts = given.snapshot.hosts.iter();
    hosts
        .filter(|host| host.mac.is_some())
        .map(|host| host.name.to_string())
        .collect()
}

pub fn about(address: &str) -> About {
    About {
        version: "0.1.0".into(),
        address: address.parse().unwrap(),
    }
}

/// An agent that has joined, and its address.
pub struct Host {
    pub id: AgentId,
    pub agent: Agent,
    address: &'static str,
}

impl Host {
    pub async fn join(house: &House, name: &str, address: &'static str) -> Self {
        let control = &house.control;
        let invited = agents::invite(control, &SYSTEM, house.site, name.parse().unwrap()).await;
        let invited = invited.unwrap();
        let key = agents::join(control, &invited.code.word, about(address), &layout())
            .await
            .unwrap();
        let agent = agents::of_key(control, &key).await.unwrap();
        Self {
            id: invited.id,
            agent,
            address,
        }
    }

    pub async fn next(&self, control: &Control, has: Option<i64>) -> Option<Given> {
        agents::next(control, &self.agent, about(self.address), &layout(), has)
            .await
            .unwrap()
    }

    pub async fn live(&self, control: &Control, generation: i64) {
        let report = Report {
            generation,
            outcome: Outcome::Live,
            aside: Vec::new(),
            silent: Vec::new(),
            unserved: Vec::new(),
        };
        agents::report(control, &self.agent, report).await.unwrap();
    }

    async fn dhcp(&self, control: &Control) -> Dhcp {
        let all = agents::list(control, &SYSTEM).await.unwrap();
        all.into_iter().find(|row| row.id == self.id).unwrap().dhcp
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_joins_by_its_word_and_comes_by_its_key() {
    let house = House::new().await;
    let control = &house.control;
    let invited = agents::invite(control, &SYSTEM, house.site, "edge-1".parse().unwrap())
        .await
        .unwrap();
    for wrong in [invited.code.word.to_lowercase().as_str(), "", "x"] {
        let refused = agents::join(control, wrong, about("10.20.0.2"), &layout()).await;
        assert_eq!(refused, Err(Error::WrongCredentials));
    }
    let key = agents::join(control, &invited.code.word, about("10.20.0.2"), &layout())
        .await
        .unwrap();
    assert_ne!(key, invited.code.word);
    let again = agents::join(control, &invited.code.word, about("10.20.0.2"), &layout()).await;
    assert_eq!(again, Err(Error::WrongCredentials), "a word is good once");
    for wrong in [invited.code.word.as_str(), "", "x"] {
        assert_eq!(
            agents::of_key(control, wrong).await,
            Err(Error::WrongCredentials)
        );
    }
    let agent = agents::of_key(control, &key).await.unwrap();
    agents::invite_again(control, &SYSTEM, invited.id)
        .await
        .unwrap();
    assert_eq!(
        agents::of_key(control, &key).await,
        Err(Error::WrongCredentials)
    );
    agents::delete(control, &SYSTEM, invited.id, "edge")
        .await
        .expect_err("another name");
    agents::delete(control, &SYSTEM, invited.id, "edge-1")
        .await
        .unwrap();
    let gone = agents::next(control, &agent, about("10.20.0.2"), &layout(), None).await;
    assert_eq!(gone, Err(Error::WrongCredentials));

    let ann = house.member("ann", UserForm::default()).await;
    for outcome in [
        agents::invite(control, &ann, house.site, "hers".parse().unwrap())
            .await
            .map(drop),
        agents::list(control, &ann).await.map(drop),
    ] {
        assert!(
            matches!(outcome, Err(Error::Forbidden { .. })),
            "{outcome:?}"
        );
    }
}

/// Sooner than a request that is held ends by itself.
const HELD: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_to_who_waits_for_it() {
    let house = House::new().await;
    house.nodes_known().await;
    let host = Arc::new(Host::join(&house, "edge-1", "10.20.0.2").await);
    let first = host.next(&house.control, None).await.unwrap();
    assert!(containers_of(&first).is_empty());
    assert_eq!(first.snapshot.network.name_servers.len(), 1);

    let contact = event(&house.control, Event::of(Topic::Contact, host.id.0));
    let (waiting, control) = (Arc::clone(&host), house.control.clone());
    let waits = tokio::spawn(async move { waiting.next(&control, Some(first.generation)).await });
    contact.await;
    let created = house.create(&house.form("web", DEBIAN)).await.unwrap();
    let told = tokio::time::timeout(HELD, waits).await;
    let told = told
        .expect("a change ends the wait")
        .unwrap()
        .expect("something new");
    assert!(told.generation > first.generation);
    assert_eq!(told.snapshot.hosts[0].name.as_str(), "web");

    house.ended(created.job).await;
    let before = host.next(&house.control, None).await.unwrap();
    let job = containers::delete(&house.control, &SYSTEM, created.id, "web")
        .await
        .unwrap();
    house.ended(job).await;
    let after = host
        .next(&house.control, Some(before.generation))
        .await
        .unwrap();
    assert!(
        containers_of(&after).is_empty(),
        "what is deleted is told too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_given_out_by_one_host_and_move_when_it_has_stopped() {
    let house = House::new().await;
    house.nodes_known().await;
    let control = &house.control;
    let one = Host::join(&house, "edge-1", "10.20.0.2").await;
    let two = Host::join(&house, "edge-2", "10.20.0.3").await;
    let gives = async |host: &Host| {
        let next = host.next(control, None).await.unwrap();
        (next.generation, next.snapshot.network.dhcp.is_some())
    };
    assert!(gives(&one).await.1 && !gives(&two).await.1);
    let servers = two
        .next(control, None)
        .await
        .unwrap()
        .snapshot
        .network
        .name_servers;
    assert_eq!(servers.len(), 2, "names are answered by both");

    let (before, _) = gives(&one).await;
    agents::give_addresses(control, &SYSTEM, two.id)
        .await
        .unwrap();
    let (generation, gave) = gives(&one).await;
    assert!(
        !gave && !gives(&two).await.1,
        "neither does until the first has said so"
    );
    one.live(control, before).await;
    two.live(control, generation).await;
    let failed = Report {
        generation,
        outcome: Outcome::Refused { words: "no".into() },
        aside: Vec::new(),
        silent: Vec::new(),
        unserved: Vec::new(),
    };
    agents::report(control, &one.agent, failed).await.unwrap();
    assert_eq!(
        (one.dhcp(control).await, two.dhcp(control).await),
        (Dhcp::Ending, Dhcp::Next)
    );
    one.live(control, generation).await;
    assert_eq!(
        (one.dhcp(control).await, two.dhcp(control).await),
        (Dhcp::No, Dhcp::Yes)
    );
    let (after, gave) = gives(&two).await;
    assert!(gave && after > generation, "and it is told");

    agents::delete(control, &SYSTEM, two.id, "edge-2")
        .await
        .expect_err("it gives them out");
    let wrong = agents::take_addresses(control, &SYSTEM, one.id, "edge-2").await;
    assert_eq!(
        wrong.expect_err("another name").fields()[0].field,
        "confirm"
    );
    agents::take_addresses(control, &SYSTEM, one.id, "edge-1")
        .await
        .unwrap();
    assert!(
        gives(&one).await.1,
        "an operator knows that the other is dead"
    );
    agents::delete(control, &SYSTEM, two.id, "edge-2")
        .await
        .unwrap();
}
