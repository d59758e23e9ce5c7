//! Formats of users, groups, roles, realms and privileges.

use crate::roles;

type Check = std::result::Result<(), String>;

/// Pattern of a token name, the part after the exclamation mark.
pub(crate) const TOKEN_NAME: &str = r"[A-Za-z][A-Za-z0-9\.\-_]+";

/// Pattern of a user ID or token ID.
pub(crate) const USER_OR_TOKEN: &str =
    r"(?:[^\s:/]+)@(?:[A-Za-z][A-Za-z0-9\.\-_]+)(?:!(?:[A-Za-z][A-Za-z0-9\.\-_]+))?";

fn is_plain(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    !text.is_empty() && text.chars().all(known)
}

fn check(valid: bool, message: impl FnOnce() -> String) -> Check {
    if valid { Ok(()) } else { Err(message()) }
}

/// A user ID with realm.
pub(crate) fn userid(value: &str) -> Check {
    let valid = value.rsplit_once('@').is_some_and(|(name, realm)| {
        let is_reserved = |c: char| c.is_whitespace() || c == ':' || c == '/';
        let realm_begins = realm.starts_with(|first: char| first.is_ascii_alphabetic());
        !name.is_empty()
            && !name.contains(is_reserved)
            && realm_begins
            && realm.len() >= 2
            && is_plain(realm)
    });
    check(valid && (3..=64).contains(&value.len()), || {
        format!("value '{value}' does not look like a valid user name")
    })
}

/// A realm name.
pub(crate) fn realm(value: &str) -> Check {
    let begins = value.starts_with(|first: char| first.is_ascii_alphabetic());
    check(begins && value.len() >= 2 && is_plain(value), || {
        "value does not look like a valid realm".into()
    })
}

/// A token ID.
pub(crate) fn token(value: &str) -> Check {
    let valid = value
        .split_once('!')
        .is_some_and(|(user, token)| userid(user).is_ok() && token.len() >= 2 && is_plain(token));
    check(valid, || {
        format!("value '{value}' does not look like a valid token ID")
    })
}

/// A group name.
pub(crate) fn group(value: &str) -> Check {
    check(is_plain(value), || {
        format!("group name '{value}' contains invalid characters")
    })
}

/// A role name.
pub(crate) fn role(value: &str) -> Check {
    check(is_plain(value), || {
        format!("role name '{value}' contains invalid characters")
    })
}

/// An existing privilege.
pub(crate) fn privilege(value: &str) -> Check {
    check(roles::ALL.contains(&value), || {
        format!("invalid privilege '{value}'")
    })
}

/// An email address. Only the basic form is checked.
pub(crate) fn email(value: &str) -> Check {
    let valid = value.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !value.contains(char::is_whitespace)
    });
    check(valid, || {
        "value does not look like a valid email address".into()
    })
}

/// An email address, or a user ID that mail is sent to.
pub(crate) fn email_or_username(value: &str) -> Check {
    if userid(value).is_ok() {
        return Ok(());
    }
    email(value)
}

/// The name of an LDAP attribute or class.
pub(crate) fn ldap_attribute(value: &str) -> Check {
    let valid = !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_;".contains(c));
    check(valid, || {
        format!("value '{value}' does not look like a simple ldap attribute name")
    })
}
