//! Security headers of all responses, and of pages in particular.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    body::Body,
    http::{StatusCode, header},
};

use crate::support::{TestApp, get};

#[tokio::test]
async fn inline_scripts_carry_the_nonce_of_the_policy() {
    let app = TestApp::new().await;
    let page = app.get("/sign-in").await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert!(nonce.len() >= 16);
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
             style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
             worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'"
        )
    );
    let html = page.text();
    for tag in html.split("<script").skip(1) {
        let tag = tag.split('>').next().unwrap();
        let allowed = tag.contains("src=") || tag.contains(&format!("nonce=\"{nonce}\""));
        assert!(allowed, "the policy refuses this script: <script{tag}>");
    }
    assert!(
        !html.contains("style=\""),
        "the policy refuses inline styles"
    );

    let second = app.get("/sign-in").await;
    assert!(
        !second.header("content-security-policy").contains(nonce),
        "the nonce must change with each response"
    );
}

#[tokio::test]
async fn root_redirects_to_containers() {
    let app = TestApp::new().await;
    let response = app.get("/").await;
    assert_eq!(response.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(response.header("location"), "/containers");
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let app = TestApp::new().await;
    for path in [
        "/sign-in",
        "/healthz",
        "/events",
        "/nowhere",
        "/api/ui/nowhere",
    ] {
        let response = app.get(path).await;
        assert_eq!(
            response.header("x-content-type-options"),
            "nosniff",
            "{path}"
        );
        assert_eq!(response.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(
            response.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(
            response.header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        assert!(
            response.header("permissions-policy").contains("camera=()"),
            "{path}"
        );
        assert!(
            response
                .header("content-security-policy")
                .contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(response.header("cache-control"), "no-store", "{path}");
        assert_eq!(response.header("x-request-id").len(), 16, "{path}");
        assert!(
            !response
                .headers
                .contains_key(header::STRICT_TRANSPORT_SECURITY),
            "{path}"
        );
    }
}

#[tokio::test]
async fn https_sets_strict_transport_security() {
    let app = TestApp::with_url("https://cloud.example.org", &[]).await;
    let response = app.get("/healthz").await;
    assert_eq!(
        response.header("strict-transport-security"),
        "max-age=63072000"
    );
}

#[tokio::test]
async fn loopback_address_redirects_to_localhost() {
    let app = TestApp::new().await;
    let get_with_host = async |app: &TestApp, path: &str, host: &str| {
        let mut request = get(path).body(Body::empty()).unwrap();
        request
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        app.send(request).await
    };
    let response = get_with_host(&app, "/containers?q=web&page=2", "127.0.0.1:3000").await;
    assert_eq!(response.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(
        response.header("location"),
        "http://localhost:3000/containers?q=web&page=2"
    );
    assert_eq!(
        get_with_host(&app, "/healthz", "127.0.0.1:3000")
            .await
            .status,
        StatusCode::OK
    );
    // DNS rebinding: the name of another site resolves to this machine.
    assert_eq!(
        get_with_host(&app, "/sign-in", "evil.example").await.status,
        StatusCode::MISDIRECTED_REQUEST
    );

    let public = TestApp::with_url("https://cloud.example.org", &[]).await;
    assert_eq!(
        get_with_host(&public, "/sign-in", "127.0.0.1:3000")
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn unknown_path_returns_a_page_with_404() {
    let app = TestApp::new().await;
    let response = app.get("/nowhere/at/all").await;
    assert_eq!(response.status, StatusCode::NOT_FOUND);
    assert!(response.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn pages_are_compressed_if_accepted() {
    let app = TestApp::new().await;
    let request = get("/sign-in")
        .header(header::ACCEPT_ENCODING, "br")
        .body(Body::empty());
    let response = app.send(request.unwrap()).await;
    assert_eq!(response.header("content-encoding"), "br");
    assert!(
        app.get("/sign-in").await.text().contains("<form"),
        "uncompressed without Accept-Encoding"
    );
}

#[tokio::test]
async fn anonymous_users_are_redirected_to_sign_in() {
    let app = TestApp::new().await;
    let request = get("/containers")
        .header(header::ACCEPT, "text/html")
        .body(Body::empty());
    let response = app.send(request.unwrap()).await;
    assert!(response.status.is_redirection(), "{}", response.status);
    assert!(
        response.header("location").starts_with("/sign-in"),
        "{}",
        response.header("location")
    );
}

#[tokio::test]
async fn signed_in_users_get_pages_with_data() {
    let app = TestApp::new().await;
    let cookie = app.cookie().await;
    let request = get("/containers")
        .header(header::COOKIE, cookie)
        .body(Body::empty());
    let response = app.send(request.unwrap()).await;
    assert_eq!(response.status, StatusCode::OK);
    assert!(
        response.text().contains("admin"),
        "the user's name is missing on the page"
    );
}

/// Concurrent requests right after a start, before any page was rendered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_first_requests_get_their_pages() {
    let app = Arc::new(TestApp::new().await);
    let cookie = app.cookie().await;
    let mut requests = tokio::task::JoinSet::new();
    for path in ["/jobs", "/nodes", "/sites", "/sites/new", "/users/new"].repeat(6) {
        let request = get(path).header(header::COOKIE, &cookie);
        let request = request.body(Body::empty()).unwrap();
        let app = Arc::clone(&app);
        requests.spawn(async move { (path, app.send_streaming(request).await.status()) });
    }
    while let Some(result) = requests.join_next().await {
        let (path, status) = result.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}");
    }
}

/// Leptos gives no page of the process its data while it lists the routes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn building_another_router_does_not_block_pages() {
    let app = Arc::new(TestApp::new().await);
    let cookie = app.cookie().await;
    let stop = Arc::new(AtomicBool::new(false));
    let builder = {
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop));
        tokio::task::spawn_blocking(move || {
            while !stop.load(Ordering::Relaxed) {
                app.build_router();
            }
        })
    };
    let mut statuses = BTreeSet::new();
    for _ in 0..40 {
        let request = get("/nodes").header(header::COOKIE, &cookie);
        let response = app
            .send_streaming(request.body(Body::empty()).unwrap())
            .await;
        statuses.insert(response.status());
        if response.status() != StatusCode::OK {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    builder.await.unwrap();
    assert_eq!(statuses, BTreeSet::from([StatusCode::OK]));
}
