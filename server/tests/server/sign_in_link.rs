//! Sign-in with a one-time link.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Method, Request, StatusCode, header},
};
use control::{Actor, sessions, users};
use model::{session::CurrentUser, users::UserSpec};

use crate::{
    process::Program,
    support::{TestApp, TestResponse, get, request},
};

const MINUTE: Duration = Duration::from_secs(60);

async fn create_link(app: &TestApp, lifetime: Duration) -> String {
    let admin = "admin".parse().unwrap();
    let token = sessions::create_link(&app.control, &Actor::System, &admin, lifetime);
    format!("/sign-in/link?token={}", token.await.unwrap())
}

async fn signed_in_user(app: &TestApp, cookie: &str) -> Option<String> {
    let token = cookie.split_once('=').unwrap().1;
    match sessions::get_actor(&app.control, token).await.unwrap()? {
        Actor::User(CurrentUser { name, .. }) => Some(name.to_string()),
        Actor::System => None,
    }
}

fn get_from_peer(path: &str, peer: &str) -> Request<Body> {
    let mut request = get(path).body(Body::empty()).unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn assert_refused(response: &TestResponse, message: &str) {
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert!(response.cookie().is_none());
    let html = response.text();
    assert!(html.contains(message), "{html}");
    assert!(html.contains("action=\"/sign-in\""), "the form is missing");
    assert!(
        !html.contains("aria-invalid"),
        "the password field must not be marked invalid"
    );
}

const USED: &str = "This sign-in link has been used or has expired.";
const NOT_LOCAL: &str = "works only in a browser on the machine that runs Holdfast.";

#[tokio::test]
async fn link_signs_in_once() {
    let app = TestApp::new().await;
    let link = create_link(&app, MINUTE).await;
    let response = app.get(&link).await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    assert_eq!(
        response.header("location"),
        "/",
        "the redirect removes the token from the URL"
    );
    assert_eq!(response.header("referrer-policy"), "no-referrer");
    assert_eq!(response.header("cache-control"), "no-store");
    let set = response.header("set-cookie");
    assert!(set.ends_with("; HttpOnly; SameSite=Lax"), "{set}");
    let signed_in = signed_in_user(&app, &response.cookie().unwrap()).await;
    assert_eq!(signed_in.as_deref(), Some("admin"));

    let second = app.get(&link).await;
    assert_refused(&second, USED);
    assert_eq!(second.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn expired_and_unknown_links_are_refused() {
    let app = TestApp::new().await;
    let expired = create_link(&app, Duration::ZERO).await;
    assert_refused(&app.get(&expired).await, USED);
    assert_refused(&app.get("/sign-in/link?token=unknown").await, USED);
    assert_refused(&app.get("/sign-in/link").await, USED);
}

#[tokio::test]
async fn new_link_invalidates_the_previous_one() {
    let app = TestApp::new().await;
    let old = create_link(&app, MINUTE).await;
    let new = create_link(&app, MINUTE).await;
    assert_refused(&app.get(&old).await, USED);
    assert_eq!(app.get(&new).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn remote_requests_are_refused_and_leave_the_link_valid() {
    let app = TestApp::new().await;
    let link = create_link(&app, MINUTE).await;
    let remote = app.send(get_from_peer(&link, "192.0.2.7:40000")).await;
    assert_refused(&remote, NOT_LOCAL);
    let mut proxied = get_from_peer(&link, "127.0.0.1:40000");
    let client = HeaderValue::from_static("127.0.0.1");
    proxied.headers_mut().insert("x-forwarded-for", client);
    assert_refused(&app.send(proxied).await, NOT_LOCAL);
    let mut renamed = get_from_peer(&link, "127.0.0.1:40000");
    let host = HeaderValue::from_static("evil.example");
    renamed.headers_mut().insert(header::HOST, host);
    let response = app.send(renamed).await;
    assert_eq!(response.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(response.text().contains("http://localhost:3000"));
    assert_eq!(app.get(&link).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn new_password_invalidates_the_link() {
    let app = TestApp::new().await;
    let link = create_link(&app, MINUTE).await;
    let admin = "admin".parse().unwrap();
    let admin = users::get(&app.control, &Actor::System, &admin).await;
    let admin = admin.unwrap();
    let spec = UserSpec {
        values: admin.values(),
        password: Some("another long password".parse().unwrap()),
    };
    let changed = users::update(&app.control, &Actor::System, admin.id, spec);
    changed.await.unwrap();
    assert_refused(&app.get(&link).await, USED);
}

#[tokio::test]
async fn requests_of_a_trusted_proxy_are_refused() {
    let app = TestApp::with_url(crate::support::HOME, &["127.0.0.0/8"]).await;
    let link = create_link(&app, MINUTE).await;
    assert_refused(&app.get(&link).await, NOT_LOCAL);
}

#[tokio::test]
async fn prefetching_and_head_requests_leave_the_link_valid() {
    let app = TestApp::new().await;
    let link = create_link(&app, MINUTE).await;
    for (name, value) in [
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
    ] {
        let request = get(&link).header(name, value).body(Body::empty());
        let response = app.send(request.unwrap()).await;
        assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.cookie().is_none());
    }
    let head = request(Method::HEAD, &link).body(Body::empty()).unwrap();
    assert_eq!(app.send(head).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(app.get(&link).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn link_sign_in_ends_the_previous_session() {
    let app = TestApp::new().await;
    let old = app.cookie().await;
    let request = get(&create_link(&app, MINUTE).await).header(header::COOKIE, &old);
    let response = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(signed_in_user(&app, &old).await, None);
    let new = response.cookie().unwrap();
    assert_eq!(signed_in_user(&app, &new).await.as_deref(), Some("admin"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_uses_create_one_session() {
    let app = std::sync::Arc::new(TestApp::new().await);
    let link = create_link(&app, MINUTE).await;
    let mut uses = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (app, link) = (std::sync::Arc::clone(&app), link.clone());
        uses.spawn(async move { app.get(&link).await });
    }
    let responses = uses.join_all().await;
    let cookies: Vec<String> = responses.iter().filter_map(TestResponse::cookie).collect();
    assert_eq!(cookies.len(), 1);
    assert!(signed_in_user(&app, &cookies[0]).await.is_some());
    let refused = |response: &&TestResponse| response.status == StatusCode::UNAUTHORIZED;
    assert_eq!(responses.iter().filter(refused).count(), 9);
}

#[tokio::test]
async fn only_administrators_create_links() {
    let app = TestApp::new().await;
    let name = "ann".parse().unwrap();
    for role in [model::users::Role::Member, model::users::Role::Operator] {
        let ann = Actor::User(CurrentUser {
            id: model::UserId(2),
            name: "ann".parse().unwrap(),
            role,
        });
        let refused = sessions::create_link(&app.control, &ann, &name, MINUTE).await;
        assert!(matches!(refused, Err(model::Error::Forbidden { .. })));
    }
}

#[tokio::test]
async fn printed_link_signs_in_and_its_token_is_not_logged() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [("HOLDFAST_LOG_FILTER", "trace,hyper_util=debug")];
    let mut program = Program::serve_with_log(folder.path(), &environment);
    let link = program.line_after("Sign-in link: ");
    let client = crate::process::client();
    let response = client.get(&link).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(response.headers().contains_key(header::SET_COOKIE));
    let second = client.get(&link).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::UNAUTHORIZED);
    assert!(program.terminate().await.success());
    let log = program.log();
    let token = link.split_once("token=").unwrap().1;
    assert!(log.contains("/sign-in/link"), "the request is not logged");
    assert!(!log.contains(token));
}
