//! One-time sign-in links. A link signs one account in once, within its lifetime. It belongs to
//! this process: only the hash of its token is kept, in memory. A restart voids it, and so does a
//! new password of the account, also one that another process sets.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use model::{Error, Kind, UserId, names::Username};
use store::users::UserRecord;

use super::{NewSession, Origin, begin, digest, new_token};
use crate::{Actor, Control, failure::Told as _};

/// How long a printed link can be used.
pub const LINK_LIFETIME: Duration = Duration::from_secs(600);

const INVALID: &str = "This sign-in link has been used or has expired. Sign in with your password; \
    in demo mode, a restart at a terminal prints a new link.";

/// The link that can be used now. There is at most one: a new link voids the one before.
#[derive(Default)]
pub(crate) struct PendingLink(Mutex<Option<Link>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    token_hash: String,
    user: UserId,
    /// The digest of the account's password hash.
    password_digest: String,
    expires: Instant,
}

impl PendingLink {
    fn replace(&self, link: Link) {
        *self.lock() = Some(link);
    }

    /// Takes the link with this token. It is gone afterwards, so of any number of calls at the same
    /// time one gets it.
    fn take(&self, token_hash: &str, now: Instant) -> Option<Link> {
        let mut pending = self.lock();
        let link = pending.take_if(|link| link.token_hash == token_hash)?;
        (now < link.expires).then_some(link)
    }

    /// Makes a link usable again, unless there is another one by now.
    fn put_back(&self, link: Link) {
        self.lock().get_or_insert(link);
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
    let user = account(control, user.id).await?;
    let user = user.ok_or(Error::NotFound { kind: Kind::User })?;
    let token = new_token();
    control.0.sign_in_link.replace(Link {
        token_hash: digest(&token),
        user: user.row.id,
        password_digest: digest(&user.password_hash),
        expires: Instant::now() + lifetime,
    });
    Ok(token)
}

/// Begins a session for the account of a link, which cannot be used again.
///
/// # Errors
/// [`Error::Forbidden`] for a token that was used, has expired or never existed, or whose account
/// has another password by now. [`Error::Unavailable`] leaves the link usable.
pub async fn redeem_link(
    control: &Control,
    token: &str,
    origin: Origin,
) -> Result<NewSession, Error> {
    let address = origin.address;
    let pending = &control.0.sign_in_link;
    // Anyone can ask with any token, so a refusal is not for the usual log.
    let Some(link) = pending.take(&digest(token), Instant::now()) else {
        tracing::debug!(%address, "sign-in link refused");
        return Err(Error::forbidden(INVALID));
    };
    let user = account(control, link.user)
        .await
        .inspect_err(|_| pending.put_back(link.clone()))?;
    let Some(user) = user.filter(|user| digest(&user.password_hash) == link.password_digest) else {
        tracing::info!(%address, "sign-in link refused: its account has changed");
        return Err(Error::forbidden(INVALID));
    };
    let session = begin(control, user.row.id, origin)
        .await
        .inspect_err(|_| pending.put_back(link))?;
    tracing::info!(account = %user.row.name, %address, method = "link", "signed in");
    Ok(session)
}

async fn account(control: &Control, id: UserId) -> Result<Option<UserRecord>, Error> {
    let read = control.store().read(move |c| store::users::get(c, id));
    read.await.told("sign-in link")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(token_hash: &str, expires: Instant) -> Link {
        Link {
            token_hash: token_hash.to_owned(),
            user: UserId(7),
            password_digest: "p".to_owned(),
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
        let taken = pending.take("a", now).expect("it is there");
        assert_eq!(taken.user, UserId(7));
        assert_eq!(pending.take("a", now), None, "used");

        pending.replace(link("a", expires));
        assert_eq!(pending.take("a", expires), None, "expired");
        let before = expires - Duration::from_millis(1);
        assert_eq!(pending.take("a", before), None, "an expired link is gone");

        pending.replace(link("a", expires));
        pending.replace(link("b", expires));
        assert_eq!(pending.take("a", now), None, "replaced");
        assert!(pending.take("b", before).is_some());
    }

    #[test]
    fn link_that_was_put_back_replaces_no_newer_one() {
        let (pending, now) = (PendingLink::default(), Instant::now());
        let (old, new) = (
            link("a", now + LINK_LIFETIME),
            link("b", now + LINK_LIFETIME),
        );
        pending.put_back(old.clone());
        assert_eq!(pending.take("a", now), Some(old.clone()));
        pending.replace(new.clone());
        pending.put_back(old);
        assert_eq!(pending.take("a", now), None);
        assert_eq!(pending.take("b", now), Some(new));
    }
}
