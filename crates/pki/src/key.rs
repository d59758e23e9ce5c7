//! Parses private keys in all common formats and normalizes them to PKCS#8. Must not know what a
//! key is for.

use rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{AlgorithmIdentifier, PrivateKeyDer, PrivatePkcs8KeyDer, alg_id, pem::PemObject},
};
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

use crate::{leaf::KeyType, text};

/// Maximum size of a key file in bytes, including text that tools add.
const MAX_KEY: usize = 20_000;

/// A parsed private key.
pub(crate) struct PrivateKey {
    /// In PEM, as PKCS#8 (RFC 5958).
    pub(crate) pem: String,
    /// The public key as in a certificate (`SubjectPublicKeyInfo`, RFC 5280, section 4.1).
    pub(crate) public: Vec<u8>,
}

/// Parses a key in PKCS#8, PKCS#1 (RSA) or SEC1 (ECDSA).
///
/// # Errors
/// A message that says how to correct the input.
pub(crate) fn parse_leaf(pem: &str) -> Result<PrivateKey, &'static str> {
    if pem.len() > MAX_KEY {
        return Err("The key has more than 20000 characters. Paste one key.");
    }
    if pem.contains("ENCRYPTED") {
        return Err(
            "The key has a passphrase. Remove it first: openssl pkey -in key.pem -out plain.pem",
        );
    }
    let keys: Result<Vec<PrivateKeyDer<'static>>, _> =
        PrivateKeyDer::pem_slice_iter(pem.as_bytes()).collect();
    let keys = keys.map_err(|_| {
        "The key is damaged. Paste all lines from -----BEGIN PRIVATE KEY----- to -----END PRIVATE \
            KEY-----."
    })?;
    match keys.as_slice() {
        [] => Err("No key was found. Paste a key that starts with -----BEGIN PRIVATE KEY-----."),
        [key] => normalize(key),
        _ => Err("More than one key was found. Paste only the certificate's key."),
    }
}

fn normalize(key: &PrivateKeyDer<'_>) -> Result<PrivateKey, &'static str> {
    const UNUSABLE: &str = "The key is not supported. Use RSA with 2048 to 4096 bits, or ECDSA on \
        P-256 or P-384, as PKCS #8: openssl pkey -in key.pem -out plain.pem";
    let public = public_key_info(key).ok_or(UNUSABLE)?;
    let algorithm = || {
        let (_, key) = SubjectPublicKeyInfo::from_der(&public).ok()?;
        match KeyType::from_spki(&key) {
            KeyType::Rsa(_) => Some(alg_id::RSA_ENCRYPTION),
            KeyType::P256 => Some(alg_id::ECDSA_P256),
            KeyType::P384 => Some(alg_id::ECDSA_P384),
            _ => None,
        }
    };
    let der = match key {
        PrivateKeyDer::Pkcs8(der) => der.secret_pkcs8_der().to_vec(),
        other => wrap_pkcs8(&algorithm().ok_or(UNUSABLE)?, other.secret_der()),
    };
    // The normalized key must have the same public key as the input.
    let normalized = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der.as_slice()));
    if public_key_info(&normalized).as_ref() != Some(&public) {
        return Err(UNUSABLE);
    }
    Ok(PrivateKey {
        pem: text::encode_pem("PRIVATE KEY", &der),
        public,
    })
}

fn public_key_info(key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    let key = any_supported_type(key).ok()?;
    Some(key.public_key()?.as_ref().to_vec())
}

/// Wraps a PKCS#1 or SEC1 key as PKCS#8 (RFC 5208, section 5): version, algorithm and key.
fn wrap_pkcs8(algorithm: &AlgorithmIdentifier, key: &[u8]) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    let mut content = der(0x02, &[0]);
    content.extend(der(SEQUENCE, algorithm.as_ref()));
    content.extend(der(0x04, key));
    der(SEQUENCE, &content)
}

/// Encodes a DER value with its tag and length (X.690, section 8.1).
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match significant.as_slice() {
        [] => bytes.push(0),
        [short @ 0..0x80] => bytes.push(*short),
        long => {
            // A `usize` length has at most eight bytes.
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            bytes.extend(long);
        }
    }
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Standard output of a shell command that runs OpenSSL.
    fn openssl(command: &str) -> String {
        let output = Command::new("sh")
            .args(["-c", command])
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: is openssl installed?");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn all_key_formats_are_normalized_to_pkcs8() {
        for generate in [
            "openssl genrsa 2048",
            "openssl ecparam -name prime256v1 -genkey",
            "openssl ecparam -name secp384r1 -genkey",
        ] {
            let script = format!(
                "key=$({generate}); echo \"$key\" | openssl pkey; echo ===; \
                 echo \"$key\" | openssl pkey -traditional; echo ===; echo \"$key\""
            );
            let texts = openssl(&script);
            let keys: Vec<PrivateKey> = texts
                .split("===\n")
                .map(|text| {
                    parse_leaf(text)
                        .unwrap_or_else(|message| panic!("{generate}: {message}\n{text}"))
                })
                .collect();
            assert_eq!(keys.len(), 3, "{generate}");
            for key in &keys {
                assert!(key.pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
                assert_eq!(key.public, keys[0].public, "{generate}");
                assert!(parse_leaf(&key.pem).is_ok());
            }
        }
    }

    #[test]
    fn unusable_keys_are_refused_with_a_remedy() {
        let two = openssl(
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        );
        let cases = [
            (String::new(), "No key was found"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n".to_owned(), "damaged"),
            (two, "More than one key"),
            (
                openssl("openssl genpkey -algorithm RSA -aes128 -pass pass:geheim"),
                "passphrase",
            ),
            (
                openssl("openssl genrsa -traditional -aes128 -passout pass:geheim"),
                "passphrase",
            ),
            (openssl("openssl genrsa 1024"), "2048 to 4096"),
            (openssl("openssl ecparam -name secp521r1 -genkey"), "P-384"),
            ("x".repeat(30_000), "20000"),
        ];
        for (text, expected) in cases {
            let message = parse_leaf(&text).err().unwrap_or_default();
            assert!(
                message.contains(expected),
                "{message:?} does not contain {expected:?}\n{text}"
            );
        }
    }

    #[test]
    fn der_lengths_use_short_and_long_form() {
        assert_eq!(der(4, &[]), [4, 0]);
        assert_eq!(der(4, &[1; 127])[..2], [4, 127]);
        assert_eq!(der(4, &[1; 128])[..3], [4, 0x81, 128]);
        assert_eq!(der(4, &[1; 300])[..4], [4, 0x82, 1, 44]);
    }
}
