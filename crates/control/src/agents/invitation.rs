//! The join code of a new agent: the manager's address, a secret token, and the fingerprint of the
//! certificate that the agent pins.

use std::time::Duration;

use model::{
    AgentId, Error,
    agents::{IssuedJoinToken, JoinToken},
    clusters::Fingerprint,
    domains::Origin,
};

use super::secret;
use crate::{Control, Manager, failure::internal};

/// How long a join token is valid, in seconds.
const LIFETIME_S: u32 = 3600;
/// How long a join token is valid, in milliseconds.
pub(super) const LIFETIME_MS: i64 = LIFETIME_S as i64 * 1000;
/// The timeout for fetching the certificate at the public address.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Creates a join code.
///
/// # Errors
/// [`Error::Conflict`] where agents could not reach the manager safely, and [`Error::Unavailable`]
/// when the certificate at its address cannot be fetched.
pub(super) async fn create_code(control: &Control) -> Result<JoinToken, Error> {
    let Some(Manager {
        origin,
        certificate,
    }) = control.manager()
    else {
        let message = "Agents need the address of this server. Set public_url to https:// with a \
            name or an IPv4 address.";
        return Err(Error::conflict(message));
    };
    let fingerprint = match (origin.is_tls(), certificate) {
        (true, Some(own)) => Some(own.clone()),
        (true, None) => Some(public_fingerprint(origin).await?),
        (false, _) if origin.is_loopback() => None,
        (false, _) => {
            let message = format!(
                "Agents would send their key to {origin} without TLS. Set public_url to an \
                    https:// address, then add the agent."
            );
            return Err(Error::conflict(message));
        }
    };
    Ok(JoinToken {
        manager: origin.clone(),
        word: secret(),
        fingerprint,
    })
}

/// The invitation that is shown to the user.
pub(super) fn new(id: AgentId, code: JoinToken) -> IssuedJoinToken {
    IssuedJoinToken {
        id,
        code,
        good_for_s: LIFETIME_S,
    }
}

/// The fingerprint of the certificate at the public address, where a reverse proxy may terminate
/// TLS.
async fn public_fingerprint(origin: &Origin) -> Result<Fingerprint, Error> {
    let fetched = proxmox::fetch_fingerprint(&origin.to_string(), FETCH_TIMEOUT).await;
    let fetched = fetched.map_err(|error| {
        tracing::warn!(%origin, %error, "failed to fetch certificate at public address");
        let message = format!(
            "The certificate of {origin}, which agents pin, could not be fetched. Check that the \
                server can reach public_url, then try again."
        );
        Error::Unavailable { message }
    })?;
    let text = fetched.to_string();
    text.parse()
        .map_err(|cause| internal("fingerprint", &cause))
}
