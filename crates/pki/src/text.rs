//! Texts that hold certificates (PEM, RFC 7468), and words that others wrote into something.

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject};

/// Longer than any chain that is in use.
const MAX_CHAIN: usize = 100_000;

/// More than any chain has, so that what looks for the way through them has an end.
pub(crate) const MAX_CERTIFICATES: usize = 12;

/// Why a text holds no certificates, as a sentence.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    if pem.len() > MAX_CHAIN {
        return Err("That is more than 100000 characters. Paste the chain of one certificate.");
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|_| {
        "A certificate is damaged. Paste it whole, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."
    })?;
    match found.len() {
        0 => Err("There is no certificate. Paste it from -----BEGIN CERTIFICATE-----."),
        1..=MAX_CERTIFICATES => Ok(found),
        _ => Err("These are too many certificates. Paste the chain of one certificate."),
    }
}

/// Bytes as text under a label, in lines of 64 characters.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut lines = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII, so every place is the end of a character.
        let (line, next) = rest.split_at(rest.len().min(64));
        lines.push_str(line);
        lines.push('\n');
        rest = next;
    }
    lines.push_str(&format!("-----END {label}-----\n"));
    lines
}

/// What somebody else wrote, fit to be shown: on one line, without controls, not too long.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_others_stay_on_one_line() {
        assert_eq!(plain(" a\r\n\tb\u{1b}[31mc \0", 100), "a b [31mc");
        assert_eq!(plain("äöü", 2), "äö…");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(der in proptest::collection::vec(any::<u8>(), 1..300)) {
            let text = pem("CERTIFICATE", &der);
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            let read = certificates(&text).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].as_ref(), &der[..]);
        }

        #[test]
        fn no_text_makes_it_fall(text in "\\PC{0,200}", label in "[A-Z ]{0,12}") {
            let _ = certificates(&text);
            let _ = certificates(&format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----"));
        }
    }
}
