//! The site's DHCP server, and making this host the DHCP server.

use model::hosts::{DhcpRole, HostDetail, HostRow};

use crate::{
    components::dialog::{ConfirmDialog, ConfirmedAction, Question},
    pages::prelude::*,
};

pub fn dhcp_card(host: LiveResource<HostDetail>) -> AnyView {
    let state = host.part(|host| {
        let joined = host.row.facts.is_some();
        (host.row.dhcp, joined, host.dhcp_server.clone())
    });
    let force = ConfirmedAction::default();
    let body = reactive(move || {
        let (dhcp, joined, server) = state.get();
        let text = match (dhcp, server) {
            (DhcpRole::Next, server) => return pending_handover(server, force),
            (DhcpRole::No, server) if joined => return hand_over(host, server),
            (DhcpRole::No, Some(server)) => {
                return view! {
                    <p class="muted">"Not joined yet. " <a class="link" href=server.path()>{server.name.to_string()}</a> " is the DHCP server of the site."</p>
                }
                .erase();
            }
            (DhcpRole::No, None) => {
                return view! { <p class="muted">"Not joined yet. The first host of a site becomes its DHCP server."</p> }.erase();
            }
            (DhcpRole::Yes, _) => "This host is the DHCP server of the site.",
            (DhcpRole::Ending, _) => {
                "This host is the DHCP server until its agent has stopped DHCP. Then another host takes over."
            }
        };
        view! { <p>{text}</p> }.erase()
    });
    view! { {tight_card("DHCP server", body)} {confirmation(host, force)} }.erase()
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
    let action = Action::default();
    let toasts = Toasts::here();
    let send = move || {
        let (id, name) = host.peek(|host| (host.row.id, host.row.name.to_string()));
        action.send(server_fns::hosts::hand_over_dhcp(id), move |()| {
            toasts.notify(format!(
                "{name} takes over DHCP once the current server stops."
            ));
            host.refresh();
        });
    };
    view! {
        {current_server(server)}
        <p class="muted">"The current DHCP server stops first. Clients keep their leases meanwhile."</p>
        <FailureLine failure=action.failure />
        <div class="actions">{action.button("arrow-right", "Make this the DHCP server", send)}</div>
    }
    .erase()
}

fn pending_handover(server: Option<HostRow>, force: ConfirmedAction) -> AnyView {
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

fn confirmation(host: LiveResource<HostDetail>, force: ConfirmedAction) -> AnyView {
    let name = host.part(|host| host.row.name.to_string());
    let consequences = Signal::derive(move || {
        let server = host.with(|host| host.dhcp_server.as_ref().map(|row| row.name.to_string()));
        let server = server.unwrap_or_else(|| "the current DHCP server".to_owned());
        vec![
            format!("If {server} is still running, two hosts lease the same addresses."),
            "Two clients can then get the same address and lose their connections.".to_owned(),
            format!("Make sure that {server} is switched off."),
        ]
    });
    let toasts = Toasts::here();
    let take_over = Callback::new(move |typed: String| {
        let id = host.peek(|host| host.row.id);
        force.send(server_fns::hosts::force_dhcp(id, typed), move |()| {
            let name = name.get_untracked();
            toasts.notify(format!("{name} is the DHCP server of the site."));
            host.refresh();
        });
    });
    let question = Question {
        title: Signal::derive(move || format!("Take over DHCP on {} now?", name.get())),
        lead: "The current DHCP server has not confirmed that it stopped.",
        cancel_label: Signal::stored("Keep waiting".to_owned()),
        confirm_label: Signal::stored("Take over now".to_owned()),
        icon_name: "triangle-alert",
    };
    view! { <ConfirmDialog action=force name consequences question on_confirm=take_over /> }.erase()
}
