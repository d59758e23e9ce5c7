//! The client [`ManagerHttp`] against a fake manager.

#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "the fake manager has routes")]

use std::net::{Ipv4Addr, SocketAddr};

use agent::core::{ManagerHttp, ManagerHttpError};
use agent_protocol::{HostDescription, PollRequest, Report};
use axum::{
    Json, Router, http::HeaderMap, http::StatusCode, response::IntoResponse as _, routing::post,
};
use edge::{Layout, NginxBuild};
use model::{
    hosts::{HostFacts, JoinToken},
    origin::Origin,
};
use serde_json::{Value, json};

fn of<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn description() -> HostDescription {
    HostDescription {
        host: HostFacts {
            version: "0.1.0".into(),
            address: of("10.20.0.2"),
        },
        layout: Some(layout()),
    }
}

fn layout() -> Layout {
    Layout {
        live: of("/var/lib/holdfast-agent/live"),
        state: of("/var/lib/holdfast-agent/state"),
        run: of("/run"),
        log: of("/var/log/nginx"),
        tls: of("/var/lib/holdfast-agent/tls"),
        interface: of("eth1"),
        ipv6: true,
        resolvers: Vec::new(),
        nginx_user: of("www-data"),
        nginx: NginxBuild {
            version: (1, 22, 1),
            http3: false,
            stream_module: None,
        },
    }
}

fn poll_request() -> PollRequest {
    PollRequest {
        description: description(),
        generation: Some(7),
    }
}

/// Returns a fake manager with the join token `the-secret-of-the-join-token` and the key `key`. Its
/// responses depend on the generation in a request.
fn manager() -> Router {
    let join = async |Json(request): Json<Value>| {
        if request["token"] == "the-secret-of-the-join-token" {
            Json(json!({ "key": "key" })).into_response()
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    };
    let poll = async |headers: HeaderMap, Json(request): Json<Value>| {
        if headers["authorization"] != "Bearer key" {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        match request["generation"].as_i64() {
            Some(7) => StatusCode::NO_CONTENT.into_response(),
            Some(8) => {
                let body = Json(json!({ "error": "The database is unreachable." }));
                (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
            }
            Some(9) => "no JSON".into_response(),
            _ => Json(json!({ "generation": 9, "config": "no configuration" })).into_response(),
        }
    };
    Router::new()
        .route("/agent/v1/join", post(join))
        .route("/agent/v1/poll", post(poll))
        .route("/agent/v1/report", post(async || StatusCode::NO_CONTENT))
}

/// Serves the manager with TLS. Returns its URL and the fingerprint of its certificate.
async fn serve_with_tls() -> (Origin, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certified = rcgen::generate_simple_self_signed(["another.example.org".to_owned()]).unwrap();
    let fingerprint = pinned::Fingerprint::from_certificate(certified.cert.der()).to_string();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let config = axum_server::tls_rustls::RustlsConfig::from_pem(certificate.into(), key.into());
    let config = config.await.unwrap();
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum_server::from_tcp_rustls(listener, config).unwrap();
    tokio::spawn(server.serve(manager().into_make_service()));
    (of(&format!("https://{address}")), fingerprint)
}

/// Serves the manager without TLS. Returns its address.
async fn serve_without_tls() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, manager()).await.unwrap() });
    address
}

#[tokio::test]
async fn manager_is_identified_by_certificate_fingerprint() {
    let (manager, fingerprint) = serve_with_tls().await;
    let token: JoinToken = of(&format!(
        "{manager}#the-secret-of-the-join-token#{fingerprint}"
    ));
    assert_eq!(
        ManagerHttp::join(&token, description()).await.unwrap(),
        "key"
    );
    let http = ManagerHttp::new(manager.clone(), token.fingerprint.as_ref()).unwrap();
    assert_eq!(http.poll("key", &poll_request()).await.unwrap(), None);
    let report = Report::live(7);
    http.send_report("key", &report).await.unwrap();

    let wrong_fingerprint = ["AB"; 32].join(":");
    let token: JoinToken = of(&format!(
        "{manager}#the-secret-of-the-join-token#{wrong_fingerprint}"
    ));
    let refused = ManagerHttp::join(&token, description()).await.unwrap_err();
    assert!(
        matches!(&refused, ManagerHttpError::Unreachable(message) if message.contains(&fingerprint)),
        "{refused}"
    );
    // Without a fingerprint the certificate must be signed by a trusted CA.
    let refused = ManagerHttp::new(manager, None)
        .unwrap()
        .poll("key", &poll_request())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ManagerHttpError::Unreachable(_)),
        "{refused}"
    );
}

#[tokio::test]
async fn plain_http_is_limited_to_loopback() {
    let port = serve_without_tls().await.port();
    for host in ["127.0.0.1", "localhost"] {
        let http = ManagerHttp::new(of(&format!("http://{host}:{port}")), None).unwrap();
        assert_eq!(
            http.poll("key", &poll_request()).await.unwrap(),
            None,
            "{host}"
        );
    }
    for host in ["10.20.0.9", "manager.example.org", "localhost.example.org"] {
        let refused = ManagerHttp::new(of(&format!("http://{host}:{port}")), None).unwrap_err();
        assert!(
            matches!(refused, ManagerHttpError::NotEncrypted(_)),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn manager_responses_map_to_errors() {
    let http =
        ManagerHttp::new(of(&format!("http://{}", serve_without_tls().await)), None).unwrap();
    let ask = async |key: &str, generation: i64| {
        let request = PollRequest {
            generation: Some(generation),
            ..poll_request()
        };
        http.poll(key, &request).await.unwrap_err()
    };
    assert!(matches!(
        ask("old", 7).await,
        ManagerHttpError::Unauthorized
    ));
    let refused = ask("key", 8).await.to_string();
    assert_eq!(
        refused,
        "The manager responded with status 503: The database is unreachable."
    );
    assert!(matches!(
        ask("key", 9).await,
        ManagerHttpError::Unreadable(_)
    ));
    assert!(matches!(
        ask("key", 10).await,
        ManagerHttpError::Unreadable(_)
    ));
    let unreachable = ManagerHttp::new(of("http://127.0.0.1:1"), None).unwrap();
    let error = unreachable.poll("key", &poll_request()).await.unwrap_err();
    assert!(matches!(error, ManagerHttpError::Unreachable(_)), "{error}");
}

#[test]
fn truncated_join_token_is_rejected() {
    let fingerprint = ["AB"; 32].join(":");
    let whole = format!("https://cloud.example.org#a-secret-of-more-than-20-letters#{fingerprint}");
    let token: JoinToken = of(&format!(" {whole}\n"));
    assert_eq!(token.to_string(), whole);
    assert!(
        !format!("{token:?}").contains("a-secret"),
        "Debug output must not contain the token"
    );
    let short = "https://cloud.example.org#a-secret-of-more-than-20-letters";
    assert_eq!(of::<JoinToken>(short).to_string(), short);
    for wrong in [
        "",
        "https://cloud.example.org",
        "https://cloud.example.org#short",
        "cloud.example.org#a-secret-of-more-than-20-letters",
        "https://cloud.example.org#a word of more than 20 letters",
        "https://cloud.example.org#a-secret-of-more-than-20-letters#AB",
        &format!("{whole}#more"),
    ] {
        assert!(wrong.parse::<JoinToken>().is_err(), "{wrong}");
    }
}
