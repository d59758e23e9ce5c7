//! One host: its state, its configuration, the DHCP server, and its deletion.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use model::{
    events::{Event, Topic},
    hosts::{ApplyOutcome, HostDetail, HostRow, IssuedJoinToken, ProbedComponent, PublishingState},
};

use super::{
    badges::{configuration_badge, contact_badge, role_badges},
    dhcp::dhcp_card,
    join_token::{NewHost, join_instructions},
    tabs,
    unserved::unserved,
};
use crate::{
    components::{
        badge::ago,
        delete_card::{DeleteCard, delete_call, delete_card},
        failure::FailureLine,
        icon::icon,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
    },
    server_fns::{self, Failure},
};

/// The events after which a host's page is outdated.
pub fn interests(id: i64) -> Vec<Event> {
    vec![
        Event::all(Topic::Host),
        Event::of(Topic::Contact, id),
        Event::all(Topic::Container),
        Event::all(Topic::Domain),
        Event::all(Topic::Site),
    ]
}

/// The page.
pub fn page() -> AnyView {
    let params = use_params_map();
    let part = move |name: &'static str| {
        params.with(|params| params.get_str(name).unwrap_or_default().to_owned())
    };
    let names = Memo::new(move |_| (part("site"), part("name")));
    // A new page for each host, so that no state is kept across hosts.
    reactive(move || {
        live_resource(
            Signal::from(names.get()),
            |(site, name)| server_fns::hosts::get(site, name),
            |host: &HostDetail| interests(host.row.id.0),
            object_skeleton,
            content,
        )
    })
}

fn content(host: LiveResource<HostDetail>) -> AnyView {
    let (name, own) = host.peek(|host| (host.row.name.to_string(), host.row.path()));
    let title = host.part(|host| host.row.name.to_string());
    view! {
        <PageHead title=name aside=move || marks(host.part(|host| Some(host.row.clone()))) />
        {tabs(&own, 0)}
        <div class="stack stack-narrow">
            {notices(host)}
            {facts(host)}
            {dhcp_card(host)}
            {new_token(host)}
            {end(host, title)}
        </div>
    }
    .erase()
}

/// The badges beside the name.
pub fn marks(host: Memo<Option<HostRow>>) -> AnyView {
    let configuration_badge =
        reactive(move || host.with(|host| host.as_ref().map(configuration_badge)));
    view! { <span class="state-line">{contact_badge(host)} {configuration_badge}</span> }.erase()
}

/// Problems of the host, with the original messages of nginx and dnsmasq.
fn notices(host: LiveResource<HostDetail>) -> AnyView {
    let words = host.part(
        |host| match host.row.report.as_ref().map(|report| &report.outcome) {
            Some(ApplyOutcome::Refused { words }) => Some(words.clone()),
            _ => None,
        },
    );
    let refused = reactive(move || {
        words.get().map(|words| {
            view! {
                <section class="panel panel-danger">
                    <p class="panel-title">{icon("circle-alert")} "Configuration refused. The previous configuration stays live, and the agent retries."</p>
                    <pre class="words" tabindex="0" role="region" aria-label="Error message">{words}</pre>
                </section>
            }
            .erase()
        })
    });
    let aside = host.part(|host| {
        let report = host.row.report.iter().flat_map(|report| &report.aside);
        let named = report.map(|aside| {
            let container = host.quarantined.iter().find(|(id, _)| *id == aside.service);
            let container = container.map(|(_, name)| name.to_string());
            (container, aside.words.clone())
        });
        (host.row.site_name.to_string(), named.collect::<Vec<_>>())
    });
    let quarantined = reactive(move || {
        let (site, all) = aside.get();
        let each = all.into_iter().map(|(container, words)| {
            let of = match container {
                Some(name) => {
                    let href = format!("/sites/{site}/containers/{name}/services");
                    view! { <a class="link" href=href>{format!("A service of {name}")}</a> }.erase()
                }
                None => "A deleted service".erase(),
            };
            view! {
                <section class="panel panel-warning">
                    <p class="panel-title">{icon("triangle-alert")} <span>{of} " is quarantined. All other services are published."</span></p>
                    <pre class="words" tabindex="0" role="region" aria-label="Reason">{words}</pre>
                </section>
            }
            .erase()
        });
        each.collect::<Vec<_>>()
    });
    view! { {refused} {quarantined} {unserved(host)} {silent(host)} }.erase()
}

