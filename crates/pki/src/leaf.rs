//! Parses a certificate. Must not judge it: that is the task of [`mod@crate::check`].

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{
    Timestamp,
    certificates::{CertificateContents, CertificateName},
    fingerprint::Fingerprint,
};
use sha2::{Digest, Sha256};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    oid_registry::{
        OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
        OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
    },
    prelude::FromDer,
    public_key::PublicKey,
    time::ASN1Time,
    x509::{SubjectPublicKeyInfo, X509Name},
};

use crate::text;

/// A text without a readable certificate; the message is one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub(crate) String);

/// The identifier of a certificate in requests for renewal information (RFC 9773, section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalId {
    /// The `keyIdentifier` of the Authority Key Identifier, in base64url.
    pub authority: String,
    /// The serial number's bytes, in base64url.
    pub serial: String,
}

/// The contents of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedCertificate {
    /// Names, issuer, validity, fingerprint and key type.
    pub issued: CertificateContents,
    /// The serial number, in lower-case hexadecimal digits.
    pub serial: String,
    /// The renewal identifier; `None` without an Authority Key Identifier.
    pub renewal: Option<RenewalId>,
}

/// Parses the first certificate of a chain.
///
/// # Errors
/// When the text has no certificate, or a damaged one.
pub fn read(chain_pem: &str) -> Result<ParsedCertificate, ParseError> {
    let certificates =
        text::parse_certificates(chain_pem).map_err(|message| ParseError(message.to_owned()))?;
    let first = certificates.first().map(AsRef::as_ref).unwrap_or_default();
    from_x509(&parse(first)?)
}

/// Parses DER. Trailing bytes are an error.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, ParseError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(ParseError(
            "A certificate is damaged and cannot be parsed.".to_owned(),
        )),
    }
}

/// Extracts the contents of a certificate.
pub(crate) fn from_x509(
    certificate: &X509Certificate<'_>,
) -> Result<ParsedCertificate, ParseError> {
    let digits = hex::encode(Sha256::digest(certificate.as_raw()));
    let fingerprint: Fingerprint = digits.parse().map_err(|_| {
        ParseError("The certificate's fingerprint could not be computed.".to_owned())
    })?;
    let raw_serial = certificate.raw_serial();
    Ok(ParsedCertificate {
        issued: CertificateContents {
            names: names(certificate),
            issuer: issuer_name(certificate.issuer()),
            not_before: timestamp(&certificate.validity().not_before),
            not_after: timestamp(&certificate.validity().not_after),
            fingerprint,
            key: KeyType::from_spki(certificate.public_key()).label(),
        },
        // A leading zero byte only marks the number as positive.
        serial: hex::encode(match raw_serial {
            [0, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        }),
        renewal: authority_key(certificate).map(|key| RenewalId {
            authority: BASE64_URL_SAFE_NO_PAD.encode(key),
            serial: BASE64_URL_SAFE_NO_PAD.encode(raw_serial),
        }),
    })
}

/// The DNS names of the certificate. Other names, such as IP addresses, are omitted.
fn names(certificate: &X509Certificate<'_>) -> Vec<CertificateName> {
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let mut names: Vec<CertificateName> = Vec::new();
    for name in &alternatives.value.general_names {
        let GeneralName::DNSName(text) = name else {
            continue;
        };
        if let Ok(name) = text.parse()
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

fn authority_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(key) => {
                key.key_identifier.as_ref().map(|identifier| identifier.0)
            }
            _ => None,
        })
}

fn issuer_name(name: &X509Name<'_>) -> String {
    let issuer = display_name(name);
    if issuer.is_empty() {
        "unnamed".to_owned()
    } else {
        issuer
    }
}

/// The display name of a subject or issuer: common name and organization.
pub(crate) fn display_name(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next();
    let organization = name.iter_organization().next();
    let names: Vec<&str> = [common, organization]
        .into_iter()
        .flatten()
        .filter_map(|attribute| attribute.as_str().ok())
        .collect();
    match names.as_slice() {
        [common, organization] if !common.contains(organization) => {
            text::sanitize(&format!("{common}, {organization}"), 200)
        }
        [first, ..] => text::sanitize(first, 200),
        [] => text::sanitize(&name.to_string(), 200),
    }
}

/// Converts a certificate time, which has a resolution of seconds.
pub(crate) fn timestamp(time: &ASN1Time) -> Timestamp {
    Timestamp(time.timestamp().saturating_mul(1000))
}

