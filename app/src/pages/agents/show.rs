//! One agent: its state, its configuration, the DHCP server, and its deletion.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use model::{
    agents::{
        AgentDetail, AgentRow, ApplyOutcome, DhcpRole, IssuedJoinToken, ProbedComponent,
        PublishingState,
    },
    events::{Event, Topic},
};

use super::{
    addresses::addresses,
    invitation::{InvitedAgent, invitation},
    marks::{configuration_badge, contact},
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

/// The events after which an agent's page is outdated.
pub fn interests(id: i64) -> Vec<Event> {
    vec![
        Event::all(Topic::Agent),
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
    // A new page for each agent, so that no state is kept across agents.
    reactive(move || {
        live_resource(
            Signal::from(names.get()),
            |(site, name)| server_fns::agents::get(site, name),
            |agent: &AgentDetail| interests(agent.row.id.0),
            object_skeleton,
            content,
        )
    })
}

fn content(agent: LiveResource<AgentDetail>) -> AnyView {
    let (name, own) = agent.peek(|agent| (agent.row.name.to_string(), agent.row.path()));
    let title = agent.part(|agent| agent.row.name.to_string());
    view! {
        <PageHead title=name aside=move || marks(agent.part(|agent| Some(agent.row.clone()))) />
        {tabs(&own, 0)}
        <div class="stack stack-narrow">
            {notices(agent)}
            {facts(agent)}
            {addresses(agent)}
            {again(agent)}
            {end(agent, title)}
        </div>
    }
    .erase()
}

/// The badges beside the name.
pub fn marks(agent: Memo<Option<AgentRow>>) -> AnyView {
    let configuration_badge =
        reactive(move || agent.with(|agent| agent.as_ref().map(configuration_badge)));
    view! { <span class="state-line">{contact(agent)} {configuration_badge}</span> }.erase()
}

/// Problems of the agent, with the original messages of nginx and dnsmasq.
fn notices(agent: LiveResource<AgentDetail>) -> AnyView {
    let words = agent.part(
        |agent| match agent.row.report.as_ref().map(|report| &report.outcome) {
            Some(ApplyOutcome::Refused { message }) => Some(message.clone()),
            _ => None,
        },
    );
    let refused = reactive(move || {
        words.get().map(|words| {
            view! {
                <section class="panel panel-danger">
                    <p class="panel-title">{icon("circle-alert")} "What it was last given is not live. What was live before goes on, and it tries again."</p>
                    <pre class="words" tabindex="0" role="region" aria-label="Its words">{words}</pre>
                </section>
            }
            .erase()
        })
    });
    let aside = agent.part(|agent| {
        let report = agent
            .row
            .report
            .iter()
            .flat_map(|report| &report.quarantined);
        let named = report.map(|quarantined| {
            let container = agent
                .aside
                .iter()
                .find(|(id, _)| *id == quarantined.service);
            let container = container.map(|(_, name)| name.to_string());
            (container, quarantined.message.clone())
        });
        (agent.row.site_name.to_string(), named.collect::<Vec<_>>())
    });
    let quarantined = reactive(move || {
        let (site, all) = aside.get();
        let each = all.into_iter().map(|(container, words)| {
            let of = match container {
                Some(name) => {
                    let href = format!("/sites/{site}/containers/{name}/services");
                    view! { <a class="link" href=href>{format!("A service of {name}")}</a> }.erase()
                }
                None => "A service that is gone by now".erase(),
            };
            view! {
                <section class="panel panel-warning">
                    <p class="panel-title">{icon("triangle-alert")} <span>{of} " is set aside. All others are published."</span></p>
                    <pre class="words" tabindex="0" role="region" aria-label="Why">{words}</pre>
                </section>
            }
            .erase()
        });
        each.collect::<Vec<_>>()
    });
    view! { {refused} {quarantined} {unserved(agent)} {silent(agent)} }.erase()
}

/// Services that were changed and are live, but did not respond to the host's own check.
fn silent(agent: LiveResource<AgentDetail>) -> AnyView {
    let of = move |who| {
        agent.part(move |agent| {
            let silent = agent
                .row
                .report
                .iter()
                .flat_map(|report| &report.failed_probes);
            let named = silent.filter(|silent| silent.component == who);
            let named = named.map(|silent| (silent.name.clone(), silent.message.clone()));
            named.collect::<Vec<_>>()
        })
    };
    let edge = names(
        of(ProbedComponent::Edge),
        "panel panel-warning",
        "What was last changed is live, and does not answer as it should.",
    );
    // Not an error of this host: the container may still be starting.
    let containers = names(
        of(ProbedComponent::Container),
        "panel",
        "Published, and the container behind it does not answer yet.",
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

fn facts(agent: LiveResource<AgentDetail>) -> AnyView {
    let list = reactive(move || {
        agent.with(|AgentDetail { row, .. }| {
            let about = row.about.as_ref().map(|about| {
                view! {
                    <dt>"Address"</dt><dd class="mono">{about.address.to_string()}</dd>
                    <dt>"Version"</dt><dd class="num">{about.version.clone()}</dd>
                }
                .erase()
            });
            let seen = match row.seen {
                Some(seen) => ago(seen),
                None => view! { <span class="muted">"never"</span> }.erase(),
            };
            view! {
                <dl class="card facts">
                    <dt>"Site"</dt><dd>{row.site_name.to_string()}</dd>
                    {about}
                    <dt>"Last heard"</dt><dd>{seen}</dd>
                    <dt>"It has"</dt><dd>{live_generation(row)}</dd>
                </dl>
            }
            .erase()
        })
    });
    view! { {list} }.erase()
}

/// The site generation that is live on the host.
fn live_generation(row: &AgentRow) -> String {
    let now = row.generation;
    match (row.applied, row.publishing_state()) {
        (_, None) => "nothing yet; it has not joined".to_owned(),
        (None, _) => format!("nothing yet of the site's generation {now}"),
        (Some(applied), Some(PublishingState::Publishing)) => {
            format!("the site's generation {applied}; {now} is on its way")
        }
        (Some(applied), _) if applied < now => {
            format!("the site's generation {applied}, and not {now}")
        }
        (Some(applied), _) => format!("the site's generation {applied}, the newest"),
    }
}

/// A new join token, for a new host or a lost key.
fn again(agent: LiveResource<AgentDetail>) -> AnyView {
    let issued = RwSignal::new(None::<IssuedJoinToken>);
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let ask = move |_| {
        busy.set(true);
        failure.set(None);
        let id = agent.peek(|agent| agent.row.id);
        spawn_local(async move {
            match server_fns::agents::invite_again(id).await {
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
    let has_joined = agent.part(|agent| agent.row.about.is_some());
    let words = move || {
        if has_joined.get() {
            "For another host, or when its key was lost. The key that it has is good no more from then on: its host keeps what it has, and gets nothing new until it has joined again."
        } else {
            "It has not joined. If the code was not used in time, or was lost, make a new one; the old one is good no more then."
        }
    };
    let button = view! {
        <section class="card stack-tight">
            <h2 class="card-title">"Invite it again"</h2>
            <p>{reactive(words)}</p>
            <FailureLine failure />
            <div class="actions">
                <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(ask)>{icon("rotate-cw")} "Make a new code"</button>
            </div>
        </section>
    };
    let shown = reactive(move || {
        issued.get().map(|current| {
            let invited_agent = agent.peek(|agent| InvitedAgent {
                site: agent.row.site_name.to_string(),
                name: agent.row.name.to_string(),
            });
            invitation(
                invited_agent,
                current,
                Some(Callback::new(move |()| issued.set(None))),
            )
        })
    });
    view! { {button} {shown} }.erase()
}

fn end(agent: LiveResource<AgentDetail>, name: Memo<String>) -> AnyView {
    let blocked = agent.part(|agent| {
        let gives = matches!(agent.row.dhcp, DhcpRole::Yes | DhcpRole::Ending);
        (gives && agent.has_others).then_some(())
    });
    let blocked = move |()| {
        blocked.get().map(|()| {
            view! { <p>"It gives out the site's addresses. Have another agent do that first; then it can be deleted."</p> }.erase()
        })
    };
    delete_card(DeleteCard {
        verb: "Delete",
        what: "agent",
        name,
        losses: Signal::derive(move || agent.with(|agent| losses(&agent.row))),
        note: Signal::stored(
            "Its key is good no more then. Its host goes on with what it has until somebody stops the programs there.",
        ),
        blocked: Callback::new(blocked),
        list: "/agents",
        ask: delete_call(move |typed| {
            server_fns::agents::delete(agent.peek(|agent| agent.row.id), typed)
        }),
    })
}

/// The objects that are deleted along with an agent.
fn losses(row: &AgentRow) -> Vec<String> {
    let mut losses = vec![
        format!(
            "The agent {} of the site {} and its key",
            row.name, row.site_name
        ),
        "What is known of the files on its host".to_owned(),
    ];
    if let Some(about) = &row.about {
        losses.push(format!(
            "Changes of the site reach its host at {} no more",
            about.address
        ));
    }
    losses
}
