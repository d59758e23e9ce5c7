//! Validates an uploaded certificate with its key. Must not know the domain that it is for.

use std::fmt;

use model::{FieldError, Fields, Timestamp};
use x509_parser::certificate::X509Certificate;

use crate::{
    chain::{self, Chain, is_ca, is_sha1_signed},
    key::{self, PrivateKey},
    leaf::{self, KeyType, ParsedCertificate, display_name, timestamp},
    text,
};

/// A certificate with its key, as needed by a server.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificatePair {
    /// The certificate and its intermediates, in PEM, in the order that they are sent, without a
    /// root.
    pub chain: String,
    /// The private key, in PEM, as PKCS#8.
    pub key: String,
    /// The parsed certificate.
    pub leaf: ParsedCertificate,
}

/// Omits the private key.
impl fmt::Debug for CertificatePair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificatePair")
            .field("leaf", &self.leaf)
            .finish_non_exhaustive()
    }
}

/// Checks that a chain and a key belong together and that browsers accept them now. The
/// certificates may be in any order; a root is dropped.
///
/// # Errors
/// All problems, under the fields `chain` and `key`.
pub fn validate_upload(
    chain_pem: &str,
    key_pem: &str,
    now: Timestamp,
) -> Result<CertificatePair, Vec<FieldError>> {
    let mut fields = Fields::default();
    let key = key::parse_leaf(key_pem)
        .map_err(|message| fields.add_error("key", message))
        .ok();
    if chain_pem.contains("PRIVATE KEY-----") {
        fields.add_error(
            "chain",
            "The chain contains a private key. Paste the key into its own field.",
        );
    }
    let ders = text::parse_certificates(chain_pem)
        .map_err(|message| fields.add_error("chain", message))
        .unwrap_or_default();
    let parsed: Result<Vec<_>, _> = ders.iter().map(|der| leaf::parse(der)).collect();
    let certificates = parsed
        .map_err(|error| fields.add_error("chain", error.to_string()))
        .unwrap_or_default();
    let public_key = key.as_ref().map(|key| key.public.as_slice());
    let pair = chain::build(&certificates, public_key)
        .and_then(|chain| build_pair(&chain, key.as_ref(), now, &mut fields));
    fields.finish(pair)
}

fn build_pair(
    chain: &Chain<'_, '_>,
    key: Option<&PrivateKey>,
    now: Timestamp,
    fields: &mut Fields,
) -> Option<CertificatePair> {
    let leaf = leaf::from_x509(chain.leaf)
        .map_err(|error| fields.add_error("chain", error.to_string()))
        .ok()?;
    let leaf_problems = check_leaf(chain.leaf, &leaf, now);
    let issuer_problems = chain
        .intermediates
        .iter()
        .filter_map(|certificate| check_intermediate(certificate, now));
    for message in leaf_problems
        .into_iter()
        .chain(chain.problems.iter().cloned())
        .chain(issuer_problems)
    {
        fields.add_error("chain", message);
    }
    let key = key?;
    if key.public != chain.leaf.public_key().raw {
        fields.add_error(
            "key",
            format!(
                "This is not the key of the certificate of {}. Paste the key that the certificate \
                    was requested with.",
                subject_name(chain.leaf, &leaf)
            ),
        );
    }
    let sent = std::iter::once(chain.leaf).chain(chain.intermediates.iter().copied());
    Some(CertificatePair {
        chain: sent
            .map(|certificate| text::encode_pem("CERTIFICATE", certificate.as_raw()))
            .collect(),
        key: key.pem.clone(),
        leaf,
    })
}

fn check_leaf(
    certificate: &X509Certificate<'_>,
    leaf: &ParsedCertificate,
    now: Timestamp,
) -> Vec<String> {
    if is_ca(certificate) {
        return vec![format!(
            "The certificate of {} is a CA certificate. Paste the server certificate before it.",
            display_name(certificate.subject())
        )];
    }
    let mut problems = Vec::new();
    let (issued, holder) = (&leaf.issued, subject_name(certificate, leaf));
    if issued.names.is_empty() {
        problems.push(
            "The certificate has no hostname. Use a certificate with Subject Alternative Names."
                .to_owned(),
        );
    }
    match KeyType::from_spki(certificate.public_key()) {
        KeyType::P256 | KeyType::P384 | KeyType::Rsa(2048..=4096) => {}
        KeyType::Rsa(bits) => problems.push(format!(
            "The certificate's key is RSA with {bits} bits. Use RSA with 2048 to 4096 bits, or \
                ECDSA on P-256."
        )),
        other => problems.push(format!(
            "The certificate's key is {}, which browsers reject. Use ECDSA on P-256 or P-384, or \
                RSA with 2048 to 4096 bits.",
            other.label()
        )),
    }
    if let Ok(Some(usage)) = certificate.extended_key_usage()
        && !usage.value.server_auth
        && !usage.value.any
    {
        problems.push(
            "The certificate is not for servers: its extended key usage lacks serverAuth."
                .to_owned(),
        );
    }
    problems.extend(check_validity(certificate, &holder, now));
    if is_sha1_signed(certificate) {
        problems.push(sha1_message(&holder));
    }
    problems
}

fn check_intermediate(certificate: &X509Certificate<'_>, now: Timestamp) -> Option<String> {
    let holder = display_name(certificate.subject());
    let sha1_message = || is_sha1_signed(certificate).then(|| sha1_message(&holder));
    check_validity(certificate, &holder, now).or_else(sha1_message)
}

fn check_validity(
    certificate: &X509Certificate<'_>,
    holder: &str,
    now: Timestamp,
) -> Option<String> {
    let validity = certificate.validity();
    let (from, until) = (
        timestamp(&validity.not_before),
        timestamp(&validity.not_after),
    );
    if until <= now {
        Some(format!(
            "The certificate of {holder} expired on {}. Upload a valid certificate.",
            until.rfc3339()
        ))
    } else if from > now {
        Some(format!(
            "The certificate of {holder} is not valid before {}. Upload the certificate then.",
            from.rfc3339()
        ))
    } else {
        None
    }
}

fn sha1_message(holder: &str) -> String {
    format!(
        "The certificate of {holder} is signed with SHA-1, which browsers reject. Use a \
            certificate that is signed with SHA-256."
    )
}

/// The first DNS name of a certificate, because many have no subject; otherwise the subject.
fn subject_name(certificate: &X509Certificate<'_>, leaf: &ParsedCertificate) -> String {
    match leaf.issued.names.first() {
        Some(name) => name.to_string(),
        None => display_name(certificate.subject()),
    }
}

#[cfg(test)]
mod tests;
