//! Failover between the endpoints of one cluster, and calls that must not be repeated.

use std::time::Duration;

use proxmox::{Client, ClientConfig, Endpoint, Error, Timeouts, Trust};
use tokio::net::TcpListener;

use crate::{
    UPID,
    server::{Action, Server, ok, response},
    token, vmid,
};

const VERSION: &str = r#"{"version":"9.2.11","release":"9.2"}"#;

/// A URL without a listening server.
async fn unused_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn client(urls: &[&str]) -> Client {
    timed(urls, Timeouts::default())
}

fn timed(urls: &[&str], timeouts: Timeouts) -> Client {
    let connection = ClientConfig {
        endpoints: urls.iter().map(|url| Endpoint::new(*url)).collect(),
        credentials: token(),
        trust: Trust::System,
    };
    Client::new(connection, timeouts).unwrap()
}

#[tokio::test]
async fn unsent_write_fails_over_and_endpoint_is_remembered() {
    let server = Server::start(vec![ok(&format!("{UPID:?}")), ok(VERSION)]).await;
    let unreachable = unused_url().await;
    let client = client(&[&unreachable, &server.url]);
    assert_eq!(client.address(), unreachable);
    client.start_lxc("pve1", vmid()).await.unwrap();
    assert_eq!(client.address(), server.url);
    client.version().await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn possibly_received_write_is_never_repeated() {
    for action in [Action::Disconnect, Action::Hang] {
        let first = Server::start(vec![action]).await;
        let second = Server::start(vec![ok(&format!("{UPID:?}"))]).await;
        let timeouts = Timeouts {
            response: Duration::from_millis(200),
            ..Timeouts::default()
        };
        let client = timed(&[&first.url, &second.url], timeouts);
        let error = client.start_lxc("pve1", vmid()).await.unwrap_err();
        assert!(error.may_have_executed(), "{error:?}");
        let request_counts = (first.requests().len(), second.requests().len());
        assert_eq!(request_counts, (1, 0));
    }
}

#[tokio::test]
async fn read_fails_over_after_two_disconnects_or_timeout() {
    let timeouts = Timeouts {
        response: Duration::from_secs(1),
        ..Timeouts::default()
    };
    for (actions, request_counts) in [
        (vec![Action::Disconnect, Action::Disconnect], 2),
        (vec![Action::Hang], 1),
    ] {
        let first = Server::start(actions).await;
        let second = Server::start(vec![ok(VERSION)]).await;
        let client = timed(&[&first.url, &second.url], timeouts);
        client.version().await.unwrap();
        assert_eq!(first.requests().len(), request_counts);
        assert_eq!(client.address(), second.url);
    }
}

#[tokio::test]
async fn slow_read_does_not_fail_over_after_timeout() {
    let timeouts = Timeouts {
        slow: Duration::from_millis(200),
        ..Timeouts::default()
    };
    let first = Server::start(vec![Action::Hang]).await;
    let second = Server::start(vec![ok("[]")]).await;
    let client = timed(&[&first.url, &second.url], timeouts);
    let error = client.oci_tags("pve1", "nginx").await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(second.requests().len(), 0);
}

#[tokio::test]
async fn read_fails_over_when_node_is_cut_off_and_write_does_not() {
    for error_with_message in [
        response("595 No route to host", ""),
        response(
            "500 cluster not ready - no quorum?",
            r#"{"data":null,"message":"cluster not ready - no quorum?\n"}"#,
        ),
    ] {
        let first = Server::start(vec![error_with_message.clone(), error_with_message]).await;
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
async fn first_response_is_returned_when_all_endpoints_fail() {
    let first = Server::start(vec![response("595 No route to host", "")]).await;
    let second = Server::start(vec![response("595 Connection refused", "")]).await;
    let unreachable = unused_url().await;
    let client = client(&[&first.url, &second.url, &unreachable]);
    let error = client.lxc_list("pve9").await.unwrap_err();
    assert_eq!(
        error.proxmox_message(),
        Some("No route to host"),
        "{error:?}"
    );
    // The endpoint itself works; only the node is unreachable.
    assert_eq!(client.address(), first.url);
}

#[tokio::test]
async fn unreachable_endpoints_are_reported() {
    let (first, second) = (unused_url().await, unused_url().await);
    let client = client(&[&first, &second]);
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
