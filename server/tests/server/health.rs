//! Health endpoints.

use axum::http::StatusCode;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn server_without_database_is_alive_but_not_ready() {
    let servers = test_servers::postgres();
    let app = TestApp::with_database(&servers.create_postgres("ready")).await;
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
    servers.drop_postgres("ready");
    let response = app.get("/readyz").await;
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["part"], "database");
    assert_eq!(app.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn server_is_ready_until_it_stops() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/healthz").await.status, StatusCode::OK);
    let ready = app.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.text().as_str()),
        (StatusCode::OK, r#"{"status":"ready"}"#)
    );

    app.stop.cancel();
    let stopping = app.get("/readyz").await;
    assert_eq!(stopping.status, StatusCode::SERVICE_UNAVAILABLE);
    let body: serde_json::Value = serde_json::from_slice(&stopping.body).unwrap();
    assert_eq!(body["part"], "process");
    assert_eq!(
        app.get("/healthz").await.status,
        StatusCode::OK,
        "the process is alive until it exits"
    );
}
