//! Requests byte by byte, and responses that the simulator does not produce: slow, broken and huge
//! ones, and responses that are not from Proxmox.

#![cfg(test)]
#![allow(
    clippy::disallowed_methods,
    reason = "these guests belong to the tests"
)]

mod endpoints;
mod server;
mod tickets;
mod tls;

use std::{collections::BTreeMap, time::Duration};

use proxmox::{
    Client, ClientConfig, ConfigChange, Credentials, DeleteLxc, Endpoint, Error, LxcOptions,
    Shutdown, Timeouts, Upid, Vmid,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::server::{Action, Server, ok, response};

const UPID: &str = "UPID:pve1:00001638:000599F5:6B00BC42:vzstart:300:root@pam!holdfast:";

fn token() -> Credentials {
    Credentials::Token {
        id: "root@pam!holdfast".to_owned(),
        secret: "8f9f5a64-5d4b-4c3f-a9a2-1f6b1f1f4d11".into(),
    }
}

fn client(url: &str, timeouts: Timeouts) -> Client {
    Client::new(ClientConfig::new(Endpoint::new(url), token()), timeouts).unwrap()
}

fn default_client(server: &Server) -> Client {
    client(&server.url, Timeouts::default())
}

fn vmid() -> Vmid {
    Vmid::try_from(300).unwrap()
}

fn header(request: &str, name: &str) -> Option<String> {
    request
        .lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn token_header_has_required_format() {
    let server = Server::start(vec![ok(r#"{"version":"9.2.11","release":"9.2"}"#)]).await;
    assert_eq!(
        default_client(&server).version().await.unwrap().release,
        "9.2"
    );
    let request = &server.requests()[0];
    assert!(
        request.starts_with("GET /api2/json/version HTTP/1.1\r\n"),
        "{request}"
    );
    let sent = header(request, "authorization");
    let expected = "PVEAPIToken=root@pam!holdfast=8f9f5a64-5d4b-4c3f-a9a2-1f6b1f1f4d11";
    assert_eq!(sent.as_deref(), Some(expected));
}

#[tokio::test]
async fn post_without_parameters_has_zero_content_length() {
    let server = Server::start(vec![ok(&format!("{UPID:?}"))]).await;
    default_client(&server)
        .start_lxc("pve1", vmid())
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert!(request.starts_with("POST /api2/json/nodes/pve1/lxc/300/status/start HTTP/1.1\r\n"));
    assert_eq!(header(request, "content-length").as_deref(), Some("0"));
    assert_eq!(header(request, "transfer-encoding"), None);
}

#[tokio::test]
async fn delete_sends_parameters_in_query_without_body() {
    let server = Server::start(vec![ok(&format!("{UPID:?}"))]).await;
    let delete = DeleteLxc {
        force: true,
        purge: false,
    };
    default_client(&server)
        .delete_lxc("pve1", vmid(), delete)
        .await
        .unwrap();
    let request = &server.requests()[0];
    let line = "DELETE /api2/json/nodes/pve1/lxc/300?force=1&purge=0 HTTP/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    assert_eq!(header(request, "content-length"), None);
    assert_eq!(body(request), "");
}

#[tokio::test]
async fn form_has_content_length_and_encodes_separators() {
    let server = Server::start(vec![ok("null")]).await;
    let env = [("A", "1;2&3"), ("B", "x=y z")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = LxcOptions {
        env: Some(BTreeMap::from(env)),
        tags: Some(vec!["a".to_owned(), "b".to_owned()]),
        ..LxcOptions::default()
    };
    let change = ConfigChange {
        options,
        ..ConfigChange::default()
    };
    default_client(&server)
        .set_lxc_config("pve1", vmid(), &change)
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert!(request.starts_with("PUT /api2/json/nodes/pve1/lxc/300/config HTTP/1.1\r\n"));
    assert_eq!(body(request), "tags=a%3Bb&env=A%3D1%3B2%263%00B%3Dx%3Dy+z");
    let length = header(request, "content-length").unwrap();
    assert_eq!(length, body(request).len().to_string());
    let kind = header(request, "content-type");
    assert_eq!(kind.as_deref(), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn reason_phrase_is_kept_for_empty_body() {
    let server = Server::start(vec![
        response("401 Authentication failed!", ""),
        response("595 No route to host", ""),
    ])
    .await;
    let client = default_client(&server);
    let error = client.version().await.unwrap_err();
    assert!(matches!(&error, Error::Unauthorized { reason } if reason == "Authentication failed!"));
    let error = client.lxc_list("pve2").await.unwrap_err();
    assert!(
        matches!(error, Error::NodeUnreachable { status: 595, .. }),
        "{error:?}"
    );
    assert_eq!(error.proxmox_message(), Some("No route to host"));
}

#[tokio::test]
async fn read_is_retried_after_disconnect_and_write_is_not() {
    let server = Server::start(vec![Action::Disconnect, ok("\"101\""), Action::Disconnect]).await;
    let client = default_client(&server);
    assert_eq!(client.next_id().await.unwrap().get(), 101);
    let error = client.start_lxc("pve1", vmid()).await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { sent: true, .. }),
        "{error:?}"
    );
    assert!(error.is_transient() && error.may_have_executed());
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn connection_refused_is_distinguished_from_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url, Timeouts::default())
        .start_lxc("pve1", vmid())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { sent: false, .. }),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        format!("Proxmox at {url} is unreachable.")
    );
    assert!(!error.may_have_executed());

    let server = Server::start(vec![Action::Hang]).await;
    let timeouts = Timeouts {
        response: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let error = client(&server.url, timeouts).version().await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { sent: true, .. }),
        "{error:?}"
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn slow_calls_use_the_longer_timeout() {
    let server = Server::start(vec![Action::Hang, Action::Hang]).await;
    let [response, slow] = [Duration::from_millis(50), Duration::from_millis(60)];
    let client = client(
        &server.url,
        Timeouts {
            response,
            slow,
            ..Timeouts::default()
        },
    );
    let error = client
        .shutdown_lxc("pve1", vmid(), shutdown())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Timeout { after, .. } if after == response),
        "{error:?}"
    );
    let error = client
        .delete_lxc("pve1", vmid(), DeleteLxc::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Timeout { after, .. } if after == slow),
        "{error:?}"
    );
}

fn shutdown() -> Shutdown {
    Shutdown {
        timeout: Duration::from_secs(30),
        force_stop: true,
    }
}

#[tokio::test]
async fn oversized_response_is_rejected() {
    let huge = format!("{{\"data\":\"{}\"}}", "x".repeat(17 << 20));
    let server = Server::start(vec![response("200 OK", &huge)]).await;
    let error = default_client(&server).version().await.unwrap_err();
    let Error::Protocol { cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(cause.contains("larger than"), "{cause}");
}

#[tokio::test]
async fn truncated_response_is_an_error() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":";
    let actions = vec![
        Action::Respond(broken.to_owned()),
        Action::Respond(broken.to_owned()),
    ];
    let server = Server::start(actions).await;
    let error = default_client(&server).version().await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { sent: true, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let redirect = "HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::start(vec![Action::Respond(redirect.to_owned())]).await;
    let error = default_client(&server).version().await.unwrap_err();
    let Error::Protocol { cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(cause.contains("https"), "{cause}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn token_is_not_sent_without_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        stream.read_buf(&mut bytes).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        let _ = stream.read_to_end(&mut bytes).await;
        bytes
    });
    let error = client(&url, Timeouts::default())
        .version()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert!(!error.is_transient() && !error.may_have_executed());
    let sent = server.await.unwrap();
    assert!(!String::from_utf8_lossy(&sent).contains("PVEAPIToken"));
}

#[tokio::test]
async fn wait_keeps_polling_while_proxmox_is_unreachable() {
    let upid: Upid = UPID.parse().unwrap();
    let status = |state: &str| ok(&format!("{{\"upid\":{UPID:?},{state}}}"));
    let server = Server::start(vec![
        response("595 Connection refused", ""),
        status(r#""status":"running""#),
        ok(r#"[{"n":1,"t":"no content"}]"#),
        status(r#""status":"stopped","exitstatus":"startup for container '300' failed""#),
        ok(r#"[{"n":1,"t":"explicitly configured lxc.apparmor.profile"},{"n":2,"t":"TASK ERROR: startup for container '300' failed"}]"#),
    ])
    .await;
    let mut lines = Vec::new();
    let wait = default_client(&server);
    let limit = Duration::from_secs(30);
    let ended = wait
        .wait_task(&upid, limit, |new| lines.extend_from_slice(new))
        .await;
    let error = ended.unwrap_err();
    let Error::TaskFailed {
        exitstatus,
        log_tail,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(exitstatus, "startup for container '300' failed");
    assert_eq!(log_tail.len(), 2);
    // The placeholder line of an empty log was neither forwarded nor counted.
    assert_eq!(
        lines.iter().map(|line| line.number).collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(server.requests()[4].contains("/log?start=0&limit=500"));
}

#[tokio::test]
async fn wait_ends_after_its_limit() {
    let upid: Upid = UPID.parse().unwrap();
    let server = Server::start(vec![Action::Hang]).await;
    let limit = Duration::from_millis(50);
    let error = default_client(&server)
        .wait_task(&upid, limit, |_| ())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::StillRunning { after, .. } if *after == limit),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "The task was still running after 0.05 seconds."
    );
}
