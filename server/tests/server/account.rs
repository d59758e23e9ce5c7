//! The own account over HTTP.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use control::{Actor, sessions, users};
use serde_json::json;

use crate::support::{TestApp, TestResponse, request};

async fn change_password(app: &TestApp, cookie: &str, current: &str, new: &str) -> TestResponse {
    let body = json!({ "form": { "current": current, "new": new } });
    let request = request(Method::POST, "/api/ui/account/change-password")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, cookie)
        .body(Body::from(body.to_string()));
    app.send(request.unwrap()).await
}

/// The cookies that a response sets.
fn cookies(response: &TestResponse) -> Vec<String> {
    let set = response.headers.get_all(header::SET_COOKIE).iter();
    set.map(|set| set.to_str().unwrap().to_owned()).collect()
}

async fn is_session(app: &TestApp, cookie: &str) -> bool {
    let token = cookie.split_once('=').unwrap().1;
    let actor = sessions::get_actor(&app.control, token).await;
    actor.unwrap().is_some()
}

#[tokio::test]
async fn own_password_change_sets_new_cookies() {
    let app = TestApp::new().await;
    let old = app.cookie().await;
    let wrong = change_password(&app, &old, "wrong horse", "battery staple").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(cookies(&wrong).is_empty() && is_session(&app, &old).await);

    let changed = change_password(&app, &old, &app.password, "battery staple").await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    let set = cookies(&changed);
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set[0].starts_with("holdfast_session=") && set[1].starts_with("holdfast_browser="));
    assert!(
        set.iter()
            .all(|set| set.contains("; HttpOnly; SameSite=Lax"))
    );
    let new = changed.cookie().unwrap();
    assert!(
        !is_session(&app, &old).await,
        "the old cookie is still valid"
    );
    assert!(is_session(&app, &new).await);
}

#[tokio::test]
async fn refused_call_says_when_to_retry() {
    let app = TestApp::new().await;
    let cookie = app.cookie().await;
    let admin = users::get(&app.control, &Actor::System, &"admin".parse().unwrap()).await;
    let admin = admin.unwrap().id;
    let use_up = move |c: &mut store::Conn| {
        let full_at = model::Timestamp(store::now(c)?.0 + 3_600_000);
        store::rate_limits::replace(c, admin, "password changes", None, full_at)
    };
    app.control.store().write(use_up).await.unwrap();
    let refused = change_password(&app, &cookie, &app.password, "battery staple").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((700..=720).contains(&seconds), "{seconds}");
}
