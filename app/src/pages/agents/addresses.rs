//! The site's DHCP server, and making this agent the DHCP server.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use model::agents::{AgentDetail, AgentRow, DhcpRole};

use crate::{
    components::{
        badge::ago,
        dialog::{ConfirmDialog, Deletion, Question},
        failure::FailureLine,
        icon::icon,
        live_resource::LiveResource,
        toast::Toasts,
    },
    server_fns::{self, Failure},
};

/// The card.
pub fn addresses(agent: LiveResource<AgentDetail>) -> AnyView {
    let state = agent.part(|agent| {
        let joined = agent.row.about.is_some();
        (agent.row.dhcp, joined, agent.giver.clone())
    });
    let force = Deletion::default();
    let body = reactive(move || {
        let (dhcp, joined, giver) = state.get();
        match (dhcp, giver) {
            (DhcpRole::Yes, _) => {
                view! { <p>"It gives out the site's addresses (DHCP)."</p> }.erase()
            }
            (DhcpRole::Ending, _) => view! {
                <p>"It still gives out the site's addresses, and was told to stop: another agent begins once it has said that it has."</p>
            }
            .erase(),
            (DhcpRole::Next, giver) => next(giver, force),
            (DhcpRole::No, _) if !joined => view! {
                <p class="muted">"It has not joined yet. The first agent of a site gives out its addresses."</p>
            }
            .erase(),
            (DhcpRole::No, giver) => moved(agent, giver),
        }
    });
    view! {
        <section class="card stack-tight">
            <h2 class="card-title">"Addresses"</h2>
            {body}
        </section>
        {confirmation(agent, force)}
    }
    .erase()
}

/// The DHCP server that the agent would replace.
fn from(giver: Option<AgentRow>) -> AnyView {
    match giver {
        Some(giver) => {
            let last_seen = giver.seen.map(ago);
            view! {
                <p><a class="link" href=giver.path()>{giver.name.to_string()}</a> " gives them out; it was last heard " {last_seen} "."</p>
            }
            .erase()
        }
        None => view! { <p>"No agent gives out the site's addresses."</p> }.erase(),
    }
}

fn moved(agent: LiveResource<AgentDetail>, giver: Option<AgentRow>) -> AnyView {
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let toasts = Toasts::here();
    let ask = move |_| {
        busy.set(true);
        failure.set(None);
        let (id, name) = agent.peek(|agent| (agent.row.id, agent.row.name.to_string()));
        spawn_local(async move {
            match server_fns::agents::give_addresses(id).await {
                Ok(()) => {
                    toasts.notify(format!(
                        "{name} gives out addresses as soon as nobody else does."
                    ));
                    agent.refresh();
                }
                Err(refusal) => {
                    failure.try_set(Some(refusal));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        {from(giver)}
        <p class="muted">"When they move here, the other agent stops first and says so; machines keep their addresses meanwhile."</p>
        <FailureLine failure />
        <div class="actions">
            <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(ask)>{icon("arrow-right")} "Have it give out addresses"</button>
        </div>
    }
    .erase()
}

fn next(giver: Option<AgentRow>, force: Deletion) -> AnyView {
    view! {
        <p>{icon("circle-dashed")} " It will give out addresses once the other agent has said that it has stopped."</p>
        {from(giver)}
        <p class="muted">"If that host is gone for good and will never answer, this one can begin without waiting."</p>
        <div class="actions">
            <button type="button" class="btn btn-danger" on:click=act(move |_| force.open.set(true))>{icon("triangle-alert")} "Begin without waiting"</button>
        </div>
    }
    .erase()
}

fn confirmation(agent: LiveResource<AgentDetail>, force: Deletion) -> AnyView {
    let name = agent.part(|agent| agent.row.name.to_string());
    let dangers = Signal::derive(move || {
        let giver = agent.with(|agent| agent.giver.as_ref().map(|giver| giver.name.to_string()));
        let giver = giver.unwrap_or_else(|| "the other agent".to_owned());
        vec![
            format!("Should {giver} still run, two hosts give out the same addresses."),
            "Two machines may then have one address, and neither is reached reliably.".to_owned(),
            format!("Make sure that {giver} is off, and stays off until it is in contact again."),
        ]
    });
    let toasts = Toasts::here();
    let take = Callback::new(move |typed: String| {
        let id = agent.peek(|agent| agent.row.id);
        spawn_local(async move {
            match server_fns::agents::take_addresses(id, typed).await {
                Ok(()) => {
                    toasts.notify(format!(
                        "{} gives out the site's addresses.",
                        name.get_untracked()
                    ));
                    force.busy.try_set(false);
                    force.open.try_set(false);
                    agent.refresh();
                }
                Err(failure) => {
                    force.busy.try_set(false);
                    force.failure.try_set(Some(failure));
                }
            }
        });
    });
    let question = Question {
        title: Signal::derive(move || format!("Have {} give out addresses now?", name.get())),
        lead: "This takes the addresses from a host that has not said that it stopped:",
        keep: Signal::stored("Go on waiting".to_owned()),
        go: Signal::stored("Begin without waiting".to_owned()),
        shape: "triangle-alert",
    };
    view! { <ConfirmDialog deletion=force name losses=dangers question delete=take /> }.erase()
}
