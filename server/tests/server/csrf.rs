//! Cross-site requests that change state are refused.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};

use crate::support::{HOME, TestApp, request, sign_in_form};

async fn sign_out(app: &TestApp, headers: &[(&str, &str)]) -> StatusCode {
    let mut builder = request(Method::POST, "/sign-out");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    app.send(builder.body(Body::empty()).unwrap()).await.status
}

#[tokio::test]
async fn cross_site_requests_with_session_are_refused() {
    let app = TestApp::new().await;
    let cookie = app.cookie().await;
    let cookie = ("cookie", cookie.as_str());
    let refused = StatusCode::FORBIDDEN;
    assert_eq!(
        sign_out(&app, &[cookie, ("sec-fetch-site", "cross-site")]).await,
        refused
    );
    assert_eq!(
        sign_out(&app, &[cookie, ("sec-fetch-site", "same-site")]).await,
        refused
    );
    assert_eq!(
        sign_out(&app, &[cookie, ("origin", "http://localhost:3001")]).await,
        refused
    );
    assert_eq!(sign_out(&app, &[cookie, ("origin", "null")]).await, refused);
    assert_eq!(sign_out(&app, &[cookie]).await, refused);
    assert_eq!(
        sign_out(&app, &[cookie, ("origin", HOME)]).await,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn cross_site_sign_in_is_refused() {
    let app = TestApp::new().await;
    let (builder, body) = sign_in_form("admin", &app.password, "/");
    let mut request = builder.body(body).unwrap();
    request
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    let response = app.send(request).await;
    assert_eq!(response.status, StatusCode::FORBIDDEN);
    assert!(response.cookie().is_none());
}

#[tokio::test]
async fn cross_site_server_function_calls_are_refused() {
    let app = TestApp::new().await;
    let cookie = app.cookie().await;
    let call = async |site: &str| {
        let request = request(Method::POST, "/api/ui/jobs/list-active")
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from("{}"));
        app.send(request.unwrap()).await.status
    };
    assert_eq!(call("cross-site").await, StatusCode::FORBIDDEN);
    assert_eq!(call("same-origin").await, StatusCode::OK);
}
