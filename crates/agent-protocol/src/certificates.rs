//! Certificates with their keys.

use std::fmt;

use model::fingerprint::Fingerprint;
use serde::{Deserialize, Serialize};

/// A request for certificates that the agent does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificatesRequest {
    /// Fingerprints of the certificates.
    pub fingerprints: Vec<Fingerprint>,
}

/// The requested certificates that the manager has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificatesResponse {
    /// The certificates with their keys.
    pub certificates: Vec<CertificateWithKey>,
}

/// A certificate with its key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateWithKey {
    /// The certificate's fingerprint.
    pub fingerprint: Fingerprint,
    /// The certificate chain, in PEM.
    pub chain: String,
    /// The private key, in PEM.
    pub key: String,
}

/// Omits the secret key.
impl fmt::Debug for CertificateWithKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateWithKey")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_omits_key() {
        let certificate = CertificateWithKey {
            fingerprint: "ab".repeat(32).parse().unwrap(),
            chain: "chain".to_owned(),
            key: "private".to_owned(),
        };
        assert!(!format!("{certificate:?}").contains("private"));
    }
}
