//! Sign-in with a password: when a ticket is fetched, renewed and replaced, and its requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proxmox::{Client, ClientConfig, Credentials, Endpoint, Error, Timeouts};

use crate::{
    UPID, body, header,
    server::{Action, Server, ok, response},
    vmid,
};

const VERSION: &str = r#"{"version":"9.2.11","release":"9.2"}"#;

fn ticket(name: &str) -> Action {
    ok(&format!(
        "{{\"ticket\":\"PVE:root@pam:{name}::a+b/c==\",\"CSRFPreventionToken\":\"csrf:{name}\",\"username\":\"root@pam\",\"cap\":{{}}}}"
    ))
}

fn cookie(name: &str) -> String {
    format!("PVEAuthCookie=PVE%3Aroot%40pam%3A{name}%3A%3Aa%2Bb%2Fc%3D%3D")
}

fn refused() -> Action {
    response(
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
    let connection = ClientConfig::new(Endpoint::new(&server.url), password);
    Client::new(connection, timeouts).unwrap()
}

const LONG: Duration = Duration::from_secs(5400);

fn request_lines(server: &Server) -> Vec<String> {
    let first = |request: &String| request.lines().next().unwrap().to_owned();
    let strip_request_line = |line: String| line.replace("/api2/json", "").replace(" HTTP/1.1", "");
    server
        .requests()
        .iter()
        .map(first)
        .map(strip_request_line)
        .collect()
}

#[tokio::test]
async fn ticket_is_fetched_once_and_writes_send_csrf_token() {
    let upid = format!("{UPID:?}");
    let actions = vec![ticket("A"), ok(VERSION), ok(&upid), ok(&upid)];
    let server = Server::start(actions).await;
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
async fn server_rejecting_first_tickets(bad: usize) -> (Server, Arc<AtomicUsize>) {
    let sign_ins = Arc::new(AtomicUsize::new(0));
    let count = sign_ins.clone();
    let server = Server::responding(move |request| {
        if request.starts_with("POST /api2/json/access/ticket") {
            return ticket(&format!("T{}", count.fetch_add(1, Ordering::SeqCst)));
        }
        let is_bad = |number| header(request, "cookie").unwrap() == cookie(&format!("T{number}"));
        if (0..bad).any(is_bad) {
            return response("401 No ticket", "");
        }
        ok(VERSION)
    })
    .await;
    (server, sign_ins)
}

/// Twenty concurrent calls.
async fn call_concurrently(client: &Client) -> Vec<Result<proxmox::Version, Error>> {
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
async fn concurrent_calls_fetch_one_ticket() {
    let (server, sign_ins) = server_rejecting_first_tickets(0).await;
    let answers = call_concurrently(&client(&server, LONG)).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(sign_ins.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn concurrent_calls_with_rejected_ticket_fetch_one_replacement() {
    let (server, sign_ins) = server_rejecting_first_tickets(1).await;
    let answers = call_concurrently(&client(&server, LONG)).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(sign_ins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn concurrent_calls_try_wrong_password_once() {
    let server = Server::responding(|_| refused()).await;
    let answers = call_concurrently(&client(&server, LONG)).await;
    let is_refused =
        |response: &Result<_, Error>| matches!(response, Err(Error::PasswordRefused { .. }));
    assert!(answers.iter().all(is_refused), "{answers:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn aging_ticket_is_renewed() {
    let actions = vec![ticket("A"), ok(VERSION), ticket("B"), ok(VERSION)];
    let server = Server::start(actions).await;
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
async fn unrenewable_ticket_is_replaced_with_password() {
    let actions = vec![
        ticket("A"),
        ok(VERSION),
        refused(),
        ticket("B"),
        ok(VERSION),
    ];
    let server = Server::start(actions).await;
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
async fn old_ticket_is_used_while_renewal_fails() {
    let fault = response("500 out of memory", r#"{"data":null}"#);
    let actions = vec![ticket("A"), ok(VERSION), fault, ok(VERSION), ok(VERSION)];
    let server = Server::start(actions).await;
    let client = client(&server, Duration::ZERO);
    for _ in 0..3 {
        client.version().await.unwrap();
    }
    // The renewal is not repeated with every call.
    let (login, version) = ("POST /access/ticket", "GET /version");
    assert_eq!(
        request_lines(&server),
        [login, version, login, version, version]
    );
}

#[tokio::test]
async fn rejected_ticket_is_replaced_once_and_call_repeated_once() {
    let upid = format!("{UPID:?}");
    let rejected_ticket = || response("401 No ticket", "");
    let actions = vec![
        ticket("A"),
        rejected_ticket(),
        ticket("B"),
        ok(&upid),
        rejected_ticket(),
        ticket("C"),
        rejected_ticket(),
    ];
    let server = Server::start(actions).await;
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
async fn rejected_password_is_reported_and_not_retried() {
    let server = Server::start(vec![refused()]).await;
    let client = client(&server, LONG);
    for _ in 0..2 {
        let error = client.version().await.unwrap_err();
        assert!(matches!(error, Error::PasswordRefused { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "Proxmox rejected the password of root@pam."
        );
        assert_eq!(error.proxmox_message(), Some("authentication failure"));
        assert!(!error.is_transient() && !error.may_have_executed());
        assert!(!format!("{error:?}").contains("s3cr"));
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn second_factor_is_rejected_with_advice() {
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
async fn response_without_ticket_is_a_protocol_error() {
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
async fn sign_in_is_retried_after_disconnect() {
    let actions = vec![Action::Disconnect, ticket("A"), ok(VERSION)];
    let server = Server::start(actions).await;
    client(&server, LONG).version().await.unwrap();
    assert_eq!(server.requests().len(), 3);
}
