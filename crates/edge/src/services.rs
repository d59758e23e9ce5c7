//! Services of a site configuration: listing, lookup by file, and removal.

use std::collections::BTreeSet;

use model::ServiceId;

use crate::site_config::SiteConfig;

impl SiteConfig {
    /// All services, HTTP services first.
    pub fn services(&self) -> impl Iterator<Item = ServiceId> {
        let http = self.domains.iter().flat_map(|domain| &domain.services);
        let streams = self.streams.iter().map(|service| service.id);
        http.map(|service| service.id).chain(streams)
    }

    /// The service that a file of the tree belongs to, if any.
    pub fn service_of(&self, path: &str) -> Option<ServiceId> {
        let mut http = self.domains.iter().flat_map(|domain| {
            let with_domain = move |service| (domain, service);
            domain.services.iter().map(with_domain)
        });
        let found = http
            .find(|(domain, service)| crate::nginx::http_path(&domain.host(service)) == path)
            .map(|(_, service)| service.id);
        let mut streams = self.streams.iter();
        found.or_else(|| {
            streams
                .find(|service| crate::nginx::stream_path(service) == path)
                .map(|service| service.id)
        })
    }

    /// A copy without these services. Hosts, records and domains stay; the hostnames of removed
    /// services return the not-found page.
    #[must_use]
    pub fn without(&self, services: &BTreeSet<ServiceId>) -> Self {
        let mut result = self.clone();
        for domain in &mut result.domains {
            domain
                .services
                .retain(|service| !services.contains(&service.id));
        }
        result
            .streams
            .retain(|service| !services.contains(&service.id));
        result
    }
}