/// Services that were changed and are live, but did not respond to the host's own probe.
fn silent(host: LiveResource<HostDetail>) -> AnyView {
    let of = move |who| {
        host.part(move |host| {
            let silent = host.row.report.iter().flat_map(|report| &report.silent);
            let named = silent.filter(|silent| silent.who == who);
            let named = named.map(|silent| (silent.name.clone(), silent.words.clone()));
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
        let each = |(name, words): (String, String)| {
            view! { <p><span class="mono">{name}</span> ": " {words}</p> }.erase()
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
        host.with(|HostDetail { row, .. }| {
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

/// A new join token, for a new host or a lost key.
fn new_token(host: LiveResource<HostDetail>) -> AnyView {
    let issued = RwSignal::new(None::<IssuedJoinToken>);
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let ask = move |_| {
        busy.set(true);
        failure.set(None);
        let id = host.peek(|host| host.row.id);
        spawn_local(async move {
            match server_fns::hosts::renew_join_token(id).await {
                Ok(new) => {
                    issued.try_set(Some(new));
                }
                Err(refusal) => {
                    failure.try_set(Some(refusal));
                }
            }
            busy.try_set(false);
        });
    };
    let has_joined = host.part(|host| host.row.facts.is_some());
    let help = move || {
        if has_joined.get() {
            "For a replaced host or a lost key. This revokes the agent's key; the host keeps its configuration until the agent joins again."
        } else {
            "For an expired or lost token. The previous token becomes invalid."
        }
    };
    let button = view! {
        <section class="card stack-tight">
            <h2 class="card-title">"Join token"</h2>
            <p>{reactive(help)}</p>
            <FailureLine failure />
            <div class="actions">
                <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(ask)>{icon("rotate-cw")} "New join token"</button>
            </div>
        </section>
    };
    let shown = reactive(move || {
        issued.get().map(|current| {
            let new_host = host.peek(|host| NewHost {
                site: host.row.site_name.to_string(),
                name: host.row.name.to_string(),
            });
            join_instructions(
                new_host,
                current,
                Some(Callback::new(move |()| issued.set(None))),
            )
        })
    });
    view! { {button} {shown} }.erase()
}

fn end(host: LiveResource<HostDetail>, name: Memo<String>) -> AnyView {
    let blocked = host.part(|host| (host.row.dhcp.is_serving() && host.has_others).then_some(()));
    let blocked = move |()| {
        blocked.get().map(|()| {
            view! { <p>"This host is the DHCP server. Make another host the DHCP server first."</p> }.erase()
        })
    };
    delete_card(DeleteCard {
        verb: "Delete",
        what: "host",
        name,
        losses: Signal::derive(move || host.with(|host| losses(&host.row))),
        note: Signal::stored(
            "This revokes the agent's key. The host keeps serving its last configuration until you stop nginx and dnsmasq there.",
        ),
        blocked: Callback::new(blocked),
        list: "/hosts",
        ask: delete_call(move |typed| {
            server_fns::hosts::delete(host.peek(|host| host.row.id), typed)
        }),
    })
}

/// The objects that are deleted along with a host.
fn losses(row: &HostRow) -> Vec<String> {
    let mut losses = vec![
        format!(
            "The host {} of the site {} and the key of its agent",
            row.name, row.site_name
        ),
        "The reported files of the host".to_owned(),
    ];
    if let Some(facts) = &row.facts {
        losses.push(format!(
            "Updates of the site configuration at {}",
            facts.address
        ));
    }
    losses
}
