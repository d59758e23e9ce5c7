//! Certificate verification: pinned fingerprints, given CAs and the system's CAs.

use std::{sync::Arc, time::Duration};

use proxmox::{
    Client, Connection, Endpoint, Error, Fingerprint, Timeouts, Trust, fetch_fingerprint,
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
    server::{Act, Server, ok},
    token,
};

const LIMIT: Duration = Duration::from_secs(10);

fn version() -> Vec<Act> {
    vec![ok(r#"{"version":"9.2.11","release":"9.2"}"#)]
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    speaking(rustls::DEFAULT_VERSIONS, certificate, key)
}

fn speaking(
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
async fn own(acts: Vec<Act>) -> Server {
    let signed = rcgen::generate_simple_self_signed(["pve1".to_owned()]).unwrap();
    let acceptor = acceptor(signed.cert.der().clone(), &signed.signing_key);
    Server::start_tls(acceptor, acts).await
}

/// A server with a certificate signed by a CA, and the CA's certificate in PEM.
async fn signed(name: &str, acts: Vec<Act>) -> (Server, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let server = Server::start_tls(acceptor(certificate.der().clone(), &key), acts).await;
    (server, authority.pem())
}

fn client(endpoints: Vec<Endpoint>, trust: Trust) -> Client {
    let connection = Connection {
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
async fn a_fingerprint_is_fetched_without_a_request_and_then_trusted() {
    for version_of_tls in [&TLS12, &TLS13] {
        let signed = rcgen::generate_simple_self_signed(["pve1".to_owned()]).unwrap();
        let certificate = signed.cert.der().clone();
        let acceptor = speaking(&[version_of_tls], certificate, &signed.signing_key);
        let server = Server::start_tls(acceptor, version()).await;
        let found = fetch_fingerprint(&server.url, LIMIT).await.unwrap();
        assert_eq!(server.requests().len(), 0);
        let client = client(vec![Endpoint::pinned(&server.url, found)], Trust::Machine);
        client.version().await.unwrap();
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn another_certificate_than_the_confirmed_one_stops_everything() {
    let server = own(version()).await;
    let next = Server::start(version()).await;
    let endpoints = vec![
        Endpoint::pinned(&server.url, other()),
        Endpoint::new(&next.url),
    ];
    let error = client(endpoints, Trust::Machine)
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
    assert!(!error.is_transient() && !error.may_have_happened());
    // No request was sent to either endpoint.
    assert_eq!(server.requests().len() + next.requests().len(), 0);
}

#[tokio::test]
async fn a_pin_is_not_made_up_for_by_an_authority() {
    let (server, pem) = signed("127.0.0.1", version()).await;
    let endpoint = Endpoint::pinned(&server.url, other());
    let error = client(vec![endpoint], Trust::Authority(pem))
        .version()
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::CertificateChanged { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_authority_vouches_for_the_names_that_it_signed_and_no_others() {
    let (server, pem) = signed("127.0.0.1", version()).await;
    let trust = |pem: &str| Trust::Authority(pem.to_owned());
    let asked = client(vec![Endpoint::new(&server.url)], trust(&pem));
    asked.version().await.unwrap();

    let (elsewhere, pem_of_elsewhere) = signed("10.0.0.1", version()).await;
    for (url, pem) in [(&elsewhere.url, &pem_of_elsewhere), (&elsewhere.url, &pem)] {
        let asked = client(vec![Endpoint::new(url)], trust(pem));
        let error = asked.version().await.unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn the_machine_does_not_trust_what_nobody_signed() {
    let server = own(version()).await;
    let asked = client(vec![Endpoint::new(&server.url)], Trust::Machine);
    let error = asked.version().await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_certificate_without_its_key_is_not_enough() {
    let genuine = rcgen::generate_simple_self_signed(["pve1".to_owned()]).unwrap();
    // Presents the genuine certificate, which is public, but signs with another key.
    let thief = acceptor_with_foreign_key(genuine.cert.der().clone());
    let thief = Server::start_tls(thief, version()).await;
    let shown = fetch_fingerprint(&thief.url, LIMIT).await.unwrap();
    let asked = client(vec![Endpoint::pinned(&thief.url, shown)], Trust::Machine);
    let error = asked.version().await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert_eq!(thief.requests().len(), 0);
}

/// Bypasses rustls, which rejects a key that does not belong to its certificate.
fn acceptor_with_foreign_key(certificate: CertificateDer<'static>) -> TlsAcceptor {
    #[derive(Debug)]
    struct Always(Arc<rustls::sign::CertifiedKey>);
    impl rustls::server::ResolvesServerCert for Always {
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
        .with_cert_resolver(Arc::new(Always(Arc::new(certified))));
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_fingerprint_needs_a_server_with_tls() {
    let plain = Server::start(version()).await;
    let error = fetch_fingerprint(&plain.url, LIMIT).await.unwrap_err();
    assert!(matches!(error, Error::Unsendable { .. }), "{error:?}");
    let wrong = plain.url.replace("http:", "https:");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("https://{}", listener.local_addr().unwrap());
    let silent = Duration::from_millis(50);
    let error = fetch_fingerprint(&away, silent).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    drop(listener);
    let error = fetch_fingerprint(&away, LIMIT).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(
        fetch_fingerprint(&wrong, Duration::from_millis(50))
            .await
            .is_err()
    );
}
