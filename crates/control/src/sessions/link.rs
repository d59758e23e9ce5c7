//! One-time sign-in links. A link signs in to one account once, within its lifetime. It belongs to
//! this process, which keeps only the hash of its token in memory. A restart invalidates the link,
//! and so does a new password of the account, even if another process sets it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use model::{
    Error, Kind, UserId,
    names::Username,
    permissions::{Permit, SignInLinkCreate},
};
use store::users::UserRecord;

use super::{ClientInfo, NewSession, SessionRefusal, begin, digest, new_token};
use crate::{Actor, Control, failure::StoreResultExt as _};

/// How long a printed link is valid.
pub const LINK_LIFETIME: Duration = Duration::from_secs(600);

const INVALID: &str = "This sign-in link has been used or has expired. Sign in with your password.";

/// The link that is valid now. A new link invalidates the previous one.
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

    /// Removes and returns the link with this token. Of concurrent calls only one succeeds.
    fn take(&self, token_hash: &str, now: Instant) -> Option<Link> {
        let mut pending = self.lock();
        let link = pending.take_if(|link| link.token_hash == token_hash)?;
        (now < link.expires).then_some(link)
    }

    /// Makes a link valid again, unless there is a newer one.
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
/// [`Error::Forbidden`] unless the actor is an administrator, [`Error::NotFound`] for an unknown
/// account.
pub async fn create_link(
    control: &Control,
    actor: &Actor,
    name: &Username,
    lifetime: Duration,
) -> Result<String, Error> {
    let _: Permit<SignInLinkCreate> = actor.permit()?;
    let name = name.clone();
    let user = control
        .store()
        .read(move |c| store::users::get_by_name(c, &name))
        .await
        .into_model("get user for sign-in link")?
        .ok_or(Error::not_found(Kind::User))?;
    let token = new_token();
    control.0.sign_in_link.replace(Link {
        token_hash: digest(&token),
        user: user.row.id,
        password_digest: digest(&user.password_hash),
        expires: Instant::now() + lifetime,
    });
    Ok(token)
}

/// Begins a session for the account of a link, and invalidates the link.
///
/// # Errors
/// [`Error::Forbidden`] for a token that is used, expired or unknown, and for an account that has a
/// new password or is not active. [`Error::Unavailable`] leaves the link valid.
pub async fn redeem_link(
    control: &Control,
    token: &str,
    client: ClientInfo,
) -> Result<NewSession, Error> {
    let address = client.address;
    let pending = &control.0.sign_in_link;
    // Anyone can send any token, so a refusal is logged only at debug level.
    let Some(link) = pending.take(&digest(token), Instant::now()) else {
        tracing::debug!(%address, reason = "unknown or expired", "sign-in link refused");
        return Err(Error::forbidden(INVALID));
    };
    let user = account(control, link.user)
        .await
        .inspect_err(|_| pending.put_back(link.clone()))?;
    let name = user.as_ref().map(|user| user.row.name.to_string());
    let Some(user) = user.filter(|user| digest(&user.password_hash) == link.password_digest) else {
        tracing::info!(account = name, %address, reason = "account changed", "sign-in link refused");
        return Err(Error::forbidden(INVALID));
    };
    let session = begin(control, &user, &client, |_| Ok(()))
        .await
        .inspect_err(|_| pending.put_back(link))?;
    let session = session.map_err(|refusal| {
        let reason = refusal.as_str();
        tracing::info!(account = %user.row.name, %address, reason, "sign-in link refused");
        match refusal {
            SessionRefusal::Changed => Error::forbidden(INVALID),
            SessionRefusal::Inactive(_) | SessionRefusal::TooOften(_) => refusal.into_error(),
        }
    })?;
    tracing::info!(account = %user.row.name, %address, method = "link", "user signed in");
    Ok(session)
}

async fn account(control: &Control, id: UserId) -> Result<Option<UserRecord>, Error> {
    let read = control.store().read(move |c| store::users::get(c, id));
    read.await.into_model("get account of sign-in link")
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
    fn link_is_redeemed_once_before_expiry() {
        let (pending, now) = (PendingLink::default(), Instant::now());
        assert_eq!(pending.take("a", now), None);
        let expires = now + LINK_LIFETIME;
        pending.replace(link("a", expires));
        assert_eq!(
            pending.take("b", now),
            None,
            "another token does not invalidate the link"
        );
        let taken = pending.take("a", now).expect("the link is pending");
        assert_eq!(taken.user, UserId(7));
        assert_eq!(pending.take("a", now), None, "used");

        pending.replace(link("a", expires));
        assert_eq!(pending.take("a", expires), None, "expired");
        let before = expires - Duration::from_millis(1);
        assert_eq!(
            pending.take("a", before),
            None,
            "an expired link is removed"
        );

        pending.replace(link("a", expires));
        pending.replace(link("b", expires));
        assert_eq!(pending.take("a", now), None, "replaced");
        assert!(pending.take("b", before).is_some());
    }

    #[test]
    fn restored_link_does_not_replace_a_newer_link() {
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
