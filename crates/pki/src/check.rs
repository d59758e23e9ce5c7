//! What somebody brings as a certificate with its key, checked before it is believed. Must not know
//! for which domain it is.

use std::fmt;

use model::{FieldError, Fields, Timestamp};
use x509_parser::certificate::X509Certificate;

use crate::{
    chain::{self, Chain, is_authority, is_by_sha1},
    key::{self, PrivateKey},
    leaf::{self, Key, Leaf, called, moment},
    text,
};

/// A certificate with its key, as a server needs them.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate and those that vouch for it, in PEM, in the order in which they are sent, and
    /// without a root.
    pub chain: String,
    /// Its key, in PEM, as PKCS#8.
    pub key: String,
    /// What stands in the certificate.
    pub leaf: Leaf,
}

/// The key is a secret.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("leaf", &self.leaf)
            .finish_non_exhaustive()
    }
}

/// Checks that a chain and a key belong together and that browsers take them now. The order of the
/// certificates does not matter, and a root among them is left out.
///
/// # Errors
/// Everything that has to be put right, under `chain` and `key`.
pub fn check(chain_pem: &str, key_pem: &str, now: Timestamp) -> Result<Pair, Vec<FieldError>> {
    let mut fields = Fields::default();
    let key = key::read(key_pem)
        .map_err(|words| fields.refuse("key", words))
        .ok();
    if chain_pem.contains("PRIVATE KEY-----") {
        fields.refuse(
            "chain",
            "There is a key among the certificates. Paste it into its own field.",
        );
    }
    let found = text::certificates(chain_pem)
        .map_err(|words| fields.refuse("chain", words))
        .unwrap_or_default();
    let read: Result<Vec<_>, _> = found.iter().map(|der| leaf::parse(der)).collect();
    let certificates = read
        .map_err(|error| fields.refuse("chain", error.to_string()))
        .unwrap_or_default();
    let public_key = key.as_ref().map(|key| key.public.as_slice());
    let pair = chain::find(&certificates, public_key)
        .and_then(|chain| judge(&chain, key.as_ref(), now, &mut fields));
    fields.finish(pair)
}

fn judge(
    chain: &Chain<'_, '_>,
    key: Option<&PrivateKey>,
    now: Timestamp,
    fields: &mut Fields,
) -> Option<Pair> {
    let known = leaf::leaf(chain.leaf)
        .map_err(|error| fields.refuse("chain", error.to_string()))
        .ok()?;
    let of_leaf = judge_leaf(chain.leaf, &known, now);
    let of_others = chain.above.iter().filter_map(|one| judge_other(one, now));
    for words in of_leaf
        .into_iter()
        .chain(chain.faults.iter().cloned())
        .chain(of_others)
    {
        fields.refuse("chain", words);
    }
    let key = key?;
    if key.public != chain.leaf.public_key().raw {
        fields.refuse(
            "key",
            format!(
                "This is not the key of the certificate of {}. Paste the key that it was asked for with.",
                holder(chain.leaf, &known)
            ),
        );
    }
    let sent = std::iter::once(chain.leaf).chain(chain.above.iter().copied());
    Some(Pair {
        chain: sent
            .map(|one| text::pem("CERTIFICATE", one.as_raw()))
            .collect(),
        key: key.pem.clone(),
        leaf: known,
    })
}

fn judge_leaf(certificate: &X509Certificate<'_>, known: &Leaf, now: Timestamp) -> Vec<String> {
    if is_authority(certificate) {
        return vec![format!(
            "The certificate of {} is an authority's own. Paste the one of the site before it.",
            called(certificate.subject())
        )];
    }
    let mut faults = Vec::new();
    let (issued, holder) = (&known.issued, holder(certificate, known));
    if issued.names.is_empty() {
        faults.push("The certificate is for no name of a host. It needs its names as Subject Alternative Names.".to_owned());
    }
    match Key::of(certificate.public_key()) {
        Key::P256 | Key::P384 | Key::Rsa(2048..=4096) => {}
        Key::Rsa(bits) => faults.push(format!(
            "The certificate's key is RSA with {bits} bits. Have one with 2048 to 4096 bits, or ECDSA on P-256."
        )),
        other => faults.push(format!(
            "The certificate's key is {}, which browsers do not take. Have one with ECDSA on P-256 or P-384, or RSA with 2048 to 4096 bits.",
            other.words()
        )),
    }
    if let Ok(Some(usage)) = certificate.extended_key_usage()
        && !usage.value.server_auth
        && !usage.value.any
    {
        faults.push(
            "The certificate is not for servers: its extended key usage lacks serverAuth."
                .to_owned(),
        );
    }
    faults.extend(date_fault(certificate, &holder, now));
    if is_by_sha1(certificate) {
        faults.push(by_sha1(&holder));
    }
    faults
}

fn judge_other(certificate: &X509Certificate<'_>, now: Timestamp) -> Option<String> {
    let holder = called(certificate.subject());
    let by_sha1 = || is_by_sha1(certificate).then(|| by_sha1(&holder));
    date_fault(certificate, &holder, now).or_else(by_sha1)
}

fn date_fault(certificate: &X509Certificate<'_>, holder: &str, now: Timestamp) -> Option<String> {
    let validity = certificate.validity();
    let (from, until) = (moment(&validity.not_before), moment(&validity.not_after));
    if until <= now {
        Some(format!(
            "The certificate of {holder} was good until {} and is no more. Bring its successor.",
            until.rfc3339()
        ))
    } else if from > now {
        Some(format!(
            "The certificate of {holder} is not good before {}. Bring it then.",
            from.rfc3339()
        ))
    } else {
        None
    }
}

fn by_sha1(holder: &str) -> String {
    format!(
        "The certificate of {holder} is signed with SHA-1, which browsers refuse. Have one that is signed with SHA-256."
    )
}

/// What a certificate is called: its first name, because many have no other.
fn holder(certificate: &X509Certificate<'_>, known: &Leaf) -> String {
    match known.issued.names.first() {
        Some(name) => name.to_string(),
        None => called(certificate.subject()),
    }
}

#[cfg(test)]
mod tests;
