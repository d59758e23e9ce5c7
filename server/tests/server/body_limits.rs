//! Limits of request bodies, on every route.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use agent_protocol::endpoints;
use axum::{
    body::{Body, Bytes},
    http::{Method, StatusCode, header, request::Builder},
};
use futures::stream;
use server::router::page_paths;

use crate::support::{TestApp, request};

const CHUNK: usize = 64 * 1024;
/// The limit of most routes, and one chunk that may have been read before it was reached.
const MOST: usize = 256 * 1024 + CHUNK;
/// The same for file reports of agents.
const REPORTS: usize = 4 * endpoints::MAX_FILE_SIZE + CHUNK;

/// Routes that are neither pages nor server functions.
const OTHERS: [&str; 12] = [
    "/",
    "/sign-in",
    "/sign-in/link",
    "/sign-out",
    "/events",
    "/healthz",
    "/readyz",
    "/nothing",
    endpoints::JOIN,
    endpoints::POLL,
    endpoints::REPORT,
    endpoints::CERTIFICATES,
];

/// All routes with the most bytes that they read.
fn routes() -> Vec<(String, usize)> {
    let calls = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path);
    let most = page_paths().chain(calls).chain(OTHERS);
    let reports = [endpoints::FILES, endpoints::LEASES];
    let concrete = |path: &str| {
        let segment = |part: &'_ str| if part.starts_with('{') { "1" } else { part }.to_owned();
        path.split('/').map(segment).collect::<Vec<_>>().join("/")
    };
    most.map(|path| (concrete(path), MOST))
        .chain(reports.map(|path| (path.to_owned(), REPORTS)))
        .collect()
}

fn post(path: &str, content_type: &str) -> Builder {
    request(Method::POST, path)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, content_type)
}

#[tokio::test]
async fn every_route_refuses_a_large_content_length() {
    let app = TestApp::new().await;
    for (path, _) in routes() {
        let request = post(&path, "application/json").header(header::CONTENT_LENGTH, 1 << 30);
        let response = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn no_route_reads_an_endless_body() {
    let app = TestApp::new().await;
    for (path, most) in routes() {
        for content_type in ["application/json", "application/x-www-form-urlencoded"] {
            let read = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&read);
            let chunks = stream::repeat_with(move || {
                let total = counter.fetch_add(CHUNK, Ordering::Relaxed);
                assert!(total < 2 * REPORTS, "the body is read without a limit");
                Ok::<_, Infallible>(Bytes::from_static(&[b' '; CHUNK]))
            });
            let request = post(&path, content_type).body(Body::from_stream(chunks));
            let response = app.send(request.unwrap()).await;
            let read = read.load(Ordering::Relaxed);
            assert!(read <= most, "{path} has read {read} bytes");
            assert!(!response.status.is_success(), "{path}: {}", response.status);
        }
    }
}
