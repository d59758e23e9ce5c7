//! The certificate that a simulated node shows: made at the start, signed by itself, and replaced
//! when a test asks for it. Nothing is written to disk, and nothing is read from there.

use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::core::lock;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("it could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// It was made, but TLS does not take it.
    #[error("TLS does not take it: {0}")]
    Use(#[from] rustls::Error),
}

/// A key, its certificate, and what is said of it.
pub(crate) struct Certificate {
    pub(crate) acceptor: TlsAcceptor,
    /// SHA-256 of the certificate: colon-separated pairs of upper-case hex digits.
    pub(crate) fingerprint: String,
    /// The certificate as PEM.
    pub(crate) pem: String,
    /// Cancelled when another one has taken its place: connections made with this one end, as when
    /// a node's proxy starts again with a new certificate.
    pub(crate) retired: CancellationToken,
}

impl Certificate {
    fn make(names: &[String]) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, names.first().map_or("pve", |name| name));
        let certificate = params.self_signed(&key)?;
        let der = certificate.der().clone();
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // Named, so that it does not matter what else in the process uses TLS.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let fingerprint = fingerprint(&der);
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![der], secret)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            fingerprint,
            pem: certificate.pem(),
            retired: CancellationToken::new(),
        })
    }
}

/// The SHA-256 of a certificate as Proxmox writes it.
fn fingerprint(der: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(der)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

/// The certificate that is shown at present, and the names in it.
pub(crate) struct Tls {
    names: Vec<String>,
    current: Mutex<Arc<Certificate>>,
}

impl Tls {
    /// Makes the first certificate, for these host names and addresses.
    pub(crate) fn new(names: Vec<String>) -> Result<Self, CertificateError> {
        let first = Certificate::make(&names)?;
        Ok(Self {
            names,
            current: Mutex::new(Arc::new(first)),
        })
    }

    /// The certificate for the next connection.
    pub(crate) fn current(&self) -> Arc<Certificate> {
        lock(&self.current).clone()
    }

    /// Puts another key and certificate in place and ends the connections made with the old one.
    pub(crate) fn renew(&self) -> Result<Arc<Certificate>, CertificateError> {
        let next = Arc::new(Certificate::make(&self.names)?);
        let old = std::mem::replace(&mut *lock(&self.current), next.clone());
        old.retired.cancel();
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_as_proxmox_does() {
        let text = fingerprint(b"");
        assert!(text.starts_with("E3:B0:C4:42:98:FC:1C:14:"), "{text}");
        assert_eq!(text.len(), 32 * 3 - 1);
    }

    #[test]
    fn another_certificate_has_another_fingerprint_and_retires_the_first() {
        let tls = Tls::new(vec!["pve1".into(), "127.0.0.1".into()]).unwrap();
        let first = tls.current();
        let second = tls.renew().unwrap();
        assert_ne!(first.fingerprint, second.fingerprint);
        assert_eq!(tls.current().fingerprint, second.fingerprint);
        assert!(first.retired.is_cancelled() && !second.retired.is_cancelled());
    }
}
