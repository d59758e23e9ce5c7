//! Signing in and out by form.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use control::sessions;

use crate::support::{Answer, House, request, sign_in_form};

fn token(cookie: &str) -> &str {
    cookie.split_once('=').unwrap().1
}

async fn is_session(house: &House, cookie: &str) -> bool {
    sessions::actor(&house.control, token(cookie))
        .await
        .unwrap()
        .is_some()
}

#[tokio::test]
async fn the_right_password_begins_a_session() {
    let house = House::new().await;
    let answer = house
        .sign_in("admin", &house.password, "/containers?q=web")
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/containers?q=web");
    let set = answer.header("set-cookie");
    assert!(set.starts_with("holdfast_session="), "{set}");
    assert!(
        set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"),
        "{set}"
    );
    assert!(is_session(&house, &answer.cookie().unwrap()).await);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_bound_to_the_host() {
    let house = House::at("https://cloud.example.org", &[]).await;
    let answer = house.sign_in("admin", &house.password, "/").await;
    let set = answer.header("set-cookie");
    assert!(set.starts_with("__Host-holdfast_session="), "{set}");
    assert!(set.ends_with("; Secure"), "{set}");
}

#[tokio::test]
async fn one_goes_on_within_this_site_only() {
    let house = House::new().await;
    for next in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "",
    ] {
        let answer = house.sign_in("admin", &house.password, next).await;
        assert_eq!(answer.header("location"), "/", "{next}");
    }
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_with_the_name() {
    let house = House::new().await;
    let answer = house.sign_in("ann<b>", "wrong", "/jobs").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.cookie().is_none());
    let html = answer.text();
    assert!(html.contains("<form"), "the form is there");
    assert!(
        html.contains("value=\"ann&lt;b&gt;\""),
        "the name is kept, as text"
    );
    assert!(html.contains("/jobs"), "where to go on to is kept");
    assert!(!html.contains("wrong\""), "the password is not");
    assert!(answer.header("content-security-policy").contains("'nonce-"));
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let house = House::new().await;
    let mut last = None;
    for _ in 0..6 {
        last = Some(house.sign_in("admin", "wrong", "/").await);
    }
    let last: Answer = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
    let html = last.text();
    assert!(html.contains("Too many tries. Wait "), "{html}");
    assert!(html.contains("value=\"admin\""), "the name is kept");
    let right = house.sign_in("admin", &house.password, "/").await;
    assert_eq!(
        right.status,
        StatusCode::TOO_MANY_REQUESTS,
        "even the right one has to wait"
    );
}

#[tokio::test]
async fn behind_a_proxy_each_address_is_slowed_by_itself() {
    let house = House::at("https://cloud.example.org", &["127.0.0.0/8"]).await;
    let try_from = async |address: &str, account: &str| {
        let (builder, body) = sign_in_form(account, "wrong", "/");
        let request = builder
            .header("x-forwarded-for", address)
            .body(body)
            .unwrap();
        house.send(request).await.status
    };
    for n in 0..20 {
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
async fn a_session_that_was_there_before_ends() {
    let house = House::new().await;
    let old = house.cookie().await;
    let (builder, body) = sign_in_form("admin", &house.password, "/");
    let request = builder.header(header::COOKIE, &old).body(body).unwrap();
    let new = house.send(request).await.cookie().unwrap();
    assert_ne!(token(&old), token(&new));
    assert!(!is_session(&house, &old).await);
    assert!(is_session(&house, &new).await);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookie() {
    let house = House::new().await;
    let cookie = house.cookie().await;
    let request = request(Method::POST, "/sign-out")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, &cookie)
        .body(Body::empty());
    let answer = house.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/sign-in");
    assert!(
        answer
            .header("set-cookie")
            .starts_with("holdfast_session=; Path=/; Max-Age=0")
    );
    assert!(!is_session(&house, &cookie).await);
}
