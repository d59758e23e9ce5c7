//! PEM encoding and decoding (RFC 7468), and sanitizing of untrusted text.

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject};

/// Maximum size of a PEM chain in bytes.
const MAX_CHAIN: usize = 100_000;

/// Maximum number of certificates in a chain; bounds the search for issuers.
pub(crate) const MAX_CERTIFICATES: usize = 12;

/// Decodes the certificates of a PEM text. The error is a message for users.
pub(crate) fn parse_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    if pem.len() > MAX_CHAIN {
        return Err(
            "The chain has more than 100000 characters. Paste the chain of one certificate.",
        );
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.map_err(|_| {
        "A certificate is damaged. Paste all lines from -----BEGIN CERTIFICATE----- to -----END \
            CERTIFICATE-----."
    })?;
    match certificates.len() {
        0 => Err(
            "No certificate was found. Paste a chain that starts with -----BEGIN \
            CERTIFICATE-----.",
        ),
        1..=MAX_CERTIFICATES => Ok(certificates),
        _ => Err("The chain has too many certificates. Paste the chain of one certificate."),
    }
}

/// Encodes bytes as PEM with a label, in lines of 64 characters.
pub(crate) fn encode_pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut lines = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII, so every index is a character boundary.
        let (line, next) = rest.split_at(rest.len().min(64));
        lines.push_str(line);
        lines.push('\n');
        rest = next;
    }
    lines.push_str(&format!("-----END {label}-----\n"));
    lines
}

/// Makes untrusted text displayable: one line, no control characters, at most `max` characters.
pub(crate) fn sanitize(text: &str, max: usize) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let shortened: String = line.chars().take(max).collect();
    format!("{shortened}…")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sanitized_text_stays_on_one_line() {
        assert_eq!(sanitize(" a\r\n\tb\u{1b}[31mc \0", 100), "a b [31mc");
        assert_eq!(sanitize("äöü", 2), "äö…");
    }

    proptest! {
        #[test]
        fn encoded_certificate_is_decoded(der in proptest::collection::vec(any::<u8>(), 1..300)) {
            let text = encode_pem("CERTIFICATE", &der);
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            let read = parse_certificates(&text).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].as_ref(), &der[..]);
        }

        #[test]
        fn parse_certificates_never_panics(text in "\\PC{0,200}", label in "[A-Z ]{0,12}") {
            let _ = parse_certificates(&text);
            let _ = parse_certificates(&format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----"));
        }
    }
}
