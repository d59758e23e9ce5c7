//! The event stream: authentication, content and end.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, StatusCode, header},
};
use control::{Actor, users};
use futures::StreamExt as _;
use model::{UserId, users::UserForm};

use crate::support::{TestApp, get, request};

async fn open_stream(app: &TestApp, cookie: &str) -> BodyDataStream {
    let request = get("/events")
        .header(header::COOKIE, cookie)
        .body(Body::empty())
        .unwrap();
    let response = app.send_streaming(request).await;
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
        "the stream starts with a retry field"
    );
    stream
}

/// The next chunk; `None` at the end of the stream.
async fn next(stream: &mut BodyDataStream) -> Option<String> {
    let chunk = tokio::time::timeout(Duration::from_secs(60), stream.next()).await;
    let chunk = chunk.expect("timed out waiting for an event")?.unwrap();
    Some(String::from_utf8(chunk.to_vec()).unwrap())
}

/// Reads to the end of the stream.
async fn drain(stream: &mut BodyDataStream) {
    while next(stream).await.is_some() {}
}

/// Creates a user and returns their ID.
async fn create_bea(app: &TestApp) -> UserId {
    let form = UserForm {
        name: "bea".into(),
        email: "bea@example.org".into(),
        role: "member".into(),
        password: "a long password".into(),
        ..UserForm::default()
    };
    let spec = form.parse().unwrap();
    users::create(&app.control, &Actor::System, spec)
        .await
        .unwrap()
}

/// Reads up to the next event about a user.
async fn next_user_event(stream: &mut BodyDataStream) -> String {
    loop {
        let chunk = next(stream).await.unwrap();
        if chunk.contains("\"user\"") {
            return chunk;
        }
    }
}

#[tokio::test]
async fn anonymous_clients_are_refused() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/events").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn change_events_do_not_contain_content() {
    let app = TestApp::new().await;
    let cookie = app.cookie().await;
    let mut stream = open_stream(&app, &cookie).await;
    let id = create_bea(&app).await;
    let event = next_user_event(&mut stream).await;
    assert!(
        event.contains(&format!("data: {{\"topic\":\"user\",\"id\":{id}}}")),
        "{event}"
    );
    assert!(!event.contains("bea"));
}

#[tokio::test]
async fn stream_ends_with_the_session() {
    let app = TestApp::new().await;
    let (cookie, other) = (app.cookie().await, app.cookie().await);
    let mut stream = open_stream(&app, &cookie).await;
    let mut other_stream = open_stream(&app, &other).await;
    let request = request(Method::POST, "/sign-out")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, &cookie)
        .body(Body::empty());
    app.send(request.unwrap()).await;
    drain(&mut stream).await;
    let id = create_bea(&app).await;
    let event = next_user_event(&mut other_stream).await;
    assert!(event.contains(&format!("\"id\":{id}")), "{event}");
}

#[tokio::test]
async fn stream_ends_with_the_process() {
    let app = TestApp::new().await;
    let cookie = app.cookie().await;
    let mut stream = open_stream(&app, &cookie).await;
    app.stop.cancel();
    drain(&mut stream).await;
}

#[tokio::test]
async fn streams_per_user_are_limited() {
    let app = TestApp::new().await;
    let cookie = app.cookie().await;
    let events_request = || {
        get("/events")
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap()
    };
    let mut open = Vec::new();
    let refused = loop {
        let response = app.send_streaming(events_request()).await;
        if response.status() != StatusCode::OK {
            break response;
        }
        open.push(response);
        assert!(open.len() < 1000, "the number of streams is not limited");
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    open.pop();
    assert_eq!(
        app.send_streaming(events_request()).await.status(),
        StatusCode::OK,
        "a closed stream frees its slot"
    );
}
