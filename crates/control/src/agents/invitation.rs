//! The code that a new agent joins with: where this program is, a word, and the certificate by which
//! the agent knows that it speaks with nobody else.

use std::time::Duration;

use model::{
    AgentId, Error,
    agents::{Invitation, JoinCode},
    clusters::Fingerprint,
    domains::Origin,
};

use super::secret;
use crate::{Control, Manager, failure::internal};

/// For how many seconds a code is good.
const LIFETIME_S: u32 = 3600;
/// The same in milliseconds.
pub(super) const LIFETIME_MS: i64 = LIFETIME_S as i64 * 1000;
/// How long whoever speaks TLS before this program may take to show its certificate.
const PATIENCE: Duration = Duration::from_secs(5);

/// A new code.
///
/// # Errors
/// [`Error::Conflict`] where agents could not reach this program safely, and
/// [`Error::Unavailable`] when the certificate at its address is not to be had.
pub(super) async fn code(control: &Control) -> Result<JoinCode, Error> {
    let Some(Manager {
        origin,
        certificate,
    }) = control.manager()
    else {
        let message = "Agents cannot be told where this server is. Set public_url to https:// with a name or an IPv4 address.";
        return Err(Error::conflict(message));
    };
    let fingerprint = match (origin.is_tls(), certificate) {
        (true, Some(own)) => Some(own.clone()),
        (true, None) => Some(shown(origin).await?),
        (false, _) if origin.is_loopback() => None,
        (false, _) => {
            let message = format!(
                "An agent's key could be read on its way to {origin}. Set public_url to an https:// address, then invite the agent."
            );
            return Err(Error::conflict(message));
        }
    };
    Ok(JoinCode {
        manager: origin.clone(),
        word: secret(),
        fingerprint,
    })
}

/// What whoever invites an agent is shown.
pub(super) fn of(id: AgentId, code: JoinCode) -> Invitation {
    Invitation {
        id,
        code,
        good_for_s: LIFETIME_S,
    }
}

/// The certificate of whoever speaks TLS before this program.
async fn shown(origin: &Origin) -> Result<Fingerprint, Error> {
    let shown = proxmox::fetch_fingerprint(&origin.to_string(), PATIENCE).await;
    let shown = shown.map_err(|error| {
        tracing::warn!(%origin, %error, "the certificate at the public address was not had");
        let message = format!(
            "No certificate was had from {origin}, which agents would know this server by. Check that public_url is right and can be reached from the server itself, then try again."
        );
        Error::Unavailable { message }
    })?;
    let text = shown.to_string();
    text.parse()
        .map_err(|cause| internal("fingerprint", &cause))
}
