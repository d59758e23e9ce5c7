//! Access control of the routes outside of pages and server functions, and of the event stream.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use control::{Actor, domains, users};
use futures::StreamExt as _;
use model::{events::Topic, users::UserForm};
use serde_json::{Value, json};

use crate::{
    access::{Credential, Installation, ROUTES, TestUser, create_container},
    agents::{host, with},
    support::{get, request},
};

/// The first arguments of all calls of `Router::route` in a folder. Routes for development only
/// are left out.
fn routes_in(folder: &Path, routes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes_in(&path, routes);
        } else if !path.ends_with("assets/reload.rs") {
            let source = fs::read_to_string(&path).unwrap();
            let calls = source.split(".route(").skip(1);
            routes.extend(calls.map(|call| call.split(',').next().unwrap().trim().to_owned()));
        }
    }
}

#[test]
fn access_table_lists_every_route() {
    let mut registered = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    routes_in(&folder, &mut registered);
    let listed: BTreeSet<String> = ROUTES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(registered, listed);
}

/// A valid body of an agent route.
fn agent_body(path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "join" => with(host(), "token", json!("wrong")),
        "poll" => with(host(), "generation", Value::Null),
        "report" => json!({ "generation": 1, "outcome": "live" }),
        "files" => json!({ "replace": true, "files": {}, "removed": [] }),
        "leases" => json!({ "leases": [] }),
        "certificates" => json!({ "fingerprints": [] }),
        other => panic!("no body for {other}"),
    }
}

#[tokio::test]
async fn agent_routes_accept_no_session() {
    let installation = Installation::new().await;
    let routes = ROUTES
        .iter()
        .filter(|(.., required)| *required == Credential::Agent);
    for (_, path, _) in routes {
        for user in TestUser::ALL {
            // The token of the session is no key either.
            for as_key in [false, true] {
                let mut post =
                    request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
                if let Some(token) = installation.token(user).filter(|_| as_key) {
                    post = post.header(header::AUTHORIZATION, format!("Bearer {token}"));
                }
                let body = Body::from(agent_body(path).to_string());
                let response = installation.send(user, post, body).await;
                let (status, text) = (response.status, response.text());
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} {user:?}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn session_routes_refuse_anonymous_clients() {
    let installation = Installation::new().await;
    let routes = ROUTES
        .iter()
        .filter(|(.., required)| *required == Credential::Session);
    for (_, path, _) in routes {
        let response = installation.open(TestUser::Anonymous, path).await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

/// The events of a user while `change` runs, up to the event of a new domain, which all users
/// receive.
async fn events_during(
    installation: &Installation,
    user: TestUser,
    change: impl AsyncFnOnce(),
) -> Vec<model::events::Event> {
    let events = get("/events").header(header::COOKIE, installation.cookie(user).unwrap());
    let response = installation
        .app
        .send_streaming(events.body(Body::empty()).unwrap());
    let mut stream = response.await.into_body().into_data_stream();
    let mut text = String::new();
    let mut read = async || {
        let chunk = tokio::time::timeout(Duration::from_secs(60), stream.next()).await;
        let chunk = chunk
            .expect("timed out waiting for an event")
            .unwrap()
            .unwrap();
        String::from_utf8(chunk.to_vec()).unwrap()
    };
    assert!(read().await.contains("retry:"));
    change().await;
    while !text.contains("\"domain\",\"id\":") {
        text += &read().await;
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

/// Creates a container of the member, changes the member's account, and then adds a domain.
async fn change_objects_of_owner(installation: &Installation) {
    let (control, owner) = (&installation.app.control, &installation.owner);
    create_container(&installation.app, owner, installation.site, "db").await;
    let form = UserForm {
        name: "ann".into(),
        email: "ann@example.net".into(),
        role: "member".into(),
        ..UserForm::default()
    };
    let me = owner.me().unwrap().id;
    let spec = form.parse().unwrap();
    users::update(control, &Actor::System, me, spec)
        .await
        .unwrap();
    let mut spec = domains::list(control, &Actor::System)
        .await
        .unwrap()
        .remove(0)
        .spec;
    spec.name = "shop.example.net".parse().unwrap();
    domains::create(control, &Actor::System, spec)
        .await
        .unwrap();
}

#[tokio::test]
async fn event_stream_of_a_member_has_no_objects_of_other_members() {
    for user in [TestUser::Stranger, TestUser::Owner, TestUser::Administrator] {
        let installation = Installation::new().await;
        let change = async || change_objects_of_owner(&installation).await;
        let events = events_during(&installation, user, change).await;
        let objects: BTreeSet<Topic> = events
            .iter()
            .filter(|event| event.id.is_some())
            .map(|event| event.topic)
            .collect();
        let expected = match user {
            TestUser::Stranger => BTreeSet::from([Topic::Domain]),
            _ => BTreeSet::from([Topic::Container, Topic::Job, Topic::User, Topic::Domain]),
        };
        assert_eq!(objects, expected, "{user:?}");
    }
}
