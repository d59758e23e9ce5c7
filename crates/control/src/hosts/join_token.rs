//! The join token of a host: the manager's URL, a secret, and the fingerprint of the certificate
//! that the agent pins.

use std::time::Duration;

use model::{
    Error, HostId,
    fingerprint::Fingerprint,
    hosts::{IssuedJoinToken, JoinToken},
    origin::Origin,
};

use crate::{Control, Manager, failure::internal, sessions::new_token};

/// How long a join token is valid, in seconds.
const LIFETIME_S: u32 = 3600;
/// How long a join token is valid, in milliseconds.
pub(super) const LIFETIME_MS: i64 = LIFETIME_S as i64 * 1000;
/// The timeout for fetching the certificate at the public address.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Creates a join token.
///
/// # Errors
/// [`Error::Conflict`] where agents could not reach the manager safely, and [`Error::Unavailable`]
/// when the certificate at its address cannot be fetched.
pub(super) async fn create(control: &Control) -> Result<JoinToken, Error> {
    let Some(Manager {
        origin,
        certificate,
    }) = control.manager()
    else {
        let message = "Agents do not know the URL of this server. Set public_url to an https:// URL with a name or an IPv4 address.";
        return Err(Error::conflict(message));
    };
    let fingerprint = match (origin.is_tls(), certificate) {
        (true, Some(own)) => Some(own.borrow().clone()),
        (true, None) => Some(public_fingerprint(origin).await?),
        (false, _) if origin.is_loopback() => None,
        (false, _) => {
            let message = format!(
                "Connections to {origin} are not encrypted. Set public_url to an https:// URL, then add the host."
            );
            return Err(Error::conflict(message));
        }
    };
    Ok(JoinToken {
        manager: origin.clone(),
        secret: new_token(),
        fingerprint,
    })
}

/// The join token as shown to the user.
pub(super) fn issued(id: HostId, token: JoinToken) -> IssuedJoinToken {
    IssuedJoinToken {
        id,
        token,
        valid_for_s: LIFETIME_S,
    }
}

/// The fingerprint of the certificate at the public address, where a reverse proxy may terminate
/// TLS.
async fn public_fingerprint(origin: &Origin) -> Result<Fingerprint, Error> {
    let fetched = proxmox::fetch_fingerprint(&origin.to_string(), FETCH_TIMEOUT).await;
    let fetched = fetched.map_err(|error| {
        tracing::warn!(%origin, %error, "manager certificate fetch failed");
        let message = format!(
            "The certificate of {origin} could not be fetched. Check that public_url is correct and reachable from this server."
        );
        Error::Unavailable { message }
    })?;
    let text = fetched.to_string();
    text.parse()
        .map_err(|cause| internal("parse manager fingerprint", &cause))
}
