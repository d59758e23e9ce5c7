//! Which agent of a site gives out its addresses. Two that did would give the same address to two
//! machines.

use model::{AgentId, Error};
use store::agents::AgentRecord;

use super::{missing, tell};
use crate::{Actor, Control, failure::Told as _};

/// Has an agent give out its site's addresses, once the one that does has said that it has stopped.
///
/// # Errors
/// [`Error::NotFound`] when it is gone, [`Error::Conflict`] before it has joined.
pub async fn give_addresses(control: &Control, actor: &Actor, id: AgentId) -> Result<(), Error> {
    actor.require_operator()?;
    move_addresses(control, id, None).await
}

/// The same at once, whatever the one that does says: for when that one will never answer again.
/// Were it to, two would give out the same addresses.
///
/// # Errors
/// As for [`give_addresses`]; [`Error::Invalid`] when `confirm` is not the agent's name.
pub async fn take_addresses(
    control: &Control,
    actor: &Actor,
    id: AgentId,
    confirm: &str,
) -> Result<(), Error> {
    actor.require_operator()?;
    move_addresses(control, id, Some(confirm.trim().to_owned())).await
}

/// With a confirmation at once, without one when the other has stopped.
async fn move_addresses(
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
                let message = "It has not joined yet. Addresses would be given out by nobody.";
                return Ok(Err(Error::conflict(message)));
            }
            if confirm
                .as_ref()
                .is_some_and(|typed| row.name.as_str() != typed)
            {
                let message = format!("Type {} to have it give out addresses now.", row.name);
                return Ok(Err(Error::field("confirm", message)));
            }
            let generation = store::sites::bump(c, row.site)?;
            store::agents::want_dhcp(c, id, row.site, generation)?;
            if confirm.is_some() {
                store::agents::hand_over(c, row.site, None)?;
            }
            Ok(Ok(()))
        })
        .await
        .told("agent")??;
    tell(control, id);
    Ok(())
}
