//! Requests byte by byte, and responses that the simulator does not produce: slow, broken and huge
//! ones, and responses that are not from Proxmox.

#![cfg(test)]

mod endpoints;
mod server;
mod tickets;
mod tls;

use std::{collections::BTreeMap, time::Duration};

use proxmox::{
    Client, ConfigChange, Connection, Credentials, DeleteLxc, Endpoint, Error, LxcOptions,
    Shutdown, Timeouts, Upid, Vmid,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::server::{Act, Server, answer, ok};

const UPID: &str = "UPID:pve1:00001638:000599F5:6B00BC42:vzstart:300:root@pam!holdfast:";

fn token() -> Credentials {
    Credentials::Token {
        id: "root@pam!holdfast".to_owned(),
        secret: "8f9f5a64-5d4b-4c3f-a9a2-1f6b1f1f4d11".into(),
    }
}

fn client(url: &str, timeouts: Timeouts) -> Client {
    Client::new(Connection::new(Endpoint::new(url), token()), timeouts).unwrap()
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
async fn the_token_is_sent_in_the_one_spelling_that_proxmox_takes() {
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
    let want = "PVEAPIToken=root@pam!holdfast=8f9f5a64-5d4b-4c3f-a9a2-1f6b1f1f4d11";
    assert_eq!(sent.as_deref(), Some(want));
}

#[tokio::test]
async fn a_post_without_parameters_says_that_its_body_is_empty() {
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
async fn a_delete_has_its_parameters_in_the_query_and_no_body() {
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
async fn a_form_is_of_known_length_and_encodes_what_would_part_it() {
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
async fn the_words_of_the_status_line_are_kept_where_the_body_is_empty() {
    let server = Server::start(vec![
        answer("401 Authentication failed!", ""),
        answer("595 No route to host", ""),
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
    assert_eq!(error.words(), Some("No route to host"));
}

#[tokio::test]
async fn a_question_is_asked_again_when_the_connection_breaks_and_a_command_is_not() {
    let server = Server::start(vec![Act::HangUp, ok("\"101\""), Act::HangUp]).await;
    let client = default_client(&server);
    assert_eq!(client.next_id().await.unwrap().get(), 101);
    let error = client.start_lxc("pve1", vmid()).await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { sent: true, .. }),
        "{error:?}"
    );
    assert!(error.is_transient() && error.may_have_happened());
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn nobody_there_is_told_from_no_answer() {
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
        format!("Proxmox at {url} cannot be reached.")
    );
    assert!(!error.may_have_happened());

    let server = Server::start(vec![Act::Hang]).await;
    let timeouts = Timeouts {
        answer: Duration::from_millis(50),
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
async fn slow_calls_have_more_time_than_others() {
    let server = Server::start(vec![Act::Hang, Act::Hang]).await;
    let [answer, slow] = [Duration::from_millis(50), Duration::from_millis(60)];
    let client = client(
        &server.url,
        Timeouts {
            answer,
            slow,
            ..Timeouts::default()
        },
    );
    let error = client
        .shutdown_lxc("pve1", vmid(), shutdown())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Timeout { after, .. } if after == answer),
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
async fn an_answer_without_end_is_cut_off() {
    let huge = format!("{{\"data\":\"{}\"}}", "x".repeat(17 << 20));
    let server = Server::start(vec![answer("200 OK", &huge)]).await;
    let error = default_client(&server).version().await.unwrap_err();
    let Error::Protocol { cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(cause.contains("larger than"), "{cause}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":";
    let acts = vec![
        Act::Answer(broken.to_owned()),
        Act::Answer(broken.to_owned()),
    ];
    let server = Server::start(acts).await;
    let error = default_client(&server).version().await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { sent: true, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = "HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::start(vec![Act::Answer(elsewhere.to_owned())]).await;
    let error = default_client(&server).version().await.unwrap_err();
    let Error::Protocol { cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(cause.contains("https"), "{cause}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_token_is_not_sent_to_what_does_not_speak_tls() {
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
    assert!(!error.is_transient() && !error.may_have_happened());
    let sent = server.await.unwrap();
    assert!(!String::from_utf8_lossy(&sent).contains("PVEAPIToken"));
}

#[tokio::test]
async fn a_task_keeps_being_asked_for_while_proxmox_is_away() {
    let upid: Upid = UPID.parse().unwrap();
    let status = |state: &str| ok(&format!("{{\"upid\":{UPID:?},{state}}}"));
    let server = Server::start(vec![
        answer("595 Connection refused", ""),
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
async fn waiting_for_a_task_ends_when_its_time_is_up() {
    let upid: Upid = UPID.parse().unwrap();
    let server = Server::start(vec![Act::Hang]).await;
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
