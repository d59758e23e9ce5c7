//! Builds the chain from a certificate to its root out of certificates in any order. Must not check
//! validity dates, names or keys.

use x509_parser::{
    certificate::X509Certificate,
    error::X509Error,
    oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA},
};

use crate::leaf::display_name;

/// Certificates in the order that a server sends them (RFC 8446, section 4.4.2).
pub(crate) struct Chain<'c, 'd> {
    /// The server certificate.
    pub(crate) leaf: &'c X509Certificate<'d>,
    /// The intermediates, each the issuer of the one before, without the root: browsers have their
    /// own.
    pub(crate) intermediates: Vec<&'c X509Certificate<'d>>,
    /// Problems of the chain, one sentence each.
    pub(crate) problems: Vec<String>,
}

/// Finds the certificate of the key and builds its chain. Without a key, the first certificate that
/// is no CA is used. `None` when the list is empty.
pub(crate) fn build<'c, 'd>(
    certificates: &'c [X509Certificate<'d>],
    public_key: Option<&[u8]>,
) -> Option<Chain<'c, 'd>> {
    let mut unique: Vec<&X509Certificate<'_>> = Vec::new();
    for certificate in certificates {
        if !unique
            .iter()
            .any(|other| other.as_raw() == certificate.as_raw())
        {
            unique.push(certificate);
        }
    }
    let with_key = unique
        .iter()
        .find(|certificate| public_key == Some(certificate.public_key().raw));
    let leaf = with_key
        .or_else(|| unique.iter().find(|certificate| !is_ca(certificate)))
        .or_else(|| unique.first())
        .copied()?;
    let mut chain = Chain {
        leaf,
        intermediates: Vec::new(),
        problems: Vec::new(),
    };
    add_issuers(&mut chain, &unique);
    let unrelated = unique.iter().filter(|certificate| {
        let is_same = |other: &&X509Certificate<'_>| other.as_raw() == certificate.as_raw();
        !is_same(&chain.leaf) && !chain.intermediates.iter().any(is_same) && !is_root(certificate)
    });
    // A broken chain makes further certificates unrelated; one message is enough.
    if chain.problems.is_empty() {
        chain.problems = unrelated
            .map(|certificate| unrelated_message(certificate, leaf))
            .collect();
    }
    chain
        .intermediates
        .retain(|certificate| !is_root(certificate));
    Some(chain)
}

fn add_issuers<'c, 'd>(chain: &mut Chain<'c, 'd>, all: &[&'c X509Certificate<'d>]) {
    let mut current = chain.leaf;
    while !is_root(current) {
        let is_new = |candidate: &X509Certificate<'_>| {
            candidate.as_raw() != chain.leaf.as_raw()
                && !chain
                    .intermediates
                    .iter()
                    .any(|other| other.as_raw() == candidate.as_raw())
        };
        let mut candidates: Vec<&'c X509Certificate<'d>> = all
            .iter()
            .copied()
            .filter(|candidate| {
                candidate.subject().as_raw() == current.issuer().as_raw() && is_new(candidate)
            })
            .collect();
        // A cross-signed root is sent for old clients, so it comes before the self-signed one.
        candidates.sort_by_key(|candidate| is_root(candidate));
        match find_issuer(current, &candidates) {
            Ok(None) => return,
            Ok(Some(issuer)) => {
                chain.intermediates.push(issuer);
                current = issuer;
            }
            Err(problem) => {
                chain.problems.push(problem);
                return;
            }
        }
    }
}

/// The candidate that signed a certificate; `None` when there are no candidates.
fn find_issuer<'c, 'd>(
    current: &X509Certificate<'_>,
    candidates: &[&'c X509Certificate<'d>],
) -> Result<Option<&'c X509Certificate<'d>>, String> {
    let mut problem = None;
    for issuer in candidates {
        let (name, by) = (
            display_name(current.subject()),
            display_name(issuer.subject()),
        );
        match current.verify_signature(Some(issuer.public_key())) {
            Ok(()) if is_ca(issuer) => return Ok(Some(issuer)),
            Ok(()) => {
                problem = Some(format!(
                    "The certificate of {by} is not a CA certificate, but it signed the \
                        certificate of {name}."
                ));
            }
            Err(X509Error::SignatureUnsupportedAlgorithm) => {
                problem = Some(format!(
                    "The signature of the certificate of {name} has an unsupported algorithm. Use \
                        RSA or ECDSA with SHA-256 or better."
                ));
            }
            Err(_) => {
                problem = Some(format!(
                    "The certificate of {by} has the right name, but its key did not sign the \
                        certificate of {name}. Paste the chain that was issued with the \
                        certificate."
                ));
            }
        }
    }
    problem.map_or(Ok(None), Err)
}

fn unrelated_message(certificate: &X509Certificate<'_>, leaf: &X509Certificate<'_>) -> String {
    format!(
        "The certificate of {} did not sign the certificate of {}. Paste only the certificate and \
            its intermediate certificates.",
        display_name(certificate.subject()),
        display_name(leaf.subject())
    )
}

/// Whether the certificate is a CA (RFC 5280, section 4.2.1.9).
pub(crate) fn is_ca(certificate: &X509Certificate<'_>) -> bool {
    matches!(certificate.basic_constraints(), Ok(Some(basic)) if basic.value.ca)
}

/// Whether the certificate is a self-signed CA.
fn is_root(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw() && is_ca(certificate)
}

/// Whether the certificate is signed with SHA-1, which browsers refuse.
pub(crate) fn is_sha1_signed(certificate: &X509Certificate<'_>) -> bool {
    let algorithm = &certificate.signature_algorithm.algorithm;
    *algorithm == OID_PKCS1_SHA1WITHRSA || *algorithm == OID_SHA1_WITH_RSA
}
