//! Refuses passwords that are easy to guess.

use model::{
    Invalid,
    names::{EmailAddress, Username},
    text::FullName,
};
use zxcvbn::{Score, zxcvbn};

/// Texts that others know about a user, and would try first.
#[derive(Clone)]
pub(crate) struct PersonalTexts(Vec<String>);

impl PersonalTexts {
    pub(crate) fn new(name: &Username, full_name: &FullName, email: &EmailAddress) -> Self {
        let texts = [name.as_str(), full_name.as_str(), email.as_str()];
        let words = texts
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.chars().count() > 2);
        Self(
            texts
                .iter()
                .copied()
                .chain(words)
                .map(str::to_owned)
                .collect(),
        )
    }
}

/// Refuses common passwords and those that consist of the user's own names, by the estimate of
/// zxcvbn (<https://github.com/dropbox/zxcvbn>), which has lists of common passwords. There are no
/// rules about kinds of characters (NIST SP 800-63B, section 5.1.1.2).
pub(super) fn check(password: &str, personal: &PersonalTexts) -> Result<(), Invalid> {
    let PersonalTexts(personal) = personal;
    let personal: Vec<&str> = personal.iter().map(String::as_str).collect();
    match zxcvbn(password, &personal).score() < Score::Two {
        true => Err(Invalid::new(
            "This password is easy to guess. Use several words, or a password manager.",
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(password: &str) -> bool {
        let (name, email) = ("anna-lena", "anna@example.org");
        let full_name = "Anna-Lena Example";
        let personal = PersonalTexts::new(
            &name.parse().unwrap(),
            &full_name.parse().unwrap(),
            &email.parse().unwrap(),
        );
        check(password, &personal).is_err()
    }

    #[test]
    fn common_and_personal_passwords_are_refused() {
        for password in [
            "password",
            "Password1",
            "12345678",
            "qwertyuiop",
            "iloveyou",
            "letmein123",
            "aaaaaaaaaaaa",
            "anna-lena",
            "anna-lena1",
            "anna@example.org",
        ] {
            assert!(is_refused(password), "{password}");
        }
    }

    #[test]
    fn other_passwords_are_accepted() {
        for password in [
            "correct horse",
            "battery staple",
            "j3nn1fer&tom-in-rome",
            "häuserzeile am see",
        ] {
            assert!(!is_refused(password), "{password}");
        }
        assert!(!is_refused(&"correct horse ".repeat(18)[..250]));
    }
}
