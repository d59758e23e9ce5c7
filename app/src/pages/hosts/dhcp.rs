//! The site's DHCP server, and making this host the DHCP server.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use model::hosts::{DhcpRole, HostDetail, HostRow};

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
pub fn dhcp_card(host: LiveResource<HostDetail>) -> AnyView {
    let state = host.part(|host| {
        let joined = host.row.facts.is_some();
        (host.row.dhcp, joined, host.dhcp_server.clone())
    });
    let force = Deletion::default();
    let body = reactive(move || {
        let (dhcp, joined, server) = state.get();
        match (dhcp, server) {
            (DhcpRole::Yes, _) => {
                view! { <p>"This host is the DHCP server of the site."</p> }.erase()
            }
            (DhcpRole::Ending, _) => view! {
                <p>"This host is the DHCP server until its agent has stopped DHCP. Then another host takes over."</p>
            }
            .erase(),
            (DhcpRole::Next, server) => next(server, force),
            (DhcpRole::No, _) if !joined => view! {
                <p class="muted">"Not joined yet. The first host of a site becomes its DHCP server."</p>
            }
            .erase(),
            (DhcpRole::No, server) => hand_over(host, server),
        }
    });
    view! {
        <section class="card stack-tight">
            <h2 class="card-title">"DHCP server"</h2>
            {body}
        </section>
        {confirmation(host, force)}
    }
    .erase()
}

/// The DHCP server that the host would replace.
fn current_server(server: Option<HostRow>) -> AnyView {
    match server {
        Some(server) => {
            let last_seen = server.last_seen.map(ago);
            view! {
                <p><a class="link" href=server.path()>{server.name.to_string()}</a> " is the DHCP server, last seen " {last_seen} "."</p>
            }
            .erase()
        }
        None => view! { <p>"The site has no DHCP server."</p> }.erase(),
    }
}

fn hand_over(host: LiveResource<HostDetail>, server: Option<HostRow>) -> AnyView {
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let toasts = Toasts::here();
    let ask = move |_| {
        busy.set(true);
        failure.set(None);
        let (id, name) = host.peek(|host| (host.row.id, host.row.name.to_string()));
        spawn_local(async move {
            match server_fns::hosts::hand_over_dhcp(id).await {
                Ok(()) => {
                    toasts.notify(format!(
                        "{name} takes over DHCP once the current server stops."
                    ));
                    host.refresh();
                }
                Err(refusal) => {
                    failure.try_set(Some(refusal));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        {current_server(server)}
        <p class="muted">"The current DHCP server stops first. Clients keep their leases meanwhile."</p>
        <FailureLine failure />
        <div class="actions">
            <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(ask)>{icon("arrow-right")} "Make this the DHCP server"</button>
        </div>
    }
    .erase()
}

fn next(server: Option<HostRow>, force: Deletion) -> AnyView {
    view! {
        <p>{icon("circle-dashed")} " This host takes over DHCP once the current server stops."</p>
        {current_server(server)}
        <p class="muted">"If that host will never return, take over now."</p>
        <div class="actions">
            <button type="button" class="btn btn-danger" on:click=act(move |_| force.open.set(true))>{icon("triangle-alert")} "Take over now"</button>
        </div>
    }
    .erase()
}

fn confirmation(host: LiveResource<HostDetail>, force: Deletion) -> AnyView {
    let name = host.part(|host| host.row.name.to_string());
    let dangers = Signal::derive(move || {
        let server = host.with(|host| {
            host.dhcp_server
                .as_ref()
                .map(|server| server.name.to_string())
        });
        let server = server.unwrap_or_else(|| "the current DHCP server".to_owned());
        vec![
            format!("If {server} is still running, two hosts lease the same addresses."),
            "Two clients can then get the same address and lose their connections.".to_owned(),
            format!("Make sure that {server} is switched off."),
        ]
    });
    let toasts = Toasts::here();
    let take = Callback::new(move |typed: String| {
        let id = host.peek(|host| host.row.id);
        spawn_local(async move {
            match server_fns::hosts::force_dhcp(id, typed).await {
                Ok(()) => {
                    toasts.notify(format!(
                        "{} is the DHCP server of the site.",
                        name.get_untracked()
                    ));
                    force.busy.try_set(false);
                    force.open.try_set(false);
                    host.refresh();
                }
                Err(failure) => {
                    force.busy.try_set(false);
                    force.failure.try_set(Some(failure));
                }
            }
        });
    });
    let question = Question {
        title: Signal::derive(move || format!("Take over DHCP on {} now?", name.get())),
        lead: "The current DHCP server has not confirmed that it stopped:",
        keep: Signal::stored("Keep waiting".to_owned()),
        go: Signal::stored("Take over now".to_owned()),
        shape: "triangle-alert",
    };
    view! { <ConfirmDialog deletion=force name losses=dangers question delete=take /> }.erase()
}
