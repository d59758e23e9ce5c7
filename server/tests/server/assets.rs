//! The site's files: in the form that the browser likes best, and only once.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use server::assets::Assets;

use crate::support::{Answer, HOME, House, get, request};

const SCRIPT: &str = "/pkg/holdfast.0123abcd.js";

const PART: &str = "/pkg/0123abcd/work.wasm";

async fn house() -> House {
    let site = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(site.path().join("pkg/0123abcd")).unwrap();
    std::fs::write(site.path().join(PART.trim_start_matches('/')), "\0asm").unwrap();
    let script = site.path().join(SCRIPT.trim_start_matches('/'));
    std::fs::write(&script, "plain").unwrap();
    std::fs::write(format!("{}.br", script.display()), "packed with br").unwrap();
    std::fs::write(format!("{}.gz", script.display()), "packed with gzip").unwrap();
    std::fs::write(site.path().join("favicon.ico"), [0, 1, 2]).unwrap();
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
    std::fs::write(site.path().join("manifest.json"), manifest.to_string()).unwrap();
    House::with(HOME, &[], Assets::folder(site.path()).unwrap()).await
}

async fn fetch(house: &House, headers: &[(&str, &str)]) -> Answer {
    let mut builder = get(SCRIPT);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    house.send(builder.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_form_follows_what_the_browser_accepts() {
    let house = house().await;
    for (accept, encoding, body) in [
        ("gzip, deflate, br", "br", "packed with br"),
        ("gzip", "gzip", "packed with gzip"),
        ("br;q=0, gzip;q=0.5", "gzip", "packed with gzip"),
        ("zstd", "", "plain"),
    ] {
        let answer = fetch(&house, &[("accept-encoding", accept)]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-encoding"), encoding, "{accept}");
        assert_eq!(answer.text(), body, "{accept}");
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert_eq!(
            answer.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(answer.header("content-length"), body.len().to_string());
    }
}

#[tokio::test]
async fn a_hashed_name_is_kept_for_ever_and_others_for_a_day() {
    let house = house().await;
    let script = fetch(&house, &[]).await;
    assert_eq!(
        script.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    let icon = house.get("/favicon.ico").await;
    assert_eq!(icon.header("cache-control"), "public, max-age=86400");
    assert_eq!(
        (icon.header("content-type"), icon.body.as_slice()),
        ("image/x-icon", &[0, 1, 2][..])
    );
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let house = house().await;
    let first = fetch(&house, &[("accept-encoding", "br")]).await;
    let tag = first.header("etag").to_owned();
    let again = fetch(
        &house,
        &[("accept-encoding", "br"), ("if-none-match", &tag)],
    )
    .await;
    assert_eq!(
        (again.status, again.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    assert_eq!(again.header("etag"), tag);
    let other_form = fetch(
        &house,
        &[("accept-encoding", "gzip"), ("if-none-match", &tag)],
    )
    .await;
    assert_eq!(
        other_form.status,
        StatusCode::OK,
        "each form has its own tag"
    );
}

#[tokio::test]
async fn a_head_request_gets_the_head() {
    let house = house().await;
    let request = request(Method::HEAD, SCRIPT).body(Body::empty()).unwrap();
    let answer = house.send(request).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-length"), "5");
}

#[tokio::test]
async fn pages_ask_for_the_names_of_the_manifest() {
    let house = house().await;
    assert!(house.get("/sign-in").await.text().contains(SCRIPT));
    assert_eq!(
        house.get("/pkg/other.js").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_manifest_that_promises_too_much_is_refused() {
    let site = tempfile::tempdir().unwrap();
    let manifest = r#"{"files":[{"path":"/a.js","type":"text/javascript","hash":"a0","immutable":true}],"names":{}}"#;
    std::fs::write(site.path().join("manifest.json"), manifest).unwrap();
    let error = Assets::folder(site.path()).err().unwrap().to_string();
    assert!(error.contains("a.js cannot be read"), "{error}");
}

#[tokio::test]
async fn a_file_of_the_site_needs_no_session() {
    let house = house().await;
    let request = get(SCRIPT)
        .header(header::COOKIE, "holdfast_session=stale")
        .body(Body::empty());
    assert_eq!(house.send(request.unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_asks_at_once_for_the_parts_that_it_needs() {
    let house = house().await;
    let cookie = house.cookie().await;
    let preload = format!("<link rel=\"preload\" href=\"{PART}\"");
    for (path, needs) in [("/jobs", true), ("/containers", false)] {
        let request = get(path)
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap();
        let page = house.send(request).await.text();
        assert_eq!(page.contains(&preload), needs, "{path}");
    }
}

#[tokio::test]
async fn a_part_comes_without_headers_for_documents() {
    let house = house().await;
    let part = house.get(PART).await;
    assert_eq!(part.header("content-type"), "application/wasm");
    assert_eq!(part.header("x-content-type-options"), "nosniff");
    assert_eq!(part.header("content-security-policy"), "");
    let script = fetch(&house, &[]).await;
    assert!(
        script
            .header("content-security-policy")
            .contains("default-src")
    );
}
