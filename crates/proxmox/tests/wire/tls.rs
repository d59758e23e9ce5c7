//! Certificate verification: pinned fingerprints, given CAs and the system's CAs.

use std::{sync::Arc, time::Duration};

use proxmox::{
    Client, ClientConfig, Endpoint, Error, Fingerprint, Timeouts, Trust, fetch_fingerprint,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::{TLS12, TLS13},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    server::{Action, Server, ok},
    token,
};

const LIMIT: Duration = Duration::from_secs(10);

fn version() -> Vec<Action> {
    vec![ok(r#"{"version":"9.2.11","release":"9.2"}"#)]
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    acceptor_with_versions(rustls::DEFAULT_VERSIONS, certificate, key)
}

fn acceptor_with_versions(
    versions: &[&'static SupportedProtocolVersion],
    certificate: CertificateDer<'static>,
    key: &KeyPair,
) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A server with a self-signed certificate for another name.
async fn self_signed_server(actions: Vec<Action>) -> Server {
    let signed = rcgen::generate_simple_self_signed(["pve1".to_owned()]).unwrap();
    let acceptor = acceptor(signed.cert.der().clone(), &signed.signing_key);
    Server::start_tls(acceptor, actions).await
}

/// A server with a certificate signed by a CA, and the CA's certificate in PEM.
async fn signed_server(name: &str, actions: Vec<Action>) -> (Server, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &ca)
        .unwrap();
    let server = Server::start_tls(acceptor(certificate.der().clone(), &key), actions).await;
    (server, ca.pem())
}

fn client(endpoints: Vec<Endpoint>, trust: Trust) -> Client {
    let connection = ClientConfig {
        endpoints,
        credentials: token(),
        trust,
    };
    Client::new(connection, Timeouts::default()).unwrap()
}

fn other() -> Fingerprint {
    "00".repeat(32).parse().unwrap()
}

#[tokio::test]
async fn fingerprint_is_fetched_without_request_and_then_trusted() {
    for version_of_tls in [&TLS12, &TLS13] {
        let signed = rcgen::generate_simple_self_signed(["pve1".to_owned()]).unwrap();
        let certificate = signed.cert.der().clone();
        let acceptor = acceptor_with_versions(&[version_of_tls], certificate, &signed.signing_key);
        let server = Server::start_tls(acceptor, version()).await;
        let found = fetch_fingerprint(&server.url, LIMIT).await.unwrap();
        assert_eq!(server.requests().len(), 0);
        let client = client(vec![Endpoint::pinned(&server.url, found)], Trust::System);
        client.version().await.unwrap();
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn changed_certificate_aborts_without_failover() {
    let server = self_signed_server(version()).await;
    let next = Server::start(version()).await;
    let endpoints = vec![
        Endpoint::pinned(&server.url, other()),
        Endpoint::new(&next.url),
    ];
    let error = client(endpoints, Trust::System)
        .version()
        .await
        .unwrap_err();
    let Error::CertificateChanged {
        address,
        expected,
        found,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((address, *expected), (&server.url, other()));
    assert_eq!(*found, fetch_fingerprint(&server.url, LIMIT).await.unwrap());
    assert!(!error.is_transient() && !error.may_have_executed());
    // No request was sent to either endpoint.
    assert_eq!(server.requests().len() + next.requests().len(), 0);
}

#[tokio::test]
async fn ca_does_not_override_pin() {
    let (server, pem) = signed_server("127.0.0.1", version()).await;
    let endpoint = Endpoint::pinned(&server.url, other());
    let error = client(vec![endpoint], Trust::Ca(pem))
        .version()
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::CertificateChanged { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn ca_is_trusted_only_for_signed_names() {
    let (server, pem) = signed_server("127.0.0.1", version()).await;
    let trust = |pem: &str| Trust::Ca(pem.to_owned());
    let client_under_test = client(vec![Endpoint::new(&server.url)], trust(&pem));
    client_under_test.version().await.unwrap();

    let (other_host, pem_of_other_host) = signed_server("10.0.0.1", version()).await;
    for (url, pem) in [
        (&other_host.url, &pem_of_other_host),
        (&other_host.url, &pem),
    ] {
        let client_under_test = client(vec![Endpoint::new(url)], trust(pem));
        let error = client_under_test.version().await.unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    }
    assert_eq!(other_host.requests().len(), 0);
}

#[tokio::test]
async fn self_signed_certificate_is_not_trusted() {
    let server = self_signed_server(version()).await;
    let client_under_test = client(vec![Endpoint::new(&server.url)], Trust::System);
    let error = client_under_test.version().await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn certificate_without_its_key_is_rejected() {
    let genuine = rcgen::generate_simple_self_signed(["pve1".to_owned()]).unwrap();
    // Presents the genuine certificate, which is public, but signs with another key.
    let impostor = acceptor_with_foreign_key(genuine.cert.der().clone());
    let impostor = Server::start_tls(impostor, version()).await;
    let shown = fetch_fingerprint(&impostor.url, LIMIT).await.unwrap();
    let client_under_test = client(vec![Endpoint::pinned(&impostor.url, shown)], Trust::System);
    let error = client_under_test.version().await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert_eq!(impostor.requests().len(), 0);
}

/// Bypasses rustls, which rejects a key that does not belong to its certificate.
fn acceptor_with_foreign_key(certificate: CertificateDer<'static>) -> TlsAcceptor {
    #[derive(Debug)]
    struct FixedResolver(Arc<rustls::sign::CertifiedKey>);
    impl rustls::server::ResolvesServerCert for FixedResolver {
        fn resolve(
            &self,
            _: rustls::server::ClientHello<'_>,
        ) -> Option<Arc<rustls::sign::CertifiedKey>> {
            Some(self.0.clone())
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = KeyPair::generate().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let certified = rustls::sign::CertifiedKey::new(vec![certificate], key);
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(FixedResolver(Arc::new(certified))));
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn fetch_fingerprint_requires_tls() {
    let plain = Server::start(version()).await;
    let error = fetch_fingerprint(&plain.url, LIMIT).await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
    let wrong = plain.url.replace("http:", "https:");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unresponsive = format!("https://{}", listener.local_addr().unwrap());
    let short_timeout = Duration::from_millis(50);
    let error = fetch_fingerprint(&unresponsive, short_timeout)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    drop(listener);
    let error = fetch_fingerprint(&unresponsive, LIMIT).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(
        fetch_fingerprint(&wrong, Duration::from_millis(50))
            .await
            .is_err()
    );
}
