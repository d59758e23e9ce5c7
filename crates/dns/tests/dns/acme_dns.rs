//! The acme-dns provider against its fake.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use dns::{DnsError, Options, Provider};
use model::providers::ProviderSettings;

use crate::{
    address,
    fake_acme_dns::{FULL_DOMAIN, FakeAcmeDns, KEY, USER},
    fake_cloudflare::serve,
    named::{NameServer, NamedProvider as _},
    options, txt, verdicts,
};

const VALUE: &str = "LPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo";

fn settings(server: &str, user: &str, full_domain: &str) -> ProviderSettings {
    ProviderSettings::AcmeDns {
        server: server.parse().unwrap(),
        user: user.parse().unwrap(),
        full_domain: full_domain.parse().unwrap(),
    }
}

fn offline_options() -> Options {
    Options {
        visibility_timeout: Duration::ZERO,
        ..options("127.0.0.1:1".parse().unwrap())
    }
}

async fn start(server: &FakeAcmeDns) -> String {
    format!("http://{}", serve(server.router()).await)
}

fn open(url: &str, user: &str, key: &str, full_domain: &str) -> Box<dyn Provider> {
    let settings = settings(url, user, full_domain);
    dns::open(&settings, &key.parse().unwrap(), &offline_options()).unwrap()
}

#[tokio::test]
async fn server_keeps_the_last_two_values() {
    let server = FakeAcmeDns::new(None);
    let provider = open(&start(&server).await, USER, KEY, FULL_DOMAIN);
    let second = VALUE.replace('L', "M");
    for text in [VALUE, &second] {
        provider
            .add(&txt("_acme-challenge.led.example.org", text))
            .await
            .unwrap();
    }
    assert_eq!(*server.values.lock().unwrap(), [VALUE, &second]);
    provider
        .remove(&txt("_acme-challenge.led.example.org", VALUE))
        .await
        .unwrap();
}

#[tokio::test]
async fn address_records_are_refused() {
    let provider = open("http://127.0.0.1:1", USER, KEY, FULL_DOMAIN);
    let record = address("www.example.org", "192.0.2.1");
    for refused in [
        provider.add(&record).await,
        provider.remove(&record).await,
        provider.addresses("www.example.org").await.map(drop),
    ] {
        assert!(
            matches!(refused, Err(DnsError::Refused { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn errors_do_not_contain_the_password() {
    let server = FakeAcmeDns::new(None);
    let url = start(&server).await;
    let record = txt("_acme-challenge.example.org", VALUE);
    let (user, key) = (USER.replace('c', "d"), KEY.replace('h', "i"));
    for (user, key, name) in [
        (user.as_str(), KEY, FULL_DOMAIN),
        (USER, key.as_str(), FULL_DOMAIN),
        (USER, KEY, "other.example.net"),
    ] {
        let error = open(&url, user, key, name).add(&record).await.unwrap_err();
        assert!(matches!(error, DnsError::Unauthorized { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains(key), "{error:?}");
    }
    let provider = open(&url, USER, KEY, FULL_DOMAIN);
    let short = provider
        .add(&txt("_acme-challenge.example.org", "short"))
        .await
        .unwrap_err();
    assert!(
        matches!(&short, DnsError::Refused { message } if message.contains("43")),
        "{short:?}"
    );
    *server.is_broken.lock().unwrap() = true;
    let broken = provider.add(&record).await;
    assert!(
        matches!(broken, Err(DnsError::Unavailable { .. })),
        "{broken:?}"
    );
    assert!(server.values.lock().unwrap().is_empty());
}

#[tokio::test]
async fn other_servers_are_detected() {
    let empty = format!("http://{}", serve(Router::new()).await);
    let greeting = Router::new().fallback(|| async { "{\"txt\": \"hello\"}" });
    let greeting = format!("http://{}", serve(greeting).await);
    for url in [empty, greeting] {
        let provider = open(&url, USER, KEY, FULL_DOMAIN);
        let refused = provider
            .add(&txt("_acme-challenge.example.org", VALUE))
            .await;
        let Err(DnsError::Refused { message }) = refused else {
            panic!("{refused:?}")
        };
        assert!(message.contains("acme-dns"), "{message}");
    }
}

#[tokio::test]
async fn password_is_not_sent_without_tls() {
    for url in ["http://auth.example.net", "http://10.20.0.5:8080"] {
        let settings = settings(url, USER, FULL_DOMAIN);
        let refused = dns::open(&settings, &KEY.parse().unwrap(), &offline_options());
        assert!(matches!(refused, Err(DnsError::Refused { .. })), "{url}");
    }
}

/// Serves with a self-signed certificate and returns it.
async fn serve_tls(router: Router) -> (SocketAddr, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let generated = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = generated.cert.pem();
    let key = generated.signing_key.serialize_pem();
    let tls = RustlsConfig::from_pem(certificate.clone().into(), key.into())
        .await
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
    tokio::spawn(async move { server.serve(router.into_make_service()).await.unwrap() });
    (address, certificate)
}

#[tokio::test]
async fn server_certificate_must_be_trusted() {
    let server = FakeAcmeDns::new(None);
    let (address, certificate) = serve_tls(server.router()).await;
    let settings = settings(&format!("https://{address}"), USER, FULL_DOMAIN);
    let key = KEY.parse().unwrap();
    let record = txt("_acme-challenge.example.org", VALUE);
    let untrusted = dns::open(&settings, &key, &offline_options())
        .unwrap()
        .add(&record)
        .await;
    let Err(DnsError::Refused { message }) = untrusted else {
        panic!("{untrusted:?}")
    };
    assert!(message.contains("not trusted"), "{message}");
    let options = Options {
        roots: Some(certificate.parse().unwrap()),
        ..offline_options()
    };
    dns::open(&settings, &key, &options)
        .unwrap()
        .add(&record)
        .await
        .unwrap();
    assert_eq!(*server.values.lock().unwrap(), [VALUE]);
}

#[tokio::test]
async fn provider_test_follows_the_alias() {
    let named = NameServer::start();
    let server = FakeAcmeDns::new(Some(named.provider("example.net")));
    let settings = settings(&start(&server).await, USER, FULL_DOMAIN);
    let provider = dns::open(&settings, &KEY.parse().unwrap(), &named.options()).unwrap();
    let findings = provider.test(&"led.example.org".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [true; 5]);
    let missing = "Add this record to the zone of example.org: _acme-challenge.example.org. CNAME 1f0f2b4e-3d5c.example.net.";
    for (domain, message) in [
        ("misled.example.org", "is an alias of elsewhere.example.net"),
        ("example.org", missing),
    ] {
        let findings = provider.test(&domain.parse().unwrap()).await;
        assert_eq!(verdicts(&findings), [true, true, true, true, false]);
        assert!(findings[4].message.contains(message), "{findings:?}");
    }
}

#[tokio::test]
async fn provider_test_reports_account_and_alias() {
    let named = NameServer::start();
    let url = start(&FakeAcmeDns::new(None)).await;
    let key = KEY.replace('h', "i").parse().unwrap();
    let wrong = dns::open(&settings(&url, USER, FULL_DOMAIN), &key, &named.options()).unwrap();
    let findings = wrong.test(&"example.org".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [true, false, false]);
}
