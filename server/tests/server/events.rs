//! The stream of changes: for who is signed in, for as long as they are.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, StatusCode, header},
};
use control::{Actor, users};
use futures::StreamExt as _;
use model::users::{Limits, Role, UserSpec};

use crate::support::{House, get, request};

async fn listen(house: &House, cookie: &str) -> BodyDataStream {
    let request = get("/events")
        .header(header::COOKIE, cookie)
        .body(Body::empty())
        .unwrap();
    let response = house.open(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let kind = response.headers().get(header::CONTENT_TYPE).unwrap();
    assert_eq!(kind, "text/event-stream");
    assert_eq!(
        response.headers().get(header::CACHE_CONTROL).unwrap(),
        "no-store"
    );
    let mut stream = response.into_body().into_data_stream();
    assert!(
        next(&mut stream).await.unwrap().contains("retry:"),
        "the stream begins at once"
    );
    stream
}

/// The next piece; none at the end of the stream.
async fn next(stream: &mut BodyDataStream) -> Option<String> {
    let piece = tokio::time::timeout(Duration::from_secs(60), stream.next()).await;
    let piece = piece.expect("the stream says something or ends")?.unwrap();
    Some(String::from_utf8(piece.to_vec()).unwrap())
}

/// Reads on to the end of the stream.
async fn drain(stream: &mut BodyDataStream) {
    while next(stream).await.is_some() {}
}

#[tokio::test]
async fn a_stranger_hears_nothing() {
    let house = House::new().await;
    assert_eq!(house.get("/events").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_change_is_told_without_its_content() {
    let house = House::new().await;
    let cookie = house.cookie().await;
    let mut stream = listen(&house, &cookie).await;
    let spec = UserSpec {
        name: "bea".parse().unwrap(),
        mail: "bea@example.org".parse().unwrap(),
        role: Role::Member,
        limits: Limits::default(),
        password: Some("a long password".parse().unwrap()),
    };
    let id = users::create(&house.control, &Actor::System, spec)
        .await
        .unwrap();
    let told = loop {
        let piece = next(&mut stream).await.unwrap();
        if piece.contains("\"user\"") {
            break piece;
        }
    };
    assert!(
        told.contains(&format!("data: {{\"topic\":\"user\",\"id\":{id}}}")),
        "{told}"
    );
    assert!(!told.contains("bea"));
}

#[tokio::test]
async fn the_stream_ends_with_the_session() {
    let house = House::new().await;
    let (cookie, other) = (house.cookie().await, house.cookie().await);
    let mut stream = listen(&house, &cookie).await;
    let _still_open = listen(&house, &other).await;
    let request = request(Method::POST, "/sign-out")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, &cookie)
        .body(Body::empty());
    house.send(request.unwrap()).await;
    drain(&mut stream).await;
}

#[tokio::test]
async fn the_stream_ends_with_the_process() {
    let house = House::new().await;
    let cookie = house.cookie().await;
    let mut stream = listen(&house, &cookie).await;
    house.stop.cancel();
    drain(&mut stream).await;
}

#[tokio::test]
async fn a_person_has_so_many_streams_and_no_more() {
    let house = House::new().await;
    let cookie = house.cookie().await;
    let ask = || {
        get("/events")
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap()
    };
    let mut open = Vec::new();
    let refused = loop {
        let response = house.open(ask()).await;
        if response.status() != StatusCode::OK {
            break response;
        }
        open.push(response);
        assert!(open.len() < 1000, "there is no limit");
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    open.pop();
    assert_eq!(
        house.open(ask()).await.status(),
        StatusCode::OK,
        "one that ended makes room"
    );
}
