//! What watchers of the process are told.

use axum::http::StatusCode;

use crate::support::House;

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
