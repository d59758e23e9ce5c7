//! The publication state of a container's services: compares the latest reports of the site's
//! agents with the generation in which the container last changed.

use model::{
    ServiceId,
    agents::{AgentRow, ApplyOutcome},
    services::PublishingStatus,
};
use store::{Conn, containers::ContainerRecord};

/// The publication state of each service of a container.
pub(super) fn load(
    c: &mut Conn,
    record: &ContainerRecord,
) -> Result<Vec<(ServiceId, PublishingStatus)>, store::Error> {
    if record.services.is_empty() {
        return Ok(Vec::new());
    }
    let since = store::containers::get_generation(c, record.id)?;
    let agents = store::agents::list_by_site(c, record.site)?;
    let agents: Vec<AgentRow> = agents
        .into_iter()
        .map(|agent| agent.row)
        .filter(|agent| agent.about.is_some())
        .collect();
    let services = record.services.iter();
    Ok(services
        .map(|service| {
            (
                service.id,
                aggregate(&agents, service.id, since, &record.site_name),
            )
        })
        .collect())
}

/// The state of a service on one edge host.
enum AgentState {
    Live,
    Pending,
    Unreachable,
    Rejected(String),
}

fn agent_state(agent: &AgentRow, service: ServiceId, since: i64) -> AgentState {
    if let Some(report) = agent
        .report
        .as_ref()
        .filter(|report| report.generation >= since)
    {
        let mut quarantined = report.quarantined.iter();
        if let Some(service) = quarantined.find(|entry| entry.service == service) {
            return AgentState::Rejected(format!("{}: {}", agent.name, service.message));
        }
        if let ApplyOutcome::Refused { message } = &report.outcome
            && agent.applied.is_none_or(|applied| applied < since)
        {
            return AgentState::Rejected(format!("{}: {message}", agent.name));
        }
    }
    match agent.applied {
        Some(applied) if applied >= since => AgentState::Live,
        _ if agent.in_contact => AgentState::Pending,
        _ => AgentState::Unreachable,
    }
}

fn aggregate(
    agents: &[AgentRow],
    service: ServiceId,
    since: i64,
    site: &dyn std::fmt::Display,
) -> PublishingStatus {
    if agents.is_empty() {
        let why = format!(
            "No agent of the site {site} has joined, so nothing publishes it. An operator can invite one under Agents."
        );
        return PublishingStatus::Blocked { why };
    }
    let (mut refusals, mut is_pending, mut unreachable) = (Vec::new(), false, Vec::new());
    let mut is_live = false;
    for agent in agents {
        match agent_state(agent, service, since) {
            AgentState::Live => is_live = true,
            AgentState::Pending => is_pending = true,
            AgentState::Unreachable => unreachable.push(agent.name.as_str()),
            AgentState::Rejected(words) => refusals.push(words),
        }
    }
    if !refusals.is_empty() {
        let why = refusals.join("\n");
        return PublishingStatus::Blocked { why };
    }
    if is_pending {
        return PublishingStatus::Publishing;
    }
    if is_live {
        return PublishingStatus::Live;
    }
    let why = format!(
        "{} of the site {site} is not in contact. It is published as soon as that is back.",
        unreachable.join(", ")
    );
    PublishingStatus::Blocked { why }
}

#[cfg(test)]
mod tests {
    use model::{
        AgentId, ServiceId, SiteId,
        agents::{AgentRow, ApplyOutcome, DhcpRole, HostFacts, QuarantinedService, Report},
        services::PublishingStatus,
    };

    use super::aggregate;

    const SERVICE: ServiceId = ServiceId(7);

    fn agent(name: &str, applied: Option<i64>, report: Option<Report>) -> AgentRow {
        AgentRow {
            id: AgentId(1),
            name: name.parse().unwrap(),
            site: SiteId(1),
            site_name: "lab".parse().unwrap(),
            about: Some(HostFacts {
                version: "0.1.0".into(),
                address: "10.20.0.2".parse().unwrap(),
            }),
            seen: None,
            invited_until: None,
            dhcp: DhcpRole::Yes,
            report,
            applied,
            generation: 9,
            in_contact: true,
        }
    }

    fn live(generation: i64, quarantined: &[i64]) -> Option<Report> {
        let quarantined = quarantined.iter().map(|id| QuarantinedService {
            service: ServiceId(*id),
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

    fn publication_of(agents: &[AgentRow], since: i64) -> PublishingStatus {
        aggregate(agents, SERVICE, since, &"lab")
    }

    fn why(publication: &PublishingStatus) -> &str {
        match publication {
            PublishingStatus::Blocked { why } => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn service_without_agent_is_blocked_with_instructions() {
        assert!(why(&publication_of(&[], 3)).contains("invite one"));
    }

    #[test]
    fn service_is_live_after_all_reachable_agents_applied_it() {
        let first = agent("edge-1", Some(5), live(5, &[]));
        assert_eq!(
            publication_of(std::slice::from_ref(&first), 5),
            PublishingStatus::Live
        );
        assert_eq!(
            publication_of(std::slice::from_ref(&first), 6),
            PublishingStatus::Publishing
        );
        let second = agent("edge-2", Some(4), live(4, &[]));
        assert_eq!(
            publication_of(&[first.clone(), second.clone()], 5),
            PublishingStatus::Publishing
        );
        let second = AgentRow {
            in_contact: false,
            ..second
        };
        assert_eq!(
            publication_of(&[first, second.clone()], 5),
            PublishingStatus::Live
        );
        assert!(
            why(&publication_of(&[second], 5)).contains("edge-2"),
            "no other agent serves it"
        );
    }

    #[test]
    fn quarantined_service_shows_reason_while_others_are_live() {
        let aside = agent("edge-1", Some(5), live(5, &[7]));
        assert_eq!(
            why(&publication_of(std::slice::from_ref(&aside), 5)),
            "edge-1: [emerg] no"
        );
        assert_eq!(
            publication_of(std::slice::from_ref(&aside), 6),
            PublishingStatus::Publishing,
            "changed after the report"
        );
        assert_eq!(
            aggregate(&[aside], ServiceId(8), 5, &"lab"),
            PublishingStatus::Live
        );
    }

    #[test]
    fn live_service_stays_live_after_a_later_refusal() {
        let refused = Report {
            generation: 8,
            outcome: ApplyOutcome::Refused {
                message: "disk full".into(),
            },
            quarantined: Vec::new(),
            failed_probes: Vec::new(),
            unservable_certificates: Vec::new(),
        };
        let first = agent("edge-1", Some(5), Some(refused));
        assert_eq!(
            publication_of(std::slice::from_ref(&first), 5),
            PublishingStatus::Live
        );
        assert_eq!(
            why(&publication_of(std::slice::from_ref(&first), 6)),
            "edge-1: disk full"
        );
    }
}
