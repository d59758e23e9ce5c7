//! Sign-in with a password: when a ticket is fetched, renewed and replaced, and what is sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proxmox::{Client, Connection, Credentials, Endpoint, Error, Timeouts};

use crate::{
    UPID, body, header,
    server::{Act, Server, answer, ok},
    vmid,
};

const VERSION: &str = r#"{"version":"9.2.11","release":"9.2"}"#;

fn ticket(name: &str) -> Act {
    ok(&format!(
        "{{\"ticket\":\"PVE:root@pam:{name}::a+b/c==\",\"CSRFPreventionToken\":\"csrf:{name}\",\"username\":\"root@pam\",\"cap\":{{}}}}"
    ))
}

fn cookie(name: &str) -> String {
    format!("PVEAuthCookie=PVE%3Aroot%40pam%3A{name}%3A%3Aa%2Bb%2Fc%3D%3D")
}

fn refused() -> Act {
    answer(
        "401 authentication failure",
        r#"{"data":null,"message":"authentication failure\n"}"#,
    )
}

/// Renews its ticket with every call if `renew` is zero.
fn client(server: &Server, renew: Duration) -> Client {
    let password = Credentials::Password {
        user: "root".to_owned(),
        realm: "pam".to_owned(),
        password: "s3cr&t w\u{f6}rd".into(),
    };
    let timeouts = Timeouts {
        ticket: renew,
        ..Timeouts::default()
    };
    let connection = Connection::new(Endpoint::new(&server.url), password);
    Client::new(connection, timeouts).unwrap()
}

const LONG: Duration = Duration::from_secs(5400);

fn lines(server: &Server) -> Vec<String> {
    let first = |request: &String| request.lines().next().unwrap().to_owned();
    let words = |line: String| line.replace("/api2/json", "").replace(" HTTP/1.1", "");
    server.requests().iter().map(first).map(words).collect()
}

#[tokio::test]
async fn a_ticket_is_fetched_once_and_sent_as_a_cookie_and_writes_say_that_they_are_ours() {
    let upid = format!("{UPID:?}");
    let acts = vec![ticket("A"), ok(VERSION), ok(&upid), ok(&upid)];
    let server = Server::start(acts).await;
    let client = client(&server, LONG);
    assert!(client.is_root_ticket());
    client.version().await.unwrap();
    client.start_lxc("pve1", vmid()).await.unwrap();
    let none = proxmox::DeleteLxc::default();
    client.delete_lxc("pve1", vmid(), none).await.unwrap();

    let requests = server.requests();
    assert!(requests[0].starts_with("POST /api2/json/access/ticket HTTP/1.1\r\n"));
    assert_eq!(
        body(&requests[0]),
        "username=root%40pam&password=s3cr%26t+w%C3%B6rd"
    );
    assert_eq!(header(&requests[0], "cookie"), None);
    for request in &requests[1..] {
        assert_eq!(header(request, "cookie").as_deref(), Some(&*cookie("A")));
        assert_eq!(header(request, "authorization"), None);
        let wants = (!request.starts_with("GET ")).then_some("csrf:A");
        let csrf = header(request, "csrfpreventiontoken");
        assert_eq!(csrf.as_deref(), wants, "{request}");
    }
    assert_eq!(requests.len(), 4);
}

/// A server that rejects the first `bad` tickets, and the number of sign-ins.
async fn lets_in_after(bad: usize) -> (Server, Arc<AtomicUsize>) {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = logins.clone();
    let server = Server::answering(move |request| {
        if request.starts_with("POST /api2/json/access/ticket") {
            return ticket(&format!("T{}", count.fetch_add(1, Ordering::SeqCst)));
        }
        let is_bad = |number| header(request, "cookie").unwrap() == cookie(&format!("T{number}"));
        if (0..bad).any(is_bad) {
            return answer("401 No ticket", "");
        }
        ok(VERSION)
    })
    .await;
    (server, logins)
}

