//! Failover between the endpoints of one cluster, and calls that must not be repeated.

use std::time::Duration;

use proxmox::{Client, Connection, Endpoint, Error, Timeouts, Trust};
use tokio::net::TcpListener;

use crate::{
    UPID,
    server::{Act, Server, answer, ok},
    token, vmid,
};

const VERSION: &str = r#"{"version":"9.2.11","release":"9.2"}"#;

/// A URL without a listening server.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn client(urls: &[&str]) -> Client {
    timed(urls, Timeouts::default())
}

fn timed(urls: &[&str], timeouts: Timeouts) -> Client {
    let connection = Connection {
        endpoints: urls.iter().map(|url| Endpoint::new(*url)).collect(),
        credentials: token(),
        trust: Trust::Machine,
    };
    Client::new(connection, timeouts).unwrap()
}

#[tokio::test]
async fn a_command_that_could_not_be_sent_goes_to_the_next_endpoint_which_is_remembered() {
    let server = Server::start(vec![ok(&format!("{UPID:?}")), ok(VERSION)]).await;
    let away = nobody().await;
    let client = client(&[&away, &server.url]);
    assert_eq!(client.address(), away);
    client.start_lxc("pve1", vmid()).await.unwrap();
    assert_eq!(client.address(), server.url);
    client.version().await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_command_that_may_have_been_received_is_never_repeated() {
    for act in [Act::HangUp, Act::Hang] {
        let first = Server::start(vec![act]).await;
        let second = Server::start(vec![ok(&format!("{UPID:?}"))]).await;
        let timeouts = Timeouts {
            answer: Duration::from_millis(200),
            ..Timeouts::default()
        };
        let client = timed(&[&first.url, &second.url], timeouts);
        let error = client.start_lxc("pve1", vmid()).await.unwrap_err();
        assert!(error.may_have_happened(), "{error:?}");
        let asked = (first.requests().len(), second.requests().len());
        assert_eq!(asked, (1, 0));
    }
}

#[tokio::test]
async fn a_question_goes_on_to_the_next_when_one_breaks_off_twice_or_does_not_answer() {
    let timeouts = Timeouts {
        answer: Duration::from_secs(1),
        ..Timeouts::default()
    };
    for (acts, asked) in [(vec![Act::HangUp, Act::HangUp], 2), (vec![Act::Hang], 1)] {
        let first = Server::start(acts).await;
        let second = Server::start(vec![ok(VERSION)]).await;
        let client = timed(&[&first.url, &second.url], timeouts);
        client.version().await.unwrap();
        assert_eq!(first.requests().len(), asked);
        assert_eq!(client.address(), second.url);
    }
}

#[tokio::test]
async fn a_slow_question_is_not_asked_of_everybody() {
    let timeouts = Timeouts {
        slow: Duration::from_millis(200),
        ..Timeouts::default()
    };
    let first = Server::start(vec![Act::Hang]).await;
    let second = Server::start(vec![ok("[]")]).await;
    let client = timed(&[&first.url, &second.url], timeouts);
    let error = client.oci_tags("pve1", "nginx").await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(second.requests().len(), 0);
}

#[tokio::test]
async fn a_question_goes_on_when_a_node_is_cut_off_and_a_command_does_not() {
    for said in [
        answer("595 No route to host", ""),
        answer(
            "500 cluster not ready - no quorum?",
            r#"{"data":null,"message":"cluster not ready - no quorum?\n"}"#,
        ),
    ] {
        let first = Server::start(vec![said.clone(), said]).await;
        let second = Server::start(vec![ok(VERSION)]).await;
        let client = client(&[&first.url, &second.url]);
        let error = client.start_lxc("pve1", vmid()).await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert_eq!(client.address(), first.url);
        client.version().await.unwrap();
        assert_eq!(client.address(), second.url);
    }
}

#[tokio::test]
async fn what_every_endpoint_says_is_said_in_the_words_of_the_first() {
    let first = Server::start(vec![answer("595 No route to host", "")]).await;
    let second = Server::start(vec![answer("595 Connection refused", "")]).await;
    let away = nobody().await;
    let client = client(&[&first.url, &second.url, &away]);
    let error = client.lxc_list("pve9").await.unwrap_err();
    assert_eq!(error.words(), Some("No route to host"), "{error:?}");
    // The endpoint itself works; only the node is unreachable.
    assert_eq!(client.address(), first.url);
}

#[tokio::test]
async fn when_nobody_is_there_that_is_said() {
    let (one, other) = (nobody().await, nobody().await);
    let client = client(&[&one, &other]);
    for error in [
        client.version().await.unwrap_err(),
        client.start_lxc("pve1", vmid()).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::Unreachable { sent: false, .. }),
            "{error:?}"
        );
    }
}
