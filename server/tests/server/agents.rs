//! The HTTP API for agents of edge hosts.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use control::{Actor, hosts, setup};
use model::{ClusterId, sites::SiteForm};
use proxmox_sim::{Config, TEST_SECRET};
use serde_json::{Value, json};

use crate::support::{TestApp, TestResponse, request};

async fn post(app: &TestApp, path: &str, key: Option<&str>, body: &Value) -> TestResponse {
    let mut request = request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    let body = Body::from(body.to_string());
    app.send(request.body(body).unwrap()).await
}

/// What an agent says about its host.
pub fn host() -> Value {
    json!({
        "host": { "version": "0.1.0", "address": "10.20.0.2" },
        "layout": {
            "live": "/var/lib/holdfast-agent/live",
            "state": "/var/lib/holdfast-agent/state",
            "run": "/run",
            "log": "/var/log/nginx",
            "tls": "/var/lib/holdfast-agent/tls",
            "interface": "eth1",
            "ipv6": true,
            "resolvers": [],
            "nginx_user": "www-data",
            "nginx": { "version": [1, 22, 1], "http3": false, "stream_module": null },
        },
    })
}

/// Adds a field to an object.
pub fn with(mut value: Value, name: &str, more: Value) -> Value {
    value[name] = more;
    value
}

#[tokio::test]
async fn agent_joins_polls_and_reports() {
    let app = TestApp::new().await;
    let sim = proxmox_sim::start(Config::test()).await.unwrap();
    let access = setup::Access {
        url: sim.url(),
        token_id: "root@pam!holdfast".into(),
        secret: TEST_SECRET.into(),
    };
    let cluster = setup::upsert_cluster(&app.control, "test", access)
        .await
        .unwrap();
    let token = add_host(&app, cluster).await;
    let joined = post(
        &app,
        "/agent/v1/join",
        None,
        &with(host(), "token", json!(token)),
    )
    .await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.text());
    let joined: Value = serde_json::from_slice(&joined.body).unwrap();
    let key = joined["key"].as_str().unwrap();

    let poll = with(host(), "generation", Value::Null);
    let response = post(&app, "/agent/v1/poll", Some(key), &poll).await;
    assert_eq!(response.status, StatusCode::OK, "{}", response.text());
    let config: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(config["config"]["network"]["domain"], "lab.internal");
    let report = json!({ "generation": config["generation"], "outcome": "live" });
    let accepted = post(&app, "/agent/v1/report", Some(key), &report).await;
    assert_eq!(
        accepted.status,
        StatusCode::NO_CONTENT,
        "{}",
        accepted.text()
    );

    // Exceeds axum's default limit of 2 MiB, with characters that JSON escapes as two.
    let (site, name) = ("lab".parse().unwrap(), "edge-1".parse().unwrap());
    let text = "\n".repeat(agent_protocol::endpoints::MAX_FILE_SIZE);
    let live = json!({ "replace": true, "files": { "nginx/large": text }, "removed": [] });
    let accepted = post(&app, "/agent/v1/files", Some(key), &live).await;
    assert_eq!(
        accepted.status,
        StatusCode::NO_CONTENT,
        "{}",
        accepted.text()
    );
    let files = hosts::list_files(
        &app.control,
        &Actor::System,
        &site,
        &name,
        Default::default(),
    );
    assert!(files.await.unwrap().list.is_reported);
    let live = json!({ "replace": false, "files": { "../up": "" }, "removed": [] });
    let refused = post(&app, "/agent/v1/files", Some(key), &live).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let message = refused.text();
    assert!(
        message.contains("inside the configuration tree"),
        "{message}"
    );
}

#[tokio::test]
async fn missing_key_and_invalid_body_are_refused() {
    let app = TestApp::new().await;
    let poll = with(host(), "generation", Value::Null);
    for key in [None, Some(""), Some("wrong")] {
        let refused = post(&app, "/agent/v1/poll", key, &poll).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{key:?}");
        let report = json!({ "generation": 1, "outcome": "live" });
        let refused = post(&app, "/agent/v1/report", key, &report).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{key:?}");
        let live = json!({ "replace": true, "files": {}, "removed": [] });
        let refused = post(&app, "/agent/v1/files", key, &live).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{key:?}");
    }
    let wrong = with(host(), "token", json!("wrong"));
    let refused = post(&app, "/agent/v1/join", None, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    // A user's session is not accepted.
    let cookie = app.cookie().await;
    let request = request(Method::POST, "/agent/v1/poll")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, cookie)
        .body(Body::from(poll.to_string()));
    assert_eq!(
        app.send(request.unwrap()).await.status,
        StatusCode::UNAUTHORIZED
    );

    let evil = with(host(), "token", json!("x"));
    let evil = with(evil, "layout", json!({ "live": "/a b; evil" }));
    let refused = post(&app, "/agent/v1/join", None, &evil).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
}

async fn add_host(app: &TestApp, cluster: ClusterId) -> String {
    let site = SiteForm {
        name: "lab".into(),
        domain: "lab.internal".into(),
        cluster: cluster.to_string(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.0.100-10.20.0.200".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-1999".into(),
        ports: "2000-2999".into(),
        ..SiteForm::default()
    };
    let (control, actor) = (&app.control, Actor::System);
    let site = control::sites::create(control, &actor, site.parse().unwrap())
        .await
        .unwrap();
    let name = "edge-1".parse().unwrap();
    hosts::create(control, &actor, site, name)
        .await
        .unwrap()
        .token
        .secret
}
