//! Hosts: joining, receiving configurations, and the choice of the DHCP server.

use std::{sync::Arc, time::Duration};

use agent_protocol::PollResponse;
use control::{
    Actor, Control, containers,
    hosts::{self, Agent},
};
use edge::{Layout, NginxBuild};
use futures::{FutureExt as _, StreamExt as _};
use model::{
    Error, HostId,
    events::{Event, Topic},
    hosts::{ApplyOutcome, DhcpRole, HostFacts, Report},
};

use crate::test_app::{DEBIAN, TestApp, wait_for_event};

const SYSTEM: Actor = Actor::System;

pub fn layout() -> Layout {
    let path = |text: &str| text.parse().unwrap();
    Layout {
        live: path("/var/lib/holdfast-agent/live"),
        state: path("/var/lib/holdfast-agent/state"),
        run: path("/run"),
        log: path("/var/log/nginx"),
        tls: path("/var/lib/holdfast-agent/tls"),
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

/// Names of the hosts in the configuration that receive their address by DHCP.
fn containers_of(config: &PollResponse) -> Vec<String> {
    let hosts = config.config.hosts.iter();
    hosts
        .filter(|host| host.mac.is_some())
        .map(|host| host.name.to_string())
        .collect()
}

pub fn host_facts(address: &str) -> HostFacts {
    HostFacts {
        version: "0.1.0".into(),
        address: address.parse().unwrap(),
    }
}

/// A joined host with the IP address that its requests come from.
pub struct Host {
    pub id: HostId,
    pub agent: Agent,
    address: &'static str,
}

impl Host {
    pub async fn join(app: &TestApp, name: &str, address: &'static str) -> Self {
        let control = &app.control;
        let created = hosts::create(control, &SYSTEM, app.site, name.parse().unwrap()).await;
        let created = created.unwrap();
        let key = hosts::join(
            control,
            &created.token.secret,
            host_facts(address),
            &layout(),
        )
        .await
        .unwrap();
        let agent = hosts::authenticate(control, &key).await.unwrap();
        Self {
            id: created.id,
            agent,
            address,
        }
    }

    pub async fn next(&self, control: &Control, current: Option<i64>) -> Option<PollResponse> {
        hosts::poll(
            control,
            &self.agent,
            host_facts(self.address),
            &layout(),
            current,
        )
        .await
        .unwrap()
    }

    pub async fn live(&self, control: &Control, generation: i64) {
        let report = Report::live(generation);
        hosts::report(control, &self.agent, report).await.unwrap();
    }

    async fn dhcp(&self, control: &Control) -> DhcpRole {
        let all = hosts::list(control, &SYSTEM).await.unwrap();
        all.into_iter().find(|row| row.id == self.id).unwrap().dhcp
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_joins_with_token_and_authenticates_with_key() {
    let app = TestApp::new().await;
    let control = &app.control;
    let created = hosts::create(control, &SYSTEM, app.site, "edge-1".parse().unwrap())
        .await
        .unwrap();
    for wrong in [created.token.secret.to_lowercase().as_str(), "", "x"] {
        let refused = hosts::join(control, wrong, host_facts("10.20.0.2"), &layout()).await;
        assert_eq!(refused, Err(Error::WrongCredentials));
    }
    let key = hosts::join(
        control,
        &created.token.secret,
        host_facts("10.20.0.2"),
        &layout(),
    )
    .await
    .unwrap();
    assert_ne!(key, created.token.secret);
    let reused = hosts::join(
        control,
        &created.token.secret,
        host_facts("10.20.0.2"),
        &layout(),
    )
    .await;
    assert_eq!(
        reused,
        Err(Error::WrongCredentials),
        "a join token works only once"
    );
    for wrong in [created.token.secret.as_str(), "", "x"] {
        assert_eq!(
            hosts::authenticate(control, wrong).await,
            Err(Error::WrongCredentials)
        );
    }
    let agent = hosts::authenticate(control, &key).await.unwrap();
    hosts::renew_join_token(control, &SYSTEM, created.id)
        .await
        .unwrap();
    assert_eq!(
        hosts::authenticate(control, &key).await,
        Err(Error::WrongCredentials)
    );
    hosts::delete(control, &SYSTEM, created.id, "edge")
        .await
        .expect_err("wrong confirmation");
    hosts::delete(control, &SYSTEM, created.id, "edge-1")
        .await
        .unwrap();
    let deleted = hosts::poll(control, &agent, host_facts("10.20.0.2"), &layout(), None).await;
    assert_eq!(deleted, Err(Error::WrongCredentials));
}

#[tokio::test(flavor = "multi_thread")]
async fn host_outside_the_network_does_not_become_dns_server() {
    let app = TestApp::new().await;
    let control = &app.control;
    let created = hosts::create(control, &SYSTEM, app.site, "edge-1".parse().unwrap())
        .await
        .unwrap();
    let join = async |address: &str| {
        let token = created.token.secret.as_str();
        hosts::join(control, token, host_facts(address), &layout()).await
    };
    let refused = join("203.0.113.7").await.unwrap_err();
    assert_eq!(refused.field_errors()[0].field, "host.address");
    let key = join("10.20.0.2").await.unwrap();
    let agent = hosts::authenticate(control, &key).await.unwrap();
    let name_servers = async |address: &str| {
        let poll = hosts::poll(control, &agent, host_facts(address), &layout(), None).await;
        poll.unwrap().unwrap().config.network.name_servers
    };
    assert_eq!(
        name_servers("10.20.0.2").await,
        ["10.20.0.2".parse::<std::net::Ipv4Addr>().unwrap()]
    );
    assert!(name_servers("203.0.113.7").await.is_empty());
}

/// Shorter than the time after which the server ends a long poll without news.
const LONG_POLL_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn change_ends_a_long_poll() {
    let app = TestApp::new().await;
    app.wait_for_node_addresses().await;
    let host = Arc::new(Host::join(&app, "edge-1", "10.20.0.2").await);
    let first = host.next(&app.control, None).await.unwrap();
    assert!(containers_of(&first).is_empty());
    assert_eq!(first.config.network.name_servers.len(), 1);

    let contact = wait_for_event(&app.control, Event::of(Topic::Contact, host.id.0));
    let (waiting, control) = (Arc::clone(&host), app.control.clone());
    let waits = tokio::spawn(async move { waiting.next(&control, Some(first.generation)).await });
    contact.await;
    let created = app.create(&app.form("web", DEBIAN)).await.unwrap();
    let received = tokio::time::timeout(LONG_POLL_TIMEOUT, waits).await;
    let received = received
        .expect("a change ends the long poll")
        .unwrap()
        .expect("a new configuration");
    assert!(received.generation > first.generation);
    assert_eq!(received.config.hosts[0].name.as_str(), "web");

    app.wait_for_job(created.job).await;
    let before = host.next(&app.control, None).await.unwrap();
    let job = containers::delete(&app.control, &SYSTEM, created.id, "web")
        .await
        .unwrap();
    app.wait_for_job(job).await;
    let after = host
        .next(&app.control, Some(before.generation))
        .await
        .unwrap();
    assert!(
        containers_of(&after).is_empty(),
        "a deletion is published too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dhcp_server_changes_after_the_current_one_has_stopped() {
    let app = TestApp::new().await;
    app.wait_for_node_addresses().await;
    let control = &app.control;
    let first = Host::join(&app, "edge-1", "10.20.0.2").await;
    let second = Host::join(&app, "edge-2", "10.20.0.3").await;
    let dhcp_state = async |host: &Host| {
        let next = host.next(control, None).await.unwrap();
        (next.generation, next.config.network.dhcp.is_some())
    };
    assert!(dhcp_state(&first).await.1 && !dhcp_state(&second).await.1);
    let servers = second
        .next(control, None)
        .await
        .unwrap()
        .config
        .network
        .name_servers;
    assert_eq!(servers.len(), 2, "both hosts are name servers");

    let (before, _) = dhcp_state(&first).await;
    hosts::hand_over_dhcp(control, &SYSTEM, second.id)
        .await
        .unwrap();
    let (generation, serves_dhcp) = dhcp_state(&first).await;
    assert!(
        !serves_dhcp && !dhcp_state(&second).await.1,
        "no host serves DHCP until the first has confirmed that it stopped"
    );
    first.live(control, before).await;
    second.live(control, generation).await;
    let failed = Report {
        generation,
        outcome: ApplyOutcome::Refused {
            message: "no".into(),
        },
        quarantined: Vec::new(),
        failed_probes: Vec::new(),
        unservable_certificates: Vec::new(),
    };
    hosts::report(control, &first.agent, failed).await.unwrap();
    assert_eq!(
        (first.dhcp(control).await, second.dhcp(control).await),
        (DhcpRole::Ending, DhcpRole::Next)
    );
    first.live(control, generation).await;
    assert_eq!(
        (first.dhcp(control).await, second.dhcp(control).await),
        (DhcpRole::No, DhcpRole::Yes)
    );
    let (after, serves_dhcp) = dhcp_state(&second).await;
    assert!(
        serves_dhcp && after > generation,
        "the second host receives a new generation"
    );

    hosts::delete(control, &SYSTEM, second.id, "edge-2")
        .await
        .expect_err("the DHCP server must not be deleted");
    let wrong = hosts::force_dhcp(control, &SYSTEM, first.id, "edge-2").await;
    assert_eq!(
        wrong.expect_err("wrong confirmation").field_errors()[0].field,
        "confirm"
    );
    hosts::force_dhcp(control, &SYSTEM, first.id, "edge-1")
        .await
        .unwrap();
    assert!(
        dhcp_state(&first).await.1,
        "an operator confirmed that the other host is down"
    );
    hosts::delete(control, &SYSTEM, second.id, "edge-2")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_report_causes_no_event_and_unknown_generation_is_refused() {
    let app = TestApp::new().await;
    app.wait_for_node_addresses().await;
    let control = &app.control;
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let generation = host.next(control, None).await.unwrap().generation;
    host.live(control, generation).await;
    let mut events = Box::pin(control.events(&SYSTEM, None));
    host.live(control, generation).await;
    let new_events = std::iter::from_fn(|| events.next().now_or_never().flatten());
    let mut topics = new_events.map(|(_, event)| event.topic);
    assert!(topics.all(|topic| topic == Topic::Nodes));

    let future = Report::live(generation + 1);
    let refused = hosts::report(control, &host.agent, future).await;
    assert_eq!(
        refused.expect_err("unknown generation").field_errors()[0].field,
        "generation"
    );
}
