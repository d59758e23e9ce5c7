//! Authentication tickets, CSRF prevention tokens and console tickets: created and verified, never
//! stored. They have the format of Proxmox tickets and are valid only for the key that this process
//! generated at startup.

use sha1::{Digest as _, Sha1};

/// Lifetime of a ticket, in seconds.
const LIFETIME: u64 = 2 * 3600;
/// Lifetime of a console ticket, in seconds.
const CONSOLE_LIFETIME: u64 = 40;
/// Allowed clock skew for a console ticket, in seconds.
const CONSOLE_SKEW: u64 = 20;
/// Allowed clock skew, in seconds.
const SKEW: u64 = 300;

/// The signing key of this process.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }

    /// Creates a ticket for a user, issued at `now` (seconds since the Unix epoch).
    pub(crate) fn ticket(&self, user: &str, now: u64) -> String {
        let head = format!("PVE:{user}:{now:08X}");
        format!("{head}::{}", self.sign(&head, 18))
    }

    /// The user of a ticket, or `None` if the signature is wrong or the ticket is expired.
    pub(crate) fn user_of<'t>(&self, ticket: &'t str, now: u64) -> Option<&'t str> {
        let (head, signature) = ticket.split_once("::")?;
        if self.sign(head, 18) != signature {
            return None;
        }
        let (user, issued) = head.strip_prefix("PVE:")?.rsplit_once(':')?;
        let issued = u64::from_str_radix(issued, 16).ok()?;
        let valid = issued <= now + SKEW && now <= issued + LIFETIME + SKEW;
        valid.then_some(user)
    }

    /// Creates the CSRF prevention token that every write request with a ticket must carry.
    pub(crate) fn csrf(&self, user: &str, now: u64) -> String {
        let time = format!("{now:08X}");
        format!("{time}:{}", self.sign(&format!("csrf {user} {time}"), 2))
    }

    /// Whether the CSRF prevention token is valid for the user and not expired.
    pub(crate) fn is_csrf(&self, token: &str, user: &str, now: u64) -> bool {
        let issued = token
            .split(':')
            .next()
            .and_then(|time| u64::from_str_radix(time, 16).ok());
        issued.is_some_and(|issued| {
            token == self.csrf(user, issued)
                && issued <= now + SKEW
                && now <= issued + LIFETIME + SKEW
        })
    }

    /// Creates a console ticket for a user, an API path and a port.
    pub(crate) fn console(&self, subject: (&str, &str, u16), now: u64) -> String {
        let (user, path, port) = subject;
        let head = format!("PVEVNC:{now:08X}");
        let signature = self.sign(&format!("{head} {user} {path} {port}"), 8);
        format!("{head}::{signature}")
    }

    /// Whether a console ticket is valid for the user, path and port and not expired.
    pub(crate) fn is_console(&self, ticket: &str, subject: (&str, &str, u16), now: u64) -> bool {
        // Browsers send a password before the ticket. It is ignored.
        let start = ticket.find("PVEVNC:").unwrap_or_default();
        let ticket = ticket.get(start..).unwrap_or_default();
        let time = ticket.split(':').nth(1).unwrap_or_default();
        u64::from_str_radix(time, 16).is_ok_and(|issued| {
            let fresh = issued <= now + CONSOLE_SKEW && now <= issued + CONSOLE_LIFETIME;
            fresh && ticket == self.console(subject, issued)
        })
    }

    /// A hexadecimal signature of `parts` SHA-1 digests.
    fn sign(&self, text: &str, parts: u8) -> String {
        (0..parts)
            .map(|part| {
                let mut hash = Sha1::new();
                hash.update(self.0);
                hash.update([part]);
                hash.update(text);
                let bytes: [u8; 20] = hash.finalize().into();
                bytes.map(|byte| format!("{byte:02x}")).concat()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000;

    #[test]
    fn ticket_is_valid_for_user_until_expiry() {
        let key = Key::random();
        let ticket = key.ticket("ann@pve", NOW);
        assert_eq!(key.user_of(&ticket, NOW + 7_000), Some("ann@pve"));
        assert_eq!(key.user_of(&ticket, NOW + 8_000), None);
        assert_eq!(key.user_of(&ticket, NOW - 400), None);
        assert_eq!(Key::random().user_of(&ticket, NOW), None);
        let forged = ticket.replace("ann", "root");
        assert_eq!(key.user_of(&forged, NOW), None);
    }

    #[test]
    fn csrf_token_is_bound_to_user() {
        let key = Key::random();
        let token = key.csrf("ann@pve", NOW);
        assert!(key.is_csrf(&token, "ann@pve", NOW + 60));
        assert!(!key.is_csrf(&token, "bob@pve", NOW + 60));
        assert!(!key.is_csrf("", "ann@pve", NOW));
        assert!(!key.is_csrf(&token, "ann@pve", NOW + 10_000));
    }
}
