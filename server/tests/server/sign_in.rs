//! Sign-in and sign-out by form.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, StatusCode, header},
};
use control::sessions;

use crate::support::{TestApp, TestResponse, request, sign_in_form};

fn token(cookie: &str) -> &str {
    cookie.split_once('=').unwrap().1
}

async fn is_session(app: &TestApp, cookie: &str) -> bool {
    sessions::get_actor(&app.control, token(cookie))
        .await
        .unwrap()
        .is_some()
}

#[tokio::test]
async fn correct_password_creates_a_session() {
    let app = TestApp::new().await;
    let response = app
        .sign_in("admin", &app.password, "/containers?q=web")
        .await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    assert_eq!(response.header("location"), "/containers?q=web");
    let set = response.header("set-cookie");
    assert!(set.starts_with("holdfast_session="), "{set}");
    assert!(
        set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"),
        "{set}"
    );
    assert!(is_session(&app, &response.cookie().unwrap()).await);
}

#[tokio::test]
async fn cookie_over_tls_is_bound_to_the_host() {
    let app = TestApp::with_url("https://cloud.example.org", &[]).await;
    let response = app.sign_in("admin", &app.password, "/").await;
    let set = response.header("set-cookie");
    assert!(set.starts_with("__Host-holdfast_session="), "{set}");
    assert!(set.ends_with("; Secure"), "{set}");
}

#[tokio::test]
async fn redirect_stays_on_this_site() {
    let app = TestApp::new().await;
    for next in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "",
    ] {
        let response = app.sign_in("admin", &app.password, next).await;
        assert_eq!(response.header("location"), "/", "{next}");
    }
}

#[tokio::test]
async fn wrong_password_shows_the_form_with_the_name() {
    let app = TestApp::new().await;
    let response = app.sign_in("ann<b>", "wrong", "/jobs").await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert!(response.cookie().is_none());
    let html = response.text();
    assert!(html.contains("<form"), "the form is missing");
    assert!(
        html.contains("value=\"ann&lt;b&gt;\""),
        "the name is kept and escaped"
    );
    assert!(html.contains("/jobs"), "the redirect target is kept");
    assert!(!html.contains("wrong\""), "the password is not kept");
    assert!(
        response
            .header("content-security-policy")
            .contains("'nonce-")
    );
}

#[tokio::test]
async fn failed_attempts_are_throttled() {
    let app = TestApp::new().await;
    let mut last = None;
    for _ in 0..6 {
        last = Some(app.sign_in("admin", "wrong", "/").await);
    }
    let last: TestResponse = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
    let html = last.text();
    assert!(html.contains("Too many attempts. Wait "), "{html}");
    assert!(html.contains("value=\"admin\""), "the name is kept");
    let correct = app.sign_in("admin", &app.password, "/").await;
    assert_eq!(
        correct.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the correct password is throttled as well"
    );
}

#[tokio::test]
async fn throttling_behind_a_proxy_is_per_client_address() {
    let app = TestApp::with_url("https://cloud.example.org", &["127.0.0.0/8"]).await;
    let try_from = async |address: &str, account: &str| {
        let (builder, body) = sign_in_form(account, "wrong", "/");
        let request = builder
            .header("x-forwarded-for", address)
            .body(body)
            .unwrap();
        app.send(request).await.status
    };
    for n in 0..30 {
        let status = try_from("198.51.100.7", &format!("user{n}")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        try_from("198.51.100.7", "ann").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        try_from("198.51.100.8", "ann").await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn request_without_a_client_address_fails() {
    let app = TestApp::new().await;
    let (builder, body) = sign_in_form("admin", &app.password, "/");
    let mut request = builder.body(body).unwrap();
    request.extensions_mut().remove::<ConnectInfo<SocketAddr>>();
    let response = app.send(request).await;
    assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn sign_in_ends_the_previous_session() {
    let app = TestApp::new().await;
    let old = app.cookie().await;
    let (builder, body) = sign_in_form("admin", &app.password, "/");
    let request = builder.header(header::COOKIE, &old).body(body).unwrap();
    let new = app.send(request).await.cookie().unwrap();
    assert_ne!(token(&old), token(&new));
    assert!(!is_session(&app, &old).await);
    assert!(is_session(&app, &new).await);
}

#[tokio::test]
async fn sign_out_ends_the_session_and_removes_the_cookie() {
    let app = TestApp::new().await;
    let cookie = app.cookie().await;
    let request = request(Method::POST, "/sign-out")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, &cookie)
        .body(Body::empty());
    let response = app.send(request.unwrap()).await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    assert_eq!(response.header("location"), "/sign-in");
    assert!(
        response
            .header("set-cookie")
            .starts_with("holdfast_session=; Path=/; Max-Age=0")
    );
    assert!(!is_session(&app, &cookie).await);
}
