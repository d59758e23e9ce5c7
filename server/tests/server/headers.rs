//! What a browser is told about every answer, and about pages in particular.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};

use crate::support::{House, get, request};

#[tokio::test]
async fn a_page_s_inline_scripts_carry_the_nonce_of_its_policy() {
    let house = House::new().await;
    let page = house.get("/sign-in").await;
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
        assert!(allowed, "a script that the policy refuses: <script{tag}>");
    }
    assert!(
        !html.contains("style=\""),
        "inline styles are refused by the policy"
    );

    let again = house.get("/sign-in").await;
    assert!(
        !again.header("content-security-policy").contains(nonce),
        "a nonce is used once"
    );
}

#[tokio::test]
async fn the_root_leads_to_the_containers() {
    let house = House::new().await;
    let answer = house.get("/").await;
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.header("location"), "/containers");
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let house = House::new().await;
    for path in [
        "/sign-in",
        "/healthz",
        "/events",
        "/nowhere",
        "/api/ui/nowhere",
    ] {
        let answer = house.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        assert!(
            answer.header("permissions-policy").contains("camera=()"),
            "{path}"
        );
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 16, "{path}");
        assert!(
            !answer
                .headers
                .contains_key(header::STRICT_TRANSPORT_SECURITY),
            "{path}"
        );
    }
}

#[tokio::test]
async fn tls_is_remembered() {
    let house = House::at("https://cloud.example.org", &[]).await;
    let answer = house.get("/healthz").await;
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=63072000"
    );
}

#[tokio::test]
async fn the_loopback_address_leads_to_localhost() {
    let house = House::new().await;
    let ask = async |house: &House, path: &str, host: &str| {
        let mut request = get(path).body(Body::empty()).unwrap();
        request
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        house.send(request).await
    };
    let answer = ask(&house, "/containers?q=web&page=2", "127.0.0.1:3000").await;
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(
        answer.header("location"),
        "http://localhost:3000/containers?q=web&page=2"
    );
    assert_eq!(
        ask(&house, "/healthz", "127.0.0.1:3000").await.status,
        StatusCode::OK
    );
    // DNS rebinding: another site's name resolves to this machine.
    assert_eq!(
        ask(&house, "/sign-in", "evil.example").await.status,
        StatusCode::MISDIRECTED_REQUEST
    );

    let public = House::at("https://cloud.example.org", &[]).await;
    assert_eq!(
        ask(&public, "/sign-in", "127.0.0.1:3000").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_address_that_leads_nowhere_has_a_page_and_says_404() {
    let house = House::new().await;
    let answer = house.get("/nowhere/at/all").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn pages_are_compressed_for_those_who_can_read_that() {
    let house = House::new().await;
    let request = get("/sign-in")
        .header(header::ACCEPT_ENCODING, "br")
        .body(Body::empty());
    let answer = house.send(request.unwrap()).await;
    assert_eq!(answer.header("content-encoding"), "br");
    assert!(
        house.get("/sign-in").await.text().contains("<form"),
        "plain without asking"
    );
}

#[tokio::test]
async fn too_much_is_refused() {
    let house = House::new().await;
    let body = Body::from(vec![b'a'; 300 * 1024]);
    let request = request(Method::POST, "/sign-in")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body);
    let answer = house.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_page_for_members_sends_strangers_to_sign_in() {
    let house = House::new().await;
    let request = get("/containers")
        .header(header::ACCEPT, "text/html")
        .body(Body::empty());
    let answer = house.send(request.unwrap()).await;
    assert!(answer.status.is_redirection(), "{}", answer.status);
    assert!(
        answer.header("location").starts_with("/sign-in"),
        "{}",
        answer.header("location")
    );
}

#[tokio::test]
async fn who_is_signed_in_gets_pages_with_data() {
    let house = House::new().await;
    let cookie = house.cookie().await;
    let request = get("/containers")
        .header(header::COOKIE, cookie)
        .body(Body::empty());
    let answer = house.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.text().contains("admin"),
        "the person's name is on the page"
    );
}

/// They come together after a start, when nothing has been shown yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_look_at_a_page_first_get_it() {
    let house = Arc::new(House::new().await);
    let cookie = house.cookie().await;
    let mut looks = tokio::task::JoinSet::new();
    for path in ["/jobs", "/nodes", "/sites", "/sites/new", "/users/new"].repeat(6) {
        let request = get(path).header(header::COOKIE, &cookie);
        let request = request.body(Body::empty()).unwrap();
        let house = Arc::clone(&house);
        looks.spawn(async move { (path, house.open(request).await.status()) });
    }
    while let Some(look) = looks.join_next().await {
        let (path, status) = look.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}");
    }
}

/// Leptos gives no page of the process its data while it finds out which addresses there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_page_waits_for_another_server_of_the_process() {
    let house = Arc::new(House::new().await);
    let cookie = house.cookie().await;
    let stop = Arc::new(AtomicBool::new(false));
    let others = {
        let (house, stop) = (Arc::clone(&house), Arc::clone(&stop));
        tokio::task::spawn_blocking(move || {
            while !stop.load(Ordering::Relaxed) {
                house.another();
            }
        })
    };
    let mut statuses = BTreeSet::new();
    for _ in 0..40 {
        let request = get("/nodes").header(header::COOKIE, &cookie);
        let answer = house.open(request.body(Body::empty()).unwrap()).await;
        statuses.insert(answer.status());
        if answer.status() != StatusCode::OK {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    others.await.unwrap();
    assert_eq!(statuses, BTreeSet::from([StatusCode::OK]));
}
