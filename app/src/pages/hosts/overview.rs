//! The state of a host: problems, versions, and the live configuration.

use model::hosts::{
    ApplyOutcome, ConfigPart, DhcpRole, HostDetail, HostPublishingState, HostRow, ProbedComponent,
};

use super::{badges::role_badges, join_token::pending_install, unserved::unserved};
use crate::pages::prelude::*;

pub fn tab(host: LiveResource<HostDetail>) -> AnyView {
    view! { {notices(host)} {pending_install(host)} {host.view(facts)} }.erase()
}

/// Problems of the host, with the original messages of nginx and dnsmasq.
fn notices(host: LiveResource<HostDetail>) -> AnyView {
    let refusal = host.part(|host| match &host.row.report.as_ref()?.outcome {
        ApplyOutcome::Refused { message } => Some(message.clone()),
        _ => None,
    });
    let refused = reactive(move || {
        let title =
            "Configuration refused. The previous configuration stays live, and the agent retries.";
        let panel = |text| {
            panel(
                Tone::Danger,
                "circle-alert",
                title.erase(),
                message("Error message", text),
            )
        };
        refusal.get().map(panel)
    });
    let parts = host.part(|host| {
        let report = host.row.report.iter();
        let entries = report.flat_map(|report| &report.quarantined);
        let named = entries.map(|entry| (part_name(host, &entry.part), entry.message.clone()));
        named.collect::<Vec<_>>()
    });
    let quarantined = reactive(move || {
        let panel = |(part, reason)| {
            let title = view! { <span>{part_link(part)} " is quarantined. Everything else is published."</span> };
            panel(
                Tone::Warning,
                "triangle-alert",
                title.erase(),
                message("Reason", reason),
            )
        };
        parts.get().into_iter().map(panel).collect::<Vec<_>>()
    });
    view! { {refused} {quarantined} {unserved(host)} {failed_probes(host)} }.erase()
}

/// A message of nginx or dnsmasq.
fn message(label: &'static str, text: String) -> AnyView {
    view! { <pre class="verbatim" tabindex="0" role="region" aria-label=label>{text}</pre> }.erase()
}

/// The name of a quarantined part, and the page where the part can be changed.
type PartName = (String, Option<String>);

fn part_name(host: &HostDetail, part: &ConfigPart) -> PartName {
    match part {
        ConfigPart::Service(service) => {
            let container = host.quarantined.iter().find(|(id, _)| id == service);
            let Some((_, name)) = container else {
                return ("A deleted service".to_owned(), None);
            };
            let href = format!("/sites/{}/containers/{name}/services", host.row.site_name);
            (format!("A service of {name}"), Some(href))
        }
        ConfigPart::Host(name) => (format!("The name {name}"), None),
        ConfigPart::Domain(name) => (
            format!("The domain {name}"),
            Some(format!("/domains/{name}")),
        ),
    }
}

fn part_link((name, href): PartName) -> AnyView {
    match href {
        Some(href) => view! { <a class="link" href=href>{name}</a> }.erase(),
        None => name.erase(),
    }
}

/// Services that were changed and are live, but did not respond to the host's own probe.
fn failed_probes(host: LiveResource<HostDetail>) -> AnyView {
    let of = move |component| {
        host.part(move |host| {
            let report = host.row.report.iter();
            let probes = report.flat_map(|report| &report.failed_probes);
            let probes = probes.filter(|probe| probe.component == component);
            let named = probes.map(|probe| (probe.name.clone(), probe.message.clone()));
            named.collect::<Vec<_>>()
        })
    };
    let title = "The last change is live, but these names do not respond as configured.";
    let edge = names(of(ProbedComponent::Edge), Tone::Warning, title);
    // Not an error of this host: the container may still be starting.
    let title = "Published, but the container does not respond yet.";
    let containers = names(of(ProbedComponent::Container), Tone::Plain, title);
    view! { {edge} {containers} }.erase()
}

fn names(all: Memo<Vec<(String, String)>>, tone: Tone, title: &'static str) -> AnyView {
    reactive(move || {
        let line = |(name, message): (String, String)| {
            view! { <p><span class="mono">{name}</span> ": " {message}</p> }.erase()
        };
        let all = all.get();
        (!all.is_empty()).then(|| {
            let lines = all.into_iter().map(line).collect::<Vec<_>>();
            panel(tone, "triangle-alert", title.erase(), lines.erase())
        })
    })
}

fn facts(host: &HostDetail) -> AnyView {
    let row = &host.row;
    let seen = row.last_seen.map_or_else(|| muted("never"), ago);
    Facts::new()
        .text("Site", &row.site_name)
        .view("Roles", role_badges(row))
        .with(row.facts.as_ref(), |list, facts| {
            let list = list.mono("Address", facts.address);
            list.number("Agent version", &facts.version)
        })
        .view("DHCP server", dhcp_server(host))
        .view("Last seen", seen)
        .text("Configuration", live_generation(row))
        .card()
}

/// The site generation that is live on the host.
fn live_generation(row: &HostRow) -> String {
    let now = row.generation;
    match (row.applied_generation, row.publishing_state()) {
        (_, None) => "none, not joined yet".to_owned(),
        (None, _) => format!("none, generation {now} is pending"),
        (Some(applied), Some(HostPublishingState::Publishing)) => {
            format!("generation {applied}, {now} is pending")
        }
        (Some(applied), _) if applied < now => {
            format!("generation {applied}, {now} was refused")
        }
        (Some(applied), _) => format!("generation {applied}, current"),
    }
}

/// The site's DHCP server, and whether that is to change.
fn dhcp_server(host: &HostDetail) -> AnyView {
    let server = host.dhcp_server.as_ref();
    match (host.row.dhcp, server) {
        (DhcpRole::Yes, _) => "this host".erase(),
        (DhcpRole::Ending, _) => "this host, until its agent has stopped DHCP".erase(),
        (DhcpRole::Next, _) => "this host, once the current server stops".erase(),
        (DhcpRole::No, Some(server)) => {
            view! { <a class="link" href=server.path()>{server.name.to_string()}</a> }.erase()
        }
        (DhcpRole::No, None) => muted("none"),
    }
}
