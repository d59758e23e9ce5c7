//! One-time sign-in links. A link signs one account in once, within its lifetime. It belongs to
//! this process: only the hash of its token is kept, in memory, and a restart voids it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use model::{Error, UserId, names::Username};

use super::{NewSession, Origin, begin, digest, new_token};
use crate::{Actor, Control, failure::Told as _};

/// How long a printed link can be used.
pub const LINK_LIFETIME: Duration = Duration::from_secs(600);

const INVALID: &str = "This sign-in link has been used or has expired. Sign in with your password; \
    in demo mode, a restart prints a new link.";

/// The link that can be used now. There is at most one: a new link voids the one before.
#[derive(Default)]
pub(crate) struct PendingLink(Mutex<Option<Link>>);

struct Link {
    token_hash: String,
    user: UserId,
    expires: Instant,
}

impl PendingLink {
    fn replace(&self, link: Link) {
        *self.lock() = Some(link);
    }

    /// Takes the account of the link with this token. The link is gone afterwards, so of any number
    /// of calls at the same time one gets the account.
    fn take(&self, token_hash: &str, now: Instant) -> Option<UserId> {
        let mut pending = self.lock();
        let link = pending.take_if(|link| link.token_hash == token_hash)?;
        (now < link.expires).then_some(link.user)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates a sign-in link for an account and returns its token.
///
/// # Errors
/// [`Error::Forbidden`] unless an administrator asks, [`Error::NotFound`] for an unknown account.
pub async fn create_link(
    control: &Control,
    actor: &Actor,
    name: &Username,
    lifetime: Duration,
) -> Result<String, Error> {
    actor.require_administrator()?;
    let user = crate::users::get(control, actor, name).await?;
    let token = new_token();
    control.0.sign_in_link.replace(Link {
        token_hash: digest(&token),
        user: user.id,
        expires: Instant::now() + lifetime,
    });
    Ok(token)
}

/// Begins a session for the account of a link, which cannot be used again.
///
/// # Errors
/// [`Error::Forbidden`] for a token that was used, has expired or never existed.
pub async fn redeem_link(
    control: &Control,
    token: &str,
    origin: Origin,
) -> Result<NewSession, Error> {
    let address = origin.address;
    let user = control.0.sign_in_link.take(&digest(token), Instant::now());
    let user = match user {
        Some(id) => control
            .store()
            .read(move |c| store::users::get(c, id))
            .await
            .told("sign-in link")?,
        None => None,
    };
    let Some(user) = user else {
        tracing::info!(%address, "sign-in link refused");
        return Err(Error::forbidden(INVALID));
    };
    let session = begin(control, user.row.id, origin).await?;
    tracing::info!(account = %user.row.name, %address, method = "link", "signed in");
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(token_hash: &str, expires: Instant) -> Link {
        Link {
            token_hash: token_hash.to_owned(),
            user: UserId(7),
            expires,
        }
    }

    #[test]
    fn link_is_taken_once_and_only_before_it_expires() {
        let (pending, now) = (PendingLink::default(), Instant::now());
        assert_eq!(pending.take("a", now), None);
        let expires = now + LINK_LIFETIME;
        pending.replace(link("a", expires));
        assert_eq!(pending.take("b", now), None, "another token voids nothing");
        assert_eq!(pending.take("a", now), Some(UserId(7)));
        assert_eq!(pending.take("a", now), None, "used");

        pending.replace(link("a", expires));
        assert_eq!(pending.take("a", expires), None, "expired");
        let before = expires - Duration::from_millis(1);
        assert_eq!(pending.take("a", before), None, "an expired link is gone");

        pending.replace(link("a", expires));
        pending.replace(link("b", expires));
        assert_eq!(pending.take("a", now), None, "replaced");
        assert_eq!(pending.take("b", before), Some(UserId(7)));
    }
}
