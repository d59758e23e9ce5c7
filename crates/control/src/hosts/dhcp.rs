//! Which host of a site is the DHCP server. Two DHCP servers would lease the same address to two
//! clients.

use model::{
    Error, HostId, Kind,
    permissions::{HostManage, Permit},
};
use store::hosts::HostRecord;

use super::publish_change;
use crate::{Actor, Control, failure::StoreResultExt as _};

/// Makes a host the site's DHCP server after the current DHCP server has reported that it stopped.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist, [`Error::Conflict`] before its agent has
/// joined.
pub async fn hand_over_dhcp(control: &Control, actor: &Actor, id: HostId) -> Result<(), Error> {
    let permit: Permit<HostManage> = actor.permit()?;
    set_dhcp_server(control, permit, id, None).await
}

/// Makes a host the DHCP server immediately, for the case that the current one will never return.
/// If it does return, two servers lease the same addresses.
///
/// # Errors
/// As for [`hand_over_dhcp`]; [`Error::Invalid`] when `confirm` is not the host's name.
pub async fn force_dhcp(
    control: &Control,
    actor: &Actor,
    id: HostId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<HostManage> = actor.permit()?;
    set_dhcp_server(control, permit, id, Some(confirm.trim().to_owned())).await
}

/// With a confirmation the change is immediate, without one it waits for the current DHCP server.
async fn set_dhcp_server(
    control: &Control,
    permit: Permit<HostManage>,
    id: HostId,
    confirm: Option<String>,
) -> Result<(), Error> {
    control
        .store()
        .write(move |c| {
            let Some(HostRecord { row, .. }) = store::hosts::get(c, id)? else {
                return Ok(Err(Error::not_found(Kind::Host)));
            };
            if row.facts.is_none() {
                let message =
                    "This host has not joined yet. Run holdfast-agent join on the host first.";
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
            store::hosts::request_dhcp_handover(c, permit, id, row.site, generation)?;
            if confirm.is_some() {
                store::hosts::force_dhcp_handover(c, permit, row.site)?;
            }
            Ok(Ok(()))
        })
        .await
        .into_model("set DHCP server")??;
    publish_change(control, id);
    Ok(())
}
