//! The state of a host: problems, versions, and the live configuration.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::hosts::{
    ApplyOutcome, ConfigPart, DhcpRole, HostDetail, HostRow, ProbedComponent, PublishingState,
};

use super::{badges::role_badges, unserved::unserved};
use crate::components::{badge::ago, icon::icon, live_resource::LiveResource};

/// The tab.
pub fn tab(host: LiveResource<HostDetail>) -> AnyView {
    view! { {notices(host)} {facts(host)} }.erase()
}

/// Problems of the host, with the original messages of nginx and dnsmasq.
fn notices(host: LiveResource<HostDetail>) -> AnyView {
    let message = host.part(
        |host| match host.row.report.as_ref().map(|report| &report.outcome) {
            Some(ApplyOutcome::Refused { message }) => Some(message.clone()),
            _ => None,
        },
    );
    let refused = reactive(move || {
        message.get().map(|message| {
            view! {
                <section class="panel panel-danger">
                    <p class="panel-title">{icon("circle-alert")} "Configuration refused. The previous configuration stays live, and the agent retries."</p>
                    <pre class="words" tabindex="0" role="region" aria-label="Error message">{message}</pre>
                </section>
            }
            .erase()
        })
    });
    let quarantined_parts = host.part(|host| {
        let report = host
            .row
            .report
            .iter()
            .flat_map(|report| &report.quarantined);
        let parts = report.map(|entry| (part_name(host, &entry.part), entry.message.clone()));
        parts.collect::<Vec<_>>()
    });
    let quarantined = reactive(move || {
        let each = quarantined_parts.get().into_iter().map(|((name, href), message)| {
            let name = match href {
                Some(href) => view! { <a class="link" href=href>{name}</a> }.erase(),
                None => name.erase(),
            };
            view! {
                <section class="panel panel-warning">
                    <p class="panel-title">{icon("triangle-alert")} <span>{name} " is quarantined. Everything else is published."</span></p>
                    <pre class="words" tabindex="0" role="region" aria-label="Reason">{message}</pre>
                </section>
            }
            .erase()
        });
        each.collect::<Vec<_>>()
    });
    view! { {refused} {quarantined} {unserved(host)} {failed_probes(host)} }.erase()
}

/// The name of a quarantined part, and the page where it can be changed.
fn part_name(host: &HostDetail, part: &ConfigPart) -> (String, Option<String>) {
    match part {
        ConfigPart::Service(service) => {
            let container = host.quarantined.iter().find(|(id, _)| id == service);
            match container {
                Some((_, name)) => {
                    let site = &host.row.site_name;
                    let href = format!("/sites/{site}/containers/{name}/services");
                    (format!("A service of {name}"), Some(href))
                }
                None => ("A deleted service".to_owned(), None),
            }
        }
        ConfigPart::Host(name) => (format!("The name {name}"), None),
        ConfigPart::Domain(name) => (
            format!("The domain {name}"),
            Some(format!("/domains/{name}")),
        ),
    }
}

/// Services that were changed and are live, but did not respond to the host's own probe.
fn failed_probes(host: LiveResource<HostDetail>) -> AnyView {
    let of = move |component| {
        host.part(move |host| {
            let probes = host
                .row
                .report
                .iter()
                .flat_map(|report| &report.failed_probes);
            let named = probes.filter(|probe| probe.component == component);
            let named = named.map(|probe| (probe.name.clone(), probe.message.clone()));
            named.collect::<Vec<_>>()
        })
    };
    let edge = names(
        of(ProbedComponent::Edge),
        "panel panel-warning",
        "The last change is live, but these names do not respond as configured.",
    );
    // Not an error of this host: the container may still be starting.
    let containers = names(
        of(ProbedComponent::Container),
        "panel",
        "Published, but the container does not respond yet.",
    );
    view! { {edge} {containers} }.erase()
}

fn names(all: Memo<Vec<(String, String)>>, class: &'static str, title: &'static str) -> AnyView {
    reactive(move || {
        let each = |(name, message): (String, String)| {
            view! { <p><span class="mono">{name}</span> ": " {message}</p> }.erase()
        };
        let all = all.get();
        (!all.is_empty()).then(|| {
            view! {
                <section class=class>
                    <p class="panel-title">{icon("triangle-alert")} {title}</p>
                    {all.into_iter().map(each).collect::<Vec<_>>()}
                </section>
            }
            .erase()
        })
    })
}

fn facts(host: LiveResource<HostDetail>) -> AnyView {
    let list = reactive(move || {
        host.with(|host| {
            let row = &host.row;
            let facts = row.facts.as_ref().map(|facts| {
                view! {
                    <dt>"Address"</dt><dd class="mono">{facts.address.to_string()}</dd>
                    <dt>"Agent version"</dt><dd class="num">{facts.version.clone()}</dd>
                }
                .erase()
            });
            let seen = match row.last_seen {
                Some(seen) => ago(seen),
                None => view! { <span class="muted">"never"</span> }.erase(),
            };
            view! {
                <dl class="card facts">
                    <dt>"Site"</dt><dd>{row.site_name.to_string()}</dd>
                    <dt>"Roles"</dt><dd>{role_badges(row)}</dd>
                    {facts}
                    <dt>"DHCP server"</dt><dd>{dhcp_server(host)}</dd>
                    <dt>"Last seen"</dt><dd>{seen}</dd>
                    <dt>"Configuration"</dt><dd>{live_generation(row)}</dd>
                </dl>
            }
            .erase()
        })
    });
    view! { {list} }.erase()
}

/// The site generation that is live on the host.
fn live_generation(row: &HostRow) -> String {
    let now = row.generation;
    match (row.applied_generation, row.publishing_state()) {
        (_, None) => "none, not joined yet".to_owned(),
        (None, _) => format!("none, generation {now} is pending"),
        (Some(applied), Some(PublishingState::Publishing)) => {
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
        (DhcpRole::No, None) => view! { <span class="muted">"none"</span> }.erase(),
    }
}
