//! What watchers of the process are told.

use axum::http::StatusCode;

use crate::support::House;

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_server_lives_and_is_not_ready() {
    let servers = test_servers::postgres();
    let house = House::on(&servers.create_postgres("ready")).await;
    assert_eq!(house.get("/readyz").await.status, StatusCode::OK);
    servers.drop_postgres("ready");
    let answer = house.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["part"], "database");
    assert_eq!(house.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_server_is_ready_until_it_stops() {
    let house = House::new().await;
    assert_eq!(house.get("/healthz").await.status, StatusCode::OK);
    let ready = house.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.text().as_str()),
        (StatusCode::OK, r#"{"status":"ready"}"#)
    );

    house.stop.cancel();
    let stopping = house.get("/readyz").await;
    assert_eq!(stopping.status, StatusCode::SERVICE_UNAVAILABLE);
    let told: serde_json::Value = serde_json::from_slice(&stopping.body).unwrap();
    assert_eq!(told["part"], "process");
    assert_eq!(
        house.get("/healthz").await.status,
        StatusCode::OK,
        "it is alive to its end"
    );
}
