//! The way from a certificate up to an authority, through others that somebody pasted in whatever
//! order. Must not judge dates, names and keys.

use x509_parser::{
    certificate::X509Certificate,
    error::X509Error,
    oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA},
};

use crate::leaf::called;

/// Certificates in the order in which a server sends them (RFC 8446, section 4.4.2).
pub(crate) struct Chain<'c, 'd> {
    /// The certificate itself.
    pub(crate) leaf: &'c X509Certificate<'d>,
    /// Those that vouch, each for the one before, without a root: browsers have their own.
    pub(crate) above: Vec<&'c X509Certificate<'d>>,
    /// What is wrong with the way, one sentence each.
    pub(crate) faults: Vec<String>,
}

/// Finds the certificate whose key this is, and the way up from it. Without a key it is the first
/// that is no authority's. None when there are no certificates at all.
pub(crate) fn find<'c, 'd>(
    certificates: &'c [X509Certificate<'d>],
    public_key: Option<&[u8]>,
) -> Option<Chain<'c, 'd>> {
    let mut all: Vec<&X509Certificate<'_>> = Vec::new();
    for certificate in certificates {
        if !all
            .iter()
            .any(|other| other.as_raw() == certificate.as_raw())
        {
            all.push(certificate);
        }
    }
    let with_key = all
        .iter()
        .find(|one| public_key == Some(one.public_key().raw));
    let leaf = with_key
        .or_else(|| all.iter().find(|one| !is_authority(one)))
        .or_else(|| all.first())
        .copied()?;
    let mut chain = Chain {
        leaf,
        above: Vec::new(),
        faults: Vec::new(),
    };
    climb(&mut chain, &all);
    let strangers = all.iter().filter(|one| {
        let is_in = |other: &&X509Certificate<'_>| other.as_raw() == one.as_raw();
        !is_in(&chain.leaf) && !chain.above.iter().any(is_in) && !is_root(one)
    });
    // One sentence for a certificate that could not be verified is enough.
    if chain.faults.is_empty() {
        chain.faults = strangers.map(|one| stranger(one, leaf)).collect();
    }
    chain.above.retain(|one| !is_root(one));
    Some(chain)
}

fn climb<'c, 'd>(chain: &mut Chain<'c, 'd>, all: &[&'c X509Certificate<'d>]) {
    let mut current = chain.leaf;
    while !is_root(current) {
        let is_new = |one: &X509Certificate<'_>| {
            one.as_raw() != chain.leaf.as_raw()
                && !chain
                    .above
                    .iter()
                    .any(|other| other.as_raw() == one.as_raw())
        };
        let mut named: Vec<&'c X509Certificate<'d>> = all
            .iter()
            .copied()
            .filter(|one| one.subject().as_raw() == current.issuer().as_raw() && is_new(one))
            .collect();
        // A root that another authority vouches for is sent for the sake of old browsers.
        named.sort_by_key(|one| is_root(one));
        match vouching(current, &named) {
            Ok(None) => return,
            Ok(Some(next)) => {
                chain.above.push(next);
                current = next;
            }
            Err(fault) => {
                chain.faults.push(fault);
                return;
            }
        }
    }
}

/// Which of those that a certificate names as its issuer has signed it; none when there are none.
fn vouching<'c, 'd>(
    current: &X509Certificate<'_>,
    named: &[&'c X509Certificate<'d>],
) -> Result<Option<&'c X509Certificate<'d>>, String> {
    let mut fault = None;
    for issuer in named {
        let (name, by) = (called(current.subject()), called(issuer.subject()));
        match current.verify_signature(Some(issuer.public_key())) {
            Ok(()) if is_authority(issuer) => return Ok(Some(issuer)),
            Ok(()) => {
                fault = Some(format!(
                    "The certificate of {by} may not vouch for others, yet it signed the one of {name}."
                ));
            }
            Err(X509Error::SignatureUnsupportedAlgorithm) => {
                fault = Some(format!(
                    "The certificate of {name} is signed in a way that cannot be checked. Have one that is signed with RSA or ECDSA and SHA-256 or better."
                ));
            }
            Err(_) => {
                fault = Some(format!(
                    "The certificate of {by} has the name, but not the key, of who signed the one of {name}. Paste the one that came with it."
                ));
            }
        }
    }
    fault.map_or(Ok(None), Err)
}

fn stranger(one: &X509Certificate<'_>, leaf: &X509Certificate<'_>) -> String {
    format!(
        "The certificate of {} does not vouch for the one of {}. Paste only the certificate itself and those between it and its authority.",
        called(one.subject()),
        called(leaf.subject())
    )
}

/// Whether it may sign other certificates (RFC 5280, section 4.2.1.9).
pub(crate) fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    matches!(certificate.basic_constraints(), Ok(Some(basic)) if basic.value.ca)
}

/// Whether it is an authority that nobody but itself vouches for.
fn is_root(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw() && is_authority(certificate)
}

/// Whether its signature rests on SHA-1, which browsers refuse.
pub(crate) fn is_by_sha1(certificate: &X509Certificate<'_>) -> bool {
    let algorithm = &certificate.signature_algorithm.algorithm;
    *algorithm == OID_PKCS1_SHA1WITHRSA || *algorithm == OID_SHA1_WITH_RSA
}
