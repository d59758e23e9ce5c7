//! Verifies Proxmox's certificates: by a pinned fingerprint, a given certificate authority, or
//! those of the system.
//!
//! Verification cannot be disabled, and there is no fallback from one method to another. A node's
//! default certificate is signed by its cluster's own CA, so most installations use a fingerprint
//! that a user has compared once.

use std::error::Error as StdError;

use pinned::{Fingerprint, client_config, find_mismatch};
use reqwest::{Certificate, ClientBuilder};

use crate::{
    error::Error,
    error_chain::{error_chain, find_cause},
    params::unsendable,
};

/// How to verify the certificates of endpoints without a fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// With the certificate authorities of the system.
    #[default]
    System,
    /// Only with these certificate authorities: certificates in PEM, such as the cluster's
    /// `/etc/pve/pve-root-ca.pem`. The host of the URL must be in the server's certificate.
    Ca(String),
}

impl Trust {
    /// Applies the method to a client builder.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        let Self::Ca(pem) = self else {
            return Ok(builder);
        };
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|_| unsendable("authority", "the value is not a PEM certificate"))?;
        if certificates.is_empty() {
            return Err(unsendable("authority", "the value contains no certificate"));
        }
        Ok(builder.tls_certs_only(certificates))
    }
}

/// The TLS configuration for a server with this certificate. `None` rejects every server.
pub(crate) fn settings(expected: Option<Fingerprint>) -> Result<rustls::ClientConfig, Error> {
    client_config(expected).map_err(|_| unsendable("url", "TLS cannot be used on this host"))
}

/// The TLS error in the chain of sources, if any.
pub(crate) fn tls_error(error: &(dyn StdError + 'static), address: &str) -> Option<Error> {
    let refused = find_cause::<rustls::Error>(error)?;
    let address = address.to_owned();
    let expected_and_actual = find_mismatch(refused).and_then(|m| Some((m.expected?, m.actual)));
    Some(match expected_and_actual {
        Some((expected, found)) => Error::CertificateChanged {
            address,
            expected,
            found,
        },
        None => Error::Tls {
            address,
            cause: error_chain(error),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ca_must_contain_a_certificate() {
        for pem in ["", "x", "-----BEGIN CERTIFICATE-----\nx\n"] {
            let trust = Trust::Ca(pem.to_owned());
            let error = trust.apply(reqwest::Client::builder()).unwrap_err();
            let Error::InvalidArgument { field, .. } = &error else {
                panic!("{error:?}")
            };
            assert_eq!(field, "authority");
        }
    }
}
