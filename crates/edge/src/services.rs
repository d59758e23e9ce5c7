//! A snapshot's services: which there are, which file each has, and the snapshot without some.

use std::collections::BTreeSet;

use model::ServiceId;

use crate::snapshot::Snapshot;

impl Snapshot {
    /// Every service, in the order of the snapshot.
    pub fn services(&self) -> impl Iterator<Item = ServiceId> {
        let http = self.domains.iter().flat_map(|domain| &domain.services);
        let streams = self.streams.iter().map(|service| service.id);
        http.map(|service| service.id).chain(streams)
    }

    /// The service that a file of the tree is written for; none for every other file.
    pub fn service_of(&self, path: &str) -> Option<ServiceId> {
        let mut http = self.domains.iter().flat_map(|domain| {
            let of = move |service| (domain, service);
            domain.services.iter().map(of)
        });
        let web = http
            .find(|(domain, service)| crate::nginx::http_path(&domain.host(service)) == path)
            .map(|(_, service)| service.id);
        let mut streams = self.streams.iter();
        web.or_else(|| {
            streams
                .find(|service| crate::nginx::stream_path(service) == path)
                .map(|service| service.id)
        })
    }

    /// The same without these services. Their names under a domain say that nothing is published
    /// there; hosts, records and domains stay.
    #[must_use]
    pub fn without(&self, services: &BTreeSet<ServiceId>) -> Self {
        let mut rest = self.clone();
        for domain in &mut rest.domains {
            domain
                .services
                .retain(|service| !services.contains(&service.id));
        }
        rest.streams
            .retain(|service| !services.contains(&service.id));
        rest
    }
}
