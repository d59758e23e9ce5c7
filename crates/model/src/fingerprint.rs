//! Certificate fingerprints.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Invalid, text::text_value};

/// The SHA-256 fingerprint of a certificate in Proxmox's notation: 32 pairs of upper-case
/// hexadecimal digits separated by colons.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);
text_value!(Fingerprint);

impl FromStr for Fingerprint {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits: String = text
            .chars()
            .filter(|c| *c != ':' && !c.is_ascii_whitespace())
            .collect();
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Invalid::new(
                "A fingerprint is 64 hexadecimal digits, such as A1:B2:…",
            ));
        }
        let digits = digits.to_ascii_uppercase();
        let pairs: Vec<&str> = (0..32)
            .filter_map(|pair| digits.get(pair * 2..pair * 2 + 2))
            .collect();
        Ok(Self(pairs.join(":")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_normalized() {
        let plain = "ab".repeat(32);
        let print: Fingerprint = plain.parse().unwrap();
        assert_eq!(print.as_str(), vec!["AB"; 32].join(":"));
        assert_eq!(print.as_str().parse::<Fingerprint>().unwrap(), print);
        assert!("AB:CD".parse::<Fingerprint>().is_err());
    }
}
