//! The data of a domain's page and of the form for a new domain.

use serde::{Deserialize, Serialize};

use super::{DomainRow, RecordFailure};
use crate::{
    AuthorityId, ProviderId, SiteId, certificates::CertificateRow, names::Label,
    providers::ProviderKind, sites::SiteRow,
};

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
    pub choices: DomainChoices,
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

/// The data of a tab of a domain's page. What the tab does not show is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainDetail {
    /// The tab.
    pub tab: DomainTab,
    /// The domain.
    pub domain: DomainRow,
    /// The CAs and DNS providers that the domain can use; sites only for the settings.
    pub choices: DomainChoices,
    /// The domain's first certificates, starting with those that need attention.
    pub certificates: Vec<CertificateRow>,
    /// The number of the domain's certificates, also for the settings.
    pub total: usize,
    /// The first addresses whose records at the DNS provider are not as desired, for the overview.
    pub addresses: Vec<RecordFailure>,
}
