//! Signing in with a one-time link.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Method, Request, StatusCode, header},
};
use control::{Actor, sessions, users};
use model::{session::Me, users::UserSpec};

use crate::{
    process::Program,
    support::{Answer, House, get, request},
};

const MINUTE: Duration = Duration::from_secs(60);

async fn link(house: &House, lifetime: Duration) -> String {
    let admin = "admin".parse().unwrap();
    let token = sessions::create_link(&house.control, &Actor::System, &admin, lifetime);
    format!("/sign-in/link?token={}", token.await.unwrap())
}

async fn account(house: &House, cookie: &str) -> Option<String> {
    let token = cookie.split_once('=').unwrap().1;
    match sessions::actor(&house.control, token).await.unwrap()? {
        Actor::Person(Me { name, .. }) => Some(name.to_string()),
        Actor::System => None,
    }
}

fn from(path: &str, peer: &str) -> Request<Body> {
    let mut request = get(path).body(Body::empty()).unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn assert_refused(answer: &Answer, sentence: &str) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.cookie().is_none());
    let html = answer.text();
    assert!(html.contains(sentence), "{html}");
    assert!(html.contains("action=\"/sign-in\""), "the form is there");
    assert!(!html.contains("aria-invalid"), "no password was wrong");
}

const USED: &str = "This sign-in link has been used or has expired.";
const NOT_LOCAL: &str = "works only in a browser on the machine that runs Holdfast.";

#[tokio::test]
async fn link_signs_in_once() {
    let house = House::new().await;
    let link = link(&house, MINUTE).await;
    let answer = house.get(&link).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.header("location"),
        "/",
        "the token leaves the address bar"
    );
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    let set = answer.header("set-cookie");
    assert!(set.ends_with("; HttpOnly; SameSite=Lax"), "{set}");
    let signed_in = account(&house, &answer.cookie().unwrap()).await;
    assert_eq!(signed_in.as_deref(), Some("admin"));

    let again = house.get(&link).await;
    assert_refused(&again, USED);
    assert_eq!(again.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn expired_and_unknown_links_are_refused() {
    let house = House::new().await;
    let expired = link(&house, Duration::ZERO).await;
    assert_refused(&house.get(&expired).await, USED);
    assert_refused(&house.get("/sign-in/link?token=unknown").await, USED);
    assert_refused(&house.get("/sign-in/link").await, USED);
}

#[tokio::test]
async fn new_link_voids_the_one_before() {
    let house = House::new().await;
    let old = link(&house, MINUTE).await;
    let new = link(&house, MINUTE).await;
    assert_refused(&house.get(&old).await, USED);
    assert_eq!(house.get(&new).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn requests_from_elsewhere_are_refused_and_leave_the_link_valid() {
    let house = House::new().await;
    let link = link(&house, MINUTE).await;
    let remote = house.send(from(&link, "192.0.2.7:40000")).await;
    assert_refused(&remote, NOT_LOCAL);
    let mut proxied = from(&link, "127.0.0.1:40000");
    let client = HeaderValue::from_static("127.0.0.1");
    proxied.headers_mut().insert("x-forwarded-for", client);
    assert_refused(&house.send(proxied).await, NOT_LOCAL);
    let mut renamed = from(&link, "127.0.0.1:40000");
    let host = HeaderValue::from_static("evil.example");
    renamed.headers_mut().insert(header::HOST, host);
    let answer = house.send(renamed).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(answer.text().contains("http://localhost:3000"));
    assert_eq!(house.get(&link).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn new_password_voids_the_link() {
    let house = House::new().await;
    let link = link(&house, MINUTE).await;
    let admin = "admin".parse().unwrap();
    let admin = users::get(&house.control, &Actor::System, &admin).await;
    let admin = admin.unwrap();
    let spec = UserSpec {
        name: admin.name,
        mail: admin.mail,
        role: admin.role,
        limits: admin.limits,
        password: Some("another long password".parse().unwrap()),
    };
    let changed = users::update(&house.control, &Actor::System, admin.id, spec);
    changed.await.unwrap();
    assert_refused(&house.get(&link).await, USED);
}

#[tokio::test]
async fn requests_of_a_trusted_proxy_are_refused() {
    let house = House::at(crate::support::HOME, &["127.0.0.0/8"]).await;
    let link = link(&house, MINUTE).await;
    assert_refused(&house.get(&link).await, NOT_LOCAL);
}

#[tokio::test]
async fn prefetching_and_head_requests_leave_the_link_valid() {
    let house = House::new().await;
    let link = link(&house, MINUTE).await;
    for (name, value) in [
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
    ] {
        let request = get(&link).header(name, value).body(Body::empty());
        let answer = house.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.cookie().is_none());
    }
    let head = request(Method::HEAD, &link).body(Body::empty()).unwrap();
    assert_eq!(
        house.send(head).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(house.get(&link).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn session_of_the_browser_ends() {
    let house = House::new().await;
    let old = house.cookie().await;
    let request = get(&link(&house, MINUTE).await).header(header::COOKIE, &old);
    let answer = house.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(account(&house, &old).await, None);
    let new = answer.cookie().unwrap();
    assert_eq!(account(&house, &new).await.as_deref(), Some("admin"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_uses_begin_one_session() {
    let house = std::sync::Arc::new(House::new().await);
    let link = link(&house, MINUTE).await;
    let mut uses = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (house, link) = (std::sync::Arc::clone(&house), link.clone());
        uses.spawn(async move { house.get(&link).await });
    }
    let answers = uses.join_all().await;
    let cookies: Vec<String> = answers.iter().filter_map(Answer::cookie).collect();
    assert_eq!(cookies.len(), 1);
    assert!(account(&house, &cookies[0]).await.is_some());
    let refused = |answer: &&Answer| answer.status == StatusCode::UNAUTHORIZED;
    assert_eq!(answers.iter().filter(refused).count(), 9);
}

#[tokio::test]
async fn only_administrators_create_links() {
    let house = House::new().await;
    let name = "ann".parse().unwrap();
    for role in [model::users::Role::Member, model::users::Role::Operator] {
        let ann = Actor::Person(Me {
            id: model::UserId(2),
            name: "ann".parse().unwrap(),
            role,
        });
        let refused = sessions::create_link(&house.control, &ann, &name, MINUTE).await;
        assert!(matches!(refused, Err(model::Error::Forbidden { .. })));
    }
}

#[tokio::test]
async fn printed_link_signs_in_and_its_token_is_not_logged() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [("HOLDFAST_LOG_FILTER", "trace,hyper_util=debug")];
    let mut program = Program::serve_with_log(folder.path(), &environment);
    let link = program.says("Sign-in link: ");
    let client = crate::process::client();
    let answer = client.get(&link).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert!(answer.headers().contains_key(header::SET_COOKIE));
    let again = client.get(&link).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    assert!(program.terminate().await.success());
    let log = program.log();
    let token = link.split_once("token=").unwrap().1;
    assert!(log.contains("/sign-in/link"), "the request is in the log");
    assert!(!log.contains(token));
}
