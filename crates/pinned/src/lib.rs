//! TLS with a server that is identified by the fingerprint of its certificate. Names and dates are
//! not checked: the system's clock may be wrong, and a cluster's own CA is not publicly trusted.
//!
//! Contains no server addresses and makes no requests.

use std::{fmt, str::FromStr, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};

/// The text is not a valid fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the SHA-256 fingerprint of a certificate")]
pub struct ParseFingerprintError(String);

/// The SHA-256 fingerprint of a certificate. Proxmox formats it as `AA:BB:…` on its pages and in
/// `ssl_fingerprint` of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the fingerprint of a certificate.
    pub fn from_certificate(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate.as_ref()).into())
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    /// Parses 64 hexadecimal digits, or 32 pairs of them separated by colons, in upper or lower
    /// case.
    fn from_str(text: &str) -> Result<Self, ParseFingerprintError> {
        let malformed = || ParseFingerprintError(text.to_owned());
        let plain = text.trim();
        let digits = match plain.len() {
            64 => plain.to_owned(),
            95 if plain.split(':').all(|pair| pair.len() == 2) => plain.replace(':', ""),
            _ => return Err(malformed()),
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| malformed())?;
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

/// The TLS configuration for the server with this certificate. `None` rejects every server with an
/// error that contains the certificate's fingerprint (see [`find_mismatch`]).
///
/// # Errors
/// TLS cannot be used on this system.
pub fn client_config(expected: Option<Fingerprint>) -> Result<ClientConfig, rustls::Error> {
    with(expected, None)
}

/// The same, but other certificates are accepted if `fallback` verifies them, for example against
/// the system's certificate authorities, with name and dates.
///
/// # Errors
/// TLS cannot be used on this system.
pub fn client_config_with_fallback(
    expected: Fingerprint,
    fallback: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, rustls::Error> {
    with(Some(expected), Some(fallback))
}

fn with(
    expected: Option<Fingerprint>,
    fallback: Option<Arc<dyn ServerCertVerifier>>,
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Pin {
        expected,
        fallback,
        provider: provider.clone(),
    });
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Accepts the server with the expected certificate, regardless of its names and dates, if the
/// handshake proves possession of the key. Without an expected certificate, rejects every server.
#[derive(Debug)]
struct Pin {
    expected: Option<Fingerprint>,
    /// Verifies other certificates.
    fallback: Option<Arc<dyn ServerCertVerifier>>,
    provider: Arc<CryptoProvider>,
}

/// The server's certificate differs from the expected one.
#[derive(Debug, thiserror::Error)]
#[error("the certificate has the fingerprint {actual}")]
pub struct Mismatch {
    /// The expected fingerprint.
    pub expected: Option<Fingerprint>,
    /// The fingerprint of the server's certificate.
    pub actual: Fingerprint,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let actual = Fingerprint::from_certificate(end_entity);
        let expected = self.expected;
        if expected == Some(actual) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.fallback.as_ref().map(|fallback| {
            fallback.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        });
        if let Some(Ok(accepted)) = verified {
            return Ok(accepted);
        }
        let mismatch = OtherError(Arc::new(Mismatch { expected, actual }));
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

/// The mismatch that caused a TLS error, if any.
pub fn find_mismatch(error: &rustls::Error) -> Option<&Mismatch> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
            cause.downcast_ref()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fingerprint_parses_both_notations_and_formats_like_proxmox() {
        let plain = "0a".repeat(32);
        let colons = ["0A"; 32].join(":");
        let read: Fingerprint = plain.parse().unwrap();
        assert_eq!(read.to_string(), colons);
        assert_eq!(format!("{read:?}"), colons);
        assert_eq!(colons.to_lowercase().parse::<Fingerprint>().unwrap(), read);
        assert_eq!(format!(" {colons}\n").parse::<Fingerprint>().unwrap(), read);
    }

    #[test]
    fn malformed_fingerprints_are_rejected() {
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

    /// Accepts certificates for one server name.
    #[derive(Debug)]
    struct AcceptsName(&'static str);

    impl ServerCertVerifier for AcceptsName {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            name: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            match name.to_str() == self.0 {
                true => Ok(ServerCertVerified::assertion()),
                false => Err(rustls::Error::General("another name".to_owned())),
            }
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            unreachable!("the pin itself verifies signatures")
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            unreachable!("the pin itself verifies signatures")
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    #[test]
    fn other_certificate_is_accepted_only_by_fallback_verifier() {
        let (known, next) = (CertificateDer::from(vec![1]), CertificateDer::from(vec![2]));
        let pin = |fallback: Option<&'static str>| Pin {
            expected: Some(Fingerprint::from_certificate(&known)),
            fallback: fallback
                .map(|name| Arc::new(AcceptsName(name)) as Arc<dyn ServerCertVerifier>),
            provider: Arc::new(ring::default_provider()),
        };
        let accepts = |pin: &Pin, certificate: &CertificateDer<'_>, name: &'static str| {
            let name = ServerName::try_from(name).unwrap();
            pin.verify_server_cert(certificate, &[], &name, &[], UnixTime::now())
        };
        assert!(accepts(&pin(None), &known, "any.example.org").is_ok());
        let error = accepts(&pin(None), &next, "any.example.org").unwrap_err();
        assert!(find_mismatch(&error).is_some());
        let with_fallback = pin(Some("manager.example.org"));
        assert!(accepts(&with_fallback, &known, "any.example.org").is_ok());
        assert!(accepts(&with_fallback, &next, "manager.example.org").is_ok());
        let error = accepts(&with_fallback, &next, "any.example.org").unwrap_err();
        assert!(
            find_mismatch(&error).is_some(),
            "the error still contains the fingerprint"
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_display_round_trips(bytes: [u8; 32], text in ".{0,100}") {
            let _ = text.parse::<Fingerprint>();
            let written = Fingerprint(bytes);
            prop_assert_eq!(written.to_string().parse::<Fingerprint>().unwrap(), written);
        }
    }
}
