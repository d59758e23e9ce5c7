//! Domains under which sites publish.

use leptos::prelude::*;
use model::{
    AuthorityId, DomainId, ProviderId, SiteId,
    certificates::CertificateRow,
    domains::{AddressTrouble, DomainForm, DomainRow},
    names::Label,
    providers::ProviderKind,
    sites::SiteRow,
};
use serde::{Deserialize, Serialize};

use super::Failure;

/// Who may give a domain's certificates, and who may keep its records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Givers {
    /// Authorities, by name.
    pub authorities: Vec<(AuthorityId, Label)>,
    /// Providers of DNS, by name.
    pub providers: Vec<(ProviderId, Label, ProviderKind)>,
    /// Sites of which no public address is known that a provider could be told.
    pub unreached: Vec<(SiteId, Label)>,
}

/// What the form of a new domain offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    /// The sites that it can belong to.
    pub sites: Vec<SiteRow>,
    /// Who may give its certificates and keep its records.
    pub givers: Givers,
}

/// A domain with what its page shows beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The domain.
    pub domain: DomainRow,
    /// Who may give its certificates and keep its records.
    pub givers: Givers,
    /// Its first certificates, those before all that somebody has to do something about.
    pub certificates: Vec<CertificateRow>,
    /// How many it has in all.
    pub total: usize,
    /// The first addresses that its provider does not have as it should.
    pub addresses: Vec<AddressTrouble>,
}

/// How many certificates a domain's page shows.
#[cfg(feature = "ssr")]
const FIRST: usize = 10;

/// Every domain.
///
/// # Errors
/// As `control::domains::list`.
#[server(prefix = "/api/ui", endpoint = "domains/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<DomainRow>, Failure> {
    let (control, actor) = super::caller().await?;
    control::domains::list(&control, &actor)
        .await
        .map_err(super::told)
}

/// What the form of a new domain offers.
///
/// # Errors
/// As `control::sites::list` and `control::authorities::list`.
#[server(prefix = "/api/ui", endpoint = "domains/options", input = server_fn::codec::Json)]
pub async fn options() -> Result<Offered, Failure> {
    let (control, actor) = super::caller().await?;
    let sites = control::sites::list(&control, &actor)
        .await
        .map_err(super::told)?;
    let givers = givers(&control, &actor, &sites).await?;
    Ok(Offered { sites, givers })
}

/// The domain of the key that an address names, with what its page shows.
///
/// # Errors
/// As `control::domains::get`.
#[server(prefix = "/api/ui", endpoint = "domains/get", input = server_fn::codec::Json)]
pub async fn get(key: String) -> Result<Shown, Failure> {
    let (control, actor) = super::caller().await?;
    let Ok(id) = key.parse() else {
        // What cannot be a key is the key of nothing.
        return Err(super::told(model::Error::NotFound {
            kind: model::Kind::Domain,
        }));
    };
    let domain = control::domains::get(&control, &actor, id)
        .await
        .map_err(super::told)?;
    let sites = control::sites::list(&control, &actor)
        .await
        .map_err(super::told)?;
    let givers = givers(&control, &actor, &sites).await?;
    let mut certificates = control::certificates::list(&control, &actor, Some(id))
        .await
        .map_err(super::told)?;
    let total = certificates.len();
    certificates.sort_by_key(|row| !row.state.is_alarming());
    certificates.truncate(FIRST);
    let addresses = control::domains::address_troubles(&control, &actor, id)
        .await
        .map_err(super::told)?;
    Ok(Shown {
        domain,
        givers,
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
) -> Result<Givers, Failure> {
    let authorities = control::authorities::list(control, actor)
        .await
        .map_err(super::told)?;
    let providers = control::providers::list(control, actor)
        .await
        .map_err(super::told)?;
    let authorities = authorities.into_iter().map(|it| (it.id, it.name));
    let providers = providers
        .into_iter()
        .map(|it| (it.id, it.name, it.settings.kind()));
    let is_unreached = |site: &&SiteRow| {
        let spec = &site.spec;
        spec.public_v4.is_none() && spec.public_v6.is_none()
    };
    let unreached = sites.iter().filter(is_unreached);
    Ok(Givers {
        unreached: unreached
            .map(|site| (site.id, site.spec.name.clone()))
            .collect(),
        authorities: authorities.collect(),
        providers: providers.collect(),
    })
}

/// Makes a domain.
///
/// # Errors
/// Refused fields; as `control::domains::create`.
#[server(prefix = "/api/ui", endpoint = "domains/create", input = server_fn::codec::Json)]
pub async fn create(form: DomainForm) -> Result<DomainId, Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::told(model::Error::Invalid { fields }))?;
    control::domains::create(&control, &actor, spec)
        .await
        .map_err(super::told)
}

/// Changes a domain.
///
/// # Errors
/// Refused fields; as `control::domains::update`.
#[server(prefix = "/api/ui", endpoint = "domains/update", input = server_fn::codec::Json)]
pub async fn update(id: DomainId, form: DomainForm) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::told(model::Error::Invalid { fields }))?;
    control::domains::update(&control, &actor, id, spec)
        .await
        .map_err(super::told)
}

/// Deletes a domain, once its name was typed.
///
/// # Errors
/// As `control::domains::delete`.
#[server(prefix = "/api/ui", endpoint = "domains/delete", input = server_fn::codec::Json)]
pub async fn delete(id: DomainId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::domains::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::told)
}
