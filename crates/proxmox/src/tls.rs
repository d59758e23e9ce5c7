//! Whom we believe to be Proxmox: a pinned certificate, an authority, or those of the machine.
//!
//! There is no switch that ignores certificates, and nothing here falls back from one way to
//! another. A node's own certificate is signed by its cluster's own authority, so most installations
//! are reached by a fingerprint that a person has compared once.

use std::{error::Error as StdError, fmt, str::FromStr, sync::Arc, time::Duration};

use reqwest::{Certificate, ClientBuilder};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};

use crate::{
    endpoints::{base_url, builder},
    error::Error,
    http::{chain, find_cause},
    ids::Malformed,
    params::unsendable,
};

/// The SHA-256 of a certificate. Proxmox shows it as `AA:BB:…` in its own pages and in
/// `ssl_fingerprint` of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate.as_ref()).into())
    }
}

impl FromStr for Fingerprint {
    type Err = Malformed;

    /// Reads 64 hexadecimal digits, or 32 pairs of them parted by colons, in either case.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let refuse = || Malformed::new("the SHA-256 fingerprint of a certificate", text);
        let plain = text.trim();
        let digits = match plain.len() {
            64 => plain.to_owned(),
            95 if plain.split(':').all(|pair| pair.len() == 2) => plain.replace(':', ""),
            _ => return Err(refuse()),
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| refuse())?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who vouches for the certificates of endpoints that have no fingerprint of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The authorities that the machine trusts.
    #[default]
    Machine,
    /// These authorities and no others: certificates in PEM, such as the cluster's
    /// `/etc/pve/pve-root-ca.pem`. The name in the address has to be in the server's certificate.
    Authority(String),
}

impl Trust {
    /// Has a client trust accordingly.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        let Self::Authority(pem) = self else {
            return Ok(builder);
        };
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|_| unsendable("authority", "it is not a certificate in PEM"))?;
        if certificates.is_empty() {
            return Err(unsendable("authority", "it holds no certificate"));
        }
        Ok(builder.tls_certs_only(certificates))
    }
}

/// The settings of a connection to the one server that has this certificate.
pub(crate) fn pinned(expected: Fingerprint) -> Result<ClientConfig, Error> {
    config(Some(expected))
}

fn config(expected: Option<Fingerprint>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Pin {
        expected,
        provider: provider.clone(),
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| unsendable("url", "TLS cannot be used on this machine"))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Accepts the server with one certificate, whatever name and dates stand in it, once it has proved
/// that it holds the certificate's key. Without an expectation it accepts nobody.
#[derive(Debug)]
struct Pin {
    expected: Option<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

/// The server has another certificate than the expected one.
#[derive(Debug, thiserror::Error)]
#[error("the certificate has the fingerprint {found}")]
pub(crate) struct Mismatch {
    pub(crate) expected: Option<Fingerprint>,
    pub(crate) found: Fingerprint,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Fingerprint::of(end_entity);
        let expected = self.expected;
        if expected == Some(found) {
            return Ok(ServerCertVerified::assertion());
        }
        let mismatch = OtherError(Arc::new(Mismatch { expected, found }));
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(
            mismatch,
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What kept a connection from being safe, if that was what went wrong.
pub(crate) fn tls_error(error: &(dyn StdError + 'static), address: &str) -> Option<Error> {
    let refused = find_cause::<rustls::Error>(error)?;
    let address = address.to_owned();
    let expected_and_found = mismatch(refused).and_then(|m| Some((m.expected?, m.found)));
    Some(match expected_and_found {
        Some((expected, found)) => Error::CertificateChanged {
            address,
            expected,
            found,
        },
        None => Error::Tls {
            address,
            cause: chain(error),
        },
    })
}

fn mismatch(error: &rustls::Error) -> Option<&Mismatch> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
            cause.downcast_ref()
        }
        _ => None,
    }
}

/// The fingerprint of the certificate that a server shows, for a person to compare and confirm.
/// The connection is given up as soon as the certificate is there: no request is made.
///
/// # Errors
/// [`Error::Unsendable`] when the URL is not one of a server with TLS, [`Error::Unreachable`],
/// [`Error::Timeout`], and [`Error::Tls`] when what answers does not speak TLS.
pub async fn fetch_fingerprint(url: &str, timeout: Duration) -> Result<Fingerprint, Error> {
    let base = base_url(url)?;
    if base.scheme() != "https" {
        return Err(unsendable("url", "a server without TLS has no certificate"));
    }
    let address = base.as_str().trim_end_matches('/').to_owned();
    // A pin that nothing fits: the refusal brings the certificate's fingerprint along.
    let http = builder(timeout)
        .tls_backend_preconfigured(config(None)?)
        .build();
    let http = http.map_err(|error| Error::Tls {
        address: address.clone(),
        cause: chain(&error),
    })?;
    let Err(error) = http.get(base).timeout(timeout).send().await else {
        let cause = "it was let in without a certificate".to_owned();
        return Err(Error::Tls { address, cause });
    };
    let error = error.without_url();
    if let Some(mismatch) = find_cause::<rustls::Error>(&error).and_then(mismatch) {
        return Ok(mismatch.found);
    }
    if error.is_timeout() {
        let (after, sent) = (timeout, false);
        return Err(Error::Timeout {
            address,
            after,
            sent,
        });
    }
    Err(
        tls_error(&error, &address).unwrap_or_else(|| Error::Unreachable {
            cause: chain(&error),
            address,
            sent: false,
        }),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fingerprint_is_read_in_both_spellings_and_written_as_proxmox_does() {
        let plain = "0a".repeat(32);
        let colons = ["0A"; 32].join(":");
        let read: Fingerprint = plain.parse().unwrap();
        assert_eq!(read.to_string(), colons);
        assert_eq!(format!("{read:?}"), colons);
        assert_eq!(colons.to_lowercase().parse::<Fingerprint>().unwrap(), read);
        assert_eq!(format!(" {colons}\n").parse::<Fingerprint>().unwrap(), read);
    }

    #[test]
    fn what_is_not_a_fingerprint_is_refused() {
        let thirty_two = ["0A"; 32].join(":");
        for text in [
            String::new(),
            "0a".repeat(20),
            "0g".repeat(32),
            ["0A"; 31].join(":"),
            thirty_two.replacen(':', "-", 1),
            thirty_two.replacen("0A:0A", "0A0:A", 1),
            "é".repeat(32),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_authority_has_to_hold_a_certificate() {
        for pem in ["", "x", "-----BEGIN CERTIFICATE-----\nx\n"] {
            let trust = Trust::Authority(pem.to_owned());
            let error = trust.apply(reqwest::Client::builder()).unwrap_err();
            let Error::Unsendable { field, .. } = &error else {
                panic!("{error:?}")
            };
            assert_eq!(field, "authority");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_what_is_written_is_read_back(bytes: [u8; 32], text in ".{0,100}") {
            let _ = text.parse::<Fingerprint>();
            let written = Fingerprint(bytes);
            prop_assert_eq!(written.to_string().parse::<Fingerprint>().unwrap(), written);
        }
    }
}
