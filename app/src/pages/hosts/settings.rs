//! The DHCP server of the host's site, a new join token, and the deletion of the host.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use model::hosts::{HostDetail, HostRow, IssuedJoinToken};

use super::{
    dhcp::dhcp_card,
    join_token::{NewHost, join_instructions},
};
use crate::{
    components::{
        delete_card::{DeleteCard, delete_call, delete_card},
        failure::FailureLine,
        icon::icon,
        live_resource::LiveResource,
    },
    server_fns::{self, Failure},
};

/// The tab.
pub fn tab(host: LiveResource<HostDetail>) -> AnyView {
    let name = host.part(|host| host.row.name.to_string());
    view! { {dhcp_card(host)} {new_token(host)} {deletion(host, name)} }.erase()
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

fn deletion(host: LiveResource<HostDetail>, name: Memo<String>) -> AnyView {
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