/// The key type of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// RSA with a key size in bits.
    Rsa(usize),
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// Any other key type.
    Other,
}

impl KeyType {
    pub(crate) fn from_spki(key: &SubjectPublicKeyInfo<'_>) -> Self {
        let algorithm = &key.algorithm;
        if algorithm.algorithm == OID_PKCS1_RSAENCRYPTION {
            return match key.parsed() {
                Ok(PublicKey::RSA(key)) => Self::Rsa(bit_length(key.modulus)),
                _ => Self::Other,
            };
        }
        if algorithm.algorithm == OID_SIG_ED25519 {
            return Self::Ed25519;
        }
        let curve = algorithm
            .parameters
            .as_ref()
            .and_then(|any| any.as_oid().ok());
        match curve {
            _ if algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY => Self::Other,
            Some(curve) if curve == OID_EC_P256 => Self::P256,
            Some(curve) if curve == OID_NIST_EC_P384 => Self::P384,
            Some(curve) if curve == OID_NIST_EC_P521 => Self::P521,
            _ => Self::Other,
        }
    }

    pub(crate) fn label(self) -> String {
        match self {
            Self::Rsa(bits) => format!("RSA {bits}"),
            Self::P256 => "ECDSA P-256".to_owned(),
            Self::P384 => "ECDSA P-384".to_owned(),
            Self::P521 => "ECDSA P-521".to_owned(),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::Other => "of an unsupported type".to_owned(),
        }
    }
}

/// The bit length of a big-endian number, without leading zeros.
fn bit_length(number: &[u8]) -> usize {
    let mut rest = number;
    while let [0, next @ ..] = rest {
        rest = next;
    }
    let Some(first) = rest.first() else {
        return 0;
    };
    rest.len() * 8 - first.leading_zeros() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
        PKCS_ECDSA_P384_SHA384, SerialNumber, date_time_ymd,
    };

    use super::*;

    #[test]
    fn certificate_contents_are_parsed() {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_identifier_method = KeyIdMethod::PreSpecified(vec![0xC0, 0xFF, 0xEE]);
        params.distinguished_name.push(DnType::CommonName, "R11");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Let's\nEncrypt");
        let authority = Issuer::new(params, KeyPair::generate().unwrap());

        let names = ["Example.org", "*.example.org", "example.org", "192.0.2.1"];
        let mut params = CertificateParams::new(names.map(str::to_owned)).unwrap();
        params.serial_number = Some(SerialNumber::from_slice(&[0xCA, 0xFE]));
        params.use_authority_key_identifier_extension = true;
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 4, 1);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();

        let leaf = read(&certificate.pem()).unwrap();
        let issued = leaf.issued;
        let names: Vec<String> = issued.names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["example.org", "*.example.org"]);
        assert_eq!(issued.issuer, "R11, Let's Encrypt");
        assert_eq!(issued.not_before.rfc3339(), "2026-01-01T00:00:00Z");
        assert_eq!(issued.not_after.rfc3339(), "2026-04-01T00:00:00Z");
        assert_eq!(issued.key, "ECDSA P-384");
        let digest = hex::encode(Sha256::digest(certificate.der()));
        assert_eq!(issued.fingerprint, digest.parse().unwrap());
        assert_eq!(leaf.serial, "cafe");
        // The example of instant-acme, which is that of RFC 9773 with another serial number.
        let id = leaf.renewal.unwrap();
        assert_eq!(format!("{}.{}", id.authority, id.serial), "wP_u.AMr-");
    }

    #[test]
    fn text_without_certificate_is_refused_with_a_message() {
        for text in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(
                message.ends_with('.') && message.contains("certificate"),
                "{message}"
            );
        }
    }

    #[test]
    fn bit_length_ignores_leading_zeros() {
        assert_eq!(bit_length(&[0, 0x80, 0]), 16);
        assert_eq!(bit_length(&[1, 0]), 9);
        assert_eq!(bit_length(&[0, 0]), 0);
    }

    proptest! {
        #[test]
        fn read_never_panics_on_random_bytes(der in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&text::encode_pem("CERTIFICATE", &der));
        }

        #[test]
        fn read_never_panics_on_modified_certificates(at in 0usize..600, byte: u8) {
            let generated = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
            let mut der = generated.cert.der().to_vec();
            let index = at % der.len();
            der[index] = byte;
            let _ = read(&text::encode_pem("CERTIFICATE", &der));
        }
    }
}
