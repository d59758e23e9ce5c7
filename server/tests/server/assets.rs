//! Web assets: content encoding, caching and headers.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use server::assets::Assets;

use crate::support::{HOME, TestApp, TestResponse, get, request};

const SCRIPT: &str = "/pkg/holdfast.0123abcd.js";

const PART: &str = "/pkg/0123abcd/work.wasm";

async fn app_with_site() -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("pkg/0123abcd")).unwrap();
    std::fs::write(folder.path().join(PART.trim_start_matches('/')), "\0asm").unwrap();
    let script = folder.path().join(SCRIPT.trim_start_matches('/'));
    std::fs::write(&script, "plain").unwrap();
    std::fs::write(format!("{}.br", script.display()), "packed with br").unwrap();
    std::fs::write(format!("{}.gz", script.display()), "packed with gzip").unwrap();
    std::fs::write(folder.path().join("favicon.ico"), [0, 1, 2]).unwrap();
    let manifest = serde_json::json!({
        "files": [
            { "path": SCRIPT, "type": "text/javascript", "hash": "a0", "immutable": true,
              "encodings": ["br", "gzip"] },
            { "path": PART, "type": "application/wasm", "hash": "b1", "immutable": true,
              "encodings": [] },
            { "path": "/favicon.ico", "type": "image/x-icon", "hash": "c2", "immutable": false,
              "encodings": [] },
        ],
        "names": { "holdfast.js": SCRIPT },
        "parts": { "work": [PART] },
    });
    std::fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    TestApp::with_assets(HOME, &[], Assets::folder(folder.path()).unwrap()).await
}

async fn fetch(app: &TestApp, headers: &[(&str, &str)]) -> TestResponse {
    let mut builder = get(SCRIPT);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    app.send(builder.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn encoding_follows_accept_encoding() {
    let app = app_with_site().await;
    for (accept, encoding, body) in [
        ("gzip, deflate, br", "br", "packed with br"),
        ("gzip", "gzip", "packed with gzip"),
        ("br;q=0, gzip;q=0.5", "gzip", "packed with gzip"),
        ("zstd", "", "plain"),
    ] {
        let response = fetch(&app, &[("accept-encoding", accept)]).await;
        assert_eq!(response.status, StatusCode::OK);
        assert_eq!(response.header("content-encoding"), encoding, "{accept}");
        assert_eq!(response.text(), body, "{accept}");
        assert_eq!(response.header("vary"), "accept-encoding");
        assert_eq!(
            response.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(response.header("content-length"), body.len().to_string());
    }
}

#[tokio::test]
async fn hashed_files_are_immutable_and_others_cached_for_a_day() {
    let app = app_with_site().await;
    let script = fetch(&app, &[]).await;
    assert_eq!(
        script.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    let icon = app.get("/favicon.ico").await;
    assert_eq!(icon.header("cache-control"), "public, max-age=86400");
    assert_eq!(
        (icon.header("content-type"), icon.body.as_slice()),
        ("image/x-icon", &[0, 1, 2][..])
    );
}

#[tokio::test]
async fn matching_etag_returns_not_modified() {
    let app = app_with_site().await;
    let first = fetch(&app, &[("accept-encoding", "br")]).await;
    let tag = first.header("etag").to_owned();
    let second = fetch(&app, &[("accept-encoding", "br"), ("if-none-match", &tag)]).await;
    assert_eq!(
        (second.status, second.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    assert_eq!(second.header("etag"), tag);
    let other_encoding = fetch(
        &app,
        &[("accept-encoding", "gzip"), ("if-none-match", &tag)],
    )
    .await;
    assert_eq!(
        other_encoding.status,
        StatusCode::OK,
        "each encoding has its own entity tag"
    );
}

#[tokio::test]
async fn head_request_gets_headers_only() {
    let app = app_with_site().await;
    let request = request(Method::HEAD, SCRIPT).body(Body::empty()).unwrap();
    let response = app.send(request).await;
    assert_eq!((response.status, response.body.len()), (StatusCode::OK, 0));
    assert_eq!(response.header("content-length"), "5");
}

#[tokio::test]
async fn pages_refer_to_names_of_the_manifest() {
    let app = app_with_site().await;
    assert!(app.get("/sign-in").await.text().contains(SCRIPT));
    assert_eq!(app.get("/pkg/other.js").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn manifest_with_missing_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = r#"{"files":[{"path":"/a.js","type":"text/javascript","hash":"a0","immutable":true}],"names":{}}"#;
    std::fs::write(folder.path().join("manifest.json"), manifest).unwrap();
    let error = Assets::folder(folder.path()).err().unwrap().to_string();
    assert!(error.contains("a.js cannot be read"), "{error}");
}

#[tokio::test]
async fn site_files_need_no_session() {
    let app = app_with_site().await;
    let request = get(SCRIPT)
        .header(header::COOKIE, "holdfast_session=stale")
        .body(Body::empty());
    assert_eq!(app.send(request.unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_preload_their_wasm_parts() {
    let app = app_with_site().await;
    let cookie = app.cookie().await;
    let preload = format!("<link rel=\"preload\" href=\"{PART}\"");
    for (path, needs) in [("/jobs", true), ("/containers", false)] {
        let request = get(path)
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap();
        let page = app.send(request).await.text();
        assert_eq!(page.contains(&preload), needs, "{path}");
    }
}

#[tokio::test]
async fn wasm_parts_have_no_document_headers() {
    let app = app_with_site().await;
    let part = app.get(PART).await;
    assert_eq!(part.header("content-type"), "application/wasm");
    assert_eq!(part.header("x-content-type-options"), "nosniff");
    assert_eq!(part.header("content-security-policy"), "");
    let script = fetch(&app, &[]).await;
    assert!(
        script
            .header("content-security-policy")
            .contains("default-src")
    );
}
