//! Changes that another site's page asks for are refused, whatever they are.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};

use crate::support::{HOME, House, request, sign_in_form};

async fn sign_out(house: &House, headers: &[(&str, &str)]) -> StatusCode {
    let mut builder = request(Method::POST, "/sign-out");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    house
        .send(builder.body(Body::empty()).unwrap())
        .await
        .status
}

#[tokio::test]
async fn another_site_cannot_act_in_a_person_s_name() {
    let house = House::new().await;
    let cookie = house.cookie().await;
    let cookie = ("cookie", cookie.as_str());
    let refused = StatusCode::FORBIDDEN;
    assert_eq!(
        sign_out(&house, &[cookie, ("sec-fetch-site", "cross-site")]).await,
        refused
    );
    assert_eq!(
        sign_out(&house, &[cookie, ("sec-fetch-site", "same-site")]).await,
        refused
    );
    assert_eq!(
        sign_out(&house, &[cookie, ("origin", "http://localhost:3001")]).await,
        refused
    );
    assert_eq!(
        sign_out(&house, &[cookie, ("origin", "null")]).await,
        refused
    );
    assert_eq!(sign_out(&house, &[cookie]).await, refused);
    assert_eq!(
        sign_out(&house, &[cookie, ("origin", HOME)]).await,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn another_site_cannot_sign_a_person_in() {
    let house = House::new().await;
    let (builder, body) = sign_in_form("admin", &house.password, "/");
    let mut request = builder.body(body).unwrap();
    request
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    let answer = house.send(request).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.cookie().is_none());
}

#[tokio::test]
async fn server_functions_are_behind_the_same_lock() {
    let house = House::new().await;
    let cookie = house.cookie().await;
    let ask = async |site: &str| {
        let request = request(Method::POST, "/api/ui/jobs/active")
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from("{}"));
        house.send(request.unwrap()).await.status
    };
    assert_eq!(ask("cross-site").await, StatusCode::FORBIDDEN);
    assert_eq!(ask("same-origin").await, StatusCode::OK);
}
