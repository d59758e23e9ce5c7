//! Domains that services are published under.

use leptos::prelude::*;
use model::{
    AuthorityId, DomainId, ProviderId, SiteId,
    certificates::CertificateRow,
    domains::{DomainForm, DomainRow, RecordFailure},
    names::Label,
    providers::ProviderKind,
    sites::SiteRow,
};
use serde::{Deserialize, Serialize};

use super::Failure;

/// The CAs and DNS providers that a domain can use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DomainChoices {
    /// CAs, by name.
    pub authorities: Vec<(AuthorityId, Label)>,
    /// DNS providers, by name.
    pub providers: Vec<(ProviderId, Label, ProviderKind)>,
    /// Sites without a known public address, for which no DNS records can be created.
    pub unreached: Vec<(SiteId, Label)>,
}

/// The options of the form for a new domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewDomainOptions {
    /// The sites that the domain can belong to.
    pub sites: Vec<SiteRow>,
    /// The CAs and DNS providers that the domain can use.
    pub givers: DomainChoices,
}

/// The tabs of a domain's page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DomainTab {
    /// The state, and the address records.
    #[default]
    Overview,
    /// The certificates.
    Certificates,
    /// The form, and the deletion.
    Settings,
}

/// The data of a tab. What the tab does not show is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainPage {
    /// The tab.
    pub tab: DomainTab,
    /// The domain.
    pub domain: DomainRow,
    /// The CAs and DNS providers that the domain can use; sites only for the settings.
    pub givers: DomainChoices,
    /// The domain's first certificates, starting with those that need attention.
    pub certificates: Vec<CertificateRow>,
    /// The number of the domain's certificates, also for the settings.
    pub total: usize,
    /// The first addresses whose records at the DNS provider are not as desired, for the overview.
    pub addresses: Vec<RecordFailure>,
}

/// The most certificates on a domain's page.
#[cfg(feature = "ssr")]
const FIRST: usize = 10;

/// Lists all domains.
///
/// # Errors
/// As `control::domains::list`.
#[server(prefix = "/api/ui", endpoint = "domains/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<DomainRow>, Failure> {
    let (control, actor) = super::caller().await?;
    control::domains::list(&control, &actor)
        .await
        .map_err(super::into_failure)
}

/// Gets the options of the form for a new domain.
///
/// # Errors
/// As `control::sites::list` and `control::authorities::list`.
#[server(prefix = "/api/ui", endpoint = "domains/options", input = server_fn::codec::Json)]
pub async fn options() -> Result<NewDomainOptions, Failure> {
    let (control, actor) = super::caller().await?;
    let sites = control::sites::list(&control, &actor)
        .await
        .map_err(super::into_failure)?;
    let givers = givers(&control, &actor, &sites).await?;
    Ok(NewDomainOptions { sites, givers })
}

/// Gets the domain with the id in the URL, with the data of a tab of its page.
///
/// # Errors
/// As `control::domains::get`.
#[server(prefix = "/api/ui", endpoint = "domains/get", input = server_fn::codec::Json)]
pub async fn get(key: String, tab: DomainTab) -> Result<DomainPage, Failure> {
    let (control, actor) = super::caller().await?;
    let Ok(id) = key.parse() else {
        // An invalid id is treated as not found.
        return Err(super::into_failure(model::Error::NotFound {
            kind: model::Kind::Domain,
        }));
    };
    let domain = control::domains::get(&control, &actor, id)
        .await
        .map_err(super::into_failure)?;
    let (mut sites, mut certificates, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    if tab == DomainTab::Overview {
        addresses = control::domains::list_address_errors(&control, &actor, id)
            .await
            .map_err(super::into_failure)?;
    } else {
        certificates = control::certificates::list(&control, &actor, Some(id))
            .await
            .map_err(super::into_failure)?;
    }
    let total = certificates.len();
    if tab == DomainTab::Settings {
        certificates.clear();
        sites = control::sites::list(&control, &actor)
            .await
            .map_err(super::into_failure)?;
    }
    certificates.sort_by_key(|row| !row.state.needs_attention());
    certificates.truncate(FIRST);
    Ok(DomainPage {
        tab,
        domain,
        givers: givers(&control, &actor, &sites).await?,
        certificates,
        total,
        addresses,
    })
}

#[cfg(feature = "ssr")]
async fn givers(
    control: &control::Control,
    actor: &control::Actor,
    sites: &[SiteRow],
) -> Result<DomainChoices, Failure> {
    let authorities = control::authorities::list(control, actor)
        .await
        .map_err(super::into_failure)?;
    let providers = control::providers::list(control, actor)
        .await
        .map_err(super::into_failure)?;
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

/// Creates a domain.
///
/// # Errors
/// Refused fields; as `control::domains::create`.
#[server(prefix = "/api/ui", endpoint = "domains/create", input = server_fn::codec::Json)]
pub async fn create(form: DomainForm) -> Result<DomainId, Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_failure(model::Error::Invalid { fields }))?;
    control::domains::create(&control, &actor, spec)
        .await
        .map_err(super::into_failure)
}

/// Updates a domain.
///
/// # Errors
/// Refused fields; as `control::domains::update`.
#[server(prefix = "/api/ui", endpoint = "domains/update", input = server_fn::codec::Json)]
pub async fn update(id: DomainId, form: DomainForm) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_failure(model::Error::Invalid { fields }))?;
    control::domains::update(&control, &actor, id, spec)
        .await
        .map_err(super::into_failure)
}

/// Deletes a domain; requires its name to be typed.
///
/// # Errors
/// As `control::domains::delete`.
#[server(prefix = "/api/ui", endpoint = "domains/delete", input = server_fn::codec::Json)]
pub async fn delete(id: DomainId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::domains::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_failure)
}
