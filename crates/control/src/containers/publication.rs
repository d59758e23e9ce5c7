//! The publication state of a container's services: compares the latest reports of the site's
//! agents with the generation in which the container last changed.

use model::{
    ServiceId,
    agents::{AgentRow, Outcome},
    services::Publication,
};
use store::{Conn, containers::ContainerRecord};

/// The publication state of each service of a container.
pub(super) fn of(
    c: &mut Conn,
    record: &ContainerRecord,
) -> Result<Vec<(ServiceId, Publication)>, store::Error> {
    if record.services.is_empty() {
        return Ok(Vec::new());
    }
    let since = store::containers::generation(c, record.id)?;
    let agents = store::agents::of_site(c, record.site)?;
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
                all(&agents, service.id, since, &record.site_name),
            )
        })
        .collect())
}

/// The state of a service on one edge host.
enum One {
    Live,
    Waits,
    Silent,
    Refuses(String),
}

fn one(agent: &AgentRow, service: ServiceId, since: i64) -> One {
    if let Some(report) = agent
        .report
        .as_ref()
        .filter(|report| report.generation >= since)
    {
        let mut aside = report.aside.iter();
        if let Some(aside) = aside.find(|aside| aside.service == service) {
            return One::Refuses(format!("{}: {}", agent.name, aside.words));
        }
        if let Outcome::Refused { words } = &report.outcome
            && agent.applied.is_none_or(|applied| applied < since)
        {
            return One::Refuses(format!("{}: {words}", agent.name));
        }
    }
    match agent.applied {
        Some(applied) if applied >= since => One::Live,
        _ if agent.in_contact => One::Waits,
        _ => One::Silent,
    }
}

fn all(
    agents: &[AgentRow],
    service: ServiceId,
    since: i64,
    site: &dyn std::fmt::Display,
) -> Publication {
    if agents.is_empty() {
        let why = format!(
            "No agent of the site {site} has joined, so nothing publishes it. An operator can invite one under Agents."
        );
        return Publication::Blocked { why };
    }
    let (mut refusals, mut waits, mut silent) = (Vec::new(), false, Vec::new());
    let mut is_live = false;
    for agent in agents {
        match one(agent, service, since) {
            One::Live => is_live = true,
            One::Waits => waits = true,
            One::Silent => silent.push(agent.name.as_str()),
            One::Refuses(words) => refusals.push(words),
        }
    }
    if !refusals.is_empty() {
        let why = refusals.join("\n");
        return Publication::Blocked { why };
    }
    if waits {
        return Publication::Publishing;
    }
    if is_live {
        return Publication::Live;
    }
    let why = format!(
        "{} of the site {site} is not in contact. It is published as soon as that is back.",
        silent.join(", ")
    );
    Publication::Blocked { why }
}

#[cfg(test)]
mod tests {
    use model::{
        AgentId, ServiceId, SiteId,
        agents::{About, AgentRow, Aside, Dhcp, Outcome, Report},
        services::Publication,
    };

    use super::all;

    const SERVICE: ServiceId = ServiceId(7);

    fn agent(name: &str, applied: Option<i64>, report: Option<Report>) -> AgentRow {
        AgentRow {
            id: AgentId(1),
            name: name.parse().unwrap(),
            site: SiteId(1),
            site_name: "lab".parse().unwrap(),
            about: Some(About {
                version: "0.1.0".into(),
                address: "10.20.0.2".parse().unwrap(),
            }),
            seen: None,
            invited_until: None,
            dhcp: Dhcp::Yes,
            report,
            applied,
            generation: 9,
            in_contact: true,
        }
    }

    fn live(generation: i64, aside: &[i64]) -> Option<Report> {
        let aside = aside.iter().map(|id| Aside {
            service: ServiceId(*id),
            words: "[emerg] no".into(),
        });
        Some(Report {
            generation,
            outcome: Outcome::Live,
            aside: aside.collect(),
            silent: Vec::new(),
            unserved: Vec::new(),
        })
    }

    fn of(agents: &[AgentRow], since: i64) -> Publication {
        all(agents, SERVICE, since, &"lab")
    }

    fn why(publication: &Publication) -> &str {
        match publication {
            Publication::Blocked { why } => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn service_without_agent_is_blocked_with_instructions() {
        assert!(why(&of(&[], 3)).contains("invite one"));
    }

    #[test]
    fn service_is_live_after_all_reachable_agents_applied_it() {
        let one = agent("edge-1", Some(5), live(5, &[]));
        assert_eq!(of(std::slice::from_ref(&one), 5), Publication::Live);
        assert_eq!(of(std::slice::from_ref(&one), 6), Publication::Publishing);
        let two = agent("edge-2", Some(4), live(4, &[]));
        assert_eq!(of(&[one.clone(), two.clone()], 5), Publication::Publishing);
        let two = AgentRow {
            in_contact: false,
            ..two
        };
        assert_eq!(of(&[one, two.clone()], 5), Publication::Live);
        assert!(
            why(&of(&[two], 5)).contains("edge-2"),
            "no other agent serves it"
        );
    }

    #[test]
    fn quarantined_service_shows_reason_while_others_are_live() {
        let aside = agent("edge-1", Some(5), live(5, &[7]));
        assert_eq!(
            why(&of(std::slice::from_ref(&aside), 5)),
            "edge-1: [emerg] no"
        );
        assert_eq!(
            of(std::slice::from_ref(&aside), 6),
            Publication::Publishing,
            "changed after the report"
        );
        assert_eq!(all(&[aside], ServiceId(8), 5, &"lab"), Publication::Live);
    }

    #[test]
    fn live_service_stays_live_after_a_later_refusal() {
        let refused = Report {
            generation: 8,
            outcome: Outcome::Refused {
                words: "disk full".into(),
            },
            aside: Vec::new(),
            silent: Vec::new(),
            unserved: Vec::new(),
        };
        let one = agent("edge-1", Some(5), Some(refused));
        assert_eq!(of(std::slice::from_ref(&one), 5), Publication::Live);
        assert_eq!(why(&of(std::slice::from_ref(&one), 6)), "edge-1: disk full");
    }
}
