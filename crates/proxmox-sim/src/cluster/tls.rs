//! The TLS certificate of a simulated node: generated at startup, self-signed, and replaced on
//! request. It is never stored.

use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::cluster::core::lock;

/// Why no certificate is available.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate could not be generated.
    #[error("the certificate could not be generated: {0}")]
    Generate(#[from] rcgen::Error),
    /// TLS rejected the certificate.
    #[error("the certificate cannot be used: {0}")]
    Use(#[from] rustls::Error),
}

/// A key with its certificate.
pub(crate) struct Certificate {
    pub(crate) acceptor: TlsAcceptor,
    /// SHA-256 of the certificate: colon-separated pairs of upper-case hex digits.
    pub(crate) fingerprint: String,
    /// The certificate as PEM.
    pub(crate) pem: String,
    /// Canceled when the certificate has been replaced. Connections that use it are then closed, as
    /// when a node's proxy restarts with a new certificate.
    pub(crate) retired: CancellationToken,
}

impl Certificate {
    fn generate(names: &[String]) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, names.first().map_or("pve", |name| name));
        let certificate = params.self_signed(&key)?;
        let der = certificate.der().clone();
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // Set explicitly, so that it does not depend on the process-wide default provider.
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

/// The SHA-256 fingerprint of a certificate in the format of Proxmox.
fn fingerprint(der: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(der)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

/// The current certificate and the names in it.
pub(crate) struct Tls {
    names: Vec<String>,
    current: Mutex<Arc<Certificate>>,
}

impl Tls {
    /// Generates the first certificate for these hostnames and IP addresses.
    pub(crate) fn new(names: Vec<String>) -> Result<Self, CertificateError> {
        let first = Certificate::generate(&names)?;
        Ok(Self {
            names,
            current: Mutex::new(Arc::new(first)),
        })
    }

    /// The certificate for new connections.
    pub(crate) fn current(&self) -> Arc<Certificate> {
        lock(&self.current).clone()
    }

    /// Replaces the key and certificate and closes all connections that use the old one.
    pub(crate) fn renew(&self) -> Result<Arc<Certificate>, CertificateError> {
        let next = Arc::new(Certificate::generate(&self.names)?);
        let old = std::mem::replace(&mut *lock(&self.current), next.clone());
        old.retired.cancel();
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_has_format_of_proxmox() {
        let text = fingerprint(b"");
        assert!(text.starts_with("E3:B0:C4:42:98:FC:1C:14:"), "{text}");
        assert_eq!(text.len(), 32 * 3 - 1);
    }

    #[test]
    fn renewal_changes_fingerprint_and_retires_old_certificate() {
        let tls = Tls::new(vec!["pve1".into(), "127.0.0.1".into()]).unwrap();
        let first = tls.current();
        let second = tls.renew().unwrap();
        assert_ne!(first.fingerprint, second.fingerprint);
        assert_eq!(tls.current().fingerprint, second.fingerprint);
        assert!(first.retired.is_cancelled() && !second.retired.is_cancelled());
    }
}
