//! Agents that run inside this process. They need no join token and no address of the manager.

use edge::Layout;
use model::{Error, SiteId, agents::HostFacts, names::Label};
use store::agents::NewAgent;

use super::{invitation, join, secret};
use crate::{Actor, Control, failure::StoreResultExt as _, sessions::digest};

/// Registers an agent of this process for a site as joined, or reuses the agent that has the name.
/// Its previous key is revoked; the new one is returned.
///
/// # Errors
/// [`Error::Invalid`] for an unknown site.
pub async fn register(
    control: &Control,
    actor: &Actor,
    site: SiteId,
    name: Label,
    about: HostFacts,
    layout: &Layout,
) -> Result<String, Error> {
    actor.require_operator()?;
    let token = secret();
    let new = NewAgent {
        site,
        name,
        token_hash: digest(&token),
        lifetime_ms: invitation::LIFETIME_MS,
    };
    control
        .store()
        .write(move |c| {
            let mut agents = store::agents::list_by_site(c, new.site)?.into_iter();
            let existing = agents.find(|agent| agent.row.name == new.name);
            let result = match existing {
                Some(existing) => {
                    let id = existing.row.id;
                    store::agents::reset_join_token(c, id, &new.token_hash, new.lifetime_ms)
                }
                None => store::agents::insert(c, &new).map(drop),
            };
            match result {
                Err(store::Error::NotFound) => Ok(Err(Error::invalid_field(
                    "site",
                    "The site does not exist.",
                ))),
                result => result.map(Ok),
            }
        })
        .await
        .into_model("agent")??;
    join(control, &token, about, layout).await
}
