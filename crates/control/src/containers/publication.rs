//! The publication state of a container's services: compares the latest reports of the site's
//! hosts with the generation in which the container last changed.

use model::{
    ServiceId,
    hosts::{ApplyOutcome, HostRow},
    services::ServicePublishingState,
};
use store::{Conn, containers::ContainerRecord};

/// The reason if a host refuses its whole configuration: the message of nginx or dnsmasq may name
/// hostnames and files of other users.
const REFUSED: &str = "The edge host refused this service. Ask an operator.";

/// The publication state of each service of a container, as its owner may see it: without messages
/// that concern other containers. Operators read those on the page of the host.
pub(super) fn load(
    c: &mut Conn,
    record: &ContainerRecord,
) -> Result<Vec<(ServiceId, ServicePublishingState)>, store::Error> {
    if record.services.is_empty() {
        return Ok(Vec::new());
    }
    let since = store::containers::get_generation(c, record.id)?;
    let hosts = store::hosts::list_by_site(c, record.site)?;
    let hosts: Vec<HostRow> = hosts
        .into_iter()
        .map(|host| host.row)
        .filter(|host| host.facts.is_some())
        .collect();
    let services = record.services.iter();
    Ok(services
        .map(|service| {
            (
                service.id,
                aggregate(&hosts, service.id, since, &record.site_name),
            )
        })
        .collect())
}

/// The state of a service on one edge host.
enum HostState {
    Live,
    Pending,
    Unreachable,
    Rejected(String),
}

fn host_state(host: &HostRow, service: ServiceId, since: i64) -> HostState {
    if let Some(report) = host
        .report
        .as_ref()
        .filter(|report| report.generation >= since)
    {
        let mut quarantined = report.quarantined.iter();
        if let Some(service) = quarantined.find(|entry| entry.part.service() == Some(service)) {
            return HostState::Rejected(format!("{}: {}", host.name, service.message));
        }
        if let ApplyOutcome::Refused { .. } = &report.outcome
            && host
                .applied_generation
                .is_none_or(|applied| applied < since)
        {
            return HostState::Rejected(format!("{}: {REFUSED}", host.name));
        }
    }
    match host.applied_generation {
        Some(applied) if applied >= since => HostState::Live,
        _ if host.is_online => HostState::Pending,
        _ => HostState::Unreachable,
    }
}

fn aggregate(
    hosts: &[HostRow],
    service: ServiceId,
    since: i64,
    site: &dyn std::fmt::Display,
) -> ServicePublishingState {
    if hosts.is_empty() {
        return ServicePublishingState::NoHost;
    }
    let (mut refusals, mut is_pending, mut unreachable) = (Vec::new(), false, Vec::new());
    let mut is_live = false;
    for host in hosts {
        match host_state(host, service, since) {
            HostState::Live => is_live = true,
            HostState::Pending => is_pending = true,
            HostState::Unreachable => unreachable.push(host.name.as_str()),
            HostState::Rejected(message) => refusals.push(message),
        }
    }
    if !refusals.is_empty() {
        let reason = refusals.join("\n");
        return ServicePublishingState::Blocked { reason };
    }
    if is_pending {
        return ServicePublishingState::Publishing;
    }
    if is_live {
        return ServicePublishingState::Live;
    }
    let reason = format!(
        "{} of the site {site} is unreachable. The service is published when the host is online again.",
        unreachable.join(", ")
    );
    ServicePublishingState::Blocked { reason }
}

#[cfg(test)]
mod tests {
    use model::{
        HostId, ServiceId, SiteId,
        hosts::{ApplyOutcome, ConfigPart, DhcpRole, HostFacts, HostRow, QuarantinedPart, Report},
        services::ServicePublishingState,
    };

    use super::aggregate;

    const SERVICE: ServiceId = ServiceId(7);

    fn host(name: &str, applied: Option<i64>, report: Option<Report>) -> HostRow {
        HostRow {
            id: HostId(1),
            name: name.parse().unwrap(),
            site: SiteId(1),
            site_name: "lab".parse().unwrap(),
            facts: Some(HostFacts {
                version: "0.1.0".into(),
                address: "10.20.0.2".parse().unwrap(),
            }),
            last_seen: None,
            join_expires_at: None,
            dhcp: DhcpRole::Yes,
            report,
            applied_generation: applied,
            generation: 9,
            is_online: true,
        }
    }

    fn live(generation: i64, quarantined: &[i64]) -> Option<Report> {
        let quarantined = quarantined.iter().map(|id| QuarantinedPart {
            part: ConfigPart::Service(ServiceId(*id)),
            message: "[emerg] no".into(),
        });
        Some(Report {
            generation,
            outcome: ApplyOutcome::Live,
            quarantined: quarantined.collect(),
            failed_probes: Vec::new(),
            unservable_certificates: Vec::new(),
        })
    }

    fn publication_of(hosts: &[HostRow], since: i64) -> ServicePublishingState {
        aggregate(hosts, SERVICE, since, &"lab")
    }

    fn reason(publication: &ServicePublishingState) -> &str {
        match publication {
            ServicePublishingState::Blocked { reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn service_without_host_is_not_published() {
        assert_eq!(publication_of(&[], 3), ServicePublishingState::NoHost);
    }

    #[test]
    fn service_is_live_after_all_reachable_hosts_applied_it() {
        let first = host("edge-1", Some(5), live(5, &[]));
        assert_eq!(
            publication_of(std::slice::from_ref(&first), 5),
            ServicePublishingState::Live
        );
        assert_eq!(
            publication_of(std::slice::from_ref(&first), 6),
            ServicePublishingState::Publishing
        );
        let second = host("edge-2", Some(4), live(4, &[]));
        assert_eq!(
            publication_of(&[first.clone(), second.clone()], 5),
            ServicePublishingState::Publishing
        );
        let second = HostRow {
            is_online: false,
            ..second
        };
        assert_eq!(
            publication_of(&[first, second.clone()], 5),
            ServicePublishingState::Live
        );
        assert!(
            reason(&publication_of(&[second], 5)).contains("edge-2"),
            "no other host serves it"
        );
    }

    #[test]
    fn quarantined_service_shows_reason_while_others_are_live() {
        let quarantining = host("edge-1", Some(5), live(5, &[7]));
        assert_eq!(
            reason(&publication_of(std::slice::from_ref(&quarantining), 5)),
            "edge-1: [emerg] no"
        );
        assert_eq!(
            publication_of(std::slice::from_ref(&quarantining), 6),
            ServicePublishingState::Publishing,
            "changed after the report"
        );
        assert_eq!(
            aggregate(&[quarantining], ServiceId(8), 5, &"lab"),
            ServicePublishingState::Live
        );
    }

    #[test]
    fn live_service_stays_live_after_a_later_refusal() {
        let refused = Report {
            generation: 8,
            outcome: ApplyOutcome::Refused {
                message: "[emerg] conflicting parameter in services/hers.example.org.conf:3".into(),
            },
            quarantined: Vec::new(),
            failed_probes: Vec::new(),
            unservable_certificates: Vec::new(),
        };
        let first = host("edge-1", Some(5), Some(refused));
        assert_eq!(
            publication_of(std::slice::from_ref(&first), 5),
            ServicePublishingState::Live
        );
        assert_eq!(
            reason(&publication_of(std::slice::from_ref(&first), 6)),
            "edge-1: The edge host refused this service. Ask an operator.",
            "the message may name other containers"
        );
    }
}
