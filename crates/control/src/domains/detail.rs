//! Collects the data of a domain's page and of the form for a new domain.

use model::{
    DomainId, Error,
    domains::{DomainChoices, DomainDetail, DomainTab, NewDomainOptions},
    sites::SiteRow,
};

use super::{get, list_address_errors};
use crate::{Actor, Control, authorities, certificates, providers, sites};

/// The most certificates on a domain's page.
const MAX_CERTIFICATES: usize = 10;

/// Returns the options of the form for a new domain.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn create_options(control: &Control, actor: &Actor) -> Result<NewDomainOptions, Error> {
    let sites = sites::list(control, actor).await?;
    let choices = choices(control, actor, &sites).await?;
    Ok(NewDomainOptions { sites, choices })
}

/// Returns a domain with the data of a tab of its page.
///
/// # Errors
/// As for [`get`].
pub async fn get_detail(
    control: &Control,
    actor: &Actor,
    id: DomainId,
    tab: DomainTab,
) -> Result<DomainDetail, Error> {
    let domain = get(control, actor, id).await?;
    let (mut sites, mut certificates, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    if tab == DomainTab::Overview {
        addresses = list_address_errors(control, actor, id).await?;
    } else {
        certificates = certificates::list(control, actor, Some(id)).await?;
    }
    let total = certificates.len();
    if tab == DomainTab::Settings {
        certificates.clear();
        sites = sites::list(control, actor).await?;
    }
    certificates.sort_by_key(|row| !row.state.needs_attention());
    certificates.truncate(MAX_CERTIFICATES);
    Ok(DomainDetail {
        tab,
        domain,
        choices: choices(control, actor, &sites).await?,
        certificates,
        total,
        addresses,
    })
}

async fn choices(
    control: &Control,
    actor: &Actor,
    sites: &[SiteRow],
) -> Result<DomainChoices, Error> {
    let authorities = authorities::list(control, actor).await?;
    let providers = providers::list(control, actor).await?;
    let authorities = authorities.into_iter().map(|it| (it.id, it.name));
    let providers = providers
        .into_iter()
        .map(|it| (it.id, it.name, it.settings.kind()));
    let is_unreached = |site: &&SiteRow| {
        let spec = &site.spec;
        spec.public_v4.is_none() && spec.public_v6.is_none()
    };
    let unreached = sites.iter().filter(is_unreached);
    Ok(DomainChoices {
        unreached: unreached
            .map(|site| (site.id, site.spec.name.clone()))
            .collect(),
        authorities: authorities.collect(),
        providers: providers.collect(),
    })
}
