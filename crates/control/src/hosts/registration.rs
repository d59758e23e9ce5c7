//! Hosts whose agent runs inside this process. They need no join token and no address of the
//! manager.

use edge::Layout;
use model::{
    Error, SiteId,
    hosts::HostFacts,
    names::Label,
    permissions::{HostManage, Permit},
};
use store::hosts::NewHost;

use super::{join, join_token};
use crate::{
    Actor, Control,
    failure::StoreResultExt as _,
    sessions::{digest, new_token},
};

/// Registers a host of this process for a site as joined, or reuses the host that has the name.
/// Its previous key is revoked; the new one is returned.
///
/// # Errors
/// [`Error::Invalid`] for an unknown site.
pub async fn register(
    control: &Control,
    actor: &Actor,
    site: SiteId,
    name: Label,
    facts: HostFacts,
    layout: &Layout,
) -> Result<String, Error> {
    let permit: Permit<HostManage> = actor.permit()?;
    let token = new_token();
    let new = NewHost {
        site,
        name,
        token_hash: digest(&token),
        lifetime_ms: join_token::LIFETIME_MS,
    };
    control
        .store()
        .write(move |c| {
            let mut hosts = store::hosts::list_by_site(c, new.site)?.into_iter();
            let existing = hosts.find(|host| host.row.name == new.name);
            let result = match existing {
                Some(existing) => {
                    let id = existing.row.id;
                    store::hosts::reset_join_token(c, permit, id, &new.token_hash, new.lifetime_ms)
                }
                None => store::hosts::insert(c, permit, &new).map(drop),
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
        .into_model("register host")??;
    join(control, &token, facts, layout).await
}
