//! The parts of a site configuration: listing, lookup by file, and removal.

use std::collections::BTreeSet;

use model::hosts::ConfigPart;

use crate::site_config::SiteConfig;

impl SiteConfig {
    /// All parts: domains, HTTP services, ports, SRV records and hosts.
    pub fn parts(&self) -> impl Iterator<Item = ConfigPart> {
        let domains = self.domains.iter();
        let http = domains.clone().flat_map(|domain| &domain.services);
        let services = http
            .map(|service| service.id)
            .chain(self.streams.iter().map(|service| service.id))
            .chain(self.records.iter().map(|record| record.id));
        domains
            .map(|domain| ConfigPart::Domain(domain.name.clone()))
            .chain(services.map(ConfigPart::Service))
            .chain(
                self.hosts
                    .iter()
                    .map(|host| ConfigPart::Host(host.name.clone())),
            )
    }

    /// The part that a file of the tree belongs to, if any. SRV records and hosts share files.
    pub fn part_of(&self, path: &str) -> Option<ConfigPart> {
        let domain = |domain: &&crate::PublicDomain| crate::nginx::domain_path(domain) == path;
        if let Some(domain) = self.domains.iter().find(domain) {
            return Some(ConfigPart::Domain(domain.name.clone()));
        }
        let mut http = self.domains.iter().flat_map(|domain| {
            let with_domain = move |service| (domain, service);
            domain.services.iter().map(with_domain)
        });
        let service = http
            .find(|(domain, service)| crate::nginx::http_path(&domain.hostname(service)) == path)
            .map(|(_, service)| service.id);
        let mut streams = self.streams.iter();
        let service = service.or_else(|| {
            streams
                .find(|service| crate::nginx::stream_path(service) == path)
                .map(|service| service.id)
        });
        service.map(ConfigPart::Service)
    }

    /// A copy without these parts. The hostnames of removed services return the not-found page of
    /// their domain.
    #[must_use]
    pub fn without(&self, parts: &BTreeSet<ConfigPart>) -> Self {
        let keeps = |part: ConfigPart| !parts.contains(&part);
        let mut result = self.clone();
        result
            .domains
            .retain(|domain| keeps(ConfigPart::Domain(domain.name.clone())));
        for domain in &mut result.domains {
            domain
                .services
                .retain(|service| keeps(ConfigPart::Service(service.id)));
        }
        result
            .streams
            .retain(|service| keeps(ConfigPart::Service(service.id)));
        result
            .records
            .retain(|record| keeps(ConfigPart::Service(record.id)));
        result
            .hosts
            .retain(|host| keeps(ConfigPart::Host(host.name.clone())));
        result
    }
}
