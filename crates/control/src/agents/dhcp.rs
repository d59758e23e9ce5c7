//! Which agent of a site is the DHCP server. Two DHCP servers would lease the same address to two
//! clients.

use model::{AgentId, Error};
use store::agents::AgentRecord;

use super::{missing, publish_change};
use crate::{Actor, Control, failure::StoreResultExt as _};

/// Makes an agent the site's DHCP server after the current DHCP server has reported that it
/// stopped.
///
/// # Errors
/// [`Error::NotFound`] when the agent does not exist, [`Error::Conflict`] before the agent has
/// joined.
pub async fn hand_over_dhcp(control: &Control, actor: &Actor, id: AgentId) -> Result<(), Error> {
    actor.require_operator()?;
    set_dhcp_server(control, id, None).await
}

/// Makes an agent the DHCP server immediately, for the case that the current one will never return.
/// If it does return, two servers lease the same addresses.
///
/// # Errors
/// As for [`give_addresses`]; [`Error::Invalid`] when `confirm` is not the agent's name.
pub async fn force_dhcp(
    control: &Control,
    actor: &Actor,
    id: AgentId,
    confirm: &str,
) -> Result<(), Error> {
    actor.require_operator()?;
    set_dhcp_server(control, id, Some(confirm.trim().to_owned())).await
}

/// With a confirmation the change is immediate, without one it waits for the current DHCP server.
async fn set_dhcp_server(
    control: &Control,
    id: AgentId,
    confirm: Option<String>,
) -> Result<(), Error> {
    control
        .store()
        .write(move |c| {
            let Some(AgentRecord { row, .. }) = store::agents::get(c, id)? else {
                return Ok(Err(missing()));
            };
            if row.about.is_none() {
                let message = "This agent has not joined yet. The site would have no DHCP server.";
                return Ok(Err(Error::conflict(message)));
            }
            if confirm
                .as_ref()
                .is_some_and(|typed| row.name.as_str() != typed)
            {
                let message = format!("Type {} to take over DHCP now.", row.name);
                return Ok(Err(Error::invalid_field("confirm", message)));
            }
            let generation = store::sites::increment_generation(c, row.site)?;
            store::agents::request_dhcp_handover(c, id, row.site, generation)?;
            if confirm.is_some() {
                store::agents::complete_dhcp_handover(c, row.site, None)?;
            }
            Ok(Ok(()))
        })
        .await
        .into_model("agent")??;
    publish_change(control, id);
    Ok(())
}