/// Twenty concurrent calls.
async fn crowd(client: &Client) -> Vec<Result<proxmox::Version, Error>> {
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.version().await })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn many_calls_at_once_fetch_one_ticket() {
    let (server, logins) = lets_in_after(0).await;
    let answers = crowd(&client(&server, LONG)).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(logins.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn many_calls_whose_ticket_is_refused_fetch_one_new_one() {
    let (server, logins) = lets_in_after(1).await;
    let answers = crowd(&client(&server, LONG)).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn many_calls_with_a_wrong_password_try_it_once() {
    let server = Server::answering(|_| refused()).await;
    let answers = crowd(&client(&server, LONG)).await;
    let told = |answer: &Result<_, Error>| matches!(answer, Err(Error::PasswordRefused { .. }));
    assert!(answers.iter().all(told), "{answers:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_ticket_that_is_getting_old_is_renewed_by_itself() {
    let acts = vec![ticket("A"), ok(VERSION), ticket("B"), ok(VERSION)];
    let server = Server::start(acts).await;
    let client = client(&server, Duration::ZERO);
    client.version().await.unwrap();
    client.version().await.unwrap();
    let requests = server.requests();
    let old = "username=root%40pam&password=PVE%3Aroot%40pam%3AA%3A%3Aa%2Bb%2Fc%3D%3D";
    assert_eq!(body(&requests[2]), old);
    assert_eq!(
        header(&requests[3], "cookie").as_deref(),
        Some(&*cookie("B"))
    );
}

#[tokio::test]
async fn a_ticket_that_cannot_be_renewed_is_replaced_with_the_password() {
    let acts = vec![
        ticket("A"),
        ok(VERSION),
        refused(),
        ticket("B"),
        ok(VERSION),
    ];
    let server = Server::start(acts).await;
    let client = client(&server, Duration::ZERO);
    client.version().await.unwrap();
    client.version().await.unwrap();
    let requests = server.requests();
    assert_eq!(body(&requests[3]), body(&requests[0]));
    assert_eq!(
        header(&requests[4], "cookie").as_deref(),
        Some(&*cookie("B"))
    );
}

#[tokio::test]
async fn while_a_renewal_is_not_possible_the_old_ticket_serves() {
    let fault = answer("500 out of memory", r#"{"data":null}"#);
    let acts = vec![ticket("A"), ok(VERSION), fault, ok(VERSION), ok(VERSION)];
    let server = Server::start(acts).await;
    let client = client(&server, Duration::ZERO);
    for _ in 0..3 {
        client.version().await.unwrap();
    }
    // The renewal is not repeated with every call.
    let (login, version) = ("POST /access/ticket", "GET /version");
    assert_eq!(lines(&server), [login, version, login, version, version]);
}

#[tokio::test]
async fn a_ticket_that_is_refused_is_replaced_once_and_the_call_made_again_once() {
    let upid = format!("{UPID:?}");
    let withdrawn = || answer("401 No ticket", "");
    let acts = vec![
        ticket("A"),
        withdrawn(),
        ticket("B"),
        ok(&upid),
        withdrawn(),
        ticket("C"),
        withdrawn(),
    ];
    let server = Server::start(acts).await;
    let client = client(&server, LONG);
    client.start_lxc("pve1", vmid()).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(
        header(&requests[3], "csrfpreventiontoken").as_deref(),
        Some("csrf:B")
    );
    assert_eq!(body(&requests[2]), body(&requests[0]));

    let error = client.start_lxc("pve1", vmid()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 7);
}

#[tokio::test]
async fn a_refused_password_is_said_so_and_not_tried_with_every_call() {
    let server = Server::start(vec![refused()]).await;
    let client = client(&server, LONG);
    for _ in 0..2 {
        let error = client.version().await.unwrap_err();
        assert!(matches!(error, Error::PasswordRefused { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "Proxmox did not accept the password of root@pam."
        );
        assert_eq!(error.words(), Some("authentication failure"));
        assert!(!error.is_transient() && !error.may_have_happened());
        assert!(!format!("{error:?}").contains("s3cr"));
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_second_factor_is_refused_with_a_way_out() {
    let needs = r#"{"ticket":"PVE:!tfa!%7B%22totp%22%3Atrue%7D:6B00B574::x","CSRFPreventionToken":"x","username":"root@pam","NeedTFA":1}"#;
    let server = Server::start(vec![ok(needs)]).await;
    let error = client(&server, LONG).version().await.unwrap_err();
    assert!(
        matches!(&error, Error::SecondFactor { user } if user == "root@pam"),
        "{error:?}"
    );
    assert!(error.to_string().contains("Use an API token"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_without_a_ticket_is_not_one_of_proxmox() {
    for odd in [
        r#"{"username":"root@pam"}"#,
        r#"{"ticket":"PVE:x"}"#,
        "null",
    ] {
        let server = Server::start(vec![ok(odd)]).await;
        let error = client(&server, LONG).version().await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn signing_in_is_tried_again_when_the_connection_breaks() {
    let acts = vec![Act::HangUp, ticket("A"), ok(VERSION)];
    let server = Server::start(acts).await;
    client(&server, LONG).version().await.unwrap();
    assert_eq!(server.requests().len(), 3);
}
